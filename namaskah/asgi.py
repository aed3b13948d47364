"""One process, one port: streams go to Django's ASGI handler, everything else to worker threads.

Django's ASGI handler costs about 60 % of the rate of synchronous views, and a stream under WSGI holds a thread for hours.
This split has neither cost. Source: docs/decisions/0001-the-spine.md
"""

from __future__ import annotations

import asyncio
import os
import signal
from types import FrameType
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "namaskah.settings")

from a2wsgi import WSGIMiddleware
from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, Scope
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.exception import convert_exception_to_response
from django.core.wsgi import get_wsgi_application

from namaskah.checks import refuse_bad_configuration
from namaskah.client_address import ClientAddressMiddleware
from namaskah.middleware import RequestIdMiddleware, RequestLogMiddleware

STREAM_PATHS = frozenset({"/events/stream"})
WEBHOOK_PATHS = "/webhooks/"

refuse_bad_configuration()


class StreamHandler(ASGIHandler):
    """Django's ASGI handler without what costs a stream a thread.

    Most of `settings.MIDDLEWARE` is synchronous. Django runs such code in a thread of the request's own, which it keeps until
    the response ends: hours, for a stream. So this handler has our native middleware only, the view finds the session and
    checks the host itself, and there is no context that would own a thread.
    """

    def load_middleware(self, is_async: bool = True) -> None:
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        handler: Any = convert_exception_to_response(self._get_response_async)  # type: ignore[attr-defined]
        for middleware in (RequestLogMiddleware, RequestIdMiddleware, ClientAddressMiddleware):
            handler = convert_exception_to_response(middleware(handler))
        self._middleware_chain = handler

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.handle(scope, receive, send)


_wsgi = get_wsgi_application()
_pages = WSGIMiddleware(_wsgi, workers=settings.WEB_THREADS)  # type: ignore[arg-type]
# Threads of their own: a vendor that waits for its answer must not stand behind customers, nor they behind its storm.
_webhooks = WSGIMiddleware(_wsgi, workers=settings.WEBHOOK_THREADS)  # type: ignore[arg-type]
_streams = StreamHandler()


async def application(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Dispatch by path."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["type"] == "http" and scope["path"] in STREAM_PATHS:
        await _streams(scope, receive, send)
    elif scope["type"] == "http" and scope["path"].startswith(WEBHOOK_PATHS):
        await _webhooks(scope, receive, send)  # type: ignore[arg-type]
    else:
        await _pages(scope, receive, send)  # type: ignore[arg-type]


async def _lifespan(receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            _end_streams_on_signal()
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await send({"type": "lifespan.shutdown.complete"})
            return


def _end_streams_on_signal() -> None:
    """A server that is told to stop waits for open responses before it says so; streams would make it wait for ever."""
    from accounts.streams import current_hub

    loop, hub = asyncio.get_running_loop(), current_hub()
    for number in (signal.SIGINT, signal.SIGTERM):
        previous = signal.getsignal(number)

        def stop(signum: int, frame: FrameType | None, previous: Any = previous) -> None:
            loop.call_soon_threadsafe(hub.close)
            if callable(previous):
                previous(signum, frame)

        signal.signal(number, stop)
