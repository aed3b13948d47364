"""What of money waits for a person: counts for the console's start page, each by its index and none beyond a limit."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.services import disputes, exchange_rates
from namaskah.lib.console import COUNTED_AT_MOST, Waiting

# Each line is a partial or leading part of an index of its table.
SOURCES = {
    "review": "billing_deposit WHERE status = 'needs_review'",
    "refunds": "billing_refund WHERE status = 'requested'",
    "lost": "billing_refund WHERE status = 'sent' AND paystack_id IS NULL AND sent_at <= %(lost_before)s",
    "disputes": "billing_dispute WHERE outcome = 'open' AND answered_at IS NULL",
    "due": "billing_dispute WHERE outcome = 'open' AND answered_at IS NULL AND due_at <= %(due_before)s",
    "days": "billing_reconciledday WHERE closed_at IS NULL AND open_differences > 0",
    "approvals": "billing_approval WHERE decided_at IS NULL",
    "unknown": "billing_webhookevent WHERE state = 'unknown' AND received_at > %(recent)s",
    "failed": "billing_webhookevent WHERE state = 'failed'",
    "emails": "accounts_outgoingemail WHERE given_up_at IS NOT NULL AND given_up_at > %(recent)s",
}
COUNTS = "SELECT " + ", ".join(  # noqa: S608 - constants only
    f"(SELECT count(*) FROM (SELECT FROM {source} LIMIT {COUNTED_AT_MOST + 1}) AS {name})"  # noqa: S608
    for name, source in SOURCES.items()
)
RECENT = dt.timedelta(days=7)


def waiting() -> list[Waiting]:
    """What needs a person today, in two queries."""
    counts = _counts(timezone.now())
    review, webhooks = _list("deposit", "status__exact=needs_review"), _list("webhookevent")
    return [
        Waiting(_("Money to decide about"), counts["review"], review, "billing.view_deposit", True,
                _("Paid, and not what was asked for.")),
        Waiting(_("Refunds to decide"), counts["refunds"], _list("refund", "status__exact=requested"),
                "billing.view_refund"),
        Waiting(_("Refunds without an answer"), counts["lost"], _list("refund", "answer=lost"), "billing.view_refund",
                True, _("Look in Paystack's dashboard, then decide.")),
        Waiting(_("Disputes to answer"), counts["disputes"], _list("dispute", "outcome__exact=open"),
                "billing.view_dispute", counts["due"] > 0, _due(counts["due"])),
        Waiting(_("Approvals by a second person"), counts["approvals"], _list("approval", "decision=pending"),
                "billing.view_approval"),
        Waiting(_("Days that do not add up"), counts["days"], _list("reconciledday", "state=different"),
                "billing.view_reconciledday", True),
        Waiting(_("Failed webhooks"), counts["failed"], f"{webhooks}?state__exact=failed", "billing.view_webhookevent"),
        Waiting(_("Unknown webhooks of 7 days"), counts["unknown"], f"{webhooks}?state__exact=unknown",
                "billing.view_webhookevent", False, _("Paystack says something new.")),
        _rate(),
        Waiting(_("E-mails given up in 7 days"), counts["emails"],
                reverse("admin:accounts_outgoingemail_changelist") + "?given_up_at__isempty=0",
                "accounts.view_outgoingemail"),
    ]  # fmt: skip


def _counts(now: dt.datetime) -> dict[str, int]:
    values = {
        "lost_before": now - dt.timedelta(seconds=settings.REFUND_MATCH_S),
        "due_before": now + disputes.ALARM,
        "recent": now - RECENT,
    }
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, values)
        row = cursor.fetchone()
    return dict(zip(SOURCES, row, strict=True))


def _rate() -> Waiting:
    rate = exchange_rates.current()
    is_old = rate is None or exchange_rates.is_stale(rate)
    label = gettext_lazy("No exchange rate") if rate is None else gettext_lazy("Exchange rate too old")
    return Waiting(
        label if is_old else gettext_lazy("Exchange rate"),
        int(is_old),
        _list("exchangerate"),
        "billing.view_exchangerate",
        is_old,
        _("Top-ups are paused until there is a new one.") if is_old else "",
    )


def _due(count: int) -> str:
    return _("%(count)d due within 4 hours.") % {"count": count} if count else ""


def _list(model: str, query: str = "") -> str:
    address = reverse(f"admin:billing_{model}_changelist")
    return f"{address}?{query}" if query else address
