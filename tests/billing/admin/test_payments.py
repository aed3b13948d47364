"""The console's pages about payments: what they show, what staff may do there, and what it leaves behind."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts import roles
from accounts.models import OutgoingEmail, User
from billing.admin.webhooks import redacted
from billing.enums import ApprovalKind, DepositStatus, RefundStatus, ReviewReason
from billing.models import (
    Approval,
    Deposit,
    ExchangeRate,
    ReconciledDay,
    Settlement,
    Transfer,
    WebhookEvent,
)
from billing.paystack.errors import OutcomeUnknown
from billing.selectors import console as console_selector
from billing.selectors import wallet
from billing.services import reconciliation, refunds
from billing.services import reconciliation_sides as sides
from billing.views.staff_acts import ActRefused
from billing.views.staff_payments import REFUND_ACTS
from tests.factories.accounts import ClerkFactory, StaffFactory, UserFactory
from tests.factories.billing import make_customer
from tests.factories.instruments import make_card
from tests.factories.payments import make_credited_deposit, make_deposit, make_rate, make_suspended_deposit
from tests.factories.returns import make_dispute, make_due, make_refund, make_sent_refund
from tests.factories.signing_in import sign_in
from tests.fake_paystack import FakePaystack

pytestmark = pytest.mark.django_db
_numbers = itertools.count(1)


def change(row: Any) -> str:
    return reverse(f"admin:billing_{row._meta.model_name}_change", args=[row.pk])


def act(row: Any, slug: str) -> str:
    return reverse(f"admin:billing_{row._meta.model_name}_act", args=[row.pk, slug])


def changelist(model: str) -> str:
    return reverse(f"admin:billing_{model}_changelist")


def text(response: Any) -> str:
    return str(response.content.decode())


def reasons(row: Any) -> list[str]:
    """What the console's history says of a row."""
    return [
        entry.get_change_message() for entry in LogEntry.objects.filter(object_id=str(row.pk)).order_by("pk")
    ]


def make_webhook(state: str = "done", body: dict[str, Any] | None = None) -> WebhookEvent:
    raw = json.dumps(body or {"event": "charge.success", "n": next(_numbers)}).encode()
    return WebhookEvent.objects.create(
        body_sha256=hashlib.sha256(raw).hexdigest(), event="charge.success", body=raw, state=state
    )


def make_approval(**fields: Any) -> Approval:
    values: dict[str, Any] = {
        "kind": ApprovalKind.ADJUSTMENT, "subject": f"user:{make_customer().pk}", "amount": Decimal(500),
        "reason": "Outage", "asked_by": StaffFactory.create(),
    } | fields  # fmt: skip
    return Approval.objects.create(**values)


# --- every list and page ----------------------------------------------------------------------------------------------


def _dispute(far: FakePaystack) -> Any:
    return make_dispute(make_credited_deposit(far=far), far)


def _day(far: FakePaystack) -> ReconciledDay:
    return ReconciledDay.objects.create(
        day=dt.date(2026, 1, next(_numbers) % 27 + 1), currency=f"N{next(_numbers):02d}"[:3],
        figures={"ours": {"paid": 100, "payments": 1}, "theirs": {"paid": 90, "payments": 1}},
    )  # fmt: skip


MAKERS: dict[str, Callable[[FakePaystack], Any]] = {
    "deposit": lambda far: make_suspended_deposit(far=far),
    "webhookevent": lambda far: make_webhook(),
    "refund": lambda far: make_refund(make_credited_deposit(far=far)),
    "dispute": _dispute,
    "savedcard": lambda far: make_card(make_customer()),
    "exchangerate": lambda far: make_rate(),
    "approval": lambda far: make_approval(),
    "reconciledday": _day,
    "settlement": lambda far: Settlement.objects.create(
        paystack_id=next(_numbers), status="success", currency="NGN", total_subunits=1
    ),
}


