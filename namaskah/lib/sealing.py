"""Sealing small secrets that have to be read back, with the keys of `DATA_KEYS` (Fernet: AES-128-CBC with HMAC-SHA256).

Keys derived from `SECRET_KEY` and its fallbacks come last: they seal where no key of their own is given, and still open what
they sealed after one is.

Source: https://cryptography.io/en/latest/fernet/
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class CannotUnseal(Exception):
    """The text was sealed with a key that is not in `DATA_KEYS`, or was changed."""


def seal(text: str) -> str:
    """Encrypt with the first key; the result is text for a database column."""
    return _keys().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """Return what was sealed.

    Raises:
        CannotUnseal: No key of ours fits.
    """
    try:
        return _keys().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise CannotUnseal from None


def seal_bytes(content: bytes) -> bytes:
    """Encrypt a piece of a file. Larger than some megabytes it should come in several."""
    return _keys().encrypt(content)


def unseal_bytes(sealed: bytes) -> bytes:
    """Return what was sealed.

    Raises:
        CannotUnseal: No key of ours fits.
    """
    try:
        return _keys().decrypt(sealed)
    except InvalidToken:
        raise CannotUnseal from None


def fingerprint(text: str) -> str:
    """A keyed digest that finds equal texts again without keeping them; 64 hexadecimal digits."""
    key = hashlib.sha256(b"fingerprint:" + settings.SECRET_KEY.encode()).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def all_keys() -> tuple[str, ...]:
    """All keys that open, the one that seals first."""
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return (*settings.DATA_KEYS, *(_derived(secret) for secret in secrets))


@cache
def _derived(secret: str) -> str:
    key = HKDF(SHA256(), length=32, salt=None, info=b"namaskah data key").derive(secret.encode())
    return base64.urlsafe_b64encode(key).decode()


def _keys() -> MultiFernet:
    return _opener(all_keys())


@cache
def _opener(texts: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(text) for text in texts])
