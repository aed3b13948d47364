"""The scenario services: vendor products whose name says how an order of them goes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scenario:
    """How a sale of one service differs from "sold at once, one code after a few seconds"."""

    first_sms_s: float | None = None
    """Seconds to the first SMS; None leaves it to the configuration."""
    silent: bool = False
    """No SMS comes by itself."""
    second_sms: bool = False
    """A second SMS follows, also where the protocol cannot ask for one."""
    worn_out: bool = False
    """The same number is sold again and again."""
    sold_out: bool = False
    """Listed with stock, refused at the buy."""
    price_jump: bool = False
    """Costs more at the buy than listed."""
    hangs: bool = False
    """Sells, then keeps the buyer waiting longer than any client does."""
    fails: bool = False
    """Answers 500 to the buy and sells nothing."""
    after_expiry: bool = False
    """The SMS comes only when the order has expired."""


ORDINARY = Scenario()

SCENARIOS: dict[str, Scenario] = {
    "arrives_3s": Scenario(first_sms_s=3.0),
    "arrives_90s": Scenario(first_sms_s=90.0),
    "two_codes": Scenario(second_sms=True),
    "never_arrives": Scenario(silent=True),
    "already_used": Scenario(silent=True, worn_out=True),
    "sold_out": Scenario(sold_out=True),
    "price_jump": Scenario(price_jump=True),
    "buys_then_times_out": Scenario(hangs=True),
    "provider_500": Scenario(fails=True),
    "late_after_expiry": Scenario(silent=True, after_expiry=True),
}

SECOND_SMS_S = 5.0
"""After the first SMS (5SIM), or after another one was asked for (handler dialect)."""
LATE_SMS_S = 5.0
"""After expiry."""
AFTER_CANCEL_SMS_S = 1.0
"""After an accepted cancel, with the fault `sms_after_cancel`."""
PRICE_JUMP = "1.5"
"""Factor between the listed and the charged price of `price_jump`."""


def scenario_of(service: str) -> Scenario:
    """The scenario a vendor's service code stands for; ordinary services have the ordinary one."""
    return SCENARIOS.get(service, ORDINARY)


def title_of(service: str) -> str:
    """`arrives_3s` → `Arrives 3s`, for lists that carry names."""
    return service.replace("_", " ").capitalize()
