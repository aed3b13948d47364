"""Several fraud claims against one customer's payments close the account until a person has looked at it.

Runs after the transaction that writes a dispute, since people are locked before deposits. Each later look at an open dispute
runs it again, so a crash in between is made up for; staff's decision to restore the account stands until the next claim.

Source: docs/decisions/0004-paystack.md
"""

from __future__ import annotations

import structlog
from django.conf import settings
from django.utils.translation import gettext as _

from accounts.audit_actions import AuditAction
from accounts.exceptions import LastAdministrator
from accounts.models import AuditEntry
from accounts.services import standing
from billing.selectors.returns import fraud_disputes, newest_fraud_dispute_at

log = structlog.get_logger(__name__)
SUSPICIOUS = 2  # claims, open or lost, that staff is told of in any case


def look(user_id: int, *, is_news: bool) -> None:
    """Suspend the account when enough of its payments are claimed to be fraud.

    Args:
        is_news: Whether a dispute has just become known.
    """
    count, enough = fraud_disputes(user_id), settings.FRAUD_DISPUTES_SUSPEND
    if is_news and count >= SUSPICIOUS:
        log.error("Customer with several fraud disputes", customer=user_id, disputes=count)
    if not enough or count < enough or not (is_news or _is_newer_than_staffs_word(user_id)):
        return
    reason = _(
        "Banks say of several payments to this account that the owners of the cards did not make them."
    )
    try:
        standing.suspend(user_id=user_id, reason=reason, actor=None)
    except LastAdministrator:
        log.error("The last administrator has fraud disputes and stays", customer=user_id)


def _is_newer_than_staffs_word(user_id: int) -> bool:
    """Whether a claim has come since staff last opened the account again."""
    restored = (
        AuditEntry.objects.filter(subject_id=user_id, action=AuditAction.RESTORED).order_by("-pk").first()
    )
    claimed_at = newest_fraud_dispute_at(user_id)
    return restored is None or (claimed_at is not None and claimed_at > restored.created_at)
