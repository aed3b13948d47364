"""What staff may do about payments. Above `APPROVAL_ABOVE` an act becomes a request that another member of staff decides.

Every act leaves its reason in the console's history, in the transaction of the act. Those that have to call Paystack leave it
before the call, as the intention.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from billing import locks
from billing.enums import (
    ApprovalKind,
    DepositStatus,
    DisputeOutcome,
    RefundStatus,
    ReviewReason,
    WebhookState,
)
from billing.models import Approval, Deposit, Dispute, Refund, SavedCard, WebhookEvent
from billing.paystack import client
from billing.paystack.errors import NotFound
from billing.services import (
    approvals,
    crediting,
    disputes,
    refund_sending,
    refunds,
    reviews,
    saved_cards,
    settling,
    shares,
    staff_log,
    webhooks,
)
from billing.views.staff_acts import Act, ActRefused, Given, ReasonForm


class OwnerForm(ReasonForm):
    """Whose money it is."""

    email = forms.EmailField(label=gettext_lazy("Customer's e-mail address"))
    field_order = ("email", "reason")


class MessageForm(forms.Form):
    """What Paystack and the bank will read."""

    message = forms.CharField(
        max_length=500,
        label=gettext_lazy("Answer to the bank"),
        widget=forms.Textarea(attrs={"rows": 4, "cols": 60}),
        help_text=gettext_lazy("The evidence of our own records goes with it."),
    )


def _ask(kind: ApprovalKind, subject: str, amount: Decimal, actor: User, given: Given) -> str:
    approvals.ask(kind=kind, subject=subject, amount=amount, reason=given["reason"], actor=actor)
    return _("Above the limit: the request waits for a second member of staff.")


# --- Deposits ---------------------------------------------------------------------------------------------------------


def _settle(deposit: Deposit, actor: User, given: Given) -> str:
    """As any other look, but one that tells a member of staff when Paystack could not be asked."""
    staff_log.note(actor, deposit, "Asked Paystack")  # as the intention: Paystack is called now
    try:
        after = settling.apply(deposit.pk, client.paystack().verify(deposit.reference))
    except NotFound as error:
        settling.settle(deposit.pk, force=True)  # which ends it when it is old enough
        raise ActRefused(_("Paystack does not know this reference.")) from error
    return _("Asked. The deposit is: %(status)s.") % {"status": after.get_status_display()}


def review_worth(deposit: Deposit) -> Decimal:
    """What a decision is about, at most: a review credits what was paid, which may be far more than what was asked for."""
    paid = crediting.worth(deposit.paid_subunits or 0, deposit.rate)
    return max(paid, deposit.credit_amount)


def _credit(deposit: Deposit, actor: User, given: Given) -> str:
    if approvals.needs_second(review_worth(deposit)):
        subject = f"deposit:{deposit.pk}"
        return _ask(ApprovalKind.REVIEW_CREDIT, subject, review_worth(deposit), actor, given)
    with transaction.atomic():
        reviews.credit(deposit_id=deposit.pk, actor=actor, reason=given["reason"])
        staff_log.note(actor, deposit, "Credited after review", given["reason"])
    return _("Credited.")


def _attach(deposit: Deposit, actor: User, given: Given) -> str:
    owner = User.objects.filter(email__iexact=given["email"].strip()).first()
    if owner is None:
        raise ActRefused(_("Nobody has this address."))
    with transaction.atomic():
        reviews.attach(deposit_id=deposit.pk, user=owner, actor=actor, reason=given["reason"])
        staff_log.note(actor, deposit, f"Attached to customer {owner.pk}", given["reason"])
    return _("The money is this customer's now. It is not credited yet.")


def _send_back(deposit: Deposit, actor: User, given: Given) -> str:
    if approvals.needs_second(review_worth(deposit)):
        return _ask(ApprovalKind.REFUND, f"deposit:{deposit.pk}", review_worth(deposit), actor, given)
    with transaction.atomic():
        reviews.send_back(deposit_id=deposit.pk, actor=actor, reason=given["reason"])
        staff_log.note(actor, deposit, "Sent back after review", given["reason"])
    return _("The refund goes out now; this page shows how it ends.")


def _write_off(deposit: Deposit, actor: User, given: Given) -> str:
    with transaction.atomic():
        reviews.write_off(deposit_id=deposit.pk, actor=actor, reason=given["reason"])
        staff_log.note(actor, deposit, "Written off after review", given["reason"])
    return _("Closed: there was no money.")


def is_under_review(deposit: Deposit) -> bool:
    """Whether staff has to decide about it, and has not."""
    return deposit.status == DepositStatus.NEEDS_REVIEW and not shares.live_refunds(deposit).exists()


def _is_real(deposit: Deposit) -> bool:
    """Whether there is money of our mode that is nobody else's; of any other there is nothing to credit or send."""
    return deposit.review_reason != ReviewReason.WRONG_MODE and deposit.paystack_id is not None


