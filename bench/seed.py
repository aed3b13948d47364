"""Customers with money and sessions, a provider that is the sandbox, and open orders by the thousand."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Session, User
from accounts.sessions import digest
from billing.enums import DepositPurpose, DepositStatus, SystemCode
from billing.models import Deposit
from billing.services import crediting, ledger
from namaskah.lib.ids import ulid
from verifications.models import Country, Provider, ProviderCountryCode, Service
from verifications.services import catalog_summary, codes_sync, offer_store
from verifications.services.provider_accounts import adapter_for

CREDIT = Decimal("1000")
PRICE = Decimal("0.50")
PAID_SUBUNITS, RATE = 500_000, Decimal(1500)
CSRF = "b" * 32
FIRST_USER, FIRST_ACCOUNT = (
    7_000_000,
    8_000_000,
)  # far from other numbers, so a recorded statement shows whose they are


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody signed in."""

    user_id: int
    account_id: int
    session_key: str

    @property
    def cookie(self) -> str:
        return f"{settings.SESSION_COOKIE_NAME}={self.session_key}; {settings.CSRF_COOKIE_NAME}={CSRF}"


def customers(count: int) -> list[Customer]:
    """Customers with 1,000.00 each and a session."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence('accounts_user', 'id'), %s)", [FIRST_USER])
        cursor.execute("SELECT setval(pg_get_serial_sequence('billing_account', 'id'), %s)", [FIRST_ACCOUNT])
    users = [User(email=f"customer{number}@bench.localhost") for number in range(count)]
    for user in users:
        user.set_unusable_password()
    users = User.objects.bulk_create(users)
    for code in SystemCode.values:
        ledger.system_account(SystemCode(code))
    with transaction.atomic():
        for user in users:
            ledger.adjust(user=user, amount=CREDIT, reason="Benchmark", actor=None, key=f"bench:{user.pk}")
    return [Customer(user.pk, ledger.customer_account(user.pk).pk, _session(user)) for user in users]


def staff(person: Customer) -> Customer:
    """Open the console's doors to somebody."""
    User.objects.filter(pk=person.user_id).update(is_staff=True, role="administrator")
    Session.objects.filter(pk=digest(person.session_key)).update(verified_at=timezone.now())
    return person


def _session(user: User) -> str:
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.create()
    return str(store.session_key)


def deposits(count: int, owners: Sequence[Customer]) -> list[Deposit]:
    """Top-ups of these customers in turn, with the checkout open; Paystack hears of their references elsewhere."""
    now = timezone.now()
    made = [
        Deposit(
            user_id=owner.user_id,
            reference=f"nm-t-{ulid()}",
            purpose=DepositPurpose.TOP_UP,
            status=DepositStatus.PENDING,
            email=f"customer{owner.user_id}@bench.localhost",
            charge_currency=settings.PAYSTACK_CURRENCY,
            amount_subunits=PAID_SUBUNITS,
            wallet_currency=settings.WALLET_CURRENCY,
            rate=RATE,
            rate_as_of=now,
            credit_amount=crediting.worth(PAID_SUBUNITS, RATE),
            access_code="bench",
            next_look_at=now + dt.timedelta(hours=1),
        )
        for _, owner in zip(range(count), itertools.cycle(owners), strict=False)
    ]
    return Deposit.objects.bulk_create(made)


def provider(dialect: Mapping[str, Any] | None = None) -> Provider:
    """The sandbox as a seller without any limit of ours that a benchmark would meet."""
    made = Provider.objects.create(
        slug="bench",
        name="Sandbox",
        adapter="handler",
        base_url=f"{settings.SANDBOX_URL}/stubs/handler_api.php",
        credential_variable="SANDBOX_API_KEY",
        rate_limit_per_s=Decimal(100_000),
        burst=100_000,
        dialect=dict(dialect or {}),
        is_enabled=True,
    )
    codes_sync.seed_codes(made)
    return made


def price_lists(seller: Provider, countries: Sequence[str]) -> None:
    """Read the seller's real price lists of a few countries (ISO codes)."""
    services = dict(seller.service_codes.values_list("code", "service_id"))
    adapter = adapter_for(seller)
    for iso2 in countries:
        price_list = ProviderCountryCode.objects.filter(provider=seller, country__iso2=iso2).order_by("pk")[0]
        offer_store.store_list(
            price_list,
            adapter.offers(price_list.code),
            services=services,
            rate=seller.rate,
            seen_at=timezone.now(),
        )
    catalog_summary.refresh()


