"""What is known of the request being served, for services that write down where an act came from.

`namaskah.client_address` sets it. Outside a request (tasks, commands) everything is empty but the id, which Celery tasks inherit.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

import structlog


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """`address` is the client's, behind proxies that we trust; `user_agent` is what it calls itself, cut to 300 characters."""

    address: str | None = None
    user_agent: str = ""
    request_id: str = ""


_facts: ContextVar[RequestFacts | None] = ContextVar("request_facts", default=None)


def note(address: str | None, user_agent: str) -> None:
    """Remember who is asking, until the next request in this thread or task."""
    _facts.set(RequestFacts(address, user_agent[:300]))


def forget() -> None:
    """The request is over."""
    _facts.set(None)


def current() -> RequestFacts:
    """The facts of the request being served."""
    known = _facts.get() or RequestFacts()
    request_id = str(structlog.contextvars.get_contextvars().get("request_id", ""))
    return RequestFacts(known.address, known.user_agent, request_id[:64])
