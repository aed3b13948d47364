"""`GET /events/stream`: the signed-in user's events as they happen (`text/event-stream`)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import structlog
from django.conf import settings
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET
from psycopg_pool import PoolTimeout

from accounts.streams import current_hub, reads

log = structlog.get_logger(__name__)

HEARTBEAT_S = 15.0
HELLO = b"retry: 2000\n\n"
COME_BACK = b"retry: 5000\n\n"
STILL_HERE = b": still here\n\n"


@require_GET
async def stream(request: HttpRequest) -> HttpResponseBase:
    """Follow one's own events, from `Last-Event-ID` (or `?last_event_id=`) on, else from now."""
    request.get_host()  # refuses a foreign Host header, also where CommonMiddleware does not run
    session_key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    last_event_id = request.headers.get("Last-Event-ID") or request.GET.get("last_event_id", "")
    try:
        admission = await reads.in_thread(reads.newcomers, reads.admit, session_key, last_event_id)
    except (DatabaseError, PoolTimeout) as error:
        # A browser gives up an EventSource for good on any status but 200, and comes back after a stream that ends.
        log.warning("Stream postponed", error=error.__class__.__name__)
        return _prepare(HttpResponse(COME_BACK, content_type="text/event-stream"))
    if admission is None:
        return _nobody(request)
    structlog.contextvars.bind_contextvars(user_id=admission.user_id)
    return _prepare(StreamingHttpResponse(_frames(admission), content_type="text/event-stream"))


async def _frames(admission: reads.Admission) -> AsyncIterator[bytes]:
    """Join the hub only once the response is being sent, so whoever hangs up before leaves nothing behind."""
    hub = current_hub()
    listener = hub.join(admission)
    try:
        yield HELLO
        while True:
            try:
                frame = await listener.take(HEARTBEAT_S)
            except TimeoutError:
                frame = STILL_HERE
            if frame is None:
                return
            yield frame
    finally:
        hub.leave(listener)


def _prepare(response: HttpResponseBase) -> HttpResponseBase:
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"  # nginx would hold frames back until a buffer is full
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _nobody(request: HttpRequest) -> HttpResponse:
    return JsonResponse(
        {
            "type": "about:blank",
            "title": _("Sign in first"),
            "status": 401,
            "detail": _("The stream needs the session of a signed-in user."),
            "code": "authentication_failed",
            "request_id": getattr(request, "request_id", ""),
        },
        status=401,
        content_type="application/problem+json",
        headers={"Cache-Control": "no-store"},
    )
