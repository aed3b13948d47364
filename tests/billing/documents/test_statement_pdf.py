"""A month of the wallet as PDF."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from io import BytesIO

import pytest
from django.utils import timezone
from pypdf import PdfReader
from pytest_django import Settings

from billing.documents import statement_pdf
from billing.models import Account
from billing.selectors import months
from billing.selectors.months import Month
from tests.factories.billing import make_capture, make_hold, make_wallet
from tests.factories.papers import date_back

pytestmark = pytest.mark.django_db
MADE = dt.datetime(2026, 4, 2, 7, 5, tzinfo=dt.UTC)


def in_march(count: int = 1, memo: str = "WhatsApp, Sweden") -> Account:
    """Ten dollars in February, and `count` numbers of 0.35 in March."""
    account = make_wallet("10.00")
    date_back(account.credits.get(), dt.datetime(2026, 2, 3, tzinfo=dt.UTC))
    for number in range(count):
        hold = make_hold(account, "0.35", memo=memo)
        for transfer in (hold, make_capture(hold)):
            date_back(transfer, dt.datetime(2026, 3, 5, 10, number % 60, tzinfo=dt.UTC))
    return account


def march(account: Account) -> Month:
    month = months.month(account.user_id or 0, dt.date(2026, 3, 1))
    assert month is not None
    return month


def read(content: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages).split())


def render(month: Month) -> bytes:
    return statement_pdf.render(month, customer="ann@example.com", made_at=MADE)


def test_statement_has_balances_totals_and_movements(settings: Settings) -> None:
    settings.SELLER_NAME = "Namaskah Ltd"
    settings.SELLER_ADDRESS = "1 Marina|Lagos"

    content = render(march(in_march(2)))
    text = read(content)

    assert "Statement for March 2026" in text
    assert "From Namaskah Ltd 1 Marina Lagos" in text
    assert "To ann@example.com" in text
    assert "Made 2 Apr 2026, 07:05 UTC" in text
    assert "Opening balance, 1 March 2026 $10.00" in text
    assert "Closing balance, 31 March 2026 $9.30" in text
    assert "Charged for a code 2 −$0.70" in text
    assert "5 Mar, 10:00 Charged for a code · WhatsApp, Sweden −$0.35 $9.65" in text
    assert "5 Mar, 10:01 Charged for a code · WhatsApp, Sweden −$0.35 $9.30" in text
    assert "Held for a number" not in text
    assert len(content) < 60_000


def test_running_month_says_that_it_is_not_over() -> None:
    account = make_wallet("10.00")
    month = months.month(account.user_id or 0, timezone.now().date().replace(day=1))
    assert month is not None
    make_hold(account, "2.00")
    month = months.month(account.user_id or 0, month.day)
    assert month is not None

    text = read(render(month))

    assert "Balance so far, the month is not over $10.00" in text
    assert "of it held $2.00" in text
    assert "+$10.00 $10.00" in text
    assert "Closing balance" not in text


def test_month_of_holds_alone_says_so() -> None:
    account = in_march(0)
    date_back(make_hold(account, "1.00"), dt.datetime(2026, 3, 5, tzinfo=dt.UTC))

    text = read(render(march(account)))

    assert "Nothing changed the balance in this month" in text
    assert "Movements Time" not in text


def test_long_month_is_cut_and_points_to_the_csv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statement_pdf, "MOST_ROWS", 3)

    text = read(render(march(in_march(5))))

    assert "The first 3 of 5 movements are listed here. The CSV file of this month has all of them." in text
    assert text.count("10:0") == 3
    assert "Charged for a code 5 −$1.75" in text


def test_month_of_as_many_as_fit_is_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statement_pdf, "MOST_ROWS", 3)

    text = read(render(march(in_march(3))))

    assert "are listed here" not in text
    assert text.count("10:0") == 3


def test_rows_go_on_over_pages_and_long_texts_are_cut() -> None:
    account = make_wallet(Decimal(100))
    date_back(account.credits.get(), dt.datetime(2026, 2, 3, tzinfo=dt.UTC))
    for _ in range(60):
        hold = make_hold(account, "0.01", memo="W" * 150)
        for transfer in (hold, make_capture(hold)):
            date_back(transfer, dt.datetime(2026, 3, 5, tzinfo=dt.UTC))

    content = render(march(account))
    reader = PdfReader(BytesIO(content))

    assert len(reader.pages) == 2
    assert "Page 2 of 2" in read(content)
    assert "WWW…" in read(content)
    assert reader.pages[1].extract_text().count("5 Mar") > 5
