"""The client against the stand-in over HTTP: the same ground truth on both sides, and every fault in its error family."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from pytest_django import Settings

from billing.paystack import wire
from billing.paystack.client import Paystack, paystack
from billing.paystack.errors import (
    AlreadyRefunded,
    BadKey,
    CardUnusable,
    DuplicateReference,
    NotFound,
    OutcomeUnknown,
    PaystackError,
    RefundNotWaiting,
    Refused,
    Throttled,
)
from billing.paystack.throttle import throttle_of
from billing.services import books, disputes
from namaskah.lib import http
from sandbox.paystack.faults import FAULTS
from sandbox.testing import running_sandbox
from tests.factories.accounts import StaffFactory
from tests.factories.payments import make_credited_deposit

EMAIL = "ada@example.com"
NOW = dt.datetime.now(dt.UTC)
DAY: dict[str, Any] = {"since": NOW - dt.timedelta(days=1), "until": NOW + dt.timedelta(days=1)}


@dataclass
class Scene:
    """One product and the stand-in it talks to."""

    sut: Paystack
    url: str

    def control(self, path: str, **payload: Any) -> Any:
        """Use the stand-in's control API."""
        reply = http.send(
            "POST", f"{self.url}/_sandbox/{path}", json=payload, connect_timeout_s=2, read_timeout_s=10
        )
        assert reply.status == 200, reply.text
        return reply.json()

    def configure(self, **changes: Any) -> None:
        self.control("config", vendor="paystack", **changes)

    def pass_time(self, seconds: float) -> None:
        self.control("clock", advance_s=seconds)

    def open(self, amount: int = 500_000) -> str:
        """A transaction that waits for its customer."""
        reference = f"nm-t-{uuid.uuid4().hex[:26]}"
        self.sut.initialize(
            email=EMAIL, amount=amount, currency="NGN", reference=reference,
            callback_url="http://127.0.0.1:1/return/", cancel_url="http://127.0.0.1:1/cancelled/", channels=["card"],
            metadata={"deposit": "01k0"},
        )  # fmt: skip
        return reference

    def pay(self, reference: str, outcome: str = "success", **more: Any) -> None:
        self.control(f"payments/{reference}", outcome=outcome, **more)

    def paid(self, amount: int = 500_000, **more: Any) -> str:
        reference = self.open(amount)
        self.pay(reference, **more)
        return reference

    def charge(self, reference: str, code: str) -> Any:
        return self.sut.charge_authorization(
            email=EMAIL, amount=300_000, currency="NGN", authorization_code=code, reference=reference
        )


@pytest.fixture(scope="module")
def sandbox_url() -> Iterator[str]:
    with running_sandbox() as url:
        yield url
    http.close()


@pytest.fixture
def scene(sandbox_url: str, paystack_settings: None, settings: Settings) -> Iterator[Scene]:
    settings.PAYSTACK_BASE_URL = f"{sandbox_url}/paystack"
    settings.PAYSTACK_CHECKOUT_ORIGINS = [sandbox_url]
    settings.PAYSTACK_READ_TIMEOUT_S = settings.PAYSTACK_CHARGE_READ_TIMEOUT_S = 5.0
    made = Scene(paystack(), sandbox_url)
    yield made
    made.control("reset", vendor="paystack")


def test_a_payment_from_its_opening_to_its_success(scene: Scene) -> None:
    reference = scene.open()
    before = scene.sut.verify(reference)
    scene.pay(reference)
    paid = scene.sut.verify(reference)

    assert (before.status, before.paid_at) == ("abandoned", None)
    assert (paid.status, paid.domain, paid.currency, paid.amount, paid.paid_for) == (
        "success", "test", "NGN", 500_000, 500_000,
    )  # fmt: skip
    assert paid.id > 2**32
    assert paid.fees == 17_500
    assert paid.customer_email == EMAIL
    assert paid.metadata["deposit"] == "01k0"
    assert paid.authorization.is_reusable
    assert scene.sut.transaction(paid.id) == paid


