"""Second factors on a running product, without JavaScript: by app, by SMS through the worker, and into the console."""

from __future__ import annotations

import httpx2
import pytest

from tests.flows.buyer import Buyer
from tests.flows.second_factor import SECOND_STEP, enter_console, set_up, show
from tests.live_stack import LiveStack, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.xdist_group("live")]
MESSAGES = "/settings/security/codes-by-message/"
PHONE = "+2348031234567"


def sms_code(live: LiveStack, *, older_than: str = "") -> str:
    """The newest six digits that the telephone got; waits for them."""

    def look() -> str:
        answer = httpx2.get(f"{live.sandbox_url}/_sandbox/sms", params={"to": PHONE}).json()["messages"]
        code = str(answer[-1]["text"][:6]) if answer else ""
        return code if code != older_than else ""

    return wait_for(look, "a code by SMS")


def test_code_by_sms_comes_through_the_worker(live: LiveStack) -> None:
    person = Buyer(live, live.create_customer())
    person.sign_in()
    app = set_up(person)
    person.post(MESSAGES, {"phone": PHONE})
    code = sms_code(live)
    page = person.post(MESSAGES, {"code": code})
    other = Buyer(live, person.email)
    asked = other.sign_in()
    refused = other.post(SECOND_STEP, {"method": "sms_code", "send": "1"})
    signed_in = show(other, other.get(SECOND_STEP), app)

    assert "Codes can go to your telephone from now on." in page.text
    assert asked.path == SECOND_STEP
    assert "Too many tries" in refused.text  # less than a minute after the one before
    assert signed_in.path != SECOND_STEP
    person.close()
    other.close()


def test_console_takes_a_second_factor_each_time(live: LiveStack) -> None:
    staff = Buyer(live, live.create_staff())
    app = enter_console(staff)
    elsewhere = Buyer(live, staff.email)

    elsewhere.sign_in()
    shut = elsewhere.get("/ops/")
    show(elsewhere, elsewhere.get(SECOND_STEP), app)
    open_ = elsewhere.get("/ops/")

    assert shut.path == "/accounts/sign-in/"
    assert (open_.status, open_.path) == (200, "/ops/")
    staff.close()
    elsewhere.close()
