"""Sealers, removers and writers of the audit trail at once, on real PostgreSQL."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.audit_actions import AuditAction
from accounts.models import AuditEntry
from accounts.services import audit, audit_removal, audit_sealing, refusals
from tests.accounts.services.trail import act, problems, sealed, tamper
from tests.concurrency.racing import both, meet_after, of, race
from tests.factories.accounts import ClerkFactory

pytestmark = pytest.mark.django_db(transaction=True)


def test_several_sealers_make_one_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    act(40)
    meet_after(monkeypatch, audit_sealing, "_sound_head")

    results = race(4, lambda _index: audit_sealing.seal_pending(batch=10), workers=4)

    assert of(Exception, results) == []
    audit_sealing.seal_pending()
    assert list(AuditEntry.objects.order_by("number").values_list("number", flat=True)) == list(range(1, 41))
    assert problems() == []


def test_twin_sealers_without_the_lock_draw_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database's own guards save the chain: one of them fails."""
    act(10)
    monkeypatch.setattr(audit_sealing, "lock_chain", lambda: True)
    meet_after(monkeypatch, audit_sealing, "_sound_head")

    results = both(audit_sealing.seal_pending, audit_sealing.seal_pending)

    assert len(of(IntegrityError, results)) == 1


def test_an_act_that_commits_late_is_sealed_after_those_that_overtook_it() -> None:
    """Its id is lower than that of what is sealed already; nothing is passed over."""

    def late() -> int:
        with transaction.atomic():
            audit.record(AuditAction.SIGNED_IN, actor=None, target="late")
            race(1, lambda _index: sealed(2))
            race(1, lambda _index: audit_sealing.seal_pending())
            return AuditEntry.objects.filter(number__isnull=False).count()

    assert late() == 2

    audit_sealing.seal_pending()
    entry = AuditEntry.objects.get(target="late")
    assert entry.number == 3
    assert entry.pk < AuditEntry.objects.get(number=1).pk
    assert problems() == []


def test_sealing_does_not_wait_for_another_sealer() -> None:
    act(1)

    with transaction.atomic():
        assert audit_sealing.lock_chain()
        assert race(1, lambda _index: audit_sealing.seal_pending()) == [0]
        assert race(1, lambda _index: audit_removal.remove_old()) == [0]


def test_removal_and_sealing_at_once_leave_a_sound_chain() -> None:
    act(30)
    old = timezone.now() - dt.timedelta(days=400)
    tamper("UPDATE accounts_auditentry SET created_at = %s", [old])
    audit_sealing.seal_pending(batch=5)

    results = race(
        6,
        lambda index: audit_removal.remove_old(batch=3) if index % 2 else sealed(5, batch=2),
        workers=6,
    )
    audit_removal.remove_old()
    audit_sealing.seal_pending()

    assert of(Exception, results) == []
    assert problems() == []
    assert AuditEntry.objects.count() == 15


def test_the_trail_verifies_while_it_grows() -> None:
    sealed(50)

    results = race(6, lambda index: problems() if index % 2 else sealed(20, batch=5), workers=6)

    assert [result for result in results if result] == []


def test_a_crowd_that_is_refused_leaves_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    clerk = ClerkFactory.create()
    meet_after(monkeypatch, refusals, "_is_known")

    race(4, lambda _index: refusals.note(actor=clerk, page="admin:index", method="GET"), workers=4)

    assert AuditEntry.objects.filter(action=AuditAction.REFUSED).count() == 1


def test_twin_crowd_without_the_lock_leaves_several(monkeypatch: pytest.MonkeyPatch) -> None:
    clerk = ClerkFactory.create()
    monkeypatch.setattr(refusals, "_is_first_in_line", lambda name: True)
    meet_after(monkeypatch, refusals, "_is_known")

    race(2, lambda _index: refusals.note(actor=clerk, page="admin:index", method="GET"), workers=2)

    assert AuditEntry.objects.filter(action=AuditAction.REFUSED).count() == 2
