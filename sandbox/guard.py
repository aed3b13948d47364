"""Who may control the sandbox, and how the calls of the control API are read and answered."""

import hmac
import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.config import BadConfig
from sandbox.replies import to_json

Handler = Callable[[Request], Awaitable[Response]]
LOOPBACK = frozenset({"127.0.0.1", "::1"})
MAX_BULK = 200_000


class BadRequest(ValueError):
    """The message goes to the caller, with the status."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Guard:
    """Lets in loopback callers and those who know the secret."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def __call__(self, handler: Handler) -> Handler:
        """The handler behind the guard; what it raises as wrong becomes an answer."""

        async def endpoint(request: Request) -> Response:
            if not self._may_control(request):
                return answer({"error": "The control API is for loopback callers or the shared secret."}, 403)
            try:
                return await handler(request)
            except BadConfig as bad:
                return answer({"error": str(bad)}, 400)
            except BadRequest as bad:
                return answer({"error": str(bad)}, bad.status)

        return endpoint

    def _may_control(self, request: Request) -> bool:
        if request.client is not None and request.client.host in LOOPBACK:
            return True
        given = request.headers.get("x-sandbox-secret", "")
        return bool(self._secret) and hmac.compare_digest(given.encode(), self._secret.encode())


def nothing_else(payload: dict[str, Any]) -> None:
    """Refuse fields that nobody has taken out of the body.

    Raises:
        BadRequest: One is left.
    """
    if payload:
        raise BadRequest(f"Unknown field {next(iter(payload))!r}.")


async def payload_of(request: Request) -> dict[str, Any]:
    """The JSON object in the body; an empty body is an empty object.

    Raises:
        BadRequest: It is something else.
    """
    body = await request.body()
    try:
        payload = json.loads(body) if body.strip() else {}
    except ValueError:
        raise BadRequest("The body must be JSON.") from None
    if not isinstance(payload, dict):
        raise BadRequest("The body must be a JSON object.")
    return payload


def answer(value: Any, status: int = 200) -> Response:
    """A value as JSON."""
    return Response(to_json(value), status, media_type="application/json")
