"""Sealed secrets: read back with any key that is still listed, by nobody else."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.fernet import Fernet
from pytest_django import Settings

from namaskah.lib.sealing import CannotUnseal, fingerprint, seal, unseal

OLD, NEW, STRANGE = (base64.urlsafe_b64encode(bytes([value]) * 32).decode() for value in (1, 2, 3))
CODE = "AUTH_72btv547"


def test_what_was_sealed_can_be_read_back(settings: Settings) -> None:
    settings.DATA_KEYS = [NEW]

    assert unseal(seal(CODE)) == CODE
    assert unseal(seal("Ọlá ✓")) == "Ọlá ✓"
    assert unseal(seal("")) == ""


def test_sealed_text_shows_nothing_and_never_looks_the_same(settings: Settings) -> None:
    settings.DATA_KEYS = [NEW]
    sealed = {seal(CODE) for _ in range(20)}

    assert len(sealed) == 20
    for text in sealed:
        assert text.isascii()
        assert CODE not in text
        assert CODE.encode() not in base64.urlsafe_b64decode(text)


def test_the_first_key_seals(settings: Settings) -> None:
    settings.DATA_KEYS = [NEW, OLD]

    assert Fernet(NEW).decrypt(seal(CODE).encode()) == CODE.encode()


def test_an_older_key_still_opens_until_it_is_taken_out(settings: Settings) -> None:
    settings.DATA_KEYS = [OLD]
    sealed = seal(CODE)

    settings.DATA_KEYS = [NEW, OLD]
    assert unseal(sealed) == CODE
    settings.DATA_KEYS = [NEW]
    with pytest.raises(CannotUnseal):
        unseal(sealed)


def test_without_keys_the_secret_key_seals_and_opens_after_one_is_given(settings: Settings) -> None:
    settings.DATA_KEYS = []
    sealed = seal(CODE)

    settings.DATA_KEYS = [NEW]
    assert unseal(sealed) == CODE
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another" * 10
    assert unseal(sealed) == CODE
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(CannotUnseal):
        unseal(sealed)


def test_a_key_that_is_not_ours_opens_nothing(settings: Settings) -> None:
    settings.DATA_KEYS = [NEW, OLD]

    with pytest.raises(CannotUnseal) as caught:
        unseal(Fernet(STRANGE).encrypt(CODE.encode()).decode())

    assert caught.value.__suppress_context__


def test_every_changed_character_is_noticed(settings: Settings) -> None:
    settings.DATA_KEYS = [NEW]
    sealed = seal(CODE)
    body = sealed.rstrip("=")
    changed = [
        body[:at] + ("A" if body[at] != "A" else "B") + sealed[at + 1 :] for at in range(len(body) - 1)
    ]

    for text in changed:
        with pytest.raises(CannotUnseal):
            unseal(text)


@pytest.mark.parametrize("text", ["", "x", "gAAAA", "not sealed at all", "=" * 40])
def test_text_that_was_never_sealed_cannot_be_opened(text: str) -> None:
    with pytest.raises(CannotUnseal):
        unseal(text)


def test_equal_texts_have_equal_fingerprints_under_one_key(settings: Settings) -> None:
    first, again, other = fingerprint("SIG_a"), fingerprint("SIG_a"), fingerprint("SIG_b")
    settings.SECRET_KEY = "another-" + "k" * 50

    assert first == again != other
    assert fingerprint("SIG_a") != first
    assert len(first) == 64
    assert int(first, 16) > 0


def test_a_fingerprint_cannot_be_made_without_the_key() -> None:
    assert fingerprint("SIG_a") != hashlib.sha256(b"SIG_a").hexdigest()
