"""The outbox of e-mails."""

from __future__ import annotations

from typing import Any

from accounts.models import OutgoingEmail


def queue(*, user_id: int, template: str, context: dict[str, Any], key: str) -> OutgoingEmail | None:
    """Queue one e-mail in the transaction of the fact it tells; repeating the key does nothing."""
    return None
