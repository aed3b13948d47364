"""One account's calls in the handler dialect: where the key goes, how replies are told apart, how lists are paged."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from verifications.providers import handler_parsing, wire
from verifications.providers.base import ProviderAccount
from verifications.providers.errors import Ambiguous
from verifications.providers.handler_dialect import HandlerDialect
from verifications.providers.handler_errors import EMPTY_LIST
from verifications.providers.handler_reply import Answer, read, unexpected

_BYTES = 1_000_000
_LIST_BYTES = 16_000_000
_MAX_PAGES = 500
_HISTORY_PAGE = 100


class HandlerClient:
    """Knows the wire and nothing of what the answers mean."""

    def __init__(self, account: ProviderAccount) -> None:
        self.account = account
        self.dialect = wire.flags(HandlerDialect, account)
        # A row has the whole address, since sellers put the script anywhere; a bare host gets the usual path.
        self._url = account.base_url.rstrip("/")
        if "handler_api" not in self._url:
            self._url += "/stubs/handler_api.php"

    def call(
        self,
        action: str,
        params: Mapping[str, str] | None = None,
        *,
        spends: bool = False,
        max_bytes: int = _BYTES,
    ) -> Answer:
        """Make one call and return what is no refusal.

        Args:
            spends: The call buys something: any server fault leaves its outcome open.

        Raises:
            ProviderError: See `handler_reply.read`.
        """
        fields, headers = {"action": action, **(params or {})}, {}
        match self.dialect.auth:
            case "query":
                fields["api_key"] = self.account.credential
            case "header_apikey":
                headers["Authorization"] = f"ApiKey {self.account.credential}"
            case "header_x_apikey":
                headers["X-ApiKey"] = self.account.credential
        is_post = self.dialect.method == "POST"
        reply = wire.call(
            self.account,
            self.dialect.method,
            self._url,
            params=None if is_post else fields,
            data=fields if is_post else None,
            headers=headers,
            max_bytes=max_bytes,
        )
        return read(reply, self.account, spends=spends, utc_offset_h=self.dialect.utc_offset_h)

    def document(self, action: str, params: Mapping[str, str] | None = None) -> Any:
        """The parsed JSON of a catalogue call."""
        answer = self.call(action, params, max_bytes=_LIST_BYTES)
        if not answer.is_json:
            raise unexpected(answer, self.account, "a JSON document")
        return answer.document

    def set_status(self, order_id: str, status: int) -> Answer:
        """`setStatus`."""
        return self.call("setStatus", {"id": order_id, "status": str(status)})

    def open_rows(self) -> Iterator[Mapping[str, Any]]:
        """The rows of `getActiveActivations`, in one call or page by page. An error is never an empty list."""
        size = self.dialect.list_page
        for page in range(_MAX_PAGES):
            paging = {"start": str(page * size), "limit": str(size)} if size else {}
            rows = self._rows("getActiveActivations", paging)
            yield from rows
            if not size or len(rows) < size:
                return
        raise Ambiguous(f"the list of orders has more than {_MAX_PAGES} pages")

    def history_rows(self, since: dt.datetime, until: dt.datetime) -> Iterator[Mapping[str, Any]]:
        """The rows of `getHistory`, page by page."""
        period = {"start": str(int(since.timestamp())), "end": str(int(until.timestamp()) + 60)}
        for page in range(_MAX_PAGES):
            paging = {"offset": str(page * _HISTORY_PAGE), "size": str(_HISTORY_PAGE)}
            rows = self._rows("getHistory", {**period, **paging})
            yield from rows
            if len(rows) < _HISTORY_PAGE:
                return
        raise Ambiguous(f"the history has more than {_MAX_PAGES} pages")

    def _rows(self, action: str, params: Mapping[str, str]) -> list[Mapping[str, Any]]:
        answer = self.call(action, params, max_bytes=_LIST_BYTES)
        rows = [] if answer.text == EMPTY_LIST else handler_parsing.open_rows(answer.document)
        if rows is None:
            raise unexpected(answer, self.account, "a list of orders")
        return rows
