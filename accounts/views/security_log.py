"""The security log: what has happened with somebody's account."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.http import user_id_of
from accounts.selectors import security_log


@login_required
@never_cache
@require_safe
def log(request: HttpRequest) -> HttpResponse:
    """One page of it, newest first."""
    page = security_log.page(
        user_id_of(request), older=request.GET.get("older", ""), newer=request.GET.get("newer", "")
    )
    here = reverse("settings:security-log")
    context = {
        "lines": page.lines,
        "older_url": f"{here}?older={page.older}" if page.older else "",
        "newer_url": f"{here}?newer={page.newer}" if page.newer else "",
        "here": here,
        "kept_days": settings.AUDIT_KEEP_DAYS,
    }
    return render(request, "accounts/settings/security_log.html", context)
