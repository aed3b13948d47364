"""Orders as the handler dialect writes them; made by hand, because there are ten thousand at a time."""

from collections.abc import Callable, Iterable
from itertools import islice

from sandbox.books import Books
from sandbox.catalogue import Catalogue
from sandbox.clock import zoneless
from sandbox.orders import (
    BANNED,
    CANCELLED,
    EXPIRED,
    FINISHED,
    RECEIVED,
    RETRY,
    WAITING,
    Message,
    Order,
    money,
)
from sandbox.params import Params, whole_number
from sandbox.replies import quoted

ACTIVATION_STATUS = {
    WAITING: "4",
    RECEIVED: "2",
    RETRY: "3",
    FINISHED: "6",
    CANCELLED: "8",
    BANNED: "8",
    EXPIRED: "10",
}
MAX_EMITTED = 160
MAX_ROWS = 100


def emitted_code(message: Message) -> str:
    """What follows `STATUS_OK:`: the code, or the text without what would break a line protocol."""
    text = message.text if message.code is None else message.code
    return " ".join(text.replace(":", " ").splitlines())[:MAX_EMITTED]


def sms_code(order: Order, *, duplicate: bool) -> str:
    """`smsCode` of a list row: null, a string, or an array once there are several (or the fault says so)."""
    codes = [quoted(message.code) for message in order.messages]
    if duplicate and codes:
        codes.append(codes[-1])
    if not codes:
        return "null"
    return codes[0] if len(codes) == 1 else f"[{','.join(codes)}]"


def sms_text(order: Order) -> str:
    """`smsText` of a list row: the latest text."""
    return quoted(order.messages[-1].text) if order.messages else "null"


def classic_row(order: Order, catalogue: Catalogue, *, duplicate: bool = False) -> bytes:
    """A row of `getActiveActivations`; every scalar is a string."""
    status = "4" if order.status == WAITING else "2" if order.status == RECEIVED else "3"
    return (
        f'{{"activationId":"{order.id}","serviceCode":"{order.service}","phoneNumber":"{order.phone}",'
        f'"activationCost":"{money(order.price)}","activationStatus":"{status}",'
        f'"smsCode":{sms_code(order, duplicate=duplicate)},"smsText":{sms_text(order)},'
        f'"activationTime":"{zoneless(order.created_at)}","discount":"0","repeated":"0",'
        f'"countryCode":"{order.country}","countryName":{quoted(catalogue.countries[order.country].name)},'
        f'"canGetAnotherSms":"1","currency":"840"}}'
    ).encode()


def history_row(order: Order, date: str) -> str:
    """A row of `getHistory`."""
    return (
        f'{{"id":"{order.id}","date":"{date}","phone":"{order.phone}","sms":{sms_text(order)},'
        f'"cost":"{money(order.price)}","status":"{ACTIVATION_STATUS[order.status]}","currency":"840"}}'
    )


def active_rows(books: Books, params: Params, row: Callable[[Order], bytes], *, cached: bool) -> bytes:
    """The open orders asked for, joined; all of them unless the request pages through.

    Args:
        cached: Whether rows may be taken from, and kept on, the orders: not when a fault colours them.
    """
    chosen: Iterable[Order] = books.open.values()
    size = params.get("limit") or params.get("length")
    if size or params.get("start"):
        start = whole_number(params.get("start"), 0)
        chosen = islice(chosen, start, start + min(whole_number(size, MAX_ROWS), MAX_ROWS))
    if not cached:
        return b",".join(row(order) for order in chosen)
    return b",".join(order.row or _keep(order, row(order)) for order in chosen)


def _keep(order: Order, row: bytes) -> bytes:
    order.row = row
    return row


def history_rows(books: Books, params: Params, date: Callable[[float], str]) -> bytes:
    """The orders of a period, newest first."""
    start, end = whole_number(params.get("start"), 0), whole_number(params.get("end"), 1 << 62)
    offset = whole_number(params.get("offset"), 0)
    size = min(whole_number(params.get("size") or params.get("limit"), MAX_ROWS), MAX_ROWS)

    def of_period() -> Iterable[Order]:
        for order in reversed(books.orders.values()):
            if order.created_at < start:
                return
            if order.created_at < end + 1:
                yield order

    rows = (
        history_row(order, date(order.created_at)) for order in islice(of_period(), offset, offset + size)
    )
    return f"[{','.join(rows)}]".encode()
