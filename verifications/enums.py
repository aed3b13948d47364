"""The words of this app, as stored."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Status(models.TextChoices):
    """A verification's state; `states.py` says which may follow which."""

    ORDERING = "ordering", _("Getting a number")
    WAITING = "waiting", _("Waiting for the code")
    RECEIVED = "received", _("Code received")
    COMPLETED = "completed", _("Completed")
    CANCELLED = "cancelled", _("Cancelled")
    EXPIRED = "expired", _("Expired")
    FAILED = "failed", _("Failed")


class Outcome(models.TextChoices):
    """What became of one try to buy."""

    CALLING = "calling", _("Call in progress")
    BOUGHT = "bought", _("Bought")
    REFUSED = "refused", _("Refused")
    DOUBTFUL = "doubtful", _("In doubt")
    NOT_BOUGHT = "not_bought", _("Settled: not bought")


class Closing(models.TextChoices):
    """What is to be told to the provider about an order there, and whether it was."""

    OPEN = "open", _("Open")
    CANCEL_DUE = "cancel_due", _("Cancel due")
    FINISH_DUE = "finish_due", _("Finish due")
    CLOSED = "closed", _("Closed")
    ABANDONED = "abandoned", _("Could not be closed")


class Visibility(models.TextChoices):
    """Who may see a message."""

    SHOWN = "shown", _("Shown")
    LATE = "late", _("Late, shown free of charge")
    STAFF = "staff", _("Staff only: after the customer's cancel")
    STALE = "stale", _("Staff only: older than the purchase")


class Failure(models.TextChoices):
    """Why a verification failed, as the customer reads it."""

    NO_NUMBERS = (
        "no_numbers",
        _("No number is free for this service and country right now. Nothing was charged."),
    )
    PRICE_CHANGED = (
        "price_changed",
        _("The price rose before the number could be bought. Nothing was charged."),
    )
    PROVIDER_UNAVAILABLE = "provider_unavailable", _("The network could not be reached. Nothing was charged.")
    NOT_CONFIRMED = "not_confirmed", _("The network did not confirm the number in time. Nothing was charged.")


class Step(models.TextChoices):
    """Entries of an order's history."""

    ORDERED = "ordered", _("Ordered, price held")
    ATTEMPTED = "attempted", _("Asked a network for a number")
    REFUSED = "refused", _("The network had none; trying another")
    DOUBTFUL = "doubtful", _("The network did not answer; checking with it")
    BOUGHT = "bought", _("Number assigned")
    ADOPTED = "adopted", _("Number confirmed after checking")
    NOT_BOUGHT = "not_bought", _("The network confirmed no number was sold")
    MESSAGE = "message", _("SMS received")
    LATE_MESSAGE = "late_message", _("SMS arrived after the end, shown free of charge")
    HIDDEN_MESSAGE = "hidden_message", _("SMS kept for support")
    CODE_READY = "code_ready", _("Code ready")
    CAPTURED = "captured", _("Price charged")
    RELEASED = "released", _("Money returned")
    ANOTHER_SMS = "another_sms", _("Another SMS requested")
    CANCEL_REQUESTED = "cancel_requested", _("Cancel requested")
    CANCELLED = "cancelled", _("Cancelled")
    EXPIRED = "expired", _("Time ran out")
    COMPLETED = "completed", _("Finished")
    FAILED = "failed", _("Failed")
    UPSTREAM_CLOSED = "upstream_closed", _("Closed with the network")
    STAFF = "staff", _("Handled by support")
