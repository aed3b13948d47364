"""People with passkeys."""

from __future__ import annotations

from typing import Any

from accounts.models import Passkey, User
from accounts.services import passkey_showing, passkeys
from tests.factories.authenticator import Authenticator


def add_passkey(
    user: User, authenticator: Authenticator | None = None, *, name: str = "Telephone"
) -> Authenticator:
    """Add a passkey as the page would; returns the authenticator that holds it."""
    authenticator = authenticator or Authenticator()
    ceremony = passkeys.begin_adding(user)
    made = passkeys.check_new(
        user=user, credential=authenticator.create(ceremony.options), challenge=ceremony.challenge
    )
    passkeys.keep(user=user, name=name, made=made)
    return authenticator


def show_passkey(authenticator: Authenticator, user: User | None = None, **changed: Any) -> Passkey:
    """Show one as a page would; `user` is who must, `changed` replaces what the browser says."""
    ceremony = passkey_showing.begin(user)
    return passkey_showing.show(
        credential=authenticator.get(ceremony.options, **changed), challenge=ceremony.challenge, user=user
    )
