"""One call as the endpoints see it, how they answer, and how long lists are cut into pages."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from sandbox.paystack.errors import ApiError, missing
from sandbox.paystack.integration import Integration
from sandbox.replies import JSON, Reply, to_json

DEFAULT_PAGE = 50
MAX_PAGE = 1000
MAX_AMOUNT = 10_000_000_00
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """What came with a request."""

    base_url: str
    """`http://host:port/paystack`, as the caller wrote it."""
    domain: str
    """The mode of the key: `test` or `live`."""
    path: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)

    def text(self, name: str, *, required: bool = False) -> str:
        """A text of the body, stripped.

        Raises:
            ApiError: It is no text, or required and empty.
        """
        value = self.body.get(name)
        if value is None:
            value = ""
        if not isinstance(value, str):
            raise ApiError(f"{name} must be a string")
        if required and not value.strip():
            raise missing(name)
        return value.strip()

    def amount(self, name: str = "amount") -> int:
        """A positive amount of the body; digits in a text count, as Paystack's own samples send them.

        Raises:
            ApiError: It is absent, no whole number, or outside the limits.
        """
        value = self.body.get(name)
        if value is None or value == "":
            raise ApiError("You must specify a valid amount", code="missing_params")
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise ApiError("Amount must be an integer")
        if value <= 0:
            raise ApiError("Invalid Amount Sent")
        if value > MAX_AMOUNT:
            raise ApiError("Transaction amount limit exceeded", code="transaction_limit_exceeded")
        return value

    def id(self) -> int:
        """The number in the path; 0, which nothing has, for anything else."""
        text = self.path["id"]
        return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0

    def period(self) -> tuple[float, float]:
        """`from` and `to` of the query as Unix times, as wide as possible where absent.

        Raises:
            ApiError: One of them is no date.
        """
        return self._time("from", float("-inf")), self._time("to", float("inf"))

    def _time(self, name: str, default: float) -> float:
        text = self.query.get(name)
        if not text:
            return default
        try:
            return datetime.fromisoformat(text + ("T00:00:00Z" if len(text) == 10 else "")).timestamp()
        except ValueError:
            raise ApiError(f"{name} must be a valid date") from None


Endpoint = Callable[[Integration, Call], Reply]


def ok(message: str, data: Any = None, *, meta: Any = None, **more: Any) -> Reply:
    """A success; absent parts are left out."""
    body: dict[str, Any] = {"status": True, "message": message}
    if data is not None:
        body["data"] = data
    if meta is not None:
        body["meta"] = meta
    return Reply(to_json(body | more), 200, JSON)


def page_size(call: Call) -> int:
    """`perPage`, or `per_page` as the OpenAPI file calls it."""
    return max(1, min(_number(call, "perPage", _number(call, "per_page", DEFAULT_PAGE)), MAX_PAGE))


def by_page(call: Call, rows: Sequence[T]) -> tuple[Sequence[T], dict[str, Any]]:
    """A page by its number, with its meta."""
    size, page = page_size(call), max(1, _number(call, "page", 1))
    skipped = (page - 1) * size
    meta = {
        "total": len(rows),
        "skipped": skipped,
        "perPage": size,
        "page": page,
        "pageCount": -(-len(rows) // size),
    }
    return rows[skipped : skipped + size], meta


def by_cursor(
    call: Call, rows: Sequence[T], id_of: Callable[[T], int], *, nothing_before: str | None
) -> tuple[Sequence[T], dict[str, Any]]:
    """A page after the last row seen; rows that are added meanwhile at the front move nothing.

    Args:
        rows: Newest first, so ids fall.
        nothing_before: What `previous` of the first page says: null, or the text `null`.
    """
    size = page_size(call)
    after = _read_cursor(call.query.get("next", ""))
    start = next((place for place, row in enumerate(rows) if after is None or id_of(row) < after), len(rows))
    if (before := _read_cursor(call.query.get("previous", ""))) is not None:
        end = next((place for place, row in enumerate(rows) if id_of(row) <= before), len(rows))
        start = max(0, end - size)
    page = rows[start : start + size]
    more = start + size < len(rows)
    return page, {
        "next": _cursor(id_of(page[-1])) if page and more else None,
        "previous": _cursor(id_of(page[0])) if page and start else nothing_before,
        "perPage": size,
    }


def _number(call: Call, name: str, default: int) -> int:
    text = call.query.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default


def _cursor(row_id: int) -> str:
    return base64.urlsafe_b64encode(f"row:{row_id}".encode()).decode().rstrip("=")


def _read_cursor(text: str) -> int | None:
    if not text or text == "null":
        return None
    try:
        kind, _, number = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().partition(":")
    except (binascii.Error, ValueError):
        raise ApiError("Invalid cursor passed") from None
    if kind != "row" or not number.isdigit():
        raise ApiError("Invalid cursor passed")
    return int(number)
