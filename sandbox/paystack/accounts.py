"""`/dedicated_account…`: a bank account number for each customer, and the money that arrives on it."""

from typing import Any

from sandbox.paystack import payments, shapes
from sandbox.paystack.calls import Call, by_page, ok
from sandbox.paystack.errors import ApiError, missing, not_found
from sandbox.paystack.integration import INTEGRATION_ID, Integration
from sandbox.paystack.records import Account, Customer, Payment
from sandbox.replies import Reply

PROVIDERS: dict[str, dict[str, Any]] = {
    "test-bank": {"name": "Test Bank", "id": 24, "slug": "test-bank"},
    "wema-bank": {"name": "Wema Bank", "id": 20, "slug": "wema-bank"},
    "titan-paystack": {"name": "Paystack-Titan", "id": 629, "slug": "titan-paystack"},
}
CURRENCIES = {"NG": "NGN", "GH": "GHS"}
ASSIGN_S = 2.0
REQUERY_S = 600.0


def providers(integration: Integration, call: Call) -> Reply:
    """`GET /dedicated_account/available_providers`."""
    rows = [
        {"provider_slug": bank["slug"], "bank_id": bank["id"], "bank_name": bank["name"], "id": place}
        for place, bank in enumerate(PROVIDERS.values(), 1)
    ]
    return ok("Dedicated account providers retrieved", rows)


def assign(integration: Integration, call: Call) -> Reply:
    """`POST /dedicated_account/assign`; the result comes by webhook."""
    email = call.text("email", required=True)
    names = {name: call.text(name, required=True) for name in ("first_name", "last_name", "phone")}
    bank = _bank(call)
    country = call.text("country", required=True)
    if country not in CURRENCIES:
        raise ApiError("country must be one of [NG, GH]")
    now = integration.clock.now()
    customer = integration.customer(email, call.domain, now)
    customer.first_name, customer.last_name, customer.phone = names.values()
    integration.plan(now + ASSIGN_S, lambda at: _assign(integration, customer, bank, CURRENCIES[country], at))
    return ok("Assign dedicated account in progress")


def _assign(
    integration: Integration, customer: Customer, bank: dict[str, Any], currency: str, at: float
) -> None:
    data: dict[str, Any] = {"customer": shapes.customer(customer, metadata={}), "dedicated_account": None}
    data["identification"] = {"status": "success"}
    data["domain"] = customer.domain
    if integration.config.assign_outcome == "failed":
        data["identification"] = {"status": "failed"}
        integration.announce("dedicatedaccount.assign.failed", data, at)
        return
    account = _open(integration, customer, bank, currency, at)
    data["dedicated_account"] = _shown(account) | {"assignment": _assignment(account)}
    integration.announce("dedicatedaccount.assign.success", data, at)


def create(integration: Integration, call: Call) -> Reply:
    """`POST /dedicated_account`, for a customer who exists."""
    wanted = call.text("customer", required=True)
    books = integration.books
    customer = next(
        (one for one in books.customers.values() if wanted in (one.code, str(one.id), one.email)), None
    )
    if customer is None:
        raise not_found("Customer not found", "customer_not_found", status=400)
    bank = _bank(call) if call.text("preferred_bank") else PROVIDERS["test-bank"]
    account = _open(integration, customer, bank, "NGN", integration.clock.now())
    return ok(
        "NUBAN successfully created", _shown_with_customer(account) | {"assignment": _assignment(account)}
    )


def _open(
    integration: Integration, customer: Customer, bank: dict[str, Any], currency: str, at: float
) -> Account:
    """Open an account; a customer who has one at that bank keeps it."""
    books = integration.books
    for account in books.accounts.values():
        if account.customer is customer and account.bank is bank and account.is_active:
            return account
    account_id = integration.next_id()
    name = " ".join(filter(None, (customer.first_name, customer.last_name))) or customer.email
    account = Account(
        id=account_id,
        number=f"99{account_id % 10**8:08d}",
        name=f"NAMASKAH/{name}".upper(),
        bank=bank,
        customer=customer,
        currency=currency,
        created_at=at,
    )
    books.accounts[account_id] = account
    return account


def fetch(integration: Integration, call: Call) -> Reply:
    """`GET /dedicated_account/{id}`."""
    account = _find(integration, call)
    return ok("Customer retrieved", _shown_with_customer(account) | {"split_config": None})


