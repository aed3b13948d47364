"""Asking for a second factor on a page: choosing a way, having a code sent, checking what was typed.

The second step of signing in and the confirmation before sensitive acts ask alike; who is asked and what follows is theirs.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.exceptions import MethodNotOffered, TooManyTries
from accounts.forms.factors import CodeForm
from accounts.models import User
from accounts.services import factor_checks, factors, message_codes
from accounts.services.proofs import ProofOver, WrongCode
from accounts.throttle import seconds_to_wait
from namaskah.exceptions import DomainError

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

SENT = "second_factor_sent"  # in the session: which message was sent for this browser's asking, and which way


@dataclass(frozen=True, slots=True)
class Way:
    """One way to show who one is.

    Attributes:
        ask: What to type, or do.
        wrong: What a wrong code is answered with.
    """

    method: str
    name: StrPromise
    ask: StrPromise
    wrong: StrPromise


WAYS = {
    way.method: way
    for way in (
        Way(
            factors.TOTP,
            _("Authenticator app"),
            _("Open your authenticator app and type the six digits it shows for Namaskah SMS."),
            _("This code is not right. Type the one your app shows now; each works once."),
        ),
        Way(
            factors.PASSKEY,
            _("Passkey"),
            _("Your browser asks for your passkey: a fingerprint, your face, a PIN or a key you plug in."),
            _("This passkey was not accepted."),
        ),
        Way(
            factors.SMS,
            _("Code by SMS"),
            _("We send six digits to your telephone. They are valid for 10 minutes."),
            _("This code is not right. Look at the newest message and try again."),
        ),
        Way(
            factors.EMAIL,
            _("Code by e-mail"),
            _("We send six digits to your e-mail address. They are valid for 10 minutes."),
            _("This code is not right. Look at the newest message and try again."),
        ),
        Way(
            factors.RECOVERY,
            _("Recovery code"),
            _("Type one of the codes you kept when you set up your second factor. Each works once."),
            _("This is none of your unused recovery codes."),
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Asking:
    """What a page shows: the way chosen, and the others."""

    way: Way
    others: list[Way]
    is_sent: bool

    @property
    def is_message(self) -> bool:
        """Whether a code has to be sent first."""
        return self.way.method in factor_checks.CHANNELS

    @property
    def is_numeric(self) -> bool:
        """Whether a telephone should show its digits to type with."""
        return self.way.method != factors.RECOVERY

    @property
    def is_passkey(self) -> bool:
        """Whether the browser's own ceremony takes the place of a code."""
        return self.way.method == factors.PASSKEY


def ask(request: HttpRequest, user: User) -> Asking | None:
    """The way this request chooses, else the first; None for somebody without a second factor."""
    offered = factor_checks.offered(user)
    if not offered:
        return None
    wanted = request.POST.get("method") or request.GET.get("method", "")
    chosen = wanted if wanted in offered else offered[0]
    others = [WAYS[method] for method in offered if method != chosen]
    return Asking(WAYS[chosen], others, _proof_id(request, user, chosen) is not None)


def send(request: HttpRequest, user: User, asking: Asking) -> None:
    """Have a code sent, and remember for whom.

    Raises:
        TooManyTries: The last one was sent a moment ago, or there were too many.
        MethodNotOffered: Nothing is sent for this way.
    """
    channel = factor_checks.CHANNELS.get(asking.way.method)
    if channel is None:
        raise MethodNotOffered
    proof = message_codes.send(user=user, channel=channel)
    request.session[SENT] = {"proof": str(proof.pk), "method": asking.way.method, "user": user.pk}


def check(request: HttpRequest, user: User, asking: Asking, form: CodeForm) -> DomainError | None:
    """Use what was typed. What is wrong stands in the form, and is returned for its status."""
    try:
        _count_try(request, user)
        proof_id = _proof_id(request, user, asking.way.method)
        factor_checks.verify(
            user=user, method=asking.way.method, code=form.cleaned_data["code"], proof_id=proof_id
        )
    except (WrongCode, ProofOver, TooManyTries, MethodNotOffered) as error:
        words = asking.way.wrong if isinstance(error, WrongCode) else error.message
        form.add_error("code", str(words))
        return error
    request.session.pop(SENT, None)
    return None


def _count_try(request: HttpRequest, user: User) -> None:
    wait_s = seconds_to_wait(request, group="second-factor", rate=settings.SECOND_STEP_RATE, email=user.email)
    if wait_s:
        raise TooManyTries(wait_s)


def _proof_id(request: HttpRequest, user: User, method: str) -> uuid.UUID | None:
    """The message that was sent for this browser, this person and this way."""
    sent = request.session.get(SENT) or {}
    is_theirs = sent.get("user") == user.pk and sent.get("method") == method
    return uuid.UUID(sent["proof"]) if is_theirs else None
