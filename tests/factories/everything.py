"""A customer of whom every table of theirs has a row, and a planted word in every text that may hold one."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models, transaction
from django.utils import timezone

from accounts.enums import CodeChannel, Document, EventType
from accounts.models import (
    CodeDevice,
    Consent,
    DataExport,
    Erasure,
    ExportPart,
    FactorReset,
    KnownDevice,
    Notice,
    NoticePreference,
    OutgoingEmail,
    Passkey,
    Proof,
    RecoveryCode,
    RecoveryDevice,
    Session,
    TotpDevice,
    User,
)
from accounts.privacy import registry
from accounts.privacy.vocabulary import Erase, Table
from accounts.services import events
from billing.enums import WebhookState
from billing.models import Dispute, Receipt, WebhookEvent
from namaskah.lib import sealing
from tests.factories.accounts import StaffFactory, UserFactory
from tests.factories.billing import make_hold, make_wallet
from tests.factories.catalog import CountryFactory, ProviderFactory, ServiceFactory
from tests.factories.instruments import make_bank_account, make_card, make_standing_order
from tests.factories.papers import make_paid_deposit, make_refund_of
from verifications.enums import Outcome, Status, Step
from verifications.models import Attempt, HistoryEntry, Message, StrayOrder, Verification

PHONE = "+447700900842"
# Columns that no erasure may touch, or that hold no free text of or about the person. Each is a decision: docs/privacy.md.
NOT_PLANTED = {
    "accounts.AuditEntry",  # append-only; kept a year
    "billing.Transfer",  # append-only; the books
    "billing.Account",
    "accounts.Event",  # refuses changes; planted when it is made
}


@dataclass
class Planted:
    """Who, and the words that must be gone."""

    user: User
    words: list[str] = field(default_factory=list)

    def word(self) -> str:
        """A word that stands nowhere else."""
        word = f"zq{uuid.uuid4().hex[:8]}"
        self.words.append(word)
        return word


def make_everything() -> Planted:
    """A customer with a row in each table that knows customers, and a word planted in each text that is to go."""
    planted = Planted(UserFactory.create(email=f"Zq{uuid.uuid4().hex[:8]}@example.com"))
    planted.words.append(planted.user.email)
    _make_account(planted)
    deposit_reference = _make_money(planted)
    _make_order(planted)
    _make_leftovers(planted, deposit_reference)
    for table in registry.tables():
        if table.owners and table.model not in NOT_PLANTED:
            _plant(planted, table)
    return planted


def _make_account(planted: Planted) -> None:
    user, now = planted.user, timezone.now()
    Session.objects.create(session_key=uuid.uuid4().hex, user=user, expire_date=now, address="203.0.113.77")
    KnownDevice.objects.create(user=user, token_hash=uuid.uuid4().hex, address="203.0.113.77")
    Proof.objects.create(purpose="verify_email", user=user, email=user.email, expires_at=now)
    TotpDevice.objects.create(user=user, confirmed=True, sealed_key=sealing.seal("key"))
    CodeDevice.objects.create(
        user=user, confirmed=True, channel=CodeChannel.SMS, sealed_phone=sealing.seal(PHONE)
    )
    sheet = RecoveryDevice.objects.create(user=user)
    RecoveryCode.objects.create(sheet=sheet, code_hash="x")
    Passkey.objects.create(user=user, credential_id=uuid.uuid4().hex, public_key=b"k")
    FactorReset.objects.create(user=user, asked_by=StaffFactory.create())
    with transaction.atomic():
        events.record(
            user_id=user.pk,
            type=EventType.VERIFICATION_RECEIVED,
            subject="verification:0",
            data={"code": planted.word(), "phone_number": PHONE},
        )
    Notice.objects.create(user=user, key=uuid.uuid4().hex, context={"card": planted.word()})
    NoticePreference.objects.create(user=user, in_app=True, by_email=True)
    OutgoingEmail.objects.create(user=user, to=user.email, key=uuid.uuid4().hex)
    Consent.objects.create(user=user, document=Document.TERMS, is_given=True, address="203.0.113.77")
    export = DataExport.objects.create(user=user, failed_at=now)
    ExportPart.objects.create(export=export, number=0, sealed=planted.word().encode())
    Erasure.objects.create(user=user, due_at=now, cancelled_at=now)


def _make_money(planted: Planted) -> str:
    user = planted.user
    make_wallet("0", user=user)
    make_standing_order(make_card(user))
    make_bank_account(user)
    deposit = make_paid_deposit(user)
    refund = make_refund_of(deposit, closed_at=timezone.now(), wallet_amount=0)
    Receipt.objects.create(
        number=uuid.uuid4().hex[:20], kind="refund", user=user, deposit=deposit, refund=refund
    )
    Dispute.objects.create(
        user=user,
        deposit=deposit,
        paystack_id=deposit.paystack_id or 0,
        currency="NGN",
        amount_subunits=1,
        outcome="won",
        evidence={"sections": [{"title": planted.word()}]},
    )
    return deposit.reference


def _make_order(planted: Planted) -> None:
    user, now = planted.user, timezone.now()
    hold = make_hold(make_wallet("1.00", user=user))
    provider = ProviderFactory.create()
    with transaction.atomic():
        order = Verification.objects.create(
            user=user,
            service=ServiceFactory.create(),
            country=CountryFactory.create(),
            status=Status.ORDERING,
            price="0.35",
            currency="USD",
            hold=hold,
        )
        attempt = Attempt.objects.create(
            verification=order,
            provider=provider,
            number=1,
            offer_id=1,
            offer_cost="0.2",
            max_cost="0.3",
            price="0.35",
            outcome=Outcome.BOUGHT,
            provider_order_id=uuid.uuid4().hex,
        )
    closed = {"status": Status.CANCELLED, "attempt": attempt, "closed_at": now}
    Verification.objects.filter(pk=order.pk).update(**closed)
    Message.objects.create(verification=order, attempt=attempt, dedupe_key=uuid.uuid4().hex)
    HistoryEntry.objects.create(verification=order, step=Step.ORDERED, status=Status.ORDERING)
    StrayOrder.objects.create(
        provider=provider, provider_order_id=attempt.provider_order_id, phone_number=planted.word()
    )


def _make_leftovers(planted: Planted, reference: str) -> None:
    """What no column of theirs finds."""
    address, now = planted.user.email, timezone.now()
    Proof.objects.create(purpose="sign_up", email=address.upper(), expires_at=now)
    OutgoingEmail.objects.create(to=address.lower(), key=uuid.uuid4().hex)
    bodies = [
        f'{{"event": "charge.success", "data": {{"customer": {{"email": "{address.lower()}"}}}}}}',
        f'{{"event": "refund.processed", "data": {{"reference": "{reference}", "name": "{planted.word()}"}}}}',
    ]
    for body in bodies:
        WebhookEvent.objects.create(
            body_sha256=uuid.uuid4().hex, body=body.encode(), state=WebhookState.DONE, event="charge.success"
        )
    LogEntry.objects.create(
        user=StaffFactory.create(),
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(planted.user.pk),
        object_repr=address,
        action_flag=CHANGE,
        change_message=f"Wrote to {address}: {planted.word()}",
    )


def _plant(planted: Planted, table: Table) -> None:
    """Put a word into every text of every row that an erasure is to remove."""
    model = apps.get_model(table.model)
    rows = table.rows_of(planted.user.pk)
    assert rows.exists(), f"{table.model} has no row of this customer"
    planted_address = User._meta.get_field("email")
    values: dict[str, Any] = {}
    for name, column in table.columns.items():
        model_field = model._meta.get_field(name)
        is_kept = not table.goes and column.erase == Erase.KEEP
        if is_kept or not _is_free_text(model_field) or model_field is planted_address:
            continue
        word = planted.word()
        values[name] = f"{word}@example.com" if isinstance(model_field, models.EmailField) else word
        length = getattr(model_field, "max_length", None)
        if length is not None and length < len(values[name]):
            planted.words.remove(word)
            values[name] = word[:length]
            if length >= 6:
                planted.words.append(word[:length])
    if values:
        rows.update(**values)


def _is_free_text(model_field: Any) -> bool:
    return isinstance(model_field, models.CharField | models.TextField) and not model_field.is_relation


def dump() -> str:
    """Everything in the database, as text."""
    parts: list[str] = []
    with connection.cursor() as cursor:
        for name in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT row::text FROM "{name}" AS row')  # noqa: S608  # a name of the database's own
            for (text,) in cursor.fetchall():
                parts.append(f"{name}: {text}")
            binary = [
                column.name
                for column in connection.introspection.get_table_description(cursor, name)
                if column.type_code == 17  # bytea
            ]
            for column in binary:
                cursor.execute(f'SELECT convert_from("{column}", \'LATIN1\') FROM "{name}"')  # noqa: S608
                parts += [f"{name}.{column}: {text}" for (text,) in cursor.fetchall() if text]
    return "\n".join(parts)