def test_fees_on_the_customer_leave_what_was_paid_for(scene: Scene) -> None:
    paid = scene.sut.verify(scene.paid(fees_on_customer=True))

    assert paid.fees is not None
    assert paid.paid_for == 500_000
    assert paid.amount == 500_000 + paid.fees


@pytest.mark.parametrize("shape", ["as_sent", "empty_string", "null", "zero", "json_string"])
def test_odd_shapes_are_read_all_the_same(scene: Scene, shape: str) -> None:
    scene.configure(metadata_shape=shape, odd_shapes=True)

    paid = scene.sut.verify(scene.paid())

    assert (paid.status, paid.amount) == ("success", 500_000)


@pytest.mark.parametrize("outcome", ["failed", "abandoned", "pending", "reversed"])
def test_other_ends_are_told_as_they_are(scene: Scene, outcome: str) -> None:
    reference = scene.paid() if outcome == "reversed" else scene.open()
    scene.pay(reference, outcome)

    found = scene.sut.verify(reference).status

    assert found in {"pending", "ongoing"} if outcome == "pending" else found == outcome


def test_a_reference_is_taken_once_and_an_unknown_one_is_not_found(scene: Scene) -> None:
    reference = scene.open()

    with pytest.raises(DuplicateReference):
        scene.sut.initialize(
            email=EMAIL, amount=500_000, currency="NGN", reference=reference, callback_url="http://127.0.0.1:1/",
            cancel_url="http://127.0.0.1:1/", channels=["card"], metadata={},
        )  # fmt: skip
    with pytest.raises(NotFound):
        scene.sut.verify("nm-t-nobody-ever-opened-this")


def test_lists_bring_every_payment_once_over_several_pages(scene: Scene) -> None:
    references = [f"nm-t-{uuid.uuid4().hex[:26]}" for _ in range(230)]
    scene.control("paystack/bulk", references=references, paid=True)

    found = [row.reference for row in scene.sut.transactions(**DAY)]

    assert sorted(found) == sorted(references)
    assert list(scene.sut.transactions(**DAY, status="failed")) == []


def test_a_row_that_comes_in_while_a_list_is_read_does_not_disturb(scene: Scene) -> None:
    references = [f"nm-t-{uuid.uuid4().hex[:26]}" for _ in range(150)]
    scene.control("paystack/bulk", references=references, paid=True)

    rows = scene.sut.transactions(**DAY)
    found = [next(rows).reference]
    scene.paid()
    found += [row.reference for row in rows]

    assert len(found) == len(set(found))
    assert set(references) <= set(found)


def test_a_refund_is_made_once_found_by_its_note_and_ends(scene: Scene) -> None:
    reference = scene.paid()
    made = scene.sut.refund(transaction=reference, amount=200_000, currency="NGN", merchant_note="nmr-1")
    found = [row for row in scene.sut.refunds(**DAY) if row.merchant_note == "nmr-1"]
    scene.pass_time(60)

    assert [row.id for row in found] == [made.id]
    assert (made.amount, made.currency, made.transaction_id) == (
        200_000,
        "NGN",
        scene.sut.verify(reference).id,
    )
    assert scene.sut.fetch_refund(made.id).status == "processed"


def test_a_refund_that_waits_for_bank_details_ends_with_them(scene: Scene) -> None:
    scene.configure(refund_outcome="needs-attention")
    reference = scene.paid()
    made = scene.sut.refund(transaction=reference, amount=200_000, currency="NGN", merchant_note="nmr-1")
    details = {"currency": "NGN", "account_number": "0123456789"}
    bank = next(bank for bank in scene.sut.banks(country="nigeria") if bank.name == "Zenith Bank")
    with pytest.raises(RefundNotWaiting):
        scene.sut.retry_refund(made.id, **details, bank_id=bank.id)
    scene.pass_time(60)
    before = scene.sut.fetch_refund(made.id).status

    retried = scene.sut.retry_refund(made.id, **details, bank_id=bank.id)
    scene.pass_time(60)

    assert (before, retried.id, retried.status) == ("needs-attention", made.id, "processing")
    assert scene.sut.fetch_refund(made.id).status == "processed"


