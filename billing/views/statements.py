"""Monthly statements: the list of months, and one month as a file."""

from __future__ import annotations

import datetime as dt
import re

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from accounts.http import user_id_of
from accounts.models import User
from accounts.permissions import may
from billing import monthly_csv
from billing.documents import statement_pdf
from billing.selectors import months
from billing.selectors.months import Month

NAME = re.compile(r"(2\d{3})-(0[1-9]|1[0-2])")


@require_safe
@login_required
@cache_control(private=True, no_store=True)
def statements(request: HttpRequest) -> HttpResponse:
    """The months in which anything happened."""
    return render(request, "billing/statements.html", {"months": months.months(user_id_of(request))})


@require_safe
@may("billing.download_statement")
@cache_control(private=True, no_store=True)
def month_pdf(request: HttpRequest, month: str) -> HttpResponse:
    """One month on paper."""
    assert isinstance(request.user, User)  # behind login_required
    found = _mine(request, month)
    content = statement_pdf.render(found, customer=request.user.email, made_at=timezone.now())
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="namaskah-statement-{found.name}.pdf"'
    return response


@require_safe
@may("billing.download_statement")
@cache_control(private=True, no_store=True)
def month_csv(request: HttpRequest, month: str) -> StreamingHttpResponse:
    """One month for a spreadsheet, in constant memory however much happened in it."""
    found = _mine(request, month)
    response = StreamingHttpResponse(monthly_csv.lines(found), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="namaskah-statement-{found.name}.csv"'
    return response


def _mine(request: HttpRequest, name: str) -> Month:
    match = NAME.fullmatch(name)
    found = months.month(user_id_of(request), dt.date(int(match[1]), int(match[2]), 1)) if match else None
    if found is None:
        raise Http404
    return found
