"""Topping up: the form, the way to Paystack and back, each deposit's page, and who may see which."""

from __future__ import annotations

import datetime as dt
import json
import re
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from decimal import Decimal
from typing import Any

import pytest
from celery import current_app
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from kombu.exceptions import OperationalError
from pytest_django import Settings

from accounts.models import User
from billing.enums import DepositPurpose, DepositStatus
from billing.models import Deposit, ExchangeRate
from billing.paystack import client as paystack_client
from billing.paystack.errors import OutcomeUnknown
from billing.references import resolve
from billing.selectors import wallet
from billing.services import settling
from billing.views import deposits as views
from billing.wording import rate_words, short_amount
from namaskah.lib.keyset import PAGE_ROWS
from tests.factories.payments import (
    make_credited_deposit,
    make_deposit,
    make_rate,
    make_suspended_deposit,
)
from tests.factories.returns import end_dispute, make_dispute, make_refund, spend
from tests.fake_paystack import FakePaystack

pytestmark = pytest.mark.django_db
CountQueries = Callable[[int], AbstractContextManager[None]]
TOP_UP = "/wallet/top-up/"
CHECKOUT = "https://checkout.paystack.com"
STRICT = "form-action 'self'"


@pytest.fixture(autouse=True)
def scene(far: FakePaystack, settings: Settings) -> None:
    """A rate, Paystack in memory, and no page remembered as just looked at."""
    cache.clear()
    make_rate("1530.5")
    settings.PAYSTACK_INLINE_URL = "https://js.paystack.co/v2/inline.js"


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What the views ask the worker for."""
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(views, "enqueue", lambda *task: asked.append(task))
    return asked


@pytest.fixture
def signed_in(client: Client, customer: User) -> Client:
    client.force_login(customer)
    return client


def html(response: Any) -> str:
    return " ".join(response.content.decode().split())


def directive(response: Any, name: str) -> str:
    """One part of a page's content security policy."""
    parts = [part.strip() for part in response["Content-Security-Policy"].split(";")]
    return next((part for part in parts if part.split()[0] == name), "")


def form(amount: str = "5000", **values: str) -> dict[str, str]:
    return {"amount": amount, "form_key": str(uuid.uuid4())} | values


def page_of(deposit: Deposit) -> str:
    return reverse("billing:deposit", args=[deposit.pk])


def returning(deposit: Deposit) -> str:
    return f"/wallet/top-up/return/?reference={deposit.reference}"


# --- The form ---------------------------------------------------------------------------------------------------------
def test_every_page_is_for_people_signed_in(client: Client) -> None:
    deposit = make_deposit()
    addresses = [
        TOP_UP,
        returning(deposit),
        "/wallet/top-up/cancelled/",
        "/wallet/deposits/",
        page_of(deposit),
    ]

    answers = [client.get(address) for address in addresses]
    answers.append(client.post(reverse("billing:deposit-retry", args=[deposit.pk])))

    assert {answer.status_code for answer in answers} == {302}
    assert all(answer["Location"].startswith("/accounts/sign-in/") for answer in answers)


def test_form_says_what_the_wallet_gets_and_by_which_rate(signed_in: Client) -> None:
    page = html(signed_in.get(TOP_UP))

    assert "$1 = ₦1,530.50" in page
    assert f'datetime="{timezone.now():%Y-%m-%dT%H}' in page
    assert 'data-rate="1530.500000"' in page
    for label, credit in (("₦2,000", "$1.3067"), ("₦5,000", "$3.2669"), ("₦20,000", "$13.0676")):
        assert f'<strong>{label}</strong> <span class="small quiet">{credit}</span>' in page
    assert "From ₦1,000 to ₦50,000; a day after your first top-up, up to ₦500,000." in page
    assert "within 90 days" in page
    assert 'href="/wallet/refunds/"' in page


def test_form_of_a_known_customer_names_the_daily_limit(signed_in: Client, customer: User) -> None:
    paid = make_credited_deposit(customer)
    Deposit.objects.filter(pk=paid.pk).update(credited_at=timezone.now() - dt.timedelta(days=2))

    assert "From ₦1,000 to ₦500,000, at most ₦1,000,000 a day." in html(signed_in.get(TOP_UP))


