"""Known secrets go through the site by every door; then everything that was written anywhere is searched for them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
import sentry_sdk
from django.contrib import admin
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import reverse
from django_redis import get_redis_connection
from pytest_django import Settings
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from accounts.models import User
from accounts.services import code_sending, sms_gateway
from namaskah.lib import logging as our_logging
from namaskah.lib import sealing
from namaskah.lib import sentry as our_sentry
from tests.factories.accounts import StaffFactory
from tests.factories.everything import dump
from tests.factories.instruments import make_card
from tests.factories.letters import code_in, deliver, letter_to, link_in
from tests.factories.second_factors import code_of
from tests.factories.signing_in import sign_in
from tests.namaskah.log_lines import log_lines
from tests.shop import Shop
from verifications.services import polling

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
EMAIL = "ann@example.com"
FIRST, SECOND = "violet harpoon tuesday", "marble otter saxophone"
PHONE, CARD, GATEWAY_KEY = "+2348031239876", "AUTH_zq81planted00", "gw_key_zq82planted"
TEXT, ORDER_CODE = "zebra lantern: 482913", "482913"
APP, SHEET = "/settings/security/authenticator/", "/settings/security/recovery-codes/"
MESSAGES = "/settings/security/codes-by-message/"
# What an order brought is kept for the customer, until they want it forgotten; everything else is nowhere in clear.
KEPT_FOR_THE_CUSTOMER = {"text of the order", "code of the order"}
TABLES_OF_ORDERS = ("verifications_", "accounts_event")


@dataclass
class Trip:
    """What was planted, and what was written meanwhile outside the database."""

    secrets: dict[str, str] = field(default_factory=dict)
    letters: list[EmailMessage] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    log: str = ""
    sentry: str = ""


class Kept(Transport):
    """Where envelopes would leave the machine."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.sent.append(envelope.serialize().decode())


@pytest.fixture
def take(
    shop_builder: Callable[..., Shop], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Trip]:
    settings.SMS_GATEWAY_URL, settings.SMS_GATEWAY_KEY = "http://127.0.0.1:1/messages", GATEWAY_KEY
    sent: list[str] = []
    monkeypatch.setattr(sms_gateway, "send", lambda *, to, text, secrets=(): sent.append(text))

    def go() -> Trip:
        trip = Trip({"SMS gateway's key": GATEWAY_KEY})
        with _tracker() as kept, log_lines(level="DEBUG") as lines:
            _travel(trip, shop_builder(), sent, monkeypatch)
            trip.log = lines.raw
        trip.sentry = "".join(kept.sent)
        return trip

    return go


@contextmanager
def _tracker() -> Iterator[Kept]:
    kept = Kept()
    client = sentry_sdk.Client(
        dsn="https://public@sentry.example/1", transport=kept, **our_sentry.sentry_options()
    )
    with sentry_sdk.isolation_scope() as outer, sentry_sdk.new_scope() as scope:
        outer.set_client(client)
        scope.set_client(client)
        yield kept
    client.close(timeout=0)


