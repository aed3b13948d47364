"""The catalogue calls of the handler dialect; whole lists are kept as bytes until the configuration changes."""

from collections.abc import Callable

from sandbox.orders import money
from sandbox.params import Params
from sandbox.replies import to_json
from sandbox.vendor import Refused, Vendor

# A published client raises KeyError when one of these is missing, so every speaker of the dialect sends them.
FIXED_STOCK_KEYS = [
    "av_0",
    "av_1",
    "bd_0",
    "dt_0",
    "fb_0",
    "fd_0",
    "go_0",
    "gt_0",
    "ig_0",
    "kp_0",
    "kt_0",
    "ma_0",
    "mb_0",
    "me_0",
    "mm_0",
    "mt_0",
    "oi_0",
    "ok_0",
    "ot_0",
    "ot_1",
    "pm_0",
    "qw_0",
    "sn_0",
    "ss_0",
    "tg_0",
    "tn_0",
    "tw_0",
    "ub_0",
    "uk_0",
    "vi_0",
    "vk_0",
    "wa_0",
    "wb_0",
    "we_0",
    "ya_0",
    "ya_1",
    "ym_0",
    "ym_1",
    "zz_0",
]
BAD_SERVICE = to_json({"status": "false", "msg": "service is incorrect"})
BAD_COUNTRY = to_json({"status": "false", "msg": "country is incorrect"})


def _kept(vendor: Vendor, key: str, build: Callable[[], bytes]) -> bytes:
    body = vendor.listings.get(key)
    if body is None:
        body = vendor.listings[key] = build()
    return body


def wanted_service(vendor: Vendor, params: Params) -> str:
    """The `service` of a request.

    Raises:
        Refused: `bad_service`.
    """
    service = params.get("service", "")
    if service not in vendor.catalogue.services:
        raise Refused("bad_service")
    return service


def wanted_country(vendor: Vendor, params: Params) -> str:
    """The `country` of a request, or what the dialect assumes without one.

    Raises:
        Refused: `bad_country`.
    """
    country = params.get("country") or vendor.catalogue.default_country
    if country not in vendor.catalogue.countries:
        raise Refused("bad_country")
    return country


def prices(vendor: Vendor, params: Params, *, by_service: bool = False) -> bytes:
    """`getPrices`: country → service → offer; `getPricesVerification` has the two levels swapped."""
    service, country = params.get("service"), params.get("country")
    if service and service not in vendor.catalogue.services:
        return BAD_SERVICE
    if country and country not in vendor.catalogue.countries:
        return BAD_COUNTRY
    services = [service] if service else list(vendor.catalogue.services)
    countries = [country] if country else list(vendor.catalogue.countries)

    def build() -> bytes:
        outer, inner = (services, countries) if by_service else (countries, services)
        parts = []
        for first in outer:
            offers = (
                f'"{second}":{_offer(vendor, first, second) if by_service else _offer(vendor, second, first)}'
                for second in inner
            )
            parts.append(f'"{first}":{{{",".join(offers)}}}')
        return f"{{{','.join(parts)}}}".encode()

    return _kept(vendor, f"prices/{by_service}/{service or ''}/{country or ''}", build)


def _offer(vendor: Vendor, service: str, country: str) -> str:
    stock = vendor.stock(service, country)
    physical = -(-stock * 4 // 5)
    price = money(vendor.list_price(service, country))
    return f'{{"cost":{price},"count":{stock},"physicalCount":{physical}}}'


def prices_by_service(vendor: Vendor, params: Params) -> bytes:
    """`getPricesVerification`."""
    return prices(vendor, params, by_service=True)


def numbers_status(vendor: Vendor, params: Params) -> bytes:
    """`getNumbersStatus`: stock per service, `_0` for plain and `_1` for forwarding, which is not sold."""
    country = wanted_country(vendor, params)

    def build() -> bytes:
        stock = dict.fromkeys(FIXED_STOCK_KEYS, 0)
        stock |= {f"{code}_0": vendor.stock(code, country) for code in vendor.catalogue.services}
        return to_json(stock)

    return _kept(vendor, f"stock/{country}", build)


def countries(vendor: Vendor, params: Params) -> bytes:
    """`getCountries`."""
    return to_json(
        {
            place.code: {
                "id": int(place.code),
                "rus": place.name,
                "eng": place.name,
                "chn": place.name,
                "visible": 1,
                "retry": 1,
                "rent": 0,
                "multiService": 0,
            }
            for place in vendor.catalogue.countries.values()
        }
    )


def services(vendor: Vendor, params: Params) -> bytes:
    """`getServicesList`."""
    rows = [{"code": code, "name": name} for code, name in vendor.catalogue.services.items()]
    return to_json({"status": "success", "services": rows})


def operators(vendor: Vendor, params: Params) -> bytes:
    """`getOperators`, of one country or of all."""
    country = params.get("country")
    if country and country not in vendor.catalogue.countries:
        raise Refused("no_operators")
    codes = [country] if country else list(vendor.catalogue.countries)
    names = {code: ["any", *vendor.catalogue.operators(code)] for code in codes}
    return to_json({"status": "success", "countryOperators": names})


def top_countries(vendor: Vendor, params: Params) -> bytes:
    """`getTopCountriesByService`: cheapest first; the keys are positions, not ids."""
    service = wanted_service(vendor, params)

    def row(country: str) -> str:
        price, stock = vendor.list_price(service, country), vendor.stock(service, country)
        free = f'{{"{money(price)}":{stock}}}'
        return (
            f'{{"country":{country},"count":{stock},"price":{money(price)},'
            f'"retail_price":{money(price * 2)},"freePriceMap":{free}}}'
        )

    def build() -> bytes:
        ranked = sorted(vendor.catalogue.countries, key=lambda code: vendor.list_price(service, code))
        rows = ",".join(f'"{place}":{row(code)}' for place, code in enumerate(ranked))
        return f"{{{rows}}}".encode()

    return _kept(vendor, f"top/{service}", build)
