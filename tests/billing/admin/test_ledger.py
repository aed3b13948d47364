"""The console: money is read, and moved only through the adjustment form."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from accounts.models import User
from billing.enums import SystemCode
from billing.models import Account, Transfer
from billing.selectors import wallet
from billing.services import ledger
from tests.factories.accounts import ClerkFactory
from tests.factories.billing import make_capture, make_hold
from tests.factories.signing_in import sign_in


@pytest.fixture
def adjust_url(account: Account) -> str:
    return reverse("admin:billing_account_adjust", args=[account.pk])


def form_key(console: Client, url: str) -> str:
    match = re.search(r'name="key" value="([0-9a-f-]{36})"', console.get(url).content.decode())
    assert match
    return match.group(1)


def text(response: Any) -> str:
    return str(response.content.decode())


def test_account_list_finds_a_customer_by_email(console: Client, customer: User) -> None:
    ledger.system_account(SystemCode.REVENUE)

    response = console.get(reverse("admin:billing_account_changelist"), {"q": customer.email[:10].upper()})

    assert response.status_code == 200
    assert customer.email in text(response)
    assert "revenue" not in text(response)


def test_account_page_shows_figures_and_leads_on(console: Client, account: Account, adjust_url: str) -> None:
    make_hold(account, "2.00")

    html = text(console.get(reverse("admin:billing_account_change", args=[account.pk])))

    for expected in ("8.0000", "2.0000", "10.0000", adjust_url, "Credit or debit", "Statement"):
        assert expected in html
    assert 'name="_save"' not in html


def test_system_account_page_sums_its_transfers(console: Client, account: Account) -> None:
    capture = make_capture(make_hold(account))

    html = text(console.get(reverse("admin:billing_account_change", args=[capture.credit_account_id])))

    assert "0.3500" in html
    assert "Credit or debit" not in html


@pytest.mark.parametrize("model", ["account", "transfer"])
def test_ledger_is_read_only(console: Client, account: Account, model: str) -> None:
    pk = account.pk if model == "account" else Transfer.objects.get().pk

    assert console.get(reverse(f"admin:billing_{model}_add")).status_code == 403
    assert console.post(reverse(f"admin:billing_{model}_change", args=[pk]), {}).status_code == 403
    assert (
        console.post(reverse(f"admin:billing_{model}_delete", args=[pk]), {"post": "yes"}).status_code == 403
    )


@pytest.mark.parametrize("by", ["reference", "key", "id", "sequence"])
def test_transfer_is_found_by_what_names_it(console: Client, account: Account, by: str) -> None:
    hold = make_hold(account, reference="verification:7", key="order-7")

    response: Any = console.get(reverse("admin:billing_transfer_changelist"), {"q": str(getattr(hold, by))})

    assert [row.pk for row in response.context["cl"].result_list] == [hold.pk]


def test_transfer_search_takes_whole_values_only(console: Client, account: Account) -> None:
    make_hold(account, reference="verification:7")

    response: Any = console.get(reverse("admin:billing_transfer_changelist"), {"q": "verification"})

    assert list(response.context["cl"].result_list) == []


def test_transfer_list_counts_up_to_a_limit(
    console: Client, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("namaskah.lib.admin.COUNTED_AT_MOST", 3)
    for _ in range(5):
        make_hold(account, "0.01")

    response: Any = console.get(reverse("admin:billing_transfer_changelist"))

    assert (response.status_code, response.context["cl"].result_count) == (200, 3)


def test_transfer_page_shows_reason(console: Client, account: Account) -> None:
    html = text(console.get(reverse("admin:billing_transfer_change", args=[Transfer.objects.get().pk])))

    assert "staff_credit" in html or "Credit from support" in html


# --- adjustments ------------------------------------------------------------------------------------------------------


def test_adjustment_is_confirmed_then_booked_once(
    console: Client, staff: User, customer: User, adjust_url: str
) -> None:
    data = {"amount": "2.50", "reason": "SMS came late", "key": form_key(console, adjust_url)}

    asked = text(console.post(adjust_url, data))
    assert "+$2.50" in asked
    assert wallet(customer.pk).available == 10

    for _ in range(2):
        done = console.post(adjust_url, data | {"confirm": "1"}, follow=True)
        assert "$2.50 booked for" in text(done)

    transfer = Transfer.objects.latest("sequence")
    assert (transfer.code, transfer.reason, transfer.actor_id) == ("staff_credit", "SMS came late", staff.pk)
    assert wallet(customer.pk).available == transfer.available_after
    assert str(wallet(customer.pk).available) == "12.5000"
    assert LogEntry.objects.filter(user=staff, change_message__contains="SMS came late").exists()


def test_adjustment_shows_on_the_staff_statement_with_its_reason(
    console: Client, staff: User, account: Account, adjust_url: str
) -> None:
    data = {
        "amount": "-1",
        "reason": "charged by mistake",
        "key": form_key(console, adjust_url),
        "confirm": "1",
    }

    html = text(console.post(adjust_url, data, follow=True))

    assert "charged by mistake" in html
    assert staff.email in html
    assert html.count('data-testid="statement-row"') == 2


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"amount": "-10.01"}, "Only $10.00 is available."),
        ({"amount": "0"}, "other than zero"),
        ({"amount": "0.00001"}, "no more than 4 decimal places"),
        ({"amount": "lots"}, "Enter a number"),
        ({"reason": "  "}, "This field is required"),
    ],
)
def test_adjustment_that_cannot_be_is_explained(
    console: Client, customer: User, adjust_url: str, change: dict[str, str], problem: str
) -> None:
    data = {"amount": "1", "reason": "why", "key": form_key(console, adjust_url), "confirm": "1"}

    response = console.post(adjust_url, data | change)

    assert problem in text(response)
    assert wallet(customer.pk).available == 10


def test_adjustment_form_used_again_with_other_values_is_refused(
    console: Client, customer: User, adjust_url: str
) -> None:
    data = {"amount": "1", "reason": "why", "key": form_key(console, adjust_url), "confirm": "1"}
    console.post(adjust_url, data)

    response = console.post(adjust_url, data | {"amount": "2"})

    assert "already used" in text(response)
    assert wallet(customer.pk).available == 11


def test_adjustment_needs_its_permission(
    client: Client, adjust_url: str, customer: User, support_may: Callable[..., None]
) -> None:
    clerk = ClerkFactory.create()
    support_may("billing.view_account", "billing.view_transfer")
    sign_in(client, clerk)

    assert client.get(adjust_url).status_code == 403
    assert client.post(adjust_url, {"amount": "1", "reason": "why", "confirm": "1"}).status_code == 403

    support_may("billing.view_account", "billing.adjust_balance")
    assert client.get(adjust_url).status_code == 200


def test_console_pages_are_for_staff(client: Client, customer: User, adjust_url: str) -> None:
    client.force_login(customer)

    assert client.get(adjust_url).status_code == 403
    assert client.get(reverse("admin:billing_account_changelist")).status_code == 403


def test_system_account_cannot_be_adjusted(console: Client, db: None) -> None:
    revenue = ledger.system_account(SystemCode.REVENUE)

    assert console.get(reverse("admin:billing_account_adjust", args=[revenue.pk])).status_code == 404
    assert console.get(reverse("admin:billing_account_statement", args=[revenue.pk])).status_code == 404
