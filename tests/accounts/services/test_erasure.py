"""Being forgotten: asked for, taken back, carried out whatever breaks, and again after a restored backup."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.cache import caches
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from django_redis import get_redis_connection
from pytest_django import Settings

from accounts.audit_actions import AuditAction
from accounts.enums import AccountState
from accounts.models import AuditEntry, Consent, Erasure, Notice, OutgoingEmail, User
from accounts.privacy import erasing, erasure_log, registry
from accounts.privacy.registry import Obstacle
from accounts.services import audit, emails, erasure, erasure_run, registration, sessions
from billing.enums import SystemCode, TransferCode
from billing.models import SavedCard, Transfer
from billing.selectors import wallet
from billing.services import books, leaving, ledger
from tests.factories.accounts import PASSWORD, StaffFactory, UserFactory
from tests.factories.billing import make_hold, make_release, make_wallet
from tests.factories.everything import Planted, dump, make_everything
from tests.factories.instruments import make_card
from tests.factories.letters import letter_to, link_in
from tests.fake_paystack import FakePaystack
from verifications.models import Verification

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def log_file(tmp_path: Path, settings: Settings) -> Path:
    """A log of this test's own."""
    settings.ERASURE_LOG = str(tmp_path / "deep" / "erasures.log")
    return Path(settings.ERASURE_LOG)


@pytest.fixture
def no_paystack(settings: Settings) -> None:
    """There is nobody to tell about cards."""
    settings.PAYSTACK_SECRET_KEY = ""


def make_due(user: User) -> Erasure:
    """The days of grace are over."""
    planned = erasure.open_of(user.pk)
    assert planned is not None
    Erasure.objects.filter(pk=planned.pk).update(next_try_at=timezone.now() - dt.timedelta(seconds=1))
    return planned


def erased(user: User) -> bool:
    user.refresh_from_db()
    return user.email == f"erased-{user.pk}@erased.invalid"


# --- planning ---------------------------------------------------------------------------------------------------------
def test_plan_sets_the_day_tells_it_and_writes_it_down(settings: Settings) -> None:
    settings.ERASURE_GRACE_DAYS = 7
    user = UserFactory.create()

    planned = erasure.plan(user=user, gives_up_balance=False)

    user.refresh_from_db()
    assert dt.timedelta(days=6, hours=23) < planned.due_at - timezone.now() <= dt.timedelta(days=7)
    assert user.leaving_at == planned.due_at == planned.next_try_at
    assert user.is_active
    assert OutgoingEmail.objects.get(user=user).template == "erasure_planned"
    assert AuditEntry.objects.get(action=AuditAction.ERASURE_ASKED).actor_id == user.pk


def test_plan_twice_is_one_erasure() -> None:
    user = UserFactory.create()

    first, second = (erasure.plan(user=user, gives_up_balance=False) for _ in range(2))

    assert first.pk == second.pk
    assert AuditEntry.objects.filter(action=AuditAction.ERASURE_ASKED).count() == 1


def test_plan_with_money_left_needs_it_given_up() -> None:
    user = UserFactory.create()
    make_wallet("2.50", user=user)

    with pytest.raises(erasure.MoneyLeft, match=r"\$2\.50 is left"):
        erasure.plan(user=user, gives_up_balance=False)

    assert erasure.plan(user=user, gives_up_balance=True).gives_up_balance


def test_plan_of_staff_is_refused() -> None:
    with pytest.raises(erasure.NotErasable):
        erasure.plan(user=StaffFactory.create(), gives_up_balance=True)


def test_plan_by_staff_names_them_and_their_reason() -> None:
    user, staff = UserFactory.create(), StaffFactory.create()
    make_wallet("1.00", user=user)

    planned = erasure.plan(user=user, gives_up_balance=False, actor=staff, reason="Asked by letter")

    entry = AuditEntry.objects.get(action=AuditAction.ERASURE_ASKED)
    assert (planned.asked_by_id, planned.reason) == (staff.pk, "Asked by letter")
    assert (entry.actor_id, entry.subject_id, entry.reason) == (staff.pk, user.pk, "Asked by letter")