def listing(integration: Integration, call: Call) -> Reply:
    """`GET /dedicated_account`."""
    query = call.query
    rows = list(integration.books.accounts.values())
    if (active := query.get("active")) is not None:
        rows = [row for row in rows if row.is_active == (active in {"true", "1"})]
    if wanted := query.get("customer"):
        rows = [
            row for row in rows if wanted in (str(row.customer.id), row.customer.code, row.customer.email)
        ]
    if currency := query.get("currency"):
        rows = [row for row in rows if row.currency == currency]
    if slug := query.get("provider_slug"):
        rows = [row for row in rows if row.bank["slug"] == slug]
    if bank_id := query.get("bank_id"):
        rows = [row for row in rows if str(row.bank["id"]) == bank_id]
    page, meta = by_page(call, rows)
    odd = integration.config.odd_shapes
    shown = [_shown_with_customer(row, as_number=odd) | {"split_config": None} for row in page]
    return ok("Managed accounts successfully retrieved", shown, meta=meta)


def requery(integration: Integration, call: Call) -> Reply:
    """`GET /dedicated_account/requery`: look for money that has not shown up, every ten minutes at most."""
    for name in ("account_number", "provider_slug", "date"):
        if not call.query.get(name):
            raise missing(name)
    account = by_number(integration, call.query["account_number"])
    if account is None or account.bank["slug"] != call.query["provider_slug"]:
        raise not_found("Dedicated account not found", "account_not_found")
    now = integration.clock.now()
    if account.requeried_at is not None and now - account.requeried_at < REQUERY_S:
        raise ApiError("Please wait a few minutes and try again.", code="rate_limited")
    account.requeried_at = now
    late, account.late = account.late, []
    for amount, sender in late:
        receive(integration, account, amount, sender, now)
    return ok(
        "We are checking the status of your transfer. We will send you a notification once it is confirmed"
    )


def deactivate(integration: Integration, call: Call) -> Reply:
    """`DELETE /dedicated_account/{id}`."""
    account = _find(integration, call)
    account.is_active = False
    return ok(
        "Managed Account Successfully Unassigned", _shown(account) | {"assignment": _assignment(account)}
    )


def by_number(integration: Integration, number: str) -> Account | None:
    """The account of a number."""
    return next((row for row in integration.books.accounts.values() if row.number == number), None)


def receive(integration: Integration, account: Account, amount: int, sender: str, at: float) -> Payment:
    """Somebody has moved money to the account: a payment that nobody asked for, with a reference of Paystack's."""
    payment = payments.start(
        integration,
        reference=f"T{integration.next_id()}{integration.token(4)}",
        email=account.customer.email,
        amount=amount,
        currency=account.currency,
        domain=account.customer.domain,
    )
    payment.channel = "dedicated_nuban"
    payment.created_at = at
    receiver = {"receiver_bank": account.bank["name"], "receiver_bank_account_number": account.number}
    made = payments.transfer_authorization(integration, payment, sender, receiver)
    payments.succeed(integration, payment, at, authorization=made)
    return payment


def _bank(call: Call) -> dict[str, Any]:
    slug = call.text("preferred_bank", required=True)
    if slug not in PROVIDERS:
        raise ApiError("Invalid preferred bank", code="invalid_bank")
    return PROVIDERS[slug]


def _find(integration: Integration, call: Call) -> Account:
    account = integration.books.accounts.get(call.id())
    if account is None:
        raise not_found("Dedicated account not found", "account_not_found")
    return account


# On the wire.


def _shown(account: Account, *, as_number: bool = False) -> dict[str, Any]:
    created_at = shapes.time_of(account.created_at)
    return {
        "id": account.id,
        "bank": account.bank,
        "account_name": account.name,
        "account_number": account.number,
        "assigned": int(account.is_active) if as_number else account.is_active,
        "active": int(account.is_active) if as_number else account.is_active,
        "currency": account.currency,
        "metadata": None,
        "created_at": created_at,
        "updated_at": created_at,
    }


def _shown_with_customer(account: Account, *, as_number: bool = False) -> dict[str, Any]:
    customer = shapes.customer(account.customer, metadata={})
    return _shown(account, as_number=as_number) | {"customer": customer}


def _assignment(account: Account) -> dict[str, Any]:
    return {
        "integration": INTEGRATION_ID,
        "assignee_id": account.customer.id,
        "assignee_type": "Customer",
        "expired": not account.is_active,
        "account_type": "PAY-WITH-TRANSFER-RECURRING",
        "assigned_at": shapes.time_of(account.created_at),
        "expired_at": None,
    }
