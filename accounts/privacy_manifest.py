"""What accounts knows about people, column by column. A test fails for a column without an answer."""

from __future__ import annotations

from django.db.models import Case, F, Q, When
from django.utils.translation import gettext_lazy as _

from accounts.privacy import leftovers, old_rows
from accounts.privacy.registry import Manifest
from accounts.privacy.vocabulary import Column, Erase, Ground, Keep, Kind, Table, columns, ours

# What staff did to an account is told, and not from which machine.
_OWN_ACT = Q(actor_id=None) | Q(actor_id=F("subject_id"))


def erased_address(user_id: int) -> str:
    """What stands where an address was: nobody's, and still one of a kind."""
    return f"erased-{user_id}@erased.invalid"


_FACTOR = (
    columns(Kind.IDENTIFIER, "id user")
    | columns(Kind.SECURITY, "throttling_failure_timestamp throttling_failure_count")
    | columns(Kind.SECURITY, "name confirmed created_at last_used_at", export=True)
)

_SECURITY = (
    Table(
        "accounts.Session",
        _("Sessions: browser and address of each device you are signed in on"),
        columns(Kind.SECURITY, "session_key session_data")
        | columns(Kind.IDENTIFIER, "id user")
        | columns(Kind.SECURITY, "started_at last_seen_at expire_date is_remembered verified_at", export=True)
        | columns(Kind.TECHNICAL, "address user_agent", export=True),
        keep=Keep.SESSION,
        owners=("user_id",),
        goes=True,
        export="sessions",
    ),
    Table(
        "accounts.KnownDevice",
        _("Devices you have signed in with before"),
        columns(Kind.SECURITY, "token_hash")
        | columns(Kind.IDENTIFIER, "id user")
        | columns(Kind.SECURITY, "created_at last_used_at trusted_until user_agent address", export=True),
        keep=Keep.LOGS,
        owners=("user_id",),
        goes=True,
        export="known_devices",
    ),
    Table(
        "accounts.Proof",
        _("Links and codes we sent you"),
        columns(Kind.SECURITY, "id token_hash code_hash tries_left sends sealed due_at sent_at")
        | columns(Kind.IDENTIFIER, "user")
        | columns(Kind.CONTACT, "email", export=True)
        | columns(Kind.SECURITY, "purpose created_at expires_at used_at", export=True),
        keep=Keep.PROOFS,
        owners=("user_id",),
        goes=True,
        export="links_and_codes",
    ),
    # Its key is a fingerprint of an address, so nobody's rows can be listed; it goes by itself.
    Table(
        "accounts.SignInGuard",
        _("Counts of wrong passwords"),
        columns(Kind.SECURITY, "key failures since locked_until locks sealed due_at"),
        keep=Keep.PROOFS,
    ),
    Table(
        "accounts.TotpDevice",
        _("Your authenticator app"),
        _FACTOR | columns(Kind.SECURITY, "sealed_key last_step"),
        keep=Keep.ACCOUNT,
        owners=("user_id",),
        goes=True,
        export="authenticator_apps",
    ),
    Table(
        "accounts.CodeDevice",
        _("Where codes for signing in go"),
        _FACTOR
        | columns(Kind.SECURITY, "channel", export=True)
        | columns(Kind.CONTACT, "phone_hint")
        | {"sealed_phone": Column(Kind.CONTACT, export="phone", opens=True)},
        keep=Keep.ACCOUNT,
        owners=("user_id",),
        goes=True,
        export="codes_by_message",
    ),
    Table(
        "accounts.RecoveryCode",
        _("Recovery codes, as digests"),
        columns(Kind.SECURITY, "id sheet code_hash") | columns(Kind.SECURITY, "used_at", export=True),
        keep=Keep.ACCOUNT,
        owners=("sheet__user_id",),
        goes=True,
        export="recovery_codes",
    ),
    Table(
        "accounts.RecoveryDevice",
        _("Sheets of recovery codes"),
        _FACTOR,
        keep=Keep.ACCOUNT,
        owners=("user_id",),
        goes=True,
        export="recovery_sheets",
    ),
    Table(
        "accounts.Passkey",
        _("Your passkeys"),
        columns(Kind.IDENTIFIER, "id user user_handle")
        | columns(Kind.SECURITY, "public_key sign_count transports")
        | columns(Kind.SECURITY, "name credential_id is_synced created_at last_used_at", export=True),
        keep=Keep.ACCOUNT,
        owners=("user_id",),
        goes=True,
        export="passkeys",
    ),
    Table(
        "accounts.FactorReset",
        _("Resets of your second factors by our staff"),
        columns(Kind.IDENTIFIER, "id user asked_by decided_by")
        | columns(Kind.SECURITY, "reason")
        | columns(Kind.SECURITY, "asked_at decided_at is_approved", export=True),
        keep=Keep.ACCOUNT,
        owners=("user_id",),
        goes=True,
        export="factor_resets",
    ),
    Table(
        "accounts.AuditEntry",
        _("Security log: what was done with your account, when and from where"),
        columns(Kind.IDENTIFIER, "id actor_id actor_role subject_id")
        | columns(Kind.SECURITY, "request_id reason before after number hash")
        | columns(Kind.SECURITY, "created_at action target", export=True)
        | {
            name: Column(Kind.SECURITY, export=name, reads=Case(When(_OWN_ACT, then=F(name))))
            for name in ("address", "user_agent")
        },
        keep=Keep.AUDIT,
        owners=("subject_id",),
        export="security_log",
    ),
    ours(
        "accounts.AuditSeal",
        _("Seals of the trail"),
        "id created_at first_number last_number hash is_removal mac",
    ),
)

