"""Speaks to a sandbox the way its three kinds of buyers do."""

from typing import Any

from httpx2 import Response
from starlette.testclient import TestClient

from sandbox.app import create_app

KEY = "sandbox-test"
HANDLER_PATH = "/stubs/handler_api.php"
HERO_PATH = "/hero/stubs/handler_api.php"


class SandboxClient:
    """One sandbox inside the test process."""

    def __init__(self) -> None:
        self.http = TestClient(create_app(), client=("127.0.0.1", 50_000), follow_redirects=False)

    def handler(self, action: str, **params: Any) -> Response:
        return self.http.get(HANDLER_PATH, params={"api_key": KEY, "action": action, **params})

    def hero(self, action: str, **params: Any) -> Response:
        return self.http.get(HERO_PATH, params={"api_key": KEY, "action": action, **params})

    def fivesim(self, path: str, **params: Any) -> Response:
        return self.http.get(f"/v1/{path}", params=params, headers={"Authorization": f"Bearer {KEY}"})

    def control(self, path: str, **payload: Any) -> Response:
        return self.http.post(f"/_sandbox/{path}", json=payload)

    def advance(self, seconds: float) -> None:
        assert self.control("clock", advance_s=seconds).status_code == 200

    def fail(self, *faults: str, **payload: Any) -> None:
        reply = self.control("config", fault_rate=1, faults=list(faults), **payload)
        assert reply.status_code == 200

    def state(self, vendor: str, **query: str) -> dict[str, Any]:
        reply = self.http.get("/_sandbox/state", params={"vendor": vendor, **query})
        found: dict[str, Any] = reply.json()["vendors"][vendor]
        return found

    def order(self, vendor: str) -> dict[str, Any]:
        """The only order of a vendor as the sandbox's books have it."""
        (order,) = self.state(vendor)["orders"]
        found: dict[str, Any] = order
        return found

    def buy_handler(self, service: str = "wa", country: str = "6", **params: Any) -> str:
        literal, order_id, _ = self.handler(
            "getNumber", service=service, country=country, **params
        ).text.split(":")
        assert literal == "ACCESS_NUMBER"
        return order_id

    def buy_hero(self, service: str = "wa", country: str = "6", **params: Any) -> str:
        literal, order_id, _ = self.hero("getNumber", service=service, country=country, **params).text.split(
            ":"
        )
        assert literal == "ACCESS_NUMBER"
        return order_id

    def buy_fivesim(self, product: str = "telegram", country: str = "england", **params: Any) -> str:
        return str(self.fivesim(f"user/buy/activation/{country}/any/{product}", **params).json()["id"])
