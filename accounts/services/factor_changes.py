"""What every change of somebody's factors brings with it: the trail, a notice, no more trusted browsers.

Both functions run in the transaction of the change, with the person's row locked (`factors.lock`).
"""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.audit_actions import AuditAction
from accounts.models import RecoveryDevice, User
from accounts.services import audit, factors, notices, recovery_codes
from namaskah.lib.ids import uuid7

STAND_INS = (factors.EMAIL, factors.SMS)


def added(*, user: User, factor: str) -> list[str]:
    """A factor was added.

    Returns:
        With the first one a sheet of recovery codes, to be shown once; else nothing.
    """
    is_first = factor not in STAND_INS and not RecoveryDevice.objects.filter(user=user).exists()
    action = AuditAction.PASSKEY_ADDED if factor == factors.PASSKEY else AuditAction.FACTOR_ADDED
    audit.record(action, actor=user, subject=user, after={"factor": factor})
    factors.distrust(user.pk)
    _tell(user, "factor_added", factor)
    if not is_first:
        return []
    codes = recovery_codes.write_sheet(user)
    audit.record(AuditAction.RECOVERY_CODES_MADE, actor=user, subject=user, after={"count": len(codes)})
    return codes


def removed(*, user: User, factor: str) -> None:
    """A factor was removed; with the last one goes what stood in for it."""
    if not factors.has_second_factor(user.pk):
        factors.delete_stand_ins(user.pk)
    action = AuditAction.PASSKEY_REMOVED if factor == factors.PASSKEY else AuditAction.FACTOR_REMOVED
    audit.record(action, actor=user, subject=user, before={"factor": factor})
    factors.distrust(user.pk)
    _tell(user, "factor_removed", factor)


def words(factor: str) -> str:
    """What people call it."""
    return {
        factors.TOTP: _("an authenticator app"),
        factors.PASSKEY: _("a passkey"),
        factors.EMAIL: _("codes by e-mail"),
        factors.SMS: _("codes by SMS"),
        factors.RECOVERY: _("recovery codes"),
    }[factor]


def _tell(user: User, template: str, factor: str) -> None:
    notices.tell(
        user_id=user.pk,
        template=template,
        context={"factor": words(factor), "url": reverse("settings:security")},
        key=f"{template.replace('_', '-')}:{uuid7()}",
    )
