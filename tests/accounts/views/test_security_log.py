"""The customer's security log."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.audit_actions import AuditAction
from accounts.models import AuditEntry, User
from accounts.selectors import security_log
from accounts.services import audit
from namaskah.lib import request_facts
from tests.factories.accounts import StaffFactory, UserFactory
from tests.factories.signing_in import sign_in

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def customer(client: Client) -> User:
    user = UserFactory.create()
    sign_in(client, user)
    return user


def write(action: AuditAction, *, actor: User | None, subject: User, **values: Any) -> None:
    with transaction.atomic():
        audit.record(action, actor=actor, subject=subject, **values)


def show(client: Client, **query: str) -> str:
    response = client.get(reverse("settings:security-log"), query)
    assert response.status_code == 200
    return str(response.content.decode())


def test_own_acts_are_shown_with_means_browser_and_address(client: Client, customer: User) -> None:
    request_facts.note("198.51.100.7", FIREFOX)
    write(AuditAction.SIGNED_IN, actor=customer, subject=customer, after={"methods": ["password", "totp"]})
    request_facts.forget()

    (line,) = security_log.page(customer.pk).lines
    html = show(client)

    assert (line.what, line.detail, line.who) == ("Signed in", "password, authenticator app", "You")
    assert (line.browser, line.address, line.is_alarming) == ("Firefox on Linux", "198.51.100.7", False)
    for words in ("Signed in", "password, authenticator app", "Firefox on Linux", "198.51.100.7"):
        assert words in html


def test_a_failed_sign_in_is_shown_as_nobodys(client: Client, customer: User) -> None:
    write(AuditAction.SIGN_IN_FAILED, actor=None, subject=customer)

    (line,) = security_log.page(customer.pk).lines
    assert (line.what, line.who, line.is_alarming) == ("Sign-in failed", "", True)
    assert "Sign-in failed" in show(client)


def test_staff_has_no_name_reason_or_address(client: Client, customer: User) -> None:
    staff = StaffFactory.create(email="clerk.ada@example.com")
    request_facts.note("203.0.113.9", FIREFOX)
    write(AuditAction.SUSPENDED, actor=staff, subject=customer, reason="Looks like a mule")
    request_facts.forget()

    html = show(client)

    assert "Our staff" in html
    for secret in ("clerk.ada", "mule", "203.0.113.9"):
        assert secret not in html


@pytest.mark.parametrize("action", [AuditAction.VIEWED, AuditAction.MONEY_ACT, AuditAction.REFUSED])
def test_what_is_no_matter_of_security_is_not_shown(
    client: Client, customer: User, action: AuditAction
) -> None:
    write(action, actor=StaffFactory.create(), subject=customer)

    assert security_log.page(customer.pk).lines == []
    assert "Nothing to show" in show(client)


def test_a_change_of_the_account_by_staff_is_shown(client: Client, customer: User) -> None:
    write(
        AuditAction.CHANGED, actor=StaffFactory.create(), subject=customer,
        target=f"accounts.user:{customer.pk}",
    )  # fmt: skip
    write(
        AuditAction.CHANGED, actor=StaffFactory.create(), subject=customer, target="accounts.outgoingemail:1"
    )

    assert [line.what for line in security_log.page(customer.pk).lines] == ["Details of the account changed"]


def test_nobody_sees_anothers_log(client: Client, customer: User) -> None:
    write(AuditAction.PASSWORD_CHANGED, actor=None, subject=UserFactory.create())

    assert security_log.page(customer.pk).lines == []
    assert "Password changed" not in show(client)


def test_the_log_needs_somebody_signed_in() -> None:
    response = Client().get(reverse("settings:security-log"))

    assert response.status_code == 302


def test_pages_go_back_and_forth(customer: User) -> None:
    for _ in range(7):
        write(AuditAction.SIGNED_IN, actor=customer, subject=customer)
    newest = list(
        AuditEntry.objects.filter(subject_id=customer.pk).order_by("-pk").values_list("pk", flat=True)
    )

    first = security_log.page(customer.pk, size=3)
    second = security_log.page(customer.pk, size=3, older=str(first.older))
    third = security_log.page(customer.pk, size=3, older=str(second.older))
    back = security_log.page(customer.pk, size=3, newer=str(third.newer))

    assert (first.newer, first.older) == (None, newest[2])
    assert (second.newer, second.older) == (newest[3], newest[5])
    assert (third.newer, third.older, len(third.lines)) == (newest[6], None, 1)
    assert (back.newer, back.older) == (newest[3], newest[5])


@pytest.mark.parametrize("cursor", ["nonsense", "-1", "9" * 30, "١"])
def test_a_bent_cursor_is_the_first_page(client: Client, customer: User, cursor: str) -> None:
    write(AuditAction.SIGNED_IN, actor=customer, subject=customer)

    assert "Signed in" in show(client, older=cursor)


def test_queries_do_not_grow_with_the_entries(client: Client, customer: User) -> None:
    counts = []
    for more in (1, 2):
        for _ in range(more):
            write(AuditAction.SIGNED_IN, actor=customer, subject=customer)
        with CaptureQueriesContext(connection) as queries:
            show(client)
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_details_are_words_or_nothing(customer: User) -> None:
    scenes: list[tuple[AuditAction, dict[str, Any]]] = [
        (AuditAction.FACTOR_REMOVED, {"before": {"factor": "totp"}}),
        (AuditAction.RETENTION_CHANGED, {"before": {"days": 30}, "after": {"days": 7}}),
        (AuditAction.ROLE_CHANGED, {"before": {"role": "customer"}, "after": {"role": "premium"}}),
        (AuditAction.FACTOR_ADDED, {"after": {"factor": "something new"}}),
        (AuditAction.SIGNED_OUT, {}),
    ]
    for action, values in scenes:
        write(action, actor=customer, subject=customer, **values)

    details = [line.detail for line in security_log.page(customer.pk).lines]

    assert details == ["", "", "Premium customer", "7 days", "authenticator app"]
