"""Being forgotten: asking for it, and taking it back. `erasure_run.py` carries it out. Source: docs/privacy.md"""

from __future__ import annotations

import datetime as dt

import structlog
from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from accounts.audit_actions import AuditAction
from accounts.enums import AccountState
from accounts.models import Erasure, User
from accounts.privacy import registry
from accounts.privacy.registry import Obstacle
from accounts.services import audit, notices
from namaskah.exceptions import DomainError

log = structlog.get_logger(__name__)


class NotErasable(DomainError):
    """Staff cannot be erased: first they stop being staff."""

    code = "not_erasable"
    status = 409

    def __init__(self) -> None:
        super().__init__(_("This account belongs to staff. Its role has to be taken away first."))


class MoneyLeft(DomainError):
    """Something is left that only its owner can decide about."""

    code = "money_left"
    status = 409


def plan(*, user: User, gives_up_balance: bool, actor: User | None = None, reason: str = "") -> Erasure:
    """Have somebody erased after the days of grace. Asking again changes nothing.

    Args:
        gives_up_balance: Whether what is left in the wallet then goes to us.
        actor: The member of staff who asks; None when it is the person.
        reason: Of staff, who must give one.

    Raises:
        MoneyLeft: The person asks for themselves, has a balance and does not give it up.
        NotErasable: They are staff.
    """
    with transaction.atomic():
        person = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        known = open_of(person.pk)
        if known is not None:
            return known
        if person.is_staff or person.state == AccountState.ERASED:
            raise NotErasable
        theirs = [found for found in obstacles(person.pk, gives_up_balance) if found.is_theirs]
        if theirs and actor is None:
            raise MoneyLeft(str(theirs[0].words))
        due_at = next_due()
        erasure = Erasure.objects.create(
            user=person,
            due_at=due_at,
            next_try_at=due_at,
            gives_up_balance=gives_up_balance,
            reason=reason[:300],
            asked_by_id=actor.pk if actor else None,
        )
        _set_leaving(person, due_at)
        record(AuditAction.ERASURE_ASKED, erasure, actor=actor or person, reason=reason)
        tell(erasure, "erasure_planned", {"on": _day(due_at)})
    log.info("Erasure planned", user_id=person.pk, erasure=str(erasure.pk))
    return erasure


def cancel(*, user: User, actor: User | None = None) -> bool:
    """Take it back. False when there is nothing to take back, or it has begun."""
    with transaction.atomic():
        person = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        erasure = open_of(person.pk)
        if erasure is None or erasure.started_at is not None:
            return False
        erasure.cancelled_at, erasure.next_try_at = timezone.now(), None
        erasure.save(update_fields=["cancelled_at", "next_try_at"])
        _set_leaving(person, None)
        record(AuditAction.ERASURE_CANCELLED, erasure, actor=actor or person)
        tell(erasure, "erasure_cancelled", {})
    log.info("Erasure taken back", user_id=person.pk, erasure=str(erasure.pk))
    return True


def next_due() -> dt.datetime:
    """When an erasure asked for now is carried out."""
    return timezone.now() + dt.timedelta(days=settings.ERASURE_GRACE_DAYS)


def open_of(user_id: int) -> Erasure | None:
    """The erasure that somebody waits for."""
    return Erasure.objects.filter(user_id=user_id, cancelled_at=None, done_at=None).first()


def obstacles(user_id: int, gives_up_balance: bool) -> list[Obstacle]:
    """What an erasure has to wait for now."""
    return [
        found for manifest in registry.manifests() for found in manifest.obstacles(user_id, gives_up_balance)
    ]


def record(action: AuditAction, erasure: Erasure, *, actor: User | None, reason: str = "") -> None:
    """Write it into the trail."""
    audit.record(action, actor=actor, subject=erasure.user_id, target=f"erasure:{erasure.pk}", reason=reason)


def tell(erasure: Erasure, template: str, context: dict[str, str], *, key: str = "") -> None:
    """Tell the person how it stands; once under its key, which is one of this erasure and template if none is given."""
    notices.tell(
        user_id=erasure.user_id,
        template=template,
        context={**context, "url": reverse("settings:privacy")},
        key=key or f"{template.replace('_', '-')}:{erasure.pk}",
    )


def _set_leaving(person: User, at: dt.datetime | None) -> None:
    person.leaving_at = at
    person.save(update_fields=["leaving_at"])


def _day(at: dt.datetime) -> str:
    return date_format(timezone.localtime(at), "j F Y")
