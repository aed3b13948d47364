"""What a customer reads about a refund: its state in words, and what happened when."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.enums import RefundStatus
from billing.models import Refund

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

# Status → the known state whose hue and shape it has, and its word.
BADGES: dict[str, tuple[str, StrPromise]] = {
    RefundStatus.REQUESTED: ("waiting", gettext_lazy("With support")),
    RefundStatus.HELD: ("waiting", gettext_lazy("About to be sent")),
    RefundStatus.SENT: ("pending", gettext_lazy("Sent")),
    RefundStatus.PENDING: ("pending", gettext_lazy("On its way")),
    RefundStatus.PROCESSING: ("processing", gettext_lazy("With your bank")),
    RefundStatus.NEEDS_ATTENTION: ("needs_review", gettext_lazy("Bank details needed")),
    RefundStatus.PROCESSED: ("succeeded", gettext_lazy("Refunded")),
    RefundStatus.FAILED: ("released", gettext_lazy("Not possible")),
    RefundStatus.REFUSED: ("released", gettext_lazy("Refused")),
}
SENTENCES: dict[str, StrPromise] = {
    RefundStatus.REQUESTED: gettext_lazy(
        "Support looks at it before it is sent. The amount is held until then."
    ),
    RefundStatus.HELD: gettext_lazy("It goes to Paystack in a moment. You need not wait here."),
    RefundStatus.SENT: gettext_lazy(
        "We have told Paystack and wait for the confirmation. It is sent once only."
    ),
    RefundStatus.PENDING: gettext_lazy(
        "Paystack is sending it. It may take your bank several working days to show it."
    ),
    RefundStatus.PROCESSING: gettext_lazy(
        "Your bank is working on it. It may need several working days to show it."
    ),
    RefundStatus.NEEDS_ATTENTION: gettext_lazy(
        "Your bank cannot take this payment back by itself. Tell us which bank account it may go to."
    ),
    RefundStatus.PROCESSED: gettext_lazy(
        "It has been paid back. Your bank may take some more days until you see it on your card or account."
    ),
    RefundStatus.FAILED: gettext_lazy("It could not be made. What was held is in your wallet again."),
    RefundStatus.REFUSED: gettext_lazy(
        "It was not made. What was held is in your wallet again. Write to support if you want to know why."
    ),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One moment. `money` is what it did to the money available, signed; None when nothing."""

    at: dt.datetime
    label: str
    money: Decimal | None = None


@dataclass(frozen=True, slots=True)
class RefundState:
    """`badge` names the hue and shape, `label` the word, `sentence` what comes next."""

    badge: str
    label: str
    sentence: str
    steps: list[Step]


def refund_state(refund: Refund) -> RefundState:
    """The state of a refund as its page shows it."""
    badge, label = badge_of(refund.status)
    return RefundState(badge, label, str(SENTENCES.get(refund.status, "")), _steps(refund))


def badge_of(status: str) -> tuple[str, str]:
    """The badge of a status and its word."""
    badge, label = BADGES.get(status, ("waiting", status))
    return badge, str(label)


def _steps(refund: Refund) -> list[Step]:
    steps = [Step(refund.created_at, _("Asked for, amount held"), -refund.wallet_amount)]
    if refund.sent_at is not None:
        steps.append(Step(refund.sent_at, _("Sent to Paystack")))
    if refund.details_sent_at is not None and refund.status != RefundStatus.NEEDS_ATTENTION:
        steps.append(Step(refund.details_sent_at, _("Bank details given")))
    if refund.closed_at is not None and refund.status == RefundStatus.PROCESSED:
        steps.append(Step(refund.closed_at, _("Paid back")))
    elif refund.closed_at is not None:
        steps.append(Step(refund.closed_at, badge_of(refund.status)[1], refund.wallet_amount))
    return steps
