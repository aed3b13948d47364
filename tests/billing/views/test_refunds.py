"""The pages of refunds: what can go back, the form, and a refund's own page."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from billing.models import Deposit, Refund
from billing.selectors import returns
from billing.services import refund_sending
from tests.factories.accounts import UserFactory
from tests.factories.payments import make_credited_deposit
from tests.factories.returns import make_refund, make_sent_refund, spend
from tests.fake_paystack import FakePaystack

pytestmark = pytest.mark.django_db
LIST = "/wallet/refunds/"
NEW = "/wallet/refunds/new/"


@pytest.fixture
def owner() -> User:
    return UserFactory.create()


@pytest.fixture
def customer(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


@pytest.fixture
def deposit(owner: User, far: FakePaystack) -> Deposit:
    return make_credited_deposit(owner, far=far)


def words(response: object) -> str:
    return " ".join(getattr(response, "content").decode().split())  # noqa: B009


def form(**changes: str) -> dict[str, str]:
    return {"amount": "5000.00", "reason": "", "form_key": str(uuid.uuid4())} | changes


@pytest.mark.parametrize("address", [LIST, NEW, f"{LIST}{uuid.uuid4()}/"])
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
    made = [make_refund(deposit, 1_000) for _ in range(3)]

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
        ("0", 400, "greater than or equal to 0.01"),
        ("1.005", 400, "no more than 2 decimal places"),
        ("", 400, "required"),
        ("NaN", 400, "Enter a number"),
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


def test_refund_page_for_htmx_is_its_live_part(customer: Client, deposit: Deposit) -> None:
    address = reverse("billing:refund", args=[make_refund(deposit).pk])

    part = customer.get(address, headers={"HX-Request": "true"}).content.decode().strip()

    assert part.startswith("<section")
    assert "<html" not in part


def test_somebody_elses_refund_is_not_found(customer: Client, far: FakePaystack) -> None:
    refund = make_refund(make_credited_deposit(far=far))

    assert customer.get(reverse("billing:refund", args=[refund.pk])).status_code == 404
