"""Showing a passkey in a browser: to sign in, as the second step after the password, or to confirm who one is.

One pair of addresses serves all three. Who must show the passkey, the session knows: whoever is signed in; else whoever has
shown their password and nothing more; else that is the question.
"""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts import destinations, second_step, sign_in, step_up
from accounts.audit_actions import AuditAction
from accounts.exceptions import AccountClosed, TooManyTries
from accounts.models import User
from accounts.services import audit, passkey_showing
from accounts.services.factors import PASSKEY
from accounts.throttle import seconds_to_wait
from namaskah.lib.json_views import answers_in_json, nested, read_body, text

LONGEST_BODY = 32 * 1024  # an answer with everything in it has 4 kB
CHALLENGE = "passkey_to_show"


@never_cache
@require_POST
@answers_in_json
def options(request: HttpRequest) -> HttpResponse:
    """What the browser is to ask an authenticator for. To a visitor the answer is the same whoever has passkeys."""
    _throttle(request, "passkey-options")
    ceremony = passkey_showing.begin(_who_must(request))
    request.session[CHALLENGE] = ceremony.challenge
    return JsonResponse(ceremony.options)


@never_cache
@require_POST
@answers_in_json
def verify(request: HttpRequest) -> HttpResponse:
    """Let somebody in, or on, who has shown a passkey, and say where to go."""
    _throttle(request, "passkey")
    body = read_body(request, most_bytes=LONGEST_BODY)
    who = _who_must(request)
    shown = passkey_showing.show(
        credential=nested(body, "credential"), challenge=request.session.pop(CHALLENGE, ""), user=who
    )
    next_url = text(body, "next")
    if request.user.is_authenticated:
        step_up.passed(request, method=PASSKEY)
    elif who is not None:
        next_url = second_step.complete(request, method=PASSKEY, trust=body.get("trust") is True)
    elif shown.user.is_active:
        sign_in.complete(request, shown.user, methods=(PASSKEY,), remember=body.get("remember") is True)
    else:
        raise _closed(shown.user)
    return JsonResponse({"next": destinations.of(request, next_url)})


def _who_must(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else second_step.pending_user(request)


def _closed(user: User) -> AccountClosed:
    """Whoever shows the passkey is told, as whoever knows the password is."""
    with transaction.atomic():
        audit.record(AuditAction.SIGN_IN_FAILED, actor=None, subject=user, after={"state": str(user.state)})
    return AccountClosed()


def _throttle(request: HttpRequest, group: str) -> None:
    wait_s = seconds_to_wait(request, group=group, rate=settings.SIGN_IN_RATE)
    if wait_s:
        raise TooManyTries(wait_s)
