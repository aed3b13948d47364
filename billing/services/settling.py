"""Bringing a deposit to its end: ask Paystack, then write what it says. The only way a payment becomes money in a wallet.

Webhooks, return pages, sweeps and staff all come here, in any order and at once. Exactly once stands on three walls: the
row's state under its lock, the unique key of the transfer, and Paystack's id, unique among deposits.

Source: docs/decisions/0004-paystack.md
"""

from __future__ import annotations

import uuid

import structlog
from django.conf import settings
from django.db import IntegrityError
from django.db.transaction import atomic
from django.utils import timezone

from accounts.models import User
from billing import locks
from billing.enums import DepositPurpose, DepositStatus
from billing.models import Deposit, SavedCard
from billing.paystack import client
from billing.paystack.base import Transaction
from billing.paystack.errors import NotFound, NotReached, PaystackError, Throttled
from billing.services import (
    acceptance,
    crediting,
    dedicated_accounts,
    deposit_intents,
    deposit_looks,
    deposit_outcomes,
    exchange_rates,
)
from namaskah.lib.money import UNIT

log = structlog.get_logger(__name__)


def settle(deposit_id: uuid.UUID, *, force: bool = False) -> Deposit:
    """Ask Paystack what became of a deposit and write it. Whoever comes while another asks just gets the row.

    An unanswered question changes nothing: the sweep asks again.

    Args:
        force: Also ask about one that is settled, to learn of a reversal.
    """
    deposit = Deposit.objects.get(pk=deposit_id)
    if not deposit_looks.claim(deposit, force=force):
        return deposit
    try:
        transaction = client.paystack().verify(deposit.reference)
    except NotFound:
        return _unknown_there(deposit_id)
    except PaystackError as error:
        log.info("Deposit not verified", deposit=str(deposit_id), code=error.code)
        deposit_looks.put_off(deposit_id, soon=isinstance(error, NotReached | Throttled))
        return deposit
    return apply(deposit_id, transaction)


def apply(deposit_id: uuid.UUID, transaction: Transaction) -> Deposit:
    """Write what Paystack says about a deposit; saying it again changes nothing.

    Only what a verify or a charge of ours has brought comes in here, never what a browser or a webhook says.
    """
    try:
        with atomic():
            return _apply(locks.lock_deposit(deposit_id), transaction)
    except IntegrityError as error:
        if "paystack_id" not in str(error):
            raise
        # Another deposit took this id a moment ago, which the second reading sees.
        with atomic():
            return _apply(locks.lock_deposit(deposit_id), transaction)


def receive(transaction: Transaction) -> Deposit:
    """Write a verified success that is no deposit of ours: credited if it came to a customer's own account number, else kept
    in suspense. Receiving it again returns the first row.

    Raises:
        ValueError: It is no success, or its figures are none.
    """
    if transaction.status != "success" or not acceptance.is_sound(transaction) or transaction.amount == 0:
        raise ValueError("Only a success with an amount is received.")
    known = (
        Deposit.objects.filter(paystack_id=transaction.id).first()
        or Deposit.objects.filter(reference=transaction.reference).first()
    )
    if known is None:
        known = _write_down(transaction)
    return apply(known.pk, transaction) if known.reference == transaction.reference else known


def open_authorized(*, user: User, card: SavedCard, amount_subunits: int) -> Deposit:
    """Write the intent of charging a saved card; the caller then charges it under this reference and settles.

    Raises:
        TopUpRefused: The limits or the exchange rate do not allow it now.
    """
    intent = deposit_intents.write(
        user=user, amount_subunits=amount_subunits, purpose=DepositPurpose.AUTO, card=card
    )
    return intent.deposit


def _apply(deposit: Deposit, transaction: Transaction) -> Deposit:
    if transaction.reference != deposit.reference or not acceptance.is_sound(transaction):
        # Nothing about this deposit: neither a reason to credit it nor one to give it up.
        log.error("Answer does not fit its deposit", deposit=str(deposit.pk))
        deposit_outcomes.nothing_new(deposit)
    elif transaction.status == "success":
        deposit_outcomes.paid(deposit, transaction)
    elif transaction.status == "failed":
        deposit_outcomes.declined(deposit, transaction)
    elif transaction.status == "reversed":
        deposit_outcomes.reversed_there(deposit)
    else:
        deposit_outcomes.unfinished(deposit, transaction.status)
    return deposit


def _unknown_there(deposit_id: uuid.UUID) -> Deposit:
    with atomic():
        deposit = locks.lock_deposit(deposit_id)
        deposit_outcomes.unknown_there(deposit)
    return deposit


def _write_down(transaction: Transaction) -> Deposit:
    """The row of a payment that nobody asked for, whose rate is fixed when it is credited."""
    paid_by = transaction.authorization
    is_own_account = transaction.channel == "dedicated_nuban"
    owner = (
        dedicated_accounts.owner_of(
            account_number=paid_by.receiver_account_number, customer_code=transaction.customer_code
        )
        if is_own_account
        else None
    )
    amount = max(min(transaction.paid_for, transaction.amount), 1)
    rate = exchange_rates.current(transaction.currency)
    row = Deposit(
        user_id=owner,
        reference=transaction.reference,
        purpose=DepositPurpose.BANK,
        status=DepositStatus.PROCESSING,
        email=transaction.customer_email[:254],
        charge_currency=transaction.currency,
        amount_subunits=amount,
        wallet_currency=settings.WALLET_CURRENCY,
        rate=rate.rate if rate else 1,
        rate_as_of=rate.as_of if rate else timezone.now(),
        credit_amount=max(crediting.worth(amount, rate.rate), UNIT) if rate else UNIT,
    )
    Deposit.objects.bulk_create(
        [row], ignore_conflicts=True
    )  # the same webhook may be worked on twice at once
    log.info("Uninvited payment written down", is_own_account=is_own_account, customer=owner)
    return Deposit.objects.get(reference=transaction.reference)