@pytest.mark.parametrize("model", MAKERS)
def test_list_costs_the_same_with_one_row_and_three(
    console: Client,
    far: FakePaystack,
    django_assert_num_queries: DjangoAssertNumQueries,
    django_assert_max_num_queries: DjangoAssertNumQueries,
    model: str,
) -> None:
    MAKERS[model](far)
    console.get(changelist(model))
    with django_assert_max_num_queries(10) as counted:
        assert console.get(changelist(model)).status_code == 200
    with_one = len(counted)
    MAKERS[model](far)
    MAKERS[model](far)

    with django_assert_num_queries(with_one):
        response: Any = console.get(changelist(model))

    assert len(response.context["cl"].result_list) >= 3


@pytest.mark.parametrize("model", [*MAKERS, "autotopup", "dedicatedaccount"])
def test_rows_are_read_only(console: Client, far: FakePaystack, model: str) -> None:
    assert console.get(changelist(model)).status_code == 200
    if model not in MAKERS:
        return
    row = MAKERS[model](far)
    page = console.get(change(row))

    assert page.status_code == 200
    assert 'name="_save"' not in text(page)
    assert console.post(change(row), {}).status_code == 403
    assert console.post(f"{change(row)[:-7]}delete/", {"post": "yes"}).status_code == 403


# --- deposits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["reference", "pk", "paystack_id", "email"])
def test_deposit_is_found_by_what_names_it(console: Client, far: FakePaystack, by: str) -> None:
    deposit = make_credited_deposit(far=far)
    make_credited_deposit(far=far)
    assert deposit.user is not None
    term = deposit.user.email.upper() if by == "email" else str(getattr(deposit, by))

    response: Any = console.get(changelist("deposit"), {"q": term})

    assert [row.pk for row in response.context["cl"].result_list] == [deposit.pk]


def test_deposit_search_takes_whole_values_only(console: Client, far: FakePaystack) -> None:
    make_credited_deposit(far=far)

    response: Any = console.get(changelist("deposit"), {"q": "nm-t"})

    assert list(response.context["cl"].result_list) == []


def test_deposit_page_tells_its_story_first(console: Client, far: FakePaystack) -> None:
    deposit = make_credited_deposit(far=far)
    make_refund(deposit)
    webhook = make_webhook()
    WebhookEvent.objects.filter(pk=webhook.pk).update(semantic_key=f"charge:{deposit.paystack_id}")

    html = text(console.get(change(deposit)))

    for expected in (
        "Paid, says Paystack",
        "paystack_clearing → exchange",
        "exchange → wallet",
        change(webhook),
    ):
        assert expected in html
    assert "Refund asked for" in html
    assert "Largest top-up of somebody new" in html
    assert html.index("What happened") < html.index("What Paystack says")
    assert "access_code" not in html


def test_staff_asks_paystack_now(console: Client, far: FakePaystack) -> None:
    deposit = make_deposit(far=far)
    far.pay(deposit.reference)

    html = text(console.post(act(deposit, "settle"), follow=True))

    deposit.refresh_from_db()
    assert deposit.status == DepositStatus.SUCCEEDED
    assert "The deposit is: paid." in html


def test_staff_reads_that_paystack_gave_no_answer(console: Client, far: FakePaystack) -> None:
    deposit = make_deposit(far=far)
    far.fail("verify")

    assert "Paystack gave no answer" in text(console.post(act(deposit, "settle"), follow=True))


def test_staff_reads_that_paystack_does_not_know_a_reference(console: Client, far: FakePaystack) -> None:
    deposit = make_deposit()

    html = text(console.post(act(deposit, "settle"), follow=True))

    assert "Paystack does not know this reference." in html


def test_looking_at_a_page_never_calls_paystack(console: Client, far: FakePaystack) -> None:
    deposit = make_suspended_deposit(far=far)
    calls = len(far.calls)

    for address in (change(deposit), act(deposit, "settle"), act(deposit, "credit"), changelist("deposit")):
        console.get(address)

    assert len(far.calls) == calls


