"""What Paystack keeps, in subunits. Nigeria and its neighbours as their price lists said in 2026."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tariff:
    """A share in hundredths of a per cent, a flat sum from a threshold on, and a cap."""

    share: int
    flat: int = 0
    flat_from: int = 0
    cap: int | None = None

    def of(self, amount: int) -> int:
        """Fees of a payment of `amount`, rounded up."""
        fees = -(-amount * self.share // 10_000) + (self.flat if amount >= self.flat_from else 0)
        return fees if self.cap is None else min(fees, self.cap)

    def on_top(self, price: int) -> int:
        """What the customer pays in fees so that `price` remains for the merchant."""
        flat = self.flat
        charge = _grossed(price, self.share)
        if charge >= self.flat_from:
            charge = _grossed(price + flat, self.share)
        fees = charge - price
        return fees if self.cap is None else min(fees, self.cap)


def _grossed(net: int, share: int) -> int:
    return -(-net * 10_000 // (10_000 - share))


NIGERIA_CARD = Tariff(150, flat=10_000, flat_from=250_000, cap=200_000)
NIGERIA_ACCOUNT = Tariff(100, cap=30_000)
_TARIFFS = {
    "NGN": NIGERIA_CARD,
    "GHS": Tariff(195),
    "KES": Tariff(290),
    "ZAR": Tariff(290, flat=100),
    "USD": Tariff(390),
    "XOF": Tariff(320),
    "EGP": Tariff(270, flat=250),
    "RWF": Tariff(290),
}


def tariff(currency: str, channel: str) -> Tariff:
    """The tariff of a payment."""
    if currency == "NGN" and channel == "dedicated_nuban":
        return NIGERIA_ACCOUNT
    return _TARIFFS[currency]
