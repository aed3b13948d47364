"""A second factor in a real browser: set up with a computed code, asked for, replaced by a recovery code that works once."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import NewContext, Watch
from tests.flows.second_factor import AUTHENTICATOR, RECOVERY, SECOND_STEP, Authenticator
from tests.live_stack import PASSWORD, LiveStack

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("live"),
]
expect.set_options(timeout=30_000)


def give_password(context: BrowserContext, email: str) -> Page:
    """A browser after the first step."""
    page = context.new_page()
    page.goto("/accounts/sign-in/?next=/settings/security/")
    page.locator("[name=email]").fill(email)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("main button[type=submit]").click()
    page.wait_for_url(f"**{SECOND_STEP}")
    return page


def give_code(page: Page, code: str) -> None:
    page.locator("main [name=code]").fill(code)
    page.locator("main").get_by_role("button", name="Sign in").click()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_app_is_set_up_and_a_recovery_code_signs_in_once(
    live: LiveStack, new_context: NewContext, watch: Watch, script: bool
) -> None:
    watch.expects_status = {400}
    email = live.create_customer()
    page = new_context(email=email, script=script).new_page()

    page.goto(AUTHENTICATOR)
    app = Authenticator(page.get_by_test_id("authenticator-key").inner_text())
    page.locator("main [name=code]").fill(app.next_code())
    page.get_by_role("button", name="Turn it on").click()
    page.wait_for_url(f"**{RECOVERY}")
    codes = page.get_by_test_id("recovery-codes").locator("li").all_inner_texts()
    with page.expect_download() as download:
        page.get_by_role("link", name="Save as a file").click()
    saved = download.value.path().read_text()
    page.get_by_role("button", name="I have kept them").click()

    by_app = give_password(new_context(script=script), email)
    give_code(by_app, app.next_code())
    by_app.wait_for_url("**/settings/security/")

    by_sheet = give_password(new_context(script=script), email)
    by_sheet.get_by_role("link", name="Recovery code").click()
    give_code(by_sheet, codes[0])
    by_sheet.wait_for_url("**/settings/security/")

    again = give_password(new_context(script=script), email)
    again.get_by_role("link", name="Recovery code").click()
    give_code(again, codes[0])
    expect(again.locator("main")).to_contain_text("This is none of your unused recovery codes.")

    assert len(set(codes)) == 10
    assert all(re.fullmatch(r"([A-Z0-9]{4}-){3}[A-Z0-9]{4}", code) and code in saved for code in codes)
    page.goto(RECOVERY)
    expect(page.locator("main")).to_contain_text("9 codes left")
