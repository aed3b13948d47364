"""Sending codes by SMS: a row waits, a worker claims it, gives it a fresh code, and asks the gateway with no transaction open.

A worker that dies in between leaves a lease, after which the sweep sends another code; the one of before stops working. When
nobody knows whether an SMS left, it is not sent again: whoever waits asks for another one.
"""

from __future__ import annotations

import datetime as dt
import uuid
from enum import Enum

import structlog
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.enums import ProofPurpose
from accounts.models import Proof
from accounts.services import proofs, sms_gateway
from accounts.services.sms_gateway import MaybeSent, NotSent
from namaskah.lib import queueing, sealing

log = structlog.get_logger(__name__)

SEND_TASK = "accounts.send_code"
PURPOSES = (ProofPurpose.SECOND_FACTOR, ProofPurpose.CONFIRM_PHONE)
LEASE = dt.timedelta(seconds=30)  # longer than the gateway's time-outs together
RETRY_AFTER = dt.timedelta(seconds=5)
MOST_TRIES = 3
SWEEP_ROWS = 50


class Outcome(Enum):
    """How one try ended."""

    SENT = "sent"
    NOT_DUE = "not due"  # somebody else has it, or it is over
    LATER = "later"
    GIVEN_UP = "given up"
    UNKNOWN = "unknown"


def enqueue(proof: Proof) -> None:
    """Let a worker send it once the open transaction has committed."""
    queueing.enqueue(SEND_TASK, str(proof.pk))


def send(proof_id: uuid.UUID) -> Outcome:
    """Send one code that is due, unless somebody else is at it."""
    claimed = _claim(proof_id)
    if claimed is None:
        return Outcome.NOT_DUE
    proof, code = claimed
    try:
        to = proofs.payload_of(proof)["phone"]
        sms_gateway.send(to=to, text=_text(code), secrets=(code,))
    except NotSent as error:
        outcome = _not_sent(proof, error)
    except MaybeSent as error:
        log.warning("SMS perhaps sent", proof=str(proof_id), error=str(error))
        outcome = _close(proof, Outcome.UNKNOWN)
    except sealing.CannotUnseal:
        log.error("Telephone number cannot be unsealed", proof=str(proof_id))
        outcome = _close(proof, Outcome.GIVEN_UP)
    else:
        log.info("SMS sent", proof=str(proof_id), purpose=proof.purpose)
        outcome = _close(proof, Outcome.SENT)
    return outcome


def send_due(*, limit: int = SWEEP_ROWS) -> int:
    """Send what no task has sent, and forget what is too old to be waited for."""
    now = timezone.now()
    waiting = Proof.objects.filter(purpose__in=PURPOSES, due_at__lte=now)
    waiting.filter(expires_at__lte=now).update(due_at=None)
    due = waiting.filter(expires_at__gt=now, used_at=None).order_by("due_at")
    return sum(send(proof_id) is Outcome.SENT for proof_id in list(due.values_list("pk", flat=True)[:limit]))


def _claim(proof_id: uuid.UUID) -> tuple[Proof, str] | None:
    """Take the row for the time of a lease and give it a code. Committed before the gateway is asked."""
    now = timezone.now()
    with transaction.atomic():
        proof = _lock(proof_id)
        if proof is None or proof.due_at is None or proof.due_at > now:
            return None
        if proof.used_at is not None or proof.expires_at <= now or proof.sends >= MOST_TRIES:
            _close(proof, Outcome.GIVEN_UP)
            return None
        code = proofs.arm(proof).code
        proof.due_at = now + LEASE
        proof.save(update_fields=["due_at"])
    return proof, code


def _lock(proof_id: uuid.UUID) -> Proof | None:
    return Proof.objects.select_for_update().filter(pk=proof_id, purpose__in=PURPOSES).first()


def _not_sent(proof: Proof, error: NotSent) -> Outcome:
    log.warning("SMS not sent", proof=str(proof.pk), tries=proof.sends, error=str(error))
    if not error.may_help or proof.sends >= MOST_TRIES:
        return _close(proof, Outcome.GIVEN_UP)
    _unused(proof).update(due_at=timezone.now() + RETRY_AFTER)
    return Outcome.LATER


def _close(proof: Proof, outcome: Outcome) -> Outcome:
    """Only what this worker claimed: a slow one must not take the lease of another."""
    _unused(proof).update(due_at=None)
    return outcome


def _unused(proof: Proof) -> QuerySet[Proof]:
    return Proof.objects.filter(pk=proof.pk, sends=proof.sends)


def _text(code: str) -> str:
    """One SMS: 160 characters of the GSM alphabet."""
    return _("%(code)s is your Namaskah SMS code. It is valid for 10 minutes. Never pass it on.") % {
        "code": code
    }
