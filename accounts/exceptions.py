"""What accounts refuses to do."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from namaskah.exceptions import DomainError


class EmailTaken(DomainError):
    """Another user signs in with this address, in whatever spelling of case."""

    code = "email_taken"
    status = 409

    def __init__(self) -> None:
        super().__init__(_("This e-mail address already has an account."))
