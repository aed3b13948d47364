"""Why an order, a cancel or a request was refused, in words for the customer."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from namaskah.exceptions import DomainError
from namaskah.lib.money import format_money


class NoNumbers(DomainError):
    """Nothing in stock anywhere at this price."""

    code = "no_numbers"
    status = 409

    def __init__(self) -> None:
        super().__init__(_("No number is free for this service and country right now. Nothing was charged."))


class PriceUnknown(DomainError):
    """Every price we know is too old to promise."""

    code = "price_unknown"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            _("The current price is not known. It is being refreshed; try again in a few minutes.")
        )


class PriceChanged(DomainError):
    """The price has risen above the one shown. `price` is the new one."""

    code = "price_changed"
    status = 409

    def __init__(self, price: Decimal, currency: str) -> None:
        super().__init__(
            _("The price has risen to %(price)s. Nothing was ordered; order again if that is fine.")
            % {"price": format_money(price, currency)}
        )
        self.price = price


class BadQuote(DomainError):
    """The quote sent back is not one we signed, or is for something else."""

    code = "validation_error"

    def __init__(self) -> None:
        super().__init__(_("This price is not one we offered. Reload the page and order again."))


class ProviderUnavailable(DomainError):
    """No provider for this can be reached now."""

    code = "provider_unavailable"
    status = 503

    def __init__(self) -> None:
        super().__init__(_("The networks for this country cannot be reached right now. Nothing was charged."))


class TooManyOpenOrders(DomainError):
    """The customer's cap on open orders is reached."""

    code = "order_limit"
    status = 409

    def __init__(self, limit: int) -> None:
        super().__init__(
            ngettext(
                "You already have %(limit)d order waiting for its code, the most allowed. Cancel it or wait for the code.",
                "You already have %(limit)d orders waiting for their code, the most allowed. Cancel one or wait for a code.",
                limit,
            )
            % {"limit": limit}
        )


class FormAlreadyUsed(DomainError):
    """The form's key belongs to an earlier order of something else."""

    code = "form_already_used"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            _(
                "This form has ordered something else before, so nothing was ordered now. Press the button again to order this."
            )
        )


class InvalidState(DomainError):
    """The order is not in a state that allows this."""

    code = "invalid_state"
    status = 409

    def __init__(self, message: object | None = None) -> None:
        super().__init__(
            str(message) if message else _("This order has moved on; the page shows its state now.")
        )
