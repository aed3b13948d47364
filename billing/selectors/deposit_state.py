"""What a deposit's page says: the state in words, what the money did, and what can be done now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from billing.enums import DepositPurpose, DepositStatus, RefundStatus, ReviewReason
from billing.models import Deposit, Dispute, Refund
from billing.selectors import deposit_disputes
from billing.wording import rate_words
from namaskah.lib.money import format_money, format_subunits

# Paystack's words for how somebody paid. It is an open list: another word says nothing.
_CHANNELS = {
    "card": gettext_lazy("by card"),
    "bank_transfer": gettext_lazy("by bank transfer"),
    "dedicated_nuban": gettext_lazy("by bank transfer"),
    "bank": gettext_lazy("from your bank account"),
    "direct_debit": gettext_lazy("from your bank account"),
    "ussd": gettext_lazy("by USSD"),
    "mobile_money": gettext_lazy("by mobile money"),
    "qr": gettext_lazy("by QR code"),
    "eft": gettext_lazy("by EFT"),
    "apple_pay": gettext_lazy("by Apple Pay"),
}
_AGAIN = {DepositStatus.FAILED, DepositStatus.ABANDONED}
_SAYS_NO_MORE = {"", "declined", "failed"}
_MONEY_BACK = {RefundStatus.PROCESSED}


@dataclass(frozen=True, slots=True)
class DepositEntry:
    """One line of what happened, with what the money did."""

    at: dt.datetime
    label: str
    money: str


@dataclass(frozen=True, slots=True)
class DepositState:
    """Everything the page shows. Amounts are words; times are aware UTC.

    Attributes:
        amount: What was asked for, or what came when nothing was asked for.
        extra: Payment fees that Paystack put on top of the amount; empty when there were none.
        credit: What the wallet got or will get.
        status: The deposit's, or `disputed` and `taken_back` when the customer's bank wants or has money of it again.
        is_settled: The money is in the wallet, and no bank wants it back.
        is_credited: The wallet got it, whatever a bank said afterwards.
        receipt_number: Empty while there is none.
    """

    status: str
    label: str
    sentence: str
    amount: str
    extra: str
    credit: str
    rate: str
    how: str
    is_open: bool
    is_settled: bool
    is_credited: bool
    can_retry: bool
    continue_url: str
    receipt_number: str
    timeline: list[DepositEntry]


def deposit_state(deposit: Deposit) -> DepositState:
    """Build the page's state: three queries, for its receipt, its refunds and its disputes."""
    status = DepositStatus(deposit.status)
    disputes = list(deposit.disputes.order_by("opened_at", "pk"))
    standing = deposit_disputes.standing(deposit, disputes)
    is_credited = status == DepositStatus.SUCCEEDED
    refunds = list(deposit.refunds.exclude(status=RefundStatus.REFUSED))
    receipt = deposit.receipts.filter(refund=None).first() if deposit.credited_at else None
    return DepositState(
        status=standing or status.value,
        label=deposit_disputes.label(standing) if standing else _label(deposit),
        sentence=deposit_disputes.sentence(deposit, disputes, standing) if standing else _sentence(deposit),
        amount=format_subunits(deposit.amount_subunits, deposit.charge_currency),
        extra=_extra(deposit) if is_credited else "",
        credit=format_money(deposit.credit_amount, deposit.wallet_currency),
        rate=rate_words(deposit.rate, deposit.charge_currency, deposit.wallet_currency),
        how=_how(deposit) if deposit.paid_at else "",
        is_open=deposit.is_open,
        is_settled=is_credited and not standing,
        is_credited=is_credited,
        can_retry=status in _AGAIN
        and not deposit.is_closed_by_staff
        and deposit.purpose == DepositPurpose.TOP_UP,
        continue_url=deposit.authorization_url
        if status in {DepositStatus.CREATED, DepositStatus.PENDING}
        else "",
        receipt_number=receipt.number if receipt is not None else "",
        timeline=sorted(_timeline(deposit, refunds, disputes), key=attrgetter("at")),
    )


def badge(deposit: Deposit) -> tuple[str, str]:
    """A deposit's state in lists: its name and its word. Its disputes must have been fetched with it."""
    standing = deposit_disputes.standing(deposit, list(deposit.disputes.all()))
    return (standing, deposit_disputes.label(standing)) if standing else (deposit.status, _label(deposit))


def _label(deposit: Deposit) -> str:
    return _("Closed") if deposit.is_closed_by_staff else capfirst(str(DepositStatus(deposit.status).label))


