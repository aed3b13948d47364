"""The outbox of e-mails: a row beside the fact it tells, sent by a worker after the commit.

An e-mail is sent at least once. A worker that dies between the mail server's yes and our note of it leaves a row that is
sent again; its Message-ID comes from the row, so mail programs that know it show one. The text is made when it is
sent, from the context as it was when it was queued, to the address the customer had then.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from email.utils import parseaddr
from enum import Enum
from smtplib import SMTPDataError, SMTPException, SMTPRecipientsRefused, SMTPResponseException
from typing import Any

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone
from psycopg.types.json import Jsonb

from accounts.models import OutgoingEmail
from accounts.services import email_templates
from namaskah.lib import queueing, sealing
from namaskah.lib.ids import uuid7

log = structlog.get_logger(__name__)

SEND_TASK = "accounts.send_email"
# Longer than the mail server's time-outs together, so that a slow sending is not taken for a dead one.
LEASE = dt.timedelta(minutes=5)
RETRY_AFTER = (
    dt.timedelta(minutes=1),
    dt.timedelta(minutes=5),
    dt.timedelta(minutes=30),
    dt.timedelta(hours=2),
    dt.timedelta(hours=6),
    dt.timedelta(hours=24),
)
SWEEP_ROWS = 50
# The address is read here, in the transaction of the fact. Behind an erased account is nobody to write to.
INSERT = """
INSERT INTO accounts_outgoingemail
    (id, user_id, "to", template, context, sealed, key, tries, next_try_at, error, created_at)
SELECT %(id)s, person.id, COALESCE(%(to)s, person.email), %(template)s, %(context)s, %(sealed)s, %(key)s, 0, %(now)s, '',
    %(now)s
FROM (SELECT %(user)s::bigint AS id) AS asked
LEFT JOIN accounts_user AS person ON person.id = asked.id AND person.state <> 'erased'
WHERE COALESCE(%(to)s, person.email) IS NOT NULL
ON CONFLICT (key) DO NOTHING
RETURNING "to"
"""


class Outcome(Enum):
    """How one try ended."""

    SENT = "sent"
    NOT_DUE = "not due"  # somebody else has it, or it is over
    LATER = "later"
    SERVER_AWAY = "server away"  # later too, and no other e-mail would fare better now
    GIVEN_UP = "given up"


def queue(
    *,
    user_id: int | None,
    template: str,
    context: dict[str, Any],
    key: str,
    secrets: dict[str, str] | None = None,
    to: str | None = None,
) -> OutgoingEmail | None:
    """Queue one e-mail in the transaction of the fact it tells; repeating the key does nothing.

    Args:
        user_id: Whose it is; None when the address belongs to no account, which `to` then names.
        template: One of `email_templates.EMAILS`.
        context: What it names, as text for people in the language of the customer.
        key: The fact, as `deposit-succeeded:<id>`.
        secrets: More context that nobody but the reader may know (links, codes): sealed here, forgotten once it is sent.
        to: Another address than the account's (the old one, after a change).

    Returns:
        The row, or None when this fact was told before or nobody is there to read it.

    Raises:
        TransactionManagementError: No transaction is open, so the e-mail could tell what never happened.
        ValueError: No such e-mail, or its context lacks something.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("An e-mail is queued in the transaction of its fact.")
    email_templates.check(template, {**context, **(secrets or {})})
    ready = {name: "" if value is None else str(value) for name, value in context.items()}
    email = OutgoingEmail(id=uuid7(), user_id=user_id, template=template, context=ready, key=key)
    values: dict[str, Any] = {
        "id": email.id,
        "user": user_id,
        "to": to,
        "template": template,
        "context": Jsonb(ready),
        "sealed": sealing.seal(json.dumps(secrets)) if secrets else "",
        "key": key,
        "now": email.created_at,
    }
    with connection.cursor() as cursor:
        cursor.execute(INSERT, values)
        row = cursor.fetchone()
    if row is None:
        return None
    email.to, email.next_try_at = row[0], email.created_at
    email._state.adding, email._state.db = False, connection.alias
    queueing.enqueue(SEND_TASK, str(email.id))
    return email


def send(email_id: uuid.UUID) -> Outcome:
    """Send one e-mail that is due, unless somebody else is at it. Opens no transaction around the mail server."""
    email = _claim(email_id)
    if email is None:
        return Outcome.NOT_DUE
    if email.tries > len(RETRY_AFTER) + 1:  # each try ended without a word: its worker died
        return _give_up(email, "every try was cut short")
    try:
        _message(email).send()
    except (SMTPException, OSError) as error:
        return _note_refusal(email, error)
    except Exception as error:
        _try_later(email, error.__class__.__name__)
        raise
    OutgoingEmail.objects.filter(pk=email.pk).update(
        sent_at=timezone.now(), next_try_at=None, error="", sealed=""
    )
    log.info("E-mail sent", email=str(email.pk), template=email.template, tries=email.tries)
    return Outcome.SENT


