"""One call to Paystack: pace, deadlines, the envelope, which calls are tried again, and lists page by page."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.utils import timezone

from billing.paystack.error_mapping import error_of
from billing.paystack.errors import BadRequest, NotReached, OutcomeUnknown, Paused, PaystackError
from billing.paystack.throttle import Lane, Throttle
from namaskah.lib import http

log = structlog.get_logger(__name__)

MAX_BYTES = 2 * 1024 * 1024
PATIENCE_S = 1.0  # how long one call waits for its turn; who can wait longer asks again
LIST_PATIENCE_S = 20.0  # a list is background work and loses the pages it has when it gives up
TRIES = 3
_FIRST_PAUSE_S = 0.5
PER_PAGE = 100
MAX_PAGES = 1000
UPLOAD_TIMEOUT_S = 60.0
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}

Document = dict[str, Any]


class _Row(Protocol):
    @property
    def id(self) -> int: ...


Row = TypeVar("Row", bound=_Row)


@dataclass(frozen=True, slots=True)
class Wire:
    """The way to Paystack with one key."""

    base_url: str
    key: str = field(repr=False)
    throttle: Throttle

    def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        lane: Lane = Lane.ANY,
        patience_s: float = PATIENCE_S,
        tries: int = TRIES,
        secrets: Sequence[str] = (),
    ) -> Document:
        """Read something; only reading is tried again when no usable answer came.

        Raises:
            PaystackError: How the last try ended.
        """
        for attempt in range(1, tries):
            try:
                return self._once(
                    "GET", path, params=params, lane=lane, patience_s=patience_s, secrets=secrets
                )
            except Paused:
                raise
            except (OutcomeUnknown, NotReached):
                if self.throttle.is_open():
                    raise
                time.sleep(random.uniform(0, _FIRST_PAUSE_S * 2 ** (attempt - 1)))  # noqa: S311 - no secret
        return self._once("GET", path, params=params, lane=lane, patience_s=patience_s, secrets=secrets)

    def send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        lane: Lane = Lane.ANY,
        read_timeout_s: float | None = None,
        secrets: Sequence[str] = (),
    ) -> Document:
        """Change something, once, whatever happens.

        Raises:
            PaystackError: `is_unknown` says whether it may have had its effect.
        """
        return self._once(method, path, body=body, lane=lane, read_timeout_s=read_timeout_s, secrets=secrets)

    def rows(
        self, path: str, params: Mapping[str, str], parse: Callable[[Any], Row], *, by_cursor: bool = False,
        patience_s: float = LIST_PATIENCE_S, tries: int = TRIES,
    ) -> Iterator[Row]:  # fmt: skip
        """Every row of a list once, also when rows come in at its head while it is read.

        Raises:
            PaystackError: A page could not be had, a row could not be read, or the list does not end. What was yielded
                before is good, and not all.
        """
        position = {"use_cursor": "true"} if by_cursor else {"page": "1"}
        seen: set[int] = set()
        for _ in range(MAX_PAGES):
            document = self.get(
                path, {**params, "perPage": str(PER_PAGE), **position}, patience_s=patience_s, tries=tries
            )
            known = len(seen)
            for row in read(_parse_all(parse), document):
                if row.id not in seen:
                    seen.add(row.id)
                    yield row
            following = _next_position(document.get("meta"), position, has_news=len(seen) > known)
            if following is None:
                return
            if following == position:
                break
            position = following
        raise OutcomeUnknown("The list does not end.", code="endless_list")

    def put_file(self, url: str, content: bytes, content_type: str) -> None:
        """Hand a file to the address that Paystack signed for it; the address is the permission, so it stays out of logs.

        Raises:
            PaystackError: The file may not have arrived; handing it over again does no harm.
        """
        if not self._may_upload_to(url):
            raise OutcomeUnknown("The address for the file is not safe.", code="unsafe_upload")
        parts = urlsplit(url)
        try:
            reply = http.send(
                "PUT",
                url,
                content=content,
                headers={"Content-Type": content_type},
                connect_timeout_s=settings.PAYSTACK_CONNECT_TIMEOUT_S,
                read_timeout_s=UPLOAD_TIMEOUT_S,
                max_bytes=MAX_BYTES,
                secrets=(parts.path, parts.query, self.key),
            )
        except http.HttpError as error:
            raise OutcomeUnknown(str(error)) from None
        if not 200 <= reply.status < 300:
            raise OutcomeUnknown(f"The file was not taken: HTTP {reply.status}", status=reply.status)

    def _may_upload_to(self, url: str) -> bool:
        """Only over TLS; on this machine without it when Paystack's stand-in is here as well."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return False
        if parts.scheme == "https":
            return bool(parts.hostname)
        is_local = parts.hostname in _LOOPBACK and urlsplit(self.base_url).hostname in _LOOPBACK
        return parts.scheme == "http" and is_local

    def _once(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        lane: Lane,
        patience_s: float = PATIENCE_S,
        read_timeout_s: float | None = None,
        secrets: Sequence[str] = (),
    ) -> Document:
        self.throttle.enter(lane, max_wait_s=patience_s)
        try:
            document = self._exchange(
                method,
                path,
                params,
                body,
                read_timeout_s or settings.PAYSTACK_READ_TIMEOUT_S,
                (self.key, *secrets),
            )
        except PaystackError as error:
            self.throttle.note(error)
            if isinstance(error, BadRequest):
                log.error("Paystack finds our request wrong", reason=error.message, status=error.status)
            raise
        self.throttle.note(None)
        return document

    def _exchange(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
        read_timeout_s: float,
        secrets: Sequence[str],
    ) -> Document:
        try:
            reply = http.send(
                method,
                f"{self.base_url}{path}",
                params=params,
                json=body,
                headers={"Authorization": f"Bearer {self.key}", "Accept": "application/json"},
                connect_timeout_s=settings.PAYSTACK_CONNECT_TIMEOUT_S,
                read_timeout_s=read_timeout_s,
                max_bytes=MAX_BYTES,
                secrets=secrets,
            )
        except http.ConnectionNotMade as error:
            raise NotReached(str(error)) from None
        except http.NoAnswer as error:
            raise OutcomeUnknown(str(error)) from None
        try:
            document = reply.json()
        except ValueError:
            document = None
        # `status` is about the request, and only the truth value is yes: it has been seen as the text "false".
        if 200 <= reply.status < 300 and isinstance(document, dict) and document.get("status") is True:
            return document
        raise error_of(reply.status, document, retry_after_s=_retry_after(reply.headers), secrets=secrets)


