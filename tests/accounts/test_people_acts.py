"""A person's page in the console: what it shows, the acts on it, and who may do each to whom."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts import step_up
from accounts.audit_actions import AuditAction
from accounts.models import AuditEntry, Erasure, OutgoingEmail, User
from tests.accounts.entering import enter, is_in
from tests.factories.accounts import ClerkFactory, StaffFactory, UserFactory
from tests.factories.second_factors import add_totp, code_of
from tests.factories.signing_in import sign_in

pytestmark = pytest.mark.django_db
REASON = "Two people wrote that it was theirs."


@pytest.fixture(autouse=True)
def _door(settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.accounts.entering"


@pytest.fixture
def boss() -> User:
    return StaffFactory.create()


@pytest.fixture
def console(client: Client, boss: User) -> Client:
    sign_in(client, boss)
    return client


@pytest.fixture
def person() -> User:
    return UserFactory.create()


def page_of(person: User) -> str:
    return reverse("admin:accounts_user_change", args=[person.pk])


def act(console: Client, person: User, slug: str, **given: str) -> str:
    """Do it, and what the page says then."""
    address = reverse("admin:accounts_user_act", args=[person.pk, slug])
    answer = console.post(address, {"reason": REASON, **given}, follow=True)
    return answer.content.decode()


def state_of(person: User) -> str:
    return User.objects.get(pk=person.pk).state


def test_page_says_where_they_are_signed_in_and_what_with(console: Client, person: User) -> None:
    enter(person, methods="password,totp", address="198.51.100.7")

    page = console.get(page_of(person)).content.decode()

    assert "Firefox on Windows" in page
    assert "198.51.100.7" in page
    assert "None: the password alone signs in." in page
    assert f"/ops/billing/account/?user__id__exact={person.pk}" in page
    assert f"/ops/accounts/auditentry/?q={person.pk}" in page


@pytest.mark.parametrize(
    "address",
    ["billing_account", "billing_deposit", "billing_refund", "billing_dispute", "verifications_verification",
     "accounts_outgoingemail"],
)  # fmt: skip
def test_links_of_the_page_lead_to_lists(console: Client, person: User, address: str) -> None:
    answer = console.get(reverse(f"admin:{address}_changelist"), {"user__id__exact": person.pk})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("slug", "before", "after", "action", "letter"),
    [
        ("suspend", "active", "suspended", AuditAction.SUSPENDED, "account_suspended"),
        ("ban", "active", "banned", AuditAction.BANNED, "account_suspended"),
        ("ban", "suspended", "banned", AuditAction.BANNED, "account_suspended"),
        ("restore", "suspended", "active", AuditAction.RESTORED, "account_restored"),
        ("restore", "banned", "active", AuditAction.RESTORED, "account_restored"),
    ],
)
def test_standing_changes_with_a_reason_a_letter_and_an_entry(
    console: Client,
    boss: User,
    person: User,
    slug: str,
    before: str,
    after: str,
    action: AuditAction,
    letter: str,
) -> None:
    visitor = enter(person)
    User.objects.filter(pk=person.pk).update(state=before)

    act(console, person, slug)

    entry = AuditEntry.objects.get(action=action)
    told = OutgoingEmail.objects.get(user=person, template=letter)
    assert state_of(person) == after
    assert not is_in(visitor)
    assert (entry.actor_id, entry.subject_id, entry.reason) == (boss.pk, person.pk, REASON)
    assert (entry.before, entry.after) == ({"state": before}, {"state": after})
    assert (told.context.get("reason"), told.context.get("final")) == (
        (REASON, "yes" if after == "banned" else "") if letter == "account_suspended" else (None, None)
    )


def test_reason_is_needed(console: Client, person: User) -> None:
    page = act(console, person, "suspend", reason="  ")

    assert "This field is required." in page
    assert state_of(person) == "active"


def test_looking_at_an_act_does_nothing(console: Client, person: User) -> None:
    page = console.get(reverse("admin:accounts_user_act", args=[person.pk, "ban"])).content.decode()

    assert "closed for good" in page
    assert state_of(person) == "active"


def test_sessions_are_ended(console: Client, boss: User, person: User) -> None:
    first, second = enter(person), enter(person)

    page = act(console, person, "end-sessions")

    assert "2 sessions have ended." in page
    assert [is_in(first), is_in(second)] == [False, False]
    entry = AuditEntry.objects.get(action=AuditAction.SESSIONS_ENDED)
    assert (entry.actor_id, entry.subject_id, entry.reason) == (boss.pk, person.pk, REASON)


def test_role_is_changed_and_sessions_end(console: Client, person: User) -> None:
    visitor = enter(person)

    act(console, person, "role", role="premium")

    assert User.objects.get(pk=person.pk).role_id == "premium"
    assert not is_in(visitor)


def test_unknown_role_is_refused(console: Client, person: User) -> None:
    assert "Select a valid choice" in act(console, person, "role", role="emperor")


def test_erasure_is_planned(console: Client, boss: User, person: User) -> None:
    page = act(console, person, "erase")

    erasure = Erasure.objects.get(user=person)
    assert "Erasure is planned for" in page
    assert (erasure.asked_by_id, erasure.reason) == (boss.pk, REASON)
    assert "/act/erase/" not in console.get(page_of(person)).content.decode()


@pytest.mark.parametrize(
    ("permission", "slug"),
    [
        ("accounts.suspend_user", "suspend"),
        ("accounts.ban_user", "ban"),
        ("accounts.restore_user", "restore"),
        ("accounts.end_sessions", "end-sessions"),
        ("accounts.assign_role", "role"),
        ("accounts.erase_user", "erase"),
    ],
)
def test_each_act_takes_its_own_permission(
    client: Client, person: User, support_may: Callable[..., None], permission: str, slug: str
) -> None:
    if slug == "restore":
        User.objects.filter(pk=person.pk).update(state="suspended")
    sign_in(client, ClerkFactory.create())
    address = reverse("admin:accounts_user_act", args=[person.pk, slug])

    support_may("accounts.view_user")
    assert address not in client.get(page_of(person)).content.decode()
    assert client.post(address, {"reason": REASON}).status_code == 403

    support_may("accounts.view_user", permission)
    assert address in client.get(page_of(person)).content.decode()
    assert client.get(address).status_code == 200


@pytest.mark.parametrize("slug", ["suspend", "ban", "end-sessions"])
def test_support_cannot_close_an_account_of_staff(
    client: Client, boss: User, support_may: Callable[..., None], slug: str
) -> None:
    support_may("accounts.view_user", "accounts.suspend_user", "accounts.ban_user", "accounts.end_sessions")
    sign_in(client, ClerkFactory.create())
    inside = enter(boss)
    address = reverse("admin:accounts_user_act", args=[boss.pk, slug])

    answers = [client.get(address).status_code, client.post(address, {"reason": REASON}).status_code]

    assert answers == [403, 403]
    assert address not in client.get(page_of(boss)).content.decode()
    assert state_of(boss) == "active"
    assert is_in(inside)
    refused = AuditEntry.objects.get(action=AuditAction.REFUSED)
    assert refused.target == f"page:admin:accounts_user_act?object_id={boss.pk}&slug={slug}"
    assert refused.actor_role == "support"


@pytest.mark.parametrize("slug", ["suspend", "ban", "role", "erase"])
def test_nobody_closes_their_own_account(console: Client, boss: User, slug: str) -> None:
    act(console, boss, slug, role="customer")

    boss.refresh_from_db()
    assert AuditEntry.objects.filter(action=AuditAction.REFUSED, actor_id=boss.pk).count() == 1
    assert (boss.state, boss.role_id) == ("active", "administrator")


def test_what_somebody_was_first_with_is_said(console: Client, person: User) -> None:
    User.objects.filter(pk=person.pk).update(state="banned")

    assert "not possible any more" in act(console, person, "suspend")
    assert AuditEntry.objects.filter(action=AuditAction.SUSPENDED).count() == 0


@pytest.mark.parametrize("slug", ["suspend", "ban", "restore", "end-sessions", "role", "erase"])
def test_what_cannot_be_done_to_an_erased_account_is_said_and_refuses_nobody(
    console: Client, person: User, slug: str
) -> None:
    User.objects.filter(pk=person.pk).update(state="erased")

    assert "not possible any more" in act(console, person, slug)
    assert AuditEntry.objects.filter(action=AuditAction.REFUSED).count() == 0


# --- showing again who one is -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("slug", ["role", "ban", "erase"])
def test_grave_acts_take_somebody_who_has_just_shown_who_they_are(
    client: Client, boss: User, person: User, slug: str
) -> None:
    sign_in(client, boss, fresh=False)
    address = reverse("admin:accounts_user_act", args=[person.pk, slug])

    looking = client.get(address)
    doing = client.post(address, {"reason": REASON, "role": "finance"})

    assert looking["Location"] == doing["Location"] == step_up.address(address)
    person.refresh_from_db()
    assert (person.state, person.role_id, person.leaving_at) == ("active", "customer", None)


def test_who_has_shown_it_comes_back_to_the_act(client: Client, boss: User, person: User) -> None:
    key = add_totp(boss)
    sign_in(client, boss, fresh=False)
    address = reverse("admin:accounts_user_act", args=[person.pk, "ban"])

    asked = client.get(address)["Location"]
    answer = client.post(asked, {"method": "totp", "code": code_of(key), "next": address})

    assert answer["Location"] == address
    assert client.get(address).status_code == 200
    act(client, person, "ban")
    assert state_of(person) == "banned"


@pytest.mark.parametrize("slug", ["suspend", "end-sessions"])
def test_what_must_be_quick_takes_no_further_step(
    client: Client, boss: User, person: User, slug: str
) -> None:
    sign_in(client, boss, fresh=False)

    assert client.get(reverse("admin:accounts_user_act", args=[person.pk, slug])).status_code == 200


def test_who_may_not_is_refused_before_they_are_asked_anything(
    client: Client, person: User, support_may: Callable[..., None]
) -> None:
    support_may("accounts.view_user")
    sign_in(client, ClerkFactory.create(), fresh=False)

    assert client.get(reverse("admin:accounts_user_act", args=[person.pk, "ban"])).status_code == 403
    assert client.get(reverse("admin:accounts_user_add")).status_code == 403


def test_opening_an_account_for_somebody_takes_it_too(client: Client, boss: User) -> None:
    sign_in(client, boss, fresh=False)
    address = reverse("admin:accounts_user_add")

    looking = client.get(address)
    doing = client.post(address, {"email": "new@example.com"})

    assert looking["Location"] == doing["Location"] == step_up.address(address)
    assert not User.objects.filter(email="new@example.com").exists()
