"""Being signed in, without the pages that lead there."""

from __future__ import annotations

from django.test import Client
from django.utils import timezone

from accounts.models import Session, User
from accounts.sessions import digest


def sign_in(client: Client, user: User, *, verified: bool = True) -> None:
    """Begin a session for somebody who has just shown a second factor, or with `verified=False` their password alone."""
    client.force_login(user)
    row = Session.objects.filter(pk=digest(client.session.session_key or ""))
    row.update(verified_at=timezone.now() if verified else None)
