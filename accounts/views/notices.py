"""The bell: what somebody was told, and what they want to hear of."""

from __future__ import annotations

import uuid
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.enums import Document
from accounts.forms.notices import NoticeForm, ProductNewsForm
from accounts.http import user_id_of, user_of
from accounts.permissions import may
from accounts.selectors import notices as selectors
from accounts.services import consents, notice_reading, notice_topics
from accounts.services.notice_topics import Topic

MAY = "accounts.choose_own_notices"


@never_cache
@require_safe
@may(MAY)
def notice_list(request: HttpRequest) -> HttpResponse:
    """What somebody was told, newest first. Looking at it marks nothing as read."""
    page = selectors.notice_page(
        user_id_of(request), older=request.GET.get("older", ""), newer=request.GET.get("newer", "")
    )
    context = {
        "rows": page.rows,
        "newest": page.rows[0].id if page.rows else None,
        "older_url": f"?{urlencode({'older': page.older})}" if page.older else None,
        "newer_url": f"?{urlencode({'newer': page.newer})}" if page.newer else None,
    }
    return render(request, "accounts/notices.html", context)


@require_POST
@may(MAY)
def notice_read(request: HttpRequest, notice_id: uuid.UUID) -> HttpResponse:
    """Mark one as read."""
    if not notice_reading.mark_read(user_id=user_id_of(request), notice_id=notice_id):
        raise Http404
    return redirect("notices:list")


@require_POST
@may(MAY)
def notice_read_all(request: HttpRequest) -> HttpResponse:
    """Mark everything as read that the page had shown or that is older."""
    try:
        until = uuid.UUID(request.POST.get("until", ""))
    except ValueError:
        return redirect("notices:list")
    if notice_reading.mark_all_read(user_id=user_id_of(request), until=until):
        messages.success(request, _("Everything up to here is marked as read."))
    return redirect("notices:list")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@may(MAY)
def preferences(request: HttpRequest) -> HttpResponse:
    """What somebody wants to hear of, and where."""
    user = user_of(request)
    sent = request.POST if request.method == "POST" else None
    form = NoticeForm(sent, wishes=selectors.preferences(user.pk))
    news = ProductNewsForm(sent, initial={"news": consents.has_given(user.pk, Document.MARKETING)})
    if form.is_valid() and news.is_valid():
        is_changed = notice_reading.choose(user=user, wishes=form.wishes())
        is_changed |= consents.set_marketing(user=user, is_given=news.cleaned_data["news"])
        messages.success(request, _("Saved.") if is_changed else _("Nothing was changed."))
        return redirect("settings:notifications")
    fixed = {"label": Topic.SECURITY.label, "about": notice_topics.RULES[Topic.SECURITY].about}
    context = {"form": form, "news": news, "fixed": fixed}
    return render(request, "accounts/settings/notifications.html", context)
