"""A closed account is closed everywhere at once; a closed account's orders go on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.exceptions import LastAdministrator, NobodyThere
from accounts.models import AuditEntry, KnownDevice, Notice, OutgoingEmail, Session, User
from accounts.services import standing
from accounts.streams import reads
from tests.accounts.entering import enter, is_in, key_of
from tests.factories.accounts import ClerkFactory, StaffFactory, UserFactory
from tests.shop import Shop
from verifications.models import Verification
from verifications.services import polling

pytestmark = pytest.mark.django_db
PAGES = (
    "/verifications/new/",
    "/wallet/",
    "/wallet/top-up/",
    "/wallet/cards/",
    "/settings/",
    "/settings/security/",
    "/settings/security/sessions/",
    "/ops/",
)


@pytest.fixture(autouse=True)
def _door(settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.accounts.entering"


@pytest.fixture
def user() -> User:
    return UserFactory.create()


def close(user: User, how: str) -> None:
    if how == "erased":
        User.objects.filter(pk=user.pk).update(state="erased")
    else:
        {"suspended": standing.suspend, "banned": standing.ban}[how](
            user_id=user.pk, reason="Test.", actor=None
        )


@pytest.mark.parametrize("how", ["suspended", "banned", "erased"])
@pytest.mark.parametrize("page", [each for each in PAGES if each not in ("/verifications/new/", "/ops/")])
def test_pages_are_closed_at_the_next_request(user: User, how: str, page: str) -> None:
    client = enter(user)
    assert client.get(page).status_code == 200

    close(user, how)

    answer = client.get(page)
    assert (answer.status_code, answer["Location"]) == (302, f"/accounts/sign-in/?next={page}")


@pytest.mark.parametrize("how", ["suspended", "banned", "erased"])
def test_forms_streams_and_open_pages_are_closed(user: User, how: str) -> None:
    client = enter(user)
    admission = reads.admit(key_of(client), "")
    assert admission is not None

    close(user, how)

    listener = (admission.session_key, admission.user_id, admission.auth_hash)
    assert reads.living_sessions([listener]) == set()
    assert reads.admit(key_of(client), "") is None
    assert client.post("/settings/security/sessions/end-others/").status_code == 302
    assert not is_in(client)


@pytest.mark.parametrize("how", ["suspended", "banned", "erased"])
def test_open_second_step_leads_nowhere(user: User, how: str) -> None:
    """`enter` reads the person anew, so it is the state that refuses."""
    close(user, how)

    assert not is_in(enter(user))
    assert not Session.objects.filter(user=user).exists()


def test_staff_are_out_of_the_console(user: User) -> None:
    boss, clerk = StaffFactory.create(), ClerkFactory.create()
    client = enter(clerk, methods="password,totp")
    assert client.get("/ops/").status_code == 200

    standing.suspend(user_id=clerk.pk, reason="Left.", actor=boss)

    assert client.get("/ops/").status_code == 302


def test_staff_at_rest_keeps_a_stream_that_is_open_and_gets_no_new_one() -> None:
    """Listening is no work and no leaving: the open stream goes on, whoever comes back anew shows who they are."""
    clerk = ClerkFactory.create()
    client = enter(clerk, methods="password,totp")
    admission = reads.admit(key_of(client), "")
    assert admission is not None
    listener = (admission.session_key, admission.user_id, admission.auth_hash)

    Session.objects.filter(user=clerk).update(last_seen_at=timezone.now() - dt.timedelta(minutes=31))

    assert reads.living_sessions([listener]) == {listener[:2]}
    assert reads.admit(key_of(client), "") is None
    assert not is_in(client)
    assert reads.living_sessions([listener]) == set()


@pytest.mark.parametrize(
    "change",
    [{"expire_date": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)}, {"user_id": None}],
    ids=["expired", "somebody else's"],
)
def test_stream_ends_with_its_session(user: User, change: dict[str, object]) -> None:
    client = enter(user)
    listener = (key_of(client), user.pk, User.objects.get(pk=user.pk).get_session_auth_hash())
    assert reads.living_sessions([listener]) == {listener[:2]}

    Session.objects.filter(user=user).update(**change)

    assert reads.living_sessions([listener]) == set()


def test_old_sessions_do_not_come_back_with_the_account(user: User) -> None:
    client = enter(user)
    close(user, "suspended")

    standing.restore(user_id=user.pk, reason="A mistake.", actor=StaffFactory.create())

    assert not is_in(client)
    assert is_in(enter(user))


def test_twin_that_only_changes_the_state_brings_them_back(user: User) -> None:
    client = enter(user)
    User.objects.filter(pk=user.pk).update(state="active")  # suspended and restored between two requests

    assert is_in(client)


def test_known_devices_are_forgotten(user: User) -> None:
    enter(user)

    close(user, "suspended")

    assert not KnownDevice.objects.filter(user=user).exists()


def test_each_change_happens_and_is_told_once(user: User) -> None:
    done = [
        standing.suspend(user_id=user.pk, reason="One.", actor=None),
        standing.suspend(user_id=user.pk, reason="Two.", actor=None),
        standing.restore(user_id=user.pk, reason="Three.", actor=None),
        standing.restore(user_id=user.pk, reason="Four.", actor=None),
        standing.suspend(user_id=user.pk, reason="Five.", actor=None),
    ]

    letters = (
        OutgoingEmail.objects.filter(user=user).order_by("created_at").values_list("template", flat=True)
    )
    assert done == [True, False, True, False, True]
    assert list(letters) == ["account_suspended", "account_restored", "account_suspended"]
    assert AuditEntry.objects.filter(subject_id=user.pk).count() == 3


@pytest.mark.parametrize("act", [standing.suspend, standing.ban, standing.restore])
def test_erased_account_stays_erased(user: User, act: object) -> None:
    close(user, "erased")

    assert act(user_id=user.pk, reason="Test.", actor=None) is False  # type: ignore[operator]
    assert Notice.objects.filter(user=user).count() == 0


def test_last_administrator_stays(user: User) -> None:
    boss = StaffFactory.create()

    with pytest.raises(LastAdministrator), transaction.atomic():
        standing.suspend(user_id=boss.pk, reason="Test.", actor=None)
    with pytest.raises(NobodyThere):
        standing.suspend(user_id=0, reason="Test.", actor=boss)
    with pytest.raises(PermissionDenied):
        standing.suspend(user_id=boss.pk, reason="Test.", actor=ClerkFactory.create())

    assert User.objects.get(pk=boss.pk).state == "active"


def test_open_order_of_a_suspended_customer_goes_on(shop_builder: Callable[..., Shop]) -> None:
    shop = shop_builder()
    order = shop.order()
    standing.suspend(user_id=shop.user.pk, reason="Test.", actor=None)
    shop.deliver(order)

    for provider_id in polling.providers_to_poll():
        polling.poll_provider(provider_id)

    assert Verification.objects.get(pk=order.pk).status == "received"


def test_visitor_without_a_session_is_unmoved(user: User) -> None:
    close(user, "banned")

    assert Client().get("/").status_code == 200
