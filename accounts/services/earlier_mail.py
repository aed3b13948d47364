"""What was written to an address while nobody had it: its owner's from the moment they prove it."""

from __future__ import annotations

from accounts.models import OutgoingEmail, Proof, User


def adopt(user: User) -> None:
    """Make it the person's: it goes into the copy of their data and leaves with them, whatever address they have by then.

    A proof that somebody is redeeming this moment is left alone: they wait for the address that this person has just got.
    """
    free = Proof.objects.select_for_update(skip_locked=True).filter(user=None, email__iexact=user.email)
    Proof.objects.filter(pk__in=list(free.values_list("pk", flat=True))).update(user=user)
    OutgoingEmail.objects.filter(user=None, to__iexact=user.email).update(user=user)
