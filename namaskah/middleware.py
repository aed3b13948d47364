"""Request id and one log line per request."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Awaitable, Callable

import structlog
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.db import Error as DatabaseError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from psycopg_pool import PoolTimeout

log = structlog.get_logger(__name__)
VALID_ID = re.compile(r"^[A-Za-z0-9._-]{8,64}\Z")
Handler = Callable[[HttpRequest], HttpResponseBase]
AsyncHandler = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


class BothWaysMiddleware:
    """Base for middleware that runs natively under WSGI and ASGI: subclasses give `before` and `after`."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Handler | AsyncHandler) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self._acall(request)
        self.before(request)
        response = self.get_response(request)
        return self.after(request, response)  # type: ignore[arg-type]  # not a coroutine: is_async is False

    async def _acall(self, request: HttpRequest) -> HttpResponseBase:
        self.before(request)
        response = await self.get_response(request)  # type: ignore[misc]  # a coroutine: is_async is True
        return self.after(request, response)

    def before(self, request: HttpRequest) -> None:
        """Act before the view."""

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Act on the response."""
        return response


class RequestIdMiddleware(BothWaysMiddleware):
    """Take a well-formed `X-Request-ID` or make one; bind it to every log line and return it. Comes first."""

    def before(self, request: HttpRequest) -> None:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if VALID_ID.match(given) else str(uuid.uuid4())
        request.request_id = request_id  # type: ignore[attr-defined]
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        response["X-Request-ID"] = request.request_id  # type: ignore[attr-defined]
        return response


class RequestLogMiddleware(BothWaysMiddleware):
    """Bind the user id to every log line, and log one per request: method, path without its query, status, milliseconds.

    Comes after the session. Whoever changes who is signed in binds `user_id` anew.
    """

    def before(self, request: HttpRequest) -> None:
        request.started_at = time.perf_counter()  # type: ignore[attr-defined]
        structlog.contextvars.bind_contextvars(user_id=_user_id(request))

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        milliseconds = round((time.perf_counter() - request.started_at) * 1000, 1)  # type: ignore[attr-defined]
        log.info(
            "Request", method=request.method, path=request.path, status=response.status_code, ms=milliseconds
        )
        return response


def _user_id(request: HttpRequest) -> int | None:
    """Whose session this is, without loading the user; who sent no cookie costs nothing."""
    session = getattr(request, "session", None)  # the stream has none and binds its user itself
    if session is None or settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return None
    was_accessed = session.accessed
    try:
        user_id = session.get(SESSION_KEY)
    except (DatabaseError, PoolTimeout):
        return None  # a page that needs the session will say so; one that does not must not fail for its log line
    session.accessed = was_accessed  # reading for the log does not make a page vary by cookie
    return int(user_id) if user_id else None
