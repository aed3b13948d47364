"""What a browser is asked and what its answer is worth, without a database."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import Settings

from accounts.services import passkey_wire
from accounts.services.passkey_wire import KnownKey, PasskeyRefused, RelyingParty
from tests.factories.authenticator import CAN_SYNC, IS_SYNCED, PRESENT, SURE, Authenticator, data_of, text

CHALLENGE = "a-challenge-of-forty-three-characters-in-all"
HANDLE = "ab" * 32


def asked_to_create() -> dict[str, Any]:
    return passkey_wire.creation_options(
        challenge=CHALLENGE, handle=HANDLE, email="ada@example.com", known=[]
    )


def asked_to_show() -> dict[str, Any]:
    return passkey_wire.request_options(challenge=CHALLENGE, known=[])


def made(authenticator: Authenticator) -> passkey_wire.NewKey:
    return passkey_wire.verify_new(authenticator.create(asked_to_create()), challenge=CHALLENGE)


# --- who we are -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("site_url", "expected"),
    [
        ("https://sms.example.com", RelyingParty("sms.example.com", "https://sms.example.com")),
        ("https://sms.example.com:8443", RelyingParty("sms.example.com", "https://sms.example.com:8443")),
        ("http://localhost:8000", RelyingParty("localhost", "http://localhost:8000")),
        ("http://127.0.0.1:8000", RelyingParty("localhost", "http://localhost:8000")),
        ("http://[::1]:8000", RelyingParty("localhost", "http://localhost:8000")),
        ("http://192.0.2.7:8000", None),
    ],
)
def test_relying_party_is_a_name(settings: Settings, site_url: str, expected: RelyingParty | None) -> None:
    settings.SITE_URL = site_url

    assert passkey_wire.relying_party() == expected


def test_nothing_can_be_asked_at_a_bare_address(settings: Settings) -> None:
    settings.SITE_URL = "http://192.0.2.7:8000"

    with pytest.raises(PasskeyRefused):
        asked_to_show()


# --- options ----------------------------------------------------------------------------------------------------------
def test_creation_asks_for_a_key_that_names_its_owner_and_checks_them() -> None:
    options = asked_to_create()

    assert options["rp"] == {"name": "Namaskah SMS", "id": "testserver"}
    assert data_of(options["user"]["id"]).hex() == HANDLE
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["attestation"] == "none"
    assert data_of(options["challenge"]) == CHALLENGE.encode()


def test_known_keys_are_named_with_how_to_reach_them() -> None:
    known = [KnownKey("YWJj", ("usb", "carrier-pigeon"))]

    options = passkey_wire.creation_options(
        challenge=CHALLENGE, handle=HANDLE, email="ada@example.com", known=known
    )

    assert options["excludeCredentials"] == [{"id": "YWJj", "type": "public-key", "transports": ["usb"]}]


def test_a_visitor_is_shown_no_list() -> None:
    options = asked_to_show()

    assert options["allowCredentials"] == []
    assert options["userVerification"] == "required"


# --- a new key --------------------------------------------------------------------------------------------------------
def test_new_key_is_read() -> None:
    authenticator = Authenticator(count=7)

    key = made(authenticator)

    assert key.credential_id == text(authenticator.credential_id)
    assert key.sign_count == 7
    assert key.transports == ("internal", "hybrid")
    assert key.is_synced is False


def test_new_key_says_when_it_is_synchronised() -> None:
    assert made(Authenticator(flags=SURE | CAN_SYNC | IS_SYNCED)).is_synced is True


@pytest.mark.parametrize(
    "authenticator",
    [
        pytest.param(Authenticator(origin="http://testserver.example"), id="other-origin"),
        pytest.param(Authenticator(origin="https://testserver"), id="other-scheme"),
        pytest.param(Authenticator(rp_id="example.com"), id="other-site"),
        pytest.param(Authenticator(flags=PRESENT), id="owner-not-checked"),
        pytest.param(Authenticator(flags=0), id="nobody-there"),
        pytest.param(Authenticator(credential_id=b"x" * 1024), id="endless-id"),
    ],
)
def test_new_key_is_refused(authenticator: Authenticator) -> None:
    with pytest.raises(PasskeyRefused):
        made(authenticator)


@pytest.mark.parametrize(
    "changed",
    [
        {"challenge": text(b"another")},
        {"type": "webauthn.get"},
        {"origin": ["http://testserver"]},
        {"challenge": 5},
    ],
    ids=["other-challenge", "other-ceremony", "origin-a-list", "challenge-a-number"],
)
def test_new_key_for_something_else_is_refused(changed: dict[str, Any]) -> None:
    answer = Authenticator().create(asked_to_create(), **changed)

    with pytest.raises(PasskeyRefused):
        passkey_wire.verify_new(answer, challenge=CHALLENGE)


def garbled(answer: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    *way, last = path.split(".")
    place = answer
    for step in way:
        place = place[step]
    place[last] = value
    return answer


def verified(ceremony: str, authenticator: Authenticator, answer: dict[str, Any]) -> object:
    if ceremony == "create":
        return passkey_wire.verify_new(answer, challenge=CHALLENGE)
    passkey_wire.read_claim(answer)
    return passkey_wire.verify_shown(answer, challenge=CHALLENGE, public_key=authenticator._cose())


RUBBISH: list[object] = [
    "",
    "!!!",
    "AAAA",
    text(b"\xff" * 64),
    text(b"\xa0"),
    text(b"\x81" * 5000),
    None,
    7,
    [],
    {},
]


@pytest.mark.parametrize("number", range(len(RUBBISH)))
@pytest.mark.parametrize("path", ["id", "rawId", "type", "response", "response.clientDataJSON"])
@pytest.mark.parametrize("ceremony", ["create", "get"])
def test_rubbish_is_refused(ceremony: str, path: str, number: int) -> None:
    options = asked_to_create()
    authenticator = Authenticator()
    answer = garbled(getattr(authenticator, ceremony)(options), path, RUBBISH[number])

    with pytest.raises(PasskeyRefused):
        verified(ceremony, authenticator, answer)


@pytest.mark.parametrize("number", range(len(RUBBISH)))
@pytest.mark.parametrize(
    ("ceremony", "path"),
    [
        ("create", "response.attestationObject"),
        ("get", "response.authenticatorData"),
        ("get", "response.signature"),
    ],
)
def test_rubbish_for_a_key_or_signature_is_refused(ceremony: str, path: str, number: int) -> None:
    authenticator = Authenticator()
    answer = garbled(getattr(authenticator, ceremony)(asked_to_create()), path, RUBBISH[number])

    with pytest.raises(PasskeyRefused):
        verified(ceremony, authenticator, answer)


@pytest.mark.parametrize("value", [5, [], {}], ids=["number", "list", "object"])
def test_a_handle_that_is_no_text_is_refused(value: object) -> None:
    answer = garbled(Authenticator().get(asked_to_show()), "response.userHandle", value)

    with pytest.raises(PasskeyRefused):
        passkey_wire.read_claim(answer)


@pytest.mark.parametrize("told", [None, "usb", [5], {"usb": 1}], ids=["nothing", "text", "number", "object"])
def test_transports_that_are_none_are_left_out(told: object) -> None:
    answer = garbled(Authenticator().create(asked_to_create()), "response.transports", told)

    assert passkey_wire.verify_new(answer, challenge=CHALLENGE).transports == ()


# --- a key that is shown ----------------------------------------------------------------------------------------------
def test_right_signature_tells_the_count() -> None:
    authenticator = Authenticator()
    key = made(authenticator)

    shown = passkey_wire.verify_shown(
        authenticator.get(asked_to_show()), challenge=CHALLENGE, public_key=key.public_key
    )

    assert shown.sign_count == 2


def test_claim_names_key_and_owner() -> None:
    authenticator = Authenticator()
    made(authenticator)

    claim = passkey_wire.read_claim(authenticator.get(asked_to_show()))

    assert (claim.credential_id, claim.handle) == (text(authenticator.credential_id), HANDLE)


def test_another_keys_signature_is_refused() -> None:
    mine, other = Authenticator(), Authenticator()
    key = made(mine)

    with pytest.raises(PasskeyRefused):
        passkey_wire.verify_shown(other.get(asked_to_show()), challenge=CHALLENGE, public_key=key.public_key)


@pytest.mark.parametrize(
    ("name", "value"),
    [("origin", "http://evil.example"), ("rp_id", "evil.example"), ("flags", PRESENT), ("flags", 0)],
)
def test_signature_for_another_site_or_nobody_is_refused(name: str, value: object) -> None:
    authenticator = Authenticator()
    key = made(authenticator)
    setattr(authenticator, name, value)

    with pytest.raises(PasskeyRefused):
        passkey_wire.verify_shown(
            authenticator.get(asked_to_show()), challenge=CHALLENGE, public_key=key.public_key
        )


@pytest.mark.parametrize(
    "changed", [{"challenge": text(b"another")}, {"type": "webauthn.create"}], ids=["challenge", "ceremony"]
)
def test_signature_for_something_else_is_refused(changed: dict[str, Any]) -> None:
    authenticator = Authenticator()
    key = made(authenticator)

    with pytest.raises(PasskeyRefused):
        passkey_wire.verify_shown(
            authenticator.get(asked_to_show(), **changed), challenge=CHALLENGE, public_key=key.public_key
        )
