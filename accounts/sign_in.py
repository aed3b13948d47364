"""The end of every way in: whoever has shown enough gets a session. Source: docs/decisions/0005-accounts.md"""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest

from accounts.models import User

log = structlog.get_logger(__name__)


def complete(request: HttpRequest, user: User, *, methods: Sequence[str], remember: bool = False) -> None:
    """Begin a session for somebody who has shown who they are.

    Args:
        methods: What they showed, as `("password", "totp")`; anything beyond the password counts as a second factor, and a
            passkey as both.
        remember: Thirty days instead of one.
    """
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    structlog.contextvars.bind_contextvars(user_id=user.pk)
    log.info("Signed in", methods=list(methods))
