"""Finding entries of the audit trail by what somebody types: each kind of term goes to the columns whose index serves it."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re

from django.db.models import Q

from accounts.audit_actions import AuditAction
from accounts.models import User

DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
PLACE = re.compile(r"#\d{1,18}", re.ASCII)
LARGEST = 2**63


def matching(text: str) -> Q:
    """Entries to which every word fits.

    Args:
        text: A person's number or e-mail address, an entry's number in the chain as `#12`, a target, an action, an address, a
            request id, a day; several of them narrow it down.
    """
    wanted = Q()
    for word in text.split():
        wanted &= _word(word)
    return wanted


def _word(word: str) -> Q:
    if word.isascii() and word.isdigit():
        return Q(actor_id=int(word)) | Q(subject_id=int(word)) if int(word) < LARGEST else _nothing()
    if PLACE.fullmatch(word):
        return Q(number=int(word[1:]))
    if "@" in word:
        return _of_person(word)
    if DAY.fullmatch(word):
        return _on(word)
    if word in AuditAction.values:
        return Q(action=word)
    if _is_address(word):
        return Q(address=word)
    return Q(target=word) | Q(request_id=word)


def _of_person(email: str) -> Q:
    user_id = User.objects.filter(email__iexact=email).values_list("pk", flat=True).first()
    return Q(actor_id=user_id) | Q(subject_id=user_id) if user_id is not None else _nothing()


def _on(day: str) -> Q:
    try:
        start = dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC)
        return Q(created_at__gte=start, created_at__lt=start + dt.timedelta(days=1))
    except (ValueError, OverflowError):
        return _nothing()


def _is_address(word: str) -> bool:
    try:
        ipaddress.ip_address(word)
    except ValueError:
        return False
    return True


def _nothing() -> Q:
    return Q(pk__in=[])
