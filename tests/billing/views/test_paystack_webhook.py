"""The address of Paystack's webhooks, over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client
from pytest_django import Settings

from billing.models import WebhookEvent
from billing.services import webhooks
from tests.billing.services.test_webhooks import VECTOR, VECTOR_SIGNATURE, sign

pytestmark = pytest.mark.django_db
URL = "/webhooks/paystack"


@pytest.fixture
def post(client: Client) -> Any:
    """Send a body, rightly signed if not said otherwise."""

    def send(body: bytes = VECTOR, signature: str | None = None, **meta: Any) -> Any:
        headers = {"X-Paystack-Signature": sign(body) if signature is None else signature}
        return client.post(URL, body, content_type="application/json", headers=headers, **meta)

    return send


def test_signed_event_is_on_disk_before_the_answer(post: Any) -> None:
    answer = post(signature=VECTOR_SIGNATURE)

    assert (answer.status_code, answer.content) == (200, b"ok")
    assert bytes(WebhookEvent.objects.get().body) == VECTOR


def test_repeat_is_answered_as_the_first(post: Any) -> None:
    assert [post().status_code for _ in range(3)] == [200] * 3
    assert WebhookEvent.objects.get().deliveries == 3


def test_forms_token_and_session_are_not_needed(settings: Settings) -> None:
    client = Client(enforce_csrf_checks=True)

    answer = client.post(
        URL, VECTOR, content_type="application/json", headers={"X-Paystack-Signature": VECTOR_SIGNATURE}
    )

    assert answer.status_code == 200
    assert not answer.cookies


def test_other_methods_are_refused(client: Client) -> None:
    assert [client.generic(method, URL).status_code for method in ("GET", "HEAD", "PUT", "DELETE")] == [
        405
    ] * 4


def test_slash_at_the_end_is_another_address(client: Client) -> None:
    assert client.post(f"{URL}/", VECTOR, content_type="application/json").status_code == 404


@pytest.mark.parametrize("signature", ["", "0" * 128, VECTOR_SIGNATURE.upper(), "é"])
def test_unsigned_is_refused_and_not_kept(post: Any, signature: str) -> None:
    assert post(signature=signature).status_code == 401
    assert not WebhookEvent.objects.exists()


def test_missing_header_is_refused(client: Client) -> None:
    assert client.post(URL, VECTOR, content_type="application/json").status_code == 401


@pytest.mark.parametrize("body", [b"{}", b"[1]", b"not json", b'{"event": null}'])
def test_signed_nonsense_is_refused(post: Any, body: bytes) -> None:
    assert post(body).status_code == 400


@pytest.mark.parametrize("size", [256 * 1024 + 1, 2_000_000])
def test_too_much_is_refused_unread(post: Any, size: int) -> None:
    assert post(b"x" * size).status_code == 413


def test_largest_event_is_taken(post: Any) -> None:
    body = json.dumps({"event": "charge.success", "data": {"id": 1, "note": ""}}).encode()
    body = body.replace(b'"note": ""', b'"note": "' + b"n" * (256 * 1024 - len(body)) + b'"')

    assert len(body) == 256 * 1024
    assert post(body).status_code == 200


def test_event_that_cannot_be_kept_is_not_acknowledged(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.raise_request_exception = False
    monkeypatch.setattr(webhooks, "_keep", _fail)

    answer = client.post(
        URL, VECTOR, content_type="application/json", headers={"X-Paystack-Signature": VECTOR_SIGNATURE}
    )

    assert answer.status_code >= 500


def _fail(*_: Any) -> None:
    raise DatabaseError("disk full")


def test_unknown_address_is_noted(post: Any) -> None:
    post(REMOTE_ADDR="203.0.113.9")

    row = WebhookEvent.objects.get()
    assert (row.source_address, row.is_known_address) == ("203.0.113.9", False)


def test_unknown_address_is_refused_where_the_proxy_can_be_trusted(post: Any, settings: Settings) -> None:
    settings.PAYSTACK_WEBHOOK_ADDRESSES_ENFORCED = True

    assert post(REMOTE_ADDR="203.0.113.9").status_code == 403
    assert post(REMOTE_ADDR="52.31.139.75").status_code == 200
    assert WebhookEvent.objects.count() == 1


def test_event_no_secret_and_no_body_reaches_the_log(post: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    body = json.dumps(
        {
            "event": "charge.success",
            "data": {"authorization": {"authorization_code": "AUTH_planted"}, "note": "planted-text"},
        }
    ).encode()

    post(body)
    post(body, signature="0" * 128)

    assert "planted" not in caplog.text
    assert sign(body) not in caplog.text
