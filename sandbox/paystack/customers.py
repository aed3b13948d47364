"""Customers and their cards, and how long a checkout stays open."""

from sandbox.paystack import shapes
from sandbox.paystack.calls import Call, ok
from sandbox.paystack.errors import ApiError, missing, not_found
from sandbox.paystack.integration import INTEGRATION_ID, Integration
from sandbox.paystack.records import PAID
from sandbox.replies import Reply


def deactivate(integration: Integration, call: Call) -> Reply:
    """`POST /customer/authorization/deactivate`."""
    code = call.text("authorization_code", required=True)
    known = integration.books.authorizations.get(code)
    if known is None:
        raise not_found("Authorization code is invalid", "invalid_authorization")
    known.is_active = False
    return ok("Authorization has been deactivated")


def fetch(integration: Integration, call: Call) -> Reply:
    """`GET /customer/{code}`, by code or e-mail address."""
    wanted = call.path["code"]
    books = integration.books
    known = next((one for one in books.customers.values() if wanted in (one.code, one.email)), None)
    if known is None:
        raise not_found("Customer not found", "customer_not_found")
    theirs = [made for made in books.authorizations.values() if made.email == known.email and made.is_active]
    paid = [row for row in books.payments.values() if row.customer is known and row.status in PAID]
    created_at = shapes.time_of(known.created_at)
    return ok(
        "Customer retrieved",
        {
            **shapes.customer(known, metadata={}),
            "transactions": [],
            "subscriptions": [],
            "authorizations": [shapes.authorization(made, full=False) for made in theirs],
            "domain": known.domain,
            "integration": INTEGRATION_ID,
            "createdAt": created_at,
            "updatedAt": created_at,
            "created_at": created_at,
            "updated_at": created_at,
            "total_transactions": len(paid),
            "total_transaction_value": [],
            "dedicated_account": None,
            "dedicated_accounts": [],
            "identified": False,
            "identifications": None,
        },
    )


def session_timeout(integration: Integration, call: Call) -> Reply:
    """`GET /integration/payment_session_timeout`."""
    return ok(
        "Payment session timeout retrieved", {"payment_session_timeout": integration.books.session_timeout_s}
    )


def set_session_timeout(integration: Integration, call: Call) -> Reply:
    """`PUT /integration/payment_session_timeout`; 0 means that a checkout never times out."""
    timeout = call.body.get("timeout")
    if timeout is None:
        raise missing("timeout")
    if isinstance(timeout, bool) or not isinstance(timeout, int) or timeout < 0:
        raise ApiError("timeout must be a number")
    integration.books.session_timeout_s = timeout
    return ok("Payment session timeout updated", {"payment_session_timeout": timeout})
