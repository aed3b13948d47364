"""Links and codes a second time, by somebody else, for something else, or beside their account: worth nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.enums import ProofPurpose
from accounts.models import Proof, User
from accounts.services import data_export, proofs
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.letters import code_in, deliver, letter_to, link_in
from tests.factories.second_factors import add_sheet, add_totp, code_of
from tests.factories.signing_in import sign_in

pytestmark = pytest.mark.django_db
EMAIL, NEW, NEWER = "ann@example.com", "seven purple umbrellas", "eleven yellow trombones"
SIGN_IN, STEP = "/accounts/sign-in/", "/accounts/sign-in/second-factor/"


@pytest.fixture
def user() -> User:
    return UserFactory.create(email=EMAIL)


def reset_link() -> str:
    Client().post("/accounts/password/reset/", {"email": EMAIL})
    return link_in(letter_to(EMAIL))


def change_links(client: Client, user: User) -> list[str]:
    sign_in(client, user)
    client.post("/settings/email/", {"email": "ann@example.org"})
    return [link_in(letter) for letter in deliver()]


def test_reset_link_sets_one_password(user: User) -> None:
    path = reset_link()
    Client().post(path, {"password": NEW})

    answer = Client().post(path, {"password": NEWER})

    user.refresh_from_db()
    assert "This link no longer works" in answer.content.decode()
    assert user.check_password(NEW)


def test_twin_whose_links_are_not_used_up_sets_another(user: User) -> None:
    path = reset_link()
    row = Proof.objects.filter(purpose=ProofPurpose.RESET_PASSWORD).values().get()
    Client().post(path, {"password": NEW})
    Proof.objects.filter(pk=row["id"]).delete()
    Proof.objects.create(**row)  # as if using it left no trace

    Client().post(path, {"password": NEWER})

    user.refresh_from_db()
    assert user.check_password(NEWER)


@pytest.mark.parametrize(
    "path", ["/accounts/verify-email/{}/", "/accounts/password/reset/{}/", "/accounts/email-change/{}/"]
)
def test_link_does_only_what_it_was_sent_for(client: Client, user: User, path: str) -> None:
    tokens = [link.rstrip("/").rpartition("/") for link in (reset_link(), *change_links(client, user))]

    for sent_for, _slash, token in tokens:
        if path.startswith(sent_for):
            continue
        Client().post(path.format(token), {"password": NEW})

    user.refresh_from_db()
    assert (user.email, user.check_password(PASSWORD)) == (EMAIL, True)


def test_link_for_a_change_of_address_counts_once(client: Client, user: User) -> None:
    links = change_links(client, user)

    for _time in range(3):
        client.post(links[0])

    user.refresh_from_db()
    assert (len(links), user.email) == (2, EMAIL)  # three times the one is not both


def test_code_of_a_sign_up_opens_no_second_account() -> None:
    first, second = Client(), Client()
    for browser in (first, second):
        browser.post("/accounts/sign-up/", {"email": EMAIL, "password": PASSWORD})
    code = code_in(deliver()[0])
    for browser in (first, second, first):
        browser.post("/accounts/verify-email/", {"code": code})

    assert User.objects.filter(email=EMAIL).count() <= 1
    assert sum(browser.get("/settings/").status_code == 200 for browser in (first, second)) <= 1


@pytest.mark.parametrize("kind", ["totp", "recovery_code"])
def test_second_factor_that_was_shown_is_worth_nothing(user: User, kind: str) -> None:
    shown = _factor(user, kind)

    assert [_enter(user, kind, shown()) for _time in range(2)] == [True, False]


def _factor(user: User, kind: str) -> Callable[[], str]:
    key = add_totp(user)
    if kind == "totp":
        code = code_of(key)
        return lambda: code
    sheet = add_sheet(user)
    return lambda: sheet[0]


def _enter(user: User, kind: str, code: str) -> bool:
    browser = Client()
    browser.post(SIGN_IN, {"email": user.email, "password": PASSWORD})
    browser.post(STEP, {"method": kind, "code": code})
    return browser.get("/settings/").status_code == 200


def test_link_of_a_copy_opens_for_nobody_else(client: Client, user: User) -> None:
    export = data_export.ask(user=user)
    data_export.make(export.pk)
    export.refresh_from_db()
    link = data_export.link(export)
    thief = Client()
    sign_in(thief, UserFactory.create())
    sign_in(client, user)
    other = data_export.link(export).replace(str(export.pk), "00000000-0000-4000-8000-000000000000")

    assert client.get(link).status_code == 200
    assert thief.get(link).status_code == 404
    assert Client().get(link).status_code == 302
    assert client.get(other).status_code == 404
    assert client.get(link[:-2]).status_code == 404


def test_token_is_kept_as_a_digest_alone(user: User) -> None:
    token = reset_link().rstrip("/").rpartition("/")[2]

    assert token not in str(list(Proof.objects.values()))
    assert Proof.objects.filter(token_hash=proofs.digest(token)).count() == 1
