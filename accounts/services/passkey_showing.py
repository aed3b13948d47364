"""Showing a passkey: to sign in, as the second step after a password, and to confirm who one is.

Source: docs/decisions/0005-accounts.md
"""

from __future__ import annotations

from typing import Any

import structlog
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.audit_actions import AuditAction
from accounts.models import Passkey, User
from accounts.services import audit, factors, notices, passkey_challenges, passkey_wire, passkeys
from accounts.services.passkey_challenges import Ceremony
from accounts.services.passkey_wire import PasskeyRefused
from namaskah.lib.ids import uuid7

log = structlog.get_logger(__name__)


def begin(user: User | None) -> Ceremony:
    """Ask the browser to show a passkey: one of this person's, or, of a visitor, whatever it has for us.

    Nothing is listed for a visitor, so nobody learns who has a passkey.
    """
    kept = passkeys.of(user.pk) if user else []
    challenge = passkey_challenges.make(user)
    return Ceremony(
        challenge, passkey_wire.request_options(challenge=challenge, known=map(passkeys.known_key, kept))
    )


def show(*, credential: dict[str, Any], challenge: str, user: User | None) -> Passkey:
    """Find out whose passkey was shown, and that it was.

    Args:
        user: Who must own it; None when that is the question. Whether its owner may come in is for the caller to ask.

    Raises:
        CeremonyOver: The challenge is used, too old, or was made for another person.
        PasskeyRefused: It is unknown or another person's, the signature is wrong, or it has been copied.
    """
    passkey_challenges.use_up(challenge, user)
    claim = passkey_wire.read_claim(credential)
    passkey = Passkey.objects.select_related("user").filter(credential_id=claim.credential_id).first()
    if passkey is None:
        log.info("Passkey refused", why="unknown")
        raise PasskeyRefused
    if not _may_be(passkey, claim, user):
        _note_failure(passkey, "another person's")
        raise PasskeyRefused
    try:
        shown = passkey_wire.verify_shown(
            credential, challenge=challenge, public_key=bytes(passkey.public_key)
        )
    except PasskeyRefused:
        _note_failure(passkey, "not right")
        raise
    if not _note_use(passkey, shown):
        raise PasskeyRefused
    return passkey


def _may_be(passkey: Passkey, claim: passkey_wire.Claim, user: User | None) -> bool:
    """Whether the answer and the row speak of one person, and of the one who must show it."""
    if claim.handle and claim.handle != passkey.user_handle:
        return False
    return user is None or passkey.user_id == user.pk


def _note_use(passkey: Passkey, shown: passkey_wire.Shown) -> bool:
    """Write down that it was shown. False for a copy: a key that counts must have counted on since we saw it last.

    Keys that are synchronised between devices do not count and stay at nought.
    """
    with transaction.atomic():
        factors.lock(passkey.user_id)
        row = Passkey.objects.filter(pk=passkey.pk).first()
        if row is None:  # removed meanwhile
            return False
        is_copy = (shown.sign_count or row.sign_count) and shown.sign_count <= row.sign_count
        if is_copy:
            _note_copy(row)
            return False
        row.sign_count, row.is_synced, row.last_used_at = shown.sign_count, shown.is_synced, timezone.now()
        row.save(update_fields=["sign_count", "is_synced", "last_used_at"])
    return True


def _note_copy(passkey: Passkey) -> None:
    """The old count came with a right signature: somebody else holds the same key. Its owner must know."""
    log.warning("Passkey refused", passkey=passkey.pk, why="its count did not rise")
    _record_failure(passkey, "copied")
    notices.tell(
        user_id=passkey.user_id,
        template="passkey_copied",
        context={"name": passkey.name, "url": reverse("settings:passkeys")},
        key=f"passkey-copied:{uuid7()}",
    )


def _note_failure(passkey: Passkey, why: str) -> None:
    log.info("Passkey refused", passkey=passkey.pk, why=why)
    with transaction.atomic():
        _record_failure(passkey, why)


def _record_failure(passkey: Passkey, why: str) -> None:
    audit.record(
        AuditAction.FACTOR_FAILED,
        actor=None,
        subject=passkey.user_id,
        target=passkeys.target_of(passkey),
        after={"factor": factors.PASSKEY, "why": why},
    )
