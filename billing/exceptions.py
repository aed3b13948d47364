"""What the ledger may refuse."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from namaskah.exceptions import DomainError
from namaskah.lib.money import format_money

if TYPE_CHECKING:
    from billing.models import Transfer


class InsufficientFunds(DomainError):
    """The available balance is below the amount asked for; nothing has moved.

    Args:
        available: Wallet currency, at the moment of the refusal.
        amount: Wallet currency, what was asked for.
    """

    code = "insufficient_funds"
    status = 402

    def __init__(self, *, available: Decimal, amount: Decimal, currency: str) -> None:
        super().__init__(
            _("Your wallet has %(available)s available and this costs %(amount)s.")
            % {"available": format_money(available, currency), "amount": format_money(amount, currency)}
        )
        self.available = available
        self.amount = amount


class HoldAlreadyResolved(DomainError):
    """The hold was captured or released before, in another way than now asked for. `resolution` is that transfer."""

    code = "invalid_state"
    status = 409

    def __init__(self, resolution: Transfer) -> None:
        super().__init__(_("This hold has already been settled."))
        self.resolution = resolution


class KeyReused(DomainError):
    """The idempotency key belongs to a transfer that says something else."""

    code = "idempotency_key_reused"
    status = 422

    def __init__(self, key: str) -> None:
        super().__init__(_("This request was made before with other contents."))
        self.key = key


class UnknownHold(DomainError):
    """No hold has this id."""

    code = "not_found"
    status = 404

    def __init__(self) -> None:
        super().__init__(_("There is no such hold."))


class RateTooOld(DomainError):
    """No exchange rate that is fresh enough to sell by."""

    code = "payments_paused"
    status = 503

    def __init__(self) -> None:
        super().__init__(
            _("Top-ups are paused: today's exchange rate has not arrived yet. Please try again later.")
        )