def test_money_under_review_is_credited_with_a_reason(
    console: Client, far: FakePaystack, staff: User
) -> None:
    deposit = make_suspended_deposit(far=far)
    console.post(act(deposit, "credit"), {"reason": " "})
    deposit.refresh_from_db()
    assert deposit.status == DepositStatus.NEEDS_REVIEW

    html = text(console.post(act(deposit, "credit"), {"reason": "Sent the rest in cash"}, follow=True))

    deposit.refresh_from_db()
    assert "Credited." in html
    assert (deposit.status, deposit.reviewed_by) == (DepositStatus.SUCCEEDED, staff)
    assert wallet(deposit.user_id or 0).available == Decimal("2.0000")
    assert reasons(deposit) == ["Credited after review: Sent the rest in cash"]


def test_credit_that_fails_leaves_no_trace(
    console: Client, far: FakePaystack, monkeypatch: pytest.MonkeyPatch
) -> None:
    deposit = make_suspended_deposit(far=far)
    Deposit.objects.filter(pk=deposit.pk).update(paid_currency="GHS")

    html = text(console.post(act(deposit, "credit"), {"reason": "why"}, follow=True))

    assert "another currency" in html
    assert reasons(deposit) == []


def test_money_of_nobody_is_attached_and_then_credited(console: Client, far: FakePaystack) -> None:
    make_rate()
    owner = UserFactory.create()
    far.pay_uninvited("somebodys-page", 700_000)
    paid_at = timezone.now() - dt.timedelta(hours=30)
    far.transactions_by_reference["somebodys-page"] = far.pay("somebodys-page", paid_at=paid_at)
    reconciliation.run(since=paid_at.date(), until=sides.today())
    deposit = Deposit.objects.get(reference="somebodys-page")
    assert console.get(act(deposit, "credit")).status_code == 302

    console.post(act(deposit, "attach"), {"email": owner.email.upper(), "reason": "Bank slip"})
    console.post(act(deposit, "credit"), {"reason": "Bank slip"})

    deposit.refresh_from_db()
    assert (deposit.user, deposit.status) == (owner, DepositStatus.SUCCEEDED)
    assert wallet(owner.pk).available == deposit.credit_amount > 0
    assert reasons(deposit) == [
        f"Attached to customer {owner.pk}: Bank slip",
        "Credited after review: Bank slip",
    ]


def test_money_cannot_be_attached_to_nobody(console: Client, far: FakePaystack) -> None:
    deposit = make_suspended_deposit(far=far)
    Deposit.objects.filter(pk=deposit.pk).update(user=None)

    html = text(console.post(act(deposit, "attach"), {"email": "no@example.com", "reason": "x"}, follow=True))

    assert "Nobody has this address." in html


def test_money_under_review_is_sent_back(console: Client, far: FakePaystack, staff: User) -> None:
    deposit = make_suspended_deposit(far=far)

    console.post(act(deposit, "send-back"), {"reason": "Wrong person"})

    refund = deposit.refunds.get()
    assert (refund.status, refund.decided_by) == (RefundStatus.HELD, staff)
    assert reasons(deposit) == ["Sent back after review: Wrong person"]
    assert far.count("refund") == 0


def test_money_of_the_other_mode_is_written_off(console: Client, far: FakePaystack) -> None:
    deposit = make_suspended_deposit(far=far)
    Deposit.objects.filter(pk=deposit.pk).update(review_reason=ReviewReason.WRONG_MODE)
    assert console.get(act(deposit, "credit")).status_code == 302

    console.post(act(deposit, "write-off"), {"reason": "Test money"})

    deposit.refresh_from_db()
    assert deposit.status == DepositStatus.FAILED
    assert reasons(deposit) == ["Written off after review: Test money"]


def test_large_credit_waits_for_a_second_person_by_what_was_paid(
    console: Client, far: FakePaystack, staff: User, settings: Settings
) -> None:
    settings.APPROVAL_ABOVE = Decimal(200)
    deposit = make_suspended_deposit(
        far=far, paid_subunits=90_000_000
    )  # 600 dollars where 3.33 were asked for

    html = text(console.post(act(deposit, "credit"), {"reason": "Meant it"}, follow=True))

    approval = Approval.objects.get()
    assert "second member of staff" in html
    assert (approval.kind, approval.amount, approval.asked_by) == (
        "review_credit",
        Decimal("600.0000"),
        staff,
    )
    assert not Transfer.objects.filter(code="deposit").exists()