def test_cancel_takes_it_back_once() -> None:
    user = UserFactory.create()
    planned = erasure.plan(user=user, gives_up_balance=False)

    results = [erasure.cancel(user=user) for _ in range(2)]

    user.refresh_from_db()
    planned.refresh_from_db()
    assert results == [True, False]
    assert user.leaving_at is None
    assert planned.next_try_at is None
    assert not erasure_run.carry_out(planned.pk)
    assert Notice.objects.filter(user=user, template="erasure_cancelled").count() == 1


def test_cancel_after_it_has_begun_is_refused() -> None:
    user = UserFactory.create()
    planned = erasure.plan(user=user, gives_up_balance=False)
    Erasure.objects.filter(pk=planned.pk).update(started_at=timezone.now())

    assert not erasure.cancel(user=user)


def test_nothing_happens_before_the_day() -> None:
    user = UserFactory.create()
    erasure.plan(user=user, gives_up_balance=False)

    assert erasure_run.carry_out_due() == 0
    assert not erased(user)


# --- obstacles --------------------------------------------------------------------------------------------------------
def test_obstacle_on_the_day_is_told_once_and_waited_for() -> None:
    user = UserFactory.create()
    account = make_wallet("1.00", user=user)
    erasure.plan(user=user, gives_up_balance=True)
    hold = make_hold(account, "0.35")

    for _ in range(2):
        planned = make_due(user)
        assert erasure_run.carry_out_due() == 0

    planned.refresh_from_db()
    user.refresh_from_db()
    assert planned.obstacle == "Part of your money is held."
    assert planned.started_at is None
    assert user.is_active
    assert Notice.objects.filter(user=user, template="erasure_waiting").count() == 1

    make_release(hold)
    make_due(user)
    assert erasure_run.carry_out_due() == 1
    assert erased(user)


def test_balance_that_came_after_the_question_is_waited_for() -> None:
    user = UserFactory.create()
    erasure.plan(user=user, gives_up_balance=False)
    make_wallet("1.00", user=user)

    make_due(user)

    assert erasure_run.carry_out_due() == 0
    assert wallet(user.pk).available == Decimal("1.00")
    assert not erased(user)


def test_balance_given_up_moves_by_a_transfer_of_its_own_and_the_books_hold() -> None:
    user = UserFactory.create()
    make_wallet("2.50", user=user)
    erasure.plan(user=user, gives_up_balance=True)

    make_due(user)
    erasure_run.carry_out_due()

    transfer = Transfer.objects.get(code=TransferCode.BALANCE_GIVEN_UP)
    assert transfer.amount == Decimal("2.50")
    assert transfer.credit_account == ledger.system_account(SystemCode.GIVEN_UP)
    assert wallet(user.pk).balance == 0
    assert books.verify().differences == []


def test_cards_are_dead_at_paystack_before_anything_goes(far: FakePaystack) -> None:
    user = UserFactory.create()
    make_card(user)
    erasure.plan(user=user, gives_up_balance=False)
    make_due(user)

    assert erasure_run.carry_out_due() == 0
    assert SavedCard.objects.filter(user=user, deactivate_due_at__isnull=False).exists()
    user.refresh_from_db()
    assert user.state == AccountState.ERASED
    assert not erased(user)

    SavedCard.objects.filter(user=user).update(deactivate_due_at=None, sealed_code="")
    make_due(user)
    assert erasure_run.carry_out_due() == 1
    assert erased(user)
    assert not SavedCard.objects.filter(user=user).exists()


# --- what is gone -----------------------------------------------------------------------------------------------------
@pytest.fixture
def everything(no_paystack: None, monkeypatch: pytest.MonkeyPatch) -> Planted:
    """A customer of whom every table has a row, their erasure due. Their hold and standing payments are no matter here."""
    planted = make_everything()
    for manifest in registry.manifests():
        monkeypatch.setitem(registry._manifests, manifest.app, _without_obstacles(manifest))
    erasure.plan(user=planted.user, gives_up_balance=False)
    make_due(planted.user)
    return planted


def _without_obstacles(manifest: registry.Manifest) -> registry.Manifest:
    return registry.Manifest(
        manifest.app, manifest.tables, settle=manifest.settle, scrub=manifest.scrub, retain=manifest.retain
    )


