"""`GET /bank`: the banks that money can be paid to."""

from typing import Any

from sandbox.paystack.calls import Call, by_cursor, by_page, ok
from sandbox.paystack.errors import ApiError
from sandbox.paystack.integration import Integration
from sandbox.replies import Reply

MADE_AT = "2016-07-14T10:04:29.000Z"
COUNTRIES = frozenset({"ghana", "kenya", "nigeria", "south africa"})
# Paystack's id, name and code of the Central Bank of Nigeria. Other countries have no bank here.
NIGERIAN = (
    (1, "Access Bank", "044"),
    (3, "Ecobank Nigeria", "050"),
    (6, "Fidelity Bank", "070"),
    (7, "First Bank of Nigeria", "011"),
    (8, "First City Monument Bank", "214"),
    (9, "Guaranty Trust Bank", "058"),
    (14, "Stanbic IBTC Bank", "221"),
    (16, "Sterling Bank", "232"),
    (17, "Union Bank of Nigeria", "032"),
    (18, "United Bank For Africa", "033"),
    (20, "Wema Bank", "035"),
    (21, "Zenith Bank", "057"),
)


def listing(integration: Integration, call: Call) -> Reply:
    """Banks of a country, newest id first; of Nigeria when none is named."""
    country = call.query.get("country", "nigeria").lower()
    if country not in COUNTRIES:
        raise ApiError("country must be one of [ghana, kenya, nigeria, south africa]")
    rows = [_shown(*bank) for bank in reversed(NIGERIAN)] if country == "nigeria" else []
    if call.query.get("use_cursor") != "true":
        return ok("Banks retrieved", by_page(call, rows)[0])
    page, meta = by_cursor(call, rows, lambda row: int(row["id"]), nothing_before=None)
    return ok("Banks retrieved", page, meta=meta)


def _shown(bank_id: int, name: str, code: str) -> dict[str, Any]:
    return {
        "name": name,
        "slug": name.lower().replace(" ", "-"),
        "code": code,
        "longcode": f"{code}150000",
        "gateway": None,
        "pay_with_bank": False,
        "supports_transfer": True,
        "available_for_direct_debit": False,
        "active": True,
        "is_deleted": None,
        "country": "Nigeria",
        "currency": "NGN",
        "type": "nuban",
        "id": bank_id,
        "createdAt": MADE_AT,
        "updatedAt": MADE_AT,
    }