# --- webhooks ---------------------------------------------------------------------------------------------------------


def test_webhook_body_hides_names_and_codes(console: Client) -> None:
    body = {
        "event": "charge.success",
        "data": {
            "reference": "nm-t-1",
            "customer": {"email": "ada@example.com", "first_name": "Ada", "phone": None},
            "authorization": {
                "authorization_code": "AUTH_secret",
                "signature": "SIG_secret",
                "last4": "4081",
            },
            "log": [{"email": "x@example.com"}],
        },
    }

    html = text(console.get(change(make_webhook(body=body))))

    assert "nm-t-1" in html
    assert "4081" in html
    for secret in ("ada@example.com", "Ada", "AUTH_secret", "SIG_secret", "x@example.com"):
        assert secret not in html


def test_redaction_keeps_the_shape() -> None:
    assert redacted({"email": "a@b.c", "phone": None, "deep": [{"signature": "s"}], "n": 1}) == {
        "email": "…", "phone": None, "deep": [{"signature": "…"}], "n": 1,
    }  # fmt: skip


def test_webhook_is_replayed(console: Client, staff: User) -> None:
    event = make_webhook("failed")

    html = text(console.post(act(event, "replay"), follow=True))

    event.refresh_from_db()
    assert event.state == "pending"
    assert "processed again" in html
    assert reasons(event) == ["Replayed"]


# --- refunds and disputes ---------------------------------------------------------------------------------------------


def test_refund_is_approved(console: Client, far: FakePaystack, staff: User) -> None:
    refund = make_refund(make_credited_deposit(far=far))

    console.post(act(refund, "approve"), {"reason": "Fair"})

    refund.refresh_from_db()
    assert (refund.status, refund.decided_by) == (RefundStatus.HELD, staff)
    assert reasons(refund) == ["Approved: Fair"]


@pytest.mark.parametrize("limit", [1, 1_000])
def test_refund_that_somebody_has_refused_is_not_said_to_be_approved(
    far: FakePaystack, staff: User, settings: Settings, limit: int
) -> None:
    settings.APPROVAL_ABOVE = Decimal(limit)
    refund = make_refund(make_credited_deposit(far=far))
    refunds.refuse(refund_id=refund.pk, actor=StaffFactory.create(), reason="Spent")
    approve = next(act for act in REFUND_ACTS if act.slug == "approve")

    with pytest.raises(ActRefused, match="nothing has changed. The refund is: refused, returned"):
        approve.carry_out(refund, staff, {"reason": "Fair"})  # as it was when the page was shown

    assert (reasons(refund), Approval.objects.count()) == ([], 0)


def test_lists_have_what_matters_first(console: Client, far: FakePaystack) -> None:
    refund = make_refund(make_credited_deposit(far=far))

    for model, name in (("deposit", refund.deposit.reference), ("refund", refund.token)):
        listed: Any = console.get(changelist(model))
        amount = "asked" if model == "deposit" else "amount"
        assert [*listed.context["cl"].list_display][:3] == ["created_at", "status", amount]
        assert f'title="{name}"' in text(listed)


def test_refund_is_refused_and_the_money_returns(console: Client, far: FakePaystack) -> None:
    deposit = make_credited_deposit(far=far)
    refund = make_refund(deposit)

    console.post(act(refund, "refuse"), {"reason": "Spent"})

    refund.refresh_from_db()
    assert refund.status == RefundStatus.REFUSED
    assert wallet(deposit.user_id or 0).available == deposit.credit_amount
    assert reasons(refund) == ["Refused: Spent"]


def test_large_refund_waits_for_a_second_person(
    console: Client, far: FakePaystack, settings: Settings
) -> None:
    settings.APPROVAL_ABOVE = Decimal(1)
    refund = make_refund(make_credited_deposit(far=far))
    assert "asks a second member of staff" in text(console.get(change(refund)))

    console.post(act(refund, "approve"), {"reason": "Fair"})

    refund.refresh_from_db()
    assert refund.status == RefundStatus.REQUESTED
    assert Approval.objects.get().subject == f"refund:{refund.pk}"