def _can_attach(deposit: Deposit, actor: User) -> bool:
    return is_under_review(deposit) and _is_real(deposit) and deposit.user_id is None


def _can_credit(deposit: Deposit, actor: User) -> bool:
    return is_under_review(deposit) and _is_real(deposit) and deposit.user_id is not None


def _can_send_back(deposit: Deposit, actor: User) -> bool:
    return is_under_review(deposit) and _is_real(deposit)


def _can_write_off(deposit: Deposit, actor: User) -> bool:
    return is_under_review(deposit) and not _is_real(deposit)


REVIEW = "billing.review_deposit"
DEPOSIT_ACTS = (
    Act(
        slug="settle",
        title=gettext_lazy("Ask Paystack now"),
        explanation=gettext_lazy("Looks at the payment at Paystack and writes what it says."),
        permission="billing.check_deposit",
        carry_out=_settle,
        form=None,
    ),
    Act(
        slug="attach",
        title=gettext_lazy("Attach to a customer"),
        explanation=gettext_lazy(
            "Says whose money this is, at today's rate. Crediting it is the next step, and a decision of its own."
        ),
        permission=REVIEW,
        carry_out=_attach,
        is_possible=_can_attach,
        form=OwnerForm,
    ),
    Act(
        slug="credit",
        title=gettext_lazy("Credit the customer"),
        explanation=gettext_lazy("The money leaves the review and the customer can spend it."),
        permission=REVIEW,
        carry_out=_credit,
        is_possible=_can_credit,
    ),
    Act(
        slug="send-back",
        title=gettext_lazy("Send the money back"),
        explanation=gettext_lazy("All of it goes back to where it came from, by a refund at Paystack."),
        permission=REVIEW,
        carry_out=_send_back,
        is_possible=_can_send_back,
        is_grave=True,
    ),
    Act(
        slug="write-off",
        title=gettext_lazy("Close: there was no money"),
        explanation=gettext_lazy(
            "For money of the other mode, or money that is booked for another deposit already."
        ),
        permission=REVIEW,
        carry_out=_write_off,
        is_possible=_can_write_off,
        is_grave=True,
    ),
)


# --- Webhooks ---------------------------------------------------------------------------------------------------------


def _replay(event: WebhookEvent, actor: User, given: Given) -> str:
    with transaction.atomic():
        webhooks.replay(event.pk)
        staff_log.note(actor, event, "Replayed")
    return _("It will be processed again in a moment; what was done before is found done.")


WEBHOOK_ACTS = (
    Act(
        slug="replay",
        title=gettext_lazy("Process again"),
        explanation=gettext_lazy("Looks again where this event points."),
        permission="billing.replay_webhookevent",
        carry_out=_replay,
        is_possible=lambda event, actor: event.state != WebhookState.PENDING,
        form=None,
    ),
)


# --- Refunds ----------------------------------------------------------------------------------------------------------


def _check_undecided(refund: Refund) -> None:
    """Refuse to say that something was approved which somebody else has decided about."""
    now = Refund.objects.get(pk=refund.pk)
    if now.status != RefundStatus.REQUESTED:
        words = _("Somebody was first; nothing has changed. The refund is: %(status)s.")
        raise ActRefused(words % {"status": now.get_status_display()})


def _approve(refund: Refund, actor: User, given: Given) -> str:
    _check_undecided(refund)
    if approvals.needs_second(refund.wallet_amount):
        return _ask(ApprovalKind.REFUND, f"refund:{refund.pk}", refund.wallet_amount, actor, given)
    with transaction.atomic():
        locks.lock_deposit(refund.deposit_id)  # until then somebody else may have decided
        _check_undecided(refund)
        refunds.approve(refund_id=refund.pk, actor=actor, reason=given["reason"])
        staff_log.note(actor, refund, "Approved", given["reason"])
    return _("Approved; it is sent now.")


def _refuse(refund: Refund, actor: User, given: Given) -> str:
    with transaction.atomic():
        refunds.refuse(refund_id=refund.pk, actor=actor, reason=given["reason"])
        staff_log.note(actor, refund, "Refused", given["reason"])
    return _("Refused; the money is in the wallet again.")


def _declare_unsent(refund: Refund, actor: User, given: Given) -> str:
    with transaction.atomic():
        refund_sending.declare_unsent(refund_id=refund.pk, actor=actor, reason=given["reason"])
        staff_log.note(actor, refund, "Decided: never sent", given["reason"])
    return _("Decided: it was never sent. The money is in the wallet again.")


