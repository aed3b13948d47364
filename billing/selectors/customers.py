"""Whose money a row is about, for the audit trail."""

from __future__ import annotations

import uuid

from django.db.models import Model

from billing.models import Approval, Deposit, Refund, Transfer


def customer_of(row: Model) -> int | None:
    """The customer that a row of ours is about; None for what is nobody's, such as an exchange rate."""
    if isinstance(row, Transfer):
        return row.credit_account.user_id or row.debit_account.user_id
    if isinstance(row, Approval):
        return _of_subject(row.subject)
    user_id: int | None = getattr(row, "user_id", None)
    return user_id


def _of_subject(subject: str) -> int | None:
    """Of what a second member of staff is asked about, as `deposit:<id>`."""
    kind, _separator, key = subject.partition(":")
    if kind == "user":
        return int(key)
    model = {"deposit": Deposit, "refund": Refund}.get(kind)
    if model is None:
        return None
    return model._base_manager.filter(pk=uuid.UUID(key)).values_list("user_id", flat=True).first()
