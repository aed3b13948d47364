"""The digest of all offers that the service list shows: lowest price and number of countries of each service.

It is a hint ("from"), rewritten after each refresh and each switch of a provider or rule; an order never reads it.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.db import connection, transaction

from verifications.selectors.offers import fresh_since
from verifications.services import pricing

# Countries without a rule of their own have one price rule a service, so the cheapest of them has the lowest price.
_GROUPS = """
    WITH pairs AS (
        SELECT o.service_id, o.country_id, min(o.cost) AS cost, max(l.prices_seen_at) AS seen_at
        FROM verifications_offer o
        JOIN verifications_providercountrycode l ON l.id = o.price_list_id
        JOIN verifications_provider p ON p.id = o.provider_id
        JOIN verifications_country c ON c.id = o.country_id
        WHERE o.stock > 0 AND l.prices_seen_at >= %(fresh_since)s AND c.is_active
          AND p.is_enabled AND NOT p.is_low_on_balance
        GROUP BY o.service_id, o.country_id
    )
    SELECT service_id, CASE WHEN country_id = ANY(%(special)s) THEN country_id END, min(cost), count(*), max(seen_at)
    FROM pairs
    GROUP BY 1, 2
"""
_WRITE = """
    UPDATE verifications_service s
    SET from_price = d.price, country_count = coalesce(d.countries, 0), prices_seen_at = d.seen_at
    FROM verifications_service all_services
    LEFT JOIN unnest(%(ids)s::bigint[], %(prices)s::numeric[], %(counts)s::integer[], %(seen)s::timestamptz[])
      AS d(service_id, price, countries, seen_at) ON d.service_id = all_services.id
    WHERE s.id = all_services.id
      AND (s.from_price, s.country_count, s.prices_seen_at)
          IS DISTINCT FROM (d.price, coalesce(d.countries, 0), d.seen_at)
"""
_NOWHERE = 0  # no country has this id
# Providers are read side by side: without a turn each, the one that read first could write last, and what it missed stays
# missing until the next refresh.
_TURN = "SELECT pg_advisory_xact_lock(%s, 0)"
_LOCK_SPACE = 0x4E54

Digest = tuple[Decimal, int, dt.datetime]


@transaction.atomic
def refresh() -> None:
    """Rewrite the digest of every service whose lowest price, number of countries or time of reading has changed."""
    _wait_for_turn()
    _write(_read(pricing.Rules.load()))


def _wait_for_turn() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_TURN, [_LOCK_SPACE])


def _read(rules: pricing.Rules) -> dict[int, Digest]:
    digests: dict[int, Digest] = {}
    with connection.cursor() as cursor:
        cursor.execute(_GROUPS, {"special": sorted(rules.countries), "fresh_since": fresh_since()})
        for service_id, country_id, cost, countries, seen_at in cursor.fetchall():
            markup = rules.find(service_id, country_id or _NOWHERE)
            if markup is None:
                continue
            price = markup.price(cost)
            lowest, total, latest = digests.get(service_id, (price, 0, seen_at))
            digests[service_id] = (min(lowest, price), total + countries, max(latest, seen_at))
    return digests


def _write(digests: dict[int, Digest]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            _WRITE,
            {
                "ids": list(digests),
                "prices": [price for price, _, _ in digests.values()],
                "counts": [count for _, count, _ in digests.values()],
                "seen": [seen_at for _, _, seen_at in digests.values()],
            },
        )
