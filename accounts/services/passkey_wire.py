"""WebAuthn on the wire, over plain values: what a browser is asked, and what its answer is worth. No database.

Attestation is not asked for: which maker's key somebody holds is theirs to choose. A passkey stands for two factors, so the
authenticator must always have checked its owner (by a finger, a face or a PIN). Source: https://www.w3.org/TR/webauthn-3/
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import webauthn
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from webauthn.helpers import bytes_to_base64url, parse_authentication_credential_json
from webauthn.helpers.options_to_json_dict import options_to_json_dict
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from namaskah.exceptions import DomainError

TIMEOUT_MS = 5 * 60 * 1000
LONGEST_ID = 1023  # bytes, as the standard has it
TRANSPORTS = frozenset(transport.value for transport in AuthenticatorTransport)
Answer = TypeVar("Answer")


class PasskeyRefused(DomainError):
    """The browser's answer does not prove anything: garbage, another site's, an old one's, a wrong signature."""

    code = "passkey_refused"
    status = 400

    def __init__(self) -> None:
        super().__init__(_("This passkey did not work here. Please try once more, or sign in another way."))


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Who we are to an authenticator: passkeys belong to `id` and work on pages of `origin` alone."""

    id: str
    origin: str


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A credential as we keep it; the id as text, base64url."""

    credential_id: str
    transports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewKey:
    """What an authenticator made."""

    credential_id: str
    public_key: bytes
    sign_count: int
    transports: tuple[str, ...]
    is_synced: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """Which credential an answer says it is by, before anything is checked. `handle` is hexadecimal, or empty."""

    credential_id: str
    handle: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What a right signature tells beyond itself."""

    sign_count: int
    is_synced: bool


def relying_party() -> RelyingParty | None:
    """Us, by SITE_URL. None where that is a bare IP address: the standard wants a name.

    A machine's own address (`make run`) is also called localhost, which is a name.
    """
    parts = urlsplit(settings.SITE_URL)
    host, port = parts.hostname or "", f":{parts.port}" if parts.port else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return RelyingParty(host, f"{parts.scheme}://{host}{port}")
    return RelyingParty("localhost", f"{parts.scheme}://localhost{port}") if address.is_loopback else None


def works_at(host: str) -> bool:
    """Whether a page opened at this host, with its port, can make and show passkeys."""
    party = relying_party()
    return party is not None and urlsplit(party.origin).netloc == host


def creation_options(*, challenge: str, handle: str, email: str, known: Iterable[KnownKey]) -> dict[str, Any]:
    """What `navigator.credentials.create()` is asked. An authenticator that holds one of `known` declines.

    Args:
        email: Shown by the person's own devices beside the passkey; it does not come back to us.
    """
    options = webauthn.generate_registration_options(
        rp_id=_party().id,
        rp_name="Namaskah SMS",
        user_id=bytes.fromhex(handle),
        user_name=email,
        challenge=challenge.encode(),
        timeout=TIMEOUT_MS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=_descriptors(known),
    )
    return dict(options_to_json_dict(options))


def request_options(*, challenge: str, known: Iterable[KnownKey]) -> dict[str, Any]:
    """What `navigator.credentials.get()` is asked. Without `known` the browser offers whatever it has for this site."""
    options = webauthn.generate_authentication_options(
        rp_id=_party().id,
        challenge=challenge.encode(),
        timeout=TIMEOUT_MS,
        allow_credentials=_descriptors(known),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return dict(options_to_json_dict(options))


def verify_new(credential: dict[str, Any], *, challenge: str) -> NewKey:
    """The credential that was made for this challenge.

    Raises:
        PasskeyRefused: It was not, or nothing can be read in it.
    """
    party = _party()
    made = _or_refused(
        lambda: webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=challenge.encode(),
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
        )
    )
    if len(made.credential_id) > LONGEST_ID:
        raise PasskeyRefused
    told = credential["response"].get("transports")
    return NewKey(
        credential_id=bytes_to_base64url(made.credential_id),
        public_key=made.credential_public_key,
        sign_count=made.sign_count,
        transports=tuple(name for name in told if name in TRANSPORTS) if _is_texts(told) else (),
        is_synced=made.credential_backed_up,
    )


def read_claim(credential: dict[str, Any]) -> Claim:
    """Whose credential an answer says it is by, so that its key can be looked up.

    Raises:
        PasskeyRefused: Nothing can be read in it.
    """
    parsed = _or_refused(lambda: parse_authentication_credential_json(credential))
    if not parsed.raw_id or len(parsed.raw_id) > LONGEST_ID:
        raise PasskeyRefused
    return Claim(bytes_to_base64url(parsed.raw_id), (parsed.response.user_handle or b"").hex())


def verify_shown(credential: dict[str, Any], *, challenge: str, public_key: bytes) -> Shown:
    """Check the signature over this challenge.

    The count is given back unchecked: the library looks at it before the signature, when anybody could have written it.

    Raises:
        PasskeyRefused: It is not right in every part.
    """
    party = _party()
    shown = _or_refused(
        lambda: webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge.encode(),
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    )
    return Shown(shown.new_sign_count, shown.credential_backed_up)


def _party() -> RelyingParty:
    party = relying_party()
    if party is None:
        raise PasskeyRefused
    return party


def _descriptors(known: Iterable[KnownKey]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=webauthn.base64url_to_bytes(key.credential_id),
            transports=[AuthenticatorTransport(name) for name in key.transports if name in TRANSPORTS],
        )
        for key in known
    ]


def _or_refused(read: Callable[[], Answer]) -> Answer:
    """Whatever the library trips over was sent by somebody: on hostile input it also raises what Python raises."""
    try:
        return read()
    except Exception as error:
        raise PasskeyRefused from error


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
