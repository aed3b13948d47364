"""Where Paystack's webhooks arrive. Not a page: no session, no CSRF token, the signature over the raw bytes says who calls."""

from __future__ import annotations

import structlog
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from billing.services import webhooks

log = structlog.get_logger(__name__)


@csrf_exempt
@require_POST
def receive(request: HttpRequest) -> HttpResponse:
    """Answer 200 once the event is on disk, and only then; anything else makes Paystack send it again."""
    body = _body(request)
    if body is None:
        return HttpResponse("Too big.", status=413, content_type="text/plain; charset=utf-8")
    address = request.META.get("REMOTE_ADDR") or None
    if settings.PAYSTACK_WEBHOOK_ADDRESSES_ENFORCED and not webhooks.is_known_address(address):
        log.warning("Webhook refused", reason="address", address=address)
        return HttpResponse("Not from here.", status=403, content_type="text/plain; charset=utf-8")
    try:
        webhooks.take_in(body, signature=request.headers.get("X-Paystack-Signature", ""), address=address)
    except webhooks.NotSigned:
        log.warning("Webhook refused", reason="signature", address=address, size=len(body))
        return HttpResponse("Not signed.", status=401, content_type="text/plain; charset=utf-8")
    except webhooks.NotAnEvent as error:
        log.warning("Webhook refused", reason=str(error), address=address, size=len(body))
        return HttpResponse("Not an event.", status=400, content_type="text/plain; charset=utf-8")
    return HttpResponse("ok", content_type="text/plain; charset=utf-8")


def _body(request: HttpRequest) -> bytes | None:
    """The raw bytes, or None when there are too many."""
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
        body = b"" if length > settings.PAYSTACK_WEBHOOK_MAX_BYTES else request.body
    except (ValueError, RequestDataTooBig):
        return None
    return None if max(length, len(body)) > settings.PAYSTACK_WEBHOOK_MAX_BYTES else body
