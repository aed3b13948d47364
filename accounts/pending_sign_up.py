"""The sign-up that a visitor's browser has begun: the session remembers which, so that six digits suffice here."""

from __future__ import annotations

import uuid

from django.http import HttpRequest

from accounts.enums import ProofPurpose
from accounts.models import Proof

KEY = "sign_up"


def note(request: HttpRequest, proof: Proof) -> None:
    """This browser has begun this sign-up; under a new key, so that one that was planted before knows nothing of it."""
    request.session.cycle_key()
    request.session[KEY] = str(proof.pk)


def of(request: HttpRequest) -> Proof | None:
    """What this browser has begun, whatever became of it."""
    known = request.session.get(KEY)
    return Proof.objects.filter(pk=uuid.UUID(known), purpose=ProofPurpose.SIGN_UP).first() if known else None


def forget(request: HttpRequest) -> None:
    """It has come to its end."""
    request.session.pop(KEY, None)
