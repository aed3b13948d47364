"""Who may give whom which role, and what happens to the person."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client

from accounts.enums import AccountState, Role
from accounts.exceptions import LastAdministrator, NobodyThere, OwnRole
from accounts.models import AuditEntry, User
from accounts.services import role_changes
from tests.factories.accounts import ClerkFactory, StaffFactory, UserFactory
from tests.factories.signing_in import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss() -> User:
    return StaffFactory.create()


def assign(person: User, role: Role, actor: User | None) -> User:
    role_changes.assign(user_id=person.pk, role=role, actor=actor, reason="because")
    return User.objects.get(pk=person.pk)


@pytest.mark.parametrize(
    ("role", "is_staff"), [(Role.PREMIUM, False), (Role.SUPPORT, True), (Role.ADMINISTRATOR, True)]
)
def test_role_is_given_with_what_goes_with_it(boss: User, role: Role, is_staff: bool) -> None:
    after = assign(UserFactory.create(), role, boss)

    assert (after.role_id, after.is_staff) == (role.value, is_staff)


def test_act_is_in_the_trail_with_its_reason(boss: User) -> None:
    person = UserFactory.create()

    assign(person, Role.PREMIUM, boss)

    entry = AuditEntry.objects.get(action="standing.role_changed")
    assert (entry.actor_id, entry.subject_id, entry.reason) == (boss.pk, person.pk, "because")
    assert (entry.before, entry.after) == ({"role": "customer"}, {"role": "premium"})


def test_sessions_of_the_person_end(boss: User, client: Client) -> None:
    person = ClerkFactory.create()
    sign_in(client, person)
    assert client.get("/ops/").status_code == 200

    assign(person, Role.CUSTOMER, boss)

    assert client.get("/ops/").status_code == 302
    assert client.get("/wallet/").status_code == 302


def test_same_role_again_changes_nothing(boss: User, client: Client) -> None:
    person = ClerkFactory.create()
    sign_in(client, person)

    assign(person, Role.SUPPORT, boss)

    assert client.get("/ops/").status_code == 200
    assert not AuditEntry.objects.filter(action="standing.role_changed").exists()


def test_nobody_changes_their_own_role(boss: User) -> None:
    StaffFactory.create()

    with pytest.raises(OwnRole):
        assign(boss, Role.FINANCE, boss)


def test_only_who_may_assign_assigns(boss: User) -> None:
    clerk = ClerkFactory.create(role_id=Role.FINANCE.value)

    with pytest.raises(PermissionDenied):
        assign(UserFactory.create(), Role.ADMINISTRATOR, clerk)


def test_actor_is_asked_as_they_are_now(boss: User) -> None:
    """The object in hand may be older than the row."""
    User.objects.filter(pk=boss.pk).update(role="customer", is_staff=False)
    assert boss.role_id == Role.ADMINISTRATOR.value

    with pytest.raises(PermissionDenied):
        assign(UserFactory.create(), Role.SUPPORT, boss)


def test_last_administrator_stays(boss: User) -> None:
    with pytest.raises(LastAdministrator):
        assign(boss, Role.SUPPORT, None)

    StaffFactory.create(state=AccountState.SUSPENDED)
    with pytest.raises(LastAdministrator):
        assign(boss, Role.SUPPORT, None)

    StaffFactory.create()
    assert assign(boss, Role.SUPPORT, None).role_id == Role.SUPPORT.value


def test_suspended_administrator_may_be_demoted_whoever_else_there_is(boss: User) -> None:
    other = StaffFactory.create(state=AccountState.SUSPENDED)

    assert assign(other, Role.CUSTOMER, boss).is_staff is False


def test_erased_and_unknown_people_get_no_role(boss: User) -> None:
    person = UserFactory.create(state=AccountState.ERASED)

    with pytest.raises(NobodyThere):
        assign(person, Role.PREMIUM, boss)
    with pytest.raises(NobodyThere):
        role_changes.assign(user_id=person.pk + 999, role=Role.PREMIUM, actor=boss, reason="x")
