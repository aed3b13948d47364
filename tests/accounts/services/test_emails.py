"""The outbox: what is queued, what is sent, and what becomes of a refusal."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from smtplib import (
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPRecipientsRefused,
    SMTPSenderRefused,
    SMTPServerDisconnected,
)
from typing import Any

import pytest
import structlog
import time_machine
from cryptography.fernet import Fernet
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import QuerySet
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts import tasks
from accounts.enums import AccountState
from accounts.models import OutgoingEmail, User
from accounts.services import emails
from accounts.services.emails import Outcome
from namaskah import celery
from namaskah.lib.sealing import CannotUnseal
from tests.factories.accounts import StaffFactory, UserFactory
from tests.factories.signing_in import sign_in

pytestmark = pytest.mark.django_db
CONTEXT = {"balance": "$0.85", "url": "/wallet/top-up/"}
Capture = Callable[..., AbstractContextManager[list[Callable[[], Any]]]]


@pytest.fixture
def user() -> User:
    return UserFactory.create(email="ann@example.com")


def queued(user: User, key: str = "low:1", **changes: Any) -> OutgoingEmail:
    with transaction.atomic():
        email = emails.queue(user_id=user.pk, template="wallet_low", context=CONTEXT, key=key)
    assert email is not None
    if changes:
        OutgoingEmail.objects.filter(pk=email.pk).update(**changes)
    return email


def refuse(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def send(message: EmailMultiAlternatives) -> int:
        raise error

    monkeypatch.setattr(EmailMultiAlternatives, "send", send)


def stored(email: OutgoingEmail) -> OutgoingEmail:
    return OutgoingEmail.objects.get(pk=email.pk)


def test_queued_email_is_a_row_due_now_and_a_task_after_the_commit(
    user: User, django_capture_on_commit_callbacks: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, tuple[str, ...]]] = []
    monkeypatch.setattr("celery.current_app.send_task", lambda name, args: sent.append((name, args)))

    with django_capture_on_commit_callbacks(execute=True):
        email = queued(user)
        assert sent == []

    row = OutgoingEmail.objects.get()
    assert (row.user, row.to, row.template, row.context) == (user, "ann@example.com", "wallet_low", CONTEXT)
    assert (row.pk, row.key, row.tries, row.sent_at) == (email.pk, "low:1", 0, None)
    assert row.next_try_at == row.created_at == email.next_try_at
    assert sent == [("accounts.send_email", (str(email.pk),))]


def test_same_fact_is_told_once(user: User, django_capture_on_commit_callbacks: Capture) -> None:
    queued(user)

    with django_capture_on_commit_callbacks() as callbacks, transaction.atomic():
        again = emails.queue(user_id=user.pk, template="wallet_low", context=CONTEXT, key="low:1")

    assert again is None
    assert callbacks == []
    assert OutgoingEmail.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_email_is_queued_in_a_transaction_only(user: User) -> None:
    with pytest.raises(transaction.TransactionManagementError):
        emails.queue(user_id=user.pk, template="wallet_low", context=CONTEXT, key="low:1")


@pytest.mark.parametrize(("template", "context"), [("wallet_lower", CONTEXT), ("wallet_low", {"url": "/"})])
def test_email_that_could_not_be_rendered_is_not_queued(
    user: User, template: str, context: dict[str, str]
) -> None:
    with pytest.raises(ValueError, match="e-mail"):
        emails.queue(user_id=user.pk, template=template, context=context, key="low:1")

    assert not OutgoingEmail.objects.exists()


def test_email_goes_out_whole(user: User, settings: Settings) -> None:
    settings.DEFAULT_FROM_EMAIL = "Namaskah SMS <hello@sms.example.com>"
    email = queued(user)

    assert emails.send(email.pk) is Outcome.SENT

    [message] = mail.outbox
    assert isinstance(message, EmailMultiAlternatives)
    assert (message.to, message.subject) == (["ann@example.com"], "Your wallet is down to $0.85")
    assert message.from_email == "Namaskah SMS <hello@sms.example.com>"
    assert "http://testserver/wallet/top-up/" in message.body
    assert [str(part[1]) for part in message.alternatives] == ["text/html"]
    assert message.message()["Message-ID"] == f"<{email.pk}@sms.example.com>"
    row = stored(email)
    assert row.sent_at is not None
    assert (row.next_try_at, row.tries, row.error) == (None, 1, "")


def test_email_goes_to_the_address_at_the_time_of_the_fact(user: User) -> None:
    email = queued(user)
    User.objects.filter(pk=user.pk).update(email="other@example.com")

    emails.send(email.pk)

    assert mail.outbox[0].to == ["ann@example.com"]


def test_sent_email_is_not_sent_again(user: User) -> None:
    email = queued(user)

    assert [emails.send(email.pk), emails.send(email.pk)] == [Outcome.SENT, Outcome.NOT_DUE]
    assert emails.send(uuid.uuid4()) is Outcome.NOT_DUE
    assert len(mail.outbox) == 1


def test_email_is_sent_outside_any_transaction_of_ours(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    email = queued(user)
    open_blocks: list[int] = []

    def send(message: EmailMultiAlternatives) -> int:
        open_blocks.append(len(transaction.get_connection().savepoint_ids))
        return 1

    monkeypatch.setattr(EmailMultiAlternatives, "send", send)
    before = len(transaction.get_connection().savepoint_ids)

    emails.send(email.pk)

    assert open_blocks == [before]


def test_dead_workers_email_is_sent_again_after_the_lease_with_the_same_id(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    email = queued(user)

    class Killed(BaseException):
        pass

    def send_and_die(message: EmailMultiAlternatives) -> int:
        mail.outbox.append(message)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(EmailMultiAlternatives, "send", send_and_die)
        with pytest.raises(Killed):
            emails.send(email.pk)
    assert emails.send(email.pk) is Outcome.NOT_DUE

    with time_machine.travel(timezone.now() + emails.LEASE + dt.timedelta(seconds=1)):
        assert emails.send_due() == 1

    first, second = (message.message()["Message-ID"] for message in mail.outbox)
    assert first == second


def test_refusals_are_tried_again_on_schedule_and_then_given_up(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    email = queued(user)
    refuse(monkeypatch, ConnectionRefusedError("mail.example.com says ann@example.com"))
    waits: list[float] = []

    with time_machine.travel(email.created_at, tick=False) as clock:
        while (row := stored(email)).next_try_at is not None:
            waits.append((row.next_try_at - timezone.now()).total_seconds() / 60)
            clock.move_to(row.next_try_at)
            emails.send(email.pk)

    assert waits == [0, 1, 5, 30, 120, 360, 1440]
    assert row.given_up_at is not None
    assert (row.tries, row.error, row.sent_at) == (7, "ConnectionRefusedError", None)


@pytest.mark.parametrize(
    ("error", "outcome", "noted"),
    [
        (
            SMTPRecipientsRefused({"ann@example.com": (550, b"no such user")}),
            Outcome.GIVEN_UP,
            "SMTPRecipientsRefused 550",
        ),
        (
            SMTPRecipientsRefused({"ann@example.com": (451, b"greylisted")}),
            Outcome.LATER,
            "SMTPRecipientsRefused 451",
        ),
        (SMTPDataError(554, b"no thanks, ann@example.com"), Outcome.GIVEN_UP, "SMTPDataError 554"),
        (SMTPDataError(452, b"full"), Outcome.LATER, "SMTPDataError 452"),
        (SMTPSenderRefused(553, b"who?", "us"), Outcome.SERVER_AWAY, "SMTPSenderRefused 553"),
        (SMTPAuthenticationError(535, b"no"), Outcome.SERVER_AWAY, "SMTPAuthenticationError 535"),
        (SMTPServerDisconnected("gone"), Outcome.SERVER_AWAY, "SMTPServerDisconnected"),
        (TimeoutError("slow"), Outcome.SERVER_AWAY, "TimeoutError"),
    ],
)
def test_only_what_is_wrong_with_this_email_for_good_gives_it_up(
    user: User, monkeypatch: pytest.MonkeyPatch, error: Exception, outcome: Outcome, noted: str
) -> None:
    email = queued(user)
    refuse(monkeypatch, error)

    assert emails.send(email.pk) is outcome

    row = stored(email)
    assert row.error == noted
    assert (row.given_up_at is not None, row.next_try_at is None) == (outcome is Outcome.GIVEN_UP,) * 2


def test_our_own_mistake_is_raised_and_tried_again(user: User) -> None:
    email = queued(user, template="gone")

    with pytest.raises(Exception, match="gone"):
        emails.send(email.pk)

    assert (stored(email).error, stored(email).tries) == ("TemplateDoesNotExist", 1)


def test_email_whose_every_try_was_cut_short_is_given_up_unsent(user: User) -> None:
    email = queued(user, tries=7)

    assert emails.send(email.pk) is Outcome.GIVEN_UP
    assert mail.outbox == []
    assert stored(email).given_up_at is not None


def test_try_that_outlived_its_lease_does_not_undo_a_later_success(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    email = queued(user)

    def fail_late(message: EmailMultiAlternatives) -> int:
        OutgoingEmail.objects.filter(pk=email.pk).update(tries=2, sent_at=timezone.now(), next_try_at=None)
        raise TimeoutError

    monkeypatch.setattr(EmailMultiAlternatives, "send", fail_late)
    emails.send(email.pk)

    assert (stored(email).next_try_at, stored(email).error) == (None, "")


def test_sweep_sends_what_is_due_oldest_first(user: User) -> None:
    now = timezone.now()
    queued(user, "low:2", next_try_at=now - dt.timedelta(seconds=1))
    queued(user, "low:1", next_try_at=now - dt.timedelta(seconds=2))
    queued(user, "low:3", next_try_at=now + dt.timedelta(hours=1))
    queued(user, "low:4", next_try_at=None, given_up_at=now)
    for email in OutgoingEmail.objects.all():
        OutgoingEmail.objects.filter(pk=email.pk).update(to=f"{email.key}@example.com")

    assert tasks.send_emails() == 2

    seen = [message.to[0] for message in mail.outbox]
    assert seen == ["low:1@example.com", "low:2@example.com"]


def test_sweep_stops_when_the_mail_server_is_away(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        queued(user, f"low:{number}")
    refuse(monkeypatch, ConnectionRefusedError())

    assert emails.send_due() == 0

    assert OutgoingEmail.objects.filter(tries=0).count() == 2


def test_sweep_goes_on_after_a_refused_address(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        queued(user, f"low:{number}")
    refuse(monkeypatch, SMTPRecipientsRefused({"a": (550, b"")}))

    emails.send_due()

    assert OutgoingEmail.objects.filter(given_up_at__isnull=False).count() == 3


def test_given_up_email_can_be_started_anew(user: User, django_capture_on_commit_callbacks: Capture) -> None:
    email = queued(user, tries=7, next_try_at=None, given_up_at=timezone.now())

    with django_capture_on_commit_callbacks() as callbacks:
        assert emails.send_again(email.pk)

    assert len(callbacks) == 1
    assert (stored(email).tries, stored(email).given_up_at) == (0, None)
    tasks.send_email(str(email.pk))
    assert len(mail.outbox) == 1
    assert not emails.send_again(email.pk)


def test_sweep_is_on_the_schedule() -> None:
    celery.app.finalize()
    entry = celery.app.conf.beat_schedule["send-emails"]

    assert (entry["task"], entry["schedule"]) == ("accounts.send_emails", 15)


def test_refusal_logs_neither_address_nor_text(
    user: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    email = queued(user)
    refuse(monkeypatch, SMTPRecipientsRefused({"ann@example.com": (550, b"ann@example.com unknown")}))

    emails.send(email.pk)

    assert str(email.pk) in caplog.text
    assert "ann@" not in caplog.text
    assert "$0.85" not in caplog.text


SECRETS = {"link": "/accounts/password/s3cr3t-t0ken/"}


def queued_secret(user: User | None = None, **more: Any) -> OutgoingEmail:
    with transaction.atomic():
        email = emails.queue(
            user_id=user.pk if user else None,
            template="password_reset",
            context={},
            key="reset:1",
            secrets=SECRETS,
            **more,
        )
    assert email is not None
    return email


def everything_stored() -> str:
    return str(list(OutgoingEmail.objects.values()))


def test_secret_is_sealed_until_it_is_sent_and_forgotten_then(user: User, settings: Settings) -> None:
    email = queued_secret(user)
    row = stored(email)
    assert row.context == {}
    assert row.sealed
    assert "s3cr3t" not in everything_stored()

    assert emails.send(email.pk) is Outcome.SENT

    assert "http://testserver/accounts/password/s3cr3t-t0ken/" in mail.outbox[0].body
    assert stored(email).sealed == ""
    assert "s3cr3t" not in everything_stored()


def test_secret_is_forgotten_when_the_email_is_given_up_and_cannot_be_sent_again(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    email = queued_secret(user)
    refuse(monkeypatch, SMTPRecipientsRefused({"ann@example.com": (550, b"no such user")}))

    assert emails.send(email.pk) is Outcome.GIVEN_UP

    assert stored(email).sealed == ""
    assert not emails.send_again(email.pk)
    assert stored(email).next_try_at is None


def test_secret_survives_tries_that_failed(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    email = queued_secret(user)
    with monkeypatch.context() as patch:
        refuse(patch, ConnectionRefusedError())
        assert emails.send(email.pk) is Outcome.SERVER_AWAY

    with time_machine.travel(timezone.now() + dt.timedelta(minutes=2)):
        assert emails.send(email.pk) is Outcome.SENT

    assert "s3cr3t-t0ken" in mail.outbox[0].body


def test_secret_that_cannot_be_opened_is_tried_again_and_logged_without_it(
    user: User, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    email = queued_secret(user)
    sealed = stored(email).sealed
    settings.DATA_KEYS = [Fernet.generate_key().decode()]

    with pytest.raises(CannotUnseal):
        emails.send(email.pk)

    row = stored(email)
    assert (row.error, row.sent_at) == ("CannotUnseal", None)
    assert row.next_try_at is not None
    assert sealed not in caplog.text
    assert mail.outbox == []


@pytest.mark.parametrize(
    "error",
    [
        None,
        ConnectionRefusedError("/accounts/password/s3cr3t-t0ken/"),
        SMTPDataError(554, b"spam: /accounts/password/s3cr3t-t0ken/ to ann@example.com"),
    ],
    ids=["sent", "server-away", "refused"],
)
def test_no_log_line_has_a_secret_or_an_address(
    user: User, monkeypatch: pytest.MonkeyPatch, error: Exception | None
) -> None:
    email = queued_secret(user)
    if error is not None:
        refuse(monkeypatch, error)

    with structlog.testing.capture_logs() as lines:
        emails.send(email.pk)

    assert lines
    assert "s3cr3t" not in str(lines)
    assert "ann@example.com" not in str(lines)
    assert "s3cr3t" not in stored(email).error
    assert "@" not in stored(email).error


def test_address_without_an_account_is_written_to(db: None) -> None:
    email = queued_secret(to="new@example.com")

    emails.send(email.pk)

    assert mail.outbox[0].to == ["new@example.com"]
    assert stored(email).user is None


def test_old_address_is_written_to_after_a_change(user: User) -> None:
    User.objects.filter(pk=user.pk).update(email="new@example.com")
    email = queued_secret(user, to="ann@example.com")

    emails.send(email.pk)

    assert mail.outbox[0].to == ["ann@example.com"]
    assert stored(email).user == user


def test_nobody_at_no_address_is_no_email(db: None) -> None:
    with transaction.atomic():
        email = emails.queue(user_id=None, template="wallet_low", context=CONTEXT, key="low:1")

    assert email is None
    assert not OutgoingEmail.objects.exists()


def test_erased_person_is_written_to_at_a_given_address_alone(user: User) -> None:
    User.objects.filter(pk=user.pk).update(state=AccountState.ERASED, email="erased-1@erased.invalid")

    with transaction.atomic():
        assert emails.queue(user_id=user.pk, template="wallet_low", context=CONTEXT, key="low:1") is None
    farewell = queued_secret(user, to="ann@example.com")

    row = stored(farewell)
    assert (row.to, row.user) == ("ann@example.com", None)


def test_email_whose_reader_is_erased_while_it_is_claimed_is_not_sent(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    email = queued(user)
    update = QuerySet.update

    def update_then_erase(rows: Any, **values: Any) -> int:
        changed = update(rows, **values)
        OutgoingEmail.objects.filter(pk=email.pk).delete()
        return changed

    monkeypatch.setattr(QuerySet, "update", update_then_erase)

    assert emails.send(email.pk) is Outcome.NOT_DUE
    assert mail.outbox == []


def test_console_shows_no_secret(client: Client, user: User) -> None:
    email = queued_secret(user)
    sealed = stored(email).sealed
    sign_in(client, StaffFactory.create())

    for url in (
        reverse("admin:accounts_outgoingemail_changelist"),
        reverse("admin:accounts_outgoingemail_change", args=[email.pk]),
    ):
        page = client.get(url)
        assert page.status_code == 200
        assert "s3cr3t" not in page.content.decode()
        assert sealed not in page.content.decode()
