"""Adding, showing, naming and removing passkeys."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from accounts.audit_actions import AuditAction
from accounts.exceptions import LastFactor
from accounts.models import AuditEntry, Notice, OutgoingEmail, Passkey, RecoveryDevice, User
from accounts.services import factors, passkey_showing, passkeys
from accounts.services.passkey_challenges import CeremonyOver
from accounts.services.passkey_wire import NewKey, PasskeyRefused
from accounts.services.passkeys import PasskeyTaken, TooManyPasskeys
from tests.factories.accounts import StaffFactory, UserFactory
from tests.factories.authenticator import Authenticator, data_of
from tests.factories.passkeys import add_passkey, show_passkey

pytestmark = pytest.mark.django_db


def trail(user_id: int) -> list[str]:
    return list(AuditEntry.objects.filter(subject_id=user_id).order_by("id").values_list("action", flat=True))


def new_key(user: User) -> NewKey:
    ceremony = passkeys.begin_adding(user)
    answer = Authenticator().create(ceremony.options)
    return passkeys.check_new(user=user, credential=answer, challenge=ceremony.challenge)


# --- adding -----------------------------------------------------------------------------------------------------------
def test_added_passkey_is_kept_told_and_written_down() -> None:
    user = UserFactory.create()

    add_passkey(user, name="Telephone")

    passkey = Passkey.objects.get(user=user)
    assert passkey.name == "Telephone"
    assert passkey.last_used_at is None
    assert trail(user.pk)[0] == AuditAction.PASSKEY_ADDED
    assert OutgoingEmail.objects.filter(user=user, template="factor_added").count() == 1
    assert factors.has_second_factor(user.pk)


def test_first_factor_brings_recovery_codes_and_the_next_does_not() -> None:
    user = UserFactory.create()

    with_first = passkeys.keep(user=user, name="", made=new_key(user))
    with_second = passkeys.keep(user=user, name="", made=new_key(user))

    assert len(with_first.recovery_codes) == 10
    assert with_second.recovery_codes == []
    assert [passkey.name for passkey in passkeys.of(user.pk)] == ["Passkey 1", "Passkey 2"]


def test_handle_says_nothing_and_outlives_our_key(settings: Settings) -> None:
    user = UserFactory.create()
    add_passkey(user)
    before = passkeys.of(user.pk)[0].user_handle

    settings.SECRET_KEY = "another-key-" + "z" * 50
    options = passkeys.begin_adding(user).options

    assert data_of(options["user"]["id"]).hex() == before
    assert user.email.encode() not in data_of(options["user"]["id"])
    assert len(before) == 64


def test_kept_keys_are_named_so_that_a_device_declines() -> None:
    user = UserFactory.create()
    authenticator = add_passkey(user)

    options = passkeys.begin_adding(user).options

    assert [data_of(key["id"]) for key in options["excludeCredentials"]] == [authenticator.credential_id]


def test_same_passkey_cannot_be_kept_twice() -> None:
    user, other = UserFactory.create(), UserFactory.create()
    authenticator = add_passkey(user)

    with pytest.raises(PasskeyTaken):
        add_passkey(other, authenticator)

    assert Passkey.objects.get().user == user
    assert not factors.has_second_factor(other.pk)


def test_eleventh_is_refused_before_and_after_it_was_made() -> None:
    user = UserFactory.create()
    made = new_key(user)
    for _ in range(passkeys.MOST):
        add_passkey(user)

    with pytest.raises(TooManyPasskeys):
        passkeys.begin_adding(user)
    with pytest.raises(TooManyPasskeys):
        passkeys.keep(user=user, name="", made=made)

    assert Passkey.objects.filter(user=user).count() == passkeys.MOST


# --- challenges -------------------------------------------------------------------------------------------------------
def test_challenge_of_another_person_is_worth_nothing() -> None:
    mallory, ada = UserFactory.create(), UserFactory.create()
    ceremony = passkeys.begin_adding(mallory)
    answer = Authenticator().create(ceremony.options)

    with pytest.raises(CeremonyOver):
        passkeys.check_new(user=ada, credential=answer, challenge=ceremony.challenge)

    assert not Passkey.objects.exists()


def test_challenge_works_once() -> None:
    user = UserFactory.create()
    authenticator = add_passkey(user, Authenticator(counts=False))
    ceremony = passkey_showing.begin(None)
    answer = authenticator.get(ceremony.options)
    passkey_showing.show(credential=answer, challenge=ceremony.challenge, user=None)

    with pytest.raises(CeremonyOver):
        passkey_showing.show(credential=answer, challenge=ceremony.challenge, user=None)


def test_challenge_is_used_up_by_a_wrong_answer_too() -> None:
    user = UserFactory.create()
    authenticator = add_passkey(user)
    ceremony = passkey_showing.begin(None)
    with pytest.raises(PasskeyRefused):
        passkey_showing.show(credential={"id": "rubbish"}, challenge=ceremony.challenge, user=None)

    with pytest.raises(CeremonyOver):
        passkey_showing.show(
            credential=authenticator.get(ceremony.options), challenge=ceremony.challenge, user=None
        )


def test_challenge_lasts_five_minutes() -> None:
    user = UserFactory.create()
    authenticator = add_passkey(user)
    begun = timezone.now()

    with time_machine.travel(begun, tick=False):
        in_time, too_late = passkey_showing.begin(None), passkey_showing.begin(None)
        answers = [authenticator.get(ceremony.options) for ceremony in (in_time, too_late)]
    with time_machine.travel(begun + dt.timedelta(minutes=4, seconds=59), tick=False):
        passkey_showing.show(credential=answers[0], challenge=in_time.challenge, user=None)
    with time_machine.travel(begun + dt.timedelta(minutes=5), tick=False), pytest.raises(CeremonyOver):
        passkey_showing.show(credential=answers[1], challenge=too_late.challenge, user=None)


@pytest.mark.parametrize("challenge", ["", "never-made"])
def test_challenge_that_was_never_made_is_refused(challenge: str) -> None:
    with pytest.raises(CeremonyOver):
        passkey_showing.show(credential={}, challenge=challenge, user=None)


# --- showing ----------------------------------------------------------------------------------------------------------
def test_shown_passkey_names_its_owner_and_notes_the_use() -> None:
    user = UserFactory.create()
    authenticator = add_passkey(user)

    shown = show_passkey(authenticator)

    passkey = Passkey.objects.get()
    assert shown.user == user
    assert passkey.sign_count == 2
    assert passkey.last_used_at is not None


def test_unknown_passkey_is_refused() -> None:
    with pytest.raises(PasskeyRefused):
        show_passkey(Authenticator())


def test_somebody_elses_passkey_is_refused_and_written_down() -> None:
    ada, mallory = UserFactory.create(), UserFactory.create()
    authenticator = add_passkey(mallory)

    with pytest.raises(PasskeyRefused):
        show_passkey(authenticator, user=ada)

    assert AuditAction.FACTOR_FAILED in trail(mallory.pk)
    assert trail(ada.pk) == []


def test_handle_of_another_person_is_refused() -> None:
    authenticator = add_passkey(UserFactory.create())
    authenticator.handle = bytes(32)

    with pytest.raises(PasskeyRefused):
        show_passkey(authenticator)


def test_answer_without_a_handle_is_as_good() -> None:
    """A key that was asked for by name need not say whose it is."""
    user = UserFactory.create()
    authenticator = add_passkey(user)
    authenticator.handle = b""

    assert show_passkey(authenticator, user=user).user == user


@pytest.mark.parametrize(
    "changed", [{"origin": "https://evil.example"}, {"challenge": "b3RoZXI"}], ids=["origin", "challenge"]
)
def test_wrong_answer_is_refused_and_written_down(changed: dict[str, Any]) -> None:
    user = UserFactory.create()
    authenticator = add_passkey(user)

    with pytest.raises(PasskeyRefused):
        show_passkey(authenticator, **changed)

    assert trail(user.pk)[-1] == AuditAction.FACTOR_FAILED
    assert Passkey.objects.get().last_used_at is None


@pytest.mark.parametrize("count", [1, 5, 0])
def test_count_that_does_not_rise_is_a_copy(count: int) -> None:
    user = UserFactory.create()
    authenticator = add_passkey(user, Authenticator(count=4))
    show_passkey(authenticator)
    authenticator.count = count

    with pytest.raises(PasskeyRefused):
        show_passkey(authenticator)

    assert Passkey.objects.get().sign_count == 5
    entry = AuditEntry.objects.filter(subject_id=user.pk).latest("id")
    assert (entry.action, entry.after) == (AuditAction.FACTOR_FAILED, {"factor": "passkey", "why": "copied"})
    assert OutgoingEmail.objects.filter(user=user, template="passkey_copied").count() == 1
    assert Notice.objects.filter(user=user, template="passkey_copied").count() == 1


def test_wrong_signature_with_an_old_count_is_no_copy() -> None:
    """Anybody can write an old count; only with a right signature does it say something."""
    user = UserFactory.create()
    authenticator = add_passkey(user, Authenticator(count=4))
    forger = Authenticator(credential_id=authenticator.credential_id, handle=authenticator.handle, count=1)

    with pytest.raises(PasskeyRefused):
        show_passkey(forger)

    assert not OutgoingEmail.objects.filter(template="passkey_copied").exists()


def test_key_that_does_not_count_works_each_time() -> None:
    authenticator = add_passkey(UserFactory.create(), Authenticator(counts=False))

    show_passkey(authenticator)
    show_passkey(authenticator)

    assert Passkey.objects.get().sign_count == 0


def test_removed_passkey_is_refused() -> None:
    user = UserFactory.create()
    authenticator = add_passkey(user)
    passkeys.remove(user=user, passkey_id=Passkey.objects.get().pk)

    with pytest.raises(PasskeyRefused):
        show_passkey(authenticator)


def test_visitor_is_never_shown_who_has_passkeys() -> None:
    user = UserFactory.create()
    add_passkey(user)

    assert passkey_showing.begin(None).options["allowCredentials"] == []
    assert len(passkey_showing.begin(user).options["allowCredentials"]) == 1


# --- naming and removing ----------------------------------------------------------------------------------------------
def test_only_its_owner_names_and_removes_it() -> None:
    owner, other = UserFactory.create(), UserFactory.create()
    add_passkey(owner, name="Telephone")
    passkey_id = Passkey.objects.get().pk

    assert passkeys.rename(user=other, passkey_id=passkey_id, name="Mine") is False
    assert passkeys.remove(user=other, passkey_id=passkey_id) is False
    assert Passkey.objects.get().name == "Telephone"

    assert passkeys.rename(user=owner, passkey_id=passkey_id, name="Old telephone") is True
    assert Passkey.objects.get().name == "Old telephone"
    assert passkeys.remove(user=owner, passkey_id=passkey_id) is True
    assert passkeys.remove(user=owner, passkey_id=passkey_id) is False


def test_recovery_codes_go_with_the_last_factor() -> None:
    user = UserFactory.create()
    add_passkey(user)
    add_passkey(user)
    first, last = passkeys.of(user.pk)

    passkeys.remove(user=user, passkey_id=first.pk)
    assert RecoveryDevice.objects.filter(user=user).exists()

    passkeys.remove(user=user, passkey_id=last.pk)
    assert not RecoveryDevice.objects.filter(user=user).exists()
    assert trail(user.pk).count(AuditAction.PASSKEY_REMOVED) == 2


def test_staff_keeps_one() -> None:
    staff = StaffFactory.create()
    add_passkey(staff)

    with pytest.raises(LastFactor):
        passkeys.remove(user=staff, passkey_id=Passkey.objects.get().pk)

    assert Passkey.objects.filter(user=staff).count() == 1