def test_refund_without_an_answer_is_decided_by_a_person(console: Client, far: FakePaystack) -> None:
    far.fail("refund")
    refund = make_sent_refund(make_credited_deposit(far=far))
    assert console.get(act(refund, "never-sent")).status_code == 302
    make_due(refund, sent_hours_ago=25)

    listed: Any = console.get(changelist("refund"), {"answer": "lost"})
    console.post(act(refund, "never-sent"), {"reason": "Not in the dashboard"})

    refund.refresh_from_db()
    assert [row.pk for row in listed.context["cl"].result_list] == [refund.pk]
    assert refund.status == RefundStatus.FAILED
    assert reasons(refund) == ["Decided: never sent: Not in the dashboard"]


def test_dispute_with_the_nearest_deadline_comes_first(console: Client, far: FakePaystack) -> None:
    for hours in (30, 2, 16):
        make_dispute(make_credited_deposit(far=far), far, due_at=timezone.now() + dt.timedelta(hours=hours))

    response: Any = console.get(changelist("dispute"))

    dues = [row.due_at for row in response.context["cl"].result_list]
    assert dues == sorted(dues)
    assert text(response).count('class="alarm"') == 1


def test_dispute_is_accepted(console: Client, far: FakePaystack, staff: User) -> None:
    dispute = make_dispute(make_credited_deposit(far=far), far)

    html = text(console.post(act(dispute, "accept"), {"reason": "Clear"}, follow=True))

    dispute.refresh_from_db()
    assert "the bank gets the money" in html
    assert (dispute.outcome, dispute.answered_by) == ("lost", staff)
    assert reasons(dispute) == ["Accepts: Clear"]


def test_dispute_is_contested_with_evidence_that_can_be_read_before(
    console: Client, far: FakePaystack
) -> None:
    dispute = make_dispute(make_credited_deposit(far=far), far)

    preview = console.get(reverse("admin:billing_dispute_evidence", args=[dispute.pk]))
    console.post(act(dispute, "contest"), {"message": "The code was delivered."})

    dispute.refresh_from_db()
    assert preview.content.startswith(b"%PDF")
    assert dispute.outcome == "won"
    assert reasons(dispute) == ["Contests: The code was delivered."]
    assert far.count("upload_evidence") == 1


def test_answer_that_is_lost_is_explained(console: Client, far: FakePaystack) -> None:
    dispute = make_dispute(make_credited_deposit(far=far), far)
    far.fail("dispute", OutcomeUnknown())

    html = text(console.post(act(dispute, "accept"), {"reason": "Clear"}, follow=True))

    assert "Paystack gave no answer; it may have arrived." in html


# --- cards, rates, approvals ------------------------------------------------------------------------------------------


def test_card_is_removed_with_a_reason_and_its_code_never_shown(console: Client) -> None:
    card = make_card(make_customer())

    html = text(console.get(change(card)))
    console.post(act(card, "remove"), {"reason": "Stolen"})

    card.refresh_from_db()
    assert card.sealed_code not in html
    assert card.fingerprint not in html
    assert card.removed_at is not None
    assert reasons(card) == ["Removed: Stolen"]


def test_rate_is_entered_with_a_reason(console: Client, staff: User) -> None:
    make_rate("1500")
    address = reverse("admin:billing_exchangerate_add")

    console.post(address, {"rate": "1510.5", "reason": "Source is down"})

    rate = ExchangeRate.objects.latest("pk")
    assert (rate.rate, rate.source, rate.created_by) == (Decimal("1510.500000"), "staff", staff)
    assert reasons(rate) == [f"Entered {rate}: Source is down"]


@pytest.mark.parametrize("rate", ["150", "15000"])
def test_rate_with_a_slipped_point_has_to_be_confirmed(console: Client, rate: str) -> None:
    make_rate("1500")
    address = reverse("admin:billing_exchangerate_add")

    html = text(console.post(address, {"rate": rate, "reason": "why"}))
    assert "The rate in force is 1500." in html
    assert ExchangeRate.objects.count() == 1

    console.post(address, {"rate": rate, "reason": "why", "is_sure": "on"})
    assert ExchangeRate.objects.count() == 2