def test_banks_of_another_country_are_others(scene: Scene) -> None:
    names = [bank.name for bank in scene.sut.banks(country="nigeria")]

    assert len(names) == 12
    assert names == sorted(names)
    assert scene.sut.banks(country="ghana") == []


def test_nothing_is_left_of_a_payment_that_was_refunded(scene: Scene) -> None:
    reference = scene.paid()
    scene.sut.refund(transaction=reference, amount=500_000, currency="NGN", merchant_note="nmr-1")
    scene.pass_time(60)

    with pytest.raises(AlreadyRefunded):
        scene.sut.refund(transaction=reference, amount=500_000, currency="NGN", merchant_note="nmr-2")


def test_a_dispute_is_answered_with_evidence(scene: Scene) -> None:
    reference = scene.paid()
    opened = scene.control("paystack/disputes", reference=reference)["id"]

    seen = scene.sut.dispute(opened)
    evidence = scene.sut.add_evidence(
        opened, customer_email=EMAIL, customer_name="Ada", customer_phone="+2348030000000", service_details="Two codes"
    )  # fmt: skip
    name = scene.sut.upload_evidence(opened, content=b"%PDF-1.4", content_type="application/pdf")
    answered = scene.sut.resolve_dispute(
        opened, resolution="declined", message="Delivered", refund_amount=500_000, uploaded_filename=name, evidence=evidence
    )  # fmt: skip

    assert (seen.transaction_reference, seen.transaction_amount) == (reference, 500_000)
    assert seen.due_at is not None
    assert evidence is not None
    assert (answered.id, answered.resolution) == (opened, "declined")
    assert [row.id for row in scene.sut.disputes(**DAY)] == [opened]


def test_a_dispute_is_accepted_with_a_file(scene: Scene) -> None:
    opened = scene.control("paystack/disputes", reference=scene.paid())["id"]
    answer: dict[str, Any] = {
        "resolution": "merchant-accepted",
        "message": "Ours",
        "refund_amount": 200_000,
    }
    with pytest.raises(Refused, match="not allowed to be empty"):
        scene.sut.resolve_dispute(opened, **answer, uploaded_filename="")

    name = scene.sut.upload_evidence(opened, content=b"%PDF-1.4", content_type="application/pdf")
    accepted = scene.sut.resolve_dispute(opened, **answer, uploaded_filename=name)

    assert (accepted.id, accepted.resolution) == (opened, "merchant-accepted")
    assert scene.sut.dispute(opened).refund_amount == 200_000


@pytest.mark.django_db
@pytest.mark.parametrize("answer", ["accept", "contest"])
def test_staff_answers_a_dispute(scene: Scene, answer: str) -> None:
    deposit = make_credited_deposit(paid={"id": scene.sut.verify(reference := scene.paid()).id})
    dispute = disputes.look(scene.control("paystack/disputes", reference=reference)["id"])
    staff = StaffFactory.create()
    assert dispute.deposit == deposit

    if answer == "accept":
        answered = disputes.accept(dispute_id=dispute.pk, actor=staff, reason="our mistake")
    else:
        answered = disputes.contest(dispute_id=dispute.pk, actor=staff, message="all delivered")

    expected = {"accept": ("lost", "merchant-accepted"), "contest": ("won", "declined")}
    assert (answered.outcome, answered.resolution) == expected[answer]
    assert (answered.answered_by, scene.sut.dispute(dispute.paystack_id).status) == (staff, "resolved")
    assert books.verify().differences == []


