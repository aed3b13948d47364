"""A customer with a browser that has no JavaScript: pages are read, forms are filled in and sent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2

from tests.flows.mailbox import code_for
from tests.live_stack import PASSWORD, LiveStack, wait_for

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
FULL = (Decimal("25.00"), Decimal("0.00"))  # what `new_buyer` puts into a wallet, and nothing held


@dataclass
class Form:
    """One form of a page with the values it would send."""

    action: str
    method: str
    values: dict[str, str] = field(default_factory=dict)


class Page(HTMLParser):
    """What a person, or a test, finds on a page."""

    def __init__(self, response: httpx2.Response) -> None:
        super().__init__()
        self.status = response.status_code
        self.path = response.url.path
        self.forms: list[Form] = []
        self.marked: dict[str, list[str]] = {}
        self.attributes: dict[str, list[dict[str, str]]] = {}
        self._words: list[str] = []
        self._open: list[tuple[str, str | None]] = []
        self.feed(response.text)

    @property
    def text(self) -> str:
        """All visible words."""
        return _squeezed(self._words)

    def mark(self, testid: str) -> str:
        """The words of the first element with this `data-testid`; empty when there is none."""
        return _squeezed(self.marked.get(testid, [""])[:1])

    def marks(self, testid: str) -> list[str]:
        """The words of every element with this `data-testid`."""
        return [_squeezed([words]) for words in self.marked.get(testid, [])]

    def attribute(self, testid: str, name: str) -> str:
        """An attribute of the first element with this `data-testid`."""
        return self.attributes.get(testid, [{}])[0].get(name, "")

    def form(self, action: str) -> Form:
        """The form that posts to an address ending so."""
        return next(form for form in self.forms if form.method == "post" and form.action.endswith(action))

    def has_form(self, action: str) -> bool:
        """Whether there is such a form."""
        return any(form.method == "post" and form.action.endswith(action) for form in self.forms)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        testid = given.get("data-testid")
        if testid:
            self.marked.setdefault(testid, []).append("")
            self.attributes.setdefault(testid, []).append(given)
        if tag == "form":
            self.forms.append(Form(given.get("action", self.path), given.get("method", "get").lower()))
        elif tag in {"input", "select"} and self.forms and given.get("name"):
            self.forms[-1].values[given["name"]] = given.get("value", "")
        if tag not in VOID:
            self._open.append((tag, testid))

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            closed, _testid = self._open.pop()
            if closed == tag:
                return

    def handle_data(self, data: str) -> None:
        if any(tag in {"script", "style", "head"} for tag, _testid in self._open):
            return
        self._words.append(data)
        for _tag, testid in self._open:
            if testid:
                self.marked[testid][-1] += data


class Buyer:
    """One signed-in customer."""

    def __init__(self, live: LiveStack, email: str = "") -> None:
        self.live = live
        self.email = email
        self.client = httpx2.Client(base_url=live.url, timeout=30, follow_redirects=True)

    def close(self) -> None:
        """Hang up."""
        self.client.close()

    def get(self, path: str) -> Page:
        """Open a page."""
        return Page(self.client.get(path))

    def post(self, path: str, values: dict[str, str]) -> Page:
        """Send a form; the CSRF token is taken from the cookie when the values have none."""
        token = self.client.cookies.get("csrftoken") or ""
        return Page(self.client.post(path, data={"csrfmiddlewaretoken": token} | values))

    def send(self, form: Form, **values: str) -> Page:
        """Send a form as it was rendered, with some values filled in."""
        return self.post(form.action, form.values | values)

    def sign_up(self, email: str) -> Page:
        """Make an account in the site's own form, with the code from the e-mail."""
        self.email = email
        page = self.get("/accounts/sign-up/")
        page = self.post("/accounts/sign-up/", page.forms[-1].values | {"email": email, "password": PASSWORD})
        return self.send(page.form("/accounts/verify-email/"), code=code_for(self.live, email))

    def sign_in(self) -> Page:
        """Begin a session."""
        page = self.get("/accounts/sign-in/")
        return self.post(
            "/accounts/sign-in/", page.forms[-1].values | {"email": self.email, "password": PASSWORD}
        )

    def order_page(self, service: str = "whatsapp", country: str = "GB") -> Page:
        """The last step before ordering, with its form."""
        return self.get(f"/verifications/new/?service={service}&country={country}")

    def order(self, service: str = "whatsapp", country: str = "GB", **values: str) -> Page:
        """Press the button on the order page."""
        return self.send(self.order_page(service, country).form("/verifications/new/"), **values)

    def wait_for_status(self, path: str, *wanted: str, patience_s: float = 40.0) -> Page:
        """Reload an order until it is in one of these states."""

        def look() -> Page | None:
            page = self.get(path)
            return page if page.attribute("order-status", "data-status") in wanted else None

        found = wait_for(look, f"an order that is {' or '.join(wanted)}", patience_s, every_s=0.3)
        assert found is not None
        return found

    def top_up(self, amount: str = "5000", action: str = "pay-card") -> Page:
        """Top up at the sandbox's checkout and come back to the deposit's page.

        Args:
            action: The button pressed there: `pay-card`, `decline`, `bank-transfer`, `leave`, …
        """
        return self.check_out(self.get("/wallet/top-up/").form("/wallet/top-up/"), action, amount=amount)

    def check_out(self, form: Form, action: str, **values: str) -> Page:
        """Send a form that leads to the checkout, and press a button there."""
        checkout = self.client.post(form.action, data=form.values | values)
        assert str(checkout.url).startswith(self.live.sandbox_url), Page(checkout).text
        return Page(self.client.post(str(checkout.url), data={"action": action}))

    def wait_for_deposit(self, path: str, *wanted: str, patience_s: float = 40.0) -> Page:
        """Reload a deposit until it is in one of these states."""

        def look() -> Page | None:
            page = self.get(path)
            return page if page.attribute("deposit-status", "data-status") in wanted else None

        found = wait_for(look, f"a deposit that is {' or '.join(wanted)}", patience_s, every_s=0.3)
        assert found is not None
        return found

    def wallet(self) -> tuple[Decimal, Decimal]:
        """Available and held, as the wallet page says."""
        page = self.get("/wallet/")
        return _amount(page.mark("balance")), _amount(page.mark("held"))

    def orders(self) -> list[dict[str, Any]]:
        """This customer's orders as stored, oldest first."""
        return self.live.rows(
            "SELECT v.*, h.amount AS held FROM verifications_verification v JOIN accounts_user u ON u.id = v.user_id"
            " JOIN billing_transfer h ON h.id = v.hold_id WHERE lower(u.email) = lower(%s) ORDER BY v.created_at",
            self.email,
        )

    def attempts(self) -> list[dict[str, Any]]:
        """Every purchase tried for this customer, oldest first."""
        return self.live.rows(
            "SELECT a.*, p.slug AS provider FROM verifications_attempt a"
            " JOIN verifications_provider p ON p.id = a.provider_id"
            " JOIN verifications_verification v ON v.id = a.verification_id"
            " JOIN accounts_user u ON u.id = v.user_id WHERE lower(u.email) = lower(%s) ORDER BY a.started_at",
            self.email,
        )

    @contextmanager
    def events(self, last_event_id: str = "") -> Iterator[Iterator[dict[str, str]]]:
        """Follow the event stream; each event is a dict of its fields."""
        headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
        with self.client.stream("GET", "/events/stream", headers=headers, timeout=30) as response:
            assert response.status_code == 200
            yield _events(response.iter_lines())


def query_of(address: str) -> dict[str, str]:
    """The query of an address."""
    return dict(parse_qsl(urlsplit(address).query))


def _events(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    event: dict[str, str] = {}
    for line in lines:
        if not line:
            if "data" in event:
                yield event
            event = {}
        elif not line.startswith(":"):
            name, _colon, value = line.partition(":")
            event[name] = value.removeprefix(" ")


def _squeezed(words: list[str]) -> str:
    return " ".join(" ".join(words).split())


def _amount(text: str) -> Decimal:
    found = re.search(r"-?[\d,]+\.\d+", text)
    assert found, f"no amount in {text!r}"
    return Decimal(found[0].replace(",", ""))
