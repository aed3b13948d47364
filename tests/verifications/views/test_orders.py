"""The order page, the live page and the history, as a browser meets them."""

from __future__ import annotations

import re
import uuid
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from billing.selectors import wallet
from tests.shop import Shop, age
from verifications.models import Country, Offer, Verification
from verifications.providers.errors import NoStock
from verifications.services import pricing, sweeps
from verifications.services.polling import poll_provider

NEW = "/verifications/new/"


@pytest.fixture
def client(shop: Shop) -> Client:
    client = Client()
    client.force_login(shop.user)
    return client


@pytest.fixture
def stranger(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_user(email="stranger@example.test", password="long enough 123"))
    return client


def form_of(html: str) -> dict[str, str]:
    """The hidden and visible fields of the order form in a page."""
    return dict(re.findall(r'name="(service|country|operator|form_key|quote)"[^>]*value="([^"]*)"', html))


def test_rendered_form_orders_and_leads_to_the_live_page(client: Client, shop: Shop) -> None:
    page = client.get(NEW, {"service": "whatsapp", "country": "GB"}).content.decode()

    answer = client.post(NEW, form_of(page))

    order = Verification.objects.get()
    assert answer.headers["Location"] == f"/verifications/{order.pk}/"
    assert (order.price, order.service.slug, order.country.iso2) == (Decimal("0.35"), "whatsapp", "GB")


def test_contract_fields_alone_are_enough(client: Client, shop: Shop) -> None:
    client.post(NEW, {"service": "whatsapp", "country": "GB", "operator": "", "form_key": str(uuid.uuid4())})

    assert Verification.objects.get().status == "waiting"


def test_first_step_offers_labelled_lists_and_a_form_key(client: Client, shop: Shop) -> None:
    page = client.get(NEW).content.decode()

    assert '<select name="service"' in page
    assert '<option value="GB">United Kingdom</option>' in page
    assert form_of(page)["form_key"]


def test_unknown_service_is_said_beside_its_field(client: Client, shop: Shop) -> None:
    page = client.post(NEW, {"service": "nothing", "country": "GB"}).content.decode()

    assert re.search(r'<select name="service"[^>]*aria-invalid="true"', page)
    assert 'id="id_service_error"' in page


def test_same_form_pressed_twice_is_one_order(client: Client, shop: Shop) -> None:
    form = form_of(client.get(NEW, {"service": "whatsapp", "country": "GB"}).content.decode())

    first, second = client.post(NEW, form), client.post(NEW, form)

    assert first.headers["Location"] == second.headers["Location"]
    assert Verification.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"service": "nothing"}, "We do not know this service."),
        ({"country": "ZZ"}, "We do not know this country."),
        ({"service": ""}, "Choose a service."),
        ({"form_key": "not a key"}, "valid UUID"),
        ({"quote": "forged"}, "not one we offered"),
    ],
)
def test_bad_input_is_answered_in_words(
    client: Client, shop: Shop, changes: dict[str, str], sentence: str
) -> None:
    form = {"service": "whatsapp", "country": "GB", "form_key": str(uuid.uuid4())} | changes

    answer = client.post(NEW, form)

    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert not Verification.objects.exists()


@pytest.mark.parametrize(
    "query",
    ["service=%00", "service=whatsapp&country=%00", "service=whatsapp&country=GB&operator=%00", "q=%00"],
)
def test_nul_in_the_address_is_no_error(client: Client, shop: Shop, query: str) -> None:
    assert client.get(f"{NEW}?{query}").status_code == 200


def test_form_key_of_another_order_orders_nothing(client: Client, shop: Shop) -> None:
    form_key = str(uuid.uuid4())
    Country.objects.create(iso2="DE", name="Germany", dial_code="49")
    client.post(NEW, {"service": "whatsapp", "country": "GB", "form_key": form_key})

    answer = client.post(NEW, {"service": "whatsapp", "country": "DE", "form_key": form_key})

    assert answer.status_code == 409
    assert "has ordered something else before" in answer.content.decode()
    assert Verification.objects.count() == 1