def test_presets_are_links_that_fill_the_form(signed_in: Client) -> None:
    page = html(signed_in.get(TOP_UP + "?amount=5000&next=/verifications/new/%3Fservice%3Dwhatsapp"))

    assert 'value="5000"' in page
    assert "data-known>$3.2669</output>" in page
    assert (
        'href="/wallet/top-up/?amount=10000&amp;next=%2Fverifications%2Fnew%2F%3Fservice%3Dwhatsapp"' in page
    )
    assert page.count('aria-current="true"') == 1


def test_each_rendered_form_has_a_key_of_its_own(signed_in: Client) -> None:
    keys = {signed_in.get(TOP_UP).context["form_key"] for _ in range(2)}

    assert len(keys) == 2


@pytest.mark.parametrize("amount", ["x", "-5", "9" * 40, "%00", "1e400", "NaN"])
def test_a_strange_amount_in_the_address_is_taken_calmly(signed_in: Client, amount: str) -> None:
    response = signed_in.get(f"{TOP_UP}?amount={amount}")

    assert response.status_code == 200
    assert "data-known" not in html(response)


def test_no_form_while_top_ups_are_paused(signed_in: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paystack_client, "is_available", lambda: False)

    page = html(signed_in.get(TOP_UP))

    assert "Top-ups are paused" in page
    assert 'name="amount"' not in page
    assert "<script" not in page.split("local-time.js")[1]


def test_no_form_by_a_rate_that_is_too_old(signed_in: Client) -> None:
    ExchangeRate.objects.update(as_of=timezone.now() - dt.timedelta(days=4))

    page = html(signed_in.get(TOP_UP))

    assert "exchange rate" in page
    assert 'name="amount"' not in page


# --- Starting ---------------------------------------------------------------------------------------------------------
def test_form_leads_to_the_checkout(signed_in: Client, customer: User, far: FakePaystack) -> None:
    response = signed_in.post(TOP_UP, form("5000", save_card="on"))

    made = Deposit.objects.get()
    assert (response.status_code, response["Location"]) == (302, made.authorization_url)
    assert made.authorization_url.startswith(CHECKOUT)
    assert (made.user, made.amount_subunits, made.charge_currency) == (customer, 500_000, "NGN")
    assert (made.credit_amount, made.wants_card_saved) == (Decimal("3.2669"), True)
    assert made.status == DepositStatus.PENDING
    assert far.count("initialize") == 1


@pytest.mark.parametrize(
    ("typed", "subunits"),
    [("5000", 500_000), ("5 000", 500_000), ("5,000.50", 500_050), ("1,234,5", None), ("12.5", None), ("50000", 5_000_000),
     ("5e3", None), ("5_000", None), ("5000.0.0", None), ("50 00", None), ("٥٠٠٠", None), ("NaN", None), ("", None)],
)  # fmt: skip
def test_amount_is_read_as_people_write_it(signed_in: Client, typed: str, subunits: int | None) -> None:
    signed_in.post(TOP_UP, form(typed))

    made = Deposit.objects.first()
    assert (made.amount_subunits if made else None) == subunits


def test_browser_decides_neither_customer_nor_currency_nor_rate(signed_in: Client, customer: User) -> None:
    signed_in.post(
        TOP_UP, form("5000", user="1", currency="USD", rate="1", credit_amount="999", reference="nm-t-x")
    )

    made = Deposit.objects.get()
    assert (made.user, made.charge_currency, made.rate) == (customer, "NGN", Decimal("1530.5"))
    assert made.credit_amount == Decimal("3.2669")


def test_form_sent_twice_is_one_deposit(signed_in: Client, far: FakePaystack) -> None:
    values = form()

    first, second = signed_in.post(TOP_UP, values), signed_in.post(TOP_UP, values)

    assert first["Location"] == second["Location"]
    assert (Deposit.objects.count(), far.count("initialize")) == (1, 1)


def test_form_sent_again_after_the_payment_leads_to_the_deposit(signed_in: Client, far: FakePaystack) -> None:
    values = form()
    signed_in.post(TOP_UP, values)
    made = Deposit.objects.get()
    settling.apply(made.pk, far.pay(made.reference))

    assert signed_in.post(TOP_UP, values)["Location"] == page_of(made)


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("", "Choose or enter an amount."),
        ("five", "Write the amount in digits"),
        ("5,5", "Write the amount in digits"),
        ("-5", "Enter an amount above zero."),
        ("5000.001", "An amount has two decimal places at most."),
        ("999", "A top-up is at least ₦1,000.00."),
        ("500001", "A top-up is at most ₦500,000.00."),
        ("99999999999999", "This is more than we can take."),
    ],
)
def test_refused_amount_stands_beside_the_field(signed_in: Client, amount: str, words: str) -> None:
    response = signed_in.post(TOP_UP, form(amount))

    page = html(response)
    assert response.status_code == 400
    assert f'id="id_amount_error"><li>{words}' in page
    assert 'aria-invalid="true"' in page
    assert f'value="{amount}"' in page or not amount
    assert not Deposit.objects.exists()


