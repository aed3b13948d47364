"""5SIM version 1: the catalogue, open to everybody."""

from collections.abc import Callable

from sandbox.orders import money
from sandbox.params import Params
from sandbox.replies import to_json
from sandbox.vendor import Refused, Vendor


def countries(vendor: Vendor) -> bytes:
    """`GET /guest/countries`; operators are further keys beside the country's own."""
    return to_json(
        {
            slug: {
                "iso": {place.iso2.lower(): 1},
                "prefix": {f"+{place.dial}": 1},
                "text_en": place.name,
                "text_ru": place.name,
                **{operator: {"activation": 1} for operator in vendor.catalogue.operators(slug)},
            }
            for slug, place in vendor.catalogue.countries.items()
        }
    )


def products(vendor: Vendor, country: str, operator: str) -> bytes:
    """`GET /guest/products/{country}/{operator}`; `any` is allowed for both."""
    catalogue = vendor.catalogue
    if country != "any" and country not in catalogue.countries:
        raise Refused("bad_country")
    if country == "any":
        operator = "any"
    elif operator != "any" and operator not in catalogue.operators(country):
        raise Refused("bad_operator")
    chosen = list(catalogue.countries) if country == "any" else [country]

    def row(product: str) -> str:
        price = min(vendor.list_price(product, slug, operator) for slug in chosen)
        stock = sum(vendor.stock(product, slug, operator) for slug in chosen)
        return f'"{product}":{{"Category":"activation","Qty":{stock},"Price":{money(price)}}}'

    rows = (row(product) for product in catalogue.services)
    return _kept(vendor, f"products/{country}/{operator}", lambda: f"{{{','.join(rows)}}}")


def prices(vendor: Vendor, params: Params) -> bytes:
    """`GET /guest/prices`: country → product → operator, the other way round for a product alone."""
    catalogue = vendor.catalogue
    country, product = params.get("country", ""), params.get("product", "")
    if (country and country not in catalogue.countries) or (product and product not in catalogue.services):
        return b"null"
    slugs = [country] if country else list(catalogue.countries)
    names = [product] if product else list(catalogue.services)

    def operators(slug: str, name: str) -> str:
        rows = (
            f'"{operator}":{{"cost":{money(vendor.list_price(name, slug, operator))},'
            f'"count":{vendor.stock(name, slug, operator)},"rate":{_rate(name, operator)}}}'
            for operator in catalogue.operators(slug)
        )
        return f"{{{','.join(rows)}}}"

    def build() -> str:
        if product and not country:
            inner = ",".join(f'"{slug}":{operators(slug, product)}' for slug in slugs)
            return f'{{"{product}":{{{inner}}}}}'
        outer = []
        for slug in slugs:
            inner = ",".join(f'"{name}":{operators(slug, name)}' for name in names)
            outer.append(f'"{slug}":{{{inner}}}')
        return f"{{{','.join(outer)}}}"

    return _kept(vendor, f"prices/{country}/{product}", build)


def _rate(product: str, operator: str) -> float:
    """A delivery rate in percent as the vendor would claim it."""
    return 60 + len(product) * 7 % 30 + len(operator) / 10


def _kept(vendor: Vendor, key: str, build: Callable[[], str]) -> bytes:
    body = vendor.listings.get(key)
    if body is None:
        body = vendor.listings[key] = build().encode()
    return body
