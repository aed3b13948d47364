"""What leaves for the error tracker: nothing that could be used or that tells who somebody is."""

from __future__ import annotations

import json
from typing import Any

import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from namaskah.lib.sentry import scrub_event, sentry_options

NUMBER = "+447400123456"
KEY = "nsk_live_0123456789abcdef0123456789abcdef0123"
TOKEN = "q7Zk3-vX9_wLr2TfYb8NcDh5GmJpSa1EuWxKi4Oo6Qe"
PASSWORD = "hunter22hunter22"
EVENT: dict[str, Any] = {
    "event_id": "0123456789abcdef0123456789abcdef",
    "request": {
        "url": f"https://sms.example.com/accounts/password/reset/{TOKEN}/",
        "method": "POST",
        "cookies": {"sessionid": "sessionsecret"},
        "headers": {"Authorization": f"Bearer {KEY}", "Cookie": "sessionid=sessionsecret"},
        "query_string": f"api_key={KEY}",
        "data": {"password": PASSWORD},
        "env": {"REMOTE_ADDR": "192.0.2.7"},
    },
    "user": {"id": "12", "email": "ann@example.com", "ip_address": "192.0.2.7"},
    "exception": {"values": [{"type": "ValueError", "value": f"Bearer {KEY} for {NUMBER}"}]},
    "breadcrumbs": {"values": [{"message": f"GET /stubs?api_key={KEY}", "data": {"code": "482193"}}]},
    "extra": {"password": PASSWORD, "sms_code": "482193", "orders": [1, 2]},
}
SECRETS = [NUMBER, KEY, TOKEN, "sessionsecret", "hunter22", "482193", "ann@example.com", "192.0.2.7"]


def test_event_loses_everything_secret_and_keeps_what_helps() -> None:
    left = scrub_event(json.loads(json.dumps(EVENT)), {})

    text = json.dumps(left)
    assert [secret for secret in SECRETS if secret in text] == []
    assert (left["event_id"], left["user"]) == (EVENT["event_id"], {"id": "12"})
    assert left["request"]["method"] == "POST"
    assert left["extra"]["orders"] == [1, 2]


def test_twin_event_without_scrubbing_holds_them_all() -> None:
    text = json.dumps(EVENT)

    assert [secret for secret in SECRETS if secret not in text] == []


class Kept(Transport):
    """Where envelopes would leave the machine."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.sent.append(envelope.serialize().decode())


def test_error_is_reported_without_the_secrets_around_it() -> None:
    kept = Kept()
    client = sentry_sdk.Client(dsn="https://public@sentry.example/1", transport=kept, **sentry_options())

    def fail(password: str) -> None:
        raise ValueError(f"cannot reach {NUMBER} at /accounts/password/reset/{TOKEN}/")

    with sentry_sdk.new_scope() as scope:
        scope.set_client(client)
        sentry_sdk.add_breadcrumb(message=f"asked /stubs?api_key={KEY}")
        try:
            fail(PASSWORD)
        except ValueError as error:
            sentry_sdk.capture_exception(error)
    client.close(timeout=0)

    assert len(kept.sent) == 1
    assert "ValueError" in kept.sent[0]
    assert [secret for secret in SECRETS if secret in kept.sent[0]] == []