def test_code_stays_readable_when_the_providers_key_is_gone(
    client: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = shop.order()
    shop.deliver(order)
    poll_provider(shop.alpha.pk)
    monkeypatch.delenv("FAKE_KEY")

    page = client.get(f"/verifications/{order.pk}/").content.decode()
    refused = client.post(f"/verifications/{order.pk}/another-sms/", follow=True).content.decode()

    assert "482913" in page
    assert "cannot receive another SMS" in refused


def test_insufficient_balance_says_what_is_missing(client: Client, shop: Shop) -> None:
    shop.fund("-9.90")

    answer = client.post(NEW, {"service": "whatsapp", "country": "GB", "form_key": str(uuid.uuid4())})

    page = answer.content.decode()
    assert answer.status_code == 402
    assert "$0.10" in page
    assert 'href="/wallet/top-up/?next=%2Fverifications%2Fnew%2F%3Fservice%3Dwhatsapp%26country%3DGB"' in page
    assert not Verification.objects.exists()


def test_sold_out_is_said_before_and_after_pressing(client: Client, shop: Shop) -> None:
    Offer.objects.update(stock=0)

    shown = client.get(NEW, {"service": "whatsapp", "country": "GB"})
    pressed = client.post(NEW, {"service": "whatsapp", "country": "GB", "form_key": str(uuid.uuid4())})

    assert "No number is free" in shown.content.decode()
    assert (pressed.status_code, Verification.objects.count()) == (409, 0)


def test_sold_out_upstream_shows_the_failed_order_with_its_reason(client: Client, shop: Shop) -> None:
    shop.upstream("alpha").next_buys = [NoStock()]
    shop.upstream("beta").next_buys = [NoStock()]
    form = form_of(client.get(NEW, {"service": "whatsapp", "country": "GB"}).content.decode())

    page = client.post(NEW, form, follow=True).content.decode()

    assert "No number is free for this service and country right now" in page
    assert shop.figures == (Decimal("10.00"), Decimal(0))


def test_price_that_moved_beyond_the_quote_is_shown_and_not_charged(client: Client, shop: Shop) -> None:
    form = form_of(client.get(NEW, {"service": "whatsapp", "country": "GB"}).content.decode())
    Offer.objects.update(cost=Decimal("0.60"), provider_cost=Decimal("0.60"))

    answer = client.post(NEW, form)

    assert answer.status_code == 409
    assert "$0.75" in answer.content.decode()
    assert not Verification.objects.exists()


def test_quote_of_another_country_is_refused(client: Client, shop: Shop) -> None:
    quote = pricing.quote(shop.service, shop.country)
    other = pricing.Quote(
        quote.service_id, quote.country_id + 7, "", Decimal("0.01"), "USD", quote.expires_at
    )

    answer = client.post(NEW, {"service": "whatsapp", "country": "GB", "quote": other.signed()})

    assert answer.status_code == 400


def test_visitor_who_orders_signs_up_first_and_keeps_the_choice(shop: Shop) -> None:
    answer = Client().post(NEW, {"service": "whatsapp", "country": "GB"})

    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(
        "/accounts/sign-up/?next=/verifications/new/%3Fservice%3Dwhatsapp"
    )


def test_live_page_shows_number_state_and_later_the_code(client: Client, shop: Shop) -> None:
    order = shop.order()
    waiting = client.get(f"/verifications/{order.pk}/").content.decode()
    shop.deliver(order)
    poll_provider(shop.alpha.pk)

    received = client.get(f"/verifications/{order.pk}/", headers={"HX-Request": "true"}).content.decode()

    assert "Waiting for the code. If none comes by" in waiting
    assert 'data-testid="order-number"' in waiting
    assert "<html" not in received
    assert "482913" in received


def test_get_changes_nothing(client: Client, shop: Shop) -> None:
    order = shop.order()

    for path in ("", "cancel/", "finish/", "another-sms/"):
        client.get(f"/verifications/{order.pk}/{path}")

    order.refresh_from_db()
    assert order.status == "waiting"


def test_cancel_button_returns_the_money(client: Client, shop: Shop) -> None:
    order = shop.order()

    page = client.post(f"/verifications/{order.pk}/cancel/", follow=True).content.decode()

    assert "$0.35 is back in your wallet" in page
    assert shop.figures == (Decimal("10.00"), Decimal(0))


def test_cancel_after_the_code_says_why_not(client: Client, shop: Shop) -> None:
    order = shop.order()
    shop.deliver(order)
    poll_provider(shop.alpha.pk)

    page = client.post(f"/verifications/{order.pk}/cancel/", follow=True).content.decode()

    assert "The code has already arrived" in page


@pytest.mark.parametrize("path", ["", "cancel/", "finish/", "another-sms/"])
def test_somebody_elses_order_does_not_exist(stranger: Client, shop: Shop, path: str) -> None:
    order = shop.order()
    address = f"/verifications/{order.pk}/{path}"

    answer = stranger.post(address) if path else stranger.get(address)

    assert answer.status_code == 404
    order.refresh_from_db()
    assert order.status == "waiting"


@pytest.mark.parametrize("name", ["history", "history-csv"])
def test_history_is_ones_own(stranger: Client, shop: Shop, name: str) -> None:
    order = shop.order()

    answer = stranger.get(reverse(f"verifications:{name}"))

    assert order.phone_number[-6:] not in answer.getvalue().decode()


def test_history_narrows_by_state_service_and_number(client: Client, shop: Shop) -> None:
    first, second = shop.order(), shop.order()
    age(first, 1300)
    sweeps.end_overdue()

    def rows(**filters: str) -> set[str]:
        page = client.get("/verifications/", filters).content.decode()
        return {str(order.pk) for order in (first, second) if f"/verifications/{order.pk}/" in page}

    assert rows(status="expired") == {str(first.pk)}
    assert rows(q=second.phone_number[-4:]) == {str(second.pk)}
    assert rows(q="whatsapp") == {str(first.pk), str(second.pk)}
    assert rows(country="GB", service="whatsapp", status="completed") == set()


@pytest.mark.parametrize(
    "query",
    [
        "older=x",
        "newer=9e99_1",
        "status=nothing",
        "created_after=yesterday",
        "service=%00",
        "created_after=0001-01-01&created_before=9999-12-31",
    ],
)
def test_bent_history_addresses_are_answered(client: Client, query: str) -> None:
    assert client.get(f"/verifications/?{query}").status_code == 200


def test_history_csv_holds_every_row_and_no_formula(client: Client, shop: Shop) -> None:
    order = shop.order()
    Verification.objects.filter(pk=order.pk).update(code="=1+1")

    text = client.get("/verifications/orders.csv").getvalue().decode()

    assert len(text.strip().splitlines()) == 2
    assert "'=1+1" in text


@pytest.mark.parametrize("address", ["/verifications/", "/verifications/orders.csv"])
def test_query_count_of_the_history_does_not_grow(client: Client, shop: Shop, address: str) -> None:
    shop.order()
    with_one = _count(client, address)
    shop.order()
    shop.order()

    assert _count(client, address) == with_one


def _count(client: Client, address: str) -> int:
    client.get(address).getvalue()
    with CaptureQueriesContext(connection) as queries:
        client.get(address).getvalue()
    return len(queries)


def test_query_count_of_the_live_page_does_not_grow(client: Client, shop: Shop) -> None:
    order = shop.order()
    shop.deliver(order)
    poll_provider(shop.alpha.pk)
    with_one = _count(client, f"/verifications/{order.pk}/")
    for number in range(3):
        shop.deliver(order, f"again {number}77777", f"{number}77777")
    poll_provider(shop.alpha.pk)

    assert _count(client, f"/verifications/{order.pk}/") == with_one


def test_unproved_address_orders_nothing_and_the_choice_is_kept(client: Client, shop: Shop) -> None:
    User.objects.update(email_verified_at=None)

    answer = client.post(NEW, {"service": "whatsapp", "country": "GB", "form_key": str(uuid.uuid4())})

    page = answer.content.decode()
    assert answer.status_code == 403
    assert "Please confirm your e-mail address first. Nothing was ordered." in page
    choice = "%2Fverifications%2Fnew%2F%3Fservice%3Dwhatsapp%26country%3DGB"
    assert f'href="/accounts/verify-email/?next={choice}"' in page
    assert Verification.objects.count() == 0
    assert wallet(shop.user.pk).held == 0
