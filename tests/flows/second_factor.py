"""Setting up an authenticator app on the site's own pages, with codes computed from the key they show."""

from __future__ import annotations

import base64
import time

from django_otp.oath import totp

from tests.flows.buyer import Buyer, Page

AUTHENTICATOR = "/settings/security/authenticator/"
RECOVERY = "/settings/security/recovery-codes/"
SECOND_STEP = "/accounts/sign-in/second-factor/"


class Authenticator:
    """An app that shows each code once: the site takes none a second time."""

    def __init__(self, key: str) -> None:
        self._key = base64.b32decode(key.replace(" ", ""))
        self._last = -1

    def next_code(self) -> str:
        """A code that was not shown before; the one of the half minute to come where need be."""
        now = int(time.time()) // 30
        while now + 1 <= self._last:
            time.sleep(0.5)
            now = int(time.time()) // 30
        self._last = max(now, self._last + 1)
        return f"{totp(self._key, drift=self._last - int(time.time()) // 30):06d}"


def set_up(person: Buyer) -> Authenticator:
    """Set up an app for somebody who is signed in, and put the recovery codes away."""
    page = person.get(AUTHENTICATOR)
    app = Authenticator(page.mark("authenticator-key"))
    page = person.send(page.forms[-1], code=app.next_code())
    assert page.path == RECOVERY, page.text
    person.post(RECOVERY, {"kept": "1"})
    return app


def enter_console(person: Buyer) -> Authenticator:
    """Sign in a member of staff who has no second factor yet, set one up, and come into the console."""
    person.sign_in()
    app = set_up(person)
    page = person.get("/ops/")
    assert (page.status, page.path) == (200, "/ops/"), page.text
    return app


def show(person: Buyer, page: Page, app: Authenticator) -> Page:
    """Answer the page that asks for the second factor."""
    return person.send(page.forms[-1], code=app.next_code())
