"""What the merchant is told, how often, and what goes wrong with it."""

from __future__ import annotations

import asyncio
import json

import pytest

from sandbox.paystack.outbox import LIVE_RETRIES, TEST_RETRIES, sign
from tests.sandbox.paystack.client import KEY, Merchant


def test_signature_of_the_known_vector() -> None:
    body = (
        '{"event": "charge.success","data":{"reference":"wal_01J9Z","amount":500000,"currency":"NGN",'
        '"customer":{"first_name":"Ọlá","email":"a@example.com"}}}'
    ).encode()

    assert len(body) == 152
    assert sign("sk_test_0123456789abcdef0123456789abcdef01234567", body) == (
        "fa614cf178f04074d32fe017f6238603751474c0185b2176d65d1608eb07c7cc"
        "726bb1d780e83746b81724787e3f660ebcda0e91cd2fa67d14926d5ffb18381d"
    )


def test_success_is_told_once_and_signed_with_the_key_last_used(merchant: Merchant) -> None:
    reference = merchant.pay()
    merchant.flush()

    ((body, signature),) = merchant.receiver.taken
    told = json.loads(body)
    assert (told["event"], told["data"]["reference"], told["data"]["status"]) == (
        "charge.success",
        reference,
        "success",
    )
    assert signature == sign(KEY, body)


def test_refused_key_does_not_sign(merchant: Merchant) -> None:
    reference = merchant.open()
    merchant.call("GET", "transaction/verify/nobody", key="sk_test_other")
    merchant.pay(reference)
    merchant.flush()

    body, signature = merchant.receiver.taken[0]
    assert signature == sign(KEY, body)


def test_fixed_key_signs_whatever_was_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDBOX_PAYSTACK_KEY", "sk_test_fixed")
    merchant = Merchant()
    with merchant.http:
        merchant.configure(webhook_url="http://shop.example/")
        merchant.pay()
        merchant.flush()

    body, signature = merchant.receiver.taken[0]
    assert signature == sign("sk_test_fixed", body)


def test_declines_and_goings_away_are_not_told(merchant: Merchant) -> None:
    for outcome in ("failed", "abandoned", "pending"):
        merchant.pay(outcome=outcome)
    merchant.flush()

    assert merchant.receiver.taken == []


def test_schedules_are_those_of_the_documentation() -> None:
    assert LIVE_RETRIES[:6] == (180, 360, 540, 720, 4320, 7920)
    assert 71 * 3600 < LIVE_RETRIES[-1] <= 72 * 3600
    assert tuple(3600 * hour for hour in range(1, 11)) == TEST_RETRIES


def test_failing_receiver_is_tried_on_the_live_schedule_with_equal_bytes(merchant: Merchant) -> None:
    merchant.configure(webhook_schedule="live")
    merchant.receiver.answer = 500
    merchant.pay()
    merchant.flush()
    tried = [len(merchant.receiver.taken)]
    for seconds in (179, 2, 180, 180, 180, 3000, 700):
        merchant.advance(seconds)
        merchant.flush()
        tried.append(len(merchant.receiver.taken))

    assert tried == [1, 1, 2, 3, 4, 5, 5, 6]
    assert len(set(merchant.receiver.taken)) == 1
    merchant.advance(72 * 3600)
    merchant.flush()
    assert len(merchant.receiver.taken) == len(LIVE_RETRIES) + 1
    assert merchant.rows("webhooks")[0]["status"] == "given_up"


def test_test_mode_tries_hourly(merchant: Merchant) -> None:
    merchant.receiver.answers = [None, 302, 201]
    merchant.pay()
    for _ in range(4):
        merchant.advance(3600)
        merchant.flush()

    (told,) = merchant.rows("webhooks")
    assert (told["status"], told["answers"]) == ("delivered", [None, 302, 201, 200])


def test_nothing_is_sent_while_no_address_is_set(merchant: Merchant) -> None:
    merchant.configure(webhook_url="")
    merchant.pay()
    merchant.flush()
    assert merchant.receiver.taken == []

    merchant.configure(webhook_url="http://shop.example/")
    merchant.flush()
    assert merchant.receiver.events == ["charge.success"]


def test_lost_webhooks_never_come(merchant: Merchant) -> None:
    merchant.configure(webhook_loss=1)
    merchant.pay()
    merchant.advance(72 * 3600)
    merchant.flush()

    assert merchant.receiver.taken == []
    assert merchant.state()["counters"]["webhooks"] == {"lost": 1}


@pytest.mark.parametrize(("how", "equal"), [("same_bytes", True), ("other_order", False)])
def test_duplicates_tell_the_same_fact(merchant: Merchant, how: str, equal: bool) -> None:
    merchant.configure(webhook_duplicate=1, webhook_duplicate_as=how)
    merchant.pay()
    merchant.flush()

    (first, _), (second, signature) = merchant.receiver.taken
    assert (first == second) is equal
    assert json.loads(first) == json.loads(second)
    assert signature == sign(KEY, second)


def test_reordered_webhooks_overtake_each_other(merchant: Merchant) -> None:
    merchant.configure(webhook_reorder=1)
    references = [merchant.pay() for _ in range(20)]
    for _ in range(11):
        merchant.advance(1)
        merchant.flush()

    told = [json.loads(body)["data"]["reference"] for body, _ in merchant.receiver.taken]
    assert sorted(told) == sorted(references)
    assert told != references


def test_forged_signature_is_put_right_by_the_retry(merchant: Merchant) -> None:
    merchant.configure(webhook_bad_signature=1)
    merchant.receiver.answers = [401]
    merchant.pay()
    merchant.flush()
    merchant.advance(3600)
    merchant.flush()

    (first, forged), (second, right) = merchant.receiver.taken
    assert first == second
    assert (forged != sign(KEY, first), right == sign(KEY, first)) == (True, True)


def test_wrong_mode_is_told_and_verify_says_otherwise(merchant: Merchant) -> None:
    merchant.configure(webhook_wrong_mode=1)
    reference = merchant.pay()
    merchant.flush()

    assert merchant.receiver.last["data"]["domain"] == "live"
    assert merchant.verify(reference)["domain"] == "test"


def test_delayed_webhook_comes_later(merchant: Merchant) -> None:
    merchant.configure(webhook_delay_s=60)
    merchant.pay()
    merchant.flush()
    assert merchant.receiver.taken == []

    merchant.advance(60)
    merchant.flush()
    assert merchant.receiver.events == ["charge.success"]


def test_any_event_is_sent_byte_for_byte(merchant: Merchant) -> None:
    body = b'{"event": "subscription.expiring_cards",  "data": [{"expiry_date": "12/2026"}]}'
    merchant.http.post("/_sandbox/paystack/events", content=body)
    merchant.http.post("/_sandbox/paystack/events?signature=bad", content=body)
    merchant.flush()

    assert [taken for taken, _ in merchant.receiver.taken] == [body, body]
    signatures = [signature for _, signature in merchant.receiver.taken]
    assert len(set(signatures)) == 2
    assert merchant.http.post("/_sandbox/paystack/events").status_code == 400


def test_transfer_is_told_when_it_arrives_without_anybody_calling(merchant: Merchant) -> None:
    merchant.configure(bank_transfer_s=0.2)
    merchant.press(merchant.open(), "bank-transfer")
    merchant.control("paystack/flush")
    assert merchant.receiver.taken == []

    merchant.http.portal.call(asyncio.sleep, 0.4)  # type: ignore[union-attr]

    assert merchant.receiver.events == ["charge.success"]
