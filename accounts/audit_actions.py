"""The acts that the audit trail knows, by the names it keeps for good. The area comes first."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

AREAS = {
    "account": _("Accounts"),
    "session": _("Sessions and devices"),
    "factor": _("Second factors"),
    "standing": _("Standing and roles"),
    "access": _("Refused permissions"),
    "staff": _("Staff"),
    "privacy": _("Privacy"),
}  # what stands before the dot


class AuditAction(TextChoices):
    """What was done. Values are never reused for anything else."""

    SIGNED_UP = "account.signed_up", _("Account opened")
    SIGNED_IN = "session.signed_in", _("Signed in")
    SIGN_IN_FAILED = "session.sign_in_failed", _("Sign-in failed")
    SIGN_IN_LOCKED = "session.locked", _("Sign-in locked after wrong tries")
    SIGNED_OUT = "session.signed_out", _("Signed out")
    SESSION_ENDED = "session.ended", _("Session ended")
    SESSIONS_ENDED = "session.all_ended", _("All sessions ended")
    STEPPED_UP = "session.stepped_up", _("Identity confirmed")
    STEP_UP_FAILED = "session.step_up_failed", _("Identity not confirmed")
    DEVICE_TRUSTED = "session.device_trusted", _("Device trusted")
    DEVICE_DISTRUSTED = "session.device_distrusted", _("Device no longer trusted")
    DEVICE_FORGOTTEN = "session.device_forgotten", _("Device forgotten")

    EMAIL_VERIFIED = "account.email_verified", _("E-mail address confirmed")
    EMAIL_CHANGE_ASKED = "account.email_change_asked", _("Change of e-mail address asked for")
    EMAIL_CHANGED = "account.email_changed", _("E-mail address changed")
    PASSWORD_CHANGED = "account.password_changed", _("Password changed")
    PASSWORD_RESET_ASKED = "account.password_reset_asked", _("Password reset asked for")
    PASSWORD_RESET = "account.password_reset", _("Password reset")

    FACTOR_ADDED = "factor.added", _("Second factor added")
    FACTOR_REMOVED = "factor.removed", _("Second factor removed")
    FACTOR_FAILED = "factor.failed", _("Second factor refused")
    RECOVERY_CODES_MADE = "factor.recovery_codes_made", _("Recovery codes made")
    RECOVERY_CODE_USED = "factor.recovery_code_used", _("Recovery code used")
    PASSKEY_ADDED = "factor.passkey_added", _("Passkey added")
    PASSKEY_REMOVED = "factor.passkey_removed", _("Passkey removed")
    FACTOR_RESET_ASKED = "factor.reset_asked", _("Reset of second factors asked for")
    FACTOR_RESET_DECIDED = "factor.reset_decided", _("Reset of second factors decided")

    SUSPENDED = "standing.suspended", _("Account suspended")
    BANNED = "standing.banned", _("Account banned")
    RESTORED = "standing.restored", _("Account restored")
    ROLE_CHANGED = "standing.role_changed", _("Role changed")
    STAFF_APPOINTED = "standing.staff_appointed", _("Staff appointed")

    REFUSED = "access.refused", _("Permission refused")
    VIEWED = "staff.viewed", _("Customer data looked at")
    SEARCHED = "staff.searched", _("Customer data searched")
    CHANGED = "staff.changed", _("Record changed in the console")
    ADDED = "staff.added", _("Record added in the console")
    DELETED = "staff.deleted", _("Record deleted in the console")
    MONEY_ACT = "staff.money", _("Money act")
    EXPORTED = "staff.exported", _("List exported")

    CONSENT_CHANGED = "privacy.consent_changed", _("Consent changed")
    EXPORT_ASKED = "privacy.export_asked", _("Copy of the data asked for")
    EXPORT_READY = "privacy.export_ready", _("Copy of the data made")
    EXPORT_DOWNLOADED = "privacy.export_downloaded", _("Copy of the data downloaded")
    ERASURE_ASKED = "privacy.erasure_asked", _("Erasure asked for")
    ERASURE_CANCELLED = "privacy.erasure_cancelled", _("Erasure taken back")
    ERASED = "privacy.erased", _("Personal data erased")
    RETENTION_CHANGED = "privacy.retention_changed", _("Time messages are kept changed")
    PREFERENCES_CHANGED = "privacy.preferences_changed", _("Notices chosen")