def test_a_saved_card_is_charged_until_it_is_forgotten(scene: Scene) -> None:
    code = scene.sut.verify(scene.paid()).authorization.code
    reference = f"nm-a-{uuid.uuid4().hex[:26]}"
    charged = scene.charge(reference, code).transaction
    scene.sut.deactivate_authorization(code)
    scene.sut.deactivate_authorization(code)

    assert (charged.status, charged.reference, charged.amount) == ("success", reference, 300_000)
    assert scene.sut.verify(reference).status == "success"
    with pytest.raises(CardUnusable):
        scene.charge(f"nm-a-{uuid.uuid4().hex[:26]}", code)


def test_a_declined_and_a_paused_charge(scene: Scene) -> None:
    code = scene.sut.verify(scene.paid()).authorization.code
    scene.configure(charge_outcome="declined")
    declined = scene.charge(f"nm-a-{uuid.uuid4().hex[:26]}", code)
    scene.configure(charge_outcome="paused")
    paused = scene.charge(f"nm-a-{uuid.uuid4().hex[:26]}", code)

    assert declined.transaction.status == "failed"
    assert paused.transaction is None
    assert paused.authorization_url.startswith(f"{scene.url}/")


def test_an_account_number_is_assigned_found_requeried_and_taken_back(scene: Scene) -> None:
    scene.sut.assign_dedicated_account(
        email=EMAIL, first_name="Ada", last_name="Obi", phone="+2348030000000", preferred_bank="test-bank", country="NG"
    )  # fmt: skip
    scene.pass_time(60)
    [account] = scene.sut.dedicated_accounts(customer_email=EMAIL)
    reference = scene.control("paystack/transfers", account_number=account.account_number, amount=250_000)[
        "reference"
    ]
    received = scene.sut.verify(reference)
    scene.sut.requery_dedicated_account(
        account_number=account.account_number, provider_slug=account.bank_slug, day=NOW.date()
    )
    scene.sut.deactivate_dedicated_account(account.id)

    assert account.is_active
    assert account.customer_code == received.customer_code
    assert received.channel == "dedicated_nuban"
    assert received.authorization.receiver_account_number == account.account_number
    assert not scene.sut.fetch_dedicated_account(account.id).is_active
    assert list(scene.sut.dedicated_accounts(customer_email="nobody@example.com")) == []


def test_settlements_totals_and_the_balance_add_up(scene: Scene) -> None:
    paid = [scene.sut.verify(scene.paid(amount)) for amount in (500_000, 300_000)]
    totals = scene.sut.totals(**DAY)
    scene.control("paystack/settle")

    [settled] = scene.sut.settlements(**DAY)

    fees = sum(row.fees or 0 for row in paid)
    assert (totals.transactions, totals.volume_by_currency) == (2, {"NGN": 800_000})
    assert (settled.total_processed, settled.total_fees, settled.total_amount) == (
        800_000,
        fees,
        800_000 - fees,
    )
    assert {row.id for row in scene.sut.settlement_transactions(settled.id)} == {row.id for row in paid}
    assert all(line.currency == "NGN" for line in scene.sut.balance_ledger(**DAY))


# Faults.

EXPECTED: dict[str, type[PaystackError]] = {
    "timeout_before": OutcomeUnknown,
    "timeout_after": OutcomeUnknown,
    "connection_reset": OutcomeUnknown,
    "http_500": OutcomeUnknown,
    "http_502_after": OutcomeUnknown,
    "html_200": OutcomeUnknown,
    "truncated_json": OutcomeUnknown,
    "empty_body": OutcomeUnknown,
    "huge_body": OutcomeUnknown,
    "redirect": OutcomeUnknown,
    "rate_limited": Throttled,
    "please_wait": Throttled,
    "bad_key": BadKey,
    "deactivated": BadKey,
}
AFTER_EFFECT = {"timeout_after", "http_502_after", "truncated_json", "empty_body"}


def test_every_fault_of_the_stand_in_is_expected() -> None:
    assert set(FAULTS) - {"slow"} == set(EXPECTED)


