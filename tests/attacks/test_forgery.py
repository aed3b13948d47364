"""Other sites' forms: without our token none is taken, and our token from another site is not either.

That every POST of the site, by everybody, is refused without a token: tests/roles/test_every_url.py.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.middleware.csrf import _get_new_csrf_string
from django.test import Client
from pytest_django import Settings

from tests.attacks.walking import walk
from tests.factories.signing_in import sign_in
from tests.roles.scene import Scene

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
REFUSED = {403, 405}
SIGNED_BY_ITSELF = "billing:paystack-webhook"
ACTS = {
    "accounts:sign-out",
    "settings:session-end-others",
    "settings:erasure-cancel",
    "settings:recovery-codes",
    "billing:card-remove",
    "verifications:cancel",
    "notices:read-all",
}


@pytest.fixture
def victim(scene: Scene) -> Client:
    """The customer's browser, with everything that it sends along by itself."""
    client = Client(enforce_csrf_checks=True)
    sign_in(client, scene.customer)
    client.cookies["csrftoken"] = _get_new_csrf_string()
    return client


def taken(victim: Client, scene: Scene, **request: Any) -> set[str]:
    """The acts that a form of another site gets done."""
    return {
        address.key
        for address, answer in walk(victim, scene, "POST", **request)
        if address.key != SIGNED_BY_ITSELF and answer.status_code not in REFUSED
    }


def test_form_of_another_site_does_nothing(victim: Client, scene: Scene) -> None:
    assert taken(victim, scene, HTTP_ORIGIN="https://evil.example") == set()


def test_form_of_another_site_that_learned_the_token_does_nothing(victim: Client, scene: Scene) -> None:
    token = victim.cookies["csrftoken"].value

    for origin in ("https://evil.example", "https://testserver.evil.example", "null"):
        assert taken(victim, scene, HTTP_ORIGIN=origin, HTTP_X_CSRFTOKEN=token) == set(), origin


def test_twin_without_the_middleware_does_as_it_is_told(
    victim: Client, scene: Scene, settings: Settings
) -> None:
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "csrf" not in name]

    assert taken(victim, scene, HTTP_ORIGIN="https://evil.example") >= ACTS
