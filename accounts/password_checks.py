"""Whether a password is good enough: Django's rules, how soon it is guessed (zxcvbn), and whether it has leaked before."""

from __future__ import annotations

import hashlib
import threading

import structlog
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from zxcvbn import zxcvbn

from accounts.models import User
from namaskah.lib import http

log = structlog.get_logger(__name__)

LEAST_SCORE = 3  # of 4: beyond what a thief of a well-made hash gets through
LONGEST_LOOKED_AT = 100  # characters; zxcvbn's time grows with the square, and what comes after does no harm
CONNECT_S, READ_S = 1.0, 2.0
WEAKNESSES: dict[str, str | Promise] = {
    "bruteforce": _("It is too short to be hard to guess."),
    "date": _("Dates are easy to guess."),
    "dictionary": _("It is made of words or names that are easy to guess."),
    "regex": _("Years are easy to guess."),
    "repeat": _("Repeated letters or words are easy to guess."),
    "sequence": _("Sequences like abc or 6543 are easy to guess."),
    "spatial": _("Rows of keys are easy to guess."),
}
# zxcvbn puts the words of the person into a dictionary of the module, where two threads would meet.
_one_at_a_time = threading.Lock()


class StrengthValidator:
    """Django's way to say it: one of `AUTH_PASSWORD_VALIDATORS`."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Refuse what is guessed too soon, by somebody who knows the address and this site."""
        about = ["namaskah", "sms"]
        if user is not None and user.email:
            about += [user.email, *user.email.replace("@", ".").split(".")]
        with _one_at_a_time:
            found = zxcvbn(password[:LONGEST_LOOKED_AT], about, max_length=LONGEST_LOOKED_AT)
        if found["score"] < LEAST_SCORE:
            longest = max(found["sequence"], key=lambda match: len(match["token"]))
            reason = WEAKNESSES.get(longest["pattern"], WEAKNESSES["dictionary"])
            raise ValidationError(
                _(
                    "This password is easy to guess. %(reason)s Three or four words that do not belong together are hard."
                ),
                code="password_too_weak",
                params={"reason": reason},
            )

    def get_help_text(self) -> str:
        """What the field says beforehand."""
        return str(_("It must be hard to guess; a few words that do not belong together are."))


def check(password: str, *, user: User) -> None:
    """Refuse a weak or leaked password. May ask the list of leaked ones, so call it outside a transaction.

    Raises:
        ValidationError: With a sentence for the field.
    """
    validate_password(password, user)
    if has_leaked(password):
        raise ValidationError(
            _(
                "This password is in a list of stolen ones, so it would be tried first. Please choose another."
            ),
            code="password_leaked",
        )


def has_leaked(password: str) -> bool:
    """Whether the password is in the list of stolen ones; only the first five digits of its SHA-1 leave the house.

    Without an answer it is taken for new: a list that is away must not close the door to everybody.

    Source: https://haveibeenpwned.com/API/v3#SearchingPwnedPasswordsByRange
    """
    if not settings.BREACHED_PASSWORDS_URL:
        return False
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
    try:
        reply = http.send(
            "GET",
            f"{settings.BREACHED_PASSWORDS_URL}/{digest[:5]}",
            headers={"Add-Padding": "true"},
            connect_timeout_s=CONNECT_S,
            read_timeout_s=READ_S,
        )
    except http.HttpError:
        log.warning("List of stolen passwords away")
        return False
    if reply.status != 200:
        log.warning("List of stolen passwords not readable", status=reply.status)
        return False
    return _count(reply.text, digest[5:]) > 0


def _count(lines: str, suffix: str) -> int:
    """How often a password was seen; padding says 0."""
    for line in lines.splitlines():
        found, _colon, count = line.strip().partition(":")
        if found.upper() == suffix:
            return int(count) if count.isascii() and count.isdigit() else 0
    return 0
