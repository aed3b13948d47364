"""Every address with every method, as everybody: what `table.py` says and nothing else.

Each request is undone before the next one, so an act that succeeds does not change what the next visitor meets.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.db import transaction
from django.http import HttpResponse
from django.middleware.csrf import _get_new_csrf_string
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts import mailbox, roles
from accounts.enums import Role
from accounts.models import User
from accounts.services.sessions import STEPPED_UP
from namaskah import health
from tests.factories.accounts import UserFactory
from tests.factories.signing_in import sign_in
from tests.fake_paystack import FakePaystack
from tests.roles.addresses import Address, all_addresses, patterns
from tests.roles.scene import Scene, make_scene
from tests.roles.table import (
    CONSOLE,
    NOBODY_MAY,
    NOT_THERE,
    PAGES,
    Page,
    Who,
    change_permission,
    console_pages,
)
from tests.shop import Shop

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
TABLE = PAGES | console_pages()
SIGN_IN, REFUSED, UNKNOWN = "sign in", "refused", "unknown"
NOBODY, OWNER, STRANGER = "nobody", "owner", "stranger"
VISITORS = [
    NOBODY,
    OWNER,
    STRANGER,
    Role.PREMIUM.value,
    Role.SUPPORT.value,
    Role.FINANCE.value,
    Role.ADMINISTRATOR.value,
]
STAFF = (Role.SUPPORT.value, Role.FINANCE.value, Role.ADMINISTRATOR.value)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
CUSTOMERS_ACTS = sorted(
    key for key, page in PAGES.items() if page.who in (Who.PERSON, Who.OWNER) and page.permission
)
SERVED = {200, 302, 400, 409, 422, 429}  # an act may be too early or too late, a form empty: it was heard
ELSEWHERE = ("/accounts/sign-in/", "/accounts/sign-up/", "/ops/login/")
WITHOUT_HEAD = {"events-stream"}
WITHOUT_TOKEN = {"billing:paystack-webhook"}  # proves itself by a signature


@pytest.fixture
def scene(
    db: None, shop_builder: Callable[..., Shop], far: FakePaystack, settings: Settings, tmp_path: Path
) -> Scene:
    settings.EMAIL_BACKEND, settings.EMAIL_FILE_PATH = mailbox.FILE_BACKEND, str(tmp_path)
    settings.PAYSTACK_DEDICATED_ACCOUNTS = True
    return make_scene(shop_builder(), far, tmp_path)


class Walker:
    """One visitor, who does everything once."""

    def __init__(self, visitor: str, scene: Scene) -> None:
        self.visitor, self.scene = visitor, scene
        self.client = Client(enforce_csrf_checks=True)
        self.role = ""
        if visitor != NOBODY:
            user = self._person()
            self.role = str(user.role_id)
            sign_in(self.client, user)
            session = self.client.session
            session[STEPPED_UP] = timezone.now().isoformat()
            session.save()
        self.token = _get_new_csrf_string()
        self.client.cookies["csrftoken"] = self.token
        self.cookies = {name: morsel.value for name, morsel in self.client.cookies.items()}

    def _person(self) -> User:
        if self.visitor == OWNER:
            return self.scene.customer
        role = Role.CUSTOMER.value if self.visitor == STRANGER else self.visitor
        person: User = UserFactory.create(
            role_id=role, is_staff=role in STAFF, email=f"{self.visitor}@example.com"
        )
        return person

    def ask(self, method: str, path: str, *, token: bool = True) -> Any:
        """Send it, undo what it did, and keep the cookies as they were."""
        self.client.cookies.clear()
        self.client.cookies.load(self.cookies)
        headers = {"X-CSRFToken": self.token} if token else {}
        with transaction.atomic():
            response = self.client.generic(method, path, headers=headers)
            transaction.set_rollback(True)
        return response

    def may(self, permission: str) -> bool:
        return not permission or permission in roles.permissions_of(self.role)


def outcome(response: HttpResponse) -> str:
    """What an answer means, in a word."""
    if response.status_code == 302 and response["Location"].startswith(ELSEWHERE):
        return SIGN_IN
    words = {401: SIGN_IN, 403: REFUSED, 404: NOT_THERE, 405: UNKNOWN}
    return words.get(
        response.status_code, "served" if response.status_code in SERVED else str(response.status_code)
    )


def wanted_of(page: Page, key: str, walker: Walker, method: str) -> set[str]:
    """What the table says."""
    known = {*page.methods, *({"HEAD"} if "GET" in page.methods and key not in WITHOUT_HEAD else ())}
    outside = _outside(page, key, walker, method)
    if method not in known:
        return {UNKNOWN, *outside}  # some pages ask who it is before they look at the method
    if outside:
        return outside
    changes = change_permission(key) if page.who is Who.STAFF and method == "POST" else None
    if not walker.may(changes or page.permission):
        return {REFUSED}
    return {NOT_THERE} if page.who is Who.OWNER and walker.visitor != OWNER else {page.answer}


def _outside(page: Page, key: str, walker: Walker, method: str) -> set[str]:
    """What somebody gets who is no customer, or no staff, where that is asked for; nothing for whoever may come in."""
    if page.who is Who.MACHINE:
        return {SIGN_IN}
    if walker.visitor == NOBODY and key == "admin:logout":
        return {"served"}  # back to the start page, which asks
    if walker.visitor == NOBODY:
        return {SIGN_IN} if page.who is not Who.ANYBODY or method in page.asks_who else set()
    if page.who is Who.STAFF and walker.role not in STAFF:
        return {SIGN_IN} if key.startswith("mail:") else {REFUSED}
    return set()


@pytest.mark.timeout(600)  # two thousand requests, on a machine that may be busy
@pytest.mark.parametrize(
    ("is_console", "visitor"),
    # To the console one customer is as another.
    [(False, visitor) for visitor in VISITORS]
    + [(True, visitor) for visitor in VISITORS if visitor != STRANGER],
)
def test_everybody_gets_what_the_table_says(
    is_console: bool, visitor: str, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        health, "_heartbeat", lambda name: health.SILENT
    )  # another test may have beaten for them
    walker = Walker(visitor, scene)

    wrong = [
        line
        for address in all_addresses(scene.args, scene.rows)
        if address.path.startswith("/ops/") is is_console
        for line in _walk(walker, address)
    ]

    assert wrong == [], f"{len(wrong)} answers differ:\n" + "\n".join(wrong)


def _walk(walker: Walker, address: Address) -> list[str]:
    page = TABLE.get(address.key)
    if page is None:
        return [f"{address.key} is not in the table ({address.path})"]
    query = page.query.format(**walker.scene.args)
    path = f"{address.path}?{query}" if query else address.path
    wrong = []
    for method in METHODS:
        wanted = wanted_of(page, address.key, walker, method)
        if address.key == "events-stream" and wanted == {"served"}:
            continue  # it reads in threads of its own, which do not see this test's rows
        found = _found(walker, method, path)
        if found not in wanted:
            wrong.append(
                f"{address.key}: {method} {path} is {found}, should be {' or '.join(sorted(wanted))}"
            )
    return wrong


def _found(walker: Walker, method: str, path: str) -> str:
    try:
        return outcome(walker.ask(method, path))
    except Exception as error:
        return f"500: {error!r}"


@pytest.mark.parametrize("visitor", [NOBODY, OWNER, Role.ADMINISTRATOR.value])
def test_forms_without_a_token_are_refused(visitor: str, scene: Scene) -> None:
    walker = Walker(visitor, scene)

    taken = [
        f"{address.key}: {status}"
        for address in all_addresses(scene.args, scene.rows)
        if address.key not in WITHOUT_TOKEN | {"events-stream"}
        and (status := walker.ask("POST", address.path, token=False).status_code) not in (403, 405)
    ]

    assert taken == []


def test_nothing_else_is_exempt_from_tokens() -> None:
    exempt = {name for name, _route, view in patterns() if getattr(view, "csrf_exempt", False)}

    assert exempt == WITHOUT_TOKEN


def test_console_has_no_model_that_the_table_does_not_know() -> None:
    assert {model._meta.label_lower for model in admin.site._registry} == set(CONSOLE)


def test_table_names_nothing_that_is_not_there(scene: Scene) -> None:
    assert set(TABLE) - {address.key for address in all_addresses(scene.args, scene.rows)} == set()


def test_table_names_real_permissions() -> None:
    named = {page.permission for page in TABLE.values()} - {"", NOBODY_MAY}

    assert named <= roles.every_permission()


def test_customers_pages_ask_for_their_permissions(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every customer may, so the walk alone would not see a page that asks for nothing."""
    walker, grant = Walker(OWNER, scene), roles.ROLES[Role.CUSTOMER]
    paths = {address.key: address.path for address in all_addresses(scene.args, scene.rows)}

    for key in CUSTOMERS_ACTS:
        less = roles.Grant(grant.inherits, grant.permissions - {PAGES[key].permission})
        monkeypatch.setitem(roles.ROLES, Role.CUSTOMER, less)
        answers = {walker.ask(method, paths[key]).status_code for method in PAGES[key].methods}
        assert answers == {403}, key


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_method_that_no_form_sends_is_unknown_without_a_token_too(method: str, client: Client) -> None:
    """The guard of forms comes before the page, and must not call a wrong method a forged form."""
    sign_in(client, UserFactory.create())
    client.handler.enforce_csrf_checks = True

    answers = [
        client.generic(method, path) for path in ("/", "/wallet/", "/wallet/top-up/", "/verifications/new/")
    ]

    assert [answer.status_code for answer in answers] == [405] * 4
    assert client.post("/wallet/top-up/").status_code == 403
