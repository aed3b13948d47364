"""The sellers, Paystack, the source of exchange rates and the gateway for SMS on one clock."""

import random

from sandbox.catalogue import fivesim_catalogue, handler_catalogue
from sandbox.clock import Clock
from sandbox.config import VendorConfig
from sandbox.paystack.integration import Integration
from sandbox.rates import Rates
from sandbox.sms_gateway import Gateway
from sandbox.vendor import Vendor

HANDLER = VendorConfig(cancel_lock_s=120.0, lifetime_s=1200.0)
FIVESIM = VendorConfig(cancel_lock_s=60.0, lifetime_s=900.0)
PAYSTACK, RATES, SMS = "paystack", "rates", "sms"
_BLOCK = 600_000_000


class World:
    """All state of one sandbox process."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.rng = random.Random()
        self.vendors: dict[str, Vendor] = {
            "handler": self._vendor(0, "handler", HANDLER),
            "hero": self._vendor(1, "hero", HANDLER),
            "fivesim": self._vendor(2, "fivesim", FIVESIM),
        }
        self.paystack = Integration(self.clock, self.rng)
        self.rates = Rates(self.clock, self.rng)
        self.sms = Gateway(self.clock, self.rng)

    def _vendor(self, place: int, name: str, config: VendorConfig) -> Vendor:
        # Each vendor has its own block of 31-bit ids, entered at a random point: a restarted sandbox must
        # not sell an id that the product's database remembers from the last run.
        first_id = 100_000_000 + place * _BLOCK + self.rng.randrange(_BLOCK - 50_000_000)
        if name == "fivesim":
            catalogue = fivesim_catalogue(name)
        else:
            catalogue = handler_catalogue(name, hero=name == "hero")
        return Vendor(
            name,
            catalogue=catalogue,
            config=config,
            clock=self.clock,
            rng=self.rng,
            first_id=first_id,
            first_big_id=first_id + (1 << 33),
            asks_for_another=name != "fivesim",
        )

    def reset(self, name: str | None = None) -> None:
        """Empty one of them, or all and the clock."""
        parts: dict[str, Vendor | Integration | Rates | Gateway]
        parts = {**self.vendors, PAYSTACK: self.paystack, RATES: self.rates, SMS: self.sms}
        if name is None:
            self.clock.reset()
        for part in parts.values() if name is None else [parts[name]]:
            part.reset()
