"""Celery tasks: load by id, call a service. Each may run twice and any may be lost; the sweep catches up."""

from __future__ import annotations

import uuid

from celery import shared_task

from accounts.privacy import retaining
from accounts.services import (
    audit_removal,
    audit_sealing,
    code_sending,
    data_export,
    emails,
    erasure_run,
    proof_sending,
    sign_in_guard,
)


@shared_task(name=emails.SEND_TASK)
def send_email(email_id: str) -> None:
    """Send an e-mail just queued."""
    emails.send(uuid.UUID(email_id))


@shared_task(name="accounts.send_emails")
def send_emails() -> int:
    """Send what is due: later tries, and what no task was queued for."""
    return emails.send_due()


@shared_task(name="accounts.seal_audit")
def seal_audit() -> int:
    """Number and chain what was written to the audit trail since the last run."""
    return audit_sealing.seal_pending()


@shared_task(name="accounts.remove_old_audit")
def remove_old_audit() -> int:
    """Remove what the audit trail keeps no longer."""
    return audit_removal.remove_old()


@shared_task(name=code_sending.SEND_TASK)
def send_code(proof_id: str) -> None:
    """Send a code by SMS that was just asked for."""
    code_sending.send(uuid.UUID(proof_id))


@shared_task(name="accounts.send_codes")
def send_codes() -> int:
    """Send the codes that no task was queued for, and those whose sending was cut short."""
    return code_sending.send_due()


@shared_task(name=proof_sending.SEND_TASK)
def send_proof(proof_id: str) -> None:
    """Send the link and the code of a proof just asked for, or what its address is told instead."""
    proof_sending.send(uuid.UUID(proof_id))


@shared_task(name="accounts.send_proofs")
def send_proofs() -> int:
    """Send the proofs that no task was queued for."""
    return proof_sending.send_due()


@shared_task(name=sign_in_guard.TELL_TASK)
def tell_lock(key: str) -> None:
    """Tell the owner of an address, if it has one, that signing in is locked."""
    sign_in_guard.tell(key)


@shared_task(name="accounts.tell_locks")
def tell_locks() -> int:
    """Tell of the locks that no task was queued for."""
    return sign_in_guard.tell_due()


@shared_task(name=data_export.MAKE_TASK)
def make_export(export_id: str) -> None:
    """Make a copy of somebody's data that was just asked for."""
    data_export.make(uuid.UUID(export_id))


@shared_task(name="accounts.make_exports")
def make_exports() -> int:
    """Make the copies that no task was queued for, and those whose making was cut short."""
    return data_export.make_due()


@shared_task(name="accounts.erase")
def erase() -> int:
    """Erase whose days of grace are over, finish what was cut short, and forget the address of the last e-mail."""
    done = erasure_run.carry_out_due()
    erasure_run.forget_farewells()
    return done


@shared_task(name="accounts.replay_erasures")
def replay_erasures() -> int:
    """Erase again whoever a restored backup has brought back."""
    return erasure_run.replay()


@shared_task(name="accounts.retain")
def retain() -> int:
    """Forget what is too old, in every app."""
    return retaining.run()
