"""`manage.py create_customer`, as the contract has it."""

from __future__ import annotations

import json
import logging
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command, execute_from_command_line

from accounts.models import AuditEntry, User
from billing.models import Transfer
from billing.services import books, ledger
from namaskah.lib.logging import logging_config
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


def run(*options: str) -> dict[str, Any]:
    out = StringIO()
    call_command("create_customer", *options, stdout=out)
    return dict(json.loads(out.getvalue()))


def test_customer_can_sign_in_with_what_is_printed() -> None:
    made = run("--email", "Ann@EXAMPLE.com")

    user = User.objects.get()
    assert made == {
        "email": "Ann@example.com",
        "password": made["password"],
        "api_key": None,
        "test_api_key": None,
    }
    assert len(made["password"]) >= 16
    assert user.check_password(made["password"])
    assert user.email_verified_at is not None
    assert not user.is_staff
    assert Transfer.objects.count() == 0


def test_credit_is_a_staff_adjustment_in_the_ledger() -> None:
    run("--email", "ann@example.com", "--password", "a given password", "--credit", "25.00")

    user, transfer = User.objects.get(), Transfer.objects.get()
    assert user.check_password("a given password")
    assert (transfer.amount, transfer.code, transfer.reason, transfer.balance_after) == (
        Decimal("25.0000"),
        "staff_credit",
        "Opening credit by create_customer",
        Decimal("25.0000"),
    )
    assert transfer.credit_account == ledger.customer_account(user.pk)
    assert books.verify().is_clean


def test_account_and_credit_stand_in_the_audit_trail() -> None:
    run("--email", "ann@example.com", "--credit", "25.00")

    entries = AuditEntry.objects.filter(subject_id=User.objects.get().pk).order_by("pk")
    assert [(entry.action, entry.actor_id) for entry in entries] == [
        ("account.signed_up", None),
        ("staff.money", None),
    ]
    assert entries[1].after == {"act": "Adjustment", "amount": "25.00", "currency": "USD"}


def test_second_run_changes_nothing() -> None:
    UserFactory.create(email="ann@example.com")

    with pytest.raises(CommandError, match=r"ANN@example\.com already exists; nothing was changed") as error:
        run("--email", "ANN@example.com", "--credit", "25.00")

    assert error.value.returncode == 1
    assert Transfer.objects.count() == 0


@pytest.mark.parametrize(
    "credit", ["-1", "1.00001", "NaN", "sNaN", "Infinity", "1e20", "1000000000000000", "ten"]
)
def test_nonsense_as_credit_leaves_no_customer(credit: str) -> None:
    with pytest.raises(CommandError, match="not an amount"):
        run("--email", "ann@example.com", f"--credit={credit}")

    assert User.objects.count() == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["create_customer", "--email", "a@example.com", "--credit", "-5"], "argument --credit: '-5' is not an amount"),
        (["create_customer", "--email", "a@example.com", "--credit", "abc"], "argument --credit: 'abc' is not an amount."),
        (["create_customer", "--email", "a@example.com", "--credit", "1e20"], "below 1000000000000000 with"),
        (["verify_books", "--fast"], "unrecognized arguments: --fast"),
        (["verify_books", "now"], "unrecognized arguments: now"),
    ],
)  # fmt: skip
def test_bad_argument_is_one_sentence_and_no_traceback(
    arguments: list[str], sentence: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        execute_from_command_line(["manage.py", *arguments])

    printed = capfd.readouterr()
    assert stop.value.code == 2
    assert printed.out == ""
    assert sentence in printed.err.splitlines()[-1]
    assert "Traceback" not in printed.err


def test_largest_credit_is_booked() -> None:
    run("--email", "ann@example.com", "--credit", "999999999999999.9999")

    assert Transfer.objects.get().amount == Decimal("999999999999999.9999")


def test_standard_output_holds_the_object_alone_and_standard_error_the_log(
    capfd: pytest.CaptureFixture[str],
) -> None:
    root = logging.getLogger()
    before = list(root.handlers)
    logging_config(level="INFO", log_format="console")
    try:
        call_command("create_customer", "--email", "ann@example.com", "--credit", "25.00")
    finally:
        logging_config(level="WARNING", log_format="console")
        for handler in before:
            if handler not in root.handlers and type(handler) is not logging.StreamHandler:
                root.addHandler(handler)

    printed = capfd.readouterr()
    assert json.loads(printed.out)["email"] == "ann@example.com"
    assert "Customer registered" in printed.err


def test_nonsense_as_email_is_refused() -> None:
    with pytest.raises(CommandError, match="not an e-mail address"):
        run("--email", "nonsense")