def test_other_refusals_stand_above_the_form(signed_in: Client, customer: User, settings: Settings) -> None:
    settings.TOP_UP_OPEN_MAX = 1
    make_deposit(customer)

    response = signed_in.post(TOP_UP, form())

    assert response.status_code == 429
    assert "You have begun 1 top-ups within the last hour." in html(response).split("<form")[1]
    assert Deposit.objects.count() == 1


def test_lost_answer_is_told_and_the_next_form_begins_anew(signed_in: Client, far: FakePaystack) -> None:
    far.fail("initialize", OutcomeUnknown())
    values = form()

    response = signed_in.post(TOP_UP, values)

    assert response.status_code == 503
    assert "Nothing was charged." in html(response)
    assert str(response.context["form_key"]) != values["form_key"]


def test_script_gets_what_the_inline_checkout_needs(signed_in: Client) -> None:
    response = signed_in.post(TOP_UP, form(), headers={"accept": "application/json"})

    made = Deposit.objects.get()
    assert response.json() == {
        "access_code": made.access_code,
        "authorization_url": made.authorization_url,
        "deposit_url": page_of(made),
        "return_url": returning(made),
    }
    assert made.access_code


def test_script_is_told_of_errors_and_nothing_is_begun(signed_in: Client) -> None:
    response = signed_in.post(TOP_UP, form("1"), headers={"accept": "application/json"})

    assert response.status_code == 400
    assert "amount" in json.loads(response.content)["errors"]
    assert not Deposit.objects.exists()


# --- What a page may load and where its forms may end -----------------------------------------------------------------
def test_top_up_page_alone_may_hold_the_checkout(signed_in: Client) -> None:
    response = signed_in.get(TOP_UP)

    assert directive(response, "form-action") == f"form-action 'self' {CHECKOUT}"
    assert directive(response, "script-src") == f"script-src 'self' https://js.paystack.co {CHECKOUT}"
    assert directive(response, "frame-src") == f"frame-src {CHECKOUT}"
    assert directive(response, "connect-src") == f"connect-src 'self' http://127.0.0.1:1 {CHECKOUT}"
    assert directive(response, "style-src") == "style-src 'self'"
    assert 'data-inline="https://js.paystack.co/v2/inline.js"' in html(response)
    assert "paystack-inline.js" in html(response)


def test_refused_form_keeps_the_policy(signed_in: Client) -> None:
    assert CHECKOUT in directive(signed_in.post(TOP_UP, form("1")), "form-action")


def test_without_inline_checkout_only_the_form_may_leave(signed_in: Client, settings: Settings) -> None:
    settings.PAYSTACK_INLINE_URL = ""

    response = signed_in.get(TOP_UP)

    assert directive(response, "form-action") == f"form-action 'self' {CHECKOUT}"
    assert directive(response, "script-src") == "script-src 'self'"
    assert directive(response, "frame-src") == ""
    assert "paystack" not in html(response).split("<main")[0]
    assert "data-inline" not in html(response)


@pytest.mark.parametrize(
    "address", ["/", "/wallet/", "/wallet/deposits/", "/verifications/new/", "/services/"]
)
def test_every_other_page_stays_strict(signed_in: Client, address: str) -> None:
    signed_in.get(TOP_UP)  # whatever it adds must not stay

    response = signed_in.get(address)

    assert directive(response, "form-action") == STRICT
    assert directive(response, "script-src") == "script-src 'self'"
    assert "paystack.co" not in response["Content-Security-Policy"]


def test_deposit_page_lets_its_retry_leave_and_nothing_in(signed_in: Client, customer: User) -> None:
    response = signed_in.get(page_of(make_deposit(customer)))

    assert directive(response, "form-action") == f"form-action 'self' {CHECKOUT}"
    assert directive(response, "script-src") == "script-src 'self'"
    assert directive(response, "connect-src") == "connect-src 'self'"
    assert directive(response, "frame-src") == ""


