"""What somebody sees and decides about their data: the copy, the erasure, consents, how long messages stay."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.enums import Document
from accounts.forms.privacy import ErasureForm, NewsForm, RetentionForm
from accounts.http import user_of
from accounts.models import User
from accounts.permissions import may
from accounts.privacy import page
from accounts.services import consents, data_export, erasure, retention
from accounts.services.data_export import ExportNotNow
from accounts.step_up import step_up_required
from namaskah.exceptions import DomainError

CHOOSE = "accounts.choose_own_privacy"


@may(CHOOSE)
@never_cache
@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """All of it on one page."""
    return _page(request)


@may(CHOOSE)
@require_POST
def keep_messages(request: HttpRequest) -> HttpResponse:
    """How long texts, codes and numbers stay."""
    form = RetentionForm(request.POST)
    if not form.is_valid():
        return _page(request, retention=form)
    if retention.set_message_days(user=user_of(request), days=form.cleaned_data["message_days"]):
        messages.success(request, _("Saved. What is older goes within the next minutes."))
    return redirect("settings:privacy")


@may(CHOOSE)
@require_POST
def news(request: HttpRequest) -> HttpResponse:
    """Agree to product news, or take it back."""
    is_wanted = "marketing" in request.POST
    if consents.set_marketing(user=user_of(request), is_given=is_wanted):
        said = _("You get news about the product.") if is_wanted else _("You get no news about the product.")
        messages.success(request, said)
    return redirect("settings:privacy")


@may("accounts.export_own_data")
@step_up_required
@require_POST
def export(request: HttpRequest) -> HttpResponse:
    """Ask for a copy."""
    try:
        data_export.ask(user=user_of(request))
    except ExportNotNow as refusal:
        messages.warning(request, str(refusal.message))
    else:
        messages.success(request, _("We are making your copy and write to you when it is ready."))
    return redirect("settings:privacy")


@may("accounts.export_own_data")
@step_up_required
@never_cache
@require_safe
def export_download(request: HttpRequest, export_id: uuid.UUID) -> HttpResponseBase:
    """The copy, to whoever it is about."""
    user = user_of(request)
    found = data_export.open_for(user=user, export_id=export_id, token=request.GET.get("token", ""))
    if found is None:
        raise Http404
    if request.method == "GET":
        data_export.note_download(found, user=user)
    response = StreamingHttpResponse(data_export.pieces(found), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="namaskah-{timezone.localdate():%Y-%m-%d}.zip"'
    response["Content-Length"] = str(found.size)
    return response


@may("accounts.erase_own_account")
@step_up_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def erase(request: HttpRequest) -> HttpResponse:
    """Says plainly what goes and what stays, and takes the order for it."""
    user = user_of(request)
    if erasure.open_of(user.pk) is not None:
        return redirect("settings:privacy")
    found = erasure.obstacles(user.pk, False)
    money = next((obstacle for obstacle in found if obstacle.is_theirs), None)
    form = ErasureForm(request.POST or None, user=user, balance=money.amount if money else "")
    if request.method == "POST" and form.is_valid() and _plan(request, user, form):
        return redirect("settings:privacy")
    context = {
        "form": form,
        "money": money,
        "others": [obstacle for obstacle in found if not obstacle.is_theirs],
        "due_at": erasure.next_due(),
    }
    return render(request, "accounts/settings/privacy_erase.html", context)


@may("accounts.erase_own_account")
@require_POST
def erase_cancel(request: HttpRequest) -> HttpResponse:
    """Take it back, by one click."""
    if erasure.cancel(user=user_of(request)):
        messages.success(request, _("Your account stays. Nothing was removed."))
    else:
        messages.info(request, _("There was nothing to take back."))
    return redirect("settings:privacy")


def _plan(request: HttpRequest, user: User, form: ErasureForm) -> bool:
    try:
        erasure.plan(user=user, gives_up_balance=form.cleaned_data.get("gives_up_balance", False))
    except DomainError as refusal:
        form.add_error(None, str(refusal.message))
        return False
    messages.success(request, _("Your account will be erased. Until then you can take it back."))
    return True


def _page(request: HttpRequest, *, retention: RetentionForm | None = None) -> HttpResponse:
    user = user_of(request)
    given = consents.current(user.pk)
    marketing = given.get(Document.MARKETING)
    latest = data_export.latest(user.pk)
    context: dict[str, Any] = {
        "kept": page.kept(message_days=user.message_days),
        "cookies": page.cookies(),
        "consents": consents.history(user.pk),
        "news": NewsForm(initial={"marketing": marketing is not None and marketing.is_given}),
        "retention": retention or RetentionForm(initial={"message_days": user.message_days}),
        "export": latest,
        "export_link": data_export.link(latest) if latest is not None and latest.size else "",
        "erasure": erasure.open_of(user.pk),
    }
    status = 400 if retention is not None else 200
    return render(request, "accounts/settings/privacy.html", context, status=status)
