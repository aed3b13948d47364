"""What staff does about orders, providers and codes is in the audit trail."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.audit_actions import AuditAction
from accounts.models import AuditEntry, User
from tests.factories.accounts import StaffFactory
from tests.factories.catalog import ProviderFactory, ServiceFactory
from tests.factories.signing_in import sign_in
from tests.shop import Shop
from verifications.enums import Closing, Status
from verifications.models import Attempt, Provider, ProviderServiceCode
from verifications.providers.errors import Ambiguous

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client: Client) -> User:
    person = StaffFactory.create()
    sign_in(client, person)
    return person


def run(client: Client, action: str, row: Any) -> None:
    address = reverse(f"admin:verifications_{row._meta.model_name}_changelist")
    client.post(address, {"action": action, "_selected_action": [row.pk]})


def entry(staff: User, action: AuditAction) -> AuditEntry:
    """The one entry of this kind."""
    return AuditEntry.objects.get(actor_id=staff.pk, action=action)


def in_doubt(shop: Shop) -> Attempt:
    shop.upstream().next_buys = [Ambiguous("HTTP 500")]
    shop.order()
    return Attempt.objects.get()


def test_a_cancel_for_a_customer_is_a_money_act(client: Client, staff: User, shop: Shop) -> None:
    order = shop.order()
    address = reverse("admin:verifications_verification_cancel", args=[order.pk])

    client.post(address, {"reason": "The number is dead"})
    client.post(address, {"reason": "Again"})

    act = entry(staff, AuditAction.MONEY_ACT)
    assert (act.subject_id, act.target) == (shop.user.pk, f"verifications.verification:{order.pk}")
    assert (act.reason, (act.after or {})["price"]) == ("The number is dead", "0.3500")


def test_a_cancel_that_is_refused_is_no_act(client: Client, staff: User, shop: Shop) -> None:
    attempt = in_doubt(shop)

    client.post(
        reverse("admin:verifications_verification_cancel", args=[attempt.verification_id]), {"reason": "x"}
    )

    assert not AuditEntry.objects.filter(action=AuditAction.MONEY_ACT).exists()


def test_a_customers_own_cancel_is_no_act_of_staff(shop: Shop) -> None:
    client = Client()
    sign_in(client, shop.user)
    order = shop.order()

    client.post(reverse("verifications:cancel", args=[order.pk]))

    order.refresh_from_db()
    assert order.status == Status.CANCELLED
    assert not AuditEntry.objects.filter(action=AuditAction.MONEY_ACT).exists()


def test_deciding_that_nothing_was_bought_is_a_money_act(client: Client, staff: User, shop: Shop) -> None:
    attempt = in_doubt(shop)

    run(client, "resolve_not_bought", attempt)

    act = entry(staff, AuditAction.MONEY_ACT)
    assert (act.subject_id, act.target) == (shop.user.pk, f"verifications.attempt:{attempt.pk}")


def test_asking_a_provider_about_a_doubtful_attempt_is_an_entry(
    client: Client, staff: User, shop: Shop
) -> None:
    attempt = in_doubt(shop)

    run(client, "resolve_doubtful", attempt)

    act = entry(staff, AuditAction.CHANGED)
    assert (act.subject_id, act.target) == (shop.user.pk, f"verifications.attempt:{attempt.pk}")


def test_closing_again_is_an_entry_for_what_was_given_up(client: Client, staff: User, shop: Shop) -> None:
    order = shop.order()
    attempt = Attempt.objects.get()
    run(client, "close_again", attempt)
    assert not AuditEntry.objects.filter(action=AuditAction.CHANGED).exists()

    type(order).objects.filter(pk=order.pk).update(status=Status.CANCELLED)
    Attempt.objects.update(closing=Closing.ABANDONED)
    run(client, "close_again", attempt)

    assert entry(staff, AuditAction.CHANGED).target == f"verifications.attempt:{attempt.pk}"


def test_a_providers_switch_is_an_entry_with_its_reason(client: Client, staff: User) -> None:
    provider = ProviderFactory.create()

    client.post(
        f"{reverse('admin:verifications_provider_switch_off')}?ids={provider.pk}", {"reason": "Dead numbers"}
    )

    act = entry(staff, AuditAction.CHANGED)
    assert (act.target, act.reason) == (f"verifications.provider:{provider.pk}", "Dead numbers")
    assert (act.before, act.after) == ({"is_enabled": True}, {"is_enabled": False})


def test_switching_a_provider_on_is_an_entry(
    client: Client, staff: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = ProviderFactory.create(is_enabled=False)
    monkeypatch.setenv(provider.credential_variable, "a-key")

    run(client, "switch_on", provider)

    assert entry(staff, AuditAction.CHANGED).after == {"is_enabled": True}


def test_asking_for_prices_and_balance_are_entries(
    client: Client, staff: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider: Provider = ProviderFactory.create()
    monkeypatch.setattr("verifications.tasks.refresh_provider_offers.delay", lambda pk: None)
    monkeypatch.setattr("verifications.services.catalog_sync.check_balance", lambda row: None)

    run(client, "refresh_offers", provider)
    run(client, "check_balance", provider)

    reasons = AuditEntry.objects.filter(action=AuditAction.CHANGED).order_by("pk")
    assert [row.reason for row in reasons] == ["Refresh of offers asked for", "Balance asked for"]


def test_mapping_codes_is_an_entry_each(client: Client, staff: User) -> None:
    ServiceFactory.create(name="Grindr")
    code = ProviderServiceCode.objects.create(provider=ProviderFactory.create(), code="yw", name="grindr")

    run(client, "map_by_name", code)

    assert entry(staff, AuditAction.CHANGED).target == f"verifications.providerservicecode:{code.pk}"