def _travel(trip: Trip, shop: Shop, sent: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    browser = Client(raise_request_exception=False)
    _sign_up(trip, browser)
    _reset(trip, browser)
    _enrol(trip, browser, sent)
    user = User.objects.get(email=EMAIL)
    _buy(trip, user, shop)
    trip.secrets["session key"] = str(browser.session.session_key)
    _fail(trip, browser, monkeypatch)
    trip.letters += deliver()


def _letter(trip: Trip) -> EmailMessage:
    letter = letter_to(EMAIL)
    trip.letters.append(letter)
    return letter


def _sign_up(trip: Trip, browser: Client) -> None:
    browser.post("/accounts/sign-up/", {"email": EMAIL, "password": FIRST})
    letter = _letter(trip)
    token = link_in(letter).rstrip("/").rpartition("/")[2]
    trip.secrets |= {"first password": FIRST, "code of sign-up": code_in(letter), "link of sign-up": token}
    browser.get(link_in(letter))
    assert browser.post("/accounts/verify-email/", {"code": code_in(letter)}).status_code == 302
    browser.post("/accounts/sign-out/")


def _reset(trip: Trip, browser: Client) -> None:
    browser.post("/accounts/password/reset/", {"email": EMAIL})
    path = link_in(_letter(trip))
    trip.secrets |= {"second password": SECOND, "link of reset": path.rstrip("/").rpartition("/")[2]}
    browser.get(path)
    assert browser.post(path, {"password": SECOND}).status_code == 302
    browser.post("/accounts/sign-in/", {"email": EMAIL, "password": FIRST})
    browser.post("/accounts/sign-in/", {"email": EMAIL, "password": SECOND})


def _enrol(trip: Trip, browser: Client, sent: list[str]) -> None:
    page = browser.get(APP).content.decode()
    (shown,) = re.findall(r'data-testid="authenticator-key">([A-Z2-7 ]+)<', page)
    key = shown.replace(" ", "")
    code = code_of(key)
    assert browser.post(APP, {"code": code}).status_code == 302
    codes = re.findall(r"<li>((?:[A-Z0-9]{4}-){3}[A-Z0-9]{4})</li>", browser.get(SHEET).content.decode())
    trip.secrets |= {"key of the app": key, "code of the app": code, "telephone": PHONE}
    trip.secrets |= {f"recovery code {number}": each for number, each in enumerate(codes)}
    trip.secrets |= {
        f"bare recovery code {number}": each.replace("-", "") for number, each in enumerate(codes)
    }
    browser.post(MESSAGES, {"act": "phone", "action": "phone", "phone": PHONE})
    code_sending.send_due()
    trip.secrets["code by SMS"] = sent[-1][:6]


def _buy(trip: Trip, user: User, shop: Shop) -> None:
    shop.user = user
    shop.fund("10")
    order = shop.order()
    shop.deliver(order, TEXT, ORDER_CODE)
    polling.poll_provider(shop.alpha.pk)
    make_card(user, code=CARD)
    trip.secrets |= {"card": CARD, "text of the order": "zebra lantern", "code of the order": ORDER_CODE}


def _fail(trip: Trip, browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors with the secrets in their addresses, forms and words."""
    long_ones = [trip.secrets[name] for name in ("link of reset", "link of sign-up")]

    def broken(request: object) -> None:
        raise ValueError(f"cannot send to {PHONE} at /accounts/password/reset/{long_ones[0]}/")

    for secret in long_ones:
        trip.pages.append(browser.get(f"/accounts/password/reset/{secret}/x").content.decode())
        trip.pages.append(browser.get(f"/nowhere/{secret}/", {"q": secret}).content.decode())
    refused = Client(enforce_csrf_checks=True).post("/accounts/sign-in/", {"password": SECOND})
    trip.pages.append(refused.content.decode())
    monkeypatch.setattr("accounts.views.sign_in._try", lambda request, form: broken(request))
    answer = Client(raise_request_exception=False).post(
        f"/accounts/sign-in/?next=/accounts/password/reset/{long_ones[0]}/",
        {"email": EMAIL, "password": SECOND},
    )
    assert answer.status_code == 500
    trip.pages.append(answer.content.decode())


def found(secrets: dict[str, str], text: str) -> set[str]:
    """Which of them stand in a text; figures as a number of their own, for every time of day has six digits somewhere."""
    return {name for name, secret in secrets.items() if _holds(text, secret)}


def _holds(text: str, secret: str) -> bool:
    if re.fullmatch(r"\d{6}", secret):
        return re.search(rf"(?<![\d.a-f-]){secret}(?![\da-f-])", text) is not None
    return secret in text


def test_secrets_are_in_no_log_error_page_or_report(take: Callable[[], Trip]) -> None:
    trip = take()

    assert len(trip.secrets) > 30
    assert "Request" in trip.log
    assert "ValueError" in trip.log
    assert "ValueError" in trip.sentry
    assert found(trip.secrets, trip.log) == set()
    assert found(trip.secrets, trip.sentry) == set()
    assert found(trip.secrets, "\n".join(trip.pages)) == set()


def test_each_email_holds_its_own_secrets_alone(take: Callable[[], Trip]) -> None:
    trip = take()

    held = [
        (str(letter.subject), found(trip.secrets, str(letter.body) + str(letter.message())))
        for letter in trip.letters
    ]

    assert [secrets for _subject, secrets in held if secrets] == [
        {"code of sign-up", "link of sign-up"},
        {"link of reset"},
    ]
    assert len(held) > 3  # factors, password: told without them


def test_secrets_are_kept_nowhere_in_clear(take: Callable[[], Trip]) -> None:
    trip = take()
    redis = get_redis_connection("default")
    keys = redis.keys("*")
    cached = b"\n".join([*keys, *[redis.dump(key) or b"" for key in keys]]).decode("latin-1")

    assert _in_database(trip) == set()
    assert found(trip.secrets, cached) - KEPT_FOR_THE_CUSTOMER == set()


def _in_database(trip: Trip) -> set[tuple[str, str]]:
    return {
        (line.partition(":")[0], name)
        for line in dump().splitlines()
        for name in found(trip.secrets, line)
        if not (name in KEPT_FOR_THE_CUSTOMER and line.startswith(TABLES_OF_ORDERS))
    }


def test_console_shows_none_of_them(take: Callable[[], Trip]) -> None:
    trip = take()
    staff = Client()
    sign_in(staff, StaffFactory.create())

    shown = {
        (path, name)
        for path in _console_pages()
        for name in found(trip.secrets, staff.get(path).content.decode())
    }

    assert shown == set()


def _console_pages() -> Iterator[str]:
    """Every list, and the page of every row."""
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{name}_changelist")
        for row in model._default_manager.all()[:20]:
            yield reverse(f"{name}_change", args=[row.pk])


def test_twin_without_scrubbing_is_found_out(
    take: Callable[[], Trip], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(our_logging, "scrub", lambda logger, method, event: event)
    monkeypatch.setattr(our_sentry, "scrub_event", lambda event, hint: event)

    trip = take()

    assert {"link of reset", "link of sign-up", "telephone"} <= found(trip.secrets, trip.log)
    assert {"link of reset", "telephone"} <= found(trip.secrets, trip.sentry)


def test_twin_that_seals_nothing_is_found_out(
    take: Callable[[], Trip], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "seal", lambda text: text)
    monkeypatch.setattr(sealing, "unseal", lambda text: text)

    trip = take()

    assert {"key of the app", "telephone", "card"} <= {name for _table, name in _in_database(trip)}
