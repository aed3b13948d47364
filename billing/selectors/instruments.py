"""What pages and services read of saved cards, automatic top-up and bank account numbers."""

from __future__ import annotations

import datetime as dt

from django.db.models import F, Q, QuerySet, Sum
from django.utils import timezone

from accounts.enums import AccountState
from billing.enums import DepositPurpose, DepositStatus
from billing.models import AutoTopUp, DedicatedAccount, Deposit, SavedCard

# A charge that may still come, or has come: it uses up the month.
COUNTED = (
    DepositStatus.CREATED,
    DepositStatus.PENDING,
    DepositStatus.PROCESSING,
    DepositStatus.SUCCEEDED,
    DepositStatus.NEEDS_REVIEW,
    DepositStatus.REVERSED,
)


def cards_of(user_id: int) -> QuerySet[SavedCard]:
    """The cards a customer can be charged by, the newest first."""
    return SavedCard.objects.filter(user_id=user_id, removed_at__isnull=True).order_by("-created_at", "-pk")


def auto_top_up_of(user_id: int) -> AutoTopUp | None:
    """A customer's standing order with its card and the charge under way, whether it is on or off."""
    return AutoTopUp.objects.filter(user_id=user_id).select_related("card", "attempt").first()


def orders_due(now: dt.datetime) -> QuerySet[AutoTopUp]:
    """Standing orders that need something: a wallet below its threshold, or a charge whose outcome is awaited.

    Walks the partial index of what is due and looks up one wallet for each, so it costs with customers who use automatic
    top-up and not with customers.
    """
    spendable = (
        F("user__wallet__credits_posted")
        - F("user__wallet__debits_posted")
        - F("user__wallet__debits_pending")
    )
    is_below = Q(is_on=True, user__state=AccountState.ACTIVE, available__lt=F("threshold"))
    return (
        AutoTopUp.objects.filter(next_try_at__lte=now)
        .alias(available=spendable)
        .filter(is_below | Q(attempt__isnull=False))
        .order_by("next_try_at")
    )


def month_of(now: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    """The first moment of this calendar month and of the next one, UTC."""
    first = now.astimezone(dt.UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return first, (first + dt.timedelta(days=32)).replace(day=1)


def charged_this_month(user_id: int, currency: str, *, now: dt.datetime | None = None) -> int:
    """What automatic top-up has taken this calendar month, in subunits; a charge that is still open counts in full."""
    first, _ = month_of(now or timezone.now())
    counted = Deposit.objects.filter(
        user_id=user_id,
        purpose=DepositPurpose.AUTO,
        charge_currency=currency,
        status__in=COUNTED,
        created_at__gte=first,
    )
    total: int = counted.aggregate(total=Sum("amount_subunits"))["total"] or 0
    return total


def dedicated_account_of(user_id: int) -> DedicatedAccount | None:
    """A customer's bank account number, asked for, refused or working."""
    return DedicatedAccount.objects.filter(user_id=user_id).first()
