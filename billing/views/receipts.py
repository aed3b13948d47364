"""Receipts: the list, one as a page, one as a PDF."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from accounts.http import user_id_of
from accounts.permissions import may
from billing.documents import receipt_pdf
from billing.documents.receipt import ReceiptText, describe
from billing.selectors import receipts


@require_safe
@login_required
@cache_control(private=True, no_store=True)
def receipt_list(request: HttpRequest) -> HttpResponse:
    """All receipts, newest first."""
    page = receipts.receipts(user_id_of(request), page=_page_number(request.GET.get("page", "")))
    context = {
        "rows": page.rows,
        "newer_url": _page_url(page.newer),
        "older_url": _page_url(page.older),
    }
    return render(request, "billing/receipts.html", context)


@require_safe
@login_required
@cache_control(private=True, no_store=True)
def receipt(request: HttpRequest, number: str) -> HttpResponse:
    """A receipt to read and print."""
    return render(request, "billing/receipt.html", {"receipt": _mine(request, number)})


@require_safe
@may("billing.download_receipt")
@cache_control(private=True, no_store=True)
def receipt_pdf_file(request: HttpRequest, number: str) -> HttpResponse:
    """The same as a file."""
    text = _mine(request, number)
    response = HttpResponse(receipt_pdf.render(text), content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{text.filename}"'
    return response


def _mine(request: HttpRequest, number: str) -> ReceiptText:
    """The customer's own; anybody else's number is nobody's."""
    found = receipts.receipt(user_id_of(request), number)
    if found is None:
        raise Http404
    return describe(found)


def _page_number(text: str) -> int:
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 7 else 1


def _page_url(number: int | None) -> str | None:
    return f"{reverse('billing:receipt-list')}?page={number}" if number else None