def send_due(*, limit: int = SWEEP_ROWS) -> int:
    """Send what is due, oldest first, and return how many were sent; stops early when the mail server is away."""
    due = OutgoingEmail.objects.filter(next_try_at__lte=timezone.now()).order_by("next_try_at")
    sent = 0
    for email_id in list(due.values_list("pk", flat=True)[:limit]):
        outcome = send(email_id)
        sent += outcome is Outcome.SENT
        if outcome is Outcome.SERVER_AWAY:
            break
    return sent


def send_again(email_id: uuid.UUID) -> bool:
    """Start anew with an e-mail that was given up. False when it was not, or when what it had to say is forgotten."""
    email = OutgoingEmail.objects.filter(pk=email_id).first()
    if email is None or not _is_whole(email):
        return False
    with transaction.atomic():
        revived = OutgoingEmail.objects.filter(pk=email_id, given_up_at__isnull=False, sent_at=None).update(
            given_up_at=None, next_try_at=timezone.now(), tries=0
        )
        if revived:
            queueing.enqueue(SEND_TASK, str(email_id))
    return bool(revived)


def _claim(email_id: uuid.UUID) -> OutgoingEmail | None:
    """Take the e-mail for the time of a lease. Who changes the row has it; everybody else sees it due later."""
    now = timezone.now()
    due = OutgoingEmail.objects.filter(pk=email_id, next_try_at__lte=now, sent_at=None, given_up_at=None)
    if not due.update(tries=F("tries") + 1, next_try_at=now + LEASE):
        return None
    return OutgoingEmail.objects.filter(pk=email_id).first()  # None: its reader was erased in this moment


def _is_whole(email: OutgoingEmail) -> bool:
    """Whether it can still be rendered: links and codes are forgotten when it is given up, and are too old then anyway."""
    try:
        email_templates.check(email.template, email.context)
    except ValueError:
        return False
    return True


def _message(email: OutgoingEmail) -> EmailMultiAlternatives:
    secrets = json.loads(sealing.unseal(email.sealed)) if email.sealed else {}
    rendered = email_templates.render(email.template, {**email.context, **secrets})
    message = EmailMultiAlternatives(
        subject=rendered.subject,
        body=rendered.text,
        to=[email.to],
        headers={"Message-ID": message_id(email.pk), "Auto-Submitted": "auto-generated"},
    )
    message.attach_alternative(rendered.html, "text/html")
    return message


def message_id(email_id: uuid.UUID) -> str:
    """The same for every try to send this row."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    return f"<{email_id}@{domain}>"


def _note_refusal(email: OutgoingEmail, error: Exception) -> Outcome:
    """The error's own text may hold the address: what is kept is its name and the server's number."""
    codes = _codes(error)
    text = " ".join([error.__class__.__name__, *map(str, codes)])
    if _is_permanent(error, codes):
        return _give_up(email, text)
    outcome = _try_later(email, text)
    is_about_this_one = isinstance(error, SMTPRecipientsRefused | SMTPDataError)
    return outcome if is_about_this_one or outcome is Outcome.GIVEN_UP else Outcome.SERVER_AWAY


def _codes(error: Exception) -> list[int]:
    if isinstance(error, SMTPRecipientsRefused):
        return sorted({code for code, _ in error.recipients.values()})
    return [error.smtp_code] if isinstance(error, SMTPResponseException) else []


def _is_permanent(error: Exception, codes: list[int]) -> bool:
    """Whether this recipient or this message is refused for good. A refused sender or password is ours to put right."""
    is_about_this_one = isinstance(error, SMTPRecipientsRefused | SMTPDataError)
    return is_about_this_one and bool(codes) and all(500 <= code < 600 for code in codes)


def _try_later(email: OutgoingEmail, error: str) -> Outcome:
    if email.tries > len(RETRY_AFTER):
        return _give_up(email, error)
    later = timezone.now() + RETRY_AFTER[email.tries - 1]
    _unsent(email).update(next_try_at=later, error=error[:200])
    log.warning("E-mail not sent", email=str(email.pk), tries=email.tries, error=error)
    return Outcome.LATER


def _give_up(email: OutgoingEmail, error: str) -> Outcome:
    _unsent(email).update(next_try_at=None, given_up_at=timezone.now(), error=error[:200], sealed="")
    log.error("E-mail given up", email=str(email.pk), tries=email.tries, error=error)
    return Outcome.GIVEN_UP


def _unsent(email: OutgoingEmail) -> Any:
    """The row as long as this try is the latest: one that outlived its lease must not undo a later one's success."""
    return OutgoingEmail.objects.filter(pk=email.pk, tries=email.tries, sent_at=None)