DECIDE = "billing.decide_refund"
REFUND_ACTS = (
    Act(
        slug="approve",
        title=gettext_lazy("Approve"),
        explanation=gettext_lazy("The refund is sent to Paystack; it cannot be called back."),
        permission=DECIDE,
        carry_out=_approve,
        is_possible=lambda refund, actor: refund.status == RefundStatus.REQUESTED,
    ),
    Act(
        slug="refuse",
        title=gettext_lazy("Refuse"),
        explanation=gettext_lazy(
            "The held money returns to the customer's wallet, and the customer is told."
        ),
        permission=DECIDE,
        carry_out=_refuse,
        is_possible=lambda refund, actor: refund.status in refunds.STAFF_DECIDES,
        is_grave=True,
    ),
    Act(
        slug="never-sent",
        title=gettext_lazy("Decide: it was never sent"),
        explanation=gettext_lazy(
            "Only after you have looked for this refund in Paystack's dashboard and it is not there. "
            "The held money returns to the wallet; if Paystack pays the refund after all, it is our loss."
        ),
        permission=DECIDE,
        carry_out=_declare_unsent,
        is_possible=lambda refund, actor: refund_sending.is_lost(refund),
        is_grave=True,
    ),
)


# --- Disputes ---------------------------------------------------------------------------------------------------------


def _accept(dispute: Dispute, actor: User, given: Given) -> str:
    staff_log.note(actor, dispute, "Accepts", given["reason"])  # as the intention: Paystack is called now
    disputes.accept(dispute_id=dispute.pk, actor=actor, reason=given["reason"])
    return _("Accepted: the bank gets the money.")


def _contest(dispute: Dispute, actor: User, given: Given) -> str:
    staff_log.note(actor, dispute, "Contests", given["message"])
    disputes.contest(dispute_id=dispute.pk, actor=actor, message=given["message"])
    return _("Answered, with our evidence. The bank decides now.")


def _is_open(dispute: Dispute, actor: User) -> bool:
    return dispute.outcome == DisputeOutcome.OPEN and dispute.answered_at is None


ANSWER = "billing.answer_dispute"
DISPUTE_ACTS = (
    Act(
        slug="contest",
        title=gettext_lazy("Contest with evidence"),
        explanation=gettext_lazy(
            "Sends Paystack this answer with what our own records show. Look at the evidence first."
        ),
        permission=ANSWER,
        carry_out=_contest,
        is_possible=_is_open,
        form=MessageForm,
    ),
    Act(
        slug="accept",
        title=gettext_lazy("Accept"),
        explanation=gettext_lazy("The bank gets the money, and the customer's held money is charged."),
        permission=ANSWER,
        carry_out=_accept,
        is_possible=_is_open,
        is_grave=True,
    ),
)


# --- Cards ------------------------------------------------------------------------------------------------------------


def _remove_card(card: SavedCard, actor: User, given: Given) -> str:
    with transaction.atomic():
        saved_cards.remove(card_id=card.pk, user=card.user)
        staff_log.note(actor, card, "Removed", given["reason"])
    return _("Removed here; Paystack is told as well.")


CARD_ACTS = (
    Act(
        slug="remove",
        title=gettext_lazy("Remove the card"),
        explanation=gettext_lazy(
            "It can no longer be charged, here or at Paystack. Automatic top-up with it ends."
        ),
        permission="billing.remove_savedcard",
        carry_out=_remove_card,
        is_possible=lambda card, actor: card.removed_at is None,
        is_grave=True,
    ),
)


# --- Approvals --------------------------------------------------------------------------------------------------------


def _yes(approval: Approval, actor: User, given: Given) -> str:
    decided = approvals.decide(approval_id=approval.pk, actor=actor, approve=True)
    return _("Approved and carried out: %(outcome)s.") % {"outcome": decided.outcome}


def _no(approval: Approval, actor: User, given: Given) -> str:
    approvals.decide(approval_id=approval.pk, actor=actor, approve=False)
    return _("Refused; nothing has moved.")


def _asked_by_another(approval: Any, actor: User) -> bool:
    return bool(approval.asked_by_id != actor.pk)


def _is_undecided(approval: Any, actor: User) -> bool:
    return approval.decided_at is None


APPROVAL_ACTS = (
    Act(
        slug="approve",
        title=gettext_lazy("Approve and carry out"),
        explanation=gettext_lazy("It happens at once, in your name beside the name of the one who asked."),
        permission="billing.decide_approval",
        carry_out=_yes,
        is_allowed=_asked_by_another,
        is_possible=_is_undecided,
        form=None,
    ),
    Act(
        slug="refuse",
        title=gettext_lazy("Refuse"),
        explanation=gettext_lazy("Nothing moves."),
        permission="billing.decide_approval",
        carry_out=_no,
        is_allowed=_asked_by_another,
        is_possible=_is_undecided,
        form=None,
        is_grave=True,
    ),
)
