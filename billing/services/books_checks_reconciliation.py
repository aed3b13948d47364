"""The checks of `verify_books` about reconciled days and settlements."""

from __future__ import annotations

from billing.services.books_checks import Check

# A day that was signed must still say what was signed: its payments in our rows, and how many differences were left open.
CLOSED_DAYS = """
WITH paid AS (
    SELECT (paid_at AT TIME ZONE 'UTC')::date AS day, paid_currency AS currency, count(*) AS payments,
        sum(paid_subunits) AS paid, coalesce(sum(fees_subunits) FILTER (WHERE fees_subunits > 0), 0) AS fees
    FROM billing_deposit
    WHERE paid_at IS NOT NULL AND status IN ('succeeded', 'needs_review', 'reversed') GROUP BY 1, 2
)
SELECT format('%s %s: closed with %s of %s, now %s', d.day, d.currency, f.name, f.signed, f.now) AS text
FROM billing_reconciledday d
LEFT JOIN paid p ON p.day = d.day AND p.currency = d.currency
CROSS JOIN LATERAL (VALUES
    ('payments', coalesce((d.figures -> 'ours' ->> 'payments')::bigint, 0), coalesce(p.payments, 0)),
    ('paid', coalesce((d.figures -> 'ours' ->> 'paid')::bigint, 0), coalesce(p.paid, 0)),
    ('fees', coalesce((d.figures -> 'ours' ->> 'fees')::bigint, 0), coalesce(p.fees, 0)),
    ('open differences', d.open_differences, (
        SELECT count(*) FROM billing_difference x
        WHERE x.day_id = d.id AND x.gone_at IS NULL AND x.explained_by_id IS NULL
    ))
) AS f (name, signed, now)
WHERE d.closed_at IS NOT NULL AND f.signed <> f.now
UNION ALL
SELECT format('%s %s: closed with %s open differences and no reason', day, currency, open_differences)
FROM billing_reconciledday WHERE closed_at IS NOT NULL AND open_differences > 0 AND reason = ''
"""

# Each posted settlement has its one transfer, from the bank's account to the clearing account, of what was paid out.
SETTLEMENTS = """
SELECT format('settlement %s: %s', s.paystack_id, problem.text) AS text
FROM billing_settlement s
LEFT JOIN billing_transfer t ON t.key = format('settlement:%s', s.paystack_id)
LEFT JOIN billing_account d ON d.id = t.debit_account_id
LEFT JOIN billing_account c ON c.id = t.credit_account_id
CROSS JOIN LATERAL (VALUES
    (s.is_posted AND t.sequence IS NULL, 'said to be posted, has no transfer'),
    (NOT s.is_posted AND t.sequence IS NOT NULL, 'not said to be posted, has a transfer'),
    (t.amount * 100 <> s.total_subunits, format('%s were posted of %s subunits', t.amount, s.total_subunits)),
    ((d.code, c.code, d.currency) <> ('bank', 'paystack_clearing', s.currency),
        format('posted from %s to %s in %s', d.code, c.code, d.currency))
) AS problem (found, text)
WHERE problem.found
UNION ALL
SELECT format('transfer %s: settles %s, which is no settlement', t.sequence, t.reference)
FROM billing_transfer t
WHERE t.code = 'settlement' AND NOT EXISTS (
    SELECT FROM billing_settlement s WHERE format('settlement:%s', s.paystack_id) = t.reference
)
"""

RECONCILIATION_CHECKS = (
    Check("closed days still add up", CLOSED_DAYS),
    Check("posted settlements have their transfers", SETTLEMENTS),
)
