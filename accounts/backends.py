"""Sign-in by e-mail address."""

from __future__ import annotations

from django.contrib.auth.backends import ModelBackend


class EmailBackend(ModelBackend):
    """Django's backend; what differs is on the model.

    `UserManager.get_by_natural_key` compares without regard to case. For an unknown address Django's own `authenticate` runs
    the password hasher on nothing, so the time of an answer does not tell whether an account exists.
    """
