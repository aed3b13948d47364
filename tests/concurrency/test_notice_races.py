"""Told by several at once: once. Chosen in two windows at once: one of the two choices, whole."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.db.models import QuerySet

from accounts.audit_actions import AuditAction
from accounts.models import AuditEntry, Notice, NoticePreference, OutgoingEmail, User
from accounts.selectors import notices as selectors
from accounts.services import notice_reading, notice_topics, notices
from accounts.services.notice_topics import Topic
from accounts.services.notices import News
from tests.concurrency.racing import both, meet_before, of, race
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)
WORKERS = 8
LOW = {"balance": "$0.85", "url": "/wallet/top-up/"}


def tell(user: User) -> bool:
    with transaction.atomic():
        return notices.tell(user_id=user.pk, template="wallet_low", context=LOW, key="low:1")


def test_one_fact_told_by_a_crowd_is_told_once() -> None:
    user = UserFactory.create()

    results = race(WORKERS, lambda _: tell(user))

    assert sorted(results) == [False] * (WORKERS - 1) + [True]
    assert (Notice.objects.count(), OutgoingEmail.objects.count()) == (1, 1)


def test_twin_that_does_not_expect_the_others_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    user = UserFactory.create()
    monkeypatch.setattr(notices, "INSERT", notices.INSERT.replace("ON CONFLICT (key) DO NOTHING", ""))

    results = race(WORKERS, lambda _: tell(user))

    assert of(Exception, results)


@pytest.mark.parametrize("runs", range(3))
def test_same_facts_in_opposite_orders_lock_nobody_out(runs: int) -> None:
    user = UserFactory.create()
    news = [News(user.pk, "wallet_low", LOW, f"low:{number:03}") for number in range(200)]

    def tell_all(index: int) -> int:
        with transaction.atomic():
            return notices.tell_all(news if index % 2 else news[::-1])

    results = race(4, tell_all)

    assert of(Exception, results) == []
    assert sum(results) == Notice.objects.count() == 200


def choose(user: User, in_app: bool) -> Any:
    wishes = dict.fromkeys(notice_topics.CHOSEN, (in_app, not in_app))
    return lambda: notice_reading.choose(user=user, wishes=wishes)


def chosen(user: User) -> set[tuple[bool, bool]]:
    return set(selectors.preferences(user.pk).values())


def test_two_choices_at_once_are_kept_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    user = UserFactory.create()
    meet_before(monkeypatch, notice_reading, "_write")

    results = both(choose(user, True), choose(user, False))

    assert results == [True, True]
    assert len(chosen(user)) == 1
    first, second = AuditEntry.objects.filter(action=AuditAction.PREFERENCES_CHANGED).order_by("pk")
    assert first.after and second.before and second.after  # noqa: PT018  # for the types
    assert set(second.before.values()) == set(first.after.values())
    assert len(set(second.after.values())) == 1


def test_twin_without_the_persons_lock_breaks_or_mixes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    user = UserFactory.create()
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **_: rows.all())
    meet_before(monkeypatch, notice_reading, "_write")

    results = both(choose(user, True), choose(user, False))

    kept = NoticePreference.objects.filter(user=user, topic=Topic.WALLET).count()
    assert of(Exception, results) or kept > 1 or len(chosen(user)) > 1
