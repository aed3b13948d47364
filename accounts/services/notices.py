"""Telling people things: under the bell, by e-mail, or both, as they want it. Source: docs/decisions/0005-accounts.md"""

from __future__ import annotations

from typing import Any

from accounts.services import emails


def tell(*, user_id: int, template: str, context: dict[str, Any], key: str) -> None:
    """Tell somebody one fact, in its transaction; repeating the key does nothing.

    Args:
        template: One of `email_templates.EMAILS`, which also names its topic.
        context: Text for people, as the template wants it.
        key: The fact, as `deposit-succeeded:<id>`.
    """
    emails.queue(user_id=user_id, template=template, context=context, key=key)
