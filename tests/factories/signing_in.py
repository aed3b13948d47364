"""Being signed in, without the pages that lead there."""

from __future__ import annotations

from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.sessions import FACTS


def sign_in(client: Client, user: User, *, verified: bool = True) -> None:
    """Begin a session for somebody who has shown a second factor, or with `verified=False` their password alone."""
    client.force_login(user)
    session = client.session
    now = timezone.now().isoformat()
    session[FACTS] = {
        **session.get(FACTS, {}),
        "started_at": now,
        **({"verified_at": now} if verified else {}),
    }
    session.save()
