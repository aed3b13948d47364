"""Every act of staff about money is in the audit trail: by whom, about whose money, why, before and after."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from accounts.audit_actions import AuditAction
from accounts.models import AuditEntry, User
from billing.admin.pages import StoryAdmin
from billing.enums import ReviewReason
from billing.models import Account, Deposit, ReconciledDay
from billing.services import reconciliation as comparing
from billing.services import reconciliation_sides as sides
from billing.services import staff_log
from billing.views.staff_reconciliation import EXPLAIN
from tests.billing.admin.test_payments import MAKERS, act, make_approval, make_webhook
from tests.factories.accounts import UserFactory
from tests.factories.instruments import make_card
from tests.factories.payments import make_credited_deposit, make_deposit, make_rate, make_suspended_deposit
from tests.factories.returns import make_dispute, make_due, make_refund, make_sent_refund
from tests.fake_paystack import FakePaystack

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Scene:
    """A row, what is posted, and what the state of the row is before and after."""

    make: Callable[[FakePaystack], Any]
    before: dict[str, Any]
    after: dict[str, Any]
    form: dict[str, str]


def scene(
    make: Callable[[FakePaystack], Any], before: dict[str, Any], after: dict[str, Any], **form: str
) -> Scene:
    return Scene(make, before, after, form or {"reason": "Seen the bank slip"})


def nobodys(far: FakePaystack) -> Deposit:
    deposit = make_suspended_deposit(far=far)
    Deposit.objects.filter(pk=deposit.pk).update(user=None)
    deposit.refresh_from_db()
    UserFactory.create(email="owner@example.com")
    make_rate()
    return deposit


def of_other_mode(far: FakePaystack) -> Deposit:
    deposit = make_suspended_deposit(far=far)
    Deposit.objects.filter(pk=deposit.pk).update(review_reason=ReviewReason.WRONG_MODE)
    deposit.refresh_from_db()
    return deposit


def lost(far: FakePaystack) -> Any:
    far.fail("refund")
    refund = make_sent_refund(make_credited_deposit(far=far))
    make_due(refund, sent_hours_ago=30)
    refund.refresh_from_db()
    return refund


def day(far: FakePaystack) -> ReconciledDay:
    """A day that is over, with one difference."""
    noon = sides.start_of(sides.today() - dt.timedelta(days=2)) + dt.timedelta(hours=12)
    deposit = make_credited_deposit(far=far, paid={"paid_at": noon})
    del far.transactions_by_reference[deposit.reference]
    return comparing.run_day(noon.date())[0]


SCENES: dict[tuple[str, str], Scene] = {
    ("deposit", "settle"): scene(lambda far: make_deposit(), {}, {}, none=""),
    ("deposit", "attach"): scene(
        nobodys, {"user_id": None}, {}, reason="Seen the bank slip", email="owner@example.com"
    ),
    ("deposit", "credit"): scene(
        lambda far: make_suspended_deposit(far=far), {"status": "needs_review"}, {"status": "succeeded"}
    ),
    ("deposit", "send-back"): scene(lambda far: make_suspended_deposit(far=far), {}, {}),
    ("deposit", "write-off"): scene(of_other_mode, {"status": "needs_review"}, {"status": "failed"}),
    ("webhookevent", "replay"): scene(
        lambda far: make_webhook(), {"state": "done"}, {"state": "pending"}, none=""
    ),
    ("refund", "approve"): scene(
        lambda far: make_refund(make_credited_deposit(far=far)), {"status": "requested"}, {"status": "held"}
    ),
    ("refund", "refuse"): scene(
        lambda far: make_refund(make_credited_deposit(far=far)),
        {"status": "requested"},
        {"status": "refused"},
    ),
    ("refund", "never-sent"): scene(lost, {"status": "sent"}, {"status": "failed"}),
    ("dispute", "accept"): scene(MAKERS["dispute"], {"outcome": "open"}, {"outcome": "open"}),
    ("dispute", "contest"): scene(
        MAKERS["dispute"], {"outcome": "open"}, {"outcome": "open"}, message="Seen the bank slip"
    ),
    ("savedcard", "remove"): scene(lambda far: make_card(), {"removed_at": None}, {}),
    ("approval", "approve"): scene(
        lambda far: make_approval(amount=Decimal(500)), {"is_approved": None}, {"is_approved": True}, none=""
    ),
    ("approval", "refuse"): scene(
        lambda far: make_approval(), {"is_approved": None}, {"is_approved": False}, none=""
    ),
    ("reconciledday", "run"): scene(day, {}, {}, none=""),
    ("reconciledday", "close"): scene(day, {"closed_at": None}, {"open_differences": 1}),
}


def entries(staff: User) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(action=AuditAction.MONEY_ACT, actor_id=staff.pk).order_by("pk"))


def within(part: dict[str, Any], whole: Any) -> bool:
    return part.items() <= (whole or {}).items()


@pytest.mark.parametrize(("model", "slug"), list(SCENES))
def test_an_act_is_one_entry(console: Client, staff: User, far: FakePaystack, model: str, slug: str) -> None:
    told = SCENES[model, slug]
    row = told.make(far)

    console.post(act(row, slug), told.form)

    (entry,) = entries(staff)
    customer = getattr(row, "user_id", None)
    assert entry.target == f"billing.{model}:{row.pk}"
    assert entry.actor_role == "administrator"
    assert customer is None or entry.subject_id == customer
    assert entry.reason == next(iter(told.form.values()))
    assert within(told.before, entry.before)
    assert within(told.after, entry.after)
    assert (entry.after or {})["act"]


def test_every_act_has_a_scene() -> None:
    pages = [page for page in admin.site._registry.values() if isinstance(page, StoryAdmin)]

    assert {(page.model._meta.model_name, each.slug) for page in pages for each in page.acts} == set(SCENES)


def test_attaching_money_names_its_new_owner(console: Client, staff: User, far: FakePaystack) -> None:
    deposit = nobodys(far)

    console.post(act(deposit, "attach"), {"reason": "Slip", "email": "owner@example.com"})

    (entry,) = entries(staff)
    owner = User.objects.get(email="owner@example.com")
    assert (entry.subject_id, within({"user_id": owner.pk}, entry.after)) == (owner.pk, True)
    assert "owner@example.com" not in str(entry.after)


def test_an_adjustment_has_the_wallet_before_and_after(
    console: Client, staff: User, account: Account
) -> None:
    address = reverse("admin:billing_account_adjust", args=[account.pk])
    key = console.get(address).context["form"]["key"].value()

    console.post(address, {"amount": "5", "reason": "Outage", "key": str(key), "confirm": "1"})

    (entry,) = entries(staff)
    assert (entry.subject_id, entry.target, entry.reason) == (
        account.user_id,
        f"billing.account:{account.pk}",
        "Outage",
    )
    assert (entry.before or {})["credits_posted"] == "10.0000"
    assert (entry.after or {})["credits_posted"] == "15.0000"


def test_asking_a_second_person_is_an_entry_about_the_customer(
    console: Client, staff: User, account: Account
) -> None:
    address = reverse("admin:billing_account_adjust", args=[account.pk])
    key = console.get(address).context["form"]["key"].value()

    console.post(address, {"amount": "500", "reason": "Outage", "key": str(key), "confirm": "1"})

    kinds = {entry.target.partition(":")[0]: entry.subject_id for entry in entries(staff)}
    assert kinds == {"billing.approval": account.user_id, "billing.account": account.user_id}


def test_explaining_a_difference_is_an_entry(console: Client, staff: User, far: FakePaystack) -> None:
    row = day(far)
    difference = row.differences.get()

    console.post(
        reverse("admin:billing_difference_explain", args=[difference.pk]), {"explanation": "Letter 12"}
    )

    (entry,) = entries(staff)
    assert (EXPLAIN.slug, entry.reason, entry.target) == (
        "explain",
        "Letter 12",
        f"billing.reconciledday:{row.pk}",
    )
    assert (within({"open_differences": 1}, entry.before), within({"open_differences": 0}, entry.after)) == (
        True,
        True,
    )


def test_entering_a_rate_is_an_entry(console: Client, staff: User) -> None:
    console.post(reverse("admin:billing_exchangerate_add"), {"rate": "1500", "reason": "Source is away"})

    (entry,) = entries(staff)
    assert (entry.target.partition(":")[0], entry.reason) == ("billing.exchangerate", "Source is away")
    assert "1500" in (entry.after or {})["act"]


def test_an_act_that_fails_leaves_no_entry(console: Client, staff: User, far: FakePaystack) -> None:
    deposit = make_suspended_deposit(far=far)
    Deposit.objects.filter(pk=deposit.pk).update(paid_currency="GHS")

    console.post(act(deposit, "credit"), {"reason": "why"})

    assert entries(staff) == []


def test_a_download_of_evidence_is_an_entry(console: Client, staff: User, far: FakePaystack) -> None:
    dispute = make_dispute(make_credited_deposit(far=far), far)

    console.get(reverse("admin:billing_dispute_evidence", args=[dispute.pk]))

    entry = AuditEntry.objects.get(actor_id=staff.pk, action=AuditAction.VIEWED)
    assert (entry.subject_id, entry.target) == (dispute.user_id, f"billing.dispute:{dispute.pk}")


def test_the_state_of_a_row_is_json_ready(far: FakePaystack) -> None:
    dispute = make_dispute(make_credited_deposit(far=far), far)

    assert staff_log.state_of(dispute) == {
        "status": dispute.status,
        "outcome": "open",
        "answered_at": None,
    }
