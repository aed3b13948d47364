"""What every SMS provider looks like from inside: plain values in and out, one error family.

An adapter speaks one wire protocol and never touches a model. A provider row becomes a `ProviderAccount` in the service
before the call. Adapters never retry: whether trying again can help is the caller's decision.
"""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class ProviderAccount:
    """One account at one provider: everything an adapter needs to know of the provider row."""

    slug: str
    base_url: str
    credential: str = field(repr=False)
    currency: str = "USD"
    dialect: Mapping[str, Any] = field(default_factory=dict)
    connect_timeout_s: float = 3.0
    read_timeout_s: float = 10.0
    lifetime_s: int = 1200
    cancel_lock_s: int = 120


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a protocol can do; services ask for the capability, never for the provider's name."""

    list_open: bool = False
    operator: bool = False
    max_price: bool = False
    another_sms: bool = False
    cancel: bool = False
    finish: bool = False
    report_bad: bool = False
    history: bool = False
    webhook: bool = False
    area_code: bool = False
    rental: bool = False
    voice: bool = False


class UpstreamState(StrEnum):
    """A provider's order, normalised. Anything unknown reads as `WAITING`: a literal we do not know never ends an order."""

    WAITING = "waiting"
    RECEIVED = "received"
    WAITING_MORE = "waiting_more"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def is_terminal(self) -> bool:
        return self in {UpstreamState.FINISHED, UpstreamState.CANCELLED, UpstreamState.EXPIRED}


@dataclass(frozen=True, slots=True)
class Balance:
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class ProviderCode:
    """A service or country as the provider names it. `iso2` only where the provider tells it."""

    code: str
    name: str
    iso2: str = ""


@dataclass(frozen=True, slots=True)
class OfferRow:
    """One line of a provider's price list, in its own codes and currency. `operator` is empty when it does not matter."""

    service_code: str
    country_code: str
    operator: str
    cost: Decimal
    stock: int
    success_rate: Decimal | None = None


@dataclass(frozen=True, slots=True)
class BuyRequest:
    """Everything a purchase needs. `max_cost` is in the provider's currency and is always sent where the protocol can."""

    service_code: str
    country_code: str
    operator: str
    max_cost: Decimal
    attempt_id: str


@dataclass(frozen=True, slots=True)
class Bought:
    """A number that is ours. Times are aware UTC; `cost` is None when the reply does not say what was charged."""

    provider_order_id: str
    phone_number: str  # E.164 with the plus sign
    cost: Decimal | None
    expires_at: dt.datetime
    cancel_not_before: dt.datetime
    can_resend: bool
    operator: str = ""


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """One SMS as a provider reports it.

    `dedupe_key` is the same for the same SMS whichever call reported it (list, single, webhook), at most 64 characters.
    """

    dedupe_key: str
    text: str
    code: str = ""
    sender: str = ""
    sent_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class OrderRef:
    """One of our orders at the provider. `sms_round` counts how often another SMS was asked for."""

    provider_order_id: str
    sms_round: int = 0
    phone_number: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the provider says of one order at `taken_at` (the moment the request was sent, aware UTC)."""

    state: UpstreamState
    taken_at: dt.datetime
    messages: tuple[ReceivedMessage, ...] = ()
    expires_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """An open or recent order in the provider's books that may be a purchase whose answer we lost."""

    provider_order_id: str
    phone_number: str
    service_code: str
    country_code: str
    state: UpstreamState
    cost: Decimal | None = None
    operator: str = ""
    created_at: dt.datetime | None = None
    expires_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Closed:
    """The provider's answer to cancel, finish or report: the state it left and whether our money came back."""

    state: UpstreamState
    refunded: bool | None = None


class SmsProvider(ABC):
    """One wire protocol. Any method may raise a `ProviderError`; none retries."""

    def __init__(self, account: ProviderAccount) -> None:
        self.account = account

    @property
    @abstractmethod
    def capabilities(self) -> Capabilities: ...

    @abstractmethod
    def balance(self) -> Balance: ...

    @abstractmethod
    def services(self) -> list[ProviderCode]: ...

    @abstractmethod
    def countries(self) -> list[ProviderCode]: ...

    @abstractmethod
    def offers(self, country_code: str) -> Iterable[OfferRow]:
        """The price list of one country; one call to the provider."""

    @abstractmethod
    def buy(self, request: BuyRequest) -> Bought:
        """Buy one number. `Ambiguous` means it may have been bought."""

    @abstractmethod
    def fetch(self, order: OrderRef) -> Snapshot: ...

    @abstractmethod
    def fetch_open(self, rounds: Mapping[str, int]) -> dict[str, Snapshot]:
        """Every open order of the account by provider order id; `NotSupported` without a list call.

        Args:
            rounds: `sms_round` of our own orders by provider order id; 0 for those not in it.
        """

    @abstractmethod
    def find_lost(self, since: dt.datetime) -> list[Candidate]:
        """Open and recent orders from the provider's books, to settle purchases whose answer was lost."""

    @abstractmethod
    def request_another(self, order: OrderRef) -> None: ...

    @abstractmethod
    def finish(self, order: OrderRef) -> Closed: ...

    @abstractmethod
    def cancel(self, order: OrderRef) -> Closed: ...

    @abstractmethod
    def report_bad(self, order: OrderRef) -> Closed: ...
