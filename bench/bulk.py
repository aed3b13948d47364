"""Offers and finished orders by the million, made where they are kept: INSERT … SELECT generate_series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from bench import seed
from billing.enums import SystemCode
from billing.services import ledger
from verifications.models import Provider, ProviderCountryCode
from verifications.services import codes_sync

# Foreign keys and the ledger's row trigger are not checked for generated rows: they are right by construction, and
# checking them takes four times as long. Only a private cluster's owner may ask for this.
UNCHECKED = "SET LOCAL session_replication_role = replica"

_OFFERS = """
INSERT INTO verifications_offer (price_list_id, provider_id, country_id, country_code, service_id, service_code, operator,
    cost, provider_cost, stock, success_rate)
SELECT list.id, list.provider_id, list.country_id, list.code, service.id, service.code, 'virtual' || operator,
    cost, cost, 100 + operator, 60
FROM generate_series(%(from)s::int, %(to)s::int) AS operator
CROSS JOIN (SELECT * FROM verifications_providercountrycode WHERE provider_id = ANY(%(providers)s) AND offer_count >= 0) AS list
CROSS JOIN verifications_service AS service
CROSS JOIN LATERAL (SELECT 0.1 + ((operator * 37 + service.id * 11 + list.id * 7) %% 900) / 1000.0 AS cost) AS priced
ORDER BY list.id, service.id, operator
"""
# One row for each order to come, newest last; everything below is made from it. A share of them is one regular customer's.
_PLAN = """
CREATE TEMPORARY TABLE bench_plan ON COMMIT DROP AS
SELECT n, uuidv7(at - now()) AS id, uuidv7(at - now()) AS attempt, uuidv7(at - now()) AS hold,
    account.user_id, account.id AS account, at,
    services[1 + n %% array_length(services, 1)] AS service_id, countries[1 + n %% array_length(countries, 1)] AS country_id,
    n %% 10 < 8 AS coded
FROM generate_series(%(first)s::bigint, %(first)s::bigint + %(count)s - 1) AS n
CROSS JOIN LATERAL (SELECT now() - ((%(first)s + %(count)s - n) * interval '20 s') AS at) AS timed
CROSS JOIN (SELECT array_agg(id ORDER BY id) AS services FROM verifications_service) AS s
CROSS JOIN (SELECT array_agg(id ORDER BY id) AS countries FROM verifications_country) AS c
JOIN billing_account AS account ON account.user_id = CASE WHEN n %% %(every)s = 0 THEN %(regular)s
    ELSE %(users)s + 1 + n %% (%(people)s - 1) END
"""
_HOLDS = """
INSERT INTO billing_transfer (sequence, id, debit_account_id, credit_account_id, amount, kind, code, key, reference, memo, reason,
    expires_at, created_at, balance_after, available_after)
SELECT %(sequence)s + 2 * n, hold, account, %(revenue)s, 0.5, 'pending', 'verification_hold', 'hold:' || id,
    'verification:' || id, 'Telegram, United Kingdom', '', at + interval '1 day', at, 1000, 999.5
FROM bench_plan
"""
_RESOLUTIONS = """
INSERT INTO billing_transfer (sequence, id, debit_account_id, credit_account_id, amount, kind, code, key, pending_id, reference,
    memo, reason, created_at, balance_after, available_after)
SELECT %(sequence)s + 2 * n + 1, uuidv7(at - now()), account, %(revenue)s, 0.5,
    CASE WHEN coded THEN 'post_pending' ELSE 'void_pending' END,
    CASE WHEN coded THEN 'verification_capture' ELSE 'verification_release' END,
    'end:' || id, %(sequence)s + 2 * n, 'verification:' || id, 'Telegram, United Kingdom', '', at + interval '1 min', 1000, 1000
FROM bench_plan
"""
_ATTEMPTS = """
INSERT INTO verifications_attempt (id, verification_id, provider_id, number, service_code, country_code, operator, offer_id,
    offer_cost, max_cost, cost, price, outcome, error_code, error_detail, started_at, finished_at, latency_ms,
    provider_order_id, phone_number, expires_at, cancel_not_before, can_resend, sms_round, watch_until, closing,
    closing_tries, is_cost_booked)
SELECT attempt, id, %(provider)s, 1, 'tg', '16', '', n, 0.2, 0.4, 0.2, 0.5, 'bought', '', '', at, at, 20,
    'old' || n, '+4477' || lpad(n::text, 8, '0'), at + interval '20 min', at, true, 0, at + interval '30 min', 'closed', 0, true
FROM bench_plan
"""
_VERIFICATIONS = """
INSERT INTO verifications_verification (id, user_id, service_id, country_id, operator, status, price, currency, hold_id,
    attempt_id, phone_number, code, failure_code, another_sms_count, created_at, expires_at, cancellable_at, received_at,
    closed_at, first_code_ms)
