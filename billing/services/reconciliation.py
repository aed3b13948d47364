"""Compares our books with Paystack's, day by day (UTC) and currency by currency.

Three nets hang under the webhook: the sweep of open deposits, this comparison of lists, and the books themselves. This one finds
what the first has missed, books it through the code that books every payment, and names what is left, one thing at a time.
Two runs at once find the same and change nothing twice.

Source: docs/providers/paystack.md, reconciliation; docs/decisions/0004-paystack.md
"""

from __future__ import annotations

import datetime as dt

import structlog
from django.conf import settings
from django.db.models import Max
from django.utils import timezone

from billing.models import ReconciledDay
from billing.services import (
    reconciled_days,
    reconciliation_clearing,
    reconciliation_figures,
    reconciliation_sums,
    settlements,
)
from billing.services import reconciliation_payments as payments
from billing.services import reconciliation_returns as returns
from billing.services import reconciliation_sides as sides
from billing.services.reconciliation_sides import FarSide, Finding

log = structlog.get_logger(__name__)

OVERLAP = dt.timedelta(hours=2)
SETTLED_LATER = dt.timedelta(days=7)  # how far back a settlement may change after its day


def run(*, since: dt.date, until: dt.date) -> list[ReconciledDay]:
    """Compare whole days, the last one as far as it has come.

    Whole days, because a day's sums need all of its lists; a run that began in its middle could only add to them.

    Args:
        since: The first day.
        until: The last day, included.

    Raises:
        PaystackError: A list could not be read to its end; nothing was written then.
    """
    ran_at = timezone.now()
    end = min(sides.start_of(until + dt.timedelta(days=1)), ran_at - sides.FRESH)
    far = sides.read(sides.start_of(since), max(end, sides.start_of(since)))
    settled = settlements.fetch(since=far.since - SETTLED_LATER, until=ran_at)
    found = payments.findings(far) + returns.refund_findings(far) + returns.dispute_findings(far)
    found += returns.settlement_findings(settled, far)
    days = [since + dt.timedelta(days=number) for number in range((until - since).days + 1)]
    rows = [row for day in days for row in _write_day(day, far, found, ran_at)]
    log.info(
        "Reconciled",
        since=since.isoformat(),
        until=until.isoformat(),
        payments=len(far.payments),
        open_differences=sum(row.open_differences for row in rows),
    )
    return rows


def run_recent() -> list[ReconciledDay]:
    """Compare from two hours before the last run on, so that a stopped scheduler leaves no gap.

    Raises:
        PaystackError: A list could not be read.
    """
    high_water = ReconciledDay.objects.aggregate(last=Max("ran_at"))["last"] or timezone.now()
    since = (high_water - OVERLAP).astimezone(dt.UTC).date()
    return run(since=max(since, _first_day()), until=sides.today())


def run_days() -> list[ReconciledDay]:
    """Compare the last `RECONCILE_DAYS` days again: late webhooks, late successes, settlements that have come.

    Raises:
        PaystackError: A list could not be read.
    """
    return run(since=_first_day(), until=sides.today())


def run_day(day: dt.date) -> list[ReconciledDay]:
    """Compare one day.

    Raises:
        PaystackError: A list could not be read.
    """
    return run(since=day, until=day)


def _first_day() -> dt.date:
    return sides.today() - dt.timedelta(days=settings.RECONCILE_DAYS)


def _write_day(day: dt.date, far: FarSide, found: list[Finding], ran_at: dt.datetime) -> list[ReconciledDay]:
    """Write a day in each currency that either side, an earlier run or our settings know."""
    kept = ReconciledDay.objects.filter(day=day).values_list("currency", flat=True)
    currencies = {settings.PAYSTACK_CURRENCY, *kept, *reconciliation_figures.currencies(day, far)}
    of_day = [finding for finding in found if finding.at.astimezone(dt.UTC).date() == day]
    currencies |= {finding.currency for finding in of_day}
    return [_write_currency(day, currency, far, of_day, ran_at) for currency in sorted(currencies)]


def _write_currency(
    day: dt.date, currency: str, far: FarSide, of_day: list[Finding], ran_at: dt.datetime
) -> ReconciledDay:
    figures = reconciliation_figures.of_day(day, currency, far)
    found = [finding for finding in of_day if finding.currency == currency]
    found += reconciliation_clearing.findings(day, currency)
    found += reconciliation_sums.unnamed(day, currency, figures, found)
    return reconciled_days.write(day, currency, figures, found, ran_at)