def test_approval_is_decided_by_another(console: Client, staff: User) -> None:
    approval = make_approval()

    html = text(console.post(act(approval, "approve"), follow=True))

    approval.refresh_from_db()
    assert "Approved and carried out" in html
    assert (approval.is_approved, approval.decided_by) == (True, staff)


def test_asker_is_offered_no_decision_and_cannot_force_one(console: Client, staff: User) -> None:
    approval = make_approval(asked_by=staff)

    page = text(console.get(change(approval)))
    answer = console.post(act(approval, "approve"))

    approval.refresh_from_db()
    assert act(approval, "approve") not in page
    assert (answer.status_code, approval.decided_at) == (403, None)


def test_adjustment_above_the_limit_becomes_a_request(
    console: Client, staff: User, customer: User, account: Any
) -> None:
    address = reverse("admin:billing_account_adjust", args=[account.pk])
    data = {"amount": "250", "reason": "Outage", "key": "01890000-0000-7000-8000-000000000000"}
    asked = text(console.post(address, data))

    for _ in range(2):
        console.post(address, data | {"confirm": "1"})

    approval = Approval.objects.get()
    assert "another member of staff decides" in asked
    assert (approval.amount, approval.subject) == (Decimal(250), f"user:{customer.pk}")
    assert wallet(customer.pk).available == 10


# --- who may ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "slug", "permission"),
    [
        ("deposit", "credit", "review_deposit"),
        ("deposit", "send-back", "review_deposit"),
        ("refund", "approve", "decide_refund"),
        ("refund", "refuse", "decide_refund"),
        ("dispute", "accept", "answer_dispute"),
        ("dispute", "contest", "answer_dispute"),
        ("webhookevent", "replay", "replay_webhookevent"),
        ("approval", "approve", "decide_approval"),
        ("savedcard", "remove", "remove_savedcard"),
        ("reconciledday", "close", "close_reconciledday"),
        ("reconciledday", "run", "run_reconciledday"),
    ],
)
def test_act_needs_its_permission(
    client: Client,
    support: User,
    support_may: Callable[..., None],
    far: FakePaystack,
    model: str,
    slug: str,
    permission: str,
) -> None:
    row = MAKERS[model](far)
    sign_in(client, support)
    page = client.get(change(row))

    assert page.status_code == 200
    assert act(row, slug) not in text(page)
    assert client.get(act(row, slug)).status_code == 403
    assert client.post(act(row, slug), {"reason": "x", "message": "x"}).status_code == 403

    looking = [name for name in roles.every_permission() if name.startswith("billing.view_")]
    support_may(*looking, f"billing.{permission}")
    assert act(row, slug) in text(client.get(change(row)))


def test_rate_needs_its_permission(client: Client, support: User) -> None:
    sign_in(client, support)

    assert client.get(reverse("admin:billing_exchangerate_add")).status_code == 403


def test_customers_find_no_console(client: Client, customer: User, far: FakePaystack) -> None:
    deposit = make_suspended_deposit(far=far)
    client.force_login(customer)

    assert client.get(change(deposit)).status_code == 403
    assert client.post(act(deposit, "credit"), {"reason": "me"}).status_code == 403
    assert not Transfer.objects.filter(code="deposit").exists()


# --- reconciliation ---------------------------------------------------------------------------------------------------


@pytest.fixture
def day(far: FakePaystack) -> ReconciledDay:
    """Yesterday, with one credit that Paystack knows nothing of."""
    noon = sides.start_of(sides.today() - dt.timedelta(days=1)) + dt.timedelta(hours=12)
    deposit = make_credited_deposit(far=far, paid={"paid_at": noon})
    del far.transactions_by_reference[deposit.reference]
    return reconciliation.run_day(noon.date())[0]


def test_day_page_shows_both_sides_and_each_difference(console: Client, day: ReconciledDay) -> None:
    html = text(console.get(change(day)))

    for expected in ("₦5,000.00", "₦0.00", "differs", "credited here, not paid there", "Explain"):
        assert expected in html


