"""Top up through the sandbox's checkout: over the page, by redirect, without scripts; paid, declined and left."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from tests.browser.conftest import NewContext, Watch
from tests.browser.test_buy_a_number import amount, mark, remember, was_reloaded
from tests.live_stack import LiveStack

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("live"),
]
expect.set_options(timeout=30_000)
DEPOSIT = re.compile(r"/wallet/deposits/[0-9a-f-]{36}/$")
CHECKOUT = re.compile(r"/paystack/checkout/")
INLINE = "**/paystack/inline.js"


@pytest.fixture(autouse=True)
def payments(live: LiveStack, watch: Watch) -> Iterator[None]:
    """The sandbox stands for Paystack, so these pages may talk to it."""
    watch.partners.add(live.sandbox_url)
    live.sandbox_config("paystack", bank_transfer_s=3)
    yield
    live.sandbox_config("paystack", bank_transfer_s=5)


def status(page: Page) -> str:
    """The state a deposit's page shows."""
    return page.get_by_test_id("deposit-status").get_attribute("data-status") or ""


def wait_for(page: Page, state: str) -> None:
    """Wait until the page says so by itself."""
    expect(page.locator(f"[data-testid=deposit-status][data-status={state}]")).to_be_visible()


def press_pay(page: Page, sum_: str = "5000") -> Decimal:
    """Fill in the form and send it; returns what the wallet was promised."""
    page.goto("/wallet/top-up/")
    page.get_by_test_id("top-up-amount").fill(sum_)
    promised = amount(page.locator("[data-credit]").inner_text())
    page.get_by_test_id("top-up-submit").click()
    return promised


def frame(page: Page) -> FrameLocator:
    """The checkout over the page."""
    return page.frame_locator("iframe")


def by_redirect(page: Page) -> None:
    """Keep the inline script from loading, so that the checkout is a page of its own."""
    page.route(INLINE, lambda route: route.abort())


def balance(page: Page) -> Decimal:
    """What the wallet page says."""
    page.goto("/wallet/")
    return amount(mark(page, "balance"))


def test_five_thousand_naira_arrive_over_the_page_and_the_order_goes_on(
    live: LiveStack, new_context: NewContext
) -> None:
    page = new_context(email=live.create_customer("0")).new_page()
    page.goto("/verifications/new/?service=whatsapp&country=GB")
    page.locator(".summary").get_by_role("link", name="Top up").click()
    page.get_by_role("link", name="₦5,000").click()
    promised = amount(page.locator("[data-credit]").inner_text())

    page.get_by_test_id("top-up-submit").click()
    frame(page).get_by_test_id("pay-card").click()
    page.wait_for_url(DEPOSIT)
    remember(page)
    wait_for(page, "succeeded")

    assert not was_reloaded(page)
    assert mark(page, "deposit-amount") == "₦5,000.00"
    assert amount(mark(page, "deposit-credit")) == promised > 0
    expect(page.locator("#wallet-chip")).to_contain_text(str(promised))
    page.get_by_test_id("deposit-receipt").click()
    with page.expect_download() as download:
        page.locator("main a[href$='.pdf']").first.click()
    assert download.value.path().read_bytes().startswith(b"%PDF-")
    assert balance(page) == promised
    expect(page.get_by_test_id("statement-row").first).to_contain_text(f"+${promised}")
    page.get_by_test_id("statement-row").first.get_by_role("link").click()
    page.get_by_role("link", name="Continue your order").click()
    page.get_by_role("button", name="Get the number").click()
    page.wait_for_url(re.compile(r"/verifications/[0-9a-f-]{36}/$"))


def test_checkout_is_a_page_of_its_own_when_its_script_does_not_load(
    live: LiveStack, new_context: NewContext, watch: Watch
) -> None:
    watch.expects_trouble = True
    page = new_context(email=live.create_customer("0")).new_page()
    by_redirect(page)

    promised = press_pay(page)
    page.wait_for_url(CHECKOUT)
    page.get_by_test_id("pay-card").click()
    page.wait_for_url(DEPOSIT)
    wait_for(page, "succeeded")

    assert balance(page) == promised


def test_plain_form_reaches_the_checkout_in_spite_of_the_policy(
    live: LiveStack, new_context: NewContext
) -> None:
    page = new_context(email=live.create_customer("0")).new_page()
    page.goto("/wallet/top-up/")
    page.get_by_test_id("top-up-amount").fill("5000")

    page.evaluate("document.querySelector('form.top-up').submit()")
    page.wait_for_url(CHECKOUT)

    expect(page.get_by_test_id("amount")).to_have_text("NGN 5,000.00")


def test_top_up_works_without_javascript(live: LiveStack, new_context: NewContext) -> None:
    page = new_context(email=live.create_customer("0"), script=False).new_page()
    page.goto("/wallet/top-up/")
    page.get_by_role("link", name="₦5,000").click()
    promised = amount(page.locator("output").inner_text())

    page.get_by_test_id("top-up-submit").click()
    page.get_by_test_id("pay-card").click()
    page.wait_for_url(DEPOSIT)
    for _ in range(60):
        if status(page) == "succeeded":
            break
        page.wait_for_timeout(500)
        page.get_by_role("link", name="Check again").click()

    assert status(page) == "succeeded"
    assert balance(page) == promised


