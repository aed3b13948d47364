"""The wallet page and its CSV."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from billing.models import Account
from tests.factories.billing import make_capture, make_customer, make_hold, make_release

CountQueries = Callable[[int], AbstractContextManager[None]]
TESTID = 'data-testid="{}"'


@pytest.fixture
def signed_in(client: Client, customer: User) -> Client:
    client.force_login(customer)
    return client


def page(client: Client, query: str = "") -> Any:
    return client.get(reverse("billing:wallet") + query)


def rows(response: Any) -> int:
    return int(response.content.decode().count(TESTID.format("statement-row")))


def table(client: Client, query: str = "") -> list[list[str]]:
    response: Any = client.get(reverse("billing:statement-csv") + query)
    return list(csv.reader(StringIO(b"".join(response.streaming_content).decode())))


@pytest.mark.parametrize("name", ["billing:wallet", "billing:statement-csv"])
def test_wallet_is_for_people_signed_in(client: Client, db: None, name: str) -> None:
    response = client.get(reverse(name))

    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/sign-in/")


@pytest.mark.parametrize("name", ["billing:wallet", "billing:statement-csv"])
def test_wallet_is_only_read(signed_in: Client, name: str) -> None:
    assert signed_in.post(reverse(name)).status_code == 405


def test_wallet_shows_figures_and_rows(signed_in: Client, account: Account) -> None:
    make_capture(make_hold(account, memo="WhatsApp, Sweden"))
    make_release(make_hold(account))
    make_hold(account, "2.00")

    response = page(signed_in)
    html = response.content.decode()

    assert response.status_code == 200
    assert rows(response) == 6
    assert 'data-testid="balance"' in html
    assert 'data-testid="held"' in html
    for text in (
        "$7.65",
        "$2.00",
        "WhatsApp, Sweden",
        "Credit from support",
        "Held for a number",
        "Returned, no code came",
    ):
        assert text in html
    assert response["Cache-Control"] == "private, no-store"


def test_wallet_does_not_tell_why_staff_did_it(signed_in: Client) -> None:
    html = page(signed_in).content.decode()

    assert "Credit from support" in html
    assert "test" not in html.split('data-testid="statement-row"')[1]


def test_wallet_of_somebody_new_is_empty(client: Client, db: None) -> None:
    client.force_login(make_customer())

    response = page(client)

    assert (response.status_code, rows(response)) == (200, 0)
    assert "$0.00" in response.content.decode()


def test_wallet_pages_with_its_filter(signed_in: Client, account: Account) -> None:
    for _ in range(30):
        make_capture(make_hold(account, "0.01"))

    first = page(signed_in, "?kind=charges")
    second = page(signed_in, first.context["older_url"][len("/wallet/") :])

    assert (rows(first), rows(second)) == (25, 5)
    assert (first.context["newer_url"], second.context["older_url"]) == (None, None)
    assert "kind=charges" in second.context["newer_url"]
    back = page(signed_in, second.context["newer_url"][len("/wallet/") :])
    assert back.context["rows"] == first.context["rows"]


@pytest.mark.parametrize("query", ["?before=x", "?after=-1", "?before=99999999999999999999", "?kind=unheard"])
def test_wallet_takes_a_strange_address_calmly(signed_in: Client, query: str) -> None:
    response = page(signed_in, query)

    assert (response.status_code, rows(response)) == (200, 1)


@pytest.mark.parametrize("orders", [1, 3])
def test_wallet_takes_as_many_queries_for_three_orders_as_for_one(
    signed_in: Client, account: Account, orders: int, django_assert_num_queries: CountQueries
) -> None:
    for _ in range(orders):
        make_capture(make_hold(account))
    page(signed_in)

    with django_assert_num_queries(5):  # user, wallet, account, transfers, their holds
        page(signed_in)


def test_csv_is_the_whole_statement(signed_in: Client, account: Account) -> None:
    hold = make_hold(account, reference="verification:7", memo="WhatsApp")
    capture = make_capture(hold)

    header, *lines = table(signed_in)

    assert header[1:6] == ["What", "Details", "Change of available", "Charged", "Hold"]
    about = ["USD", "verification:7"]
    assert [line[1:] for line in lines[:2]] == [
        [
            "Charged for a code",
            "WhatsApp",
            "0.0000",
            "0.3500",
            "",
            "9.6500",
            "9.6500",
            *about,
            str(capture.id),
        ],
        [
            "Held for a number",
            "WhatsApp",
            "-0.3500",
            "0.0000",
            "captured",
            "9.6500",
            "10.0000",
            *about,
            str(hold.id),
        ],
    ]
    assert len(lines) == 3
    assert sum(Decimal(line[3]) for line in lines) == Decimal("9.65")


def test_csv_follows_the_filter(signed_in: Client, account: Account) -> None:
    make_hold(account)

    assert [line[1] for line in table(signed_in, "?kind=in")[1:]] == ["Credit from support"]


def test_csv_runs_no_formula(signed_in: Client, account: Account) -> None:
    make_hold(account, memo='=HYPERLINK("http://evil")', reference="@cmd")

    line = table(signed_in)[1]

    assert (line[2], line[9]) == ('\'=HYPERLINK("http://evil")', "'@cmd")


def test_csv_is_an_attachment_streamed_in_pieces(
    signed_in: Client, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("billing.statement_csv.LINES_AT_ONCE", 2)
    for _ in range(4):
        make_hold(account, "0.01")

    response: Any = signed_in.get(reverse("billing:statement-csv"))
    pieces: Iterator[bytes] = response.streaming_content

    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"].startswith('attachment; filename="statement-2')
    assert response["Cache-Control"] == "private, no-store"
    assert [piece.count(b"\r\n") for piece in pieces] == [1, 2, 2, 1]


def test_csv_is_the_customers_own(client: Client, account: Account) -> None:
    client.force_login(make_customer())

    assert len(table(client)) == 1
