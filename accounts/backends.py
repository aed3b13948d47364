"""Sign-in by e-mail address."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend

from accounts.models import User
from namaskah.lib import rows


class EmailBackend(ModelBackend):
    """Django's backend; what differs is on the model.

    `UserManager.get_by_natural_key` compares without regard to case. For an unknown address Django's own `authenticate` runs
    the password hasher on nothing, so the time of an answer does not tell whether an account exists.
    """

    def get_user(self, user_id: Any) -> User | None:
        """The person of a session, if the account may be used: every page asks."""
        user = rows.get(User, "id = %s", [user_id])
        return user if user is not None and self.user_can_authenticate(user) else None
