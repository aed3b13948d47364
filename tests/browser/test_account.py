"""Losing and ending ways in, in a real browser: a password replaced by the link of an e-mail, a session ended from elsewhere."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewContext, Watch
from tests.flows.mailbox import link_for
from tests.live_stack import PASSWORD, LiveStack

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("live"),
]
expect.set_options(timeout=30_000)
NEW_PASSWORD = "nine teal walruses 47"


def try_to_sign_in(page: Page, email: str, password: str) -> None:
    page.goto("/accounts/sign-in/?next=/settings/")
    page.locator("[name=email]").fill(email)
    page.locator("[name=password]").fill(password)
    page.locator("main button[type=submit]").click()


def test_lost_password_is_replaced_and_every_session_ends(
    live: LiveStack, new_context: NewContext, watch: Watch
) -> None:
    email = live.create_customer()
    elsewhere = new_context(email=email).new_page()
    page = new_context().new_page()

    page.goto("/accounts/password/reset/")
    page.locator("[name=email]").fill(email)
    page.locator("main button[type=submit]").click()
    page.goto(link_for(live, email, "password"))
    page.locator("main [name=password]").fill(NEW_PASSWORD)
    page.locator("main button[type=submit]").click()
    page.wait_for_url("**/accounts/sign-in/**")

    elsewhere.goto("/settings/")
    expect(elsewhere).to_have_url(live.url + "/accounts/sign-in/?next=/settings/")
    try_to_sign_in(page, email, PASSWORD)
    expect(page.locator("main")).to_contain_text("do not belong together")
    try_to_sign_in(page, email, NEW_PASSWORD)
    page.wait_for_url("**/settings/")


def test_session_ended_from_another_browser_is_over_at_the_next_page(
    live: LiveStack, new_context: NewContext
) -> None:
    email = live.create_customer()
    lost, mine = new_context(email=email).new_page(), new_context(email=email).new_page()
    lost.goto("/settings/")
    expect(lost.get_by_role("heading", name="Profile")).to_be_visible()

    mine.goto("/settings/security/sessions/")
    mine.get_by_test_id("other-session").get_by_role("button").first.click()

    expect(mine.get_by_test_id("other-session")).to_have_count(0)
    lost.goto("/settings/")
    expect(lost).to_have_url(live.url + "/accounts/sign-in/?next=/settings/")
