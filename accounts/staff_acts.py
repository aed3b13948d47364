"""What staff does to a row from its page in the console: one act, its permission, a reason, the outcome in words.

`accounts/admin/acts.py` puts the acts of a row on its page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.http import user_of
from accounts.models import User
from accounts.step_up import step_up_required
from namaskah.exceptions import DomainError

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

Given = dict[str, Any]  # the form's cleaned data


class ActRefused(Exception):
    """The act cannot be done, and why, for the member of staff."""


class ReasonForm(forms.Form):
    """Why. It is kept in the history of the row."""

    reason = forms.CharField(
        max_length=300, label=gettext_lazy("Reason"), widget=forms.Textarea(attrs={"rows": 3, "cols": 60})
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One thing staff may do to a row.

    Attributes:
        explanation: What will happen, read before confirming.
        permission: Asked before the page is shown and again before the act.
        carry_out: Does it and says what was done.
        is_allowed: Whether this person may do it to this row, beside the permission; who may not is refused, which is audited.
        is_possible: Whether it makes sense for the row as it is; the service decides again, under its lock.
        form: What is asked for; None for an act that is a button of its own.
        needs_step_up: Whether the page and the act take somebody who has shown again, just now, who they are.
    """

    slug: str
    title: StrOrPromise
    explanation: StrOrPromise
    permission: str
    carry_out: Callable[[Any, User, Given], StrOrPromise]
    is_allowed: Callable[[Any, User], bool] = lambda row, actor: True
    is_possible: Callable[[Any, User], bool] = lambda row, actor: True
    form: type[forms.Form] | None = ReasonForm
    is_grave: bool = False
    needs_step_up: bool = False

    def may_be_done_by(self, actor: User, row: Any) -> bool:
        """Whether this person may do it to this row, whatever state the row is in."""
        return actor.has_perm(self.permission) and self.is_allowed(row, actor)

    def is_open_to(self, actor: object, row: Any) -> bool:
        """Whether this person may, and the row is in a state for it."""
        return isinstance(actor, User) and self.may_be_done_by(actor, row) and self.is_possible(row, actor)


def perform(
    request: HttpRequest, act: Act, row: Model, *, site: dict[str, Any], back_url: str
) -> HttpResponse:
    """Ask what the act needs, then do it and go back to the row.

    Raises:
        PermissionDenied: They may not, or not with this row.
    """
    if not act.may_be_done_by(user_of(request), row):
        raise PermissionDenied
    page = step_up_required(_page) if act.needs_step_up else _page
    return cast("HttpResponse", page(request, act, row, site, back_url))


def _page(request: HttpRequest, act: Act, row: Model, site: dict[str, Any], back_url: str) -> HttpResponse:
    actor = user_of(request)
    if not act.is_possible(row, actor):
        messages.warning(request, _("That is not possible any more: somebody or something was first."))
        return HttpResponseRedirect(back_url)
    if act.form is None:
        if request.method == "POST":
            _attempt(request, act, row, actor, {})
        return HttpResponseRedirect(back_url)
    form = act.form(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        _attempt(request, act, row, actor, form.cleaned_data)
        return HttpResponseRedirect(back_url)
    context = site | {
        "title": act.title,
        "subject": row,
        "opts": row._meta,
        "act": act,
        "form": form,
        "back_url": back_url,
    }
    return render(request, "admin/act.html", context)


def _attempt(request: HttpRequest, act: Act, row: Model, actor: User, given: Given) -> None:
    try:
        done = act.carry_out(row, actor, given)
    except DomainError as error:
        messages.error(request, str(error.message))
    except ActRefused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, str(done))