def _sentence(deposit: Deposit) -> str:
    words = {
        "amount": format_subunits(deposit.amount_subunits, deposit.charge_currency),
        "credit": format_money(deposit.credit_amount, deposit.wallet_currency),
    }
    match DepositStatus(deposit.status):
        case DepositStatus.CREATED:
            return _("The payment is being opened. Nothing has been charged yet.")
        case DepositStatus.PENDING:
            return (
                _(
                    "No payment of %(amount)s has reached us yet. If you have just paid, stay here: "
                    "%(credit)s is added to your wallet by itself."
                )
                % words
            )
        case DepositStatus.PROCESSING:
            return (
                _(
                    "Your bank is still confirming %(amount)s. You may close this page: "
                    "%(credit)s is added to your wallet by itself when the money arrives."
                )
                % words
            )
        case DepositStatus.SUCCEEDED:
            return _("%(amount)s arrived. %(credit)s was added to your wallet.") % words
        case DepositStatus.FAILED if deposit.is_closed_by_staff:
            return _(
                "We checked this payment: no money of it has reached us, so nothing was added to your wallet. "
                "If money has left your account, please write to support."
            )
        case DepositStatus.FAILED:
            return _(
                "Your bank declined the payment, so nothing was added to your wallet. "
                "Should money have left your account all the same, it is added by itself when it reaches us."
            )
        case DepositStatus.ABANDONED:
            return _(
                "The payment was not finished and no money has reached us, so nothing was added to your wallet. "
                "A transfer that is still on its way is added by itself when it arrives."
            )
        case DepositStatus.NEEDS_REVIEW:
            return _review_sentence(deposit, words)
        case DepositStatus.REVERSED if deposit.credited_at:
            return (
                _("The payment of %(amount)s was taken back after it had been added to your wallet.") % words
            )
        case DepositStatus.REVERSED:
            return _("The money went back to where it came from. Nothing was added to your wallet.")


def _review_sentence(deposit: Deposit, words: dict[str, str]) -> str:
    calm = _(
        "It is safe with us. A person decides whether it is added to your wallet or sent back, "
        "and you get an e-mail either way. There is nothing you need to do."
    )
    paid = ""
    if deposit.paid_subunits and deposit.paid_currency:
        paid = format_subunits(deposit.paid_subunits, deposit.paid_currency)
    if paid and deposit.review_reason in {
        ReviewReason.SHORT,
        ReviewReason.OVER,
        ReviewReason.WRONG_CURRENCY,
    }:
        first = _("%(paid)s arrived, but we had asked for %(amount)s.") % (words | {"paid": paid})
    else:
        first = _("Your payment arrived, but it needs a second look before it is added.")
    return f"{first} {calm}"


def _extra(deposit: Deposit) -> str:
    """Only what came above the amount is the customer's cost; the fees we bear are none of theirs."""
    above = (deposit.paid_subunits or 0) - deposit.amount_subunits
    return format_subunits(above, deposit.charge_currency) if above > 0 else ""


def _how(deposit: Deposit) -> str:
    """`by card, Visa 4081`."""
    channel = str(_CHANNELS.get(deposit.channel, ""))
    return ", ".join(part for part in (channel, deposit.card_label or deposit.payer) if part)


def _timeline(deposit: Deposit, refunds: list[Refund], disputes: list[Dispute]) -> Iterator[DepositEntry]:
    amount = format_subunits(deposit.amount_subunits, deposit.charge_currency)
    credit = format_money(deposit.credit_amount, deposit.wallet_currency)
    if deposit.purpose != DepositPurpose.BANK:
        yield DepositEntry(deposit.created_at, _started(deposit), amount)
    if deposit.paid_at:
        paid = format_subunits(
            deposit.paid_subunits or deposit.amount_subunits, deposit.paid_currency or deposit.charge_currency
        )
        how = _how(deposit)
        yield DepositEntry(
            deposit.paid_at, _("Paid %(how)s") % {"how": how} if how else pgettext("money", "Paid"), paid
        )
    if deposit.reviewed_at:
        yield DepositEntry(deposit.reviewed_at, _("Checked by a person"), "")
    if deposit.credited_at:
        yield DepositEntry(deposit.credited_at, _("Added to your wallet"), f"+{credit}")
    happenings = list(deposit_disputes.happenings(deposit, disputes))
    yield from (DepositEntry(*happening) for happening in happenings)
    is_told = any(at == deposit.closed_at for at, _what, _money in happenings)  # the bank's taking ended it
    if deposit.closed_at and not is_told and (ended := _ended(deposit)):
        yield DepositEntry(deposit.closed_at, ended, "")
    for refund in refunds:
        money = format_subunits(refund.amount_subunits, refund.charge_currency)
        yield DepositEntry(refund.created_at, _("Refund asked for"), money)
        if refund.closed_at and refund.status in _MONEY_BACK:
            yield DepositEntry(refund.closed_at, _("Refunded"), money)


def _started(deposit: Deposit) -> str:
    return _("Automatic top-up started") if deposit.purpose == DepositPurpose.AUTO else _("Payment started")


def _ended(deposit: Deposit) -> str:
    answer = deposit.gateway_response.strip(" .").casefold()
    match DepositStatus(deposit.status):
        case DepositStatus.FAILED if deposit.is_closed_by_staff:
            return _("Closed: no money has reached us")
        case DepositStatus.FAILED if answer in _SAYS_NO_MORE:
            return _("Declined by the bank")
        case DepositStatus.FAILED:
            return _("Declined: %(answer)s") % {"answer": deposit.gateway_response}
        case DepositStatus.ABANDONED:
            return _("Not finished")
        case DepositStatus.REVERSED:
            return _("Taken back")
        case _:
            return ""
