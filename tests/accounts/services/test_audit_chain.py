"""The audit trail's chain: every way of touching it is found, and said where."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import override_settings
from django.utils import timezone
from structlog.testing import capture_logs

from accounts.audit_actions import AuditAction
from accounts.models import AuditEntry, AuditSeal
from accounts.services import audit, audit_chain, audit_checks, audit_removal, audit_sealing
from accounts.services.audit_sealing import Head
from tests.accounts.services.trail import act, problems, sealed, tamper
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
OTHER_KEY = "b3RoZXIta2V5LXRoYXQtc2VhbHMtbm90aGluZy1lbHM="


def numbers() -> list[int | None]:
    return list(AuditEntry.objects.order_by("id").values_list("number", flat=True))


def as_of(days_ago: int, count: int = 1) -> None:
    """Write entries with a past time, as only a test may."""
    act(count)
    newest = AuditEntry.objects.filter(number=None).values_list("id", flat=True)
    at = timezone.now() - dt.timedelta(days=days_ago)
    tamper("UPDATE accounts_auditentry SET created_at = %s WHERE id = ANY(%s)", [at, list(newest)])


def refused(statement: str) -> None:
    """The triggers let nothing of it happen."""
    with (
        pytest.raises(IntegrityError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


# --- sealing ----------------------------------------------------------------------------------------------------------


def test_sealing_numbers_all_entries_in_order_and_the_chain_holds() -> None:
    act(5)

    assert audit_sealing.seal_pending(batch=2) == 5

    assert numbers() == [1, 2, 3, 4, 5]
    assert list(AuditSeal.objects.order_by("pk").values_list("first_number", "last_number")) == [
        (1, 2), (3, 4), (5, 5),
    ]  # fmt: skip
    assert problems() == []


def test_sealing_goes_on_where_it_ended() -> None:
    sealed(2)
    sealed(3)

    assert numbers() == [1, 2, 3, 4, 5]
    assert problems() == []
    assert audit_sealing.seal_pending() == 0


def test_sealing_writes_the_head_into_the_log() -> None:
    act(2)

    with capture_logs() as lines:
        audit_sealing.seal_pending()

    last = AuditEntry.objects.get(number=2)
    assert {"number": 2, "hash": last.hash, "entries": 2}.items() <= lines[-1].items()
    assert lines[-1]["event"] == "Audit sealed"


def test_an_entry_of_every_kind_of_value_verifies_after_sealing() -> None:
    user = UserFactory.create()
    with transaction.atomic():
        audit.record(
            AuditAction.CHANGED,
            actor=user,
            subject=user,
            target="billing.deposit:1",
            before={"amount": 1.10, "big": 10**20, "text": "naïve – ✓", "none": None},
            after={"list": [1, "2", {"three": False}], "at": timezone.now()},
            reason="Why “so”",
        )
    audit_sealing.seal_pending()

    assert problems() == []


def test_record_refuses_to_write_outside_a_transaction(transactional_db: None) -> None:
    with pytest.raises(transaction.TransactionManagementError):
        audit.record(AuditAction.SIGNED_IN, actor=None)


def test_an_entry_disappears_with_the_act_that_failed() -> None:
    with transaction.atomic():
        audit.record(AuditAction.SIGNED_IN, actor=None)
        transaction.set_rollback(True)

    assert not AuditEntry.objects.exists()


def test_record_is_one_statement(django_assert_num_queries: Any) -> None:
    with transaction.atomic(), django_assert_num_queries(1):
        audit.record(AuditAction.SIGNED_IN, actor=None)


# --- triggers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_auditentry SET reason = 'another'",
        "UPDATE accounts_auditentry SET hash = ''",
        "UPDATE accounts_auditentry SET number = NULL",
        "DELETE FROM accounts_auditentry",
        "TRUNCATE accounts_auditentry",
        "UPDATE accounts_auditseal SET hash = ''",
        "DELETE FROM accounts_auditseal",
        "TRUNCATE accounts_auditseal",
    ],
)
def test_the_database_refuses_to_change_what_is_sealed(statement: str) -> None:
    sealed(1)

    refused(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_auditentry SET reason = 'another'",
        "UPDATE accounts_auditentry SET number = 1, reason = 'another'",
        "DELETE FROM accounts_auditentry",
    ],
)
def test_the_database_refuses_to_change_what_waits_for_its_seal(statement: str) -> None:
    act()

    refused(statement)


def test_what_waits_for_its_seal_is_not_removed_as_too_old() -> None:
    act()
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('namaskah.audit_removal', 'on', true)")

    refused("DELETE FROM accounts_auditentry")


# --- tampering --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("reason", "'another'"),
        ("actor_id", "99"),
        ("actor_role", "'finance'"),
        ("subject_id", "99"),
        ("action", "'session.signed_out'"),
        ("target", "'billing.deposit:2'"),
        ("address", "'192.0.2.1'"),
        ("user_agent", "'another'"),
        ("request_id", "'another'"),
        ("before", "'{}'"),
        ("after", """'{"role": "customer"}'"""),
        ("created_at", "created_at - interval '1 microsecond'"),
        ("hash", "repeat('0', 64)"),
    ],
)
def test_a_changed_field_is_found(column: str, value: str) -> None:
    sealed(3)

    tamper(f"UPDATE accounts_auditentry SET {column} = {value} WHERE number = 2")  # noqa: S608  # our own words

    assert "Entry 2 " in problems()[0]
    assert "changed" in problems()[0]


def test_an_entry_removed_in_the_middle_is_found() -> None:
    sealed(4)

    tamper("DELETE FROM accounts_auditentry WHERE number IN (2, 3)")

    assert problems() == ["Gone: entries 2 to 3."]


def test_an_end_cut_off_is_found_by_its_seal() -> None:
    sealed(4)

    tamper("DELETE FROM accounts_auditentry WHERE number = 4")

    seal = AuditSeal.objects.get()
    assert problems() == [f"Gone: entry 4, which seal {seal.pk} covers."]


def test_an_end_cut_off_with_its_seals_is_found_by_the_head_in_the_log() -> None:
    sealed(2)
    sealed(2)
    head = audit_sealing.head()

    tamper("DELETE FROM accounts_auditentry WHERE number > 2")
    tamper("DELETE FROM accounts_auditseal WHERE last_number > 2")

    assert problems() == []
    assert "its end was cut off" in problems(head)[0]


def test_a_trail_written_anew_is_found_by_the_head_in_the_log() -> None:
    sealed(3)
    head = audit_sealing.head()
    tamper("TRUNCATE accounts_auditentry, accounts_auditseal")

    sealed(3)

    assert problems() == []
    assert "written anew" in problems(head)[0]
    assert problems(audit_sealing.head()) == []


def test_two_entries_swapped_are_found_both() -> None:
    sealed(4)

    tamper(
        "UPDATE accounts_auditentry AS entry SET number = -other.number, hash = other.hash FROM accounts_auditentry AS other"
        " WHERE entry.number IN (2, 3) AND other.number = 5 - entry.number"
    )
    tamper("UPDATE accounts_auditentry SET number = -number WHERE number < 0")

    found = problems()
    assert ["Entry 2 " in found[0], "Entry 3 " in found[1], len(found)] == [True, True, 2]


def test_an_entry_put_in_at_the_end_is_found() -> None:
    sealed(2)
    act()

    tamper("UPDATE accounts_auditentry SET number = 3, hash = repeat('a', 64) WHERE number IS NULL")

    found = problems()
    assert "Entry 3 " in found[0]
    assert found[1] == "No seal covers entry 3."


def test_an_entry_put_in_the_middle_is_found() -> None:
    sealed(3)
    act()

    tamper("UPDATE accounts_auditentry SET number = number + 1000 WHERE number >= 2")
    tamper("UPDATE accounts_auditentry SET number = 2, hash = repeat('a', 64) WHERE number IS NULL")
    tamper("UPDATE accounts_auditentry SET number = number - 999 WHERE number >= 1000")

    found = "\n".join(problems())
    assert [f"Entry {number} (" in found for number in (1, 2, 3, 4)] == [False, True, True, True]


def test_a_seal_taken_back_to_change_an_entry_is_found() -> None:
    """An entry that is unsealed, changed and sealed again by our own job."""
    sealed(3)

    tamper("UPDATE accounts_auditentry SET number = NULL, hash = '', reason = 'another' WHERE number = 2")
    audit_sealing.seal_pending()

    assert problems()[0] == "Gone: entry 2."


@pytest.mark.parametrize(
    "change",
    [
        "hash = repeat('a', 64)",
        "last_number = 9",
        "first_number = 0",
        "is_removal = true",
        "created_at = now() - interval '1 day'",
        "mac = repeat('a', 64)",
    ],
)
def test_a_changed_seal_is_found(change: str) -> None:
    sealed(3)

    tamper(f"UPDATE accounts_auditseal SET {change}")  # noqa: S608  # our own words

    assert "is not ours" in problems()[0]


def test_a_missing_seal_is_found() -> None:
    sealed(2)
    sealed(2)

    tamper("DELETE FROM accounts_auditseal WHERE last_number = 2")

    assert problems() == ["Gone: the seal of entries 1 to 2."]


def test_declaring_entries_removed_as_too_old_takes_our_key() -> None:
    sealed(4)
    entry = AuditEntry.objects.get(number=2)
    forged = AuditSeal(
        first_number=1, last_number=2, hash=entry.hash, is_removal=True, created_at=timezone.now()
    )
    forged.mac = audit_chain.mac_of(forged, b"a key of somebody else's")
    forged.save()

    tamper("DELETE FROM accounts_auditentry WHERE number <= 2")

    assert f"Seal {forged.pk} calls entries up to 2 removed as too old, and is not ours." in problems()
    assert "Gone: entries 1 to 2." in problems()


def test_sealing_says_that_the_end_was_cut_off_and_goes_on() -> None:
    sealed(3)
    tamper("DELETE FROM accounts_auditentry WHERE number = 3")
    act()

    with capture_logs() as lines:
        audit_sealing.seal_pending()

    assert [line["event"] for line in lines if line["log_level"] == "error"] == [
        "Audit trail does not end where its seals do"
    ]
    assert AuditEntry.objects.filter(number=4).exists()
    assert "Gone: entry 3" in problems()[0]


# --- keys -------------------------------------------------------------------------------------------------------------


def test_a_chain_over_a_change_of_keys_verifies_with_both() -> None:
    sealed(2)

    with override_settings(DATA_KEYS=[OTHER_KEY, "dGVzdHMtb25seS1rZXktdGhhdC1zZWFscy1ub3RoaW4="]):
        sealed(2)
        assert problems() == []
    with override_settings(DATA_KEYS=[OTHER_KEY]):
        assert "Entry 1 " in problems()[0]


def test_without_data_keys_the_secret_key_seals() -> None:
    with override_settings(DATA_KEYS=[]):
        sealed(2)
        assert problems() == []
        with override_settings(SECRET_KEY="another" * 10):
            assert problems() != []


# --- removal ----------------------------------------------------------------------------------------------------------


def test_what_is_too_old_is_removed_and_the_rest_verifies() -> None:
    as_of(400, count=3)
    audit_sealing.seal_pending(batch=2)
    sealed(2)

    assert audit_removal.remove_old(batch=2) == 3

    assert numbers() == [4, 5]
    anchor = AuditSeal.objects.get(is_removal=True)
    assert (anchor.first_number, anchor.last_number) == (1, 3)
    report = audit_checks.verify([Head(3, anchor.hash), Head(1, "a" * 64)])
    assert (report.problems, report.removed_until, report.checked) == ([], 3, 2)


def test_sealing_goes_on_after_everything_was_removed() -> None:
    as_of(400, count=3)
    audit_sealing.seal_pending()
    audit_removal.remove_old()

    with capture_logs() as lines:
        sealed(1)

    assert [line["log_level"] for line in lines] == ["info"]
    assert numbers() == [4]
    assert problems() == []


def test_an_old_entry_behind_a_younger_one_stays_with_it() -> None:
    sealed(1)
    as_of(400)
    audit_sealing.seal_pending()

    assert audit_removal.remove_old() == 0


def test_an_old_entry_without_seal_stays() -> None:
    as_of(400)

    assert audit_removal.remove_old() == 0
    assert AuditEntry.objects.count() == 1


@override_settings(AUDIT_KEEP_DAYS=30)
def test_how_long_entries_are_kept_is_a_setting() -> None:
    as_of(31)
    audit_sealing.seal_pending()

    assert audit_removal.remove_old() == 1


def test_more_removed_than_the_anchor_says_is_found() -> None:
    as_of(400, count=2)
    sealed(3)
    audit_removal.remove_old()

    tamper("DELETE FROM accounts_auditentry WHERE number = 3")

    assert problems() == ["Gone: entry 3."]
