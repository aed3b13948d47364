"""Chromium against the running product.

Whatever a test looks at, its pages may not break their own content security policy, write errors to the console or talk to
anybody but the product; that is checked when the test ends.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    sync_playwright,
)

from tests.flows.second_factor import AUTHENTICATOR, RECOVERY, Authenticator
from tests.live_stack import PASSWORD, LiveStack, live

__all__ = ["live"]

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
PATIENCE_MS = 30_000
WIDE, NARROW = 1280, 360


def chromium() -> str | None:
    """Where Chromium is, if anywhere."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Name each test that cannot run; `REQUIRE_BROWSER=1` lets them run into the missing browser."""
    if chromium() or os.environ.get("REQUIRE_BROWSER") == "1":
        return
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason=f"{item.name}: Chromium is not installed"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for a module and no longer: while Playwright's event loop runs, Django refuses other tests their database."""
    path = chromium()
    if path is None:
        pytest.fail(
            f"Chromium is not installed, and REQUIRE_BROWSER=1: none of {', '.join(NAMES)} was found."
        )
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield started
        started.close()


class Watch:
    """Notes what pages do that they should not."""

    def __init__(self, origin: str) -> None:
        self._origin = urlsplit(origin).netloc
        self.complaints: list[str] = []
        self.streams: list[int] = []
        self.refreshes = 0
        self.expects_status: set[int] = set()
        self.expects_trouble = False  # the test itself breaks connections
        self.partners: set[str] = set()  # origins that the pages of this test may talk to

    def follow(self, page: Page) -> None:
        """Watch one more page."""
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.complaints.append(f"error in a script: {error}"))
        page.on("request", self._on_request)
        page.on("response", self._on_response)

    def _on_console(self, message: ConsoleMessage) -> None:
        is_expected = self.expects_trouble or any(
            f"status of {status}" in message.text for status in self.expects_status
        )
        if message.type in {"error", "warning"} and not is_expected:
            self.complaints.append(f"console {message.type}: {message.text}")

    def _on_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        is_ours = parts.netloc == self._origin or f"{parts.scheme}://{parts.netloc}" in self.partners
        if parts.scheme not in {"data", "blob", "about"} and not is_ours:
            self.complaints.append(f"request to {request.url}")
        if request.headers.get("hx-request"):
            self.refreshes += 1

    def _on_response(self, response: Response) -> None:
        if urlsplit(response.url).path == "/events/stream":
            self.streams.append(response.status)


@pytest.fixture
def watch(live: LiveStack) -> Iterator[Watch]:
    """Collects complaints about every page of this test; the test fails at its end when there are any."""
    own = Watch(live.url)
    yield own
    assert own.complaints == []


NewContext = Callable[..., BrowserContext]


@pytest.fixture
def new_context(live: LiveStack, browser: Browser, watch: Watch) -> Iterator[NewContext]:
    """Makes browsers with cookies of their own; `email` is signed in already."""
    made: list[BrowserContext] = []

    def make(
        *, email: str = "", width: int = WIDE, script: bool = True, scheme: str = "light"
    ) -> BrowserContext:
        context = browser.new_context(
            base_url=live.url,
            viewport={"width": width, "height": 800},
            java_script_enabled=script,
            color_scheme="dark" if scheme == "dark" else "light",
            permissions=["clipboard-read", "clipboard-write"],
        )
        context.set_default_timeout(PATIENCE_MS)
        context.on("page", watch.follow)
        made.append(context)
        if email:
            page = context.new_page()
            page.goto("/accounts/sign-in/")
            sign_in(page, email)
            page.close()
        return context

    yield make
    for context in made:
        context.close()


def sign_in(page: Page, email: str) -> None:
    """Fill in the sign-in form and send it."""
    page.locator("[name=email]").fill(email)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("main button[type=submit]").click()
    page.wait_for_url(lambda url: "/accounts/" not in url)


def set_up_authenticator(page: Page) -> Authenticator:
    """Set up an app with a code computed from the key on the page, and put the recovery codes away."""
    page.goto(AUTHENTICATOR)
    app = Authenticator(page.get_by_test_id("authenticator-key").inner_text())
    page.locator("main [name=code]").fill(app.next_code())
    page.get_by_role("button", name="Turn it on").click()
    page.get_by_role("button", name="I have kept them").click()
    page.wait_for_url(lambda url: RECOVERY not in url)
    return app


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures of the pages go; SCREENSHOT_DIR names a place to keep them."""
    chosen = os.environ.get("SCREENSHOT_DIR")
    path = Path(chosen) if chosen else tmp_path_factory.mktemp("screenshots")
    path.mkdir(parents=True, exist_ok=True)
    return path
