"""What was agreed to, and what was taken back."""

from __future__ import annotations

import pytest

from accounts.audit_actions import AuditAction
from accounts.enums import Document
from accounts.models import AuditEntry, Consent
from accounts.services import consents, retention
from namaskah.lib import request_facts
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


def test_note_keeps_version_place_and_address() -> None:
    user = UserFactory.create()
    request_facts.note("203.0.113.5", "Browser")

    consents.note(user, Document.TERMS, True, "sign-up")
    request_facts.forget()

    row = Consent.objects.get(user=user)
    assert (row.document, row.version, row.is_given) == ("terms", consents.VERSIONS[Document.TERMS], True)
    assert (row.place, row.address) == ("sign-up", "203.0.113.5")


def test_every_document_has_a_version() -> None:
    assert set(consents.VERSIONS) == set(Document)


def test_last_word_counts_for_each_document() -> None:
    user, other = UserFactory.create(), UserFactory.create()
    for document, is_given in [
        (Document.TERMS, True),
        (Document.MARKETING, True),
        (Document.MARKETING, False),
    ]:
        consents.note(user, document, is_given, "settings")
    consents.note(other, Document.MARKETING, True, "settings")

    current = consents.current(user.pk)

    assert {document: row.is_given for document, row in current.items()} == {
        "terms": True,
        "marketing": False,
    }
    assert [row.is_given for row in consents.history(user.pk)] == [False, True, True]
    assert not consents.has_given(user.pk, Document.MARKETING)
    assert consents.has_given(other.pk, Document.MARKETING)


def test_news_are_off_until_somebody_wants_them() -> None:
    assert not consents.has_given(UserFactory.create().pk, Document.MARKETING)


def test_marketing_said_twice_is_one_word_and_one_entry() -> None:
    user = UserFactory.create()

    results = [
        consents.set_marketing(user=user, is_given=is_given) for is_given in (True, True, False, False)
    ]

    assert results == [True, False, True, False]
    entries = AuditEntry.objects.filter(action=AuditAction.CONSENT_CHANGED).order_by("pk")
    assert [(entry.before, entry.after) for entry in entries] == [
        ({"given": False}, {"given": True}),
        ({"given": True}, {"given": False}),
    ]
    assert Consent.objects.filter(user=user).count() == 2


@pytest.mark.parametrize("days", retention.CHOICES)
def test_message_days_are_kept_and_written_down_once(days: int) -> None:
    user = UserFactory.create(message_days=30)

    results = [retention.set_message_days(user=user, days=days) for _ in range(2)]

    user.refresh_from_db()
    assert results == [days != 30, False]
    assert user.message_days == days
    entries = AuditEntry.objects.filter(action=AuditAction.RETENTION_CHANGED)
    assert [(entry.before, entry.after) for entry in entries] == [({"days": 30}, {"days": days})] * (
        days != 30
    )


@pytest.mark.parametrize("days", [0, -1, 2, 31, 365])
def test_other_days_are_refused(days: int) -> None:
    with pytest.raises(ValueError, match="not kept"):
        retention.set_message_days(user=UserFactory.create(), days=days)
