"""What leaves for Sentry: errors without anything a customer, a key or a number could be read from."""

from __future__ import annotations

from typing import Any

from sentry_sdk.integrations.logging import ignore_logger

from namaskah.lib.http_redaction import redact
from namaskah.lib.logging import scrub_text

# Parts of an event that hold what somebody sent or who they are. Sentry's own scrubber knows names; we know better: none.
PERSONAL = ("cookies", "data", "env", "headers", "query_string")
KEPT = frozenset(
    {
        "event_id",
        "timestamp",
        "start_timestamp",
        "trace_id",
        "span_id",
        "parent_span_id",
        "request_id",
        "release",
    }
)
HIDDEN = "[hidden]"


def sentry_options() -> dict[str, Any]:
    """Options for `sentry_sdk.init`."""
    ignore_logger("django.security.*")  # refused requests, which anybody can send in any number
    return {
        "max_request_body_size": "never",
        "include_local_variables": False,
        "before_send": scrub_event,
        "before_send_transaction": scrub_event,
        "before_breadcrumb": lambda crumb, hint: scrubbed(crumb),
    }


def scrub_event(event: Any, hint: dict[str, Any]) -> Any:
    """Take out of an event what nobody at the error tracker needs: bodies, headers, cookies, and whatever reads like a secret."""
    request = event.get("request")
    if isinstance(request, dict):
        for name in PERSONAL:
            request.pop(name, None)
    user = event.get("user")
    if isinstance(user, dict):
        event["user"] = {"id": user["id"]} if user.get("id") else {}
    return scrubbed(event)


def scrubbed(value: Any, name: str = "") -> Any:
    """The same shape with secrets masked, by the rules of the log."""
    if name in KEPT:
        return value
    if isinstance(value, dict):
        return {key: scrubbed(item, str(key).lower()) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [scrubbed(item, name) for item in value]
    return scrub_text(name, redact(value)) if isinstance(value, str) else value
