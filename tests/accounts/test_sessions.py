"""Being signed in: what begins it, what ends it, and that the row decides and not the cache."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts import session_user
from accounts.audit_actions import AuditAction
from accounts.models import AuditEntry, KnownDevice, OutgoingEmail, Session, User
from accounts.services import sessions
from accounts.sessions import CACHE_PREFIX, SessionStore, digest
from tests.accounts.entering import PHONE, enter, is_in, key_of, row_of
from tests.factories.accounts import StaffFactory, UserFactory

pytestmark = pytest.mark.django_db
AWAY = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": "redis://127.0.0.1:1/0",
        "OPTIONS": {"SOCKET_CONNECT_TIMEOUT": 0.2},
    }
}


@pytest.fixture(autouse=True)
def _door(settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.accounts.entering"


@pytest.fixture
def user() -> User:
    return UserFactory.create()


def age(client: Client, **changes: dt.timedelta) -> None:
    """Move times of a session's row back."""
    row = row_of(client)
    values = {name: getattr(row, name) - by for name, by in changes.items()}
    Session.objects.filter(pk=row.pk).update(**values)


# --- beginning --------------------------------------------------------------------------------------------------------


def test_session_knows_whose_it_is_and_where_it_began(user: User) -> None:
    client = enter(user, browser=PHONE, address="198.51.100.7")

    row = row_of(client)
    assert (row.user_id, row.address, row.user_agent) == (user.pk, "198.51.100.7", PHONE)
    assert (row.is_remembered, row.verified_at) == (False, None)
    assert abs(row.expire_date - timezone.now() - dt.timedelta(hours=24)) < dt.timedelta(seconds=20)


def test_planted_session_key_is_worth_nothing(user: User) -> None:
    client = Client()
    client.get("/test/keep", {"value": "a number in Kenya"})
    planted = key_of(client)

    enter(user, client=client)

    thief = Client()
    thief.cookies["sessionid"] = planted
    assert key_of(client) != planted
    assert not is_in(thief)
    assert client.get("/test/chosen").content == b"a number in Kenya"


def test_signing_in_anew_gives_a_new_key_and_leaves_no_old_session(user: User) -> None:
    client = enter(user)
    old = key_of(client)

    enter(user, client=client)

    assert key_of(client) != old
    assert Session.objects.filter(user=user).count() == 1


def test_signing_in_as_somebody_else_takes_nothing_along(user: User) -> None:
    client = enter(user)
    client.get("/test/keep", {"value": "mine"})

    enter(UserFactory.create(), client=client)

    assert client.get("/test/chosen").content == b""


def test_key_is_kept_as_a_digest_alone(user: User) -> None:
    client = enter(user)

    with connection.cursor() as cursor:
        cursor.execute("SELECT session_key, session_data FROM accounts_session")
        kept = str(cursor.fetchall())
    assert key_of(client) not in kept
    assert cache.get(f"{CACHE_PREFIX}{key_of(client)}") is None
    assert cache.get(f"{CACHE_PREFIX}{digest(key_of(client))}")[SESSION_KEY] == str(user.pk)


@pytest.mark.parametrize(
    ("methods", "is_verified"),
    [
        ("password", False),
        ("password,totp", True),
        ("password,recovery_code", True),
        ("password,email_code", True),
        ("password,sms_code", True),
        ("passkey", True),
        ("password,trusted_device", False),
        ("sign_up", False),
        ("password_reset", False),
    ],
)
def test_only_a_second_factor_verifies(user: User, methods: str, is_verified: bool) -> None:
    client = enter(user, methods=methods)

    assert client.get("/test/me").content.decode() == f"{user.pk}|True|{is_verified}"
    assert (row_of(client).verified_at is not None) == is_verified


def test_signing_in_counts_as_having_shown_it_unless_a_device_stood_in(user: User) -> None:
    shown, stood_in = enter(user, methods="password,totp"), enter(user, methods="password,trusted_device")

    assert sessions.STEPPED_UP in shown.session
    assert sessions.STEPPED_UP not in stood_in.session


def test_sign_in_is_in_the_trail(user: User) -> None:
    enter(user, methods="password,totp", address="198.51.100.7")

    entry = AuditEntry.objects.get(action=AuditAction.SIGNED_IN)
    assert (entry.actor_id, entry.subject_id, entry.address) == (user.pk, user.pk, "198.51.100.7")
    assert entry.after == {"methods": ["password", "totp"]}


@pytest.mark.parametrize(
    "change", [{"state": "suspended"}, {"password": "changed meanwhile"}, {"session_epoch": 1}]
)
def test_what_changed_between_the_steps_stops_the_sign_in(
    user: User, monkeypatch: pytest.MonkeyPatch, change: dict[str, object]
) -> None:
    """The second step holds the person as they were at the first."""
    original = User.objects.get

    def as_they_were(**lookup: object) -> User:
        found = original(**lookup)
        User.objects.filter(pk=user.pk).update(**change)
        return found

    monkeypatch.setattr(User.objects, "get", as_they_were)

    client = enter(user)

    assert not is_in(client)
    assert not Session.objects.filter(user=user).exists()
    assert not AuditEntry.objects.filter(action=AuditAction.SIGNED_IN).exists()


