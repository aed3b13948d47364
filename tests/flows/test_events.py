"""The event stream: nobody else's events, and nothing missed by who comes back."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import islice

import httpx2
import pytest

from tests.flows.buyer import Buyer
from tests.live_stack import LiveStack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.xdist_group("live")]


def test_nobody_may_not_listen(live: LiveStack) -> None:
    answer = httpx2.get(live.url + "/events/stream")

    assert answer.status_code == 401
    assert answer.json()["code"] == "authentication_failed"


def test_each_hears_own_events_only(live: LiveStack, new_buyer: Callable[..., Buyer]) -> None:
    one, other = new_buyer(), new_buyer()

    with one.events() as of_one, other.events() as of_other:
        path = one.order().path
        heard = list(islice(of_one, 2))
        other_path = other.order().path
        others = list(islice(of_other, 2))

    assert [event["event"] for event in heard] == ["verification.waiting", "verification.received"]
    assert {path_of(event) for event in heard} == {path}
    assert {path_of(event) for event in others} == {other_path}


def test_who_comes_back_hears_what_was_missed_once(live: LiveStack, buyer: Buyer) -> None:
    with buyer.events() as events:
        path = buyer.order().path
        first = next(events)
    page = buyer.wait_for_status(path, "received")
    buyer.send(page.form("/finish/"))

    with buyer.events(first["id"]) as events:
        missed = list(islice(events, 2))

    assert [event["event"] for event in missed] == ["verification.received", "verification.completed"]
    assert first["id"] not in {event["id"] for event in missed}


def test_id_of_somebody_elses_event_begins_now(live: LiveStack, new_buyer: Callable[..., Buyer]) -> None:
    one, other = new_buyer(), new_buyer()
    with one.events() as events:
        one.order()
        stolen = next(events)["id"]
    other.wait_for_status(other.order().path, "received")

    with other.events(stolen) as events:
        path = other.order("telegram").path
        heard = next(events)

    assert path_of(heard) == path


def path_of(event: dict[str, str]) -> str:
    """The page of the order that an event is about."""
    data = json.loads(event["data"])
    return f"/verifications/{data.get('verification') or data['data']['verification']}/"