def test_day_is_compared_now(console: Client, day: ReconciledDay) -> None:
    assert "1 difference is open." in text(console.post(act(day, "run"), follow=True))


def test_day_that_cannot_be_compared_says_so(console: Client, day: ReconciledDay, far: FakePaystack) -> None:
    far.fail("transactions")

    assert "Paystack gave no answer" in text(console.post(act(day, "run"), follow=True))


def test_difference_is_explained_and_the_day_closed(console: Client, day: ReconciledDay, staff: User) -> None:
    difference = day.differences.get()
    assert "Differences are open." in text(console.post(act(day, "close"), {"reason": ""}, follow=True))

    console.post(
        reverse("admin:billing_difference_explain", args=[difference.pk]), {"explanation": "Letter 12"}
    )
    console.post(act(day, "close"), {"reason": ""})

    day.refresh_from_db()
    assert (day.open_differences, day.closed_by) == (0, staff)
    assert reasons(day) == [
        f"Explained not_paid {difference.subject}: Letter 12",
        "Closed with 0 open differences",
    ]


def test_explaining_needs_the_permission_to_close(client: Client, support: User, day: ReconciledDay) -> None:
    sign_in(client, support)
    address = reverse("admin:billing_difference_explain", args=[day.differences.get().pk])

    assert client.get(address).status_code == 403
    assert client.post(address, {"explanation": "x"}).status_code == 403


# --- the start page ---------------------------------------------------------------------------------------------------


def test_start_page_is_quiet_when_nothing_waits(console: Client) -> None:
    make_rate()

    html = text(console.get(reverse("admin:index")))

    assert "Nothing waits for a person." in html
    assert 'data-state="urgent"' not in html


def test_start_page_counts_what_needs_a_person(
    console: Client, far: FakePaystack, day: ReconciledDay
) -> None:
    make_rate(hours_old=100)
    make_suspended_deposit(far=far)
    make_refund(make_credited_deposit(far=far))
    make_dispute(make_credited_deposit(far=far), far, due_at=timezone.now() + dt.timedelta(hours=3))
    make_approval()
    make_webhook("failed")
    make_webhook("unknown")
    OutgoingEmail.objects.create(to="x@example.com", template="x", key="x", given_up_at=timezone.now())

    items = {str(item.label): item for item in console_selector.waiting()}

    assert {label: item.count for label, item in items.items()} == {
        "Money to decide about": 1,
        "Refunds to decide": 1,
        "Refunds without an answer": 0,
        "Disputes to answer": 1,
        "Approvals by a second person": 1,
        "Days that do not add up": 1,
        "Failed webhooks": 1,
        "Unknown webhooks of 7 days": 1,
        "Exchange rate too old": 1,
        "E-mails given up in 7 days": 1,
    }
    assert items["Disputes to answer"].is_urgent
    for item in items.values():
        listed: Any = console.get(item.url)
        assert listed.status_code == 200
        if "exchangerate" not in item.url:
            assert len(listed.context["cl"].result_list) == item.count


def test_start_page_costs_the_same_whatever_waits(
    console: Client, far: FakePaystack, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_rate()
    console.get(reverse("admin:index"))
    with django_assert_num_queries(2):
        console_selector.waiting()
    for _ in range(3):
        make_suspended_deposit(far=far)
        make_approval()

    with django_assert_num_queries(2):
        console_selector.waiting()


def test_start_page_links_only_what_one_may_see(
    client: Client, far: FakePaystack, support_may: Callable[..., None]
) -> None:
    clerk = ClerkFactory.create()
    support_may("billing.view_refund")
    sign_in(client, clerk)

    html = text(client.get(reverse("admin:index")))

    assert f'href="{changelist("refund")}?status__exact=requested"' in html
    assert f'href="{changelist("deposit")}?status__exact=needs_review"' not in html


def test_refund_rows_name_their_wallet_part(console: Client, far: FakePaystack) -> None:
    make_refund(make_credited_deposit(far=far))

    assert "$3.33" in text(console.get(changelist("refund")))
