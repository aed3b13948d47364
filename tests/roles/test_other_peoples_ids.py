"""Ids of somebody else's things in queries and forms, where the walk over addresses does not look."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts import mailbox
from accounts.models import Notice, User
from accounts.services.sessions import STEPPED_UP
from billing.models import AutoTopUp, Deposit, Refund, SavedCard, Transfer
from tests.factories.accounts import UserFactory
from tests.factories.billing import make_wallet
from tests.factories.instruments import make_card
from tests.factories.signing_in import sign_in
from tests.fake_paystack import FakePaystack
from tests.roles.scene import Scene, make_scene
from tests.shop import Shop
from verifications.models import Verification

pytestmark = pytest.mark.django_db
JUNK = ["x", "0", "-1", "9" * 30, "\x00", "' OR 1=1 --", "None", f"nan_{uuid.UUID(int=0)}", "é" * 500]


@pytest.fixture
def scene(
    db: None, shop_builder: Callable[..., Shop], far: FakePaystack, settings: Settings, tmp_path: Path
) -> Scene:
    settings.EMAIL_BACKEND, settings.EMAIL_FILE_PATH = mailbox.FILE_BACKEND, str(tmp_path)
    return make_scene(shop_builder(), far, tmp_path)


@pytest.fixture
def stranger(scene: Scene, client: Client) -> User:
    """Signed in, with a wallet of their own, and with a hand on the other's ids."""
    user: User = UserFactory.create(email="stranger@example.com")
    make_wallet("10.00", user=user)
    sign_in(client, user)
    session = client.session
    session[STEPPED_UP] = timezone.now().isoformat()
    session.save()
    return user


def cursor(row: Deposit | Verification | Notice) -> str:
    """A place just after a row, as a page would write it."""
    return f"{row.created_at.timestamp() + 1:.6f}_{row.pk}"


def test_lists_beside_somebody_elses_row_show_ones_own(scene: Scene, stranger: User, client: Client) -> None:
    deposit = Deposit.objects.get(pk=scene.args["deposit_id"])
    order = Verification.objects.get(pk=scene.args["verification_id"])
    notice = Notice.objects.get(pk=scene.args["notice_id"])
    newest = Transfer.objects.latest("sequence").sequence
    asked = [
        ("billing:deposit-list", {"older": cursor(deposit)}),
        ("billing:refund-list", {"before": "ffffffff-ffff-7fff-bfff-ffffffffffff"}),
        ("billing:wallet", {"before": str(newest + 1)}),
        ("billing:wallet", {"after": "0"}),
        ("billing:receipt-list", {"page": "1"}),
        ("billing:statement-csv", {}),
        ("verifications:history", {"older": cursor(order)}),
        ("verifications:history", {"q": order.phone_number}),
        ("verifications:history", {"q": str(order.pk)}),
        ("verifications:history-csv", {"q": order.code}),
        ("notices:list", {"older": cursor(notice)}),
        ("billing:top-up", {"next": "/"}),
        ("billing:cards", {}),
    ]
    theirs = [
        order.code, f"/{order.pk}/", deposit.reference, str(deposit.pk), str(notice.pk), scene.customer.email,
    ]  # fmt: skip
    card = SavedCard.objects.get(pk=scene.args["card_id"])

    for name, query in asked:
        response = client.get(reverse(name), query)
        text = b"".join(response).decode()
        shown = text.replace(f'value="{query.get("q", "")}"', "")

        assert response.status_code == 200, name
        assert [secret for secret in [*theirs, f"{card.last4} "] if secret in shown] == [], name


@pytest.mark.parametrize("name", ["reference", "trxref"])
def test_coming_back_from_somebody_elses_payment(
    scene: Scene, stranger: User, client: Client, name: str
) -> None:
    query = {name: scene.args["reference"]}

    assert client.get(reverse("billing:top-up-return"), query).status_code == 404
    assert client.get(reverse("billing:top-up-cancelled"), query).status_code == 404


def test_refund_of_somebody_elses_deposit(scene: Scene, stranger: User, client: Client) -> None:
    before = Refund.objects.count()
    address = f"{reverse('billing:refund-new')}?deposit={scene.args['paid_id']}"

    assert client.post(address, {"amount": "100", "form_key": str(uuid.uuid4())}).status_code == 404
    assert Refund.objects.count() == before


def test_form_keys_of_somebody_else_lead_to_nothing_of_theirs(
    scene: Scene, stranger: User, client: Client, far: FakePaystack
) -> None:
    key = str(uuid.uuid4())
    Deposit.objects.filter(pk=scene.args["deposit_id"]).update(form_key=key)
    Refund.objects.filter(pk=scene.args["refund_id"]).update(form_key=key)
    order = Verification.objects.get(pk=scene.args["verification_id"])
    Verification.objects.filter(pk=order.pk).update(form_key=key)

    paying = client.post(reverse("billing:top-up"), {"amount": "5000", "form_key": key})
    refunding = client.post(reverse("billing:refund-new"), {"amount": "1", "form_key": key})
    ordering = client.post(
        reverse("verifications:order-new"),
        {"service": order.service.slug, "country": order.country.iso2, "form_key": key},
    )

    own = [
        Deposit.objects.exclude(pk=scene.args["deposit_id"]).get(form_key=key).user,
        Verification.objects.exclude(pk=order.pk).get(form_key=key).user,
    ]
    assert own == [stranger, stranger]
    assert str(scene.args["deposit_id"]) not in paying.headers.get("Location", "")
    assert "Location" not in refunding.headers
    assert str(order.pk) not in ordering.headers["Location"]


def test_automatic_top_up_by_somebody_elses_card(scene: Scene, stranger: User, client: Client) -> None:
    make_card(stranger)
    form = {
        "card": scene.args["card_id"],
        "threshold": "5",
        "amount": "5000",
        "monthly_cap": "20000",
        "consent": "on",
    }

    page = client.post(reverse("billing:auto-top-up"), form)

    assert "Choose one of your saved cards." in page.content.decode()
    assert not AutoTopUp.objects.filter(user=stranger).exists()


def test_marking_notices_up_to_somebody_elses(scene: Scene, stranger: User, client: Client) -> None:
    client.post(reverse("notices:read-all"), {"until": str(scene.args["notice_id"])})

    assert Notice.objects.get(pk=scene.args["notice_id"]).read_at is None


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("billing:deposit-list", "older"), ("billing:deposit-list", "newer"), ("billing:refund-list", "before"),
        ("billing:refund-new", "deposit"), ("billing:wallet", "before"), ("billing:wallet", "after"),
        ("billing:wallet", "kind"), ("billing:receipt-list", "page"), ("billing:top-up-return", "reference"),
        ("billing:top-up", "amount"), ("verifications:history", "older"), ("verifications:history", "q"),
        ("verifications:history", "service"), ("verifications:order-new", "service"), ("verifications:order-new", "country"),
        ("verifications:service-list", "q"), ("notices:list", "newer"),
    ],
)  # fmt: skip
def test_bent_ids_are_no_error(signed_in: Client, name: str, field: str) -> None:
    answers = {junk: signed_in.get(reverse(name), {field: junk}).status_code for junk in JUNK}

    assert set(answers.values()) <= {200, 302, 404}, answers


@pytest.fixture
def signed_in(client: Client) -> Client:
    sign_in(client, UserFactory.create())
    return client
