"""Being signed in, without the pages that lead there."""

from __future__ import annotations

from django.test import Client
from django.utils import timezone

from accounts.models import Session, User
from accounts.services.sessions import STEPPED_UP
from accounts.sessions import digest


def sign_in(client: Client, user: User, *, verified: bool = True, fresh: bool = True) -> None:
    """Begin a session for somebody who has just shown a second factor, or with `verified=False` their password alone.

    Args:
        fresh: Whether that counts for sensitive acts still; False is a session of some hours ago.
    """
    client.force_login(user)
    session = client.session
    if fresh:
        session[STEPPED_UP] = timezone.now().isoformat()
        session.save()
    row = Session.objects.filter(pk=digest(session.session_key or ""))
    row.update(verified_at=timezone.now() if verified else None)