def send_farewell() -> None:
    OutgoingEmail.objects.filter(template="erasure_done").update(sent_at=timezone.now(), next_try_at=None)
    erasure_run.forget_farewells()


def test_planted_words_are_found_before(everything: Planted) -> None:
    text = dump().lower()

    missing = [word for word in everything.words if word.lower() not in text]

    assert missing == []


def test_nothing_planted_is_left_anywhere(everything: Planted, log_file: Path) -> None:
    caches["default"].set("warm", "cache")

    assert erasure_run.carry_out_due() == 1
    send_farewell()

    redis = get_redis_connection("default")
    cached = b"\n".join(redis.keys("*") + [redis.dump(key) or b"" for key in redis.keys("*")])
    places = {
        "database": dump(),
        "redis": cached.decode("latin-1"),
        "erasure log": log_file.read_text(),
    }
    left = {
        (name, word)
        for name, text in places.items()
        for word in everything.words
        if word.lower() in text.lower()
    }
    assert left == set()


def test_books_and_consents_keep_the_number_of_the_account(everything: Planted) -> None:
    transfers = Transfer.objects.count()
    orders = Verification.objects.filter(user=everything.user).values_list("price", flat=True)
    prices, books_before = list(orders.all()), books.verify().differences

    erasure_run.carry_out_due()

    assert Transfer.objects.count() == transfers
    assert list(orders.all()) == prices
    assert Consent.objects.get(user=everything.user).address is None
    assert books.verify().differences == books_before


def test_erased_account_lets_nobody_in_and_its_address_is_free(everything: Planted) -> None:
    address = everything.user.email

    erasure_run.carry_out_due()

    everything.user.refresh_from_db()
    assert everything.user.state == AccountState.ERASED
    assert not everything.user.check_password("")
    assert UserFactory.create(email=address).pk != everything.user.pk


def test_last_email_goes_to_the_address_and_then_forgets_it(everything: Planted, mailoutbox: list) -> None:  # type: ignore[type-arg]
    address = everything.user.email
    erasure_run.carry_out_due()

    emails.send_due()
    erasure_run.forget_farewells()

    assert [(mail.to, mail.subject) for mail in mailoutbox] == [([address], "Your account is erased")]
    assert not OutgoingEmail.objects.exists()


def test_last_email_that_waits_keeps_its_address(everything: Planted) -> None:
    erasure_run.carry_out_due()

    assert erasure_run.forget_farewells() == 0
    assert OutgoingEmail.objects.get().to == everything.user.email


# --- crashes ----------------------------------------------------------------------------------------------------------
STEPS: list[tuple[object, str]] = [
    (erasure_run, "_close"),
    (sessions, "drop_all"),
    (erasing, "forget"),
    (erasing, "_forget_table"),
    (erasure_log, "write"),
    (emails, "queue"),
    (audit, "record"),
]


