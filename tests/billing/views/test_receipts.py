"""Receipts and monthly statements on the site."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable
from contextlib import AbstractContextManager
from decimal import Decimal
from io import BytesIO, StringIO
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pypdf import PdfReader

from accounts.models import User
from billing.models import Account, Receipt
from billing.selectors import months
from billing.selectors import receipts as receipt_selectors
from tests.factories.billing import make_capture, make_customer, make_hold, make_release, make_wallet
from tests.factories.papers import date_back, make_paid_deposit, make_receipt, make_refund_of

CountQueries = Callable[[int], AbstractContextManager[None]]
MARCH = {"month": "2026-03"}
PAGES = [
    ("billing:receipt-list", {}),
    ("billing:receipt", {"number": "2026-000001"}),
    ("billing:receipt-pdf", {"number": "2026-000001"}),
    ("billing:statements", {}),
    ("billing:statement-month-pdf", MARCH),
    ("billing:statement-month-csv", MARCH),
]


@pytest.fixture
def signed_in(client: Client, customer: User) -> Client:
    client.force_login(customer)
    return client


@pytest.fixture
def in_march(account: Account) -> Account:
    """Ten dollars in February; in March one number, one order that gave its money back."""
    date_back(account.credits.get(), dt.datetime(2026, 2, 3, tzinfo=dt.UTC))
    charged, returned = make_hold(account, memo="WhatsApp", reference="verification:7"), make_hold(account)
    for minute, made in enumerate((charged, make_capture(charged), returned, make_release(returned))):
        date_back(made, dt.datetime(2026, 3, 5, 10, minute, tzinfo=dt.UTC))
    return account


def html(client: Client, name: str, **arguments: str) -> str:
    response = client.get(reverse(name, kwargs=arguments))
    assert response.status_code == 200
    assert response["Cache-Control"] == "private, no-store"
    return response.content.decode()


def table(client: Client, **arguments: str) -> list[list[str]]:
    response: Any = client.get(reverse("billing:statement-month-csv", kwargs=arguments))
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.reader(StringIO(b"".join(response.streaming_content).decode())))


@pytest.mark.parametrize(("name", "arguments"), PAGES)
def test_papers_are_for_people_signed_in_and_only_read(
    client: Client, customer: User, name: str, arguments: dict[str, str]
) -> None:
    address = reverse(name, kwargs=arguments)

    assert client.get(address)["Location"].startswith("/accounts/sign-in/")
    client.force_login(customer)
    assert client.post(address).status_code == 405


def test_addresses_are_as_promised() -> None:
    assert [reverse(name, kwargs=arguments) for name, arguments in PAGES] == [
        "/wallet/receipts/",
        "/wallet/receipts/2026-000001/",
        "/wallet/receipts/2026-000001.pdf",
        "/wallet/statements/",
        "/wallet/statements/2026-03.pdf",
        "/wallet/statements/2026-03.csv",
    ]


# --- receipts ---------------------------------------------------------------------------------------------------------


def test_list_shows_receipts_of_payments_and_refunds(signed_in: Client, customer: User) -> None:
    deposit = make_paid_deposit(customer)
    first = make_receipt(deposit)
    second = make_receipt(make_refund_of(deposit, amount_subunits=100_000))

    page = html(signed_in, "billing:receipt-list")

    assert page.count('data-testid="receipt-row"') == 2
    assert page.index(second.number) < page.index(first.number)
    for words in ("₦5,000.00", "₦1,000.00", "Top-up", "Refund", f"/wallet/receipts/{first.number}.pdf"):
        assert words in page


def test_list_of_somebody_new_says_so(signed_in: Client) -> None:
    page = html(signed_in, "billing:receipt-list")

    assert "No receipts yet" in page
    assert 'data-testid="receipt-row"' not in page


def test_list_is_paged(signed_in: Client, customer: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipt_selectors, "PAGE_ROWS", 2)
    numbers = [make_receipt(make_paid_deposit(customer)).number for _ in range(5)]
    shown = []

    for query in ("", "?page=2", "?page=3"):
        response: Any = signed_in.get(reverse("billing:receipt-list") + query)
        shown.append([row.number for row in response.context["rows"]])

    assert shown == [[numbers[4], numbers[3]], [numbers[2], numbers[1]], [numbers[0]]]
    assert response.context["newer_url"] == "/wallet/receipts/?page=2"
    assert response.context["older_url"] is None


@pytest.mark.parametrize("query", ["?page=0", "?page=-1", "?page=x", "?page=99999999999", "?page=²"])
def test_list_takes_a_strange_page_calmly(signed_in: Client, customer: User, query: str) -> None:
    make_receipt(make_paid_deposit(customer))

    response = signed_in.get(reverse("billing:receipt-list") + query)

    assert response.content.decode().count('data-testid="receipt-row"') == 1


@pytest.mark.parametrize("count", [1, 3])
def test_list_takes_as_many_queries_for_three_as_for_one(
    signed_in: Client, customer: User, count: int, django_assert_num_queries: CountQueries
) -> None:
    for _ in range(count):
        make_receipt(make_refund_of(make_paid_deposit(customer)))
    html(signed_in, "billing:receipt-list")

    with django_assert_num_queries(3):  # user, receipts, wallet
        html(signed_in, "billing:receipt-list")


def test_receipt_page_and_file_say_the_same(
    signed_in: Client, customer: User, django_assert_num_queries: CountQueries
) -> None:
    made = make_receipt(make_paid_deposit(customer, paid_subunits=517_767))

    page = html(signed_in, "billing:receipt", number=made.number)
    with django_assert_num_queries(3):  # user, receipt, receipts of its deposit
        response = signed_in.get(reverse("billing:receipt-pdf", kwargs={"number": made.number}))

    assert response["Content-Type"] == "application/pdf"
    assert response["Content-Disposition"] == f'attachment; filename="namaskah-receipt-{made.number}.pdf"'
    assert response["Cache-Control"] == "private, no-store"
    file = PdfReader(BytesIO(response.content)).pages[0].extract_text()
    for words in (
        "₦5,177.67",
        "₦177.67",
        "$3.2674",
        "1,530.25 NGN",
        "Visa 4081",
        customer.email,
        made.number,
    ):
        assert words in page
        assert words in file


@pytest.mark.parametrize("name", ["billing:receipt", "billing:receipt-pdf"])
def test_receipt_of_somebody_else_is_not_there(signed_in: Client, name: str) -> None:
    theirs = make_receipt(make_paid_deposit(make_customer()))

    for number in (theirs.number, "2026-999999", "x", "2026-000001' OR 1=1"):
        assert signed_in.get(reverse(name, kwargs={"number": number})).status_code == 404


def test_receipt_page_runs_no_markup_of_a_payer(signed_in: Client, customer: User) -> None:
    made = make_receipt(make_paid_deposit(customer, payer="<script>alert(1)</script>"))

    page = html(signed_in, "billing:receipt", number=made.number)

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_receipt_does_not_change_when_it_is_read(signed_in: Client, customer: User) -> None:
    made = make_receipt(make_paid_deposit(customer))

    html(signed_in, "billing:receipt", number=made.number)

    assert list(Receipt.objects.values_list("number", "issued_at")) == [(made.number, made.issued_at)]


# --- monthly statements -----------------------------------------------------------------------------------------------


def test_months_are_listed_with_their_balances(signed_in: Client, in_march: Account) -> None:
    page = html(signed_in, "billing:statements")

    assert page.count('data-testid="month-row"') == 2
    assert page.index("March 2026") < page.index("February 2026")
    for words in ("$9.65", "$10.00", "/wallet/statements/2026-03.pdf", "/wallet/statements/2026-02.csv"):
        assert words in page


def test_months_of_somebody_new_say_so(client: Client, db: None) -> None:
    client.force_login(make_customer())

    assert "No movements yet" in html(client, "billing:statements")


@pytest.mark.parametrize("orders", [1, 3])
def test_statement_pages_do_not_ask_more_for_more(
    signed_in: Client, in_march: Account, orders: int, django_assert_num_queries: CountQueries
) -> None:
    for _ in range(orders):
        hold = make_hold(in_march)
        for made in (hold, make_capture(hold)):
            date_back(made, dt.datetime(2026, 4, 1, tzinfo=dt.UTC))
    html(signed_in, "billing:statements")

    with django_assert_num_queries(5):  # user, account, first transfer, marks, wallet
        html(signed_in, "billing:statements")
    with django_assert_num_queries(5):  # user, account, marks, totals, rows
        signed_in.get(reverse("billing:statement-month-pdf", kwargs={"month": "2026-04"}))


def test_csv_has_balances_movements_and_totals(signed_in: Client, in_march: Account) -> None:
    capture = in_march.debits.get(code="verification_capture")

    header, opening, moved, closing, total = table(signed_in, **MARCH)

    assert header == [
        "Time (UTC)",
        "What",
        "Details",
        "Change",
        "Balance",
        "Currency",
        "Reference",
        "Transfer",
    ]
    assert opening == ["2026-03-01T00:00:00+00:00", "Opening balance", "", "", "10.0000", "USD", "", ""]
    assert moved == [
        "2026-03-05T10:01:00+00:00",
        "Charged for a code",
        "WhatsApp",
        "-0.3500",
        "9.6500",
        "USD",
        "verification:7",
        str(capture.id),
    ]
    assert closing == ["2026-04-01T00:00:00+00:00", "Closing balance", "", "", "9.6500", "USD", "", ""]
    assert total == ["", "Total: Charged for a code", "1 movement", "-0.3500", "", "USD", "", ""]


def test_csv_of_the_running_month_has_no_closing_balance_in_the_future(
    signed_in: Client, customer: User
) -> None:
    make_wallet("5.00", user=customer)
    now = timezone.now()

    rows = table(signed_in, month=f"{now:%Y-%m}")

    assert "Closing balance" not in [row[1] for row in rows]
    (so_far,) = [row for row in rows if row[1] == "Balance so far, the month is not over"]
    assert now - dt.timedelta(seconds=1) <= dt.datetime.fromisoformat(so_far[0]) <= timezone.now()


def test_csv_of_a_long_month_comes_in_pieces_and_adds_up(
    signed_in: Client, in_march: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(months, "CHUNK_ROWS", 3)
    monkeypatch.setattr("billing.monthly_csv.LINES_AT_ONCE", 2)
    for _ in range(9):
        hold = make_hold(in_march, "0.01")
        for made in (hold, make_capture(hold)):
            date_back(made, dt.datetime(2026, 3, 6, tzinfo=dt.UTC))

    lines = table(signed_in, **MARCH)
    response: Any = signed_in.get(reverse("billing:statement-month-csv", kwargs=MARCH))

    changes = [Decimal(line[3]) for line in lines[2:] if line[0].startswith("2026-03")]
    assert len(changes) == 10
    assert Decimal(lines[1][4]) + sum(changes) == Decimal(lines[-2][4])
    assert [piece.count(b"\r\n") for piece in response.streaming_content] == [2, 2, 2, 2, 2, 2, 2]


def test_csv_runs_no_formula(signed_in: Client, in_march: Account) -> None:
    hold = make_hold(in_march, memo='=HYPERLINK("http://evil")', reference="@cmd")
    for made in (hold, make_capture(hold)):
        date_back(made, dt.datetime(2026, 3, 6, tzinfo=dt.UTC))

    line = table(signed_in, **MARCH)[3]

    assert (line[2], line[6]) == ('\'=HYPERLINK("http://evil")', "'@cmd")


def test_pdf_is_the_customers_own(signed_in: Client, in_march: Account, customer: User) -> None:
    response = signed_in.get(reverse("billing:statement-month-pdf", kwargs=MARCH))

    text = PdfReader(BytesIO(response.content)).pages[0].extract_text()
    assert response["Content-Disposition"] == 'attachment; filename="namaskah-statement-2026-03.pdf"'
    assert customer.email in text
    assert "$9.65" in text


@pytest.mark.parametrize("name", ["billing:statement-month-pdf", "billing:statement-month-csv"])
@pytest.mark.parametrize(
    "month", ["2026-01", "2026-13", "2026-00", "0000-01", "9999-12", "2026-3", "x", "2026-03-01", "²026-03"]
)
def test_month_without_movements_or_sense_is_not_there(
    signed_in: Client, in_march: Account, name: str, month: str
) -> None:
    assert signed_in.get(reverse(name, kwargs={"month": month})).status_code == 404


def test_statement_of_somebody_else_is_not_there(client: Client, in_march: Account) -> None:
    client.force_login(make_customer())

    assert client.get(reverse("billing:statement-month-pdf", kwargs=MARCH)).status_code == 404
