"""What happens here when something happens in `accounts`, which does not know this app."""

from __future__ import annotations

from typing import Any

from accounts.models import User
from billing.services import wallets


def open_wallet(sender: type[User], instance: User, created: bool, raw: bool = False, **_: Any) -> None:
    """Everybody has a wallet from the start: staff finds it by the e-mail address to credit somebody who just signed up."""
    if created and not raw:
        wallets.customer_account(instance.pk)
