"""5SIM's order object and its catalogue maps, as strict as they need to be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from verifications.providers import wire
from verifications.providers.base import (
    Candidate,
    OfferRow,
    ProviderCode,
    ReceivedMessage,
    Snapshot,
    UpstreamState,
)

STATES = {
    "PENDING": UpstreamState.WAITING,
    "RECEIVED": UpstreamState.WAITING,  # the number was received, not an SMS: see Order.state
    "CANCELED": UpstreamState.CANCELLED,
    "CANCELLED": UpstreamState.CANCELLED,
    "BANNED": UpstreamState.CANCELLED,
    "TIMEOUT": UpstreamState.EXPIRED,
    "FINISHED": UpstreamState.FINISHED,
}

Text = Annotated[str, BeforeValidator(wire.text_of)]
Moment = Annotated[dt.datetime | None, BeforeValidator(wire.moment)]


class Sms(BaseModel):
    """One SMS of an order; 5SIM leaves out `id` in places."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: Text = ""
    created_at: Text = ""
    date: Moment = None
    sender: Text = ""
    text: Text = ""
    code: Text = ""

    def as_message(self) -> ReceivedMessage:
        key = f"id:{self.id}" if self.id else wire.digest(self.created_at, self.sender, self.text)
        return ReceivedMessage(
            dedupe_key=key[:64],
            text=self.text or self.code,
            code=self.code,
            sender=self.sender,
            sent_at=self.date or wire.moment(self.created_at),
        )


class Order(BaseModel):
    """An order as every user call returns it. Only id and status must be there."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: Annotated[str, BeforeValidator(wire.text_of), Field(min_length=1, max_length=64)]
    status: Annotated[str, BeforeValidator(wire.text_of), Field(min_length=1)]
    phone: Annotated[str, BeforeValidator(wire.e164)] = ""
    operator: Text = ""
    product: Text = ""
    country: Text = ""
    price: Annotated[Decimal | None, BeforeValidator(wire.decimal)] = None
    expires: Moment = None
    created_at: Moment = None
    sms: list[Sms] | None = None

    @property
    def state(self) -> UpstreamState:
        """`RECEIVED` means that a number was issued; whether a code came is told by `sms` alone."""
        state = STATES.get(self.status.upper(), UpstreamState.WAITING)
        return UpstreamState.RECEIVED if state == UpstreamState.WAITING and self.sms else state

    def snapshot(self, taken_at: dt.datetime) -> Snapshot:
        messages = tuple(sms.as_message() for sms in self.sms or ())
        return Snapshot(self.state, taken_at, messages, self.expires)

    def candidate(self) -> Candidate:
        return Candidate(
            provider_order_id=self.id,
            phone_number=self.phone,
            service_code=self.product,
            country_code=self.country,
            state=self.state,
            cost=self.price,
            operator=self.operator,
            created_at=self.created_at,
            expires_at=self.expires,
        )


class Page(BaseModel):
    """One page of `/user/orders`; rows are validated one by one, so that a strange one does not hide the others."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    Data: list[Any] | None
    Total: int = 0


def offers(document: Any, country_code: str) -> Iterator[OfferRow]:
    """Rows of `/guest/prices?country=`: country → product → operator → offer; `null` when nothing is sold there."""
    for product, operators in wire.mapping(wire.mapping(document).get(country_code)).items():
        for operator, entry in wire.mapping(operators).items():
            offer = wire.mapping(entry)
            cost = wire.decimal(offer.get("cost"))
            if cost is None or cost <= 0:
                continue
            yield OfferRow(
                service_code=product,
                country_code=country_code,
                operator="" if operator == "any" else operator,
                cost=cost,
                stock=wire.whole(offer.get("count")),
                success_rate=wire.decimal(offer.get("rate")),
            )


def products(document: Any) -> list[ProviderCode]:
    """Names of `/guest/products/any/any`; the product is its own name. Hosting (rental) products are left out."""
    return [
        ProviderCode(code=name, name=name)
        for name, entry in wire.mapping(document).items()
        if wire.text_of(wire.mapping(entry).get("Category")) != "hosting"
    ]


def countries(document: Any) -> list[ProviderCode]:
    """`/guest/countries`, with the ISO code each carries."""
    rows = []
    for code, entry in wire.mapping(document).items():
        fields = wire.mapping(entry)
        iso2 = next(iter(wire.mapping(fields.get("iso"))), "").upper()
        rows.append(ProviderCode(code=code, name=wire.text_of(fields.get("text_en")) or code, iso2=iso2))
    return rows
