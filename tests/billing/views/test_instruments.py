"""Saved cards, automatic top-up and the bank account number, as their owner and as a stranger see them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from billing.enums import DepositPurpose, StopReason
from billing.models import AutoTopUp, DedicatedAccount, SavedCard
from billing.paystack.errors import OutcomeUnknown, Refused
from tests.factories.instruments import make_bank_account, make_card, make_standing_order
from tests.factories.payments import make_deposit, make_rate
from tests.fake_paystack import FakePaystack

PAGES = ["billing:cards", "billing:auto-top-up", "billing:bank-account"]


@pytest.fixture(autouse=True)
def _offered(settings: Settings) -> None:
    settings.PAYSTACK_DEDICATED_ACCOUNTS = True


@pytest.fixture
def signed_in(client: Client, customer: User) -> Client:
    make_rate("1500")
    client.force_login(customer)
    return client


def get(client: Client, name: str, *args: Any) -> str:
    response = client.get(reverse(name, args=args))
    assert response.status_code == 200
    return unescape(response.content.decode())


def post(client: Client, name: str, data: dict[str, Any] | None = None, *args: Any) -> Any:
    return client.post(reverse(name, args=args), data or {})


def wishes(card: SavedCard, **changes: str) -> dict[str, str]:
    return {
        "card": str(card.pk), "threshold": "3.00", "amount": "5,000", "monthly_cap": "20000", "consent": "on",
    } | changes  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_page_is_for_people_signed_in(client: Client, db: None, name: str) -> None:
    response = client.get(reverse(name))

    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/sign-in/")


@pytest.mark.parametrize("name", PAGES)
def test_page_is_kept_in_no_cache(signed_in: Client, name: str) -> None:
    assert "no-store" in signed_in.get(reverse(name))["Cache-Control"]


@pytest.mark.parametrize("name", PAGES)
def test_page_without_anything_leads_on(signed_in: Client, name: str) -> None:
    html = get(signed_in, name)

    assert "<h1>" in html
    assert reverse("billing:top-up") in html


# --- cards ------------------------------------------------------------------------------------------------------------


def test_cards_show_what_their_owner_knows_them_by(signed_in: Client, customer: User) -> None:
    card = make_card(
        customer, brand="visa", last4="4081", exp_month=7, exp_year=2040, bank="GTBank", code="AUTH_secret"
    )
    make_card(customer, last4="1111", exp_month=1, exp_year=2020)
    make_card(customer, last4="2222", removed_at=timezone.now())
    make_card(last4="3333")

    html = get(signed_in, "billing:cards")

    for text in (
        "Visa ••••\u00a04081",
        "Valid until 07/2040",
        "GTBank",
        "Expired 01/2020",
        reverse("billing:card-remove", args=[card.pk]),
    ):
        assert text in html
    assert html.count('data-testid="saved-card"') == 2
    for hidden in ("2222", "3333", "AUTH_secret", card.sealed_code, card.fingerprint):
        assert hidden not in html


def test_cards_say_which_one_is_charged_automatically(signed_in: Client, customer: User) -> None:
    make_card(customer)
    order = make_standing_order(make_card(customer))
    assert get(signed_in, "billing:cards").count("Charged by automatic top-up") == 1

    AutoTopUp.objects.filter(pk=order.pk).update(is_on=False)

    assert "Charged by automatic top-up" not in get(signed_in, "billing:cards")


@pytest.mark.parametrize("count", [1, 3])
def test_pages_cost_the_same_however_many_cards(
    signed_in: Client, customer: User, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(count):
        order_card = make_card(customer)
    make_standing_order(order_card)

    with django_assert_num_queries(4):
        get(signed_in, "billing:cards")
    with django_assert_num_queries(10):
        get(signed_in, "billing:auto-top-up")


def test_card_is_removed_after_a_question(signed_in: Client, customer: User) -> None:
    order = make_standing_order(make_card(customer, brand="visa", last4="4081"))
    card = order.card
    assert card is not None

    html = get(signed_in, "billing:card-remove", card.pk)
    assert "Remove Visa ••••\u00a04081?" in html
    assert "switches automatic top-up off" in html
    assert SavedCard.objects.get().removed_at is None  # a GET removes nothing

    response = post(signed_in, "billing:card-remove", None, card.pk)

    assert response["Location"] == reverse("billing:cards")
    assert SavedCard.objects.get().removed_at is not None
    assert not AutoTopUp.objects.get().is_on
    assert "is removed" in get(signed_in, "billing:cards")


@pytest.mark.parametrize("method", ["get", "post"])
def test_card_of_somebody_else_or_of_the_past_is_not_found(
    signed_in: Client, customer: User, method: str
) -> None:
    for card in (make_card(), make_card(customer, removed_at=timezone.now())):
        response = getattr(signed_in, method)(reverse("billing:card-remove", args=[card.pk]))
        assert response.status_code == 404
    assert SavedCard.objects.filter(removed_at__isnull=True).count() == 1


@pytest.mark.parametrize("name", ["billing:auto-top-up", "billing:bank-account"])
def test_posting_needs_the_token(customer: User, name: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(customer)

    assert post(client, name, {"off": "1", "sent": "1"}).status_code == 403


def test_cards_are_only_read(signed_in: Client) -> None:
    assert post(signed_in, "billing:cards").status_code == 405


# --- automatic top-up -------------------------------------------------------------------------------------------------


def test_automatic_top_up_is_switched_on_and_says_what_it_does(signed_in: Client, customer: User) -> None:
    card = make_card(customer, brand="visa", last4="4081")

    response = post(signed_in, "billing:auto-top-up", wishes(card))

    assert response["Location"] == reverse("billing:auto-top-up")
    order = AutoTopUp.objects.get()
    assert (order.user, order.card, order.is_on) == (customer, card, True)
    assert (order.threshold, order.amount_subunits, order.monthly_cap_subunits) == (
        Decimal(3),
        500_000,
        2_000_000,
    )
    html = get(signed_in, "billing:auto-top-up")
    assert (
        "When less than $3.00 is available, we charge ₦5,000 to Visa ••••\u00a04081, at most ₦20,000 in a calendar month."
        " At today's rate your wallet gets $3.3333 each time." in html
    )
    assert "₦0 of ₦20,000" in html
    assert 'value="5000.00"' in html
    for name in ("amount", "monthly_cap"):
        assert html.count(f'"id_{name}_helptext"') == 2  # the words, and the control that they are about


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"consent": ""}, "Tick the box"),
        ({"amount": "999.99"}, "Choose between ₦1,000.00 and ₦50,000.00."),
        (
            {"amount": "50,000.01", "monthly_cap": "200000"},
            "Until a day after your first top-up, one is at most ₦50,000.00.",
        ),
        ({"amount": "500,000.01"}, "Choose between ₦1,000.00 and ₦50,000.00."),
        ({"amount": "5e3"}, "Write the amount in digits"),
        ({"monthly_cap": "20_000"}, "Write the amount in digits"),
        ({"amount": "1" * 15}, "This is more than we can take."),
        ({"amount": "lots"}, "Write the amount in digits"),
        ({"monthly_cap": "4000"}, "The limit for a month must cover one charge at least."),
        ({"threshold": "-1"}, "Enter an amount above zero."),
        ({"threshold": "3.34"}, "Not more than what one charge adds to your wallet, which is $3.3333 today."),
    ],
)
def test_wish_that_cannot_be_kept_is_answered_beside_its_field(
    signed_in: Client, customer: User, changes: dict[str, str], words: str
) -> None:
    response = post(signed_in, "billing:auto-top-up", wishes(make_card(customer), **changes))

    html = unescape(response.content.decode())
    assert response.status_code == 200
    assert html.count(words) == 2  # in the summary and at the field
    assert not AutoTopUp.objects.exists()


def test_card_of_somebody_else_cannot_be_chosen(signed_in: Client, customer: User) -> None:
    make_card(customer)

    response = post(signed_in, "billing:auto-top-up", wishes(make_card()))

    assert "Choose one of your saved cards." in response.content.decode()
    assert not AutoTopUp.objects.exists()


def test_automatic_top_up_is_switched_off(signed_in: Client, customer: User) -> None:
    make_standing_order(make_card(customer))

    post(signed_in, "billing:auto-top-up", {"off": "1"})

    assert (AutoTopUp.objects.get().is_on, AutoTopUp.objects.get().stop_reason) == (
        False,
        StopReason.CUSTOMER,
    )
    html = get(signed_in, "billing:auto-top-up")
    assert "auto-top-up-on" not in html
    assert "It was switched off" not in html


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (StopReason.DECLINES, "It was switched off: the card was declined three times."),
        (StopReason.DISPUTE, "It was switched off: a payment is disputed."),
        (StopReason.FRAUD, "It was switched off: the payment was refused for safety."),
    ],
)
def test_page_says_why_it_was_switched_off(
    signed_in: Client, customer: User, reason: StopReason, words: str
) -> None:
    make_standing_order(make_card(customer), is_on=False, stop_reason=reason)

    assert words in get(signed_in, "billing:auto-top-up")


def test_page_says_that_the_month_is_used_up(signed_in: Client, customer: User) -> None:
    make_standing_order(make_card(customer), amount_subunits=2_000_000)
    make_deposit(customer, purpose=DepositPurpose.AUTO, amount_subunits=100)

    html = get(signed_in, "billing:auto-top-up")

    assert "The limit of this month is reached." in html
    assert "₦1 of ₦20,000" in html


def test_page_says_that_a_declined_card_rests(signed_in: Client, customer: User) -> None:
    make_standing_order(make_card(customer), next_try_at=timezone.now() + dt.timedelta(hours=20))

    assert "The last charge could not be made. We try again on" in get(signed_in, "billing:auto-top-up")
    SavedCard.objects.update(declines=[timezone.now()])
    assert "The last charge did not work. We try again on" in get(signed_in, "billing:auto-top-up")


def test_page_names_the_limit_that_puts_a_charge_off(signed_in: Client, customer: User) -> None:
    make_standing_order(
        make_card(customer),
        amount_subunits=6_000_000,
        monthly_cap_subunits=6_000_000,
        next_try_at=timezone.now() + dt.timedelta(hours=1),
    )

    html = get(signed_in, "billing:auto-top-up")

    assert "Until a day after your first top-up, one is at most ₦50,000.00. We try again on" in html
    assert "did not work" not in html


def test_form_of_a_known_customer_names_the_largest_charge(signed_in: Client, customer: User) -> None:
    make_card(customer)
    assert "Between ₦1,000 and ₦50,000." in get(signed_in, "billing:auto-top-up")

    make_deposit(customer, credited_at=timezone.now() - dt.timedelta(days=2))

    assert "Between ₦1,000 and ₦500,000." in get(signed_in, "billing:auto-top-up")


def test_page_leads_to_the_charge_under_way(signed_in: Client, customer: User) -> None:
    deposit = make_deposit(customer, purpose=DepositPurpose.AUTO)
    make_standing_order(make_card(customer), attempt=deposit)

    html = get(signed_in, "billing:auto-top-up")

    assert "A charge is under way." in html
    assert reverse("billing:deposit", args=[deposit.pk]) in html


def test_page_of_a_customer_says_nothing_of_another(signed_in: Client, customer: User) -> None:
    make_standing_order(make_card(last4="9876"))

    html = get(signed_in, "billing:auto-top-up")

    assert "9876" not in html
    assert "auto-top-up-on" not in html


def test_page_works_without_an_exchange_rate(client: Client, customer: User) -> None:
    client.force_login(customer)
    make_standing_order(make_card(customer))

    assert "we charge ₦5,000" in get(client, "billing:auto-top-up")


# --- bank account number ----------------------------------------------------------------------------------------------


def who(**changes: str) -> dict[str, str]:
    return {"first_name": "Ada", "last_name": "Obi", "phone": "0801 234 5678"} | changes


@pytest.mark.parametrize("method", ["get", "post"])
def test_page_is_not_there_when_numbers_are_not_offered(
    signed_in: Client, settings: Settings, method: str
) -> None:
    settings.PAYSTACK_DEDICATED_ACCOUNTS = False

    assert getattr(signed_in, method)(reverse("billing:bank-account")).status_code == 404
    assert reverse("billing:bank-account") not in get(signed_in, "billing:cards")


def test_number_is_asked_for(signed_in: Client, customer: User, far: FakePaystack) -> None:
    response = post(signed_in, "billing:bank-account", who())

    assert response["Location"] == reverse("billing:bank-account")
    assert far.calls == [("assign_dedicated_account", customer.email)]
    assert "In progress" in get(signed_in, "billing:bank-account")


def test_telephone_number_is_handed_on_in_international_form(
    signed_in: Client, far: FakePaystack, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, str]] = []
    monkeypatch.setattr(far, "assign_dedicated_account", lambda **values: asked.append(values))

    post(signed_in, "billing:bank-account", who())

    assert (asked[0]["phone"], asked[0]["country"]) == ("+2348012345678", "NG")


@pytest.mark.parametrize("phone", ["", "12", "call me"])
def test_telephone_number_must_be_one(signed_in: Client, far: FakePaystack, phone: str) -> None:
    response = post(signed_in, "billing:bank-account", who(phone=phone))

    assert response.status_code == 200
    assert far.calls == []
    assert not DedicatedAccount.objects.exists()


def test_refusal_of_the_bank_is_shown(signed_in: Client, far: FakePaystack) -> None:
    far.fail("assign_dedicated_account", Refused("no"))

    response = post(signed_in, "billing:bank-account", who())

    assert "did not accept your details" in response.content.decode()
    assert 'value="Ada"' in response.content.decode()


def test_number_is_shown_with_what_to_copy(signed_in: Client, customer: User) -> None:
    account = make_bank_account(customer)

    html = get(signed_in, "billing:bank-account")

    for text in (account.account_number, account.bank_name, account.account_name):
        assert f'data-copy="{text}"' in html
    assert "$1 = ₦1,500.00</span>." in html
    assert "Once Paystack confirms" in html


def test_number_out_of_use_warns(signed_in: Client, customer: User) -> None:
    make_bank_account(customer, is_active=False)

    html = get(signed_in, "billing:bank-account")

    assert "Do not send money to it" in html
    assert "I have sent money" not in html


def test_customer_who_has_sent_money_has_the_bank_asked(
    signed_in: Client, customer: User, far: FakePaystack
) -> None:
    make_bank_account(customer)

    post(signed_in, "billing:bank-account", {"sent": "1"})
    assert "We asked the bank." in get(signed_in, "billing:bank-account")
    post(signed_in, "billing:bank-account", {"sent": "1"})
    assert "less than ten minutes ago" in get(signed_in, "billing:bank-account")

    assert far.count("requery_dedicated_account") == 1


def test_bank_that_cannot_be_asked_is_said(signed_in: Client, customer: User, far: FakePaystack) -> None:
    make_bank_account(customer)
    far.fail("requery_dedicated_account", OutcomeUnknown())

    post(signed_in, "billing:bank-account", {"sent": "1"})

    assert "cannot be asked at the moment" in get(signed_in, "billing:bank-account")


def test_number_of_somebody_else_is_not_shown(signed_in: Client) -> None:
    account = make_bank_account()

    assert account.account_number not in get(signed_in, "billing:bank-account")