def test_declined_payment_leaves_no_credit_and_can_be_tried_again(
    live: LiveStack, new_context: NewContext, watch: Watch
) -> None:
    watch.expects_trouble = True
    page = new_context(email=live.create_customer("0")).new_page()
    by_redirect(page)

    promised = press_pay(page)
    page.wait_for_url(CHECKOUT)
    page.get_by_test_id("decline").click()
    page.wait_for_url(DEPOSIT)
    wait_for(page, "failed")

    expect(page.locator("main")).to_contain_text("Your bank declined the payment, so nothing was added")
    assert mark(page, "deposit-credit") == "Nothing"
    assert page.get_by_test_id("deposit-receipt").count() == 0
    first = page.url
    page.get_by_test_id("deposit-retry").click()
    page.wait_for_url(CHECKOUT)
    page.get_by_test_id("pay-card").click()
    page.wait_for_url(DEPOSIT)
    wait_for(page, "succeeded")
    assert page.url != first
    assert balance(page) == promised


def test_payment_that_was_left_leaves_no_credit_and_can_go_on(
    live: LiveStack, new_context: NewContext
) -> None:
    page = new_context(email=live.create_customer("0")).new_page()

    press_pay(page)
    frame(page).get_by_test_id("leave").click()
    page.wait_for_url(DEPOSIT)

    wait_for(page, "pending")
    expect(page.locator("main")).to_contain_text("No payment of ₦5,000.00 has reached us yet.")
    expect(page.get_by_test_id("deposit-continue")).to_be_visible()
    address = page.url
    assert balance(page) == 0
    page.goto(address)
    page.get_by_test_id("deposit-continue").click()
    page.wait_for_url(CHECKOUT)
    page.get_by_test_id("leave").click()
    page.wait_for_url(DEPOSIT)
    expect(page.locator(".notices")).to_contain_text("You left the payment page before the end.")
    assert balance(page) == 0


def test_abandoned_payment_has_a_clear_page(live: LiveStack, new_context: NewContext) -> None:
    page = new_context(email=live.create_customer("0")).new_page()
    press_pay(page)
    frame(page).get_by_test_id("leave").click()
    page.wait_for_url(DEPOSIT)
    identifier = page.url.rstrip("/").rpartition("/")[2]

    # A day later; the sweep shows what nobody has finished as abandoned.
    live.execute(
        "UPDATE billing_deposit SET created_at = created_at - interval '25 hours', next_look_at = now() WHERE id = %s",
        identifier,
    )
    page.get_by_role("link", name="Check again").click()
    wait_for(page, "abandoned")

    expect(page.locator("main")).to_contain_text("The payment was not finished and no money has reached us")
    expect(page.get_by_test_id("deposit-retry")).to_be_visible()
    assert balance(page) == 0


def test_bank_transfer_is_waited_for_and_then_shows_by_itself(
    live: LiveStack, new_context: NewContext
) -> None:
    page = new_context(email=live.create_customer("0")).new_page()
    live.sandbox_config("paystack", bank_transfer_s=8)

    promised = press_pay(page)
    frame(page).get_by_test_id("bank-transfer").click()
    page.wait_for_url(DEPOSIT)
    remember(page)
    wait_for(page, "succeeded")

    assert not was_reloaded(page)
    expect(page.locator("#wallet-chip")).to_contain_text(str(promised))


@pytest.mark.parametrize("typed", ["1000", "1,234.56", "2 000", "49999.99"])
def test_typed_amount_shows_what_the_server_says(
    live: LiveStack, new_context: NewContext, typed: str
) -> None:
    page = new_context(email=live.create_customer("0")).new_page()
    page.goto("/wallet/top-up/")

    page.get_by_test_id("top-up-amount").fill(typed)
    by_script = page.locator("[data-credit]").inner_text()

    plain = new_context(email=live.create_customer("0"), script=False).new_page()
    plain.goto(f"/wallet/top-up/?amount={typed}")
    assert plain.locator("[data-credit]").inner_text() == by_script


def test_nothing_typed_promises_nothing(live: LiveStack, new_context: NewContext) -> None:
    page = new_context(email=live.create_customer("0")).new_page()
    page.goto("/wallet/top-up/")

    for typed in ("", "abc", "5,5", "1e3", "-5"):
        page.get_by_test_id("top-up-amount").fill(typed)
        expect(page.locator("[data-credit]")).to_have_text("Enter an amount")


def test_who_only_looks_meets_no_third_party(live: LiveStack, new_context: NewContext, watch: Watch) -> None:
    watch.partners.clear()
    page = new_context(email=live.create_customer("0")).new_page()
    page.goto("/wallet/top-up/")

    page.wait_for_timeout(1000)

    assert page.locator("script[src*=inline]").count() == 1  # ours, which has fetched nothing yet
