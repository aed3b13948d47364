"""Acts of staff that may call Paystack: on a POST alone, and they say how it went."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import structlog
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from accounts import staff_acts
from accounts.models import User
from accounts.staff_acts import Act, ActRefused, Given, ReasonForm
from billing.paystack.errors import PaystackError

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

__all__ = ["Act", "ActRefused", "Given", "ReasonForm", "perform"]
log = structlog.get_logger(__name__)


def perform(
    request: HttpRequest, act: Act, row: Model, *, site: dict[str, Any], back_url: str
) -> HttpResponse:
    """As `accounts.staff_acts.perform`; what Paystack says of it is told in words."""

    def carry_out(subject: Any, actor: User, given: Given) -> StrOrPromise:
        try:
            return act.carry_out(subject, actor, given)
        except PaystackError as error:
            log.warning("Paystack not reached for staff", act=act.slug, code=error.code)
            raise ActRefused(_in_words(error)) from error

    return staff_acts.perform(request, replace(act, carry_out=carry_out), row, site=site, back_url=back_url)


def _in_words(error: PaystackError) -> str:
    if error.is_unknown:
        return _("Paystack gave no answer; it may have arrived. Look again before you try again.")
    return _("Paystack did not do it: %(words)s") % {"words": error.message or error.code}
