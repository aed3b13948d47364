"""Being forgotten, carried out: after the days of grace, and again after a restored backup.

Every step is its own transaction and may be repeated, so whatever a crash leaves half done the sweep finishes:
claim → begin (no way back: the account is closed) → the vendor forgets → each app forgets → a line in the log outside the
database → the person's own row, and done. Source: docs/privacy.md
"""

from __future__ import annotations

import datetime as dt
import uuid

import structlog
from django.db import transaction
from django.utils import timezone

from accounts.audit_actions import AuditAction
from accounts.enums import AccountState
from accounts.models import Erasure, OutgoingEmail, User
from accounts.privacy import erasing, erasure_log, registry
from accounts.privacy.registry import Obstacle
from accounts.services import emails, sessions
from accounts.services import erasure as erasure_plans

log = structlog.get_logger(__name__)

LEASE = dt.timedelta(minutes=10)
WAIT = dt.timedelta(hours=1)  # while something of the person stands in the way
SHORT_WAIT = dt.timedelta(minutes=1)  # while the vendor is asked
SWEEP_ROWS = 20
FAREWELL = "erasure_done"
FAREWELL_DAYS = 7  # longer than the outbox tries


def carry_out_due() -> int:
    """Carry out what is due and what was left half done; returns how many are done by this."""
    due = Erasure.objects.filter(next_try_at__lte=timezone.now()).order_by("next_try_at")
    return sum(_carried_out(erasure_id) for erasure_id in list(due.values_list("pk", flat=True)[:SWEEP_ROWS]))


def carry_out(erasure_id: uuid.UUID) -> bool:
    """Carry out one erasure that is due, unless somebody else is at it. Opens no transaction around the vendor."""
    erasure = _claim(erasure_id)
    if erasure is None:
        return False
    if erasure.started_at is None and not _begin(erasure):
        return False
    if not all(manifest.prepare(erasure.user_id) for manifest in registry.manifests()):
        _look_again(erasure, SHORT_WAIT)
        return False
    if found := erasure_plans.obstacles(erasure.user_id, erasure.gives_up_balance):
        # Something began in the moment in which the account was closed.
        log.error("A closed account waits to be erased", user_id=erasure.user_id, waits_for=found[0].code)
        _look_again(erasure, SHORT_WAIT, found)
        return False
    _forget(erasure, gives_up_balance=erasure.gives_up_balance, says_farewell=True)
    return True


def forget_farewells() -> int:
    """The last e-mail was sent, or never will be: nothing needs the address any more."""
    since = timezone.now() - dt.timedelta(days=FAREWELL_DAYS)
    keys = [
        _farewell_key(pk) for pk in Erasure.objects.filter(done_at__gt=since).values_list("pk", flat=True)
    ]
    return OutgoingEmail.objects.filter(key__in=keys, next_try_at=None).delete()[0]


def replay() -> int:
    """Erase again whoever the log names and a restored backup has brought back. Returns how many."""
    entries = {entry.user_id: entry for entry in erasure_log.read()}
    people = User.objects.filter(pk__in=list(entries)).exclude(email__endswith="@erased.invalid")
    return sum(
        _erase_again(person)
        for person in people.order_by("pk").iterator(chunk_size=500)
        if person.date_joined == entries[person.pk].joined_at
    )


def _carried_out(erasure_id: uuid.UUID) -> bool:
    """One that fails must not stop the others; its lease brings it back."""
    try:
        return carry_out(erasure_id)
    except Exception as error:
        log.exception("Erasure not finished", erasure=str(erasure_id), error=error.__class__.__name__)
        return False


def _claim(erasure_id: uuid.UUID) -> Erasure | None:
    now = timezone.now()
    due = Erasure.objects.filter(pk=erasure_id, next_try_at__lte=now, cancelled_at=None, done_at=None)
    if not due.update(next_try_at=now + LEASE):
        return None
    return Erasure.objects.get(pk=erasure_id)


def _begin(erasure: Erasure) -> bool:
    """Close the account, after which there is no way back; or say what it waits for."""
    with transaction.atomic():
        person = User.objects.select_for_update(no_key=True).get(pk=erasure.user_id)
        erasure.refresh_from_db()
        if erasure.cancelled_at is not None:  # in the moment before
            return False
        if found := erasure_plans.obstacles(person.pk, erasure.gives_up_balance):
            _wait(erasure, found)
            return False
        _close(person, erasure)
    return True


def _close(person: User, erasure: Erasure) -> None:
    person.state = AccountState.ERASED
    person.session_epoch += 1
    person.save(update_fields=["state", "session_epoch"])
    sessions.drop_all(person.pk)
    erasure.started_at, erasure.obstacle = timezone.now(), ""
    erasure.save(update_fields=["started_at", "obstacle"])
    log.info("Erasure begun", user_id=person.pk, erasure=str(erasure.pk))


def _wait(erasure: Erasure, found: list[Obstacle]) -> None:
    """Try again later; each kind of obstacle is told once."""
    _look_again(erasure, WAIT, found)
    codes = "-".join(obstacle.code for obstacle in found)
    words = " ".join(str(obstacle.words) for obstacle in found)
    erasure_plans.tell(
        erasure, "erasure_waiting", {"obstacle": words}, key=f"erasure-waiting:{erasure.pk}:{codes}"
    )
    log.info("Erasure waits", user_id=erasure.user_id, erasure=str(erasure.pk), waits_for=codes)


def _look_again(erasure: Erasure, after: dt.timedelta, found: list[Obstacle] | None = None) -> None:
    text = " ".join(str(obstacle.words) for obstacle in found or [])
    Erasure.objects.filter(pk=erasure.pk, done_at=None).update(
        next_try_at=timezone.now() + after, obstacle=text[:200]
    )


def _forget(erasure: Erasure, *, gives_up_balance: bool, says_farewell: bool) -> None:
    *others, accounts = registry.manifests()  # the person comes last: everything is found by them
    for manifest in others:
        with transaction.atomic():
            erasing.forget(manifest, erasure.user_id, gives_up_balance=gives_up_balance)
    person = User.objects.get(pk=erasure.user_id)
    now, address = timezone.now(), person.email
    erasure_log.write(
        erasure_log.Erased(now, person.pk, person.date_joined, erasure_log.fingerprint_of(address))
    )
    with transaction.atomic():
        # Under the person's lock: whoever comes second finds it done.
        User.objects.select_for_update(no_key=True).get(pk=person.pk)
        still_open = Erasure.objects.filter(pk=erasure.pk, done_at=None)
        if not still_open.update(done_at=now, next_try_at=None, obstacle=""):
            return
        erasing.forget(accounts, person.pk, gives_up_balance=gives_up_balance)
        erasure_plans.record(AuditAction.ERASED, erasure, actor=None)
        if says_farewell:
            emails.queue(
                user_id=None, template=FAREWELL, context={}, key=_farewell_key(erasure.pk), to=address
            )
    log.info("Erased", user_id=person.pk, erasure=str(erasure.pk))


def _erase_again(person: User) -> bool:
    """Without waiting for anything: it was done once. Money of the restored books is for people to look at."""
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=person.pk)
        now = timezone.now()
        erasure = erasure_plans.open_of(person.pk) or Erasure.objects.create(
            user=person, due_at=now, asked_at=now
        )
        if erasure.started_at is None:
            _close(person, erasure)
    _forget(erasure, gives_up_balance=False, says_farewell=False)
    log.warning("Erased again after a restore", user_id=person.pk)
    return True


def _farewell_key(erasure_id: uuid.UUID) -> str:
    return f"erasure-done:{erasure_id}"
