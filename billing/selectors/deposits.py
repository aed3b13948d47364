"""Reading deposits: one customer's own, never anybody else's."""

from __future__ import annotations

import uuid

from django.db.models import QuerySet

from billing.enums import DepositPurpose
from billing.models import Deposit
from namaskah.lib.keyset import Page, page


def owned(user_id: int) -> QuerySet[Deposit]:
    """A customer's deposits, newest first."""
    return Deposit.objects.filter(user_id=user_id).order_by("-created_at", "-pk")


def owned_or_none(user_id: int, deposit_id: uuid.UUID) -> Deposit | None:
    """One deposit if it is this customer's."""
    return owned(user_id).filter(pk=deposit_id).first()


def by_reference(user_id: int, reference: str) -> Deposit | None:
    """The deposit of a reference if it is this customer's."""
    known = owned(user_id).filter(reference=reference) if reference and "\x00" not in reference else None
    return known.first() if known is not None else None


def last_begun(user_id: int) -> Deposit | None:
    """The newest deposit that has a checkout of its own."""
    return owned(user_id).filter(purpose=DepositPurpose.TOP_UP).first()


def deposit_page(user_id: int, *, older: str = "", newer: str = "") -> Page[Deposit]:
    """A page of a customer's deposits, with the disputes that say whether a bank wants one back."""
    return page(owned(user_id).prefetch_related("disputes"), older=older, newer=newer)
