"""Passkeys in Chromium, with an authenticator of its own in place of a finger.

They belong to a name, so these tests meet the product as localhost and not by its address.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, CDPSession, Page, expect

from tests.browser.conftest import NewContext, Watch, sign_in
from tests.live_stack import LiveStack

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("live"),
]
PASSKEYS, RECOVERY = "/settings/security/passkeys/", "/settings/security/recovery-codes/"
ADD, SHOW, SIGN_IN = "Add a passkey", "Use a passkey", "Sign in with a passkey"
At = Callable[[str], str]


@pytest.fixture
def at(live: LiveStack, watch: Watch) -> At:
    """The address of a page at the name that passkeys belong to."""
    origin = f"http://localhost:{urlsplit(live.url).port}"
    watch.partners.add(origin)
    return lambda path: origin + path


def add_authenticator(context: BrowserContext, page: Page) -> tuple[CDPSession, str]:
    """Give this page a telephone that always says yes."""
    session = context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session, str(made["authenticatorId"])


def add_passkey(page: Page, at: At, name: str = "") -> None:
    page.goto(at(PASSKEYS))
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name=ADD).click()
    page.wait_for_url(at(RECOVERY))


def enter_password(page: Page, at: At, email: str, next_url: str = "/wallet/") -> None:
    page.goto(at(f"/accounts/sign-in/?next={next_url}"))
    sign_in_form = page.locator("main form").first
    sign_in_form.locator("[name=email]").fill(email)
    sign_in_form.locator("[name=password]").fill("a long pass phrase 7")
    sign_in_form.locator("button[type=submit]").click()


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Account", exact=True).click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()


@pytest.fixture
def page(live: LiveStack, new_context: NewContext, at: At) -> Page:
    """A customer with a telephone, signed in by their password."""
    context = new_context()
    page = context.new_page()
    add_authenticator(context, page)
    page.goto(at("/accounts/sign-in/"))
    sign_in(page, live.create_customer())
    return page


def test_passkey_is_added_and_signs_in(page: Page, at: At) -> None:
    add_passkey(page, at, "My telephone")
    page.goto(at(PASSKEYS))
    expect(page.get_by_test_id("passkey")).to_contain_text("My telephone")
    expect(page.get_by_test_id("passkey")).to_contain_text("not used yet")
    sign_out(page)

    page.goto(at("/accounts/sign-in/?next=/wallet/"))
    page.get_by_role("button", name=SIGN_IN).click()

    page.wait_for_url(at("/wallet/"))
    page.goto(at(PASSKEYS))
    expect(page.get_by_test_id("passkey")).to_contain_text("last used")


def test_passkey_is_the_second_factor(live: LiveStack, new_context: NewContext, at: At) -> None:
    context, email = new_context(), live.create_customer()
    page = context.new_page()
    add_authenticator(context, page)
    page.goto(at("/accounts/sign-in/"))
    sign_in(page, email)
    add_passkey(page, at)
    sign_out(page)

    enter_password(page, at, email)
    page.wait_for_url(re.compile("/second-factor/"))
    page.goto(at("/wallet/"))
    assert "/accounts/sign-in/" in page.url
    enter_password(page, at, email)
    page.get_by_role("button", name=SHOW).click()

    page.wait_for_url(at("/wallet/"))
    sign_out(page)
    enter_password(page, at, email)
    page.wait_for_url(re.compile("/second-factor/"))


def test_trusted_browser_is_not_asked_again(live: LiveStack, new_context: NewContext, at: At) -> None:
    context, email = new_context(), live.create_customer()
    page = context.new_page()
    add_authenticator(context, page)
    page.goto(at("/accounts/sign-in/"))
    sign_in(page, email)
    add_passkey(page, at)
    sign_out(page)
    enter_password(page, at, email)

    page.get_by_label("Trust this browser").check()
    page.get_by_role("button", name=SHOW).click()
    page.wait_for_url(at("/wallet/"))
    sign_out(page)
    enter_password(page, at, email)

    page.wait_for_url(at("/wallet/"))


def test_device_that_has_one_says_so(page: Page, at: At) -> None:
    add_passkey(page, at)
    page.goto(at(PASSKEYS))

    page.get_by_role("button", name=ADD).click()

    expect(page.get_by_role("alert")).to_have_text("This device already has a passkey for your account.")


def test_nothing_shown_is_said_beside_the_button(live: LiveStack, new_context: NewContext, at: At) -> None:
    context = new_context()
    page = context.new_page()
    session, authenticator = add_authenticator(context, page)
    session.send("WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": False})
    page.goto(at("/accounts/sign-in/"))

    page.get_by_role("button", name=SIGN_IN).click()

    expect(page.get_by_role("alert")).to_have_text("No passkey was shown. Try again, or use another way.")
    expect(page.get_by_role("button", name=SIGN_IN)).to_be_enabled()


def test_passkey_that_was_removed_here_is_refused(page: Page, at: At, watch: Watch) -> None:
    add_passkey(page, at, "Lost")
    page.goto(at(PASSKEYS))
    page.get_by_role("link", name=re.compile("Change.*Lost")).click()
    page.get_by_role("button", name="Remove this passkey").click()
    expect(page.get_by_text("No passkeys yet")).to_be_visible()
    sign_out(page)
    watch.expects_status.add(400)

    page.goto(at("/accounts/sign-in/"))
    page.get_by_role("button", name=SIGN_IN).click()

    expect(page.get_by_role("alert")).to_contain_text("This passkey did not work here.")


def test_other_address_of_the_site_says_where_passkeys_work(
    live: LiveStack, new_context: NewContext, at: At
) -> None:
    page = new_context(email=live.create_customer()).new_page()

    page.goto(PASSKEYS)

    link = page.get_by_role("link", name="http://localhost:")
    expect(link).to_have_attribute("href", at(PASSKEYS))
    expect(page.get_by_role("button", name=ADD)).to_be_hidden()


def test_without_javascript_the_page_says_so(live: LiveStack, new_context: NewContext, at: At) -> None:
    page = new_context(email=live.create_customer(), script=False).new_page()

    page.goto(PASSKEYS)

    expect(page.get_by_text("Passkeys take JavaScript")).to_be_visible()
    expect(page.get_by_role("button", name=ADD)).to_be_hidden()
