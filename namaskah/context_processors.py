"""What every template may use."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from billing.selectors import wallet
from billing.services import dedicated_accounts


def site(request: HttpRequest) -> dict[str, Any]:
    """The wallet of whoever is signed in (read only when a template asks), its currency, what it offers, and the request id."""
    user = getattr(request, "user", None)
    return {
        "wallet_currency": settings.WALLET_CURRENCY,
        "dedicated_accounts": dedicated_accounts.is_offered(),
        "request_id": getattr(request, "request_id", ""),
        "wallet": SimpleLazyObject(lambda: wallet(user.pk))
        if user is not None and user.is_authenticated
        else None,
    }
