"""Sign up, get credit, order, see the code appear; and the money come back when none comes."""

from __future__ import annotations

import re
from decimal import Decimal
from uuid import uuid4

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import NewContext, Watch, set_up_authenticator, sign_in
from tests.flows.mailbox import code_for
from tests.live_stack import PASSWORD, LiveStack

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("live"),
]
expect.set_options(timeout=30_000)


def amount(text: str) -> Decimal:
    """The figure in "$1,234.50"."""
    found = re.search(r"[\d,]+\.\d+", text)
    assert found, text
    return Decimal(found[0].replace(",", ""))


def mark(page: Page, testid: str) -> str:
    """The words of the first element with this `data-testid`."""
    return " ".join(page.get_by_test_id(testid).first.inner_text().split())


def status(page: Page) -> str:
    """The state an order's page shows."""
    return page.get_by_test_id("order-status").get_attribute("data-status") or ""


def press_order(page: Page, service: str = "whatsapp", country: str = "GB") -> None:
    """Open the last step and press its button."""
    page.goto(f"/verifications/new/?service={service}&country={country}")
    page.get_by_role("button", name="Get the number").click()
    page.wait_for_url(re.compile(r"/verifications/[0-9a-f-]{36}/$"))


def remember(page: Page) -> None:
    """Leave a mark that a navigation would wipe out."""
    page.evaluate("window.neverReloaded = true")


def was_reloaded(page: Page) -> bool:
    """Whether the page was drawn anew since `remember`."""
    return not page.evaluate("window.neverReloaded === true")


def credit_as_staff(context: BrowserContext, live: LiveStack, email: str, sum_: str) -> None:
    """Credit a customer the way staff does, in the console."""
    page = context.new_page()
    page.goto("/ops/")
    sign_in(page, live.create_staff())
    set_up_authenticator(page)
    page.goto("/ops/billing/account/")
    page.locator("#searchbar").fill(email)
    page.locator("#searchbar").press("Enter")
    page.locator("#result_list tbody th a").click()
    page.get_by_role("link", name="Credit or debit").click()
    page.get_by_label("Amount").fill(sum_)
    page.get_by_label("Reason").fill("Opening credit")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("#content")).to_contain_text(f"Book +${sum_} for {email}?")
    page.get_by_role("button", name="Yes, book it").click()
    expect(page.locator(".messagelist")).to_contain_text("booked for")


def test_code_appears_without_reload_and_money_comes_back_when_none_does(
    live: LiveStack, new_context: NewContext, watch: Watch
) -> None:
    email = f"{uuid4().hex[:12]}@example.com"
    page = new_context().new_page()

    page.goto("/")
    page.get_by_role("link", name="Sign up").first.click()
    page.locator("[name=email]").fill(email)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("main button[type=submit]").click()
    page.get_by_label("Code").fill(code_for(live, email))
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url("**/verifications/new/")
    credit_as_staff(new_context(), live, email, "10.00")

    # The choice is made in two steps, from lists.
    page.reload()
    page.get_by_role("link", name="WhatsApp").first.click()
    page.get_by_role("link", name="United Kingdom").first.click()
    price = amount(page.locator(".total").inner_text())
    page.get_by_role("button", name="Get the number").click()
    page.wait_for_url(re.compile(r"/verifications/[0-9a-f-]{36}/$"))
    remember(page)

    expect(page.get_by_test_id("order-code")).to_be_visible()
    code = mark(page, "order-code")
    assert status(page) == "received"
    expect(page).to_have_title(re.compile(f"^{re.escape(code)} "))
    assert not was_reloaded(page)
    assert watch.streams == [200]
    assert mark(page, "order-number").startswith("+44 ")
    assert amount(mark(page, "balance")) == Decimal(10) - price

    page.goto("/wallet/")
    assert (amount(mark(page, "balance")), amount(mark(page, "held"))) == (Decimal(10) - price, Decimal(0))
    rows = [" ".join(row.split()) for row in page.get_by_test_id("statement-row").all_inner_texts()]
    assert any("WhatsApp" in row and f"-${price}" in row.replace("−", "-") for row in rows), rows
    assert any("of the hold" in row and f"${price}" in row for row in rows), rows

    # The second number never receives anything.
    live.terms(lifetime_s=6, cancel_lock_s=1)
    live.sandbox_config(delivery_rate=0)
    press_order(page, "telegram")
    remember(page)
    expect(page.locator("[data-testid=order-status][data-status=expired]")).to_be_visible()
    expect(page.locator("main")).to_contain_text("is back in your wallet")
    expect(page.get_by_test_id("balance").first).to_contain_text(f"{Decimal(10) - price}")
    assert not was_reloaded(page)


def test_order_works_without_javascript(live: LiveStack, new_context: NewContext) -> None:
    live.sandbox_config(delivery_s=[3, 3])
    page = new_context(email=live.create_customer(), script=False).new_page()

    press_order(page)
    assert status(page) in {"ordering", "waiting"}
    assert page.locator("noscript meta[http-equiv=refresh]").count() == 1
    for _ in range(60):
        if status(page) == "received":
            break
        page.wait_for_timeout(500)
        page.reload()

    assert len(mark(page, "order-code")) >= 4
    page.get_by_role("button", name="Done").click()
    assert status(page) == "completed"


