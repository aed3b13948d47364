"""Views of pages' own scripts: JSON in, JSON out, a refusal with its sentence. The public API has machinery of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, JsonResponse, UnreadablePostError
from django.http.response import HttpResponseBase
from django.utils.translation import gettext_lazy as _

from namaskah.exceptions import DomainError

View = Callable[..., HttpResponseBase]


class BodyUnreadable(DomainError):
    """It is no JSON object."""

    code = "malformed_body"
    status = 400

    def __init__(self) -> None:
        super().__init__(_("Something was lost on the way here. Please reload the page and try again."))


class BodyTooLarge(DomainError):
    """Longer than anything a page of ours would send."""

    code = "body_too_large"
    status = 413

    def __init__(self) -> None:
        super().__init__(_("That is more than this page may send."))


def read_body(request: HttpRequest, *, most_bytes: int) -> dict[str, Any]:
    """The object that was sent.

    Raises:
        BodyTooLarge: It is longer than `most_bytes`.
        BodyUnreadable: It is no object, or nested beyond reason.
    """
    try:
        if int(request.META.get("CONTENT_LENGTH") or 0) > most_bytes or len(request.body) > most_bytes:
            raise BodyTooLarge
        body = json.loads(request.body)
    except RequestDataTooBig:
        raise BodyTooLarge from None
    except (ValueError, RecursionError, UnreadablePostError):
        raise BodyUnreadable from None
    if not isinstance(body, dict):
        raise BodyUnreadable
    return body


def text(body: dict[str, Any], name: str, *, longest: int = 2000) -> str:
    """A text in the object; empty when it is none, or longer than allowed."""
    value = body.get(name)
    return value if isinstance(value, str) and len(value) <= longest and "\x00" not in value else ""


def nested(body: dict[str, Any], name: str) -> dict[str, Any]:
    """An object in the object.

    Raises:
        BodyUnreadable: It is none.
    """
    value = body.get(name)
    if not isinstance(value, dict):
        raise BodyUnreadable
    return value


def answers_in_json(view: View) -> View:
    """Answer with what the view returns, or with the sentence of what it refuses."""

    @wraps(view)
    def answering(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except DomainError as error:
            return refusal(error)

    return answering


def refusal(error: DomainError) -> JsonResponse:
    """What a script shows beside its button."""
    response = JsonResponse({"code": error.code, "detail": str(error.message)}, status=error.status)
    wait_s = getattr(error, "wait_s", None)
    if wait_s is not None:
        response["Retry-After"] = str(wait_s)
    return response
