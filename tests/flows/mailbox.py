"""Reading the e-mails that a running product wrote into its `var/mail`, as a person reads theirs."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from tests.live_stack import LiveStack, wait_for

SEPARATOR = b"\n" + b"-" * 79 + b"\n"  # what Django's backend writes below each message
CODE = re.compile(r"^(\d{6})$", re.MULTILINE)
LINK = re.compile(r"https?://[^\s\"<>]+/accounts/[^\s\"<>]+")


def letters(live: LiveStack, email: str) -> list[EmailMessage]:
    """What was sent to an address, oldest first."""
    return [letter for letter in _all(live.var_dir / "mail") if str(letter["To"]).lower() == email.lower()]


def letter_for(live: LiveStack, email: str, words: str, patience_s: float = 30.0) -> EmailMessage:
    """The newest e-mail to an address whose subject or text holds these words; waits for it."""

    def look() -> EmailMessage | None:
        found = [
            letter for letter in letters(live, email) if words in f"{letter['Subject']}\n{text_of(letter)}"
        ]
        return found[-1] if found else None

    found = wait_for(look, f"an e-mail to {email} with {words!r}", patience_s)
    assert found is not None
    return found


def code_for(live: LiveStack, email: str, *, older_than: str = "", patience_s: float = 30.0) -> str:
    """The newest six digits sent to an address; waits for them.

    Args:
        older_than: A code that was read before, when another one is awaited.
    """

    def look() -> str:
        codes = [found[1] for letter in letters(live, email) if (found := CODE.search(text_of(letter)))]
        return codes[-1] if codes and codes[-1] != older_than else ""

    return wait_for(look, f"a code for {email}", patience_s)


def link_for(live: LiveStack, email: str, words: str = "", patience_s: float = 30.0) -> str:
    """The link in the newest e-mail to an address, as far as it leads to /accounts/."""
    found = LINK.search(text_of(letter_for(live, email, words, patience_s)))
    assert found, f"no link in the e-mail to {email}"
    return found[0]


def text_of(letter: EmailMessage) -> str:
    """What a person reads of it."""
    part = letter.get_body(preferencelist=("plain",))
    assert part is not None
    return str(part.get_content())


def _all(folder: Path) -> list[EmailMessage]:
    letters = []
    for path in sorted(folder.glob("*.log")):  # names begin with their time
        for piece in path.read_bytes().split(SEPARATOR):
            message = message_from_bytes(piece.lstrip(b"\n"), policy=policy.default)
            assert isinstance(message, EmailMessage)  # what this policy makes
            if message["To"]:
                letters.append(message)
    return letters
