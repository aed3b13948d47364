"""E-mails of a test: sent as the workers do, read as their receiver does."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from django.core import mail
from django.core.mail import EmailMessage

from accounts.services import emails, proof_sending

CODE = re.compile(r"^(\d{6})$", re.MULTILINE)
LINK = re.compile(r"http://testserver(/accounts/\S+)")


def deliver() -> list[EmailMessage]:
    """Send what waits and return it; what was sent before is put away."""
    mail.outbox.clear()
    while proof_sending.send_due() or emails.send_due():
        continue
    return list(mail.outbox)


def letter_to(email: str) -> EmailMessage:
    """The one e-mail that now goes to an address."""
    (letter,) = [letter for letter in deliver() if letter.to == [email]]
    return letter


def code_in(letter: EmailMessage) -> str:
    """Its six digits."""
    found = CODE.search(str(letter.body))
    assert found, letter.body
    return found[1]


def link_in(letter: EmailMessage) -> str:
    """Its link, from the root of the site on."""
    found = LINK.search(str(letter.body))
    assert found, letter.body
    return urlsplit(found[1]).path


def other_than(code: str) -> str:
    """Six digits that are not these."""
    return f"{(int(code) + 1) % 10**6:06d}"
