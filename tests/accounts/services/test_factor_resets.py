"""Staff takes somebody's second factors away: one asks, another decides."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.audit_actions import AuditAction
from accounts.enums import CodeChannel
from accounts.models import (
    AuditEntry,
    CodeDevice,
    FactorReset,
    KnownDevice,
    OutgoingEmail,
    Passkey,
    RecoveryCode,
    Session,
    TotpDevice,
    User,
)
from accounts.services import factor_resets, factors
from accounts.services.factor_resets import ResetAsked, ResetDecided, ResetRefused
from tests.factories.accounts import ClerkFactory, StaffFactory, UserFactory
from tests.factories.second_factors import add_message_codes, add_passkey, add_sheet, add_totp
from tests.factories.signing_in import sign_in

pytestmark = pytest.mark.django_db
ADD = "/ops/accounts/factorreset/add/"


@pytest.fixture
def user(client: Client) -> User:
    """Somebody with everything, signed in."""
    made = UserFactory.create()
    add_totp(made)
    add_sheet(made)
    add_passkey(made)
    add_message_codes(made, CodeChannel.EMAIL)
    KnownDevice.objects.create(user=made, token_hash="t", trusted_until=timezone.now())
    sign_in(Client(), made)
    return made


@pytest.fixture
def clerk() -> User:
    return StaffFactory.create()


@pytest.fixture
def reset(user: User, clerk: User) -> FactorReset:
    return factor_resets.ask(user_id=user.pk, actor=clerk, reason="lost the telephone")


def decide(reset: FactorReset, actor: User, *, approve: bool = True) -> FactorReset:
    return factor_resets.decide(
        reset_id=reset.pk, actor=actor, approve=approve, reason="checked by telephone"
    )


def test_asking_changes_nothing_yet(reset: FactorReset, user: User) -> None:
    assert factors.has_second_factor(user.pk)
    assert AuditEntry.objects.get(action=AuditAction.FACTOR_RESET_ASKED).subject_id == user.pk


def test_approved_everything_is_gone_and_everybody_out(reset: FactorReset, user: User) -> None:
    decide(reset, StaffFactory.create())

    left = [model.objects.count() for model in (TotpDevice, Passkey, RecoveryCode, CodeDevice)]
    actions = set(AuditEntry.objects.filter(subject_id=user.pk).values_list("action", flat=True))
    assert left == [0, 0, 0, 0]
    assert KnownDevice.objects.get(user=user).trusted_until is None
    assert not Session.objects.filter(user=user).exists()
    assert OutgoingEmail.objects.get(user=user).template == "factors_reset"
    assert {
        AuditAction.FACTOR_REMOVED,
        AuditAction.SESSIONS_ENDED,
        AuditAction.FACTOR_RESET_DECIDED,
    } <= actions


def test_refused_nothing_changes(reset: FactorReset, user: User) -> None:
    decided = decide(reset, StaffFactory.create(), approve=False)

    assert (decided.is_approved, factors.has_second_factor(user.pk)) == (False, True)
    assert Session.objects.filter(user=user).exists()


def test_who_asked_cannot_decide(reset: FactorReset, clerk: User, user: User) -> None:
    with pytest.raises(ResetRefused):
        decide(reset, clerk)

    assert factors.has_second_factor(user.pk)


def test_database_refuses_one_person_alone_too(reset: FactorReset, clerk: User) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        FactorReset.objects.update(decided_by=clerk)


def test_nobody_resets_themselves(clerk: User) -> None:
    with pytest.raises(ResetRefused):
        factor_resets.ask(user_id=clerk.pk, actor=clerk, reason="me")
    reset = factor_resets.ask(user_id=clerk.pk, actor=StaffFactory.create(), reason="them")

    with pytest.raises(ResetRefused):
        decide(reset, clerk)


def test_one_request_at_a_time(reset: FactorReset, user: User) -> None:
    with pytest.raises(ResetAsked):
        factor_resets.ask(user_id=user.pk, actor=StaffFactory.create(), reason="again")


def test_decision_is_made_once(reset: FactorReset) -> None:
    decide(reset, StaffFactory.create(), approve=False)

    with pytest.raises(ResetDecided):
        decide(reset, StaffFactory.create())


# --- in the console ---------------------------------------------------------------------------------------------------


def page_of(reset: FactorReset) -> str:
    return reverse("admin:accounts_factorreset_decide", args=[reset.pk])


def test_console_asks_and_another_decides(client: Client, user: User) -> None:
    sign_in(client, StaffFactory.create())
    client.post(ADD, {"email": user.email.upper(), "reason": "lost"})
    reset = FactorReset.objects.get()
    own = client.post(page_of(reset), {"reason": "me too", "decision": "approve"}, follow=True)
    other = Client()
    sign_in(other, StaffFactory.create())
    shown = other.get(page_of(reset)).content.decode()
    index = other.get("/ops/").content.decode()

    other.post(page_of(reset), {"reason": "seen", "decision": "approve"})

    assert "two members of staff" in own.content.decode()
    assert (user.email in shown, "lost" in shown) == (True, True)
    assert "Resets of second factors to decide" in index
    assert not factors.has_second_factor(user.pk)


def test_page_of_a_person_leads_here_with_their_address(client: Client, user: User) -> None:
    sign_in(client, StaffFactory.create())

    assert user.email in client.get(ADD, {"user": user.pk}).content.decode()
    assert client.get(ADD, {"user": "9" * 30}).status_code == 200


@pytest.mark.parametrize(
    "data", [{}, {"email": "nobody@example.com", "reason": "x"}, {"email": "x", "reason": "x"}], ids=range(3)
)
def test_nonsense_is_said_beside_the_field(client: Client, data: dict[str, str]) -> None:
    sign_in(client, StaffFactory.create())

    assert client.post(ADD, data).status_code == 400
    assert not FactorReset.objects.exists()


def test_deciding_takes_a_reason(client: Client, reset: FactorReset, user: User) -> None:
    sign_in(client, StaffFactory.create())

    assert client.post(page_of(reset), {"decision": "approve"}).status_code == 400
    assert factors.has_second_factor(user.pk)


def test_anything_but_yes_is_no(client: Client, reset: FactorReset, user: User) -> None:
    sign_in(client, StaffFactory.create())

    client.post(page_of(reset), {"reason": "x", "decision": "perhaps"})

    assert factors.has_second_factor(user.pk)


def test_permissions_are_asked_for(
    client: Client, reset: FactorReset, support_may: Callable[..., None]
) -> None:
    support_may("accounts.view_factorreset")
    sign_in(client, ClerkFactory.create())

    assert client.get(ADD).status_code == 403
    assert client.post(page_of(reset), {"reason": "x", "decision": "approve"}).status_code == 403
    assert client.get("/ops/accounts/factorreset/").status_code == 200


def test_deciding_takes_showing_again_who_one_is(client: Client, reset: FactorReset) -> None:
    sign_in(client, StaffFactory.create(), fresh=False)

    assert client.get(page_of(reset))["Location"].startswith("/accounts/confirm/")
