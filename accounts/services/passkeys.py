"""Passkeys of a person: adding, renaming and removing them. Showing one is in `passkey_showing.py`.

A ceremony has two halves. The first makes a challenge; the second uses it up, checks the answer with no transaction open, and
then changes rows under the lock of the person's own. Source: docs/decisions/0005-accounts.md
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import structlog
from django.db import IntegrityError, transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Passkey, User
from accounts.services import factor_changes, factors, passkey_challenges, passkey_wire
from accounts.services.passkey_challenges import Ceremony
from accounts.services.passkey_wire import KnownKey, NewKey
from namaskah.exceptions import DomainError
from namaskah.lib import sealing

log = structlog.get_logger(__name__)
MOST = 10  # for one person


class TooManyPasskeys(DomainError):
    """Somebody has as many as one may have."""

    code = "too_many_passkeys"
    status = 409

    def __init__(self) -> None:
        super().__init__(_("You have as many passkeys as we keep. Remove one you no longer use first."))


class PasskeyTaken(DomainError):
    """The same credential is kept already."""

    code = "passkey_taken"
    status = 409

    def __init__(self) -> None:
        super().__init__(_("This passkey is already in use."))


@dataclass(frozen=True, slots=True)
class Added:
    """A new passkey, and the recovery codes that came with it when it is somebody's first factor."""

    passkey: Passkey
    recovery_codes: list[str]


def of(user_id: int) -> list[Passkey]:
    """Somebody's passkeys, oldest first."""
    return list(Passkey.objects.filter(user_id=user_id).order_by("pk"))


def begin_adding(user: User) -> Ceremony:
    """Ask the browser to have a passkey made.

    Raises:
        TooManyPasskeys: There is no room for one more.
    """
    kept = of(user.pk)
    if len(kept) >= MOST:
        raise TooManyPasskeys
    challenge = passkey_challenges.make(user)
    options = passkey_wire.creation_options(
        challenge=challenge, handle=_handle(user, kept), email=user.email, known=map(known_key, kept)
    )
    return Ceremony(challenge, options)


def check_new(*, user: User, credential: dict[str, Any], challenge: str) -> NewKey:
    """Read the passkey that was made, for `keep`. Call it outside a transaction: the challenge is spent whatever follows.

    Args:
        challenge: The one that this browser's session remembers.

    Raises:
        CeremonyOver: The challenge is used, too old, or was made for another person.
        PasskeyRefused: The answer proves nothing.
    """
    passkey_challenges.use_up(challenge, user)
    return passkey_wire.verify_new(credential, challenge=challenge)


def keep(*, user: User, name: str, made: NewKey) -> Added:
    """Keep a passkey that was just made.

    Args:
        name: Its owner's word for it; empty becomes `Passkey 2` and so on.

    Raises:
        PasskeyTaken: It is kept already.
        TooManyPasskeys: There is no room for one more.
    """
    with transaction.atomic():
        locked = factors.lock(user.pk)
        kept = of(user.pk)
        if len(kept) >= MOST:
            raise TooManyPasskeys
        passkey = _create(
            Passkey(
                user=locked,
                name=name or gettext("Passkey %(number)d") % {"number": len(kept) + 1},
                user_handle=_handle(locked, kept),
                credential_id=made.credential_id,
                public_key=made.public_key,
                sign_count=made.sign_count,
                transports=list(made.transports),
                is_synced=made.is_synced,
            )
        )
        codes = factor_changes.added(user=locked, factor=factors.PASSKEY)
    log.info("Passkey added", passkey=passkey.pk)
    return Added(passkey, codes)


def rename(*, user: User, passkey_id: int, name: str) -> bool:
    """Give a passkey another name. False when it is not theirs."""
    return bool(Passkey.objects.filter(pk=passkey_id, user=user).update(name=name))


def remove(*, user: User, passkey_id: int) -> bool:
    """Take a passkey away. False when it is not theirs, or gone already.

    Raises:
        LastFactor: Staff keeps at least one factor.
    """
    with transaction.atomic():
        locked = factors.lock(user.pk)
        passkey = Passkey.objects.filter(pk=passkey_id, user=locked).first()
        if passkey is None:
            return False
        factors.refuse_last_of_staff(locked)
        passkey.delete()
        factor_changes.removed(user=locked, factor=factors.PASSKEY)
    log.info("Passkey removed", passkey=passkey_id)
    return True


def known_key(passkey: Passkey) -> KnownKey:
    """As the wire speaks of it."""
    return KnownKey(passkey.credential_id, tuple(passkey.transports))


def target_of(passkey: Passkey) -> str:
    """As the audit trail names it."""
    return f"accounts.passkey:{passkey.pk}"


def _create(passkey: Passkey) -> Passkey:
    try:
        with transaction.atomic():
            passkey.save(force_insert=True)
    except IntegrityError:
        raise PasskeyTaken from None
    return passkey


def _handle(user: User, kept: list[Passkey]) -> str:
    """How authenticators know a person: a keyed digest, the same for all their passkeys whatever key is ours by now."""
    return kept[0].user_handle if kept else sealing.fingerprint(f"passkey-user:{user.pk}")
