"""People, how they sign in, what they are told and what is kept about what they did."""

from accounts.models.audit import AuditEntry, AuditSeal
from accounts.models.email import OutgoingEmail
from accounts.models.event import Event
from accounts.models.factors import CodeDevice, FactorReset, Passkey, RecoveryCode, RecoveryDevice, TotpDevice
from accounts.models.notice import Notice, NoticePreference
from accounts.models.privacy import Consent, DataExport, Erasure, ExportPart
from accounts.models.proof import Proof, SignInGuard
from accounts.models.session import KnownDevice, Session
from accounts.models.user import User

__all__ = [
    "AuditEntry",
    "AuditSeal",
    "CodeDevice",
    "Consent",
    "DataExport",
    "Erasure",
    "Event",
    "ExportPart",
    "FactorReset",
    "KnownDevice",
    "Notice",
    "NoticePreference",
    "OutgoingEmail",
    "Passkey",
    "Proof",
    "RecoveryCode",
    "RecoveryDevice",
    "Session",
    "SignInGuard",
    "TotpDevice",
    "User",
]
