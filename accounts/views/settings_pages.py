"""The settings' own pages: who somebody is here, and how their account is protected. What is changed has pages of its own."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.enums import Role
from accounts.http import user_of


@login_required
@never_cache
@require_safe
def profile(request: HttpRequest) -> HttpResponse:
    """Who somebody is to us."""
    role = Role(str(user_of(request).role_id))
    shown_role = "" if role is Role.CUSTOMER else role.label
    return render(request, "accounts/settings/profile.html", {"role": shown_role})


@login_required
@never_cache
@require_safe
def security(request: HttpRequest) -> HttpResponse:
    """Everything that protects the account, each with its state in words."""
    return render(request, "accounts/settings/security.html")
