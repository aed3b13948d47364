"""From cost to price: rules, quotes, and the most a number may cost us at a price."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from django.conf import settings
from django.core import signing
from django.db import connection
from django.utils import timezone

from namaskah.lib.money import round_up
from verifications.exceptions import BadQuote, PriceUnknown
from verifications.models import Country, PriceRule, Service
from verifications.services import routing

_SALT = "verifications.quote"
_RULES = """
    SELECT service_id, country_id, kind, value, minimum_margin FROM verifications_pricerule
    WHERE (%(service)s::bigint IS NULL OR service_id IS NULL OR service_id = %(service)s::bigint)
      AND (%(country)s::bigint IS NULL OR country_id IS NULL OR country_id = %(country)s::bigint)
"""
_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Markup:
    """One price rule as plain values."""

    kind: str
    value: Decimal
    minimum_margin: Decimal

    def price(self, cost: Decimal) -> Decimal:
        """The price for a cost, rounded up to `settings.PRICE_STEP`."""
        added = self.value if self.kind == PriceRule.Kind.FIXED else cost * self.value / _HUNDRED
        return round_up(cost + max(added, self.minimum_margin), settings.PRICE_STEP)

    def max_cost(self, price: Decimal) -> Decimal:
        """The most a number may cost at this price with the minimum margin still earned."""
        return price - self.minimum_margin


class Rules:
    """The price rules that can apply, read once. The most specific wins: both, then service, then country, then neither."""

    def __init__(self, markups: dict[tuple[int | None, int | None], Markup]) -> None:
        self._markups = markups

    @classmethod
    def load(cls, *, service_id: int | None = None, country_id: int | None = None) -> Rules:
        """Read the rules, of one service or country only where one is given."""
        with connection.cursor() as cursor:
            cursor.execute(_RULES, {"service": service_id, "country": country_id})
            return cls({(row[0], row[1]): Markup(*row[2:]) for row in cursor.fetchall()})

    def find(self, service_id: int, country_id: int) -> Markup | None:
        """The rule for a service in a country, or None where nothing may be sold."""
        for key in ((service_id, country_id), (service_id, None), (None, country_id), (None, None)):
            if markup := self._markups.get(key):
                return markup
        return None

    @property
    def countries(self) -> set[int]:
        """Countries that some rule treats differently."""
        return {country_id for _, country_id in self._markups if country_id is not None}


@dataclass(frozen=True, slots=True)
class Quote:
    """A price we promise for a service and country until it expires. It travels through the page as signed text."""

    service_id: int
    country_id: int
    operator: str
    price: Decimal
    currency: str
    expires_at: dt.datetime

    @property
    def is_expired(self) -> bool:
        return timezone.now() >= self.expires_at

    def signed(self) -> str:
        """The quote as text that only we can have written."""
        return signing.dumps(
            [
                self.service_id,
                self.country_id,
                self.operator,
                str(self.price),
                self.currency,
                int(self.expires_at.timestamp()),
            ],
            salt=_SALT,
        )

    @classmethod
    def from_signed(cls, text: str) -> Quote:
        """Read a quote back; an expired one is returned as well and says so.

        Raises:
            BadQuote: We did not write this text.
        """
        try:
            service_id, country_id, operator, price, currency, expires = signing.loads(text, salt=_SALT)
            expires_at = dt.datetime.fromtimestamp(expires, tz=dt.UTC)
            return cls(service_id, country_id, operator, Decimal(price), currency, expires_at)
        except (signing.BadSignature, ValueError, TypeError, InvalidOperation) as error:
            raise BadQuote from error


def quote(service: Service, country: Country, operator: str = "") -> Quote:
    """Promise the price of the cheapest offer that can be bought now.

    Raises:
        NoNumbers: Nothing is in stock.
        PriceUnknown: There is no price rule, or every price known is too old.
        ProviderUnavailable: Whoever has stock cannot be reached.
    """
    offers = routing.routes(service=service, country=country, operator=operator)
    if not offers:
        raise routing.why_none(service=service, country=country, operator=operator)
    return Quote(
        service_id=service.pk,
        country_id=country.pk,
        operator=operator,
        price=price_for(offers[0].cost, service.pk, country.pk),
        currency=settings.WALLET_CURRENCY,
        expires_at=timezone.now().replace(microsecond=0) + dt.timedelta(seconds=settings.QUOTE_TTL_S),
    )


def markup_for(service_id: int, country_id: int) -> Markup:
    """The rule that applies, for callers that need more than one figure of it.

    Raises:
        PriceUnknown: No rule applies, not even a default.
    """
    markup = Rules.load(service_id=service_id, country_id=country_id).find(service_id, country_id)
    if markup is None:
        raise PriceUnknown
    return markup


def price_for(cost: Decimal, service_id: int, country_id: int) -> Decimal:
    """What a number of this cost is sold for, wallet currency."""
    return markup_for(service_id, country_id).price(cost)


def max_cost_for(price: Decimal, service_id: int, country_id: int) -> Decimal:
    """The most a number sold at this price may cost, wallet currency."""
    return markup_for(service_id, country_id).max_cost(price)