# --- lasting ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("staff", "remember", "hours", "lives"),
    [
        (False, False, 23.9, True),
        (False, False, 24.1, False),
        (False, True, 24 * 29.9, True),
        (False, True, 24 * 30.1, False),
        (True, False, 11.9, True),
        (True, False, 12.1, False),
        (True, True, 12.1, False),
    ],
)
def test_session_lasts_so_long(staff: bool, remember: bool, hours: float, lives: bool) -> None:
    user = StaffFactory.create() if staff else UserFactory.create()
    client = enter(user, remember=remember)

    age(client, started_at=dt.timedelta(hours=hours))

    assert is_in(client) == lives
    assert Session.objects.filter(user=user).exists() == lives


@pytest.mark.parametrize(("remember", "days"), [(False, 1), (True, 30)])
def test_cookie_lasts_as_long_as_the_session(user: User, remember: bool, days: int) -> None:
    client = enter(user, remember=remember)

    assert abs(int(client.cookies["sessionid"]["max-age"]) - days * 24 * 3600) < 20


@pytest.mark.parametrize(("minutes", "lives"), [(29, True), (31, False)])
def test_staff_left_alone_is_signed_out(minutes: int, lives: bool) -> None:
    client = enter(StaffFactory.create())

    age(client, last_seen_at=dt.timedelta(minutes=minutes))

    assert is_in(client) == lives


def test_customer_left_alone_stays(user: User) -> None:
    client = enter(user)

    age(client, last_seen_at=dt.timedelta(hours=20))

    assert is_in(client)


def test_using_it_does_not_make_a_session_last_longer(user: User) -> None:
    client = enter(user)
    end = row_of(client).expire_date

    client.get("/test/keep", {"value": "x"})

    assert row_of(client).expire_date == end


