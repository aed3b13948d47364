"""What of orders and providers waits for a person, for the console's start page."""

from __future__ import annotations

import datetime as dt

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from namaskah.lib.console import COUNTED_AT_MOST, Waiting
from verifications.enums import Outcome
from verifications.models import Attempt, Provider, StrayOrder
from verifications.services import health

SETTLES_ITSELF = dt.timedelta(minutes=10)  # a purchase in doubt usually takes seconds


def waiting() -> list[Waiting]:
    """What needs a person today: three queries and one look at the breakers."""
    attempts = reverse("admin:verifications_attempt_changelist")
    providers = reverse("admin:verifications_provider_changelist")
    strays = reverse("admin:verifications_strayorder_changelist")
    doubtful = Attempt.objects.filter(
        outcome=Outcome.DOUBTFUL, started_at__lt=timezone.now() - SETTLES_ITSELF
    )
    in_use = list(Provider.objects.filter(is_enabled=True).values_list("slug", "is_low_on_balance"))
    states = health.states([slug for slug, _low in in_use])
    broken = sum(state != health.State.CLOSED for state in states.values())
    low = sum(is_low for _slug, is_low in in_use)
    see = "verifications.view_provider"
    return [
        Waiting(_("Purchases in doubt"), _count(doubtful), f"{attempts}?outcome__exact=doubtful",
                "verifications.view_attempt", True, _("For more than ten minutes.")),
        Waiting(_("Orders at a provider that are nobody's"), _count(StrayOrder.objects.filter(resolution="")),
                f"{strays}?resolution__exact=", "verifications.view_strayorder"),
        Waiting(_("Providers that do not answer"), broken, providers, see, True),
        Waiting(_("Providers low on balance"), low, f"{providers}?is_low_on_balance__exact=1", see, True,
                _("No orders go there.")),
    ]  # fmt: skip


def _count(rows: QuerySet[Attempt] | QuerySet[StrayOrder]) -> int:
    return rows.order_by()[: COUNTED_AT_MOST + 1].count()
