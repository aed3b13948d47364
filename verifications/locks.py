"""Row locks. Always in this order: verification, then attempt, then ledger account, then the event log."""

from __future__ import annotations

import uuid

from namaskah.lib import rows
from verifications.models import Attempt, Verification


def verification(verification_id: uuid.UUID) -> Verification:
    """Lock one verification until the transaction ends; every change of its state happens behind this lock.

    Raises:
        Verification.DoesNotExist: There is none.
    """
    locked = _lock("id = %s", verification_id)
    if locked is None:
        raise Verification.DoesNotExist(verification_id)
    return locked


def attempt(attempt: Attempt | uuid.UUID) -> tuple[Verification, Attempt]:
    """Lock an attempt's verification and then read the attempt, which nothing changes without that lock.

    The poller's `next_check_at` and the closing lease are the two exceptions: both are hints with their own WHERE.

    Raises:
        Attempt.DoesNotExist: There is none.
    """
    attempt_id = attempt.pk if isinstance(attempt, Attempt) else attempt
    locked = _lock("id = (SELECT verification_id FROM verifications_attempt WHERE id = %s)", attempt_id)
    fresh = rows.get(Attempt, "id = %s", [attempt_id])
    if locked is None or fresh is None:
        raise Attempt.DoesNotExist(attempt_id)
    if isinstance(attempt, Attempt) and Attempt.provider.is_cached(attempt):
        fresh.provider = attempt.provider
    return locked, fresh


def bought_attempt(verification: Verification) -> Attempt:
    """The attempt that bought the number of an order that is past `ordering`; a CHECK says there is one."""
    assert verification.attempt_id is not None
    return Attempt.objects.select_related("provider").get(pk=verification.attempt_id)


def _lock(where: str, key: uuid.UUID) -> Verification | None:
    return rows.get(Verification, f"{where} FOR UPDATE", [key])
