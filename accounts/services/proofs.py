"""Links and codes that prove something: made here, kept as digests, good once and for a while.

A request that must not tell whether an account exists (sign-up, password reset) writes its row and nothing else; a task fills
it in and sends it (`open_request`, `arm`). Source: docs/decisions/0005-accounts.md
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _

from accounts.enums import ProofPurpose
from accounts.models import Proof, User
from namaskah.exceptions import DomainError
from namaskah.lib import sealing

LIFETIME: dict[str, dt.timedelta] = {
    ProofPurpose.SIGN_UP: dt.timedelta(hours=24),
    ProofPurpose.VERIFY_EMAIL: dt.timedelta(hours=24),
    ProofPurpose.RESET_PASSWORD: dt.timedelta(hours=1),
    ProofPurpose.CHANGE_EMAIL_OLD: dt.timedelta(hours=24),
    ProofPurpose.CHANGE_EMAIL_NEW: dt.timedelta(hours=24),
    ProofPurpose.SECOND_FACTOR: dt.timedelta(minutes=10),
    ProofPurpose.CONFIRM_PHONE: dt.timedelta(minutes=10),
    ProofPurpose.PASSKEY: dt.timedelta(minutes=5),
}
TRIES = 5  # wrong codes before a proof is worth nothing; one in 200,000 to guess


class WrongCode(DomainError):
    """This code is not the one that was sent."""

    code = "wrong_code"
    status = 400

    def __init__(self) -> None:
        super().__init__(_("This code is not right. Please look at the newest message and try again."))


class ProofOver(DomainError):
    """It was used, it is too old, or too many wrong codes were tried."""

    code = "code_expired"
    status = 400

    def __init__(self) -> None:
        super().__init__(_("This code or link is no longer valid. Please ask for a new one."))


@dataclass(frozen=True, slots=True)
class Secrets:
    """What is sent: `token` goes into a link, `code` is six digits to type. Nobody keeps them."""

    token: str
    code: str


def open_request(
    purpose: ProofPurpose,
    *,
    email: str,
    user: User | None = None,
    payload: dict[str, Any] | None = None,
) -> Proof:
    """Write down that something is to be proved. Nothing works before `arm` gives it a link and a code.

    Args:
        payload: What comes into force with it; sealed at rest.
    """
    now = timezone.now()
    return Proof.objects.create(
        purpose=purpose,
        user=user,
        email=email,
        sealed=sealing.seal(json.dumps(payload)) if payload else "",
        tries_left=TRIES,
        created_at=now,
        expires_at=now + LIFETIME[purpose],
        due_at=now,
    )


def arm(proof: Proof) -> Secrets:
    """Give a proof a new link and a new code; the ones of before stop working. Call it in the transaction that sends them."""
    made = Secrets(secrets.token_urlsafe(32), f"{secrets.randbelow(10**6):06d}")
    proof.token_hash, proof.code_hash = digest(made.token), _code_digest(proof.pk, made.code)
    note_sent(proof)
    return made


def note_sent(proof: Proof) -> None:
    """Count a sending; without `arm` it is that of another message, after which the page must behave no differently."""
    now = timezone.now()
    proof.tries_left, proof.sends, proof.due_at = TRIES, proof.sends + 1, None
    proof.sent_at, proof.expires_at = now, now + LIFETIME[proof.purpose]
    proof.save(
        update_fields=["token_hash", "code_hash", "tries_left", "sends", "due_at", "sent_at", "expires_at"]
    )


def issue(
    purpose: ProofPurpose, *, user: User, email: str = "", payload: dict[str, Any] | None = None
) -> tuple[Proof, Secrets]:
    """Make a proof for somebody known, ready to be sent; older ones of this purpose stop working."""
    with transaction.atomic():
        retire(purpose, user=user)
        proof = open_request(purpose, email=email or user.email, user=user, payload=payload)
        return proof, arm(proof)


def retire(purpose: ProofPurpose, *, user: User) -> None:
    """Whatever was sent for this purpose is worth nothing any more."""
    Proof.objects.filter(purpose=purpose, user=user, used_at=None).update(used_at=timezone.now(), due_at=None)


def retire_all(user: User) -> None:
    """Nothing that was ever sent to somebody works any more: whoever read their mail starts with nothing."""
    Proof.objects.filter(user=user, used_at=None).update(used_at=timezone.now(), due_at=None)


def redeem_code(
    proof_id: uuid.UUID,
    purpose: ProofPurpose,
    code: str,
    *,
    then: Callable[[Proof], object] | None = None,
) -> Proof:
    """Use a code. A wrong one costs a try, which is committed whatever the caller does next.

    Call it outside a transaction: who wins among several callers is decided by the row.

    Args:
        then: Done in the same transaction with a right code, so that no code is used up for nothing: when it raises, the
            code stays good.

    Raises:
        WrongCode: Tries are left.
        ProofOver: None are, or it is used or too old.
    """
    typed = "".join(code.split())
    with transaction.atomic():
        proof = _held(pk=proof_id, purpose=purpose)
        if proof is None or not _is_open(proof) or proof.tries_left == 0:
            raise ProofOver
        is_right = constant_time_compare(proof.code_hash, _code_digest(proof.pk, typed))
        if is_right:
            _use(proof)
            if then is not None:
                then(proof)
            return proof
        proof.tries_left -= 1
        proof.save(update_fields=["tries_left"])
    raise WrongCode if proof.tries_left else ProofOver


def find_token(purpose: ProofPurpose, token: str) -> Proof | None:
    """The proof of a link, if the link would work now. Using it up is `redeem_token`'s."""
    proof = Proof.objects.filter(purpose=purpose, token_hash=digest(token)).first()
    return proof if proof is not None and _is_open(proof) else None


def redeem_token(purpose: ProofPurpose, token: str) -> Proof:
    """Use a link, once.

    Raises:
        ProofOver: It is used, too old or not ours.
    """
    with transaction.atomic():
        proof = _held(purpose=purpose, token_hash=digest(token))
        if proof is None or not _is_open(proof):
            raise ProofOver
        _use(proof)
        return proof


def payload_of(proof: Proof) -> dict[str, Any]:
    """What was sealed into it.

    Raises:
        CannotUnseal: `DATA_KEYS` lost the key.
    """
    return dict(json.loads(sealing.unseal(proof.sealed))) if proof.sealed else {}


def digest(token: str) -> str:
    """How a link's token is written down: it has 256 bits of chance in it, so a plain digest cannot be guessed back."""
    return hashlib.sha256(token.encode()).hexdigest()


def _code_digest(proof_id: uuid.UUID, code: str) -> str:
    """Six digits are guessed in a blink, so their digest takes our key as well."""
    return sealing.fingerprint(f"code:{proof_id}:{code}")


def _held(**which: Any) -> Proof | None:
    """A proof under lock, after the row of its person: whoever retires proofs holds that one first."""
    found = Proof.objects.filter(**which)
    owner = found.values_list("user_id", flat=True).first()
    if owner is not None:
        User.objects.select_for_update(no_key=True).filter(pk=owner).first()
    return found.select_for_update().first()


def _is_open(proof: Proof) -> bool:
    return proof.used_at is None and proof.expires_at > timezone.now()


def _use(proof: Proof) -> None:
    proof.used_at, proof.due_at = timezone.now(), None
    proof.save(update_fields=["used_at", "due_at"])
