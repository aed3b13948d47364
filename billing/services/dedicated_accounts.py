"""Bank account numbers of customers' own: asked for, found at Paystack, matched with money that arrives.

Asking is a row first, then one call; Paystack assigns the number in its own time. What its webhook says about that is a
hint to look: only Paystack's list of the customer's accounts binds a number to a person. Nothing is kept of a phone
number. Source: docs/providers/paystack.md, dedicated accounts
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from billing.currencies import charge_currency
from billing.exceptions import BankAccountRefused
from billing.models import DedicatedAccount
from billing.paystack import client
from billing.paystack.base import DedicatedAccountFact
from billing.paystack.errors import DuplicateReference, PaystackError

log = structlog.get_logger(__name__)

CURRENCIES = ("NGN", "GHS")
REQUERY_EVERY = dt.timedelta(minutes=10)  # Paystack's limit for one account
_LEASE = dt.timedelta(minutes=5)
_SOONEST_LOOK, _LATEST_LOOK = dt.timedelta(minutes=1), dt.timedelta(hours=6)
_ASSIGN_WITHIN = dt.timedelta(days=7)
_CHECK_EVERY = dt.timedelta(days=1)  # of a working account
_BATCH = 20


def is_offered() -> bool:
    """Whether customers can have a number: switched on, and in a currency that Paystack has them for."""
    return bool(settings.PAYSTACK_DEDICATED_ACCOUNTS) and settings.PAYSTACK_CURRENCY in CURRENCIES


def open(*, user: User, first_name: str, last_name: str, phone: str) -> DedicatedAccount:
    """Ask for a number. Asking again while it is being assigned, or once it is there, does nothing.

    Args:
        phone: E.164; handed on to Paystack and forgotten.

    Raises:
        BankAccountRefused: Paystack said no, or cannot be asked now; the customer may try again.
    """
    account, is_ours_to_ask = _begin(user)
    if not is_ours_to_ask:
        return account
    try:
        client.paystack().assign_dedicated_account(
            email=account.email,
            first_name=first_name,
            last_name=last_name,
            phone=phone,
            preferred_bank=settings.PAYSTACK_DEDICATED_BANK,
            country=charge_currency().country,
        )
    except PaystackError as error:
        if not error.is_unknown and not isinstance(error, DuplicateReference):
            raise _refused(account, error) from error
        log.info("Bank account asked for, answer lost", customer=user.pk, code=error.code)
    else:
        log.info("Bank account asked for", customer=user.pk)
    return account


def owner_of(*, account_number: str, customer_code: str) -> int | None:
    """The user whose number this is, if it is in use and Paystack's customer is the one bound to it."""
    if not account_number or not customer_code:
        return None
    accounts = DedicatedAccount.objects.filter(
        account_number=account_number, customer_code=customer_code, is_active=True
    )
    return accounts.values_list("user_id", flat=True).first()


def note_assignment(data: dict[str, Any]) -> None:
    """Look at Paystack because a webhook says that a number was assigned, or will not be.

    Raises:
        PaystackError: Paystack could not be asked now.
    """
    customer = data.get("customer")
    email = customer.get("email") if isinstance(customer, dict) else None
    if not isinstance(email, str) or not email:
        return
    account = DedicatedAccount.objects.filter(email__iexact=email[:254]).first()
    if account is None or account.account_number:
        return
    is_refusal = not data.get("dedicated_account")
    if not _adopt(account) and is_refusal:
        _give_up(account, _("The bank did not accept your details. Check the names and try again."))


def requery(*, user: User) -> bool:
    """Let Paystack look for money that is late at the customer's number, at most once in ten minutes.

    Returns:
        Whether Paystack was asked by this call.

    Raises:
        PaystackError: It could not be asked; counting begins anyway, since the question may have arrived.
    """
    account = DedicatedAccount.objects.filter(user=user, is_active=True).first()
    if account is None:
        return False
    return _requery(account, timezone.now().date())


def sweep() -> int:
    """Find numbers that were assigned, and once a day see that those in use still are and have missed nothing.

    Returns:
        How many accounts were looked at.
    """
    if not is_offered() or not client.is_available():
        return 0
    now = timezone.now()
    due = DedicatedAccount.objects.filter(next_look_at__lte=now).order_by("next_look_at")[:_BATCH]
    looked = 0
    for account in due:
        if not _claim(account, now):
            continue
        try:
            _look(account, now)
        except PaystackError as error:
            log.info("Bank account not looked at", account=account.pk, code=error.code)
        looked += 1
    return looked


