"""All of a customer's orders, on pages and as CSV."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.http import user_id_of
from accounts.permissions import may
from namaskah.lib.csv_export import csv_response
from verifications.forms import HistoryForm
from verifications.selectors import verifications as selectors

_CSV_CHUNK = 1000


@require_safe
@login_required
def history(request: HttpRequest) -> HttpResponse:
    """One page of orders, newest first."""
    form = HistoryForm(request.GET)
    form.is_valid()
    page = selectors.history_page(
        user_id_of(request),
        form.filters(),
        older=request.GET.get("older", ""),
        newer=request.GET.get("newer", ""),
    )
    context = {
        "rows": page.rows,
        "filters": form,
        "is_filtered": any(request.GET.get(name) for name in form.fields),
        "older_url": _page_url(request, older=page.older),
        "newer_url": _page_url(request, newer=page.newer),
        "csv_url": f"{reverse('verifications:history-csv')}?{_filters(request)}",
    }
    return render(request, "verifications/history.html", context)


@require_safe
@may("verifications.download_orders")
def history_csv(request: HttpRequest) -> StreamingHttpResponse:
    """The same orders as CSV, streamed: a million rows need no more memory than one."""
    form = HistoryForm(request.GET)
    form.is_valid()
    orders = selectors.history(user_id_of(request), form.filters()).iterator(chunk_size=_CSV_CHUNK)
    header = [
        _("Ordered"),
        _("Service"),
        _("Country"),
        _("Number"),
        _("Code"),
        _("State"),
        _("Price"),
        _("Currency"),
        _("Id"),
    ]

    def rows() -> Iterator[list[str]]:
        for order in orders:
            yield [
                order.created_at.isoformat(timespec="seconds"),
                order.service.name,
                order.country.name,
                order.shown_number,
                order.code,
                str(_("Cancelling")) if order.is_cancelling else order.get_status_display(),
                str(order.price),
                order.currency,
                str(order.pk),
            ]

    return csv_response("orders.csv", header, rows())


def _filters(request: HttpRequest) -> str:
    return urlencode({name: value for name in HistoryForm.base_fields if (value := request.GET.get(name))})


def _page_url(request: HttpRequest, **cursor: str | None) -> str | None:
    ((name, value),) = cursor.items()
    if value is None:
        return None
    filters = _filters(request)
    return f"?{filters}&{urlencode({name: value})}" if filters else f"?{urlencode({name: value})}"
