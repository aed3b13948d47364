"""The wallet page and the statement as a file."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from accounts.http import user_id_of
from accounts.permissions import may
from billing import selectors
from billing import statement_csv as csv_file
from billing.enums import StatementFilter
from billing.forms import StatementForm


@require_safe
@login_required
@cache_control(private=True, no_store=True)
def wallet(request: HttpRequest) -> HttpResponse:
    """Balance, money on hold, and a page of the statement."""
    user_id = user_id_of(request)
    form = StatementForm(request.GET)
    kind = _kind(form)
    head = selectors.masthead(user_id)
    page = selectors.statement(
        user_id,
        before=selectors.place(request.GET.get("before", "")),
        after=selectors.place(request.GET.get("after", "")),
        kind=kind,
    )
    context = {
        "figures": head.wallet,
        "masthead": head,  # so that it is not asked for twice
        "rows": page.rows,
        "older_url": _page_url(kind, before=page.older) if page.older else None,
        "newer_url": _page_url(kind, after=page.newer) if page.newer else None,
        "filters": form,
        "is_filtered": kind is not None,
        "csv_url": _with_query(reverse("billing:statement-csv"), {"kind": kind}),
    }
    return render(request, "billing/wallet.html", context)


@require_safe
@may("billing.download_statement")
@cache_control(private=True, no_store=True)
def statement_csv(request: HttpRequest) -> StreamingHttpResponse:
    """The whole statement, newest first, in constant memory however long it is."""
    user_id = user_id_of(request)
    currency = selectors.wallet(user_id).currency
    rows = selectors.whole_statement(user_id, kind=_kind(StatementForm(request.GET)))
    response = StreamingHttpResponse(csv_file.lines(rows, currency), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="statement-{timezone.now():%Y-%m-%d}.csv"'
    return response


def _kind(form: StatementForm) -> StatementFilter | None:
    form.is_valid()
    return form.wanted()


def _page_url(kind: StatementFilter | None, *, before: int | None = None, after: int | None = None) -> str:
    return _with_query(reverse("billing:wallet"), {"kind": kind, "before": before, "after": after})


def _with_query(path: str, values: dict[str, str | int | None]) -> str:
    query = urlencode({name: str(value) for name, value in values.items() if value})
    return f"{path}?{query}" if query else path
