"""What a customer reads of the audit trail: the acts about their own account, without staff's names and reasons."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import browsers
from accounts.audit_actions import AuditAction
from accounts.enums import Role
from accounts.models import AuditEntry

PAGE_ROWS = 25
LARGEST = 2**63
# What staff looks at and does about money is not in it: the statement shows the money, and no page is a customer's matter.
SHOWN = (
    AuditAction.SIGNED_UP, AuditAction.SIGNED_IN, AuditAction.SIGN_IN_FAILED, AuditAction.SIGN_IN_LOCKED,
    AuditAction.SIGNED_OUT, AuditAction.SESSION_ENDED, AuditAction.SESSIONS_ENDED, AuditAction.STEPPED_UP,
    AuditAction.STEP_UP_FAILED, AuditAction.DEVICE_TRUSTED, AuditAction.DEVICE_FORGOTTEN,
    AuditAction.DEVICE_DISTRUSTED, AuditAction.EMAIL_VERIFIED,
    AuditAction.EMAIL_CHANGE_ASKED, AuditAction.EMAIL_CHANGED, AuditAction.PASSWORD_CHANGED,
    AuditAction.PASSWORD_RESET_ASKED, AuditAction.PASSWORD_RESET, AuditAction.FACTOR_ADDED, AuditAction.FACTOR_REMOVED,
    AuditAction.FACTOR_FAILED, AuditAction.RECOVERY_CODES_MADE, AuditAction.RECOVERY_CODE_USED, AuditAction.PASSKEY_ADDED,
    AuditAction.PASSKEY_REMOVED, AuditAction.FACTOR_RESET_ASKED, AuditAction.FACTOR_RESET_DECIDED, AuditAction.SUSPENDED,
    AuditAction.BANNED, AuditAction.RESTORED, AuditAction.ROLE_CHANGED, AuditAction.STAFF_APPOINTED,
    AuditAction.CONSENT_CHANGED, AuditAction.EXPORT_ASKED, AuditAction.EXPORT_READY, AuditAction.EXPORT_DOWNLOADED,
    AuditAction.ERASURE_ASKED, AuditAction.ERASURE_CANCELLED, AuditAction.RETENTION_CHANGED,
    AuditAction.PREFERENCES_CHANGED,
)  # fmt: skip
ALARMING = frozenset({
    AuditAction.SIGN_IN_FAILED, AuditAction.SIGN_IN_LOCKED, AuditAction.STEP_UP_FAILED, AuditAction.FACTOR_FAILED,
    AuditAction.SUSPENDED, AuditAction.BANNED,
})  # fmt: skip
MEANS = {
    "password": gettext_lazy("password"),
    "totp": gettext_lazy("authenticator app"),
    "passkey": gettext_lazy("passkey"),
    "recovery_code": gettext_lazy("recovery code"),
    "email_code": gettext_lazy("code by e-mail"),
    "sms_code": gettext_lazy("code by SMS"),
    "trusted_device": gettext_lazy("trusted device"),
    "sign_up": gettext_lazy("new account"),
    "password_reset": gettext_lazy("password reset"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One act, in words.

    Attributes:
        detail: With what it was done, or what it was about; may be empty.
        who: Empty when nobody was signed in.
        address: Of whoever did it; never staff's.
    """

    at: dt.datetime
    what: str
    detail: str
    who: str
    browser: str
    address: str
    is_alarming: bool


@dataclass(frozen=True, slots=True)
class Page:
    """One page, newest first, with the cursors of its neighbours, None at the ends."""

    lines: list[Line]
    older: int | None
    newer: int | None


def page(user_id: int, *, older: str = "", newer: str = "", size: int = PAGE_ROWS) -> Page:
    """The entries beside a cursor, or the newest; a cursor that somebody has bent is none.

    Args:
        older: Entries before this one.
        newer: Entries after this one.
    """
    mine = AuditEntry.objects.filter(
        Q(action__in=SHOWN) | Q(action=AuditAction.CHANGED, target=f"accounts.user:{user_id}"),
        subject_id=user_id,
    )
    after, before = _cursor(newer), _cursor(older)
    if after is not None:
        found = list(mine.filter(pk__gt=after).order_by("pk")[: size + 1])
        has_newer, found = len(found) > size, found[:size][::-1]
        return _page(found, user_id, has_older=bool(found), has_newer=has_newer)
    if before is not None:
        mine = mine.filter(pk__lt=before)
    found = list(mine.order_by("-pk")[: size + 1])
    return _page(found[:size], user_id, has_older=len(found) > size, has_newer=before is not None)


def _page(entries: Sequence[AuditEntry], user_id: int, *, has_older: bool, has_newer: bool) -> Page:
    return Page(
        [_line(entry, user_id) for entry in entries],
        entries[-1].pk if entries and has_older else None,
        entries[0].pk if entries and has_newer else None,
    )


def _line(entry: AuditEntry, user_id: int) -> Line:
    action = AuditAction(entry.action)
    is_staffs = entry.actor_id not in (None, user_id)
    return Line(
        at=entry.created_at,
        what=_("Details of the account changed") if action == AuditAction.CHANGED else str(action.label),
        detail=_detail(action, entry),
        who=_("Our staff") if is_staffs else _("You") if entry.actor_id else "",
        browser=browsers.in_words(entry.user_agent) if entry.user_agent and not is_staffs else "",
        address=entry.address or "" if not is_staffs else "",
        is_alarming=action in ALARMING,
    )


def _detail(action: AuditAction, entry: AuditEntry) -> str:
    """What the entry says beside its name, as far as it has words a customer reads."""
    facts = {**_document(entry.before), **_document(entry.after)}
    if action == AuditAction.ROLE_CHANGED:
        return str(Role(facts["role"]).label) if facts.get("role") in Role.values else ""
    if action == AuditAction.RETENTION_CHANGED and isinstance(facts.get("days"), int):
        return _("%(days)d days") % {"days": facts["days"]}
    named = facts.get("methods") or [facts.get("method") or facts.get("factor")]
    return ", ".join(str(MEANS[name]) for name in named if name in MEANS)


def _document(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _cursor(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and int(text) < LARGEST else None
