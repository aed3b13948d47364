"""A customer of whom there is one of everything, and rows for every page of the console."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.contrib.auth.models import Group
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from accounts import mailbox
from accounts.audit_actions import AuditAction
from accounts.models import (
    AuditEntry,
    AuditSeal,
    FactorReset,
    KnownDevice,
    Notice,
    OutgoingEmail,
    Session,
    User,
)
from accounts.services import audit, data_export
from billing.enums import ApprovalKind
from billing.models import Account, Approval, Difference, ReconciledDay, Settlement, Transfer, WebhookEvent
from tests.factories.accounts import StaffFactory, record_event
from tests.factories.catalog import OfferFactory, PriceRuleFactory, ServiceCodeFactory
from tests.factories.instruments import make_bank_account, make_card, make_standing_order
from tests.factories.papers import make_receipt
from tests.factories.passkeys import add_passkey
from tests.factories.payments import make_credited_deposit, make_deposit, make_rate, make_suspended_deposit
from tests.factories.returns import make_dispute, make_refund
from tests.fake_paystack import FakePaystack
from tests.shop import Shop
from verifications.models import HistoryEntry, Message, StrayOrder, Verification
from verifications.services import polling


@dataclass
class Scene:
    """`args` are what stands in addresses, by the name of the placeholder; `rows` what the console shows, by model."""

    customer: User
    args: dict[str, Any]
    rows: dict[str, Model]
    secrets: tuple[str, ...]  # what of the customer nobody else may read


def make_scene(shop: Shop, far: FakePaystack, folder: Path) -> Scene:
    """Build it around the shop's customer.

    Args:
        folder: Where e-mails are written, of which one is needed.
    """
    customer, staff = shop.user, StaffFactory.create(email="second@example.com")
    order = _order_with_code(shop)
    secrets = (order.phone_number, order.code, customer.email)
    args, rows = _money(customer, far, staff)
    args |= _account(customer) | {
        "verification_id": order.pk,
        "name": _written_email(folder),
        "slug": shop.service.slug,
        "token": "no-such-token",
        "app_label": "billing",
        "url": "nowhere/at/all/",
        "content_type_id": "1",
    }
    rows |= _console(customer, staff) | _orders(order, shop)
    args["reset_id"] = FactorReset.objects.get().pk
    return Scene(customer, args, {row._meta.label_lower: row for row in rows}, secrets)


def _order_with_code(shop: Shop) -> Verification:
    order = shop.order()
    shop.deliver(order)
    polling.poll_provider(shop.alpha.pk)
    order.refresh_from_db()
    assert order.code
    return order


def _money(customer: User, far: FakePaystack, staff: User) -> tuple[dict[str, Any], set[Model]]:
    deposit = make_deposit(customer, far=far)
    paid = make_credited_deposit(customer, far=far)
    refund = make_refund(make_credited_deposit(customer, far=far))
    card = make_card(customer)
    dispute = make_dispute(make_credited_deposit(customer, far=far), far)
    day = ReconciledDay.objects.create(
        day=dt.date(2026, 1, 2), currency="NGN",
        figures={"ours": {"paid": 100, "payments": 1}, "theirs": {"paid": 90, "payments": 1}},
    )  # fmt: skip
    difference = Difference.objects.create(day=day, kind="missing_here", subject="x", text="x")
    rows: set[Model] = {
        make_suspended_deposit(customer, far=far),
        refund,
        dispute,
        card,
        day,
        make_standing_order(card),
        make_bank_account(customer),
        make_rate(),
        Account.objects.get(user=customer),
        Transfer.objects.latest("sequence"),
        Approval.objects.create(
            kind=ApprovalKind.ADJUSTMENT,
            subject=f"user:{customer.pk}",
            amount=Decimal(500),
            reason="x",
            asked_by=staff,
        ),
        Settlement.objects.create(paystack_id=1, status="success", currency="NGN", total_subunits=1),
        WebhookEvent.objects.create(
            body_sha256=hashlib.sha256(b"{}").hexdigest(), event="charge.success", body=b"{}", state="done"
        ),
    }
    args = {
        "deposit_id": deposit.pk,
        "reference": deposit.reference,
        "paid_id": paid.pk,
        "refund_id": refund.pk,
        "card_id": card.pk,
        "number": make_receipt(make_credited_deposit(customer, far=far)).number,
        "month": f"{timezone.now():%Y-%m}",
        "dispute_id": dispute.pk,
        "account_id": Account.objects.get(user=customer).pk,
        "difference_id": difference.pk,
    }
    return args, rows


def _account(customer: User) -> dict[str, Any]:
    """What stands in the addresses of the settings."""
    add_passkey(customer)  # which ends the trust in all devices, so it comes first
    session = Session.objects.create(
        session_key="0" * 40,
        session_data="",
        expire_date=timezone.now() + dt.timedelta(days=1),
        user=customer,
    )
    device = KnownDevice.objects.create(
        user=customer, token_hash="0" * 64, trusted_until=timezone.now() + dt.timedelta(days=30)
    )
    notice = Notice.objects.create(
        user=customer, template="wallet_low", context={"balance": "$1", "url": "/wallet/"}, key="n1"
    )
    export = data_export.ask(user=customer)
    data_export.make(export.pk)
    export.refresh_from_db()
    return {
        "export_id": export.pk,
        "export_token": data_export.link(export).partition("token=")[2],
        "session_id": session.id,
        "device_id": device.pk,
        "passkey_id": customer.passkeys.get().pk,
        "notice_id": notice.pk,
    }


def _written_email(folder: Path) -> str:
    get_connection(mailbox.FILE_BACKEND, file_path=str(folder)).send_messages(
        [EmailMessage("Hello", "you", to=["a@example.com"])]
    )
    return mailbox.latest(1)[0].name


def _console(customer: User, staff: User) -> set[Model]:
    with transaction.atomic():
        audit.record(AuditAction.SIGNED_IN, actor=customer, subject=customer)
    return {
        customer,
        record_event(customer),
        AuditEntry.objects.latest("pk"),
        AuditSeal.objects.create(first_number=1, last_number=1, hash="x"),
        Notice.objects.get(user=customer, key="n1"),
        OutgoingEmail.objects.create(user=customer, to=customer.email, template="wallet_low", key="e1"),
        FactorReset.objects.create(user=customer, reason="x", asked_by=staff),
        Group.objects.get(name="premium"),
    }


def _orders(order: Verification, shop: Shop) -> set[Model]:
    offer = OfferFactory.create()
    attempt = order.attempts.get()
    return {
        order,
        attempt,
        offer,
        offer.price_list,
        shop.service,
        shop.country,
        shop.alpha,
        ServiceCodeFactory.create(provider=offer.provider),
        PriceRuleFactory.create(service=shop.service),
        Message.objects.filter(verification=order).latest("pk"),
        HistoryEntry.objects.filter(verification=order).latest("pk"),
        StrayOrder.objects.create(
            provider=shop.alpha, provider_order_id="stray", service_code="wa", country_code="16"
        ),
    }
