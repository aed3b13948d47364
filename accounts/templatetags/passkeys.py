"""Where passkeys work."""

from __future__ import annotations

from django import template

from accounts.services import passkey_wire
from accounts.services.passkey_wire import RelyingParty

register = template.Library()


@register.simple_tag
def passkey_party() -> RelyingParty | None:
    """Who we are to authenticators; None where SITE_URL has no name."""
    return passkey_wire.relying_party()
