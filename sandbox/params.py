"""Reading what came with a request."""

from decimal import Decimal, InvalidOperation
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope

from sandbox.vendor import Refused

Params = dict[str, str]
MAX_BODY = 65_536
MAX_DIGITS = 15


def query_params(scope: Scope) -> Params:
    """The query string; of a repeated name the last value counts."""
    return dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))


async def form_params(receive: Receive) -> Params:
    """The fields of a form in the body; what goes beyond a sane form is read and dropped."""
    parts, size = [], 0
    while True:
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size <= MAX_BODY:
            parts.append(part)
        if not message.get("more_body", False):
            return dict(parse_qsl(b"".join(parts).decode("utf-8", "replace"), keep_blank_values=True))


def whole_number(value: str | None, default: int) -> int:
    """A non-negative number, or the default for anything else."""
    usable = value and value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS
    return int(value) if usable and value else default


def price_limit(text: str | None) -> Decimal | None:
    """`maxPrice`, if given.

    Raises:
        Refused: `bad_value`.
    """
    if not text:
        return None
    try:
        price = Decimal(text)
    except InvalidOperation:
        raise Refused("bad_value") from None
    if not price.is_finite() or price < 0:
        raise Refused("bad_value")
    return price
