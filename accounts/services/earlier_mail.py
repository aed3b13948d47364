"""What was written to an address while nobody had it: its owner's from the moment they prove it."""

from __future__ import annotations

from accounts.models import OutgoingEmail, Proof, User


def adopt(user: User) -> None:
    """Make it the person's: it goes into the copy of their data and leaves with them, whatever address they have by then.

    Other sign-ups for the address that are still open are nobody's: whoever redeems one learns that the address is taken.
    """
    Proof.objects.filter(user=None, email__iexact=user.email, used_at__isnull=False).update(user=user)
    OutgoingEmail.objects.filter(user=None, to__iexact=user.email).update(user=user)
