"""How one seller's handler dialect differs from the original: the flags of a provider row, read once."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class HandlerDialect(BaseModel):
    """Flags of `ProviderAccount.dialect`; the defaults are the classic dialect. docs/providers/handler.md explains each."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # Only documents the seller: text, JSON and HTTP statuses are told apart reply by reply, since sellers mix them.
    error_mode: Literal["text", "json", "mixed"] = "text"
    method: Literal["GET", "POST"] = "GET"
    auth: Literal["query", "header_apikey", "header_x_apikey"] = "query"
    has_v2: bool = False
    list_open: bool = True
    list_page: Annotated[int, Field(ge=0, le=1000)] = 0
    has_history: bool = False
    close_actions: bool = False
    cancel_code: Literal[8, -1] = 8
    finish_code: Literal[6] = 6
    another_sms: bool = True
    max_price: str = "maxPrice"
    buy_params: dict[str, str] = Field(default_factory=dict)
    full_text: Literal["none", "call", "header"] = "none"
    prices: Literal["getPrices", "getPricesVerification"] = "getPrices"
    # Hours from UTC of times without a zone; unknown for most sellers, and an unknown time is better than a wrong one.
    utc_offset_h: Annotated[float, Field(ge=-12, le=14)] | None = None