SELECT id, user_id, service_id, country_id, '', CASE WHEN coded THEN 'completed' ELSE 'expired' END, 0.5, %(currency)s, hold,
    attempt, '+4477' || lpad(n::text, 8, '0'), CASE WHEN coded THEN lpad((n %% 1000000)::text, 6, '0') ELSE '' END, '', 0, at,
    at + interval '20 min', at, CASE WHEN coded THEN at + interval '9 s' END, at + interval '1 min',
    CASE WHEN coded THEN 9000 END
FROM bench_plan
"""
# Messages and history of the regular customer alone: nobody looks at the others' here.
_HISTORY = """
INSERT INTO verifications_historyentry (verification_id, step, status, at, detail)
SELECT id, step, status, at, '{}' FROM bench_plan
CROSS JOIN (VALUES ('ordered', 'ordering'), ('bought', 'waiting'), ('message', 'waiting'), ('completed', 'completed'))
    AS done (step, status)
WHERE user_id = %(regular)s
"""
_MESSAGES = """
INSERT INTO verifications_message (id, verification_id, attempt_id, dedupe_key, sender, text, code, visibility, received_at)
SELECT uuidv7(at - now()), id, attempt, 'sms', 'Telegram', 'Your code is 123456', '123456', 'shown', at FROM bench_plan
WHERE user_id = %(regular)s AND coded
"""
_made = {"orders": 0, "operators": 0}


_STRANGERS = """
WITH person AS (
    INSERT INTO accounts_user (password, email, role, state, is_staff, date_joined, session_epoch, message_days)
    SELECT '!', 'stranger' || n || '@bench.localhost', 'customer', 'active', false, now(), 0, 30
    FROM generate_series(1, %s::int) AS n
    RETURNING id
)
INSERT INTO billing_account (kind, code, user_id, currency) SELECT 'customer', 'wallet', id, %s FROM person
"""


def strangers(count: int) -> None:
    """Customers nobody signs in as."""
    with connection.cursor() as cursor:
        cursor.execute(_STRANGERS, [count, settings.WALLET_CURRENCY])


def providers() -> list[Provider]:
    """Two sellers with all their countries; nobody calls them here."""
    first = seed.provider()
    second = Provider.objects.create(
        slug="bench2", name="Second", adapter="handler", base_url=first.base_url, is_enabled=True,
        credential_variable=first.credential_variable,
    )  # fmt: skip
    codes_sync.seed_codes(second)
    ProviderCountryCode.objects.update(prices_seen_at=timezone.now())
    return [first, second]


def offers(sellers: Sequence[Provider], upto: int) -> None:
    """Fill the table up to about so many offers, whole operators at a time."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM verifications_service")
        lists = ProviderCountryCode.objects.filter(country__isnull=False).count()
        operators = max(1, round(upto / (lists * cursor.fetchone()[0])))
        cursor.execute(UNCHECKED)
        ids = [seller.pk for seller in sellers]
        cursor.execute(_OFFERS, {"from": _made["operators"] + 1, "to": operators, "providers": ids})
        _made["operators"] = max(operators, _made["operators"])
    analyze()


def orders(count: int, *, regular: int, share: float) -> None:
    """Finished orders, each with its hold, resolution and attempt; a share of them is the regular customer's."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM billing_account WHERE kind = 'customer'")
        people = cursor.fetchone()[0]
        values: dict[str, Any] = {
            "first": _made["orders"] + 1,
            "count": count,
            "every": round(1 / share),
            "regular": regular,
            "users": seed.FIRST_USER,
            "people": people,
            "sequence": 10_000_000,
            "revenue": ledger.system_account(SystemCode.REVENUE).pk,
            "provider": Provider.objects.order_by("pk")[0].pk,
            "currency": settings.WALLET_CURRENCY,
        }
        cursor.execute(UNCHECKED)
        for statement in (_PLAN, _HOLDS, _RESOLUTIONS, _VERIFICATIONS, _ATTEMPTS, _HISTORY, _MESSAGES):
            cursor.execute(statement, values)
    _made["orders"] += count
    analyze()


def counts() -> dict[str, int]:
    """How much there is."""
    tables = {
        "offers": "verifications_offer",
        "orders": "verifications_verification",
        "transfers": "billing_transfer",
    }
    found = {}
    with connection.cursor() as cursor:
        for name, table in tables.items():
            cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608 - our own constants
            found[name] = int(cursor.fetchone()[0])
    return found


def newest_and_oldest(user_id: int) -> tuple[str, str]:
    """The customer's newest order that got a code, and the cursor of the page that shows the oldest ones."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id::text FROM verifications_verification WHERE user_id = %s AND status = 'completed'"
            " ORDER BY created_at DESC LIMIT 1",
            [user_id],
        )
        (newest,) = cursor.fetchone()
        cursor.execute(
            "SELECT extract(epoch FROM created_at), id::text FROM verifications_verification WHERE user_id = %s"
            " ORDER BY created_at OFFSET 10 LIMIT 1",
            [user_id],
        )
        seconds, pk = cursor.fetchone()
    return newest, f"{seconds:.6f}_{pk}"


def analyze() -> None:
    """Bring the planner up to date, and the disk."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("CHECKPOINT")
