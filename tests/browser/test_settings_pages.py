"""The settings of somebody whose account is well protected, by keyboard and in every look."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import NARROW, WIDE, NewContext, set_up_authenticator
from tests.live_stack import LiveStack

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("live"),
]
PAGES = {
    "security": "/settings/security/",
    "authenticator": "/settings/security/authenticator/",
    "recovery-codes": "/settings/security/recovery-codes/",
    "message-codes": "/settings/security/codes-by-message/",
    "confirm": "/accounts/confirm/?next=/settings/email/",
}
SECTIONS = ["Profile", "Security", "Notifications", "Privacy"]
FOCUSED = """() => {
    const element = document.activeElement;
    const style = getComputedStyle(element);
    return {
        words: (element.getAttribute("aria-label") || element.innerText || "").replace(/\\s+/g, " ").trim(),
        place: element.closest("nav")?.getAttribute("aria-label") ?? element.closest("main, header, footer")?.localName ?? "",
        isSeen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
        top: element.getBoundingClientRect().top + scrollY,
    };
}"""


def look_at(page: Page, name: str, screenshots: Path) -> None:
    """In both widths and both themes."""
    for width in (NARROW, WIDE):
        for scheme in ("light", "dark"):
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            page.wait_for_timeout(200)  # colours fade over
            page.screenshot(path=screenshots / f"protected-{name}-{width}-{scheme}.png", full_page=True)
            found = Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
            assert page.evaluate("document.scrollingElement.scrollWidth") <= width, (name, width)


def test_pages_of_somebody_with_a_second_factor(
    live: LiveStack, new_context: NewContext, screenshots: Path
) -> None:
    email = live.create_customer()
    page = new_context(email=email).new_page()
    set_up_authenticator(page)

    for name, path in PAGES.items():
        page.goto(path)
        assert page.url.endswith(path)
        look_at(page, name, screenshots)

    visitor = new_context().new_page()
    visitor.goto("/accounts/sign-in/")
    visitor.locator("[name=email]").fill(email)
    visitor.locator("[name=password]").fill("a long pass phrase 7")
    visitor.locator("main button[type=submit]").click()
    visitor.wait_for_url(re.compile("/second-factor/"))
    look_at(visitor, "second-step", screenshots)


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_keyboard_goes_down_the_page_and_is_seen(
    live: LiveStack, new_context: NewContext, width: int
) -> None:
    page = new_context(email=live.create_customer(), width=width).new_page()
    page.goto("/settings/security/")

    stops = []
    for _ in range(40):
        page.keyboard.press("Tab")
        stops.append(page.evaluate(FOCUSED))
        if stops[-1]["place"] == "footer":
            break

    assert stops[0]["words"] == "Skip to the content"
    assert [stop["words"] for stop in stops if stop["place"] == "Settings"] == SECTIONS
    inside = [stop for stop in stops if stop["place"] == "main"]
    assert [stop["words"].split(": ")[-1] for stop in inside] == [
        "Password", "Passkeys", "Authenticator app", "Recovery codes", "Codes by message", "Devices and sessions",
        "Security log",
    ]  # fmt: skip
    assert [stop["top"] for stop in inside] == sorted(stop["top"] for stop in inside)
    assert [stop["words"] for stop in stops if not stop["isSeen"]] == []


def test_skip_link_leads_past_the_masthead(live: LiveStack, new_context: NewContext) -> None:
    page = new_context(email=live.create_customer()).new_page()
    page.goto("/settings/")

    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    assert page.evaluate(FOCUSED)["words"] == "Profile"


def test_account_menu_leads_to_the_settings(live: LiveStack, new_context: NewContext) -> None:
    page = new_context(email=live.create_customer(), width=NARROW).new_page()
    page.goto("/wallet/")

    page.get_by_role("button", name="Account", exact=True).click()
    page.locator("#account-menu").get_by_role("link", name="Security").click()

    page.wait_for_url(re.compile("/settings/security/$"))
