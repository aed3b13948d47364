"""The shapes of the handler dialect: numbers, status lines, SMS objects and list rows, each in the variants sellers send."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from typing import Any

from verifications.providers import wire
from verifications.providers.base import Candidate, OrderRef, ReceivedMessage, Snapshot, UpstreamState

ROW_STATES = {
    "2": UpstreamState.RECEIVED,
    "3": UpstreamState.WAITING_MORE,
    "4": UpstreamState.WAITING,
    "6": UpstreamState.FINISHED,
    "8": UpstreamState.CANCELLED,
    "10": UpstreamState.CANCELLED,
}
_LIST_KEYS = ("activeActivations", "data", "rows", "activations")
_ACCESS_NUMBER = re.compile(r"ACCESS_NUMBER:\s*(\d{1,20})\s*:\s*(\+?[\d ()-]{7,24})\s*")
_CODE = re.compile(r"[\w-]{2,15}")
_MAX_EMITTED = 160


def number_line(text: str) -> tuple[str, str] | None:
    """Id and E.164 phone of `ACCESS_NUMBER:<id>:<phone>`."""
    match = _ACCESS_NUMBER.fullmatch(text)
    phone = wire.e164(match[2]) if match else ""
    return (match[1], phone) if match and phone else None


def status_line(text: str, order: OrderRef, taken_at: dt.datetime, *, full_text: str = "") -> Snapshot | None:
    """What `getStatus` says; None when it is no status at all.

    `STATUS_CANCEL` stands for cancelled, expired and (classic) completed alike: the caller knows which of them it can be.
    """
    head, _, rest = text.partition(":")
    match head.strip():
        case "STATUS_OK" if rest.strip():
            return Snapshot(UpstreamState.RECEIVED, taken_at, (message(rest, full_text, order.sms_round),))
        case "STATUS_WAIT_RETRY":
            # The code it carries is the previous one, already delivered.
            return Snapshot(UpstreamState.WAITING_MORE, taken_at)
        case "STATUS_CANCEL" | "ACCESS_CANCEL":
            return Snapshot(UpstreamState.CANCELLED, taken_at)
        case other if other.startswith("STATUS_"):
            return Snapshot(UpstreamState.WAITING, taken_at)
    return None


def message(
    token: object, full_text: object, sms_round: int, *, sender: str = "", sent_at: dt.datetime | None = None
) -> ReceivedMessage:
    """One SMS from what a seller puts in the place of the code (the code, or a text without one) and perhaps the text."""
    found, text = wire.text_of(token), wire.text_of(full_text)
    code = found if _CODE.fullmatch(found) else ""
    return ReceivedMessage(
        dedupe_key=wire.digest(sms_round, code or _emitted(found or text)),
        text=text or found,
        code=code,
        sender=sender,
        sent_at=sent_at,
    )


def _emitted(text: str) -> str:
    """A text as `getStatus` writes it, so that the list, which has it whole, gives the same key."""
    return " ".join(" ".join(text.replace(":", " ").splitlines())[:_MAX_EMITTED].split())


def sms_objects(document: Any, order: OrderRef, *, utc_offset_h: float | None) -> tuple[ReceivedMessage, ...]:
    """The messages of `getStatusV2`: under `sms`, `data` or `call`, as an object or a list of them."""
    root = wire.mapping(document)
    for name in ("sms", "data", "call"):
        value = root.get(name)
        rows = [wire.mapping(row) for row in (value if isinstance(value, list) else [value])]
        found = [row for row in rows if wire.text_of(row.get("code")) or wire.text_of(row.get("text"))]
        if found:
            return tuple(
                message(
                    row.get("code"),
                    row.get("text"),
                    _round_of(index, len(found), order.sms_round),
                    sender=wire.text_of(row.get("phoneFrom") or row.get("from")),
                    sent_at=wire.moment(row.get("dateTime") or row.get("date"), utc_offset_h=utc_offset_h),
                )
                for index, row in enumerate(found)
            )
    return ()


def _round_of(index: int, count: int, sms_round: int) -> int:
    """The round an element of a growing list belongs to: the newest to the current one, the first to the first."""
    return sms_round if index == count - 1 else min(index, sms_round)


def open_rows(document: Any) -> list[Mapping[str, Any]] | None:
    """The rows of the list of open orders, under whichever key; None when the document has no list."""
    found = document
    for _ in range(3):
        if isinstance(found, list):
            return [row for row in found if isinstance(row, dict)]
        if not isinstance(found, dict):
            return None
        key = next((name for name in _LIST_KEYS if name in found), None)
        if key is None:
            # PHP writes a list with gaps as an object with numbers for keys.
            is_list = bool(found) and all(
                name.isdigit() and isinstance(row, dict) for name, row in found.items()
            )
            return list(found.values()) if is_list else None
        found = found[key]
    return None


def row_id(row: Mapping[str, Any]) -> str:
    """The order id of a list or history row."""
    return wire.text_of(row.get("activationId")) or wire.text_of(row.get("id"))


def row_snapshot(row: Mapping[str, Any], sms_round: int, taken_at: dt.datetime) -> Snapshot:
    """A row of the list as a snapshot; a status we do not know is still waiting."""
    state = ROW_STATES.get(wire.text_of(row.get("activationStatus")), UpstreamState.WAITING)
    messages = () if state == UpstreamState.WAITING_MORE else tuple(_row_messages(row, sms_round))
    if state == UpstreamState.RECEIVED and not messages:
        state = UpstreamState.WAITING
    elif state == UpstreamState.WAITING and messages:
        # After another SMS was asked for, a code beside "waiting" can only be the previous one.
        state, messages = (
            (UpstreamState.RECEIVED, messages) if sms_round == 0 else (UpstreamState.WAITING_MORE, ())
        )
    return Snapshot(state, taken_at, messages, wire.moment(row.get("activationEndTime")))


def _row_messages(row: Mapping[str, Any], sms_round: int) -> Iterator[ReceivedMessage]:
    """`smsCode` is a string, null, or (since 2025) an array that grows; `smsText` belongs to the newest."""
    codes, text = row.get("smsCode"), row.get("smsText")
    if isinstance(text, list):
        texts = [wire.text_of(item) for item in text]
    else:
        texts = [wire.text_of(text)]
    if not isinstance(codes, list):
        codes = [codes]
    for index, code in enumerate(codes):
        is_newest = index == len(codes) - 1
        own_text = texts[index] if len(texts) == len(codes) else texts[-1] if is_newest and texts else ""
        if wire.text_of(code) or own_text:
            yield message(code, own_text, _round_of(index, len(codes), sms_round))


def candidate(
    row: Mapping[str, Any], taken_at: dt.datetime, *, utc_offset_h: float | None
) -> Candidate | None:
    """A row of the list of open orders or of the history as a possible lost purchase."""
    order_id, phone = row_id(row), wire.e164(row.get("phoneNumber") or row.get("phone"))
    if not order_id or not phone:
        return None
    status = wire.text_of(row.get("activationStatus")) or wire.text_of(row.get("status"))
    return Candidate(
        provider_order_id=order_id,
        phone_number=phone,
        service_code=wire.text_of(row.get("serviceCode") or row.get("service")),
        country_code=wire.text_of(row.get("countryCode", row.get("country"))),
        state=ROW_STATES.get(status, UpstreamState.WAITING),
        cost=wire.decimal(row.get("activationCost", row.get("cost"))),
        operator=wire.text_of(row.get("activationOperator") or row.get("operator")),
        created_at=wire.moment(row.get("activationTime") or row.get("date"), utc_offset_h=utc_offset_h),
        expires_at=wire.moment(row.get("activationEndTime")),
    )
