"""A copy downloaded, and an account erased, in Chromium against the running product."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, WIDE, NewContext, Watch
from tests.live_stack import PASSWORD, LiveStack, wait_for

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("live"),
]
expect.set_options(timeout=30_000)
PRIVACY, ERASE = "/settings/privacy/", "/settings/privacy/erasure/"


def fits(page: Page) -> bool:
    """Whether nothing scrolls sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def order_erasure(page: Page, email: str) -> None:
    """Fill in the form and send it."""
    page.goto(ERASE)
    page.locator("main [name=gives_up_balance]").check()
    page.locator("main [name=email]").fill(email)
    page.get_by_role("button", name="Erase my account").click()
    expect(page.get_by_test_id("erasure-planned")).to_be_visible()


def test_copy_is_asked_for_and_downloaded(live: LiveStack, new_context: NewContext, tmp_path: Path) -> None:
    email = live.create_customer()
    page = new_context(email=email).new_page()

    page.goto(PRIVACY)
    page.get_by_role("button", name="Make a copy").click()
    wait_for(lambda: page.goto(PRIVACY) and page.get_by_test_id("export-ready").count(), "the copy")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the copy").click()
    download.value.save_as(tmp_path / "copy.zip")

    with zipfile.ZipFile(tmp_path / "copy.zip") as archive:
        assert [person["email"] for person in json.loads(archive.read("account.json"))] == [email]
        assert [transfer["amount"] for transfer in json.loads(archive.read("wallet_movements.json"))] == [
            "25.0000"
        ]
        assert b"Your data at Namaskah SMS" in archive.read("README.txt")


def test_erasure_is_taken_back_ordered_again_and_done(
    live: LiveStack, new_context: NewContext, watch: Watch
) -> None:
    email = live.create_customer()
    page = new_context(email=email, script=False).new_page()
    order_erasure(page, email)
    page.goto("/wallet/")
    expect(page.get_by_test_id("leaving")).to_be_visible()
    page.get_by_role("link", name="See it, or take it back").click()
    page.get_by_role("button", name="Keep my account").click()
    expect(page.get_by_test_id("leaving")).to_have_count(0)

    order_erasure(page, email)
    (user,) = live.rows("SELECT id FROM accounts_user WHERE email = %s", email)
    live.execute(
        "UPDATE accounts_erasure SET next_try_at = now() WHERE user_id = %s AND cancelled_at IS NULL",
        user["id"],
    )
    live.manage("shell", "-c", "from accounts.services import erasure_run; erasure_run.carry_out_due()")

    (gone,) = live.rows("SELECT email, state FROM accounts_user WHERE id = %s", user["id"])
    assert gone == {"email": f"erased-{user['id']}@erased.invalid", "state": "erased"}
    page.goto("/wallet/")
    assert "/accounts/sign-in/" in page.url
    page.locator("[name=email]").fill(email)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("main button[type=submit]").click()
    assert "/accounts/sign-in/" in page.url


@pytest.mark.parametrize("width", [NARROW, WIDE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_and_look_right(
    width: int, scheme: str, live: LiveStack, new_context: NewContext, screenshots: Path
) -> None:
    page = new_context(email=live.create_customer(), width=width, scheme=scheme).new_page()

    for name, path in (("privacy", PRIVACY), ("erase", ERASE)):
        page.goto(path)
        if name == "privacy":
            page.locator("details.kept > summary").click()
        page.screenshot(path=screenshots / f"{name}-{width}-{scheme}.png", full_page=True)
        assert fits(page)
