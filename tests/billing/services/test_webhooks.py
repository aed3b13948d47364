"""The inbox of Paystack's webhooks: whom to believe, what to keep, how work on it ends."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from billing.enums import WebhookState
from billing.models import WebhookEvent
from billing.paystack.errors import OutcomeUnknown
from billing.services import webhook_events, webhooks
from billing.services.webhook_events import Outcome

KEY = "sk_test_0123456789abcdef0123456789abcdef01234567"
# Made by us and published nowhere; the blank after the first colon and the name outside ASCII are there on purpose.
VECTOR = (
    '{"event": "charge.success","data":{"reference":"wal_01J9Z","amount":500000,"currency":"NGN",'
    '"customer":{"first_name":"Ọlá","email":"a@example.com"}}}'
).encode()
VECTOR_SIGNATURE = (
    "fa614cf178f04074d32fe017f6238603751474c0185b2176d65d1608eb07c7cc"
    "726bb1d780e83746b81724787e3f660ebcda0e91cd2fa67d14926d5ffb18381d"
)


def sign(body: bytes, key: str = KEY) -> str:
    return hmac.new(key.encode(), body, hashlib.sha512).hexdigest()


def body_of(event: str = "charge.success", **data: Any) -> bytes:
    return json.dumps({"event": event, "data": data}).encode()


def keep(body: bytes) -> WebhookEvent:
    return WebhookEvent.objects.get(
        pk=webhooks.take_in(body, signature=sign(body), address="52.31.139.75").id
    )


# Signature


def test_vector_is_believed() -> None:
    assert len(VECTOR) == 152
    assert webhooks.is_signed(VECTOR, VECTOR_SIGNATURE)


@pytest.mark.parametrize(
    "dump",
    [
        json.dumps,
        lambda parsed: json.dumps(parsed, separators=(",", ":")),
        lambda parsed: json.dumps(parsed, separators=(",", ":"), ensure_ascii=False),
    ],
)
def test_same_content_in_other_bytes_is_not_believed(dump: Any) -> None:
    assert not webhooks.is_signed(dump(json.loads(VECTOR)).encode(), VECTOR_SIGNATURE)


def _flips(text: bytes) -> Iterator[bytes]:
    for place in range(len(text)):
        for bit in range(8):
            yield text[:place] + bytes([text[place] ^ 1 << bit]) + text[place + 1 :]


def test_no_flipped_bit_of_the_signature_is_believed() -> None:
    believed = [
        flip
        for flip in _flips(VECTOR_SIGNATURE.encode())
        if webhooks.is_signed(VECTOR, flip.decode("latin-1"))
    ]

    assert believed == []


def test_no_flipped_bit_of_the_body_is_believed() -> None:
    believed = [flip for flip in _flips(VECTOR) if webhooks.is_signed(flip, VECTOR_SIGNATURE)]

    assert believed == []


@pytest.mark.parametrize(
    "signature",
    [
        "", " ", "0" * 128, VECTOR_SIGNATURE[:-1], VECTOR_SIGNATURE + "0", VECTOR_SIGNATURE.upper(), f" {VECTOR_SIGNATURE}",
        f"sha512={VECTOR_SIGNATURE}", VECTOR_SIGNATURE * 2, "é" * 128, "\0" * 128, f"{VECTOR_SIGNATURE}, {VECTOR_SIGNATURE}",
        hashlib.sha512(VECTOR).hexdigest(), hmac.new(KEY.encode(), VECTOR, hashlib.sha256).hexdigest(), sign(VECTOR, ""),
        sign(VECTOR, "sk_test_another"),
    ],
)  # fmt: skip
def test_other_signatures_are_not_believed(signature: str) -> None:
    assert not webhooks.is_signed(VECTOR, signature)


def test_without_a_key_nothing_is_believed(settings: Settings) -> None:
    settings.PAYSTACK_SECRET_KEY = ""

    assert not webhooks.is_signed(VECTOR, sign(VECTOR, ""))


def test_old_key_is_believed_while_it_is_rotated(settings: Settings) -> None:
    settings.PAYSTACK_SECRET_KEY, settings.PAYSTACK_PREVIOUS_SECRET_KEY = "sk_test_new", KEY

    assert webhooks.is_signed(VECTOR, VECTOR_SIGNATURE)
    assert webhooks.is_signed(VECTOR, sign(VECTOR, "sk_test_new"))

    settings.PAYSTACK_PREVIOUS_SECRET_KEY = ""

    assert not webhooks.is_signed(VECTOR, VECTOR_SIGNATURE)


def test_comparison_takes_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def compare(ours: bytes, given: bytes) -> bool:
        compared.append((ours, given))
        return False

    monkeypatch.setattr(hmac, "compare_digest", compare)

    assert not webhooks.is_signed(VECTOR, VECTOR_SIGNATURE)
    assert compared == [(VECTOR_SIGNATURE.encode(), VECTOR_SIGNATURE.encode())]


# Inbox


@pytest.mark.django_db
def test_delivery_is_kept_as_it_came() -> None:
    row = keep(VECTOR)

    assert (row.event, bytes(row.body), row.state) == ("charge.success", VECTOR, WebhookState.PENDING)
    assert (row.source_address, row.is_known_address, row.deliveries) == ("52.31.139.75", True, 1)


@pytest.mark.django_db
def test_same_bytes_again_are_the_same_row() -> None:
    keep(VECTOR)

    assert keep(VECTOR).deliveries == 2
    assert WebhookEvent.objects.count() == 1


@pytest.mark.django_db
def test_repeat_wakes_what_was_given_up_and_nothing_else() -> None:
    row = keep(VECTOR)
    WebhookEvent.objects.update(state=WebhookState.FAILED, next_try_at=None)
    assert keep(VECTOR).state == WebhookState.PENDING
    WebhookEvent.objects.update(state=WebhookState.DONE, next_try_at=None)

    keep(VECTOR)

    row.refresh_from_db()
    assert (row.state, row.next_try_at) == (WebhookState.DONE, None)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b'"event"', b"{", b'{"event": 1}', b"\xff\xfe", b"[" * 100_000]
)
def test_signed_nonsense_is_not_kept(body: bytes) -> None:
    with pytest.raises(webhooks.NotAnEvent):
        webhooks.take_in(body, signature=sign(body), address=None)

    assert not WebhookEvent.objects.exists()


@pytest.mark.django_db
def test_unsigned_is_not_kept() -> None:
    with pytest.raises(webhooks.NotSigned):
        webhooks.take_in(VECTOR, signature="0" * 128, address=None)

    assert not WebhookEvent.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "body",
    [
        b'{"event": "a\\u0000b", "data": {"id": "\\u0000"}}',
        b'{"event": "x", "data": "\\ud800"}',
        b'{"event": "\\ud800", "data": {}}',
        b'{"event": "charge.success", "data": {"id": "\\ud800"}}',
    ],
)
def test_odd_texts_are_kept(body: bytes) -> None:
    assert bytes(keep(body).body) == body


# Work


@pytest.fixture
def outcomes(monkeypatch: pytest.MonkeyPatch) -> list[Outcome | Exception]:
    """What becomes of the coming events, one after the other."""
    waiting: list[Outcome | Exception] = []

    def handle(event: str, data: Any) -> Outcome:
        outcome = waiting.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(webhook_events, "handle", handle)
    return waiting


@pytest.mark.django_db
def test_event_is_worked_on_once(outcomes: list[Outcome | Exception]) -> None:
    outcomes.append(Outcome(WebhookState.DONE, "deposit succeeded"))
    row = keep(VECTOR)

    webhooks.process(row.pk)
    webhooks.process(row.pk)

    row.refresh_from_db()
    assert (row.state, row.note, row.tries, row.next_try_at) == (
        WebhookState.DONE,
        "deposit succeeded",
        1,
        None,
    )


@pytest.mark.django_db
@pytest.mark.parametrize("error", [OutcomeUnknown(), RuntimeError("a bug")])
def test_failure_is_tried_again_later(outcomes: list[Outcome | Exception], error: Exception) -> None:
    outcomes += [error, Outcome(WebhookState.DONE)]
    row = keep(VECTOR)
    webhooks.process(row.pk)
    row.refresh_from_db()
    assert row.state == WebhookState.PENDING
    assert row.next_try_at is not None
    assert row.next_try_at > timezone.now()

    WebhookEvent.objects.update(next_try_at=timezone.now())
    assert webhooks.process_due() == 1

    row.refresh_from_db()
    assert (row.state, row.tries) == (WebhookState.DONE, 2)


@pytest.mark.django_db
def test_event_that_never_works_is_given_up_and_may_be_replayed(outcomes: list[Outcome | Exception]) -> None:
    outcomes += [OutcomeUnknown()] * 20 + [Outcome(WebhookState.DONE)]
    row = keep(VECTOR)
    for _ in range(20):
        WebhookEvent.objects.update(next_try_at=timezone.now())
        webhooks.process(row.pk)
    row.refresh_from_db()
    assert (row.state, row.next_try_at) == (WebhookState.FAILED, None)

    webhooks.replay(row.pk)
    webhooks.process(row.pk)

    row.refresh_from_db()
    assert row.state == WebhookState.DONE


@pytest.mark.django_db
def test_worker_that_died_leaves_the_event_to_the_sweep(
    outcomes: list[Outcome | Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = keep(VECTOR)
    known = webhook_events.handle
    monkeypatch.setattr(webhook_events, "handle", _die)
    with pytest.raises(KeyboardInterrupt):
        webhooks.process(row.pk)
    monkeypatch.setattr(webhook_events, "handle", known)
    assert webhooks.process_due() == 0
    outcomes.append(Outcome(WebhookState.DONE))
    later = timezone.now() - dt.timedelta(seconds=1)
    WebhookEvent.objects.update(next_try_at=later)  # its lease runs out

    assert webhooks.process_due() == 1

    row.refresh_from_db()
    assert row.state == WebhookState.DONE


def _die(*_: Any) -> Outcome:
    raise KeyboardInterrupt


# Events without a look at Paystack


@pytest.mark.parametrize(
    ("event", "state"),
    [
        ("subscription.expiring_cards", WebhookState.IGNORED),
        ("invoice.create", WebhookState.IGNORED),
        ("paymentrequest.success", WebhookState.IGNORED),
        ("customeridentification.failed", WebhookState.IGNORED),
        ("direct_debit.authorization.active", WebhookState.IGNORED),
        ("preauthorization.reserve.success", WebhookState.IGNORED),
        ("transfer.success", WebhookState.DONE),
        ("charge.invented", WebhookState.UNKNOWN),
        ("", WebhookState.UNKNOWN),
    ],
)
@pytest.mark.parametrize("data", [{}, [], None, "text", 7])
def test_known_and_unknown_events_are_told_apart(event: str, state: WebhookState, data: Any) -> None:
    assert webhook_events.handle(event, data).state == state


@pytest.mark.parametrize(
    "event",
    sorted(set(webhook_events.HANDLERS) - {"transfer.success", "transfer.failed", "transfer.reversed"}),
)
def test_event_of_the_other_mode_is_not_acted_on(event: str) -> None:
    outcome = webhook_events.handle(
        event, {"domain": "live", "id": 7, "reference": "nm-t-x", "transaction_reference": "nm-t-x"}
    )

    assert outcome.state == WebhookState.IGNORED


@pytest.mark.parametrize(
    ("event", "data", "key"),
    [
        ("charge.success", {"id": 5120043377}, "charge:5120043377"),
        ("charge.success", {"reference": "x"}, ""),
        ("charge.dispute.create", {"id": 7, "status": "pending"}, "dispute:7:charge.dispute.create:pending"),
        ("charge.dispute.create", {"id": 7, "updated_at": "then"}, "dispute:7:charge.dispute.create:then"),
        ("refund.processed", {"id": "9"}, ""),
        ("transfer.failed", {"id": 3}, "transfer:3:transfer.failed"),
        (
            "dedicatedaccount.assign.failed",
            {"customer": {"customer_code": "CUS_1"}, "dedicated_account": None},
            "dva:CUS_1:dedicatedaccount.assign.failed:",
        ),
        ("bank.transfer.rejected", {"bank_transfer": {"transaction_id": 5, "message_type": "X"}}, "btr:5:X"),
        (
            "invoice.update",
            {"invoice_code": "INV_1", "status": "success"},
            "inv:INV_1:invoice.update:success",
        ),
        ("subscription.expiring_cards", [{"brand": "visa"}], ""),
        ("charge.success", None, ""),
    ],
)
def test_facts_have_names(event: str, data: Any, key: str) -> None:
    assert webhook_events.semantic_key(event, data) == key