# --- Coming back ------------------------------------------------------------------------------------------------------
def test_coming_back_only_queues_a_look(
    signed_in: Client, customer: User, far: FakePaystack, queued: list[tuple[str, ...]]
) -> None:
    deposit = make_deposit(customer, far=far)
    far.pay(deposit.reference)

    response = signed_in.get(returning(deposit))

    assert (response.status_code, response["Location"]) == (302, page_of(deposit))
    assert queued == [("billing.settle_deposit", str(deposit.pk))]
    assert wallet(customer.pk).available == Decimal("10.00")
    assert Deposit.objects.get().status == DepositStatus.PENDING


def test_coming_back_knows_paystacks_other_name_of_the_reference(
    signed_in: Client, customer: User, queued: list[tuple[str, ...]]
) -> None:
    deposit = make_deposit(customer)

    response = signed_in.get(f"/wallet/top-up/return/?trxref={deposit.reference}")

    assert response["Location"] == page_of(deposit)
    assert len(queued) == 1


@pytest.mark.parametrize("query", ["", "?reference=", "?reference=nm-t-nothing", "?reference=%00"])
def test_coming_back_with_no_reference_of_ours_is_not_found(
    signed_in: Client, queued: list[tuple[str, ...]], query: str
) -> None:
    assert signed_in.get("/wallet/top-up/return/" + query).status_code == 404
    assert queued == []


def test_nobody_comes_back_with_somebody_elses_reference(
    signed_in: Client, queued: list[tuple[str, ...]]
) -> None:
    other = make_deposit()

    answers = [
        signed_in.get(returning(other)),
        signed_in.get(f"/wallet/top-up/cancelled/?reference={other.reference}"),
        signed_in.get(page_of(other)),
        signed_in.post(reverse("billing:deposit-retry", args=[other.pk])),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert queued == []


def test_coming_back_works_while_redis_is_away(
    signed_in: Client, customer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: Any, **_more: Any) -> None:
        raise OperationalError("away")

    monkeypatch.setattr(current_app, "send_task", away)
    deposit = make_deposit(customer)

    assert signed_in.get(returning(deposit))["Location"] == page_of(deposit)
    assert signed_in.get(page_of(deposit)).status_code == 200


def test_leaving_the_checkout_leads_to_the_last_deposit_and_looks(
    signed_in: Client, customer: User, queued: list[tuple[str, ...]]
) -> None:
    make_deposit(customer, created_at=timezone.now() - dt.timedelta(hours=1))
    last = make_deposit(customer)

    response = signed_in.get("/wallet/top-up/cancelled/", follow=True)

    assert response.redirect_chain == [(page_of(last), 302)]
    assert queued[0] == ("billing.settle_deposit", str(last.pk))
    assert "You left the payment page before the end." in html(response)


def test_leaving_the_checkout_without_any_deposit_is_not_found(signed_in: Client) -> None:
    assert signed_in.get("/wallet/top-up/cancelled/").status_code == 404


def test_watched_page_asks_for_a_look_now_and_then(
    signed_in: Client, customer: User, queued: list[tuple[str, ...]]
) -> None:
    deposit = make_deposit(customer)

    for _ in range(3):
        signed_in.get(page_of(deposit))

    assert queued == [("billing.settle_deposit", str(deposit.pk))]


def test_page_of_a_settled_deposit_asks_for_nothing(
    signed_in: Client, customer: User, queued: list[tuple[str, ...]]
) -> None:
    signed_in.get(page_of(make_deposit(customer, status=DepositStatus.FAILED)))

    assert queued == []


@pytest.mark.parametrize("name", ["top-up-return", "top-up-cancelled", "deposit-list"])
def test_pages_that_only_read_take_no_post(signed_in: Client, name: str) -> None:
    assert signed_in.post(reverse(f"billing:{name}")).status_code == 405


# --- A deposit's page -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("status", "badge", "sentence"),
    [
        (DepositStatus.CREATED, "Starting", "The payment is being opened."),
        (DepositStatus.PENDING, "Waiting for you to pay", "No payment of ₦5,000.00 has reached us yet."),
        (DepositStatus.PROCESSING, "Waiting for your bank", "Your bank is still confirming ₦5,000.00."),
        (DepositStatus.FAILED, "Declined", "Your bank declined the payment, so nothing was added"),
        (DepositStatus.ABANDONED, "Not finished", "The payment was not finished and no money has reached us"),
        (DepositStatus.REVERSED, "Reversed", "The money went back to where it came from."),
    ],
)
def test_page_says_where_the_deposit_stands(
    signed_in: Client, customer: User, status: DepositStatus, badge: str, sentence: str
) -> None:
    deposit = make_deposit(customer, status=status)

    page = html(signed_in.get(page_of(deposit)))

    assert f'data-testid="deposit-status" data-status="{status.value}"' in page
    assert f"{badge}</span>" in page
    assert f"<p>{sentence}" in page
    assert deposit.reference in page