@pytest.mark.parametrize("call", [1, 2, 3, 9, 14, 25])
@pytest.mark.parametrize(("module", "name"), STEPS, ids=[name for _module, name in STEPS])
def test_crash_at_any_step_is_finished_by_the_next_run(
    module: object, name: str, call: int, everything: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, calls = getattr(module, name), iter(range(1, 10_000))

    def die(*args: object, **kwargs: object) -> object:
        if next(calls) == call:
            raise RuntimeError("pulled the plug")
        return original(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(module, name, die)
        erasure_run.carry_out_due()
    if not erased(everything.user):
        make_due(everything.user)
        assert erasure_run.carry_out_due() == 1
    send_farewell()

    text = dump().lower()
    assert [word for word in everything.words if word.lower() in text] == []
    assert AuditEntry.objects.filter(action=AuditAction.ERASED).count() == 1


def test_log_that_cannot_be_written_leaves_the_erasure_open(
    everything: Planted, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    settings.ERASURE_LOG = str(tmp_path / "file" / "erasures.log")  # no folder

    assert erasure_run.carry_out_due() == 0

    assert not erased(everything.user)
    assert Erasure.objects.filter(user=everything.user, done_at=None, started_at__isnull=False).exists()


# --- restored backups -------------------------------------------------------------------------------------------------
@pytest.fixture
def backup() -> Callable[[], None]:
    """What the database holds now; called, it is put back."""
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT backup")

    def restore() -> None:
        with connection.cursor() as cursor:
            cursor.execute("ROLLBACK TO SAVEPOINT backup")

    return restore


def test_restored_backup_is_made_to_forget_again(everything: Planted, backup: Callable[[], None]) -> None:
    assert erasure_run.carry_out_due() == 1
    backup()
    assert not erased(everything.user)

    call_command("replay_erasures")

    text = dump().lower()
    assert erased(everything.user)
    assert [word for word in everything.words if word.lower() in text] == []
    assert erasure_run.replay() == 0


def test_backup_from_before_the_question_forgets_as_well(
    everything: Planted, backup: Callable[[], None]
) -> None:
    erasure_run.carry_out_due()
    backup()
    Erasure.objects.filter(user=everything.user).delete()

    assert erasure_run.replay() == 1
    assert erased(everything.user)


def test_somebody_new_with_a_number_that_came_again_is_left_alone() -> None:
    user = UserFactory.create()
    earlier = user.date_joined - dt.timedelta(days=1)
    erasure_log.write(
        erasure_log.Erased(timezone.now(), user.pk, earlier, erasure_log.fingerprint_of(user.email))
    )

    assert erasure_run.replay() == 0
    assert not erased(user)


def test_line_cut_short_by_a_crash_hides_no_other(log_file: Path) -> None:
    user = UserFactory.create()
    entry = erasure_log.Erased(timezone.now(), user.pk, user.date_joined, "f" * 64)
    log_file.parent.mkdir()
    log_file.write_text("2026-11-21T10:00:00+00:00 12 2026-0")

    erasure_log.write(entry)

    assert list(erasure_log.read()) == [entry]


def test_log_names_no_address_and_is_for_its_owner_alone(log_file: Path) -> None:
    user = UserFactory.create(email="Ada@Example.com")
    fingerprint = erasure_log.fingerprint_of(user.email)

    erasure_log.write(erasure_log.Erased(timezone.now(), user.pk, user.date_joined, fingerprint))

    assert "ada" not in log_file.read_text().lower()
    assert log_file.stat().st_mode & 0o777 == 0o600
    assert fingerprint == erasure_log.fingerprint_of("ada@example.com")


def test_command_says_whether_an_address_was_erased(capsys: pytest.CaptureFixture[str]) -> None:
    user = UserFactory.create(email="ada@example.com")
    fingerprint = erasure_log.fingerprint_of(user.email)
    erasure_log.write(erasure_log.Erased(timezone.now(), user.pk, user.date_joined, fingerprint))

    call_command("replay_erasures", address="ADA@example.com")
    call_command("replay_erasures", address="eve@example.com")

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"Account {user.pk} was erased on ")
    assert lines[1] == "No account with this address was erased."
    assert not erased(user)


# --- billing's part ---------------------------------------------------------------------------------------------------
def test_giving_up_twice_moves_the_money_once() -> None:
    user = UserFactory.create()
    make_wallet("2.50", user=user)

    for _ in range(2):
        leaving.give_up_balance(user.pk)

    assert Transfer.objects.filter(code=TransferCode.BALANCE_GIVEN_UP).count() == 1


def test_obstacles_of_a_plain_customer_are_none() -> None:
    found: list[Obstacle] = erasure.obstacles(UserFactory.create().pk, False)

    assert found == []


def test_address_of_before_a_change_leaves_with_its_person(no_paystack: None) -> None:
    registration.ask(email="erin@example.com", password=PASSWORD)
    link = link_in(letter_to("erin@example.com"))
    user = registration.open_by_link(token=link.rstrip("/").rpartition("/")[2], password=PASSWORD).user
    User.objects.filter(pk=user.pk).update(email="other@example.com")
    user.refresh_from_db()
    assert "erin@example.com" in dump()

    erasure.plan(user=user, gives_up_balance=False)
    make_due(user)
    erasure_run.carry_out_due()

    assert erased(user)
    assert "erin@example.com" not in dump()
