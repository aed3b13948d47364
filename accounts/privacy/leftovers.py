"""What is about somebody without a column that says so: rows that hold their address, and the console's own history."""

from __future__ import annotations

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q

from accounts.models import OutgoingEmail, Proof, User

GONE = "(erased)"


def scrub(user_id: int) -> None:
    """Remove them, while the address is still known: call it before the person's row is changed."""
    user = User.objects.get(pk=user_id)
    Proof.objects.filter(email__iexact=user.email).delete()
    OutgoingEmail.objects.filter(user=None, to__iexact=user.email).delete()
    _scrub_console(user)


def _scrub_console(user: User) -> None:
    """The console names a row by its text, which for a person is the address; staff may have quoted it, too."""
    theirs = Q(content_type=ContentType.objects.get_for_model(User), object_id=str(user.pk))
    LogEntry.objects.filter(theirs | Q(object_repr__icontains=user.email)).update(object_repr=GONE)
    LogEntry.objects.filter(theirs | Q(change_message__icontains=user.email)).update(change_message=GONE)
