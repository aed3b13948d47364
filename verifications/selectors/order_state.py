"""What an order's page says: the state in words, what happens to the money, and what can be done now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from namaskah.lib.money import format_money
from verifications.enums import Failure, Outcome, Status, Step, Visibility
from verifications.models import HistoryEntry, Message, Verification
from verifications.selectors.verifications import shown_messages
from verifications.services.finishing import can_ask_again

_MONEY = {Step.ORDERED: "held", Step.CAPTURED: "charged", Step.RELEASED: "returned"}
# What a customer has no use for: which network was asked, and what was said to it afterwards.
_HIDDEN_STEPS = (Step.HIDDEN_MESSAGE, Step.UPSTREAM_CLOSED, Step.NOT_BOUGHT, Step.CODE_READY)


@dataclass(frozen=True, slots=True)
class ShownMessage:
    sender: str
    text: str
    code: str
    received_at: dt.datetime
    is_late: bool


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    at: dt.datetime
    label: str
    money: str


@dataclass(frozen=True, slots=True)
class OrderState:
    """Everything the live page shows; times are aware UTC and `now` is the server's."""

    status: str
    label: str
    sentence: str
    is_open: bool
    is_cancelling: bool
    deadline: dt.datetime | None
    now: dt.datetime
    can_cancel: bool
    cancel_at: dt.datetime | None
    can_another_sms: bool
    can_finish: bool
    show_number: bool
    phone_number: str
    code: str
    messages: list[ShownMessage]
    forgotten_at: dt.datetime | None  # when texts, codes and most of the number were deleted
    timeline: list[TimelineEntry]
    price: str
    currency: str


def order_state(order: Verification) -> OrderState:
    """Build the page's state from an order loaded with its attempt and provider: two queries."""
    now = timezone.now()
    messages = list(shown_messages(order))
    status = Status(order.status)
    waits_first = status == Status.WAITING and order.received_at is None
    return OrderState(
        status=order.shown_status,
        label=_("Cancelling") if order.is_cancelling else str(status.label),
        sentence=_sentence(order, messages, now),
        is_open=order.is_open,
        is_cancelling=order.is_cancelling,
        deadline=order.expires_at if order.is_open else None,
        now=now,
        can_cancel=waits_first and order.cancel_requested_at is None,
        cancel_at=order.cancellable_at
        if waits_first and order.cancellable_at and order.cancellable_at > now
        else None,
        can_another_sms=status == Status.RECEIVED and _can_resend(order),
        can_finish=order.is_open and order.received_at is not None,
        show_number=bool(order.shown_number),
        phone_number=order.phone_number,
        code=order.code,
        messages=[] if order.messages_removed_at else [_shown(message) for message in messages],
        forgotten_at=order.messages_removed_at,
        timeline=_timeline(order),
        price=str(order.price),
        currency=order.currency,
    )


def _sentence(order: Verification, messages: list[Message], now: dt.datetime) -> str:
    price = format_money(order.price, order.currency)
    if order.is_cancelling:
        return _cancelling_sentence(order, price, now)
    match Status(order.status):
        case Status.ORDERING if _is_doubtful(order):
            return _(
                "The network has not answered yet, so we are checking with it. "
                "%(price)s is held and returns if there is no number."
            ) % {"price": price}
        case Status.ORDERING:
            return _("Getting your number. %(price)s is held; it is charged only when a code arrives.") % {
                "price": price
            }
        case Status.WAITING if order.received_at is not None:
            return _("Waiting for another SMS on the same number, free of charge.")
        case Status.WAITING:
            return _(
                "Waiting for the code. If none comes by %(time)s, %(price)s returns to your wallet by itself."
            ) % {
                "time": _clock(order.expires_at),
                "price": price,
            }
        case Status.RECEIVED:
            return _("The code is here. %(price)s was charged.") % {"price": price}
        case Status.COMPLETED:
            return _("Finished. %(price)s was charged.") % {"price": price}
        case Status.CANCELLED:
            return _("Cancelled. %(price)s is back in your wallet.") % {"price": price}
        case Status.EXPIRED if messages:
            return _(
                "The SMS came after the time was up, so it is free. %(price)s is back in your wallet."
            ) % {"price": price}
        case Status.EXPIRED:
            return _("No code came in time. %(price)s is back in your wallet.") % {"price": price}
        case Status.FAILED:
            return str(Failure(order.failure_code).label)


def _cancelling_sentence(order: Verification, price: str, now: dt.datetime) -> str:
    if order.cancellable_at is not None and order.cancellable_at > now:
        return _(
            "The network takes a number back from %(time)s on. Then %(price)s returns to your wallet by itself; "
            "if a code comes before, you get the code."
        ) % {
            "time": _clock(order.cancellable_at, seconds=True),
            "price": price,
        }
    return _("The network is confirming. %(price)s returns to your wallet by itself in a moment.") % {
        "price": price
    }


def _timeline(order: Verification) -> list[TimelineEntry]:
    entries = _once(HistoryEntry.objects.filter(verification=order).exclude(step__in=_HIDDEN_STEPS))
    price = format_money(order.price, order.currency)
    words = {
        "held": _("%(price)s held"),
        "charged": _("%(price)s charged"),
        "returned": _("%(price)s returned"),
    }
    return [
        TimelineEntry(
            entry.at,
            str(Step(entry.step).label),
            words[_MONEY[step]] % {"price": price} if step in _MONEY else "",
        )
        for entry in entries
        if (step := Step(entry.step))
    ]


def _once(entries: Iterable[HistoryEntry]) -> Iterator[HistoryEntry]:
    """Leave out what repeats: how often networks were tried before one sold is not the customer's concern."""
    seen: set[str] = set()
    for entry in entries:
        if entry.step in {Step.ATTEMPTED, Step.REFUSED} and entry.step in seen:
            continue
        seen.add(entry.step)
        yield entry


def _shown(message: Message) -> ShownMessage:
    return ShownMessage(
        message.sender, message.text, message.code, message.received_at, message.visibility == Visibility.LATE
    )


def _can_resend(order: Verification) -> bool:
    attempt = order.attempt
    return attempt is not None and attempt.can_resend and can_ask_again(attempt.provider)


def _is_doubtful(order: Verification) -> bool:
    return order.attempts.filter(outcome=Outcome.DOUBTFUL).exists()


def _clock(at: dt.datetime | None, *, seconds: bool = False) -> str:
    if at is None:
        return "…"
    local = timezone.localtime(at)
    return f"{date_format(local, 'H:i:s' if seconds else 'H:i')} {settings.TIME_ZONE}"
