"""What the staff console leaves in the audit trail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.db import transaction
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import ResolverMatch, reverse

from accounts.audit_actions import AuditAction
from accounts.enums import EventType
from accounts.models import AuditEntry, User
from accounts.services import audit
from namaskah import console_forms, console_trail
from namaskah.lib import sealing
from tests.factories.accounts import ClerkFactory, StaffFactory, UserFactory, record_event
from tests.factories.billing import make_customer, make_wallet
from tests.factories.catalog import ProviderFactory
from tests.factories.payments import make_deposit
from tests.factories.signing_in import sign_in
from verifications.models import PriceRule

pytestmark = pytest.mark.django_db
Entry = tuple[str, int | None, str]


@pytest.fixture
def staff(client: Client) -> User:
    person = StaffFactory.create()
    sign_in(client, person)
    return person


def entries(staff: User) -> list[Entry]:
    """What the trail has about this member of staff: action, customer, target."""
    rows = AuditEntry.objects.filter(actor_id=staff.pk).exclude(action__startswith="session.").order_by("id")
    return [(row.action, row.subject_id, row.target) for row in rows]


# --- looking ----------------------------------------------------------------------------------------------------------


def test_a_customers_page_is_an_entry_with_the_customer(client: Client, staff: User) -> None:
    customer = UserFactory.create()

    response = client.get(reverse("admin:accounts_user_change", args=[customer.pk]))

    assert response.status_code == 200
    assert entries(staff) == [("staff.viewed", customer.pk, f"accounts.user:{customer.pk}")]


def test_the_page_of_what_belongs_to_a_customer_names_them(client: Client, staff: User) -> None:
    deposit = make_deposit()

    client.get(reverse("admin:billing_deposit_change", args=[deposit.pk]))

    assert entries(staff) == [("staff.viewed", deposit.user_id, f"billing.deposit:{deposit.pk}")]


def test_a_page_of_our_own_beside_the_admins_is_an_entry(client: Client, staff: User) -> None:
    wallet = make_wallet()

    client.get(reverse("admin:billing_account_statement", args=[wallet.pk]))

    assert entries(staff) == [("staff.viewed", wallet.user_id, f"billing.account:{wallet.pk}")]


def test_the_history_of_a_row_is_an_entry(client: Client, staff: User) -> None:
    customer = UserFactory.create()

    client.get(reverse("admin:accounts_user_history", args=[customer.pk]))

    assert entries(staff) == [("staff.viewed", customer.pk, f"accounts.user:{customer.pk}")]


def test_an_event_names_whose_it_is(client: Client, staff: User) -> None:
    event = record_event(UserFactory.create(), EventType.DEPOSIT_FAILED)

    client.get(reverse("admin:accounts_event_change", args=[event.pk]))

    assert entries(staff) == [("staff.viewed", event.user_id, f"accounts.event:{event.pk}")]


def test_a_list_of_customers_is_an_entry(client: Client, staff: User) -> None:
    client.get(reverse("admin:accounts_user_changelist"))

    assert entries(staff) == [("staff.viewed", None, "accounts.user")]


def test_a_search_is_an_entry_with_a_digest_of_its_term(client: Client, staff: User) -> None:
    client.get(reverse("admin:accounts_user_changelist"), {"q": "Ada@example.com", "p": "1"})

    entry = AuditEntry.objects.get(actor_id=staff.pk, action=AuditAction.SEARCHED)
    assert entry.target == "accounts.user"
    assert entry.after == {"terms": {"q": sealing.fingerprint("ada@example.com")[:16]}}


def test_a_filter_by_a_customer_is_a_search(client: Client, staff: User) -> None:
    client.get(reverse("admin:billing_deposit_changelist"), {"status": "pending"})

    assert entries(staff) == [("staff.searched", None, "billing.deposit")]


def test_pages_without_customers_leave_nothing(client: Client, staff: User) -> None:
    provider = ProviderFactory.create()

    client.get(reverse("admin:index"))
    client.get(reverse("admin:verifications_provider_changelist"), {"q": "five"})
    client.get(reverse("admin:verifications_provider_change", args=[provider.pk]))
    client.get(reverse("admin:accounts_auditseal_changelist"))

    assert entries(staff) == []


def test_reading_the_trail_is_in_the_trail(client: Client, staff: User) -> None:
    customer = UserFactory.create()
    with transaction.atomic():
        audit.record(AuditAction.SIGNED_IN, actor=customer, subject=customer)
    row = AuditEntry.objects.get(subject_id=customer.pk)

    client.get(reverse("admin:accounts_auditentry_changelist"))
    client.get(reverse("admin:accounts_auditentry_changelist"), {"q": str(customer.pk)})
    client.get(reverse("admin:accounts_auditentry_change", args=[row.pk]))

    assert entries(staff) == [
        ("staff.viewed", None, "accounts.auditentry"),
        ("staff.searched", None, "accounts.auditentry"),
        ("staff.viewed", customer.pk, f"accounts.auditentry:{row.pk}"),
    ]
    searched = AuditEntry.objects.get(actor_id=staff.pk, action=AuditAction.SEARCHED)
    assert searched.after == {"terms": {"q": sealing.fingerprint(str(customer.pk))[:16]}}


def test_a_row_that_is_not_there_leaves_nothing(client: Client, staff: User) -> None:
    client.get(reverse("admin:accounts_user_change", args=[987654]))

    assert entries(staff) == []


def test_a_page_does_not_go_out_without_its_entry(
    client: Client, staff: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = UserFactory.create()
    client.raise_request_exception = False

    def fail(*_args: Any, **_values: Any) -> None:
        raise RuntimeError("the trail cannot be written")

    monkeypatch.setattr(audit, "record", fail)
    response = client.get(reverse("admin:accounts_user_change", args=[customer.pk]))

    assert response.status_code == 500
    assert customer.email not in response.content.decode()


def of_console(name: str, response: HttpResponse, staff: User, **query: str) -> None:
    """Let a page of the console answer so."""
    request = RequestFactory().get("/ops/", query)
    request.user = staff
    request.resolver_match = ResolverMatch(lambda: None, (), {}, url_name=name)
    console_trail.trailed(lambda _request: response)(request)


def test_a_file_with_customers_data_is_an_export(staff: User) -> None:
    headers = {"Content-Disposition": 'attachment; filename="deposits.csv"'}

    of_console("billing_deposit_changelist", HttpResponse(headers=headers), staff, status="pending")

    assert entries(staff) == [("staff.exported", None, "billing.deposit")]


def test_looking_for_a_customer_in_a_field_of_a_form_is_a_search(staff: User) -> None:
    query = {"app_label": "billing", "model_name": "deposit", "field_name": "user", "term": "ada"}

    of_console("autocomplete", HttpResponse(), staff, **query)
    of_console("autocomplete", HttpResponse(), staff, **(query | {"field_name": "nonsense"}))

    entry = AuditEntry.objects.get(actor_id=staff.pk, action=AuditAction.SEARCHED)
    assert (entry.target, list((entry.after or {})["terms"])) == ("accounts.user", ["term"])


def test_every_page_of_the_console_is_of_customers_or_known_to_be_of_none() -> None:
    """A new model is taken to be about customers; then its rows must say which."""
    nameless = [
        model._meta.label
        for model in admin.site._registry
        if console_trail.is_personal(model)
        and not any(hasattr(model, name) for name in ("user_id", "user", "verification_id"))
        and model._meta.label_lower not in WITH_A_RULE
    ]

    assert nameless == []


WITH_A_RULE = {
    "accounts.user",  # is the customer
    "accounts.auditentry",  # names them as its subject
    "billing.approval",  # names them in its subject
    "billing.transfer",  # has their account on one side
    "billing.webhookevent",  # says it in its body, if at all
}


def test_all_forms_of_the_console_write_the_trail() -> None:
    assert all(isinstance(page, console_forms.TrailedForms) for page in admin.site._registry.values())


# --- changing ---------------------------------------------------------------------------------------------------------


def test_a_change_has_its_values_before_and_after(client: Client, staff: User) -> None:
    rule = PriceRule.objects.create(kind="percent", value=20)
    form = {"kind": "percent", "value": "35", "minimum_margin": str(rule.minimum_margin)}

    client.post(reverse("admin:verifications_pricerule_change", args=[rule.pk]), form)

    entry = AuditEntry.objects.get(action=AuditAction.CHANGED)
    assert (entry.actor_id, entry.target, entry.subject_id) == (
        staff.pk,
        f"verifications.pricerule:{rule.pk}",
        None,
    )
    assert (entry.before, entry.after) == ({"value": "20.0000"}, {"value": "35"})


def test_adding_and_deleting_are_entries(client: Client, staff: User) -> None:
    form = {"kind": "percent", "value": "35", "minimum_margin": "0"}
    client.post(reverse("admin:verifications_pricerule_add"), form)
    rule = PriceRule.objects.get()

    client.post(reverse("admin:verifications_pricerule_delete", args=[rule.pk]), {"post": "yes"})

    target = f"verifications.pricerule:{rule.pk}"
    assert entries(staff) == [("staff.added", None, target), ("staff.deleted", None, target)]


def test_rows_deleted_from_the_list_are_entries_each(client: Client, staff: User) -> None:
    rules = [PriceRule.objects.create(kind="percent", value=20, country_id=None) for _ in range(1)]
    form = {"action": "delete_selected", "_selected_action": [rule.pk for rule in rules], "post": "yes"}

    client.post(reverse("admin:verifications_pricerule_changelist"), form)

    assert [(action, target) for action, _who, target in entries(staff)] == [
        ("staff.deleted", f"verifications.pricerule:{rule.pk}") for rule in rules
    ]


def test_personal_values_are_named_and_not_kept() -> None:
    kept = console_trail.values(
        User, ["email", "state", "message_days"], {"email": "a@b.c", "state": "active", "message_days": 30}
    )

    assert kept == {"email": "…", "state": "active", "message_days": 30}


# --- refusals ---------------------------------------------------------------------------------------------------------


def refusals() -> list[tuple[int | None, str, Any]]:
    rows = AuditEntry.objects.filter(action=AuditAction.REFUSED).order_by("id")
    return [(row.actor_id, row.target, row.after) for row in rows]


def test_a_customer_in_the_console_is_refused_and_noted(client: Client) -> None:
    customer = make_customer()
    sign_in(client, customer)

    response = client.get(reverse("admin:billing_deposit_changelist"))

    assert response.status_code == 403
    assert refusals() == [(customer.pk, "page:admin:billing_deposit_changelist", {"method": "GET"})]


def test_staff_without_the_permission_is_refused_and_noted(
    client: Client, support_may: Callable[..., None]
) -> None:
    support_may("billing.view_deposit")
    clerk = ClerkFactory.create()
    sign_in(client, clerk)

    client.post(reverse("admin:billing_refund_changelist"))

    assert refusals() == [(clerk.pk, "page:admin:billing_refund_changelist", {"method": "POST"})]


def test_a_refusal_says_which_row_and_who_was_refused(
    client: Client, support_may: Callable[..., None]
) -> None:
    support_may("accounts.view_user")
    clerk, first, second = ClerkFactory.create(), make_customer(), make_customer()
    sign_in(client, clerk)

    for person, slug in ((first, "ban"), (first, "ban"), (first, "role"), (second, "ban")):
        client.get(reverse("admin:accounts_user_act", args=[person.pk, slug]))

    page = "page:admin:accounts_user_act"
    assert [target for _who, target, _after in refusals()] == [
        f"{page}?object_id={first.pk}&slug=ban",
        f"{page}?object_id={first.pk}&slug=role",
        f"{page}?object_id={second.pk}&slug=ban",
    ]
    roles = AuditEntry.objects.filter(action=AuditAction.REFUSED).values_list("actor_role", flat=True)
    assert set(roles) == {"support"}


def test_a_flood_of_refusals_is_one_entry_a_minute(client: Client) -> None:
    sign_in(client, make_customer())

    for _ in range(5):
        client.get(reverse("admin:billing_deposit_changelist"))
        client.get(reverse("admin:index"))

    assert [target for _who, target, _after in refusals()] == [
        "page:admin:billing_deposit_changelist",
        "page:admin:index",
    ]


def test_nobody_is_sent_to_sign_in_and_leaves_nothing(client: Client) -> None:
    response = client.get(reverse("admin:index"))

    assert response.status_code == 302
    assert refusals() == []
