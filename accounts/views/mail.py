"""Reading the e-mails of a machine that sends none. Elsewhere these pages do not exist."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from csp.constants import NONE, SELF, UNSAFE_INLINE
from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from accounts import mailbox
from accounts.audit_actions import AuditAction
from accounts.http import user_of
from accounts.mailbox import WrittenEmail
from accounts.permissions import check
from accounts.services import audit

View = Callable[..., HttpResponse]
# An e-mail brings its styles along, which a page of ours may not, and a frame with `srcdoc` would be held to the page's rules.
# So it is a document of its own, which may do nothing but look as it does.
HTML_POLICY: dict[str, Any] = {
    "default-src": [NONE],
    "script-src": [NONE],
    "style-src": [UNSAFE_INLINE],
    "img-src": [NONE],
    "font-src": [NONE],
    "connect-src": [NONE],
    "form-action": [NONE],
    "manifest-src": [NONE],
    "frame-ancestors": [SELF],
    "sandbox": True,
}


def for_staff_of_this_machine(view: View) -> View:
    """404 for everybody where e-mails are really sent; then only whom the console lets in."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not mailbox.is_open():
            raise Http404
        if not admin.site.has_permission(request):
            return redirect_to_login(request.get_full_path(), reverse("admin:login"))
        check(request, "accounts.read_outgoingemail")  # they hold links and codes of everybody
        return view(request, *args, **kwargs)

    return wrapped


@require_safe
@for_staff_of_this_machine
@cache_control(private=True, no_store=True)
def inbox(request: HttpRequest) -> HttpResponse:
    """The newest e-mails."""
    context = {"emails": mailbox.latest(), "title": _("E-mails of this machine")}
    return render(request, "admin/mail/inbox.html", {**admin.site.each_context(request), **context})


@require_safe
@for_staff_of_this_machine
@cache_control(private=True, no_store=True)
def message(request: HttpRequest, name: str) -> HttpResponse:
    """One e-mail: what people see of it, its text, its headers."""
    email = _email(request, name)
    context = {"email": email, "title": email.subject}
    response = render(request, "admin/mail/message.html", {**admin.site.each_context(request), **context})
    return _with_policy(response, {"frame-src": [SELF]})


@require_safe
@for_staff_of_this_machine
@xframe_options_sameorigin
@cache_control(private=True, no_store=True)
def message_html(request: HttpRequest, name: str) -> HttpResponse:
    """The HTML of an e-mail, as it is."""
    return _with_policy(HttpResponse(_email(request, name).html), HTML_POLICY)


def _email(request: HttpRequest, name: str) -> WrittenEmail:
    """What somebody was written: looking at it leaves its entry in the audit trail."""
    email = mailbox.find(name)
    if email is None:
        raise Http404
    with transaction.atomic():
        audit.record(AuditAction.VIEWED, actor=user_of(request), target=f"mail:{name}")
    return email


def _with_policy(response: HttpResponse, directives: dict[str, Any]) -> HttpResponse:
    """As django-csp's `csp_replace` does, whose types know only views without arguments."""
    response._csp_replace = directives  # type: ignore[attr-defined]
    return response
