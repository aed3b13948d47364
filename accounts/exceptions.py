"""What accounts refuses to do."""

from __future__ import annotations

import math

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from namaskah.exceptions import DomainError


class EmailTaken(DomainError):
    """Another user signs in with this address, in whatever spelling of case."""

    code = "email_taken"
    status = 409

    def __init__(self) -> None:
        super().__init__(_("This e-mail address already has an account."))


class TooManyTries(DomainError):
    """Nothing is looked at before `wait_s` seconds are over."""

    code = "too_many_tries"
    status = 429

    def __init__(self, wait_s: int) -> None:
        self.wait_s = wait_s
        minutes = math.ceil(wait_s / 60)
        if wait_s < 60:
            words = ngettext(
                "Too many tries. Please try again in %(count)d second.",
                "Too many tries. Please try again in %(count)d seconds.",
                wait_s,
            ) % {"count": wait_s}
        else:
            words = ngettext(
                "Too many tries. Please try again in %(count)d minute.",
                "Too many tries. Please try again in %(count)d minutes.",
                minutes,
            ) % {"count": minutes}
        super().__init__(words)


class SignInLocked(TooManyTries):
    """Too many wrong passwords for one address, whether or not it has an account."""

    code = "sign_in_locked"


class WrongPassword(DomainError):
    """Not the password that was chosen."""

    code = "wrong_password"
    status = 400

    def __init__(self) -> None:
        super().__init__(_("This password is not right."))


class AccountClosed(DomainError):
    """Suspended, banned or erased. Said to those alone who have shown that the account is theirs."""

    code = "account_suspended"
    status = 403

    def __init__(self) -> None:
        words = _("This account is closed. Please write to %(email)s if that is a mistake.")
        super().__init__(words % {"email": settings.SUPPORT_EMAIL})


class EmailNotVerified(DomainError):
    """Money is spent only by people whose address is proved."""

    code = "email_not_verified"
    status = 403

    def __init__(self) -> None:
        super().__init__(_("Please confirm your e-mail address first. Nothing was ordered."))


class FactorPresent(DomainError):
    """There is one of this kind already."""

    code = "factor_present"
    status = 409

    def __init__(self) -> None:
        super().__init__(_("This is set up already. Remove it first if you want to replace it."))


class FactorMissing(DomainError):
    """What was asked for stands beside another factor, and there is none."""

    code = "factor_missing"
    status = 409

    def __init__(self) -> None:
        super().__init__(_("First set up an authenticator app or a passkey."))


class LastFactor(DomainError):
    """Staff cannot be without a second factor."""

    code = "last_factor"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            _("Staff keeps at least one second factor. Add another one before you remove this one.")
        )


class MethodNotOffered(DomainError):
    """This way of showing who one is is not open to this person, or not now."""

    code = "method_not_offered"
    status = 409

    def __init__(self) -> None:
        super().__init__(_("This way is not open to you at the moment. Please choose another one."))


class OwnRole(DomainError):
    """Nobody decides what they may do themselves."""

    code = "own_role"
    status = 403

    def __init__(self) -> None:
        super().__init__(_("Your own role is changed by another administrator."))


class LastAdministrator(DomainError):
    """Somebody must stay who may do everything."""

    code = "last_administrator"
    status = 409

    def __init__(self) -> None:
        super().__init__(_("This is the last administrator. Appoint another one first."))


class NobodyThere(DomainError):
    """There is no such account, or nobody is behind it any more."""

    code = "nobody_there"
    status = 404

    def __init__(self) -> None:
        super().__init__(_("There is nobody behind this account."))
