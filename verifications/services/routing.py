"""Where to buy a number: the cheapest sellable offers, in the order in which they are tried."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

from django.conf import settings
from django.db import connection

from namaskah.exceptions import DomainError
from verifications.exceptions import NoNumbers, PriceUnknown, ProviderUnavailable
from verifications.models import Country, Offer, Provider, Service
from verifications.providers.errors import ProviderError
from verifications.selectors import offers as offer_selectors
from verifications.services import health, provider_rows
from verifications.services.provider_accounts import adapter_for

PER_PROVIDER = 2  # so that failover really changes the provider
_SPARE = 6  # further offers of each provider, for those that lately turned out empty


class Candidate(NamedTuple):
    """An offer that could be bought now, as far as the database knows."""

    pk: int
    slug: str
    cost: Decimal
    stock: int
    operator: str
    price_list_id: int
    provider_id: int
    service_code: str
    country_code: str
    provider_cost: Decimal
    success_rate: Decimal | None
    provider_version: str


# Every order runs this, and building it with the ORM costs three times its execution.
_CANDIDATES = """
    SELECT id, slug, cost, stock, operator, price_list_id, provider_id, service_code, country_code, provider_cost,
        success_rate, provider_version
    FROM (
        SELECT o.*, p.slug, p.priority, p.xmin::text || p.ctid::text AS provider_version,
            row_number() OVER (PARTITION BY o.provider_id ORDER BY o.cost, o.id) AS place
        FROM verifications_providercountrycode l
        JOIN verifications_provider p ON p.id = l.provider_id AND p.is_enabled AND NOT p.is_low_on_balance
        JOIN verifications_offer o ON o.price_list_id = l.id
        WHERE l.country_id = %(country)s AND l.prices_seen_at >= %(fresh_since)s
          AND o.service_id = %(service)s AND o.country_id = %(country)s AND o.stock > 0
          AND (%(operator)s = '' OR o.operator = %(operator)s)
          AND (%(max_cost)s::numeric IS NULL OR o.cost <= %(max_cost)s::numeric)
    ) offers
    WHERE place <= %(per_provider)s
    ORDER BY cost, priority, id
"""


def routes(
    *, service: Service, country: Country, operator: str = "", max_cost: Decimal | None = None
) -> list[Offer]:
    """Return the offers to try, cheapest first and at equal cost by the provider's priority; `provider` is loaded.

    Left out: stale prices, providers that are switched off, low on balance or behind an open breaker, offers that were
    found empty within the last seconds. One query and two Redis round trips.

    Where any operator will do, an offer of a named one is returned with an empty `operator` (the row is not changed), once a
    price list: sellers take a maximum price only without an operator (5SIM), and "any" is never dearer than the cheapest.

    Args:
        operator: Empty for any.
        max_cost: In the wallet currency, inclusive.
    """
    found = usable(candidates(service.pk, country.pk, operator=operator, max_cost=max_cost))
    chosen = _choose(found if operator else _once_a_list(found))
    if not chosen:
        return []
    providers = provider_rows.current(
        {candidate.provider_id: candidate.provider_version for candidate in chosen}
    )
    offers = [
        _offer(candidate, service, country, providers[candidate.provider_id])
        for candidate in chosen
        if candidate.provider_id in providers
    ]
    if operator:
        return [offer for offer in offers if _takes_operator(offer)]
    for offer in offers:
        offer.operator = ""
    return offers


def candidates(
    service_id: int,
    country_id: int,
    *,
    operator: str = "",
    max_cost: Decimal | None = None,
    per_provider: int = PER_PROVIDER + _SPARE,
) -> list[Candidate]:
    """The cheapest offers of each provider in use, of price lists young enough to sell from, best first."""
    with connection.cursor() as cursor:
        cursor.execute(
            _CANDIDATES,
            {
                "service": service_id,
                "country": country_id,
                "operator": operator,
                "max_cost": max_cost,
                "fresh_since": offer_selectors.fresh_since(),
                "per_provider": per_provider,
            },
        )
        return [Candidate(*row) for row in cursor.fetchall()]


def usable(offers: Sequence[Candidate]) -> list[Candidate]:
    """Leave out providers behind an open breaker and offers lately found empty. Two round trips to Redis."""
    closed = closed_providers({offer.slug for offer in offers})
    reachable = [offer for offer in offers if offer.slug not in closed]
    empty = health.without_stock([offer.pk for offer in reachable])
    return [offer for offer in reachable if offer.pk not in empty]


def _once_a_list(offers: Iterable[Candidate]) -> list[Candidate]:
    """The cheapest offer of each price list, for buying from any operator."""
    first: dict[tuple[int, str], Candidate] = {}
    for offer in offers:
        first.setdefault((offer.price_list_id, offer.service_code), offer)
    return list(first.values())


def _choose(offers: Iterable[Candidate]) -> list[Candidate]:
    """The routes of one order from usable offers, best first."""
    chosen: list[Candidate] = []
    per_provider: Counter[str] = Counter()
    for offer in offers:
        if per_provider[offer.slug] < PER_PROVIDER:
            per_provider[offer.slug] += 1
            chosen.append(offer)
    return chosen[: settings.MAX_ROUTES_PER_ORDER]


def why_none(*, service: Service, country: Country, operator: str = "") -> DomainError:
    """The reason `routes` found nothing, as the customer reads it."""
    slugs = {offer.slug for offer in candidates(service.pk, country.pk, operator=operator)}
    if not slugs:
        stale = offer_selectors.in_stock(service_id=service.pk, country_id=country.pk, operator=operator)
        return PriceUnknown() if stale.exists() else NoNumbers()
    return ProviderUnavailable() if closed_providers(slugs) == slugs else NoNumbers()


def mark_empty(offer_id: int, *, operator: str, max_cost: Decimal) -> None:
    """Remember for some seconds that a purchase found nothing, so that the next orders try something else first.

    Args:
        operator: As it was asked for. Empty means that no operator of the list had a number at `max_cost`, and all are marked.
        max_cost: In the provider's currency, as it was sent.
    """
    empty = {offer_id}
    if not operator:
        bought_from = Offer.objects.filter(pk=offer_id).values("price_list_id", "service_code")
        for place in bought_from:
            empty |= set(
                Offer.objects.filter(**place, provider_cost__lte=max_cost).values_list("pk", flat=True)
            )
    for pk in empty:
        health.mark_no_stock(pk, settings.NO_STOCK_TTL_S)


def closed_providers(slugs: set[str]) -> set[str]:
    """Those behind an open breaker, in one round trip."""
    if not slugs:
        return set()
    return {slug for slug, state in health.states(sorted(slugs)).items() if state is health.State.OPEN}


def _offer(candidate: Candidate, service: Service, country: Country, provider: Provider) -> Offer:
    """The row of a candidate, without reading it again."""
    offer = Offer(
        pk=candidate.pk,
        price_list_id=candidate.price_list_id,
        provider=provider,
        service=service,
        country=country,
        service_code=candidate.service_code,
        country_code=candidate.country_code,
        operator=candidate.operator,
        cost=candidate.cost,
        provider_cost=candidate.provider_cost,
        stock=candidate.stock,
        success_rate=candidate.success_rate,
    )
    offer._state.adding = False
    return offer


def _takes_operator(offer: Offer) -> bool:
    """Whether the protocol can be told the operator this offer is for."""
    try:
        return adapter_for(offer.provider).capabilities.operator
    except ProviderError:
        return True  # no key: the call says so and the breaker opens
