"""The audit trail in the staff console."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.audit_actions import AuditAction
from accounts.models import AuditEntry, AuditSeal, User
from accounts.services import audit, audit_sealing, refusals
from namaskah.lib import request_facts
from tests.factories.accounts import ClerkFactory, StaffFactory, UserFactory
from tests.factories.signing_in import sign_in

pytestmark = pytest.mark.django_db
LIST = "admin:accounts_auditentry_changelist"


@pytest.fixture
def staff(client: Client) -> User:
    person = StaffFactory.create()
    sign_in(client, person)
    return person


def write(action: AuditAction = AuditAction.SIGNED_IN, **values: Any) -> AuditEntry:
    with transaction.atomic():
        audit.record(action, **({"actor": None} | values))
    return AuditEntry.objects.order_by("-pk")[0]


def found(client: Client, term: str) -> list[int]:
    response = client.get(reverse(LIST), {"q": term})
    assert response.status_code == 200
    return [entry.pk for entry in response.context["cl"].result_list]


@pytest.fixture
def scene(staff: User) -> tuple[AuditEntry, User]:
    """One entry to find among others."""
    customer = UserFactory.create(email="Ada@example.com")
    write(subject=UserFactory.create())
    request_facts.note("198.51.100.7", "a browser")
    entry = write(
        AuditAction.EXPORTED, actor=staff, subject=customer, target="billing.deposit:0197", reason="Asked"
    )
    request_facts.forget()
    write(AuditAction.SIGNED_OUT, actor=customer)
    return entry, customer


@pytest.mark.parametrize(
    "term",
    [
        "ada@EXAMPLE.com staff.exported",
        "billing.deposit:0197",
        "staff.exported",
        "198.51.100.7",
        "  staff.exported   198.51.100.7 ",
    ],
)
def test_a_search_finds_the_entry(client: Client, scene: tuple[AuditEntry, User], term: str) -> None:
    assert found(client, term) == [scene[0].pk]


def test_a_person_is_found_by_number_and_address(client: Client, scene: tuple[AuditEntry, User]) -> None:
    _entry, customer = scene

    assert len(found(client, str(customer.pk))) == len(found(client, "ada@example.com")) == 2


def test_entries_are_found_by_day_request_and_number(client: Client, scene: tuple[AuditEntry, User]) -> None:
    entry, _customer = scene
    audit_sealing.seal_pending()
    sealed = AuditEntry.objects.get(pk=entry.pk)

    assert entry.pk in found(client, f"{entry.created_at:%Y-%m-%d}")
    assert found(client, f"#{sealed.number}") == [entry.pk]
    signed_in = AuditEntry.objects.exclude(request_id="").order_by("-pk").first()
    assert signed_in is None or signed_in.pk in found(client, signed_in.request_id)


@pytest.mark.parametrize(
    "term",
    [
        "nobody@example.com",
        "2026-13-41",
        "9" * 40,
        "0000-00-00",
        "1999-01-01",
        "'; --",
        "\u0661",
        "#\u0661",
        "#99",
    ],
)
def test_a_search_for_nothing_finds_nothing(
    client: Client, scene: tuple[AuditEntry, User], term: str
) -> None:
    assert found(client, term) == []


def test_the_list_links_people_and_shows_the_head(client: Client, scene: tuple[AuditEntry, User]) -> None:
    entry, customer = scene
    audit_sealing.seal_pending()
    head = audit_sealing.head()

    html = client.get(reverse(LIST)).content.decode()

    assert reverse("admin:accounts_user_change", args=[customer.pk]) in html
    assert "Ada@example.com" in html
    assert f"{head.number}:{head.hash}" in html
    assert "List exported" in html


@pytest.mark.parametrize(("area", "count"), [("privacy", 1), ("nothing", 2)])
def test_the_list_is_filtered_by_area(client: Client, staff: User, area: str, count: int) -> None:
    write(AuditAction.ERASED, target="person:1")
    write(AuditAction.EXPORTED, target="person:1")

    answer = client.get(reverse(LIST), {"area": area, "q": "person:1"})

    assert len(answer.context["cl"].result_list) == count


def test_an_entry_shows_what_was_before_and_after(client: Client, staff: User) -> None:
    entry = write(
        AuditAction.ROLE_CHANGED, actor=staff, subject=UserFactory.create(),
        before={"role": "customer"}, after={"role": "<b>premium</b>", "more": [1, 2]},
    )  # fmt: skip

    html = client.get(reverse("admin:accounts_auditentry_change", args=[entry.pk])).content.decode()

    assert "<td>customer</td><td>&lt;b&gt;premium&lt;/b&gt;</td>" in html
    assert "<td>–</td><td>[1, 2]</td>" in html


def test_a_refused_member_of_staff_stands_there_with_their_role(
    client: Client, staff: User, support_may: Callable[..., None]
) -> None:
    support_may("accounts.view_user")
    clerk = ClerkFactory.create()
    refusals.note(actor=clerk, page="admin:index", method="GET")

    html = client.get(reverse(LIST), {"q": "page:admin:index"}).content.decode()

    assert '<td class="field-role">Support</td>' in html
    assert ">Customer<" not in html


def test_an_entry_of_somebody_who_is_gone_shows_their_number(client: Client, staff: User) -> None:
    entry = write(AuditAction.ERASED, subject=987654)

    html = client.get(reverse("admin:accounts_auditentry_change", args=[entry.pk])).content.decode()

    assert "987654" in html


def test_an_action_of_former_times_is_shown_by_its_name(client: Client, staff: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_auditentry (created_at, action, actor_role, target, user_agent, request_id, reason, hash)"
            " VALUES (now(), 'old.thing', '', '', '', '', '', '')"
        )

    assert "old.thing" in client.get(reverse(LIST)).content.decode()


def test_nothing_can_be_added_changed_or_deleted(client: Client, staff: User) -> None:
    entry = write()
    audit_sealing.seal_pending()
    seal = AuditSeal.objects.get()

    for name, row in (("auditentry", entry), ("auditseal", seal)):
        page = f"admin:accounts_{name}"
        assert client.get(reverse(f"{page}_change", args=[row.pk])).status_code == 200
        assert client.get(reverse(f"{page}_add")).status_code == 403
        assert client.post(reverse(f"{page}_change", args=[row.pk]), {"reason": "x"}).status_code == 403
        assert client.post(reverse(f"{page}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403


def test_the_trail_takes_its_permission(client: Client, support_may: Callable[..., None]) -> None:
    sign_in(client, ClerkFactory.create())
    assert client.get(reverse(LIST)).status_code == 403

    support_may("accounts.view_auditentry")
    assert client.get(reverse(LIST)).status_code == 200


@pytest.mark.parametrize(
    "query", [{}, {"q": "session.signed_in"}, {"action": "session.signed_in"}, {"subject_id": "5"}]
)
def test_the_list_takes_as_many_queries_for_many_as_for_one(
    client: Client, staff: User, query: dict[str, str]
) -> None:
    counts = []
    for more in (1, 2):
        for _ in range(more):
            write(actor=UserFactory.create(), subject=5)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(reverse(LIST), query).status_code == 200
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_counting_does_not_look_up_people(client: Client, staff: User) -> None:
    write(actor=staff)

    with CaptureQueriesContext(connection) as queries:
        client.get(reverse(LIST), {"q": "session.signed_in"})

    counts = [
        query["sql"]
        for query in queries
        if "COUNT(" in query["sql"] and "accounts_auditentry" in query["sql"]
    ]
    assert counts
    assert not any("accounts_user" in sql for sql in counts)
