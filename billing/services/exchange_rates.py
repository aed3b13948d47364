"""What a unit of the wallet currency costs in the charge currency: a history, the newest row in force.

A rate too old stops top-ups: we would sell dollars at the price of another day.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.core.cache import cache
from django.utils import timezone
from pydantic import BaseModel, Field, ValidationError

from accounts.models import User
from billing.exceptions import RateTooOld
from billing.models import ExchangeRate
from namaskah.lib import http
from namaskah.lib.money import RATE_PLACES

log = structlog.get_logger(__name__)

STAFF = "staff"
# A source that is this far off the last rate is wrong more often than the market moved so far.
LARGEST_STEP = Decimal("0.25")
SMALLEST, LARGEST = Decimal(1).scaleb(-RATE_PLACES), Decimal(10) ** 12
_ASKED = "exchange-rate-asked"
_CONNECT_TIMEOUT_S, _READ_TIMEOUT_S, _MAX_BYTES = 3.0, 10.0, 256 * 1024


class RateRefused(ValueError):
    """A rate that nobody should be charged by; the text is for staff."""


class _Answer(BaseModel):
    """The form of https://www.exchangerate-api.com/docs/free, read 2026-11."""

    result: str
    base_code: str
    time_last_update_unix: int = Field(gt=0, lt=2**33)
    rates: dict[str, Decimal]


def current(charge: str = "", wallet: str = "") -> ExchangeRate | None:
    """The rate in force, however old; None when there never was one."""
    charge, wallet = charge or settings.PAYSTACK_CURRENCY, wallet or settings.WALLET_CURRENCY
    if charge == wallet:
        return ExchangeRate(
            charge_currency=charge,
            wallet_currency=wallet,
            rate=Decimal(1),
            source="same",
            as_of=timezone.now(),
        )
    rates = ExchangeRate.objects.filter(charge_currency=charge, wallet_currency=wallet)
    return rates.order_by("-as_of", "-id").first()


def usable(charge: str = "", wallet: str = "") -> ExchangeRate:
    """The rate in force, fresh enough to sell by.

    Raises:
        RateTooOld: There is none, or it is older than `EXCHANGE_RATE_MAX_AGE_S`.
    """
    rate = current(charge, wallet)
    if rate is None or is_stale(rate):
        raise RateTooOld
    return rate


def is_stale(rate: ExchangeRate) -> bool:
    """Whether a rate is too old to sell by."""
    return timezone.now() - rate.as_of > dt.timedelta(seconds=settings.EXCHANGE_RATE_MAX_AGE_S)


def enter(*, rate: Decimal, reason: str, actor: User | None) -> ExchangeRate:
    """Put a rate of staff's in force from now on, until the source has a newer one.

    Raises:
        RateRefused: Not a positive rate, or no reason.
    """
    if not reason.strip():
        raise RateRefused("A rate entered by staff needs a reason.")
    made = ExchangeRate.objects.create(
        charge_currency=settings.PAYSTACK_CURRENCY,
        wallet_currency=settings.WALLET_CURRENCY,
        rate=_exact(rate),
        source=STAFF,
        as_of=timezone.now(),
        note=reason.strip(),
        created_by=actor,
    )
    log.info("Exchange rate entered", rate=str(made.rate), actor=actor.pk if actor else None)
    return made


def refresh_if_due() -> None:
    """Refresh once an interval; after a failure soon again."""
    if not cache.add(_ASKED, 1, timeout=settings.EXCHANGE_RATE_REFRESH_S):
        return
    refresh()
    rate = current()
    if rate is None or is_stale(rate):
        cache.delete(_ASKED)


def refresh() -> ExchangeRate | None:
    """Ask the source, and write its rate down if it is new.

    Returns:
        The new row; None when there was nothing new, or nothing that could be believed (which is logged).
    """
    charge, wallet = settings.PAYSTACK_CURRENCY, settings.WALLET_CURRENCY
    if charge == wallet or not settings.EXCHANGE_RATE_URL:
        return None
    try:
        rate, as_of = _ask(charge, wallet)
        last = current(charge, wallet)
        if last is not None and as_of <= last.as_of:
            return None
        if last is not None and abs(rate / last.rate - 1) > LARGEST_STEP:
            raise RateRefused(f"{rate} is more than a quarter away from {last.rate}")
    except (http.HttpError, RateRefused) as error:
        log.warning("Exchange rate not refreshed", reason=str(error))
        return None
    host = urlsplit(settings.EXCHANGE_RATE_URL).hostname or ""
    made = ExchangeRate.objects.create(
        charge_currency=charge, wallet_currency=wallet, rate=rate, source=host[:100], as_of=as_of
    )
    log.info("Exchange rate refreshed", rate=str(rate), as_of=as_of.isoformat())
    return made


def _ask(charge: str, wallet: str) -> tuple[Decimal, dt.datetime]:
    reply = http.send(
        "GET",
        f"{settings.EXCHANGE_RATE_URL}/{wallet}",
        connect_timeout_s=_CONNECT_TIMEOUT_S,
        read_timeout_s=_READ_TIMEOUT_S,
        max_bytes=_MAX_BYTES,
    )
    if reply.status != 200:
        raise RateRefused(f"the source answered {reply.status}")
    answer = _parse(reply)
    if answer.result != "success" or answer.base_code != wallet or charge not in answer.rates:
        raise RateRefused(f"the source has no {charge} for {wallet}")
    margin = 1 + settings.EXCHANGE_RATE_MARGIN_PERCENT / 100
    as_of = dt.datetime.fromtimestamp(answer.time_last_update_unix, dt.UTC)
    # A source that dates itself into the future would hide every later rate.
    return _exact(answer.rates[charge] * margin), min(as_of, timezone.now())


def _parse(reply: http.Reply) -> _Answer:
    try:
        document: Any = reply.json()
        return _Answer.model_validate(document)
    except (ValidationError, ValueError) as error:
        raise RateRefused("the source's answer is not what it documents") from error


def _exact(rate: Decimal) -> Decimal:
    if not rate.is_finite() or not SMALLEST <= rate < LARGEST:
        raise RateRefused(f"{rate} is not a rate")
    return rate.quantize(SMALLEST)
