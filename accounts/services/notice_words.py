"""What stands under the bell: one short sentence for each notice, made of its context when it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

# By template; where a fact has several ends, by template and end. None of it may name a link or a code: it is shown again
# and again. What is not here is never under the bell.
WORDS: dict[str, StrPromise] = {
    "deposit_succeeded": _("Your payment of %(amount)s arrived: %(credit)s is in your wallet."),
    "deposit_failed": _("Your top-up of %(amount)s was not paid."),
    "deposit_review": _("A person looks at your payment of %(amount)s before it is credited."),
    "deposit_closed": _("Your payment of %(amount)s was checked: no money of it has reached us."),
    "payment_needs_you": _("Your bank wants you to confirm %(amount)s for automatic top-up."),
    "refund_requested": _("You asked for %(amount)s back; %(credit)s is held for it."),
    "refund_needs_details": _("Your refund of %(amount)s needs a bank account."),
    "refund_processed": _("%(amount)s is on its way back to you."),
    "refund_failed": _("Your refund of %(amount)s was not made; %(credit)s is available again."),
    "dispute_opened": _("Your bank disputes a payment of %(amount)s."),
    "dispute_closed.won": _("Your bank has decided: the payment of %(amount)s stands."),
    "dispute_closed.lost": _("Your bank has decided: the payment of %(amount)s goes back to it."),
    "wallet_low": _("Your wallet is down to %(balance)s."),
    "card_removed": _("%(card)s is no longer kept in your wallet."),
    "auto_top_up_succeeded": _("Automatic top-up charged %(amount)s and added %(credit)s."),
    "auto_top_up_failed": _("Automatic top-up of %(amount)s was declined."),
    "auto_top_up_stopped": _("Automatic top-up is off: %(reason)s."),
    "code_received": _("Your SMS for %(service)s has arrived."),
    "order_ended.expired": _("No SMS came for %(service)s in time; %(amount)s is back in your wallet."),
    "order_ended.failed": _("No number could be had for %(service)s; %(amount)s is back in your wallet."),
    "order_ended.cancelled": _(
        "The seller withdrew your number for %(service)s; %(amount)s is back in your wallet."
    ),
    "password_changed": _("Your password was changed."),
    "email_change_old": _("A change of your e-mail address was asked for."),
    "email_changed": _("Your e-mail address was changed."),
    "sign_in_locked": _("Signing in was locked until %(until)s after wrong passwords."),
    "new_device": _("Somebody signed in from a new device: %(browser)s, %(place)s."),
    "factor_added": _("A second factor was added: %(factor)s."),
    "factor_removed": _("A second factor was removed: %(factor)s."),
    "factors_reset": _("Our staff took all your second factors away, as they were asked to."),
    "recovery_code_used": _("A recovery code was used to sign in; %(left)s are left."),
    "passkey_copied": _("Your passkey “%(name)s” was refused: it looks like a copy."),
    "account_suspended": _("Your account was suspended: %(reason)s"),
    "account_restored": _("Your account is open again."),
    "export_ready": _("The copy of your data is ready."),
    "erasure_planned": _("Your account is to be erased on %(on)s."),
    "erasure_waiting": _("Your account is not erased yet: %(obstacle)s"),
    "erasure_cancelled": _("Your account stays: the erasure was taken back."),
}


def has_words(template: str) -> bool:
    """Whether it can stand under the bell."""
    return template in WORDS or any(name.startswith(f"{template}.") for name in WORDS)


def words(template: str, context: Mapping[str, str]) -> str:
    """The sentence, as text. Whatever the context lacks is left out rather than making the page fail."""
    name = template if template in WORDS else f"{template}.{context.get('outcome', '')}"
    sentence = WORDS.get(name)
    values = _Lenient(context)
    values["card"] = context.get("card") or gettext("Your card")  # Paystack does not always tell its name
    return str(sentence) % values if sentence is not None else ""


class _Lenient(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "–"
