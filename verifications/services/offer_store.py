"""One price list into the offers table: COPY into a staging table, then only what differs is written.

A list is stored in one short transaction that locks nothing but the list's own mapping row. Readers, orders among them, are
never held up, and two refreshes of one list follow each other. The time of reading stands on the list, so an unchanged list
writes a single row.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any

import structlog
from django.db import connection, transaction

from verifications.models import ProviderCountryCode
from verifications.providers.base import OfferRow

log = structlog.get_logger(__name__)

_UNIT = Decimal("0.000001")
_COST_LIMIT = Decimal(100_000)
_STOCK_LIMIT = 2_000_000_000
_OPERATOR_LENGTH = 60
_SHRINK_FACTOR = 10  # a list with less than a tenth of its last length is suspect

# service_id, service_code, operator, cost, provider_cost, stock, success_rate
Staged = tuple[int, str, str, Decimal, Decimal, int, Decimal | None]


@dataclass(frozen=True, slots=True)
class Stored:
    """What storing one list changed. `is_held_back`: suspiciously short, so nothing was dropped this time."""

    total: int = 0
    inserted: int = 0
    updated: int = 0
    dropped: int = 0
    is_held_back: bool = False


def store_list(
    price_list: ProviderCountryCode,
    rows: Iterable[OfferRow],
    *,
    services: Mapping[str, int],
    rate: Decimal,
    seen_at: dt.datetime,
) -> Stored:
    """Make the offers of one list equal to what the provider has just listed.

    Args:
        price_list: The mapping row of the provider's country code.
        rows: The complete list. A list that was not read to its end must not come here: what is missing is dropped.
        services: The provider's service codes that are mapped; rows of other services are left out.
        rate: Wallet currency for one unit of the provider's.
        seen_at: When the list was asked for, aware UTC; a list read later is never overwritten.
    """
    staged = _stage(rows, services, rate)
    with transaction.atomic():
        current = ProviderCountryCode.objects.select_for_update(no_key=True).get(pk=price_list.pk)
        if current.prices_seen_at is not None and current.prices_seen_at >= seen_at:
            return Stored(total=current.offer_count)
        if current.country_id is None:
            return _forget(current)
        is_short = len(staged) * _SHRINK_FACTOR < current.offer_count
        is_held_back = is_short and not current.is_shrink_pending
        stored = _write(current, staged, drop=not is_held_back)
        changes: dict[str, Any] = {"is_shrink_pending": is_held_back}
        if is_held_back:
            log.warning(
                "Price list shrank; kept for one more round",
                provider=current.provider_id,
                country=current.code,
                before=current.offer_count,
                now=len(staged),
            )
        else:
            changes |= {"prices_seen_at": seen_at, "offer_count": len(staged)}
        ProviderCountryCode.objects.filter(pk=current.pk).update(**changes)
    return stored


def _stage(rows: Iterable[OfferRow], services: Mapping[str, int], rate: Decimal) -> list[Staged]:
    """The rows that can be sold, once each; a service and operator listed twice keeps its last line."""
    staged: dict[tuple[str, str], Staged] = {}
    for row in rows:
        service_id = services.get(row.service_code)
        if service_id is None or not 0 < row.cost < _COST_LIMIT or len(row.operator) > _OPERATOR_LENGTH:
            continue
        cost = (row.cost * rate).quantize(_UNIT, rounding=ROUND_CEILING)
        if not 0 < cost < _COST_LIMIT:
            continue
        staged[row.service_code, row.operator] = (
            service_id,
            row.service_code,
            row.operator,
            cost,
            row.cost.quantize(_UNIT, rounding=ROUND_CEILING),
            min(max(row.stock, 0), _STOCK_LIMIT),
            row.success_rate if row.success_rate is None or 0 <= row.success_rate <= 100 else None,
        )
    return list(staged.values())


_CREATE_STAGING = """
    CREATE TEMPORARY TABLE offer_staging (
        service_id bigint, service_code varchar, operator varchar,
        cost numeric(12, 6), provider_cost numeric(12, 6), stock integer, success_rate numeric(5, 2)
    ) ON COMMIT DROP
"""
_UPDATE = """
    UPDATE verifications_offer o
    SET service_id = s.service_id, country_id = %(country)s, cost = s.cost, provider_cost = s.provider_cost,
        stock = s.stock, success_rate = s.success_rate
    FROM offer_staging s
    WHERE o.price_list_id = %(list)s AND o.service_code = s.service_code AND o.operator = s.operator
      AND (o.stock, o.cost, o.provider_cost, o.success_rate, o.service_id, o.country_id)
          IS DISTINCT FROM (s.stock, s.cost, s.provider_cost, s.success_rate, s.service_id, %(country)s)
"""
_INSERT = """
    INSERT INTO verifications_offer (price_list_id, provider_id, country_id, country_code,
        service_id, service_code, operator, cost, provider_cost, stock, success_rate)
    SELECT %(list)s, %(provider)s, %(country)s, %(code)s,
        service_id, service_code, operator, cost, provider_cost, stock, success_rate
    FROM offer_staging s
    WHERE NOT EXISTS (
        SELECT FROM verifications_offer o
        WHERE o.price_list_id = %(list)s AND o.service_code = s.service_code AND o.operator = s.operator
    )
"""
_DROP = """
    DELETE FROM verifications_offer o
    WHERE o.price_list_id = %(list)s AND NOT EXISTS (
        SELECT FROM offer_staging s WHERE s.service_code = o.service_code AND s.operator = o.operator
    )
"""
_COPY_STAGING = """
    COPY offer_staging (service_id, service_code, operator, cost, provider_cost, stock, success_rate) FROM STDIN
"""
_COPY_DIRECT = """
    COPY verifications_offer (price_list_id, provider_id, country_id, country_code,
        service_id, service_code, operator, cost, provider_cost, stock, success_rate) FROM STDIN
"""


def _write(current: ProviderCountryCode, staged: list[Staged], *, drop: bool) -> Stored:
    values = {
        "list": current.pk,
        "provider": current.provider_id,
        "country": current.country_id,
        "code": current.code,
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM verifications_offer WHERE price_list_id = %(list)s", values)
        before: int = cursor.fetchone()[0]
        if before == 0:
            head = (current.pk, current.provider_id, current.country_id, current.code)
            _copy(cursor, _COPY_DIRECT, ((*head, *row) for row in staged))
            return Stored(total=len(staged), inserted=len(staged))
        cursor.execute(_CREATE_STAGING)
        _copy(cursor, _COPY_STAGING, staged)
        cursor.execute(_UPDATE, values)
        updated = cursor.rowcount
        cursor.execute(_INSERT, values)
        inserted = cursor.rowcount
        dropped = 0
        if drop and before + inserted > len(staged):
            cursor.execute(_DROP, values)
            dropped = cursor.rowcount
        cursor.execute("DROP TABLE offer_staging")  # the next list may come in the same transaction
    return Stored(len(staged), inserted, updated, dropped, is_held_back=not drop)


def _copy(cursor: Any, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
    with cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _forget(current: ProviderCountryCode) -> Stored:
    """A list whose country nobody has mapped has no offers."""
    dropped, _ = current.offers.all().delete()
    ProviderCountryCode.objects.filter(pk=current.pk).update(offer_count=0, prices_seen_at=None)
    return Stored(dropped=dropped)
