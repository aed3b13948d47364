"""Wrong passwords are counted for each address, and ten within an hour close it for a while.

Counting comes before looking: a try is written down first and compared with the hash only when it was one of those allowed,
so that a crowd of guesses at once gets no more of them than one after the other. An address without an account is
counted and locked like any other. A browser that has signed in before has a count of its own, so nobody is kept out of their
account by somebody else's guessing.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Any

import structlog
from django.db import connection, transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from accounts.audit_actions import AuditAction
from accounts.exceptions import SignInLocked
from accounts.models import SignInGuard, User
from accounts.services import audit, known_devices, notices
from namaskah.lib import queueing, sealing

log = structlog.get_logger(__name__)

TELL_TASK = "accounts.tell_lock"
LIMIT = 10  # wrong passwords
WINDOW = dt.timedelta(hours=1)
FIRST_LOCK = dt.timedelta(minutes=15)  # each further one lasts twice as long
LONGEST_LOCK = dt.timedelta(days=1)
CALM_AFTER = dt.timedelta(days=1)  # since the last lock: the next one is a first one again
TELL_AFTER = dt.timedelta(
    seconds=30
)  # the sweep's turn, when the request that locked did not come to its end
SWEEP_ROWS = 100
# One statement: the count, and with the last try allowed the lock. No row comes back while a lock lasts.
COUNT = """
INSERT INTO accounts_signinguard AS guard (key, failures, since, locks, sealed)
VALUES (%(key)s, 1, %(now)s, 0, '')
ON CONFLICT (key) DO UPDATE SET
    failures = CASE WHEN %(fresh)s THEN 1 ELSE guard.failures + 1 END,
    since = CASE WHEN %(fresh)s THEN %(now)s ELSE guard.since END,
    locks = CASE WHEN guard.locked_until < %(now)s - %(calm)s THEN 0 ELSE guard.locks END,
    locked_until = CASE WHEN guard.locked_until < %(now)s - %(calm)s THEN NULL ELSE guard.locked_until END
WHERE guard.locked_until IS NULL OR guard.locked_until <= %(now)s
RETURNING failures, locks
"""
FRESH = "(guard.since < %(now)s - %(window)s OR guard.locked_until >= guard.since)"


@dataclass(frozen=True, slots=True)
class _Try:
    """One try that may be compared with the hash. `lock` is set when it is the last one."""

    key: str
    lock: dt.datetime | None


def check(request: HttpRequest, *, email: str, password: str) -> User | None:
    """Whose address and password these are, in whatever state the account is; None when they do not belong together.

    An address nobody has costs a hash, a count and an entry in the trail as well.

    Raises:
        SignInLocked: Too many wrong passwords; this one was not looked at.
    """
    user = _find(email)
    key = _key(request, email, user)
    allowed = _begin(key, email)
    if user is None:
        User().set_password(password)  # as long as comparing one takes
    is_right = user is not None and user.check_password(password)
    if is_right:
        SignInGuard.objects.filter(pk=key).delete()
        return user
    _note_failure(allowed, user)
    return None


def wrong_tries(request: HttpRequest, email: str) -> int:
    """How many wrong passwords were given for an address of late, from this browser if it is known."""
    guard = SignInGuard.objects.filter(pk=_key(request, email, _find(email))).first()
    return guard.failures if guard is not None and guard.since > timezone.now() - WINDOW else 0


def forget(email: str) -> None:
    """Who has proved the address starts anew, with any browser that is not known."""
    SignInGuard.objects.filter(pk=_fingerprint(email, None)).delete()


def tell(key: str) -> bool:
    """Tell the owner of an address about its lock, if it has one; False when somebody else has, or nobody waits."""
    waiting = SignInGuard.objects.filter(pk=key, due_at__isnull=False)
    with transaction.atomic():
        guard = waiting.select_for_update().first()
        if guard is None:
            return False
        user = _find(sealing.unseal(guard.sealed))
        if user is not None and user.is_active and guard.locked_until is not None:
            notices.tell(
                user_id=user.pk,
                template="sign_in_locked",
                context={
                    "until": _clock(guard.locked_until),
                    "url": reverse("accounts:password-reset"),
                },
                key=f"sign-in-locked:{guard.pk}:{guard.locked_until.timestamp():.0f}",
            )
        waiting.update(sealed="", due_at=None)
    return True


def tell_due(*, limit: int = SWEEP_ROWS) -> int:
    """Tell what no task has told."""
    due = SignInGuard.objects.filter(due_at__lte=timezone.now()).order_by("due_at")
    return sum(tell(key) for key in list(due.values_list("pk", flat=True)[:limit]))


def _begin(key: str, email: str) -> _Try:
    now = timezone.now()
    values: dict[str, Any] = {"key": key, "now": now, "window": WINDOW, "calm": CALM_AFTER}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(COUNT.replace("%(fresh)s", FRESH), values)
        row = cursor.fetchone()
        if row is None:
            raise SignInLocked(_seconds_locked(key, now))
        failures, locks = row
        if failures < LIMIT:
            return _Try(key, None)
        until = now + min(FIRST_LOCK * 2 ** min(locks, 10), LONGEST_LOCK)
        SignInGuard.objects.filter(pk=key).update(
            locked_until=until, locks=locks + 1, sealed=sealing.seal(email), due_at=now + TELL_AFTER
        )
    return _Try(key, until)


def _note_failure(tried: _Try, user: User | None) -> None:
    with transaction.atomic():
        audit.record(
            AuditAction.SIGN_IN_FAILED, actor=None, subject=user, target=f"accounts.signin:{tried.key[:16]}"
        )
        if tried.lock is not None:
            audit.record(
                AuditAction.SIGN_IN_LOCKED,
                actor=None,
                subject=user,
                target=f"accounts.signin:{tried.key[:16]}",
                after={"until": tried.lock.isoformat(timespec="seconds")},
            )
            queueing.enqueue(TELL_TASK, tried.key)
    log.info("Sign-in refused", guard=tried.key[:16])
    if tried.lock is not None:
        log.warning("Sign-in locked", guard=tried.key[:16])


def _find(email: str) -> User | None:
    try:
        return User.objects.get_by_natural_key(email)
    except User.DoesNotExist:
        return None


def _key(request: HttpRequest, email: str, user: User | None) -> str:
    """The count of this address; that of one browser if it has signed in with it before.

    The cookie is looked up for an address without an account, too: nobody has the number 0.
    """
    device = known_devices.of_request(request, user.pk if user is not None else 0)
    return _fingerprint(email, device.pk if device is not None else None)


def _fingerprint(email: str, device_id: int | None) -> str:
    return sealing.fingerprint(f"sign-in:{email.strip().lower()}:{device_id or ''}")


def _seconds_locked(key: str, now: dt.datetime) -> int:
    until = SignInGuard.objects.values_list("locked_until", flat=True).filter(pk=key).first()
    return max(1, math.ceil((until - now).total_seconds())) if until is not None else 1


def _clock(moment: dt.datetime) -> str:
    return date_format(moment, "H:i") + " UTC"
