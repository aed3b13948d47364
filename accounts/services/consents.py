"""What somebody agreed to, in which version, and what they took back. Rows are only added. Source: docs/privacy.md"""

from __future__ import annotations

from django.db import transaction

from accounts.audit_actions import AuditAction
from accounts.enums import Document
from accounts.legal import VERSIONS
from accounts.models import Consent, User
from accounts.services import audit
from namaskah.lib import request_facts

__all__ = ["VERSIONS", "current", "has_given", "history", "note", "set_marketing"]


def note(user: User, document: Document, is_given: bool, place: str) -> None:
    """Write down that somebody agreed to the version in force, or took it back.

    Args:
        place: Where they said so: `sign-up` or `settings`.
    """
    Consent.objects.create(
        user=user,
        document=document,
        version=VERSIONS[document],
        is_given=is_given,
        address=request_facts.current().address,
        place=place,
    )


def current(user_id: int) -> dict[str, Consent]:
    """The last word on each document, for those on which there is one."""
    latest = Consent.objects.filter(user_id=user_id).order_by("document", "-created_at", "-pk")
    return {row.document: row for row in latest.distinct("document")}


def history(user_id: int) -> list[Consent]:
    """Everything that was agreed to and taken back, newest first."""
    return list(Consent.objects.filter(user_id=user_id).order_by("-created_at", "-pk")[:50])


def has_given(user_id: int, document: Document) -> bool:
    """Whether the last word is a yes. Without a word it is a no."""
    latest = Consent.objects.filter(user_id=user_id, document=document).order_by("-created_at", "-pk").first()
    return latest is not None and latest.is_given


def set_marketing(*, user: User, is_given: bool) -> bool:
    """Agree to product news, or take it back. False when it was so already."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)  # two clicks are one word
        if has_given(user.pk, Document.MARKETING) == is_given:
            return False
        note(user, Document.MARKETING, is_given, "settings")
        audit.record(
            AuditAction.CONSENT_CHANGED,
            actor=user,
            subject=user,
            target=f"document:{Document.MARKETING}",
            before={"given": not is_given},
            after={"given": is_given},
        )
    return True
