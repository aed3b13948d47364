"""The pages of passkeys and the two addresses their script speaks to."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
import time_machine
from django.contrib.auth import SESSION_KEY
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts import throttle
from accounts.audit_actions import AuditAction
from accounts.enums import AccountState
from accounts.models import AuditEntry, Passkey, Session, User
from accounts.services import passkeys, sessions
from tests.factories.accounts import PASSWORD, StaffFactory, UserFactory
from tests.factories.authenticator import Authenticator
from tests.factories.passkeys import add_passkey
from tests.factories.signing_in import sign_in

pytestmark = pytest.mark.django_db

LIST = "/settings/security/passkeys/"
ADD_OPTIONS, ADD = f"{LIST}options/", f"{LIST}add/"
OPTIONS, VERIFY = "/accounts/passkey/options/", "/accounts/passkey/"
HOME = "/verifications/new/"


@pytest.fixture(autouse=True)
def _no_tries_yet() -> None:
    cache.clear()
    throttle._own_counts.clear()


@pytest.fixture
def user() -> User:
    return UserFactory.create()


def post(client: Client, url: str, body: object = None) -> Any:
    return client.post(url, data={} if body is None else body, content_type="application/json")


def add_in_browser(client: Client, authenticator: Authenticator, name: str = "") -> Any:
    options = post(client, ADD_OPTIONS).json()
    return post(client, ADD, {"credential": authenticator.create(options), "name": name})


def show_in_browser(client: Client, authenticator: Authenticator, **body: object) -> Any:
    options = post(client, OPTIONS).json()
    return post(client, VERIFY, {"credential": authenticator.get(options), **body})


def enter_password(client: Client, user: User) -> None:
    client.post("/accounts/sign-in/", {"email": user.email, "password": PASSWORD})


def signed_in_as(client: Client) -> str | None:
    user_id = client.session.get(SESSION_KEY)
    return str(user_id) if user_id else None


# --- the list ---------------------------------------------------------------------------------------------------------
def test_addresses_are_the_contracts() -> None:
    assert reverse("settings:passkeys") == LIST
    assert [reverse("accounts:passkey-options"), reverse("accounts:passkey-verify")] == [OPTIONS, VERIFY]


def test_list_without_passkeys_says_so(client: Client, user: User) -> None:
    sign_in(client, user)

    page = client.get(LIST).content.decode()

    assert "No passkeys yet" in page
    assert page.count("Passkeys take JavaScript") == 1
    assert 'data-passkey="add"' in page


def test_list_names_each_with_its_use(client: Client, user: User) -> None:
    sign_in(client, user)
    add_passkey(user, name="Work laptop")
    Passkey.objects.update(last_used_at=dt.datetime(2025, 5, 6, 7, 8, tzinfo=dt.UTC))

    page = client.get(LIST).content.decode()

    assert "Work laptop" in page
    assert "6 May 2025" in page


@pytest.mark.parametrize("count", [1, 3])
def test_list_takes_as_many_queries_for_three_as_for_one(
    client: Client, user: User, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    sign_in(client, user)
    for _ in range(count):
        add_passkey(user)
    client.get(LIST)

    with django_assert_num_queries(3):  # session and person, passkeys, what the masthead shows
        client.get(LIST)


def test_list_at_a_bare_address_says_why_not(client: Client, user: User, settings: Settings) -> None:
    sign_in(client, user)
    settings.SITE_URL = "http://192.0.2.7"

    page = client.get(LIST).content.decode()

    assert "a site with a name" in page
    assert "data-passkey=" not in page


def test_full_list_offers_no_more(client: Client, user: User) -> None:
    sign_in(client, user)
    for _ in range(passkeys.MOST):
        add_passkey(user)

    page = client.get(LIST).content.decode()

    assert "You have 10 passkeys" in page
    assert "data-passkey=" not in page


@pytest.mark.parametrize("url", [LIST, f"{LIST}1/"])
def test_page_asks_to_confirm_first(client: Client, user: User, url: str) -> None:
    sign_in(client, user)

    with time_machine.travel(timezone.now() + dt.timedelta(minutes=11)):
        answer = client.get(url)

    assert answer["Location"] == f"/accounts/confirm/?next={url.replace('/', '%2F')}"


@pytest.mark.parametrize("url", [ADD_OPTIONS, ADD])
def test_script_is_told_where_to_confirm(client: Client, user: User, url: str) -> None:
    sign_in(client, user)

    with time_machine.travel(timezone.now() + dt.timedelta(minutes=11)):
        answer = post(client, url)

    assert answer.status_code == 403
    assert answer.json()["confirm"].startswith("/accounts/confirm/?next=")
    assert not Passkey.objects.exists()


@pytest.mark.parametrize("url", [LIST, f"{LIST}1/"])
def test_visitor_is_asked_to_sign_in(client: Client, url: str) -> None:
    assert client.get(url)["Location"] == f"/accounts/sign-in/?next={url}"


# --- adding -----------------------------------------------------------------------------------------------------------
def test_first_passkey_leads_to_recovery_codes_and_ends_other_sessions(user: User) -> None:
    here, elsewhere = Client(), Client()
    sign_in(here, user, verified=False)
    sign_in(elsewhere, user, verified=False)
    key_before = here.session.session_key

    answer = add_in_browser(here, Authenticator(), "  My \n telephone ")

    assert answer.json() == {"next": "/settings/security/recovery-codes/"}
    assert Passkey.objects.get(user=user).name == "My telephone"
    assert here.session.session_key != key_before
    assert here.get(LIST).status_code == 200
    assert elsewhere.get(LIST)["Location"].startswith("/accounts/sign-in/")
    assert Session.objects.get(user=user).verified_at is not None
    shown = here.get("/settings/security/recovery-codes/").content.decode()
    assert len(re.findall(r"<li>[0-9A-Z]{4}-", shown)) == 10


def test_second_passkey_leads_back_to_the_list(client: Client, user: User) -> None:
    sign_in(client, user)
    add_passkey(user)

    answer = add_in_browser(client, Authenticator())

    assert answer.json() == {"next": LIST}
    assert Passkey.objects.filter(user=user).count() == 2


def test_passkey_of_another_browsers_challenge_is_refused(user: User) -> None:
    here, elsewhere = Client(), Client()
    sign_in(here, user)
    sign_in(elsewhere, user)
    options = post(here, ADD_OPTIONS).json()

    answer = post(elsewhere, ADD, {"credential": Authenticator().create(options)})

    assert answer.status_code == 400
    assert answer.json()["code"] == "passkey_too_late"
    assert not Passkey.objects.exists()


def test_answer_that_is_refused_leaves_nothing_and_is_a_sentence(client: Client, user: User) -> None:
    sign_in(client, user)

    answer = add_in_browser(client, Authenticator(origin="https://evil.example"))

    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("This passkey did not work here.")
    assert not Passkey.objects.exists()


def test_name_that_is_no_name_is_made_up(client: Client, user: User) -> None:
    sign_in(client, user)
    options = post(client, ADD_OPTIONS).json()

    post(client, ADD, {"credential": Authenticator().create(options), "name": "x" * 65})

    assert Passkey.objects.get().name == "Passkey 1"


def test_eleventh_is_refused(client: Client, user: User) -> None:
    sign_in(client, user)
    for _ in range(passkeys.MOST):
        add_passkey(user)

    answer = post(client, ADD_OPTIONS)

    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_passkeys")


# --- naming and removing ----------------------------------------------------------------------------------------------
def test_passkey_gets_another_name(client: Client, user: User) -> None:
    sign_in(client, user)
    add_passkey(user)
    url = f"{LIST}{Passkey.objects.get().pk}/"

    answer = client.post(url, {"name": "Old telephone"}, follow=True)

    assert "Old telephone" in answer.content.decode()
    assert "The passkey has its new name." in answer.content.decode()


@pytest.mark.parametrize("name", ["", "   ", "x" * 65, "a\x00b"], ids=["empty", "blank", "long", "nul"])
def test_name_that_is_none_is_an_error_beside_its_field(client: Client, user: User, name: str) -> None:
    sign_in(client, user)
    add_passkey(user, name="Telephone")
    url = f"{LIST}{Passkey.objects.get().pk}/"

    answer = client.post(url, {"name": name})

    assert answer.status_code == 400
    assert 'aria-invalid="true"' in answer.content.decode()
    assert Passkey.objects.get().name == "Telephone"


def test_passkey_is_removed_once(client: Client, user: User) -> None:
    sign_in(client, user)
    add_passkey(user)
    url = f"{LIST}{Passkey.objects.get().pk}/remove/"

    assert "The passkey is removed." in client.post(url, follow=True).content.decode()
    assert client.post(url).status_code == 404
    assert not Passkey.objects.exists()


def test_staff_is_told_why_the_last_one_stays(client: Client) -> None:
    staff = StaffFactory.create()
    sign_in(client, staff)
    add_passkey(staff)

    answer = client.post(f"{LIST}{Passkey.objects.get().pk}/remove/", follow=True)

    assert "Staff keeps at least one second factor." in answer.content.decode()
    assert Passkey.objects.count() == 1


@pytest.mark.parametrize(
    ("is_staff", "count", "words", "can_remove"),
    [
        (False, 1, "It is your only second factor.", True),
        (False, 2, "Your other second factors stay as they are.", True),
        (True, 2, "Your other second factors stay as they are.", True),
        (True, 1, "Staff keeps at least one second factor.", False),
    ],
)
def test_page_says_what_removing_takes(
    client: Client, is_staff: bool, count: int, words: str, can_remove: bool
) -> None:
    person = StaffFactory.create() if is_staff else UserFactory.create()
    sign_in(client, person)
    for _ in range(count):
        add_passkey(person)

    page = client.get(f"{LIST}{passkeys.of(person.pk)[0].pk}/").content.decode()

    assert words in page
    assert ("Remove this passkey" in page) is can_remove


def test_somebody_elses_passkey_is_not_there(client: Client, user: User) -> None:
    other = UserFactory.create()
    add_passkey(other, name="Theirs")
    sign_in(client, user)
    url = f"{LIST}{Passkey.objects.get().pk}/"

    assert client.get(url).status_code == 404
    assert client.post(url, {"name": "Mine"}).status_code == 404
    assert client.post(f"{url}remove/").status_code == 404
    assert Passkey.objects.get().name == "Theirs"


def test_number_beyond_the_database_is_not_there(client: Client, user: User) -> None:
    sign_in(client, user)

    assert client.get(f"{LIST}{10**30}/").status_code == 404


# --- signing in -------------------------------------------------------------------------------------------------------
def test_passkey_signs_in_alone_and_counts_as_both(client: Client, user: User) -> None:
    authenticator = add_passkey(user)

    answer = show_in_browser(client, authenticator, next="/wallet/")

    assert answer.json() == {"next": "/wallet/"}
    assert signed_in_as(client) == str(user.pk)
    row = Session.objects.get(user=user)
    assert row.verified_at is not None
    assert row.is_remembered is False
    entry = AuditEntry.objects.get(subject_id=user.pk, action=AuditAction.SIGNED_IN)
    assert entry.after == {"methods": ["passkey"]}


def test_passkey_opens_the_console_to_staff(client: Client) -> None:
    staff = StaffFactory.create()
    authenticator = add_passkey(staff)

    show_in_browser(client, authenticator)

    assert client.get("/ops/").status_code == 200


def test_remember_me_counts_here_too(client: Client, user: User) -> None:
    authenticator = add_passkey(user)

    show_in_browser(client, authenticator, remember=True)

    assert Session.objects.get(user=user).is_remembered is True


@pytest.mark.parametrize(
    "wanted", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "", None, 7, ["/"]]
)
def test_next_is_only_ever_a_page_of_ours(client: Client, user: User, wanted: object) -> None:
    answer = show_in_browser(client, add_passkey(user), next=wanted)

    assert answer.json() == {"next": HOME}


def test_session_gets_a_new_key(client: Client, user: User) -> None:
    authenticator = add_passkey(user)
    options = post(client, OPTIONS).json()
    planted = client.session.session_key

    post(client, VERIFY, {"credential": authenticator.get(options)})

    assert client.session.session_key != planted
    assert not Client(headers={"cookie": f"sessionid={planted}"}).get(HOME).wsgi_request.user.is_authenticated


def test_answer_cannot_be_used_again(user: User) -> None:
    authenticator = add_passkey(user, Authenticator(counts=False))
    first, thief = Client(), Client()
    options = post(first, OPTIONS).json()
    answer = {"credential": authenticator.get(options)}
    assert post(first, VERIFY, answer).status_code == 200

    first.post("/accounts/sign-out/")
    again, elsewhere = post(first, VERIFY, answer), post(thief, VERIFY, answer)

    assert (again.status_code, again.json()["code"]) == (400, "passkey_too_late")
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (400, "passkey_too_late")
    assert signed_in_as(thief) is None


def test_answer_to_a_stolen_challenge_lets_nobody_in_elsewhere(user: User) -> None:
    """The challenge belongs to the browser it was given to, however the answer was come by."""
    victim, thief = Client(), Client()
    authenticator = add_passkey(user)
    options = post(thief, OPTIONS).json()
    post(victim, OPTIONS)

    answer = post(victim, VERIFY, {"credential": authenticator.get(options)})

    assert answer.status_code == 400
    assert signed_in_as(victim) is None
    assert signed_in_as(thief) is None


@pytest.mark.parametrize("state", [AccountState.SUSPENDED, AccountState.BANNED, AccountState.ERASED])
def test_closed_account_stays_closed_and_says_so(client: Client, user: User, state: AccountState) -> None:
    authenticator = add_passkey(user)
    User.objects.filter(pk=user.pk).update(state=state)

    answer = show_in_browser(client, authenticator)

    assert answer.status_code == 403
    assert answer.json()["detail"].startswith("This account is closed.")
    assert signed_in_as(client) is None
    entry = AuditEntry.objects.get(subject_id=user.pk, action=AuditAction.SIGN_IN_FAILED)
    assert entry.after == {"state": state.value}


def test_options_are_the_same_whoever_has_passkeys(client: Client, user: User) -> None:
    before = post(client, OPTIONS).json()
    add_passkey(user)
    after = post(Client(), OPTIONS).json()

    assert before.pop("challenge") != after.pop("challenge")
    assert before == after
    assert after["allowCredentials"] == []


# --- as the second step and as confirmation ---------------------------------------------------------------------------
def test_passkey_is_the_second_step(client: Client, user: User) -> None:
    authenticator = add_passkey(user)
    client.post(
        "/accounts/sign-in/",
        {"email": user.email, "password": PASSWORD, "next": "/wallet/", "remember": "on"},
    )
    assert signed_in_as(client) is None

    answer = show_in_browser(client, authenticator, next="/elsewhere/", trust=True)

    assert answer.json() == {"next": "/wallet/"}
    assert signed_in_as(client) == str(user.pk)
    assert Session.objects.get(user=user).is_remembered is True
    entry = AuditEntry.objects.get(subject_id=user.pk, action=AuditAction.SIGNED_IN)
    assert entry.after == {"methods": ["password", "passkey"]}
    assert user.known_devices.get().trusted_until is not None


def test_second_step_lists_the_keys_of_whoever_is_pending(client: Client, user: User) -> None:
    add_passkey(user)
    enter_password(client, user)

    assert len(post(client, OPTIONS).json()["allowCredentials"]) == 1


def test_second_step_takes_no_one_elses_passkey(client: Client, user: User) -> None:
    add_passkey(user)
    mallorys = add_passkey(UserFactory.create())
    enter_password(client, user)

    answer = show_in_browser(client, mallorys)

    assert answer.status_code == 400
    assert signed_in_as(client) is None


def test_passkey_confirms_who_one_is(client: Client, user: User) -> None:
    sign_in(client, user, verified=False)
    authenticator = add_passkey(user)

    with time_machine.travel(timezone.now() + dt.timedelta(minutes=11)):
        assert client.get(LIST).status_code == 302
        answer = show_in_browser(client, authenticator, next=LIST)
        assert answer.json() == {"next": LIST}
        assert client.get(LIST).status_code == 200

    assert Session.objects.get(user=user).verified_at is not None
    assert AuditEntry.objects.filter(subject_id=user.pk, action=AuditAction.STEPPED_UP).exists()


def test_confirmation_takes_no_one_elses_passkey(client: Client, user: User) -> None:
    sign_in(client, user, verified=False)
    mallorys = add_passkey(UserFactory.create())

    answer = show_in_browser(client, mallorys)

    assert answer.status_code == 400
    assert Session.objects.get(user=user).verified_at is None


# --- what the two addresses are sent ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b"[" * 5000,
        b'{"credential": 7}',
        b'{"credential": []}',
    ],
    ids=["empty", "half", "list", "number", "null", "text", "bytes", "deep", "number-inside", "list-inside"],
)
@pytest.mark.parametrize("url", [VERIFY, ADD])
def test_rubbish_is_a_sentence(client: Client, user: User, url: str, body: bytes) -> None:
    if url == ADD:
        sign_in(client, user)

    answer = client.post(url, data=body, content_type="application/json")

    assert answer.status_code == 400
    assert answer.json()["code"] == "malformed_body"


@pytest.mark.parametrize("url", [VERIFY, ADD])
def test_endless_body_is_a_sentence(client: Client, user: User, url: str) -> None:
    if url == ADD:
        sign_in(client, user)
    body = b'{"credential":{},"x":"' + b"x" * 33_000 + b'"}'

    answer = client.post(url, data=body, content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("url", [OPTIONS, VERIFY, ADD_OPTIONS, ADD])
def test_addresses_want_post_and_a_token(user: User, url: str) -> None:
    client = Client(enforce_csrf_checks=True)
    sign_in(client, user)

    assert client.get(url).status_code == 405
    assert post(client, url).status_code == 403


@pytest.mark.parametrize("url", [OPTIONS, VERIFY])
def test_tries_are_counted(client: Client, settings: Settings, url: str) -> None:
    settings.SIGN_IN_RATE = "2/m"
    answers = [post(client, url, {"credential": {}}) for _ in range(3)]

    assert answers[2].status_code == 429
    assert int(answers[2]["Retry-After"]) > 0
    assert answers[2].json()["code"] == "too_many_tries"


def test_nothing_of_it_is_logged(client: Client, user: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    authenticator = add_passkey(user)

    options = post(client, OPTIONS).json()
    credential = authenticator.get(options)
    post(client, VERIFY, {"credential": credential})

    for secret in (options["challenge"], credential["id"], credential["response"]["signature"], user.email):
        assert secret not in caplog.text


def test_verified_session_is_the_persons_own(client: Client, user: User) -> None:
    show_in_browser(client, add_passkey(user))

    assert [session.user_id for session in sessions.sessions_of(user.pk)] == [user.pk]
