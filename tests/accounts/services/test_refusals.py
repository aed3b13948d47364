"""Permission refusals: what their target says, and how often they are written down."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.utils import timezone

from accounts.audit_actions import AuditAction
from accounts.models import AuditEntry, User
from accounts.services import audit, refusals
from tests.factories.accounts import ClerkFactory

pytestmark = pytest.mark.django_db
PAGE = "admin:accounts_user_act"


@pytest.fixture
def clerk() -> User:
    return ClerkFactory.create()


def targets() -> list[str]:
    return list(
        AuditEntry.objects.filter(action=AuditAction.REFUSED).order_by("id").values_list("target", flat=True)
    )


def knock(clerk: User, page: str = PAGE, **at: object) -> bool:
    return refusals.note(actor=clerk, page=page, method="GET", at=at)


def test_the_target_has_the_row_and_the_act(clerk: User) -> None:
    assert knock(clerk, object_id="5", slug="ban")

    entry = AuditEntry.objects.get(action=AuditAction.REFUSED)
    assert entry.target == "page:admin:accounts_user_act?object_id=5&slug=ban"
    assert (entry.actor_id, entry.actor_role) == (clerk.pk, "support")


def test_another_row_or_act_or_person_is_another_refusal(clerk: User) -> None:
    written = [
        knock(clerk, object_id="5", slug="ban"),
        knock(clerk, object_id="5", slug="ban"),
        knock(clerk, object_id="6", slug="ban"),
        knock(clerk, object_id="6", slug="role"),
        knock(ClerkFactory.create(), object_id="5", slug="ban"),
    ]

    assert written == [True, False, True, True, True]


def test_a_minute_later_it_is_written_again(clerk: User) -> None:
    knock(clerk, object_id="5")

    with time_machine.travel(timezone.now() + dt.timedelta(seconds=61)):
        assert knock(clerk, object_id="5")


@pytest.mark.parametrize("typed", ["ann@example.com", "x" * 41, "1&slug=ban", "", "a b"])
def test_what_somebody_types_as_an_id_is_not_kept(clerk: User, typed: str) -> None:
    knock(clerk, object_id=typed)

    assert targets() == [f"page:{PAGE}?object_id=…"]


def test_tokens_of_links_are_not_kept(clerk: User) -> None:
    knock(clerk, "accounts:password-reset-link", token="s3cr3t", export_id=7)

    assert targets() == ["page:accounts:password-reset-link?export_id=7"]


def test_a_target_longer_than_the_trail_keeps_is_known_again(clerk: User) -> None:
    written = [knock(clerk, "a" * 100, object_id="1" * 40) for _ in range(2)]

    assert written == [True, False]
    assert [len(target) for target in targets()] == [audit.TARGET_LENGTH]


def test_trying_one_number_after_the_other_has_an_end(clerk: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MOST", 3)

    written = [knock(clerk, object_id=number) for number in range(5)]

    assert written == [True, True, True, False, False]
    assert knock(ClerkFactory.create(), object_id=0)