Parsed = TypeVar("Parsed")


def read(parse: Callable[[Any], Parsed], document: Document) -> Parsed:
    """The `data` of an answer, parsed.

    Raises:
        OutcomeUnknown: It is not what was documented; what the call was for may have happened all the same.
    """
    try:
        return parse(document.get("data"))
    except ValueError as error:
        raise OutcomeUnknown(f"Unreadable: {error}", code="unreadable") from None


def _parse_all(parse: Callable[[Any], Row]) -> Callable[[Any], list[Row]]:
    def parse_all(data: Any) -> list[Row]:
        if not isinstance(data, list):
            raise ValueError("the list is none")
        return [parse(row) for row in data]

    return parse_all


def _next_position(meta: Any, position: Mapping[str, str], *, has_news: bool) -> dict[str, str] | None:
    """Where the list goes on; None at its end. A list whose `meta` says nothing ends with a page without news."""
    fields: Mapping[str, Any] = meta if isinstance(meta, dict) else {}
    if "next" in fields:
        cursor = fields["next"]
        is_end = not isinstance(cursor, str) or cursor in ("", "null")
        return None if is_end else {"use_cursor": "true", "next": cursor}
    page = int(position.get("page", "1"))
    pages = str(fields.get("pageCount", ""))
    goes_on = page < int(pages) if pages.isascii() and pages.isdigit() else has_news
    return {"page": str(page + 1)} if goes_on else None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """`Retry-After` in seconds, from either of its forms."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        until = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    if until.tzinfo is None:
        return None
    return max(0.0, (until - timezone.now()).total_seconds())
