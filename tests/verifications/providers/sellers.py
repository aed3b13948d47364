"""The sandbox's sellers with the adapter and the flags that fit each, for the contract every adapter keeps."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from verifications.providers import PROVIDERS
from verifications.providers.base import BuyRequest, ProviderAccount, SmsProvider

_NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Kind:
    """One seller of the sandbox and how a provider row would describe it."""

    vendor: str
    adapter: str
    path: str
    service: str
    country: str
    cancel_lock_s: int = 120
    lifetime_s: int = 1200
    dialect: Mapping[str, Any] = field(default_factory=dict)


_HANDLER = "/stubs/handler_api.php"
_HERO_FLAGS = {"error_mode": "mixed", "has_v2": True, "close_actions": True, "auth": "header_apikey"}
KINDS = {
    "classic": Kind("handler", "handler", _HANDLER, "wa", "16"),
    "classic_v2": Kind(
        "handler",
        "handler",
        _HANDLER,
        "wa",
        "16",
        dialect={"has_v2": True, "cancel_code": -1, "method": "POST"},
    ),
    "classic_paged": Kind(
        "handler",
        "handler",
        _HANDLER,
        "wa",
        "16",
        dialect={"list_page": 2, "full_text": "call", "has_history": True},
    ),
    "hero": Kind("hero", "handler", "/hero" + _HANDLER, "wa", "16", dialect=_HERO_FLAGS),
    "fivesim": Kind("fivesim", "fivesim", "/v1", "whatsapp", "england", 60, 900, {"list_page": 2}),
}


@dataclass
class Seller:
    """A seller as its buyer sees it (`provider`) and as the test steers it."""

    kind: Kind
    base_url: str
    provider: SmsProvider

    def with_account(self, **changes: Any) -> SmsProvider:
        """The same seller met with another key or other time-outs."""
        return PROVIDERS[self.kind.adapter](replace(self.provider.account, **changes))

    def wanted(self, max_cost: str = "100", **changes: Any) -> BuyRequest:
        request = BuyRequest(self.kind.service, self.kind.country, "", Decimal(max_cost), "attempt-1")
        return replace(request, **changes)

    def control(self, path: str, **payload: Any) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - our own sandbox
            f"{self.base_url}/_sandbox/{path}", json.dumps(payload).encode(), method="POST"
        )
        with _NO_PROXY.open(request, timeout=5) as reply:
            answer: dict[str, Any] = json.load(reply)
        return answer

    def configure(self, **settings: Any) -> None:
        self.control("config", vendor=self.kind.vendor, **settings)

    def strike(self, fault: str, kind: str) -> None:
        """Let every call of a kind fail in one way."""
        self.configure(fault_rate=1, faults=[fault], fault_actions=[kind])

    def heal(self) -> None:
        self.configure(fault_rate=0, faults=[])

    def advance(self, seconds: float) -> None:
        self.control("clock", advance_s=seconds)

    def deliver(self, order_id: str, text: str, **fields: str) -> None:
        self.control(
            f"orders/{order_id}/deliver", vendor=self.kind.vendor, text=text, sender="Sender", **fields
        )

    @property
    def sold(self) -> list[dict[str, Any]]:
        """The orders in the sandbox's books."""
        url = f"{self.base_url}/_sandbox/state?vendor={self.kind.vendor}"
        with _NO_PROXY.open(url, timeout=5) as reply:
            orders: list[dict[str, Any]] = json.load(reply)["vendors"][self.kind.vendor]["orders"]
        return orders


def make_seller(name: str, base_url: str) -> Seller:
    """A seller with empty books on which nothing arrives by itself."""
    kind = KINDS[name]
    account = ProviderAccount(
        slug=name,
        base_url=base_url + kind.path,
        credential="sandbox-contract",
        dialect=kind.dialect,
        connect_timeout_s=2,
        read_timeout_s=5,
        lifetime_s=kind.lifetime_s,
        cancel_lock_s=kind.cancel_lock_s,
    )
    seller = Seller(kind, base_url, PROVIDERS[kind.adapter](account))
    seller.control("reset")
    seller.configure(delivery_rate=0)
    return seller
