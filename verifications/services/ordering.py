"""Placing an order: quote, hold, attempt recorded, buy, outcome recorded.

The intention is committed before a provider is called and no transaction is open during the call, so a crash anywhere
leaves either a decided order or an undecided attempt that `settlement` decides.
"""

from __future__ import annotations

import datetime as dt
import time
import uuid
from dataclasses import dataclass
from decimal import Decimal

import structlog
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts import limits
from accounts.exceptions import EmailNotVerified
from billing.enums import TransferCode
from billing.services import ledger
from namaskah.lib import rows
from namaskah.lib.ids import uuid7
from namaskah.lib.queueing import enqueue
from verifications import locks
from verifications.enums import Outcome, Status, Step
from verifications.exceptions import BadQuote, FormAlreadyUsed, PriceChanged, TooManyOpenOrders
from verifications.models import Attempt, Country, Offer, Service, Verification
from verifications.providers.base import Bought
from verifications.providers.errors import Ambiguous
from verifications.services import attempts, buying, pricing, routing, transitions

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Order:
    """What a customer asks for. `quote` is the price they were shown, when they were shown one."""

    user_id: int
    service: Service
    country: Country
    operator: str = ""
    quote: pricing.Quote | None = None
    max_price: Decimal | None = None
    form_key: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What an order is made at, wallet currency: the price, the most a number may cost us for it, the offer to try first."""

    price: Decimal
    ceiling: Decimal
    best: Offer


def order(wanted: Order) -> Verification:
    """Sell a number: commit the order with its hold, buy, and return the verification in the state it reached.

    The purchase runs in this thread when a slot is free; otherwise the worker makes it and the order is still `ordering`.
    A repeated `form_key` returns the first order.

    Raises:
        NoNumbers, PriceUnknown, ProviderUnavailable: Nothing can be sold now; nothing was written.
        PriceChanged: The price is above what the customer was shown or allows; nothing was written.
        InsufficientFunds: The wallet does not cover the price; nothing was written.
        TooManyOpenOrders: The customer's cap on open orders is reached; nothing was written.
        EmailNotVerified: The customer's e-mail address is not proved; nothing was written.
        FormAlreadyUsed: The form key ordered something else before; nothing was written.
    """
    existing = _by_form_key(wanted)
    if existing is not None:
        return existing
    terms = terms_of(wanted)
    with buying.inline_slot() as inline:
        try:
            verification, attempt = commit_intention(wanted, terms, call_now=inline)
        except IntegrityError:
            existing = _by_form_key(wanted)
            if existing is None:
                raise
            return existing
        if attempt is not None:
            return drive(attempt)
    return verification


def place(verification_id: uuid.UUID) -> None:
    """Continue an order that has no purchase under way: the worker's and the sweep's way in. Safe to run twice."""
    with transaction.atomic():
        verification = locks.verification(verification_id)
        attempt = attempts.begin_next(verification) if _needs_an_attempt(verification) else None
    if attempt is not None:
        drive(attempt)


def drive(attempt: Attempt) -> Verification:
    """Call providers in turn until one sells, all refuse or one leaves doubt.

    Args:
        attempt: One that this very run has recorded: an attempt is called once, by its recorder.
    """
    started = time.monotonic()
    while True:
        result, latency_ms = buying.call(attempt)
        if isinstance(result, Bought):
            return _keep(attempt, result, latency_ms)
        if result.ambiguous:
            return attempts.record_doubt(attempt, result, latency_ms=latency_ms)
        in_time = time.monotonic() - started < settings.ORDER_PLACING_BUDGET_S
        verification, following = attempts.record_refusal(
            attempt, result, latency_ms=latency_ms, try_next=in_time
        )
        if following is None:
            return verification
        attempt = following


def _keep(attempt: Attempt, bought: Bought, latency_ms: int) -> Verification:
    try:
        return attempts.record_bought(attempt, bought, latency_ms=latency_ms)
    except IntegrityError:
        # The provider named an order we already have: its answer cannot be trusted, its books can.
        log.exception(
            "Provider sold one order twice", attempt=str(attempt.pk), provider=attempt.provider.slug
        )
        return attempts.record_doubt(attempt, Ambiguous("order id already known"), latency_ms=latency_ms)


def terms_of(wanted: Order) -> Terms:
    """The price to charge and what it may be bought for.

    The price shown is a promise until its quote expires, as long as some route still leaves the minimum margin; a lower
    current price is charged instead.
    """
    offers = routing.routes(service=wanted.service, country=wanted.country, operator=wanted.operator)
    if not offers:
        raise routing.why_none(service=wanted.service, country=wanted.country, operator=wanted.operator)
    markup = pricing.markup_for(wanted.service.pk, wanted.country.pk)
    current = markup.price(offers[0].cost)
    limits = [limit for limit in (_promise(wanted), wanted.max_price) if limit is not None]
    price = min([current, *limits])
    if price < current and (wanted.quote is None or wanted.quote.is_expired or price < wanted.quote.price):
        raise PriceChanged(current, settings.WALLET_CURRENCY)
    ceiling = markup.max_cost(price)
    affordable = [offer for offer in offers if offer.cost <= ceiling]
    if not affordable:
        raise PriceChanged(current, settings.WALLET_CURRENCY)
    return Terms(price, ceiling, affordable[0])


@transaction.atomic
def commit_intention(wanted: Order, terms: Terms, *, call_now: bool) -> tuple[Verification, Attempt | None]:
    """Write hold, verification and (when this process will call at once) the first attempt, all or nothing.

    The hold's conditional UPDATE locks the wallet row first, so one customer's orders pass here one at a time and the cap on
    open orders cannot be raced.
    """
    verification_id = uuid7()
    now = timezone.now()
    hold = ledger.hold(
        account=ledger.customer_account(wanted.user_id),
        amount=terms.price,
        code=TransferCode.VERIFICATION_HOLD,
        key=f"hold:{verification_id}",
        reference=f"verification:{verification_id}",
        memo=f"{wanted.service.name}, {wanted.country.name}",
        expires_at=now + dt.timedelta(seconds=settings.HOLD_TTL_S),
    )
    enforce_open_order_cap(wanted.user_id)
    verification = Verification(
        id=verification_id,
        user_id=wanted.user_id,
        service=wanted.service,
        country=wanted.country,
        operator=wanted.operator,
        price=terms.price,
        currency=settings.WALLET_CURRENCY,
        form_key=wanted.form_key,
        hold=hold,
        created_at=now,
    )
    rows.insert(verification)
    ordered = (Step.ORDERED, {"amount": str(terms.price)})
    if not call_now:
        transitions.note_all(verification, [ordered])
        enqueue("verifications.place_order", str(verification_id))
        return verification, None
    attempt = attempts.begin(verification, terms.best, number=1, ceiling=terms.ceiling)
    transitions.note_all(verification, [ordered, attempts.attempted(attempt)])
    return verification, attempt


def enforce_open_order_cap(user_id: int) -> None:
    """Refuse one order too many that waits for its code, and any order of somebody whose address is not proved.

    The caller holds the customer's wallet row.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT role, email_verified_at IS NOT NULL, (SELECT count(*) FROM verifications_verification"
            " WHERE user_id = person.id AND status IN ('ordering', 'waiting'))"
            " FROM accounts_user AS person WHERE id = %s",
            [user_id],
        )
        role, is_verified, open_orders = cursor.fetchone()
    if not is_verified:
        raise EmailNotVerified
    cap = limits.open_orders(role)
    if open_orders >= cap:
        raise TooManyOpenOrders(cap)


def _by_form_key(wanted: Order) -> Verification | None:
    if wanted.form_key is None:
        return None
    # Nearly always there is none, and asking whether costs a tenth of asking for three joined rows.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM verifications_verification WHERE user_id = %s AND form_key = %s",
            [wanted.user_id, wanted.form_key],
        )
        if cursor.fetchone() is None:
            return None
    first = Verification.objects.select_related("service", "country").get(
        user_id=wanted.user_id, form_key=wanted.form_key
    )
    if (first.service_id, first.country_id) != (wanted.service.pk, wanted.country.pk):
        raise FormAlreadyUsed
    return first


def _promise(wanted: Order) -> Decimal | None:
    if wanted.quote is None:
        return None
    if (wanted.quote.service_id, wanted.quote.country_id, wanted.quote.operator) != (
        wanted.service.pk,
        wanted.country.pk,
        wanted.operator,
    ):
        raise BadQuote
    return wanted.quote.price


def _needs_an_attempt(verification: Verification) -> bool:
    undecided = verification.attempts.filter(outcome__in=[Outcome.CALLING, Outcome.DOUBTFUL])
    return verification.status == Status.ORDERING and not undecided.exists()
