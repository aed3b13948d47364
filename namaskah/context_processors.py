"""What every template may use."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from billing.selectors import masthead
from billing.services import dedicated_accounts


def site(request: HttpRequest) -> dict[str, Any]:
    """What the masthead shows (read only when a template asks), the wallets' currency, what is offered, and the request id."""
    user = getattr(request, "user", None)
    return {
        "wallet_currency": settings.WALLET_CURRENCY,
        "dedicated_accounts": dedicated_accounts.is_offered(),
        "request_id": getattr(request, "request_id", ""),
        "masthead": SimpleLazyObject(lambda: masthead(user.pk))
        if user is not None and user.is_authenticated
        else None,
    }