def test_being_seen_is_written_now_and_then(
    user: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = enter(user)
    age(client, last_seen_at=dt.timedelta(minutes=6))

    with django_assert_num_queries(2):  # session and person, seen
        client.get("/test/me", REMOTE_ADDR="198.51.100.99")
    with django_assert_num_queries(1):
        client.get("/test/me")

    assert row_of(client).address == "198.51.100.99"
    assert timezone.now() - row_of(client).last_seen_at < dt.timedelta(seconds=20)


# --- ending -----------------------------------------------------------------------------------------------------------


def test_who_stole_the_cookie_is_out_after_sign_out(user: User) -> None:
    client, thief = enter(user), Client()
    thief.cookies["sessionid"] = key_of(client)
    assert is_in(thief)

    client.post("/accounts/sign-out/")

    assert not is_in(thief)
    assert not Session.objects.filter(user=user).exists()


def test_row_decides_though_the_cache_still_knows_the_session(user: User) -> None:
    client = enter(user)
    key = CACHE_PREFIX + digest(key_of(client))
    Session.objects.filter(user=user).delete()  # as when Redis was away while it ended
    assert cache.get(key)[SESSION_KEY] == str(user.pk)

    assert not is_in(client)
    assert cache.get(key) is None


def test_twin_that_believes_the_cache_keeps_the_ended_session(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = enter(user)
    Session.objects.filter(user=user).delete()
    monkeypatch.setattr(
        session_user,
        "find",
        lambda store: (Session(session_key="x"), User.objects.get(pk=store[SESSION_KEY])),
    )

    assert is_in(client)


def test_ended_session_cannot_be_written_back(user: User) -> None:
    client = enter(user)
    key = key_of(client)
    store = SessionStore(key)
    store["choice"] = "x"
    Session.objects.filter(user=user).delete()

    with pytest.raises(UpdateError):
        store.save()
    with pytest.raises(SessionInterrupted):
        store.cycle_key()

    assert not Session.objects.filter(user=user).exists()


@pytest.mark.parametrize("change", [{"session_epoch": 7}, {"password": "another"}])
def test_epoch_and_password_end_every_session(user: User, change: dict[str, object]) -> None:
    client = enter(user)

    User.objects.filter(pk=user.pk).update(**change)

    assert not is_in(client)


def test_session_outlives_a_rotated_secret(user: User, settings: Settings) -> None:
    client = enter(user)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another " * 10

    assert is_in(client)
    settings.SECRET_KEY_FALLBACKS = []
    assert not is_in(client)


def test_session_of_another_person_than_the_row_says_is_nobodys(user: User) -> None:
    client = enter(user)
    Session.objects.filter(user=user).update(user=UserFactory.create())

    assert not is_in(client)


def test_signed_in_without_redis(user: User, settings: Settings) -> None:
    settings.CACHES = AWAY

    client = enter(user)

    assert is_in(client)
    assert sessions.end_all(user_id=user.pk, actor=user) == 1
    assert not is_in(client)


def test_session_that_ended_while_redis_was_away_stays_ended(user: User, settings: Settings) -> None:
    client, healthy = enter(user), settings.CACHES
    settings.CACHES = AWAY
    sessions.end(user_id=user.pk, session_id=row_of(client).id, actor=user)
    settings.CACHES = healthy

    assert not is_in(client)


# --- going on under another key ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["/test/step-up", "/test/step-up?factor=1", "/test/end-others"])
def test_key_changes_and_the_session_stays_the_same_one(user: User, address: str) -> None:
    client = enter(user, methods="password,trusted_device")
    old, before = key_of(client), row_of(client)

    answer = client.get(address)

    after = row_of(client)
    thief = Client()
    thief.cookies["sessionid"] = old
    assert answer.status_code == 200
    assert key_of(client) != old
    assert (after.id, after.started_at, after.address) == (before.id, before.started_at, before.address)
    assert (after.verified_at is not None) == ("factor" in address)
    assert is_in(client)
    assert not is_in(thief)


def test_ending_the_others_keeps_this_one(user: User) -> None:
    here, there = enter(user), enter(user)

    answer = here.get("/test/end-others")

    assert answer.content == b"1"
    assert (is_in(here), is_in(there)) == (True, False)


# --- how many ---------------------------------------------------------------------------------------------------------


def test_eleventh_session_ends_the_one_unseen_for_longest(user: User, settings: Settings) -> None:
    settings.MAX_SESSIONS = 3
    first, second, third = enter(user), enter(user), enter(user)
    age(second, last_seen_at=dt.timedelta(hours=1))

    fourth = enter(user)

    assert [is_in(each) for each in (first, second, third, fourth)] == [True, False, True, True]
    assert AuditEntry.objects.filter(action=AuditAction.SESSION_ENDED, subject_id=user.pk).count() == 1


def test_sessions_of_others_do_not_count(user: User, settings: Settings) -> None:
    settings.MAX_SESSIONS = 1
    other = enter(UserFactory.create())

    enter(user)

    assert is_in(other)


# --- cookies ----------------------------------------------------------------------------------------------------------


def test_cookies_on_https_are_bound_to_this_host(user: User, settings: Settings) -> None:
    settings.SESSION_COOKIE_NAME, settings.DEVICE_COOKIE_NAME = "__Host-sessionid", "__Host-device"
    settings.SESSION_COOKIE_SECURE = True

    client = enter(user)

    for name in ("__Host-sessionid", "__Host-device"):
        cookie = client.cookies[name]
        assert (cookie["secure"], cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"]) == (
            True, True, "Lax", "/", "",
        )  # fmt: skip


# --- devices ----------------------------------------------------------------------------------------------------------


def letters(user: User) -> list[dict[str, str]]:
    return list(
        OutgoingEmail.objects.filter(user=user, template="new_device").values_list("context", flat=True)
    )


def test_first_sign_in_of_an_account_is_no_news(user: User) -> None:
    enter(user)

    assert letters(user) == []


def test_sign_up_is_no_news(user: User) -> None:
    User.objects.filter(pk=user.pk).update(last_login=timezone.now())

    enter(user, methods="sign_up")

    assert letters(user) == []
    assert KnownDevice.objects.filter(user=user).count() == 1


def test_new_browser_is_told_once(user: User) -> None:
    known = enter(user)

    phone = enter(user, browser=PHONE, address="198.51.100.7")
    enter(user, client=known)
    enter(user, client=phone)

    [letter] = letters(user)
    assert (letter["browser"], letter["place"]) == ("Safari on iPhone", "198.51.100.7")
    assert letter["url"] == "/settings/security/sessions/"


def test_two_people_may_share_a_browser(user: User) -> None:
    other = UserFactory.create()
    client = enter(user)
    enter(other, client=client)

    enter(user, client=client)
    enter(other, client=client)

    assert letters(user) + letters(other) == []
    assert KnownDevice.objects.count() == 2


@pytest.mark.parametrize("cookie", ["", "x", "a" * 43, "." * 300, "é" * 43, "a" * 5000])
def test_strange_device_cookie_is_an_unknown_device(user: User, cookie: str) -> None:
    enter(user)
    client = Client()
    client.cookies["device"] = cookie

    enter(user, client=client)

    assert len(letters(user)) == 1
    assert is_in(client)


def test_device_of_somebody_else_is_not_known_here(user: User) -> None:
    client = enter(UserFactory.create())
    enter(user)

    enter(user, client=client)

    assert len(letters(user)) == 1


def test_device_is_kept_as_a_digest_alone(user: User) -> None:
    client = enter(user)

    assert client.cookies["device"].value != KnownDevice.objects.get().token_hash


def test_only_so_many_devices_are_kept(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.services.known_devices.DEVICES_PER_PERSON", 2)

    for _ in range(4):
        enter(user)

    assert KnownDevice.objects.filter(user=user).count() == 2