# What ordering writes, for many orders at once. Transfers are numbered in the order of the holds, so the running figures
# of each wallet come out right and `verify_books` has nothing to say.
_HOLDS = """
INSERT INTO billing_transfer (id, debit_account_id, credit_account_id, amount, kind, code, key, reference, memo, reason,
    expires_at, balance_after, available_after)
SELECT hold, account, %(revenue)s, %(price)s, 'pending', 'verification_hold', 'hold:' || id, 'verification:' || id, 'Bench', '',
    now() + interval '1 day', %(credit)s, %(credit)s - %(price)s * row_number() OVER (PARTITION BY account ORDER BY place)
FROM bench_order ORDER BY place
"""
_WALLETS = """
UPDATE billing_account SET debits_pending = held.total
FROM (SELECT account, count(*) * %(price)s AS total FROM bench_order GROUP BY account) AS held
WHERE billing_account.id = held.account
"""
_ATTEMPTS = """
INSERT INTO verifications_attempt (id, verification_id, provider_id, number, service_code, country_code, operator, offer_id,
    offer_cost, max_cost, cost, price, outcome, error_code, error_detail, started_at, finished_at, latency_ms,
    provider_order_id, phone_number, expires_at, cancel_not_before, can_resend, sms_round, watch_until, closing,
    closing_tries, is_cost_booked)
SELECT attempt, id, %(provider)s, 1, 'tg', '16', '', 1, 0.2, 0.4, 0.2, %(price)s, 'bought', '', '', now(), now(), 20,
    order_id, '+' || phone, %(expires)s, now(), true, 0, %(expires)s + interval '10 min', 'open', 0, false
FROM bench_order
"""
_VERIFICATIONS = """
INSERT INTO verifications_verification (id, user_id, service_id, country_id, operator, status, price, currency, hold_id,
    attempt_id, phone_number, code, failure_code, another_sms_count, created_at, expires_at, cancellable_at)
SELECT id, user_id, %(service)s, %(country)s, '', 'waiting', %(price)s, %(currency)s, hold, attempt, '+' || phone, '', '', 0,
    now(), %(expires)s, now()
FROM bench_order
"""
_HISTORY = """
INSERT INTO verifications_historyentry (verification_id, step, status, at, detail)
SELECT id, step, status, now(), '{}' FROM bench_order
CROSS JOIN (VALUES ('ordered', 'ordering'), ('attempted', 'ordering'), ('bought', 'waiting')) AS done (step, status)
"""


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """One open order of ours and of the sandbox."""

    verification_id: str
    order_id: str
    owner: Customer


def open_orders(
    seller: Provider, sold: Mapping[str, Sequence[str]], owners: Sequence[Customer]
) -> list[OpenOrder]:
    """Enter what `POST /_sandbox/bulk` has sold as waiting orders of these customers, in turn."""
    values: dict[str, Any] = {
        "order_ids": list(sold["ids"]),
        "phones": [phone.lstrip("+") for phone in sold["phones"]],
        "users": [owner.user_id for owner in owners],
        "accounts": [owner.account_id for owner in owners],
        "revenue": ledger.system_account(SystemCode.REVENUE).pk,
        "provider": seller.pk,
        "service": Service.objects.get(slug="telegram").pk,
        "country": Country.objects.get(iso2="GB").pk,
        "currency": settings.WALLET_CURRENCY,
        "price": PRICE,
        "credit": CREDIT,
        "expires": timezone.now() + dt.timedelta(minutes=20),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE TEMPORARY TABLE bench_order ON COMMIT DROP AS
            SELECT place, order_id, phone, uuidv7() AS id, uuidv7() AS attempt, uuidv7() AS hold,
                (%(users)s::bigint[])[1 + (place - 1) %% array_length(%(users)s::bigint[], 1)] AS user_id,
                (%(accounts)s::bigint[])[1 + (place - 1) %% array_length(%(accounts)s::bigint[], 1)] AS account
            FROM unnest(%(order_ids)s::text[], %(phones)s::text[]) WITH ORDINALITY AS sold (order_id, phone, place)
            """,
            values,
        )
        for statement in (_HOLDS, _WALLETS, _VERIFICATIONS, _ATTEMPTS, _HISTORY):
            cursor.execute(statement, values)
        cursor.execute("SELECT id::text, order_id, user_id FROM bench_order ORDER BY place")
        rows = cursor.fetchall()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    by_user = {owner.user_id: owner for owner in owners}
    return [
        OpenOrder(verification_id, order_id, by_user[user_id]) for verification_id, order_id, user_id in rows
    ]