@pytest.mark.parametrize(
    ("status", "goes_on", "can_retry", "is_live"),
    [
        (DepositStatus.PENDING, True, False, True),
        (DepositStatus.PROCESSING, False, False, True),
        (DepositStatus.FAILED, False, True, False),
        (DepositStatus.ABANDONED, False, True, False),
        (DepositStatus.NEEDS_REVIEW, False, False, False),
        (DepositStatus.REVERSED, False, False, False),
    ],
)
def test_page_offers_what_the_state_allows(
    signed_in: Client, customer: User, status: DepositStatus, goes_on: bool, can_retry: bool, is_live: bool
) -> None:
    deposit = make_deposit(customer, status=status)

    page = html(signed_in.get(page_of(deposit)))

    assert (f'href="{deposit.authorization_url}"' in page) is goes_on
    assert ('data-testid="deposit-retry"' in page) is can_retry
    assert (f'data-live="{deposit.pk}" data-watch' in page) is is_live
    assert 'data-testid="deposit-receipt"' not in page
    assert "http-equiv" not in page


def test_page_of_a_paid_deposit_shows_what_the_wallet_got(
    signed_in: Client, customer: User, far: FakePaystack
) -> None:
    deposit = make_credited_deposit(customer, far=far, paid={"amount": 512_600, "fees": 12_600})

    page = html(signed_in.get(page_of(deposit)))

    assert "₦5,000.00 arrived. $3.3333 was added to your wallet." in page
    assert '<dd data-testid="deposit-credit"> $3.3333 </dd>' in page
    assert "<dt>Payment fees on top</dt> <dd> ₦126.00 </dd>" in page
    assert "Paid by card" in page
    assert "+$3.3333" in page
    assert "data-live" not in page
    receipt = deposit.receipts.get()
    assert f'href="/wallet/receipts/{receipt.number}/"' in page


def test_page_of_money_under_review_is_calm(signed_in: Client, customer: User, far: FakePaystack) -> None:
    deposit = make_suspended_deposit(customer, far=far)

    page = html(signed_in.get(page_of(deposit)))

    assert "₦3,000.00 arrived, but we had asked for ₦5,000.00. It is safe with us." in page
    assert '<dd data-testid="deposit-credit"> Nothing yet </dd>' in page
    assert wallet(customer.pk).available == Decimal("10.00")


def test_page_of_a_disputed_deposit_does_not_celebrate(
    signed_in: Client, customer: User, far: FakePaystack
) -> None:
    deposit = make_credited_deposit(customer, far=far)
    make_dispute(deposit, far)

    page = html(signed_in.get(page_of(deposit)))

    assert 'data-status="disputed" data-tone="waiting"' in page
    assert "Disputed</span>" in page
    assert "has not decided yet. Until then $3.3333 of your credit is set aside." in page
    assert '<dd data-testid="deposit-credit"> $3.3333 </dd>' in page
    assert "<span>Disputed at your bank</span>" in page
    assert "arrived." not in page
    assert 'id="way-back"' not in page


def test_page_of_a_disputed_deposit_that_is_spent_names_no_held_money(
    signed_in: Client, customer: User, far: FakePaystack
) -> None:
    deposit = make_credited_deposit(customer, far=far)
    spend(customer, str(wallet(customer.pk).available))
    make_dispute(deposit, far)

    page = html(signed_in.get(page_of(deposit)))

    assert "has not decided yet. If you did not ask your bank for this" in page
    assert "set aside" not in page


