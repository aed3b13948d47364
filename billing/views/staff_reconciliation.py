"""What staff does about a reconciled day: compare it again, explain a difference, close it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import User
from billing.models import Difference, ReconciledDay
from billing.services import reconciled_days, reconciliation, staff_log
from billing.views import staff_acts
from billing.views.staff_acts import Act, Given

CLOSE = "billing.close_reconciledday"


class ClosingForm(forms.Form):
    """The signature under a day that does not add up; empty for one that does."""

    reason = forms.CharField(
        max_length=500,
        required=False,
        label=gettext_lazy("Reason"),
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text=gettext_lazy("Needed as long as differences are open. You sign for them."),
    )


class ExplanationForm(forms.Form):
    """Why a difference is all right."""

    explanation = forms.CharField(
        max_length=500,
        label=gettext_lazy("Explanation"),
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
    )


def _run(day: ReconciledDay, actor: User, given: Given) -> str:
    staff_log.note(actor, day, "Compares again")  # as the intention: Paystack is called now
    rows = reconciliation.run_day(day.day)
    count = sum(row.open_differences for row in rows)
    return ngettext(
        "Compared. %(count)d difference is open.", "Compared. %(count)d differences are open.", count
    ) % {"count": count}


def _close(day: ReconciledDay, actor: User, given: Given) -> str:
    reconciled_days.close(day_id=day.pk, actor=actor, reason=given["reason"])
    return _("Closed.")


def _explain(difference: Difference, actor: User, given: Given) -> str:
    reconciled_days.explain(difference_id=difference.pk, actor=actor, explanation=given["explanation"])
    return _("Explained.")


DAY_ACTS = (
    Act(
        slug="run",
        title=gettext_lazy("Compare now"),
        explanation=gettext_lazy("Reads Paystack's lists of this day again."),
        permission="billing.run_reconciledday",
        carry_out=_run,
        form=None,
    ),
    Act(
        slug="close",
        title=gettext_lazy("Close the day"),
        explanation=gettext_lazy(
            "A closed day is held to its figures: should they change, it is open again and the log says so."
        ),
        permission=CLOSE,
        carry_out=_close,
        is_possible=lambda day, actor: day.closed_at is None,
        form=ClosingForm,
    ),
)
EXPLAIN = Act(
    slug="explain",
    title=gettext_lazy("Explain the difference"),
    explanation=gettext_lazy("An explained difference no longer keeps its day open. Nothing moves."),
    permission=CLOSE,
    carry_out=_explain,
    is_possible=lambda difference, actor: difference.gone_at is None,
    form=ExplanationForm,
)


def explain(request: HttpRequest, difference_id: int, site: dict[str, Any]) -> HttpResponse:
    """Explain one difference, then back to its day."""
    if not request.user.has_perm(CLOSE):
        raise PermissionDenied
    difference = get_object_or_404(Difference, pk=difference_id)
    back_url = reverse("admin:billing_reconciledday_change", args=[difference.day_id])
    return staff_acts.perform(request, EXPLAIN, difference, site=site, back_url=back_url)
