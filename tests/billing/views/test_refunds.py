"""The pages of refunds: what can go back, the form, and a refund's own page."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from billing.models import Deposit, Refund
from billing.paystack.errors import NotReached, Refused
from billing.selectors import returns
from billing.services import refund_sending
from tests.factories.accounts import UserFactory
from tests.factories.payments import make_credited_deposit
from tests.factories.returns import make_refund, make_sent_refund, make_waiting_refund, spend
from tests.factories.signing_in import sign_in
from tests.fake_paystack import FakePaystack

pytestmark = pytest.mark.django_db
LIST = "/wallet/refunds/"
NEW = "/wallet/refunds/new/"


@pytest.fixture
def owner() -> User:
    return UserFactory.create()


@pytest.fixture
def customer(client: Client, owner: User) -> Client:
    sign_in(client, owner, verified=False)
    return client


@pytest.fixture
def deposit(owner: User, far: FakePaystack) -> Deposit:
    return make_credited_deposit(owner, far=far)


def words(response: object) -> str:
    return " ".join(getattr(response, "content").decode().split())  # noqa: B009


def address_of(refund: Refund) -> str:
    return reverse("billing:refund", args=[refund.pk])


@pytest.fixture(autouse=True)
def _no_banks_remembered() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def form(**changes: str) -> dict[str, str]:
    return {"amount": "5000.00", "reason": "", "form_key": str(uuid.uuid4())} | changes


@pytest.mark.parametrize("address", [LIST, NEW, f"{LIST}00000000-0000-4000-8000-000000000000/"])
def test_pages_need_a_person(client: Client, address: str) -> None:
    assert client.get(address).status_code == 302


def test_empty_list_says_what_is_refundable(customer: Client) -> None:
    page = words(customer.get(LIST))

    assert "Nothing at the moment" in page
    assert "last 90 days" in page
    assert "Not credit that support gave you" in page


def test_list_shows_what_can_go_back_in_both_currencies(customer: Client, deposit: Deposit) -> None:
    page = words(customer.get(LIST))

    assert "₦5,000.00" in page
    assert "$3.3333" in page
    assert f"{NEW}?deposit={deposit.pk}" in page


def test_list_shows_only_my_refunds(customer: Client, deposit: Deposit, far: FakePaystack) -> None:
    mine, theirs = make_refund(deposit), make_refund(make_credited_deposit(far=far))

    page = words(customer.get(LIST))

    assert str(mine.pk) in page
    assert str(theirs.pk) not in page


@pytest.mark.parametrize("count", [1, 3])
def test_list_asks_the_same_number_of_questions(
    customer: Client,
    owner: User,
    far: FakePaystack,
    django_assert_num_queries: DjangoAssertNumQueries,
    count: int,
) -> None:
    for _ in range(count):
        make_refund(make_credited_deposit(owner, far=far), 100_000)

    with django_assert_num_queries(7):
        customer.get(LIST)


def test_older_refunds_are_on_the_next_page(
    customer: Client, deposit: Deposit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(returns, "PAGE_ROWS", 2)
    made = [make_refund(deposit, 10_000) for _ in range(3)]

    page = words(customer.get(LIST))
    older = words(customer.get(f"{LIST}?before={made[1].pk}"))

    assert f"{LIST}?before={made[1].pk}" in page
    assert str(made[0].pk) not in page
    assert str(made[0].pk) in older


def test_form_is_filled_with_what_is_possible(customer: Client, owner: User, deposit: Deposit) -> None:
    spend(owner, "0.3333")

    page = words(customer.get(f"{NEW}?deposit={deposit.pk}"))

    assert 'value="4500.04"' in page
    assert "$3.00" in page
    assert "$1 = ₦1,500.00" in page
    assert "It is less than the whole" in page


@pytest.mark.parametrize("query", ["", "?deposit=nonsense"])
def test_form_without_a_deposit_leads_on(customer: Client, deposit: Deposit, query: str) -> None:
    page = customer.get(NEW + query)

    assert page.status_code == 200
    assert "Nothing can go back of this" in words(page)


def test_form_of_somebody_elses_deposit_is_not_found(customer: Client, far: FakePaystack) -> None:
    assert customer.get(f"{NEW}?deposit={make_credited_deposit(far=far).pk}").status_code == 404


def test_request_leads_to_the_refund(customer: Client, deposit: Deposit) -> None:
    sent = form(amount="2500.00", reason="Too much")

    response = customer.post(f"{NEW}?deposit={deposit.pk}", sent)

    refund = Refund.objects.get()
    assert response["Location"] == reverse("billing:refund", args=[refund.pk])
    assert (refund.amount_subunits, refund.reason, refund.asked_by) == (250_000, "Too much", deposit.user)


def test_form_sent_twice_leads_to_the_same_refund(customer: Client, deposit: Deposit) -> None:
    sent = form()

    first, second = (customer.post(f"{NEW}?deposit={deposit.pk}", sent) for _ in range(2))

    assert first["Location"] == second["Location"]
    assert Refund.objects.count() == 1


@pytest.mark.parametrize(
    ("amount", "status", "said"),
    [
        ("6000", 409, "At most ₦5,000.00 of this top-up can be refunded now."),
        ("0", 400, "Enter an amount above zero."),
        ("1.005", 400, "An amount has two decimal places at most."),
        ("", 400, "Enter an amount."),
        ("NaN", 400, "Write the amount in digits"),
        ("1e3", 400, "Write the amount in digits"),
        ("1_000", 400, "Write the amount in digits"),
        ("0.01", 400, "A refund cannot be less than ₦100.00."),
    ],
)
def test_wrong_amount_is_refused_beside_the_field(
    customer: Client, deposit: Deposit, amount: str, status: int, said: str
) -> None:
    response = customer.post(f"{NEW}?deposit={deposit.pk}", form(amount=amount))

    assert response.status_code == status
    assert said in words(response)
    assert Refund.objects.count() == 0


def test_refund_page_says_what_happened(customer: Client, deposit: Deposit, far: FakePaystack) -> None:
    refund = make_sent_refund(deposit)
    address = reverse("billing:refund", args=[refund.pk])
    page = words(customer.get(address))
    assert "On its way" in page
    assert "Goes to" in page
    assert f'data-live="{refund.pk}"' in page

    far.set_refund(refund.paystack_id or 0, "processed")
    refund_sending.look(refund.pk)

    page = words(customer.get(address))
    assert "Refunded" in page
    assert "Paid back" in page
    assert "Receipt" in page
    assert "data-live" not in page


@pytest.mark.parametrize(
    "status",
    [
        "requested",
        "held",
        "sent",
        "pending",
        "processing",
        "needs_attention",
        "failed",
        "refused",
        "processed",
    ],
)
def test_every_state_has_its_words(customer: Client, deposit: Deposit, status: str) -> None:
    refund = make_refund(deposit)
    Refund.objects.filter(pk=refund.pk).update(status=status)

    page = words(customer.get(reverse("billing:refund", args=[refund.pk])))

    assert 'data-testid="refund-status"' in page
    assert f">{status}<" not in page


def test_refund_that_waits_for_bank_details_asks_where_to_send_it(
    customer: Client, deposit: Deposit, far: FakePaystack
) -> None:
    page = words(customer.get(address_of(make_waiting_refund(deposit, far))))

    assert "Where should the money go?" in page
    assert '<option value="21">Zenith Bank</option>' in page
    assert '<label for="id_account_number">Account number</label>' in page
    assert "Goes to" not in page  # not to the card
    assert "data-live" not in page  # a refresh would take away what is being typed


def test_bank_details_are_asked_and_taken_only_from_who_has_just_shown_who_they_are(
    client: Client, owner: User, deposit: Deposit, far: FakePaystack
) -> None:
    refund = make_waiting_refund(deposit, far)
    sign_in(client, owner, verified=False, fresh=False)

    page = words(client.get(address_of(refund)))
    answer = client.post(address_of(refund), {"bank": "21", "account_number": "0123987456"})

    refund.refresh_from_db()
    assert "Where should the money go?" not in page
    assert f'href="/accounts/confirm/?next={quote(address_of(refund), safe="")}"' in page
    assert "data-live" not in page
    assert (answer.status_code, refund.details_sent_at) == (302, None)
    assert answer["Location"].startswith("/accounts/confirm/?next=")


def test_form_for_bank_details_comes_with_the_refresh(
    customer: Client, deposit: Deposit, far: FakePaystack
) -> None:
    refund = make_waiting_refund(deposit, far)

    part = words(customer.get(address_of(refund), headers={"HX-Request": "true"}))

    assert "Where should the money go?" in part
    assert "csrfmiddlewaretoken" in part


def test_bank_details_go_to_paystack_and_lead_back_to_the_refund(
    customer: Client, deposit: Deposit, far: FakePaystack
) -> None:
    refund = make_waiting_refund(deposit, far)

    response = customer.post(address_of(refund), {"bank": "21", "account_number": "0123 987-456"})
    page = words(customer.get(response["Location"]))

    assert response["Location"] == address_of(refund)
    assert far.details_given == {refund.paystack_id: ("NGN", "0123987456", 21)}
    assert "With your bank" in page
    assert "Bank details given" in page
    assert "Goes to" not in page
    assert "Where should the money go?" not in page


@pytest.mark.parametrize(
    ("sent", "status", "said"),
    [
        ({"bank": "21", "account_number": "123456789"}, 400, "An account number has 10 digits."),
        ({"bank": "21", "account_number": ""}, 400, "This field is required."),
        ({"bank": "77", "account_number": "0123987456"}, 400, "Select a valid choice."),
        ({"bank": "x", "account_number": "0123987456"}, 400, "Select a valid choice."),
        ({"bank": "", "account_number": "0123987456"}, 400, "This field is required."),
    ],
)
def test_wrong_bank_details_are_refused_beside_the_field(
    customer: Client, deposit: Deposit, far: FakePaystack, sent: dict[str, str], status: int, said: str
) -> None:
    refund = make_waiting_refund(deposit, far)

    response = customer.post(address_of(refund), sent)
    page = words(response)

    assert response.status_code == status
    assert (
        f'class="errorlist" id="id_{"bank" if sent["account_number"] == "0123987456" else "account_number"}_error"'
        in page
    )
    assert said in page
    assert f'value="{sent["account_number"]}"' in page or not sent["account_number"]
    assert far.count("retry_refund") == 0


def test_refused_bank_details_are_said_to_be(customer: Client, deposit: Deposit, far: FakePaystack) -> None:
    refund = make_waiting_refund(deposit, far)
    far.fail("retry_refund", Refused("Could not resolve account", status=400))

    response = customer.post(address_of(refund), {"bank": "21", "account_number": "0123987456"})

    assert response.status_code == 409
    assert "The bank details were not accepted." in words(response)
    assert 'value="0123987456"' in words(response)


def test_bank_details_without_a_list_of_banks_keep_what_was_typed(
    customer: Client, deposit: Deposit, far: FakePaystack
) -> None:
    refund = make_waiting_refund(deposit, far)
    far.fail("banks", NotReached())

    empty = words(customer.get(address_of(refund)))
    response = customer.post(address_of(refund), {"bank": "21", "account_number": "0123987456"})
    page = words(response)

    assert "The list of banks cannot be loaded at the moment." in empty
    assert "Try again" in empty
    assert response.status_code == 503
    assert "The list of banks cannot be loaded at the moment." in page
    assert 'value="0123987456"' in page
    assert '<option value="21" selected>The bank you have chosen</option>' in page
    assert far.count("retry_refund") == 0


def test_bank_details_that_nobody_asked_for_are_turned_away(
    customer: Client, deposit: Deposit, far: FakePaystack
) -> None:
    refund = make_sent_refund(deposit)

    response = customer.post(address_of(refund), {"bank": "21", "account_number": "0123987456"}, follow=True)

    assert "This refund does not wait for bank details." in words(response)
    assert far.count("retry_refund") == 0


def test_bank_details_for_somebody_elses_refund_are_not_found(customer: Client, far: FakePaystack) -> None:
    refund = make_waiting_refund(make_credited_deposit(far=far), far)
    sent = {"bank": "21", "account_number": "0123987456"}

    assert customer.get(address_of(refund)).status_code == 404
    assert customer.post(address_of(refund), sent).status_code == 404
    assert far.count("retry_refund") == 0


def test_refund_page_for_htmx_is_its_live_part(customer: Client, deposit: Deposit) -> None:
    address = reverse("billing:refund", args=[make_refund(deposit).pk])

    part = customer.get(address, headers={"HX-Request": "true"}).content.decode().strip()

    assert part.startswith("<section")
    assert "<html" not in part


def test_somebody_elses_refund_is_not_found(customer: Client, far: FakePaystack) -> None:
    refund = make_refund(make_credited_deposit(far=far))

    assert customer.get(reverse("billing:refund", args=[refund.pk])).status_code == 404