@pytest.mark.parametrize(
    ("taken_subunits", "sentence", "money"),
    [
        (500_000, "Your bank took this payment back, so its $3.3333 was charged to your wallet.", "−$3.3333"),
        (250_000, "took a part of this payment back: $1.6667 of its $3.3333 was charged", "−$1.6667"),
    ],
)
def test_page_of_a_deposit_that_the_bank_took_back(
    signed_in: Client, customer: User, far: FakePaystack, taken_subunits: int, sentence: str, money: str
) -> None:
    deposit = make_credited_deposit(customer, far=far)
    end_dispute(make_dispute(deposit, far), far, "auto-accepted", refund_amount=taken_subunits)

    page = html(signed_in.get(page_of(deposit)))

    assert 'data-status="taken_back" data-tone="returned"' in page
    assert sentence in page
    assert f'<span>Taken back by your bank</span> <span class="sum">{money}</span>' in page
    assert "arrived." not in page
    assert 'id="way-back"' not in page


def test_page_of_a_dispute_that_was_won_is_as_before(
    signed_in: Client, customer: User, far: FakePaystack
) -> None:
    deposit = make_credited_deposit(customer, far=far)
    end_dispute(make_dispute(deposit, far), far, "declined")

    page = html(signed_in.get(page_of(deposit)))

    assert 'data-status="succeeded" data-tone="received"' in page
    assert "₦5,000.00 arrived." in page
    assert "<span>Disputed at your bank</span>" in page
    assert "<span>Dispute closed in your favour</span>" in page


def test_page_of_money_under_review_follows_its_dispute(
    signed_in: Client, customer: User, far: FakePaystack
) -> None:
    deposit = make_suspended_deposit(customer, far=far)
    dispute = make_dispute(deposit, far)
    disputed = html(signed_in.get(page_of(deposit)))
    end_dispute(dispute, far, "auto-accepted")
    lost = html(signed_in.get(page_of(deposit)))

    assert "has not decided yet. Nothing is added to your wallet until then." in disputed
    assert '<dd data-testid="deposit-credit"> Nothing yet </dd>' in disputed
    assert "Your bank took this payment back. Nothing was added to your wallet." in lost
    assert '<dd data-testid="deposit-credit"> Nothing </dd>' in lost
    assert "<span>Taken back by your bank</span>" in lost
    assert "<span>Taken back</span>" not in lost
    for page in (disputed, lost):
        assert "safe with us" not in page


def test_page_of_money_under_review_of_which_the_bank_took_a_part(
    signed_in: Client, customer: User, far: FakePaystack
) -> None:
    deposit = make_suspended_deposit(customer, far=far)
    end_dispute(make_dispute(deposit, far, refund_amount=100_000), far, "auto-accepted")

    assert "took a part of this payment back. The rest is safe with us" in html(
        signed_in.get(page_of(deposit))
    )


def test_declined_page_tells_the_banks_answer(signed_in: Client, customer: User) -> None:
    deposit = make_deposit(
        customer,
        status=DepositStatus.FAILED,
        closed_at=timezone.now(),
        gateway_response="<b>Insufficient Funds",
    )

    assert "Declined: &lt;b&gt;Insufficient Funds" in html(signed_in.get(page_of(deposit)))


@pytest.mark.parametrize("answer", ["", "Declined", "declined.", " Failed "])
def test_declined_page_does_not_say_it_twice(signed_in: Client, customer: User, answer: str) -> None:
    deposit = make_deposit(
        customer, status=DepositStatus.FAILED, closed_at=timezone.now(), gateway_response=answer
    )

    assert "Declined by the bank" in html(signed_in.get(page_of(deposit)))


def test_fragment_for_htmx_is_the_live_part_alone(signed_in: Client, customer: User) -> None:
    page = html(signed_in.get(page_of(make_deposit(customer)), headers={"hx-request": "true"}))

    assert page.startswith('<div id="live"')
    assert "<h1>" not in page
    assert 'id="wallet-chip"' in page


def test_pages_are_kept_nowhere(signed_in: Client, customer: User) -> None:
    for address in (TOP_UP, page_of(make_deposit(customer)), "/wallet/deposits/"):
        assert "no-store" in signed_in.get(address)["Cache-Control"]


def test_retry_leads_to_a_new_checkout_linked_to_the_old(signed_in: Client, customer: User) -> None:
    old = make_deposit(customer, status=DepositStatus.FAILED)

    response = signed_in.post(
        reverse("billing:deposit-retry", args=[old.pk]), {"form_key": str(uuid.uuid4())}
    )

    made = Deposit.objects.get(retry_of=old)
    assert (response.status_code, response["Location"]) == (302, made.authorization_url)
    assert made.reference != old.reference
    assert f'href="{page_of(old)}"' in html(signed_in.get(page_of(made)))