def test_two_tabs_with_one_form_make_one_order(live: LiveStack, new_context: NewContext) -> None:
    context = new_context(email=live.create_customer())
    first, second = context.new_page(), context.new_page()
    address = "/verifications/new/?service=whatsapp&country=GB"
    first.goto(address)
    drawn = first.content()
    second.route("**" + address, lambda route: route.fulfill(body=drawn, content_type="text/html"))
    second.goto(address)

    for tab in (first, second):
        tab.get_by_role("button", name="Get the number").click(no_wait_after=True)
    for tab in (first, second):
        tab.wait_for_url(re.compile(r"/verifications/[0-9a-f-]{36}/$"))

    assert first.url == second.url
    first.goto("/verifications/")
    assert first.locator("main a[href*='/verifications/0']").count() == 1


def test_somebody_elses_order_is_not_found(live: LiveStack, new_context: NewContext, watch: Watch) -> None:
    owner = new_context(email=live.create_customer()).new_page()
    press_order(owner)
    other = new_context(email=live.create_customer("0")).new_page()
    watch.expects_status.add(404)

    answer = other.goto(owner.url)

    assert answer is not None
    assert answer.status == 404
    assert "There is nothing here" in other.locator("h1").inner_text()
    assert other.get_by_role("link", name="Namaskah").count() >= 1


def test_copy_buttons_copy(live: LiveStack, new_context: NewContext) -> None:
    page = new_context(email=live.create_customer()).new_page()
    press_order(page)
    expect(page.get_by_test_id("order-code")).to_be_visible()
    number = mark(page, "order-number").replace(" ", "")

    def copied(button: str) -> str:
        page.locator(button).click()
        expect(page.locator(button)).to_have_attribute("data-state", "done")
        return str(page.evaluate("navigator.clipboard.readText()"))

    assert copied("#copy-code") == mark(page, "order-code")
    assert copied("#copy-international") == number
    assert number.endswith(copied("#copy-local").lstrip("0"))


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until an element that matches has the focus."""
    for _ in range(60):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never reached {selector}")


def test_order_by_keyboard_alone(live: LiveStack, new_context: NewContext) -> None:
    page = new_context(email=live.create_customer()).new_page()
    page.goto("/verifications/new/")

    tab_to(page, "main input[type=search], main input[name=q]")
    page.keyboard.type("whats")
    expect(page.locator("main a[href*='service=whatsapp']")).to_have_count(1)
    tab_to(page, "main a[href*='service=whatsapp']")
    page.keyboard.press("Enter")
    page.wait_for_url("**service=whatsapp**")
    tab_to(page, "#country-filter")
    page.keyboard.type("kingdom")
    tab_to(page, "a[href*='country=GB']")
    page.keyboard.press("Enter")
    page.wait_for_url("**country=GB**")
    tab_to(page, "main form button[type=submit]")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/verifications/[0-9a-f-]{36}/$"))
    expect(page.get_by_test_id("order-code")).to_be_visible()
    tab_to(page, "#copy-code")
    page.keyboard.press("Enter")

    expect(page.locator("#copy-code")).to_have_attribute("data-state", "done")


def waiting_page(live: LiveStack, context: BrowserContext) -> tuple[Page, str]:
    """An order's page that waits, and the order's id at its seller."""
    live.sandbox_config(delivery_rate=0)
    page = context.new_page()
    press_order(page)
    expect(page.locator("[data-testid=order-status][data-status=waiting]")).to_be_visible()
    remember(page)
    order_id = page.url.rstrip("/").rpartition("/")[2]
    query = "SELECT provider_order_id FROM verifications_attempt WHERE verification_id = %s"
    return page, live.rows(query, order_id)[0]["provider_order_id"]


def test_code_appears_though_the_web_process_was_killed(
    live: LiveStack, new_context: NewContext, watch: Watch
) -> None:
    page, order_id = waiting_page(live, new_context(email=live.create_customer()))
    watch.expects_trouble = True

    live.kill("web")
    live.deliver(order_id, "Your code is 482-913", "WhatsApp")

    expect(page.get_by_test_id("order-code")).to_be_visible(timeout=60_000)
    assert not was_reloaded(page)


def test_code_appears_though_the_first_refresh_failed(
    live: LiveStack, new_context: NewContext, watch: Watch
) -> None:
    page, order_id = waiting_page(live, new_context(email=live.create_customer()))
    watch.expects_trouble = True
    page.route(page.url, lambda route: route.abort(), times=1)

    live.deliver(order_id, "Your code is 482-913", "WhatsApp")

    expect(page.get_by_test_id("order-code")).to_be_visible(timeout=15_000)
    assert not was_reloaded(page)


def test_sign_in_leads_back_to_the_choice(live: LiveStack, new_context: NewContext) -> None:
    page = new_context().new_page()
    page.goto("/verifications/new/?service=whatsapp&country=GB")
    page.get_by_role("link", name="I have an account").click()

    sign_in(page, live.create_customer())

    assert page.url.endswith("/verifications/new/?service=whatsapp&country=GB")
    expect(page.get_by_role("button", name="Get the number")).to_be_enabled()