_TELLING = (
    Table(
        "accounts.Event",
        _("Events: what happened to your orders and payments"),
        columns(Kind.IDENTIFIER, "user sequence")
        | columns(Kind.CONTENT, "id type subject data created_at", export=True),
        keep=Keep.LOGS,
        ground=Ground.CONTRACT,
        owners=("user_id",),
        goes=True,
        export="events",
    ),
    Table(
        "accounts.Notice",
        _("Notices under the bell"),
        columns(Kind.IDENTIFIER, "id user key")
        | columns(Kind.TECHNICAL, "is_shown")
        | columns(Kind.CONTENT, "template context created_at read_at", export=True),
        keep=Keep.LOGS,
        ground=Ground.CONTRACT,
        owners=("user_id",),
        goes=True,
        export="notices",
    ),
    Table(
        "accounts.NoticePreference",
        _("What you want to be told of"),
        columns(Kind.IDENTIFIER, "id user") | columns(Kind.TECHNICAL, "topic in_app by_email", export=True),
        keep=Keep.ACCOUNT,
        ground=Ground.CONTRACT,
        owners=("user_id",),
        goes=True,
        export="notice_preferences",
    ),
    Table(
        "accounts.OutgoingEmail",
        _("E-mails we sent you"),
        columns(Kind.IDENTIFIER, "id user key")
        | columns(Kind.SECURITY, "sealed")
        | columns(Kind.TECHNICAL, "tries next_try_at error given_up_at")
        | columns(Kind.CONTACT, "to", export=True)
        | columns(Kind.CONTENT, "template context created_at sent_at", export=True),
        keep=Keep.LOGS,
        ground=Ground.CONTRACT,
        owners=("user_id",),
        goes=True,
        export="emails",
    ),
)

_PRIVACY = (
    Table(
        "accounts.Consent",
        _("What you agreed to, and when"),
        columns(Kind.IDENTIFIER, "id user")
        | columns(Kind.CONTENT, "document version is_given created_at place", export=True)
        | columns(Kind.TECHNICAL, "address", export=True, erase=Erase.BLANK),
        keep=Keep.BOOKS,
        ground=Ground.LAW,
        owners=("user_id",),
        export="consents",
    ),
    Table(
        "accounts.ExportPart",
        _("The copy itself, sealed"),
        columns(Kind.CONTENT, "id export number sealed"),
        keep=Keep.EXPORT,
        ground=Ground.LAW,
        owners=("export__user_id",),
        goes=True,
    ),
    Table(
        "accounts.DataExport",
        _("Copies of your data that you asked for"),
        columns(Kind.IDENTIFIER, "id user")
        | columns(Kind.TECHNICAL, "next_try_at tries")
        | columns(Kind.CONTENT, "created_at ready_at failed_at expires_at downloaded_at size", export=True),
        keep=Keep.ACCOUNT,
        ground=Ground.LAW,
        owners=("user_id",),
        goes=True,
        export="exports",
    ),
    Table(
        "accounts.Erasure",
        _("That an erasure was asked for and done"),
        columns(Kind.IDENTIFIER, "id user asked_by_id")
        | columns(Kind.TECHNICAL, "next_try_at obstacle")
        | columns(
            Kind.CONTENT, "asked_at due_at started_at gives_up_balance cancelled_at done_at", export=True
        )
        | columns(Kind.CONTENT, "reason", erase=Erase.BLANK),
        keep=Keep.BOOKS,
        ground=Ground.LAW,
        owners=("user_id",),
        export="erasures",
    ),
)

# The person comes last: everything before is found by them.
_PERSON = (
    Table(
        "admin.LogEntry",
        _("Acts of staff in the console"),
        columns(
            Kind.IDENTIFIER,
            "id action_time user content_type object_id object_repr action_flag change_message",
        ),
        keep=Keep.AUDIT,
    ),
    Table(
        "accounts.User",
        _("Your account: e-mail address and password, as a digest"),
        columns(Kind.IDENTIFIER, "id", export=True)
        | columns(Kind.TECHNICAL, "is_staff session_epoch")
        | columns(Kind.IDENTIFIER, "role", export="role", reads="role_id")
        | columns(Kind.TECHNICAL, "state date_joined message_days", export=True)
        | columns(
            Kind.SECURITY, "last_login email_verified_at password_changed_at", export=True, erase=Erase.BLANK
        )
        | columns(Kind.TECHNICAL, "leaving_at", erase=Erase.BLANK)
        | {
            "email": Column(Kind.CONTACT, export="email", erase=Erase.REPLACE, becomes=erased_address),
            "password": Column(Kind.SECURITY, erase=Erase.REPLACE, becomes="!erased"),
        },
        keep=Keep.ACCOUNT,
        ground=Ground.CONTRACT,
        owners=("pk",),
        export="account",
    ),
)

MANIFEST = Manifest(
    "accounts",
    (*_SECURITY, *_TELLING, *_PRIVACY, *_PERSON),
    scrub=leftovers.scrub,
    retain=old_rows.remove,
)