def test_retry_pressed_twice_is_one_deposit(signed_in: Client, customer: User) -> None:
    old = make_deposit(customer, status=DepositStatus.FAILED)
    values, address = {"form_key": str(uuid.uuid4())}, reverse("billing:deposit-retry", args=[old.pk])

    answers = {signed_in.post(address, values)["Location"] for _ in range(2)}

    assert len(answers) == 1
    assert Deposit.objects.filter(retry_of=old).count() == 1


def test_retry_that_is_refused_says_so_on_the_page(
    signed_in: Client, customer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = make_deposit(customer, status=DepositStatus.ABANDONED)
    monkeypatch.setattr(paystack_client, "is_available", lambda: False)

    response = signed_in.post(
        reverse("billing:deposit-retry", args=[old.pk]), {"form_key": str(uuid.uuid4())}, follow=True
    )

    assert response.redirect_chain == [(page_of(old), 302)]
    assert "Top-ups are paused" in html(response)


def test_automatic_top_up_is_not_retried_by_hand(signed_in: Client, customer: User) -> None:
    deposit = make_deposit(customer, status=DepositStatus.FAILED, purpose=DepositPurpose.AUTO)

    assert 'data-testid="deposit-retry"' not in html(signed_in.get(page_of(deposit)))


# --- Back to the order ------------------------------------------------------------------------------------------------
ORDER = "/verifications/new/?service=whatsapp&country=GB"


def test_choice_survives_the_payment(signed_in: Client, far: FakePaystack) -> None:
    signed_in.post(TOP_UP, form(next=ORDER))
    made = Deposit.objects.get()
    settling.apply(made.pk, far.pay(made.reference))

    page = html(signed_in.get(page_of(made)))

    assert f'href="{ORDER.replace("&", "&amp;")}" id="way-back">Continue your order' in page


def test_choice_survives_a_second_try(signed_in: Client, far: FakePaystack) -> None:
    signed_in.post(TOP_UP, form(next=ORDER))
    old = Deposit.objects.get()
    Deposit.objects.update(status=DepositStatus.FAILED)
    signed_in.post(reverse("billing:deposit-retry", args=[old.pk]), {"form_key": str(uuid.uuid4())})
    made = Deposit.objects.get(retry_of=old)
    settling.apply(made.pk, far.pay(made.reference))

    assert "Continue your order" in html(signed_in.get(page_of(made)))


def test_choice_belongs_to_its_own_payment(signed_in: Client, customer: User) -> None:
    signed_in.post(TOP_UP, form(next=ORDER))
    earlier = make_credited_deposit(customer)

    assert "Continue your order" not in html(signed_in.get(page_of(earlier)))


@pytest.mark.parametrize(
    "address", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/" + "x" * 2001]
)
def test_way_back_is_a_page_of_this_site(signed_in: Client, far: FakePaystack, address: str) -> None:
    signed_in.post(TOP_UP, form(next=address))
    made = Deposit.objects.get()
    settling.apply(made.pk, far.pay(made.reference))

    assert "Continue your order" not in html(signed_in.get(page_of(made)))
    assert address not in html(signed_in.get(TOP_UP, {"next": address}))


# --- The list ---------------------------------------------------------------------------------------------------------
def test_list_of_somebody_new_leads_to_the_first_top_up(signed_in: Client) -> None:
    page = html(signed_in.get("/wallet/deposits/"))

    assert "No deposits yet" in page
    assert f'href="{TOP_UP}"' in page


def test_list_says_what_a_person_has_closed(signed_in: Client, customer: User) -> None:
    now = timezone.now()
    make_deposit(customer, status=DepositStatus.FAILED, reviewed_at=now, closed_at=now)

    page = html(signed_in.get(reverse("billing:deposit-list")))

    assert "Closed</span>" in page
    assert "Declined" not in page


def test_list_says_that_a_bank_wants_a_payment_back(
    signed_in: Client, customer: User, far: FakePaystack
) -> None:
    make_dispute(make_credited_deposit(customer, far=far), far)

    page = html(signed_in.get(reverse("billing:deposit-list")))

    assert 'data-status="disputed"' in page
    assert 'data-status="succeeded"' not in page


def test_list_shows_own_deposits_only(signed_in: Client, customer: User) -> None:
    mine, other = make_credited_deposit(customer), make_deposit()

    page = html(signed_in.get("/wallet/deposits/"))

    assert page.count('data-testid="deposit-row"') == 1
    assert page_of(mine) in page
    assert str(other.pk) not in page
    assert "+$3.3333" in page


def test_list_pages_there_and_back(signed_in: Client, customer: User) -> None:
    now = timezone.now()
    for number in range(PAGE_ROWS + 5):
        make_deposit(customer, created_at=now - dt.timedelta(minutes=number // 2))

    first = signed_in.get("/wallet/deposits/")
    second = signed_in.get("/wallet/deposits/" + first.context["older_url"])
    back = signed_in.get("/wallet/deposits/" + second.context["newer_url"])

    assert (len(first.context["rows"]), len(second.context["rows"])) == (PAGE_ROWS, 5)
    assert not set(first.context["rows"]) & set(second.context["rows"])
    assert back.context["rows"] == first.context["rows"]
    assert (first.context["newer_url"], second.context["older_url"]) == (None, None)


@pytest.mark.parametrize(
    "query", ["?older=x", "?newer=_", "?older=1e99_x", "?older=nan_00000000-0000-4000-8000-000000000000"]
)
def test_list_takes_a_bent_address_calmly(signed_in: Client, customer: User, query: str) -> None:
    make_deposit(customer)

    response = signed_in.get("/wallet/deposits/" + query)

    assert len(response.context["rows"]) == 1


@pytest.mark.parametrize("rows", [1, 3])
def test_list_takes_as_many_queries_for_three_as_for_one(
    signed_in: Client, customer: User, rows: int, django_assert_num_queries: CountQueries
) -> None:
    for _ in range(rows):
        make_deposit(customer)
    signed_in.get("/wallet/deposits/")

    with django_assert_num_queries(4):  # user, deposits, their disputes, wallet
        signed_in.get("/wallet/deposits/")


@pytest.mark.parametrize("tries", [1, 3])
def test_page_takes_as_many_queries_for_three_refunds_as_for_one(
    signed_in: Client, customer: User, tries: int, far: FakePaystack, django_assert_num_queries: CountQueries
) -> None:
    deposit = make_credited_deposit(customer, far=far)
    for _ in range(tries):
        make_refund(deposit, 100_000)
    signed_in.get(page_of(deposit))

    with django_assert_num_queries(6):  # user, deposit, disputes, refunds, receipt, wallet
        page = html(signed_in.get(page_of(deposit)))

    assert page.count("Refund asked for") == tries


# --- Around it --------------------------------------------------------------------------------------------------------
def test_statement_links_the_credit_to_its_deposit(signed_in: Client, customer: User) -> None:
    deposit = make_credited_deposit(customer)

    page = html(signed_in.get("/wallet/"))

    assert resolve(f"deposit:{deposit.pk}") == page_of(deposit)
    assert f'<a class="cover" href="{page_of(deposit)}">' in page
    assert resolve("deposit:not-an-id") is None


def test_wallet_leads_to_the_top_up(signed_in: Client) -> None:
    assert f'<a class="button" href="{TOP_UP}">' in html(signed_in.get("/wallet/"))


def test_short_amounts_and_rates_in_words() -> None:
    assert (short_amount(500_000, "NGN"), short_amount(500_050, "NGN")) == ("₦5,000", "₦5,000.50")
    assert short_amount(500_000, "XOF") == "5,000 XOF"
    assert rate_words(Decimal("1530.500000"), "NGN", "USD") == "$1 = ₦1,530.50"
    assert rate_words(Decimal("0.000123"), "KES", "XAF") == "1 XAF = KSh0.000123"
    assert rate_words(Decimal("1000"), "NGN", "USD") == "$1 = ₦1,000.00"


def test_navigation_names_every_page_of_the_wallet(signed_in: Client, settings: Settings) -> None:
    def links() -> list[str]:
        navigation = html(signed_in.get(TOP_UP)).split('<nav class="subnav"')[1].split("</nav>")[0]
        return re.findall(r'href="([^"]+)"', navigation)

    without, settings.PAYSTACK_DEDICATED_ACCOUNTS = links(), True

    assert without == [
        "/wallet/", TOP_UP, "/wallet/deposits/", "/wallet/receipts/", "/wallet/refunds/", "/wallet/cards/",
        "/wallet/auto-top-up/",
    ]  # fmt: skip
    assert links() == [*without, "/wallet/bank-account/"]
    assert {signed_in.get(address).status_code for address in links()} == {200}
