"""Who is asking."""

from __future__ import annotations

from django.http import HttpRequest

from accounts.models import User


def signed_in_user_id(request: HttpRequest) -> int | None:
    """The id of the person signed in, or None."""
    return request.user.pk if isinstance(request.user, User) else None


def user_id_of(request: HttpRequest) -> int:
    """The id of the person signed in, behind `login_required`."""
    user_id = signed_in_user_id(request)
    assert user_id is not None, "a view that needs a person lacks login_required"
    return user_id


def user_of(request: HttpRequest) -> User:
    """The person signed in, behind `login_required`."""
    assert isinstance(request.user, User), "a view that needs a person lacks login_required"
    return request.user