def _begin(user: User) -> tuple[DedicatedAccount, bool]:
    """The row of this customer, and whether it is for this call to ask Paystack."""
    if not is_offered():
        raise BankAccountRefused(_("Bank account numbers are not offered at the moment."))
    values = {"email": user.email, "next_look_at": timezone.now() + _SOONEST_LOOK}
    account, is_new = DedicatedAccount.objects.get_or_create(user=user, defaults=values)
    if is_new:
        return account, True
    # Refused before: whoever clears the refusal asks again.
    refused = DedicatedAccount.objects.filter(pk=account.pk, account_number="").exclude(failure="")
    is_ours = refused.update(failure="", created_at=timezone.now(), **values) == 1
    account.refresh_from_db()
    return account, is_ours


def _refused(account: DedicatedAccount, error: PaystackError) -> BankAccountRefused:
    log.warning("Bank account not assigned", customer=account.user_id, code=error.code)
    if error.can_retry:
        words = _("The bank cannot be reached at the moment. Try again in a few minutes.")
    else:
        words = _("The bank did not accept your details. Check the names and try again.")
    _give_up(account, words)
    return BankAccountRefused(words)


def _give_up(account: DedicatedAccount, words: str) -> None:
    waiting = DedicatedAccount.objects.filter(pk=account.pk, account_number="")
    waiting.update(failure=words[:200], next_look_at=None)


def _claim(account: DedicatedAccount, now: dt.datetime) -> bool:
    """Whether this run looks; a run that dies leaves it to the next one after the lease."""
    waiting = DedicatedAccount.objects.filter(pk=account.pk, next_look_at=account.next_look_at)
    return waiting.update(next_look_at=now + _LEASE) == 1


def _look(account: DedicatedAccount, now: dt.datetime) -> None:
    if account.account_number:
        _adopt(account)
        account.refresh_from_db()
        if account.is_active:
            _requery(account, (now - dt.timedelta(days=1)).date())
        return
    if _adopt(account):
        return
    age = now - account.created_at
    if age > _ASSIGN_WITHIN:
        _give_up(account, _("No number was assigned. Check your details and try again."))
        return
    wait = min(max(age, _SOONEST_LOOK), _LATEST_LOOK)
    DedicatedAccount.objects.filter(pk=account.pk).update(next_look_at=now + wait)


def _adopt(account: DedicatedAccount) -> bool:
    """Write down what Paystack's list says of this customer's number.

    Returns:
        Whether there is one.
    """
    facts = list(client.paystack().dedicated_accounts(customer_email=account.email))
    fact = _choose(account, facts)
    if fact is None:
        if account.account_number:
            log.error("A bank account number is gone at Paystack", customer=account.user_id)
            DedicatedAccount.objects.filter(pk=account.pk).update(
                is_active=False, next_look_at=timezone.now() + _CHECK_EVERY
            )
        return False
    try:
        with transaction.atomic():
            _bind(account, fact)
    except IntegrityError:
        # Paystack knows its customers by e-mail: this one was somebody else's before.
        log.error("A bank account number belongs to another customer", customer=account.user_id)
        _give_up(account, _("This number cannot be used with your account. Please write to support."))
        return False
    return True


def _choose(account: DedicatedAccount, facts: list[DedicatedAccountFact]) -> DedicatedAccountFact | None:
    """The account bound before, else one in use. A bound number is never exchanged for another one."""
    if account.paystack_id is not None:
        return next((fact for fact in facts if fact.id == account.paystack_id), None)
    usable = (fact for fact in facts if fact.is_active and fact.account_number and fact.customer_code)
    return next(usable, None)


def _bind(account: DedicatedAccount, fact: DedicatedAccountFact) -> None:
    known = DedicatedAccount.objects.filter(pk=account.pk)
    unbound_or_same = known.filter(Q(paystack_id__isnull=True) | Q(paystack_id=fact.id))
    bound = unbound_or_same.update(
        paystack_id=fact.id,
        customer_code=fact.customer_code[:60],
        account_number=fact.account_number[:20],
        account_name=fact.account_name[:120],
        bank_name=fact.bank_name[:100],
        bank_slug=fact.bank_slug[:60],
        is_active=fact.is_active,
        failure="",
        next_look_at=timezone.now() + _CHECK_EVERY,
    )
    if bound and not account.account_number:
        log.info("Bank account number assigned", customer=account.user_id)


def _requery(account: DedicatedAccount, day: dt.date) -> bool:
    if not _claim_requery(account):
        return False
    client.paystack().requery_dedicated_account(
        account_number=account.account_number, provider_slug=account.bank_slug, day=day
    )
    log.info("Paystack asked for late transfers", customer=account.user_id)
    return True


def _claim_requery(account: DedicatedAccount) -> bool:
    """Whether ten minutes have passed; checked and noted in one statement, so that two clicks are one question."""
    now = timezone.now()
    rested = Q(requeried_at__isnull=True) | Q(requeried_at__lte=now - REQUERY_EVERY)
    return DedicatedAccount.objects.filter(rested, pk=account.pk).update(requeried_at=now) == 1
