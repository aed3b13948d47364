"""What is too old goes, what is not stays; one app that fails keeps no other from it."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable

import pytest
from django.utils import timezone

from accounts.models import (
    Event,
    KnownDevice,
    Notice,
    OutgoingEmail,
    Proof,
    Session,
    SignInGuard,
    User,
)
from accounts.privacy import old_rows, registry, retaining
from billing.enums import WebhookState
from billing.models import SavedCard, WebhookEvent
from billing.services import old_rows as old_money_rows
from namaskah.lib.ids import uuid7, uuid7_floor
from tests.factories.accounts import UserFactory
from tests.factories.instruments import make_card, make_standing_order

pytestmark = pytest.mark.django_db

Make = Callable[[User, dt.datetime], object]


def _id_of(at: dt.datetime) -> uuid.UUID:
    """An id as it would have been made then."""
    return uuid.UUID(int=uuid7_floor(at).int | uuid7().int & ((1 << 80) - 1))


def _key() -> str:
    return uuid.uuid4().hex


CASES: dict[str, tuple[type, float, Make]] = {
    "sessions": (
        Session, 0,
        lambda user, at: Session.objects.create(session_key=_key(), user=user, expire_date=at),
    ),
    "visitors": (Session, 0, lambda user, at: Session.objects.create(session_key=_key(), expire_date=at)),
    "devices": (
        KnownDevice, 90, lambda user, at: KnownDevice.objects.create(user=user, token_hash=_key(), last_used_at=at),
    ),
    "e-mails": (
        OutgoingEmail, 90,
        lambda user, at: OutgoingEmail.objects.create(id=_id_of(at), user=user, key=_key(), next_try_at=None),
    ),
    "notices": (Notice, 90, lambda user, at: Notice.objects.create(user=user, key=_key(), created_at=at)),
    "events": (Event, 90, lambda user, at: Event.objects.create(id=_id_of(at), user=user, type="wallet.low")),
    "proofs": (Proof, 7, lambda user, at: Proof.objects.create(purpose="sign_up", email="a@b.c", expires_at=at)),
    "guards": (SignInGuard, 7, lambda user, at: SignInGuard.objects.create(key=_key(), since=at)),
    "locks": (
        SignInGuard, 7,
        lambda user, at: SignInGuard.objects.create(key=_key(), since=at - dt.timedelta(days=1), locked_until=at),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_row_goes_when_its_time_is_over_and_not_before(name: str) -> None:
    model, days, make = CASES[name]
    edge = timezone.now() - dt.timedelta(days=days)
    young, old = edge + dt.timedelta(minutes=5), edge - dt.timedelta(minutes=5)
    user = UserFactory.create()
    make(user, old)
    kept = make(user, young)

    old_rows.remove()

    assert list(model.objects.all()) == [kept]  # type: ignore[attr-defined]


def test_email_that_still_waits_stays() -> None:
    at = timezone.now() - dt.timedelta(days=100)
    OutgoingEmail.objects.create(id=_id_of(at), key="x", to="a@b.c")

    old_rows.remove()

    assert OutgoingEmail.objects.count() == 1


def test_more_than_a_batch_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(old_rows, "BATCH", 2)
    at = timezone.now() - dt.timedelta(days=1)
    for _ in range(5):
        Session.objects.create(session_key=_key(), expire_date=at)

    assert old_rows.remove() == 5


def test_webhooks_and_removed_cards_go_after_their_time() -> None:
    old, young = (timezone.now() - dt.timedelta(days=days) for days in (91, 89))
    for state, at in [
        (WebhookState.DONE, old),
        (WebhookState.IGNORED, old),
        (WebhookState.PENDING, old),
        (WebhookState.DONE, young),
    ]:
        WebhookEvent.objects.create(body_sha256=_key(), event="x", body=b"{}", state=state, received_at=at)
    gone = make_card(removed_at=old)
    kept = [
        make_card(removed_at=young),
        make_card(),
        make_card(removed_at=old, deactivate_due_at=old),
        make_card(removed_at=old),
    ]
    make_standing_order(kept[-1], is_on=False)

    assert old_money_rows.remove() == 3

    assert set(WebhookEvent.objects.values_list("state", "received_at")) == {
        ("pending", old),
        ("done", young),
    }
    assert not SavedCard.objects.filter(pk=gone.pk).exists()
    assert SavedCard.objects.count() == len(kept)


def test_app_that_fails_keeps_no_other_from_forgetting(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> int:
        raise RuntimeError("no")

    Session.objects.create(session_key=_key(), expire_date=timezone.now() - dt.timedelta(days=1))
    monkeypatch.setitem(
        registry._manifests, "verifications", registry.Manifest("verifications", (), retain=fail)
    )

    assert retaining.run() == 1
    assert not Session.objects.exists()
