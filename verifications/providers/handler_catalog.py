"""The catalogue calls of the handler dialect: price lists, services and countries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from verifications.providers import wire
from verifications.providers.base import OfferRow, ProviderCode


def offers(document: Any, country_code: str, *, by_service: bool) -> list[OfferRow]:
    """Rows of `getPrices` (country → service → offer) or `getPricesVerification` (service → country → offer)."""
    root = wire.mapping(document)  # a price list without rows is `[]` where the server is written in PHP
    if by_service:
        entries = (
            (service, wire.mapping(countries).get(country_code)) for service, countries in root.items()
        )
        return list(_rows(entries, country_code))
    return list(_rows(iter(wire.mapping(root.get(country_code)).items()), country_code))


def _rows(entries: Iterator[tuple[str, Any]], country_code: str) -> Iterator[OfferRow]:
    for service_code, entry in entries:
        offer = wire.mapping(entry)
        cost = wire.decimal(offer.get("cost", offer.get("price")))
        if cost is None or cost <= 0:
            continue
        # `count` may include numbers that are only promised; what can be delivered at this price is `physicalCount`.
        stock = offer.get("physicalCount")
        yield OfferRow(
            service_code=service_code,
            country_code=country_code,
            operator="",
            cost=cost,
            stock=wire.whole(offer.get("count") if stock is None else stock),
        )


def services(document: Any) -> list[ProviderCode]:
    """`getServicesList`: `{"services":[{"code","name"}]}`, the bare list, or a map of code to name."""
    found = wire.mapping(document).get("services", document)
    if isinstance(found, list):
        pairs = ((row.get("code"), row.get("name")) for row in found if isinstance(row, dict))
    else:
        pairs = ((code, name) for code, name in wire.mapping(found).items() if code != "status")
    return [
        ProviderCode(code=code, name=wire.text_of(name) or code)
        for raw, name in pairs
        if (code := wire.text_of(raw))
    ]


def countries(document: Any) -> list[ProviderCode]:
    """`getCountries`: a map of id to object, or a list of objects."""
    found = wire.mapping(document).get("countries", document)
    if isinstance(found, list):
        pairs = [("", row) for row in found]
    else:
        pairs = list(wire.mapping(found).items())
    rows = []
    for key, row in pairs:
        fields: Mapping[str, Any] = wire.mapping(row)
        code = wire.text_of(fields.get("id")) or wire.text_of(key)
        if fields and code:
            name = wire.text_of(fields.get("eng") or fields.get("name") or fields.get("rus"))
            iso2 = wire.text_of(fields.get("iso2") or fields.get("countryCode")).upper()
            rows.append(ProviderCode(code=code, name=name or code, iso2=iso2 if len(iso2) == 2 else ""))
    return rows
