"""People and the facts they are told."""

from accounts.models.email import OutgoingEmail
from accounts.models.event import Event
from accounts.models.user import User

__all__ = ["Event", "OutgoingEmail", "User"]
