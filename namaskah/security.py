"""What every answer and every request is held to, beyond Django's own security middleware."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext

from namaskah.middleware import Handler


class BoundsMiddleware:
    """Refuse bodies that nothing here asks for, and keep answers from being embedded by other sites."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = _refusal(request) if is_too_big(request) else self.get_response(request)
        response.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response


class PrivateAnswersMiddleware:
    """Whoever shows a session gets answers that no cache keeps: not the browser's after signing out, no proxy's.

    Comes after WhiteNoise, whose files are the same for everybody.
    """

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            patch_cache_control(response, private=True, no_store=True)
        return response


class RefuseFiles(FileUploadHandler):
    """No form of ours takes a file, so none is read, kept in memory or written to a disk."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Stop at the first file; what was read of the form before it stays."""
        raise StopUpload(connection_reset=False)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        """Nothing is kept."""
        return None

    def file_complete(self, file_size: int) -> None:
        """There is no file."""
        return


def is_too_big(request: HttpRequest) -> bool:
    """Whether the body is announced to be longer than anything we take. One that is not announced is not read at all."""
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0) > settings.REQUEST_MAX_BYTES
    except ValueError:
        return True


def _refusal(request: HttpRequest) -> HttpResponse:
    """In plain text: this early there is no session that a page of ours could be made with."""
    words = gettext(
        "This request is too big: at most %(bytes)d bytes are read. Nothing was changed. Request %(id)s"
    )
    text = words % {"bytes": settings.REQUEST_MAX_BYTES, "id": getattr(request, "request_id", "")}
    return HttpResponse(text, status=413, content_type="text/plain; charset=utf-8")
