"""Challenges of passkeys: proofs like any other, for one use and five minutes. Source: docs/decisions/0005-accounts.md"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.enums import ProofPurpose
from accounts.models import User
from accounts.services import proofs
from namaskah.exceptions import DomainError


class CeremonyOver(DomainError):
    """The challenge was used, is too old, or was somebody else's."""

    code = "passkey_too_late"
    status = 400

    def __init__(self) -> None:
        super().__init__(_("That took too long, or was done twice. Please try again."))


@dataclass(frozen=True, slots=True)
class Ceremony:
    """A challenge and what the browser is asked with it. The browser's session remembers the challenge."""

    challenge: str
    options: dict[str, Any]


def make(user: User | None) -> str:
    """A challenge for this person, or for a visitor whose name is the question."""
    with transaction.atomic():
        return proofs.arm(proofs.open_request(ProofPurpose.PASSKEY, email="", user=user)).token


def use_up(challenge: str, user: User | None) -> None:
    """Spend a challenge.

    Raises:
        CeremonyOver: It was spent, is too old, or was made for another person.
    """
    try:
        proof = proofs.redeem_token(ProofPurpose.PASSKEY, challenge)
    except proofs.ProofOver:
        raise CeremonyOver from None
    if proof.user_id != (user.pk if user else None):
        raise CeremonyOver
