"""Calls to Paystack, by what they are for.

Every call raises errors of `billing.paystack.errors` and nothing else. What changes something at Paystack is sent once: after
an error with `is_unknown` the caller finds out by reading. Source: docs/providers/paystack.md
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings

from billing.paystack import payloads
from billing.paystack.base import (
    BalanceLine,
    Bank,
    Charge,
    Checkout,
    DedicatedAccountFact,
    DisputeFact,
    RefundFact,
    SettlementFact,
    Totals,
    Transaction,
)
from billing.paystack.errors import (
    CardUnusable,
    NotFound,
    OutcomeUnknown,
    Paused,
    RefundNotWaiting,
    Refused,
)
from billing.paystack.throttle import Lane, throttle_of
from billing.paystack.wire import PATIENCE_S, Wire, read

_EXTENSIONS = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg"}


def paystack() -> Paystack:
    """The client for the key in the settings.

    Raises:
        Paused: There is no key.
    """
    key = settings.PAYSTACK_SECRET_KEY
    if not key:
        raise Paused("No key for Paystack is set.", code="not_configured")
    return Paystack(Wire(settings.PAYSTACK_BASE_URL, key, throttle_of(settings.PAYSTACK_BASE_URL, key)))


def is_configured() -> bool:
    """Whether there is a key."""
    return bool(settings.PAYSTACK_SECRET_KEY)


def is_available() -> bool:
    """Whether to start something with Paystack now: there is a key, and the breaker lets calls through."""
    return is_configured() and not paystack().wire.throttle.is_open()


def mode() -> str:
    """`live` or `test`: what the key says, and what `domain` of everything we accept must say."""
    return "live" if settings.PAYSTACK_SECRET_KEY.startswith("sk_live_") else "test"


@dataclass(frozen=True, slots=True)
class Paystack:
    """One integration at Paystack. Amounts are in subunits; lists are read page by page while they are iterated."""

    wire: Wire

    # Payments.

    def initialize(
        self, *, email: str, amount: int, currency: str, reference: str, callback_url: str, cancel_url: str,
        channels: list[str], metadata: Mapping[str, str],
    ) -> Checkout:  # fmt: skip
        """Open a transaction for a customer to pay.

        Raises:
            OutcomeUnknown: Also when the answer names another reference or an address that is not Paystack's checkout:
                the transaction may exist, and nobody is sent to that address.
        """
        body = {
            "email": email,
            "amount": amount,
            "currency": currency,
            "reference": reference,
            "callback_url": callback_url,
            "channels": channels,
            "metadata": {**metadata, "cancel_action": cancel_url},
        }
        document = self.wire.send("POST", "/transaction/initialize", body, secrets=(email,))
        fields = read(_mapping, document)
        _expect_reference(fields.get("reference"), reference)
        return Checkout(
            reference=reference,
            access_code=read(_required("access_code"), document),
            authorization_url=_checkout_address(fields.get("authorization_url")),
        )

    def verify(self, reference: str) -> Transaction:
        """The transaction with this reference, as it stands."""
        if reference in ("", ".", ".."):  # would be another address
            raise NotFound("No reference.")
        path = f"/transaction/verify/{quote(reference, safe='')}"
        return read(payloads.parse_transaction, self.wire.get(path, lane=Lane.VERIFY))

    def transaction(self, transaction_id: int) -> Transaction:
        """The transaction with this id of Paystack's."""
        document = self.wire.get(f"/transaction/{transaction_id:d}", lane=Lane.VERIFY)
        return read(payloads.parse_transaction, document)

    def transactions(
        self, *, since: dt.datetime, until: dt.datetime, status: str = "success"
    ) -> Iterator[Transaction]:
        """Transactions of a period. Whether it is the time of opening or of paying is not documented: ask generously."""
        params = _period(since, until) | ({"status": status} if status else {})
        return self.wire.rows("/transaction", params, payloads.parse_transaction, by_cursor=True)

    def totals(self, *, since: dt.datetime, until: dt.datetime) -> Totals:
        """How many transactions a period had, and how much they brought in each currency."""
        return read(payloads.parse_totals, self.wire.get("/transaction/totals", _period(since, until)))

    def charge_authorization(
        self, *, email: str, amount: int, currency: str, authorization_code: str, reference: str
    ) -> Charge:
        """Charge a saved card with the e-mail address it was saved with. A decline is a transaction that failed, no error.

        Raises:
            OutcomeUnknown: Also when the answer names another reference: verify ours.
        """
        body = {
            "email": email,
            "amount": amount,
            "currency": currency,
            "authorization_code": authorization_code,
            "reference": reference,
        }
        document = self.wire.send(
            "POST",
            "/transaction/charge_authorization",
            body,
            read_timeout_s=settings.PAYSTACK_CHARGE_READ_TIMEOUT_S,
            secrets=(email, authorization_code),
        )
        fields = read(_mapping, document)
        _expect_reference(fields.get("reference"), reference)
        if fields.get("paused") is True or ("id" not in fields and "authorization_url" in fields):
            return Charge(authorization_url=_checkout_address(fields.get("authorization_url")))
        return Charge(transaction=read(payloads.parse_transaction, document))

    def deactivate_authorization(self, authorization_code: str) -> None:
        """Make Paystack forget a card; one that it does not know is forgotten."""
        with suppress(NotFound, CardUnusable):
            self.wire.send(
                "POST",
                "/customer/authorization/deactivate",
                {"authorization_code": authorization_code},
                secrets=(authorization_code,),
            )

    # Refunds.

    def refund(
        self, *, transaction: str, amount: int, currency: str, merchant_note: str, customer_note: str = ""
    ) -> RefundFact:
        """Give money back. Paystack knows no repetition here: two equal calls are two refunds."""
        body = {
            "transaction": transaction,
            "amount": amount,
            "currency": currency,
            "merchant_note": merchant_note,
        } | ({"customer_note": customer_note} if customer_note else {})
        return read(payloads.parse_refund, self.wire.send("POST", "/refund", body, lane=Lane.REFUND))

    def fetch_refund(self, refund_id: int) -> RefundFact:
        """One refund, as it stands."""
        return read(payloads.parse_refund, self.wire.get(f"/refund/{refund_id:d}", lane=Lane.REFUND))

    def refunds(self, *, since: dt.datetime, until: dt.datetime) -> Iterator[RefundFact]:
        """Refunds of a period."""
        return self.wire.rows("/refund", _period(since, until), payloads.parse_refund)

    def retry_refund(self, refund_id: int, *, currency: str, account_number: str, bank_id: int) -> RefundFact:
        """Say which bank account a refund that needs attention may go to.

        Raises:
            RefundNotWaiting: It does not wait for that, or no more.
            OutcomeUnknown: Also when the answer is about another refund: read ours.
        """
        details = {"currency": currency, "account_number": account_number, "bank_id": str(bank_id)}
        try:
            document = self.wire.send(
                "POST",
                f"/refund/retry_with_customer_details/{refund_id:d}",
                {"refund_account_details": details},
                lane=Lane.REFUND,
                secrets=(account_number,),
            )
        except Refused as error:
            if error.status == 422:  # the words for it are not documented, the status is
                raise RefundNotWaiting(error.message, status=422) from None
            raise
        made = read(payloads.parse_refund, document)
        if made.id != refund_id:
            raise OutcomeUnknown("The answer is about another refund.", code="unexpected_refund")
        return made

    def banks(self, *, country: str) -> list[Bank]:
        """The banks of a country as Paystack names it, `nigeria`, by name. A page waits for them, so they are asked for once."""
        rows = self.wire.rows(
            "/bank", {"country": country}, payloads.parse_bank, by_cursor=True, patience_s=PATIENCE_S, tries=1
        )
        by_name: dict[str, Bank] = {}
        for bank in rows:
            if bank.is_active:
                by_name.setdefault(bank.name.casefold(), bank)
        return [by_name[name] for name in sorted(by_name)]

    # Disputes.

    def disputes(self, *, since: dt.datetime, until: dt.datetime, status: str = "") -> Iterator[DisputeFact]:
        """Disputes of a period, of one status or all."""
        params = _period(since, until) | ({"status": status} if status else {})
        return self.wire.rows("/dispute", params, payloads.parse_dispute)

    def dispute(self, dispute_id: int) -> DisputeFact:
        """One dispute, as it stands."""
        return read(payloads.parse_dispute, self.wire.get(f"/dispute/{dispute_id:d}"))

    def add_evidence(
        self,
        dispute_id: int,
        *,
        customer_email: str,
        customer_name: str,
        customer_phone: str,
        service_details: str,
    ) -> int | None:
        """Say what was delivered to whom; the id of the evidence when Paystack gives one."""
        body = {
            "customer_email": customer_email,
            "customer_name": customer_name,
            "customer_phone": customer_phone,
            "service_details": service_details,
        }
        document = self.wire.send(
            "POST",
            f"/dispute/{dispute_id:d}/evidence",
            body,
            secrets=(customer_email, customer_name, customer_phone),
        )
        return payloads.id_of(document.get("data"))

    def upload_evidence(self, dispute_id: int, *, content: bytes, content_type: str) -> str:
        """Hand a file over; the name under which `resolve_dispute` refers to it."""
        name = f"evidence-{dispute_id:d}.{_EXTENSIONS[content_type]}"
        document = self.wire.get(f"/dispute/{dispute_id:d}/upload_url", {"upload_filename": name})
        url, stored_as = read(_required("signedUrl"), document), read(_required("fileName"), document)
        self.wire.put_file(url, content, content_type)
        return stored_as

    def resolve_dispute(
        self, dispute_id: int, *, resolution: str, message: str, refund_amount: int, uploaded_filename: str,
        evidence: int | None = None,
    ) -> DisputeFact:  # fmt: skip
        """Answer a dispute: `merchant-accepted` or `declined`."""
        body: dict[str, Any] = {
            "resolution": resolution,
            "message": message,
            "refund_amount": refund_amount,
            "uploaded_filename": uploaded_filename,
        }
        if evidence is not None:
            body["evidence"] = evidence
        document = self.wire.send("PUT", f"/dispute/{dispute_id:d}/resolve", body)
        return read(payloads.parse_dispute, document)

    # Settlements and our balance.

    def settlements(self, *, since: dt.datetime, until: dt.datetime) -> Iterator[SettlementFact]:
        """Payouts to our bank in a period. Not every version of Paystack's documentation knows the filter: it is ours, too."""
        for made in self.wire.rows("/settlement", _period(since, until), payloads.parse_settlement):
            if made.settled_on is None or since.date() <= made.settled_on <= until.date():
                yield made

    def settlement_transactions(self, settlement_id: int) -> Iterator[Transaction]:
        """What a payout consists of."""
        return self.wire.rows(f"/settlement/{settlement_id:d}/transactions", {}, payloads.parse_transaction)

    def balance_ledger(self, *, since: dt.datetime, until: dt.datetime) -> Iterator[BalanceLine]:
        """Changes of our balance at Paystack in a period."""
        return self.wire.rows("/balance/ledger", _period(since, until), payloads.parse_balance_line)

    # Account numbers of customers.

    def assign_dedicated_account(
        self, *, email: str, first_name: str, last_name: str, phone: str, preferred_bank: str, country: str
    ) -> None:
        """Ask for an account number for a customer; it comes later, by webhook and in `dedicated_accounts`."""
        body = {
            "email": email,
            "first_name": first_name,
            "last_name": last_name,
            "phone": phone,
            "preferred_bank": preferred_bank,
            "country": country,
        }
        self.wire.send(
            "POST", "/dedicated_account/assign", body, secrets=(email, first_name, last_name, phone)
        )

    def dedicated_accounts(self, *, customer_email: str) -> Iterator[DedicatedAccountFact]:
        """The account numbers of the customer with this e-mail address; none when Paystack does not know the customer."""
        try:
            document = self.wire.get(f"/customer/{quote(customer_email, safe='')}", secrets=(customer_email,))
        except NotFound:
            return
        customer_id = payloads.id_of(document.get("data"))
        if customer_id is None:
            raise OutcomeUnknown("The customer has no id.", code="unreadable")
        yield from self.wire.rows(
            "/dedicated_account", {"customer": str(customer_id)}, payloads.parse_dedicated_account
        )

    def fetch_dedicated_account(self, account_id: int) -> DedicatedAccountFact:
        """One account number, as it stands."""
        document = self.wire.get(f"/dedicated_account/{account_id:d}")
        return read(payloads.parse_dedicated_account, document)

    def requery_dedicated_account(self, *, account_number: str, provider_slug: str, day: dt.date) -> None:
        """Make Paystack look for late transfers of a day; at most once in ten minutes for one account number."""
        params = {
            "account_number": account_number,
            "provider_slug": provider_slug,
            "date": day.isoformat(),
        }
        self.wire.get("/dedicated_account/requery", params, tries=1)

    def deactivate_dedicated_account(self, account_id: int) -> None:
        """Take an account number back."""
        self.wire.send("DELETE", f"/dedicated_account/{account_id:d}")


def _period(since: dt.datetime, until: dt.datetime) -> dict[str, str]:
    return {"from": _utc(since), "to": _utc(until)}


def _utc(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _mapping(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise ValueError("data is no object")
    return data


def _required(name: str) -> Callable[[Any], str]:
    """A parser for the one text of an answer."""

    def parse(data: Any) -> str:
        value = _mapping(data).get(name)
        if not isinstance(value, str) or not value:
            raise ValueError(f"{name} is missing")
        return value

    return parse


def _expect_reference(returned: Any, ours: str) -> None:
    if returned != ours:
        raise OutcomeUnknown("The answer is about another reference.", code="unexpected_reference")


def _checkout_address(url: Any) -> str:
    """The address a customer is sent to, if it is one of the checkout's."""
    if isinstance(url, str) and _origin(url) in settings.PAYSTACK_CHECKOUT_ORIGINS:
        return url
    raise OutcomeUnknown("The answer leads to a place that is not the checkout.", code="unexpected_checkout")


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}"
