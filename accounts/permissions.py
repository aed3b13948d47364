"""Asking, once in a view, whether the role of whoever is signed in allows what the view does."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase

View = Callable[..., HttpResponseBase]


def may(permission: str) -> Callable[[View], View]:
    """Let through whoever is signed in and has the permission. Costs no query: the role is in the person's row.

    Args:
        permission: By name, as `billing.top_up`; `roles.py` says which role has it.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            check(request, permission)
            return view(request, *args, **kwargs)

        return login_required(guarded)

    return decorate


def check(request: HttpRequest, permission: str) -> None:
    """The same in the midst of a view.

    Raises:
        PermissionDenied: The role does not allow it, or nobody is signed in.
    """
    if not request.user.has_perm(permission):
        raise PermissionDenied
