"""Celery tasks: load by id, call a service. Each may run twice and any may be lost; the sweep catches up."""

from __future__ import annotations

import uuid

from celery import shared_task

from accounts.services import audit_removal, audit_sealing, emails


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
