"""Copies of somebody's data: whole, theirs alone, made once, handed out for a day to nobody else."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import os
import zipfile
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from accounts.audit_actions import AuditAction
from accounts.models import AuditEntry, DataExport, ExportPart, OutgoingEmail
from accounts.privacy import copying, old_rows, registry
from accounts.services import data_export
from accounts.services.data_export import ExportNotNow
from namaskah.lib import sealing
from tests.factories.accounts import StaffFactory, UserFactory
from tests.factories.everything import PHONE, Planted, make_everything
from verifications.enums import Visibility
from verifications.models import Message, Verification

pytestmark = pytest.mark.django_db


def made_for(planted: Planted) -> DataExport:
    """A copy, ready."""
    DataExport.objects.filter(user=planted.user).delete()
    export = data_export.ask(user=planted.user)
    assert data_export.make(export.pk)
    export.refresh_from_db()
    return export


def opened(export: DataExport) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(b"".join(data_export.pieces(export))))


def token_of(export: DataExport) -> str:
    return data_export.link(export).partition("token=")[2].replace("%3A", ":")


@pytest.fixture
def planted() -> Planted:
    return make_everything()


def test_copy_has_two_files_for_each_table_and_one_that_explains(planted: Planted) -> None:
    archive = opened(made_for(planted))

    names = {table.export for table in registry.tables() if table.export}
    assert set(archive.namelist()) == {"README.txt"} | {
        f"{name}.{kind}" for name in names for kind in ("json", "csv")
    }
    assert archive.testzip() is None
    readme = archive.read("README.txt").decode()
    assert all(f"\n{name}\n" in readme for name in names)
    assert "{" not in readme


def test_both_files_say_the_same(planted: Planted) -> None:
    archive = opened(made_for(planted))

    for table in registry.tables():
        if not table.export:
            continue
        rows: list[dict[str, Any]] = json.loads(archive.read(f"{table.export}.json"))
        lines = list(csv.reader(io.StringIO(archive.read(f"{table.export}.csv").decode())))
        assert lines[0] == [column.export for column in table.columns.values() if column.export]
        assert len(lines) - 1 == len(rows), table.export
        assert all(list(row) == lines[0] for row in rows)


def test_copy_has_what_was_received_ordered_and_paid(planted: Planted) -> None:
    archive = opened(made_for(planted))

    message = json.loads(archive.read("messages.json"))[0]
    row = Message.objects.get(verification__user=planted.user)
    assert (message["text"], message["sender"], message["code"]) == (row.text, row.sender, row.code)
    order = json.loads(archive.read("orders.json"))[0]
    assert order["service"] == Verification.objects.get(user=planted.user).service.name
    account = json.loads(archive.read("account.json"))
    assert [person["email"] for person in account] == [planted.user.email]
    assert json.loads(archive.read("deposits.json"))[0]["email"].endswith("@example.com")
    assert len(json.loads(archive.read("wallet_movements.json"))) == 2


def test_sealed_telephone_number_is_opened_and_secrets_are_left_out(planted: Planted) -> None:
    from accounts.models import CodeDevice, TotpDevice

    CodeDevice.objects.filter(user=planted.user).update(sealed_phone=sealing.seal(PHONE))
    secret = TotpDevice.objects.get(user=planted.user).sealed_key

    archive = opened(made_for(planted))

    everything = b"".join(archive.read(name) for name in archive.namelist()).decode()
    assert json.loads(archive.read("codes_by_message.json"))[0]["phone"] == PHONE
    assert secret not in everything
    assert planted.user.password not in everything


def test_copy_has_nobody_elses_data(planted: Planted) -> None:
    other = make_everything()

    archive = opened(made_for(planted))

    everything = b"".join(archive.read(name) for name in archive.namelist()).decode().lower()
    assert [word for word in other.words if word.lower() in everything] == []


def test_message_of_somebody_else_on_the_same_number_is_not_in_it(planted: Planted) -> None:
    Message.objects.filter(verification__user=planted.user).update(visibility=Visibility.STALE)

    archive = opened(made_for(planted))

    assert json.loads(archive.read("messages.json")) == []
    assert archive.read("messages.csv").decode().count("\n") == 1


def test_number_that_was_given_back_is_not_in_it(planted: Planted) -> None:
    archive = opened(made_for(planted))

    assert json.loads(archive.read("orders.json"))[0]["phone_number"] == ""


def test_act_of_staff_is_told_without_their_machine(planted: Planted) -> None:
    from accounts.services import audit
    from namaskah.lib import request_facts

    staff = StaffFactory.create()
    request_facts.note("198.51.100.9", "StaffBrowser")
    audit.record(AuditAction.VIEWED, actor=staff, subject=planted.user)
    request_facts.note("203.0.113.5", "OwnBrowser")
    audit.record(AuditAction.PASSWORD_CHANGED, actor=planted.user, subject=planted.user)
    request_facts.forget()

    entries = json.loads(opened(made_for(planted)).read("security_log.json"))

    by_action = {entry["action"]: entry for entry in entries}
    assert by_action["staff.viewed"]["address"] is None
    assert by_action["staff.viewed"]["user_agent"] is None
    assert by_action["account.password_changed"]["address"] == "203.0.113.5"
    assert all("actor_id" not in entry and "reason" not in entry for entry in entries)


def test_spreadsheet_runs_nothing_in_it(planted: Planted) -> None:
    Message.objects.filter(verification__user=planted.user).update(text='=HYPERLINK("http://x")')

    archive = opened(made_for(planted))

    lines = list(csv.reader(io.StringIO(archive.read("messages.csv").decode())))
    assert '\'=HYPERLINK("http://x")' in lines[1]


def test_archive_lies_sealed_in_several_parts(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_export, "PART_BYTES", 4096)

    export = made_for(planted)

    parts = list(ExportPart.objects.filter(export=export).order_by("number"))
    assert len(parts) > 1
    assert [part.number for part in parts] == list(range(len(parts)))
    assert sum(len(sealing.unseal_bytes(bytes(part.sealed))) for part in parts) == export.size
    assert not any(b"PK\x03\x04" in bytes(part.sealed) for part in parts)
    assert opened(export).testzip() is None


def test_large_copy_is_read_and_written_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty megabytes that do not shrink: the largest piece in hand is a part, whatever there is."""
    export = DataExport.objects.create(user=UserFactory.create())
    parts = data_export._Parts(export.pk)
    largest = 0
    for _ in range(30 * 16):
        parts.write(os.urandom(64 * 1024))
        largest = max(largest, len(parts._waiting))
    parts.finish()

    assert largest < data_export.PART_BYTES
    assert parts.size == 30 * 1024 * 1024 == sum(map(len, data_export.pieces(export)))