@pytest.fixture
def hasty(scene: Scene, settings: Settings) -> None:
    """Nobody waits long."""
    settings.PAYSTACK_READ_TIMEOUT_S = settings.PAYSTACK_CHARGE_READ_TIMEOUT_S = 0.4


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("fault", EXPECTED)
def test_a_fault_while_a_payment_is_opened(scene: Scene, fault: str) -> None:
    reference = f"nm-t-{uuid.uuid4().hex[:26]}"
    scene.configure(faults=[fault], fault_rate=1, fault_actions=["initialize"], hang_s=2)

    with pytest.raises(EXPECTED[fault]) as caught:
        scene.sut.initialize(
            email=EMAIL, amount=500_000, currency="NGN", reference=reference, callback_url="http://127.0.0.1:1/",
            cancel_url="http://127.0.0.1:1/", channels=["card"], metadata={},
        )  # fmt: skip

    assert type(caught.value) is EXPECTED[fault]
    assert caught.value.is_unknown is (EXPECTED[fault] is OutcomeUnknown)
    assert _exists(scene, reference) is (fault in AFTER_EFFECT)


def _exists(scene: Scene, reference: str) -> bool:
    """Whether the stand-in has it, asked with another key: the first one's limits are part of what is tested."""
    base_url, key = scene.sut.wire.base_url, f"sk_test_{uuid.uuid4().hex}"
    fresh = Paystack(wire.Wire(base_url, key, throttle_of(base_url, key)))
    try:
        fresh.verify(reference)
    except NotFound:
        return False
    return True


CALLS: dict[str, tuple[str, Callable[[Scene], Any]]] = {
    "verify": ("verify", lambda scene: scene.sut.verify("nm-t-any")),
    "list": ("list", lambda scene: list(scene.sut.transactions(**DAY))),
    "charge": ("charge", lambda scene: scene.charge("nm-a-any", "AUTH_any")),
    "refund": (
        "refund",
        lambda scene: scene.sut.refund(transaction="nm-t-any", amount=1, currency="NGN", merchant_note="n"),
    ),
    "retry": (
        "refund",
        lambda scene: scene.sut.retry_refund(1, currency="NGN", account_number="0123456789", bank_id=9),
    ),
    "banks": ("list", lambda scene: scene.sut.banks(country="nigeria")),
    "read": ("read", lambda scene: scene.sut.fetch_refund(1)),
    "change": ("change", lambda scene: scene.sut.deactivate_dedicated_account(1)),
}


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("fault", sorted(set(EXPECTED) - AFTER_EFFECT))
@pytest.mark.parametrize(("kind", "call"), CALLS.values(), ids=list(CALLS))
def test_a_fault_of_any_call_is_in_its_family(
    scene: Scene, fault: str, kind: str, call: Callable[[Scene], Any]
) -> None:
    scene.configure(faults=[fault], fault_rate=1, fault_actions=[kind], hang_s=2)

    with pytest.raises(EXPECTED[fault]) as caught:
        call(scene)

    assert type(caught.value) is EXPECTED[fault]


@pytest.mark.parametrize("fault", sorted(AFTER_EFFECT - {"timeout_after"}))
def test_a_refund_whose_answer_is_lost_is_found_in_the_list(scene: Scene, fault: str) -> None:
    reference = scene.paid()
    scene.configure(faults=[fault], fault_rate=1, fault_actions=["refund"])

    with pytest.raises(OutcomeUnknown):
        scene.sut.refund(transaction=reference, amount=100_000, currency="NGN", merchant_note="nmr-lost")

    assert [row.amount for row in scene.sut.refunds(**DAY) if row.merchant_note == "nmr-lost"] == [100_000]


def test_a_slow_answer_is_an_answer(scene: Scene) -> None:
    reference = scene.paid()
    scene.configure(faults=["slow"], fault_rate=1, fault_actions=["verify"])

    assert scene.sut.verify(reference).status == "success"
