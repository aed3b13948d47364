"""Every page: accessible, no wider than a small phone, light, and silent towards the rest of the world."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page

from tests.browser.conftest import NARROW, WIDE, NewContext, Watch
from tests.flows.buyer import Buyer
from tests.live_stack import LiveStack, shared_stack

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("live"),
]
FIRST_LOAD_BYTES = 60_000
LOOKS = {"phone": (NARROW, "dark"), "desk": (WIDE, "light")}
EVERY_LOOK = {**LOOKS, "phone-light": (NARROW, "light"), "desk-dark": (WIDE, "dark")}
FOR_ALL = {
    "landing": "/",
    "services": "/services/",
    "services-search": "/services/?q=goo",
    "services-nothing": "/services/?q=zzzzzz",
    "service": "/services/whatsapp/",
    "sign-in": "/accounts/sign-in/",
    "sign-up": "/accounts/sign-up/",
    "sign-in-password-lost": "/accounts/password/reset/",
    "sign-in-link-over": "/accounts/password/reset/no-such-link/",
    "legal-terms": "/legal/terms/",
    "legal-privacy": "/legal/privacy/",
    "legal-acceptable-use": "/legal/acceptable-use/",
    "legal-refunds": "/legal/refunds/",
    "legal-cookies": "/legal/cookies/",
    "not-found": "/no/such/page/",
}
FOR_CUSTOMERS = {
    "order-services": "/verifications/new/",
    "order-countries": "/verifications/new/?service=whatsapp",
    "order-summary": "/verifications/new/?service=whatsapp&country=GB",
    "history": "/verifications/",
    "history-filtered": "/verifications/?status=expired",
    "history-nothing": "/verifications/?q=zzzzzz",
    "wallet": "/wallet/",
    "top-up": "/wallet/top-up/",
    "top-up-chosen": "/wallet/top-up/?amount=5000&next=/verifications/new/",
    "deposits": "/wallet/deposits/",
    "notices": "/notifications/",
}
SETTINGS = {
    "settings-profile": "/settings/",
    "settings-email": "/settings/email/",
    "settings-password": "/settings/password/",
    "settings-security": "/settings/security/",
    "settings-authenticator": "/settings/security/authenticator/",
    "settings-passkeys": "/settings/security/passkeys/",
    "settings-recovery-codes": "/settings/security/recovery-codes/",
    "settings-message-codes": "/settings/security/codes-by-message/",
    "settings-sessions": "/settings/security/sessions/",
    "settings-security-log": "/settings/security/log/",
    "settings-notifications": "/settings/notifications/",
    "settings-privacy": "/settings/privacy/",
    "settings-erasure": "/settings/privacy/erasure/",
    "settings-confirm": "/accounts/confirm/?next=/settings/email/",
}
PLAIN = {**FOR_ALL, **FOR_CUSTOMERS, **SETTINGS}
DEPOSITS = ("pending", "processing", "succeeded", "failed", "needs_review")
ORDERS = ("waiting", "received", "completed", "expired", "cancelling", "failed")


@dataclass(frozen=True)
class Gallery:
    """A customer with an order and a deposit in every state, and one with nothing."""

    email: str
    newcomer: str
    orders: dict[str, str]
    deposits: dict[str, str]


@pytest.fixture(scope="module")
def gallery(request: pytest.FixtureRequest) -> Gallery:
    live = shared_stack(request.config)
    live.calm_sandbox()
    live.forget_troubles()
    email, newcomer = live.create_customer(), live.create_customer("0")
    buyer = Buyer(live, email)
    buyer.sign_in()
    orders = {}
    orders["completed"] = buyer.order("telegram").path
    buyer.send(buyer.wait_for_status(orders["completed"], "received").form("/finish/"))
    orders["received"] = buyer.order("discord", "US").path
    buyer.wait_for_status(orders["received"], "received")
    live.sandbox_config(stock=0)
    orders["failed"] = buyer.order("google").path
    live.sandbox_config(stock=None, delivery_rate=0)
    live.terms(lifetime_s=4, cancel_lock_s=1)
    orders["expired"] = buyer.order("uber", "NG").path
    buyer.wait_for_status(orders["expired"], "expired")
    live.terms(lifetime_s=1200, cancel_lock_s=600)
    orders["waiting"] = buyer.order().path
    buyer.wait_for_status(orders["waiting"], "waiting")
    orders["cancelling"] = buyer.order("viber", "DE").path
    buyer.send(buyer.wait_for_status(orders["cancelling"], "waiting").form("/cancel/"))
    deposits = deposits_in_every_state(live, buyer)
    buyer.close()
    return Gallery(email, newcomer, orders, deposits)


def deposits_in_every_state(live: LiveStack, buyer: Buyer) -> dict[str, str]:
    """What a customer finds after each of the ways a payment may go."""
    live.sandbox_config("paystack", bank_transfer_s=3600)
    deposits = {
        "succeeded": buyer.top_up(action="pay-card").path,
        "failed": buyer.top_up(action="decline").path,
        "processing": buyer.top_up(action="bank-transfer").path,
        "pending": buyer.top_up(action="leave").path,
    }
    live.sandbox_config("paystack", amount_short=1)
    deposits["needs_review"] = buyer.top_up(action="pay-card").path
    live.sandbox_config("paystack", amount_short=0, bank_transfer_s=5)
    for state, path in deposits.items():
        buyer.wait_for_deposit(path, state)
    return deposits


FIRST_PAGES = (
    "landing",
    "services",
    "service",
    "order-summary",
    "order-waiting",
    "wallet",
    "history",
    "top-up",
    "settings-security",
    "settings-passkeys",
)
PAGES = [
    *PLAIN,
    *(f"order-{state}" for state in ORDERS),
    "history-empty",
    "wallet-empty",
    "deposits-empty",
    *(f"deposit-{state}" for state in DEPOSITS),
    "sign-up-refused",
]
PAGES_IN_LOOKS = [(name, look) for name in PAGES for look in (EVERY_LOOK if name in SETTINGS else LOOKS)]


def visit(page: Page, gallery: Gallery, name: str) -> None:
    """Open a page by the name it has here."""
    state = name.removeprefix("order-")
    if name in PLAIN:
        page.goto(PLAIN[name])
        assert page.url.endswith(PLAIN[name]), page.url
    elif state in gallery.orders:
        page.goto(gallery.orders[state])
        assert page.get_by_test_id("order-status").get_attribute("data-status") == state
    elif name.removeprefix("deposit-") in gallery.deposits:
        page.goto(gallery.deposits[name.removeprefix("deposit-")])
        shown = page.get_by_test_id("deposit-status").get_attribute("data-status")
        assert shown == name.removeprefix("deposit-")
    elif name == "sign-up-refused":
        page.goto("/accounts/sign-up/")
        page.locator("[name=email]").fill(gallery.email)
        page.locator("[name=password]").fill("short")
        page.locator("main button[type=submit]").click()
        page.wait_for_load_state()
    else:
        empty = {
            "history-empty": "/verifications/",
            "wallet-empty": "/wallet/",
            "deposits-empty": "/wallet/deposits/",
        }
        page.goto(empty[name])


def visitor(new_context: NewContext, gallery: Gallery, name: str, look: str) -> BrowserContext:
    """Somebody who may see that page, on that screen."""
    width, scheme = EVERY_LOOK[look]
    email = "" if name in FOR_ALL or name.startswith("sign-") else gallery.email
    if name.endswith("-empty"):
        email = gallery.newcomer
    return new_context(email=email, width=width, scheme=scheme)


@pytest.mark.parametrize(("name", "look"), PAGES_IN_LOOKS)
def test_page_is_accessible_and_fits(
    live: LiveStack, new_context: NewContext, gallery: Gallery, watch: Watch, screenshots: Path, name: str, look: str
) -> None:  # fmt: skip
    watch.expects_status |= {404} if name == "not-found" else set()
    page = visitor(new_context, gallery, name, look).new_page()

    visit(page, gallery, name)

    page.screenshot(path=screenshots / f"{name}-{look}.png", full_page=True)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    width = page.evaluate("document.scrollingElement.scrollWidth")
    assert width <= EVERY_LOOK[look][0], wide_elements(page)
    assert page.title().strip()
    assert page.locator("h1").count() == 1


def wide_elements(page: Page) -> str:
    """What sticks out to the right."""
    return str(
        page.evaluate(
            """[...document.querySelectorAll('body *')]
               .filter(element => element.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
               .map(element => element.outerHTML.slice(0, 160))"""
        )
    )


@pytest.mark.parametrize("name", FIRST_PAGES)
def test_first_load_is_light(new_context: NewContext, gallery: Gallery, name: str) -> None:
    context = visitor(new_context, gallery, name, "phone")
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    sizes: dict[str, float] = {}
    addresses: dict[str, str] = {}

    def on_request(event: dict[str, Any]) -> None:
        addresses[event["requestId"]] = event["request"]["url"]

    def on_finished(event: dict[str, Any]) -> None:
        sizes[event["requestId"]] = event["encodedDataLength"]

    session.on("Network.requestWillBeSent", on_request)
    session.on("Network.loadingFinished", on_finished)

    visit(page, gallery, name)
    page.wait_for_timeout(1000)

    by_address = sorted(
        ((size, addresses.get(request, "?")) for request, size in sizes.items()), reverse=True
    )
    assert 0 < sum(sizes.values()) < FIRST_LOAD_BYTES, by_address