def test_ready_copy_is_told_and_written_down(planted: Planted) -> None:
    export = made_for(planted)

    mail = OutgoingEmail.objects.get(template="export_ready")
    actions = AuditEntry.objects.filter(subject_id=planted.user.pk, action__startswith="privacy.export")
    assert mail.context["url"].startswith(f"/settings/privacy/export/{export.pk}/?token=")
    assert [entry.action for entry in actions.order_by("pk")] == [
        AuditAction.EXPORT_ASKED,
        AuditAction.EXPORT_READY,
    ]


def test_one_at_a_time() -> None:
    user = UserFactory.create()
    data_export.ask(user=user)

    with pytest.raises(ExportNotNow, match="being made already"):
        data_export.ask(user=user)


def test_three_a_day(settings: Settings) -> None:
    user = UserFactory.create()
    for _ in range(settings.EXPORTS_A_DAY):
        assert data_export.make(data_export.ask(user=user).pk)

    with pytest.raises(ExportNotNow, match="3 copies a day"):
        data_export.ask(user=user)

    DataExport.objects.update(created_at=timezone.now() - dt.timedelta(hours=25))
    assert data_export.ask(user=user).ready_at is None


def test_made_twice_is_made_once() -> None:
    export = data_export.ask(user=UserFactory.create())

    assert [data_export.make(export.pk) for _ in range(2)] == [True, False]
    assert OutgoingEmail.objects.filter(template="export_ready").count() == 1


def test_failing_three_times_it_is_given_up_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    export = data_export.ask(user=UserFactory.create())

    def fail(target: Any, **_: Any) -> None:
        target.write(b"x" * data_export.PART_BYTES)
        raise RuntimeError("disk on fire")

    monkeypatch.setattr(copying, "write_archive", fail)
    for _ in range(data_export.TRIES):
        DataExport.objects.update(next_try_at=timezone.now())
        assert data_export.make_due() == 0

    export.refresh_from_db()
    assert export.failed_at is not None
    assert export.next_try_at is None
    assert not ExportPart.objects.exists()
    assert data_export.ask(user=export.user).failed_at is None


def test_worker_that_dies_without_a_word_is_followed_by_another() -> None:
    export = data_export.ask(user=UserFactory.create())
    assert data_export._claim(export.pk) is not None
    ExportPart.objects.create(export=export, number=0, sealed=b"half")

    assert not data_export.make(export.pk)
    DataExport.objects.update(next_try_at=timezone.now())

    assert data_export.make_due() == 1
    export.refresh_from_db()
    assert opened(export).testzip() is None


def test_every_try_cut_short_is_given_up() -> None:
    export = data_export.ask(user=UserFactory.create())
    DataExport.objects.update(tries=data_export.TRIES)

    assert not data_export.make(export.pk)

    export.refresh_from_db()
    assert export.failed_at is not None


def test_link_opens_for_its_owner_alone_and_for_a_day(planted: Planted) -> None:
    export, other = made_for(planted), UserFactory.create()
    token = token_of(export)

    def opens(**changes: Any) -> bool:
        wanted: dict[str, Any] = {"user": planted.user, "export_id": export.pk, "token": token} | changes
        return data_export.open_for(**wanted) is not None

    assert opens()
    assert not opens(user=other)
    assert not opens(token=token[:-1])
    assert not opens(token="")
    assert not opens(export_id=other.exports.create().pk)
    with time_machine.travel(timezone.now() + dt.timedelta(hours=25)):
        assert not opens()


def test_copy_is_emptied_when_its_day_is_over(planted: Planted) -> None:
    export = made_for(planted)
    DataExport.objects.filter(pk=export.pk).update(expires_at=timezone.now() - dt.timedelta(seconds=1))

    old_rows.remove()

    export.refresh_from_db()
    assert export.size == 0
    assert not ExportPart.objects.filter(export=export).exists()
    assert data_export.open_for(user=planted.user, export_id=export.pk, token=token_of(export)) is None
