"""The checks of `verify_books` about payments: what was paid, credited, kept under review and sent back."""

from __future__ import annotations

from billing.services.books_checks import Check

# Each credited deposit has its one transfer in the wallet's currency and its counterpart in the one it was paid in, and between
# the two lies its frozen rate, rounded down. Multiplied out: a quotient would be rounded before it can be compared.
CREDITS = """
SELECT format('deposit %s: %s', d.id, problem.text) AS text
FROM billing_deposit d
LEFT JOIN billing_transfer w ON w.key = 'deposit:' || d.id
LEFT JOIN billing_account giver ON giver.id = w.debit_account_id
LEFT JOIN billing_account taker ON taker.id = w.credit_account_id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(t.amount), 0) AS amount FROM billing_transfer t JOIN billing_account a ON a.id = t.credit_account_id
    WHERE t.key IN ('deposit:' || d.id || ':received', 'deposit:' || d.id || ':suspense-credit')
        AND a.code = 'exchange' AND a.currency = d.charge_currency
) AS exchanged
CROSS JOIN LATERAL (VALUES
    (d.credited_at IS NOT NULL AND w.sequence IS NULL, 'credited, and has no transfer'),
    (d.credited_at IS NULL AND w.sequence IS NOT NULL, 'not credited, and has a transfer'),
    (w.amount <> d.credit_amount, format('the wallet got %s instead of %s', w.amount, d.credit_amount)),
    (w.sequence IS NOT NULL AND taker.user_id IS DISTINCT FROM d.user_id, 'credited to somebody else'),
    ((giver.code, giver.currency) <> ('exchange', d.wallet_currency),
        format('credited from %s in %s', giver.code, giver.currency)),
    (d.credited_at IS NOT NULL AND exchanged.amount * 100 <> d.amount_subunits,
        format('%s were exchanged for %s subunits', exchanged.amount, d.amount_subunits)),
    (d.credited_at IS NOT NULL AND NOT (d.credit_amount * d.rate * 100 <= d.amount_subunits
            AND (d.credit_amount + 0.0001) * d.rate * 100 > d.amount_subunits),
        format('%s for %s subunits is not its rate of %s', d.credit_amount, d.amount_subunits, d.rate))
) AS problem (found, text)
WHERE problem.found
UNION ALL
SELECT format('transfer %s: credits no deposit, by its key %s', t.sequence, t.key)
FROM billing_transfer t
WHERE t.code = 'deposit' AND NOT EXISTS (SELECT FROM billing_deposit d WHERE t.key = 'deposit:' || d.id)
UNION ALL
SELECT format('%s is credited %s times', reference, count(*))
FROM billing_transfer WHERE code = 'deposit' GROUP BY reference HAVING count(*) > 1
"""

# All that a customer paid is owed to us by Paystack, less what Paystack keeps.
PAYMENTS = """
SELECT format('deposit %s: %s of %s subunits paid and %s of %s subunits of fees are in the books', d.id,
    booked.paid, d.paid_subunits, booked.fees, greatest(d.fees_subunits, 0)) AS text
FROM billing_deposit d
CROSS JOIN LATERAL (
    SELECT coalesce(sum(t.amount) FILTER (WHERE t.code IN ('deposit_received', 'deposit_fee_recovered', 'suspense_in')
            AND owes.code = 'paystack_clearing' AND owes.currency = d.paid_currency), 0) AS paid,
        coalesce(sum(t.amount) FILTER (WHERE t.code = 'deposit_fee' AND owes.code = 'psp_fees'
            AND owes.currency = d.paid_currency), 0) AS fees
    FROM billing_transfer t JOIN billing_account owes ON owes.id = t.debit_account_id
    WHERE t.reference = 'deposit:' || d.id
) AS booked
WHERE d.status IN ('succeeded', 'reversed', 'needs_review') AND d.paystack_id IS NOT NULL
    AND (booked.paid * 100 <> coalesce(d.paid_subunits, 0) OR booked.fees * 100 <> greatest(d.fees_subunits, 0))
"""

# A bank may take disputed money out of suspense, too: that is no longer waiting for a decision.
SUSPENSE = """
WITH kept AS (
    SELECT a.currency, sum(CASE WHEN t.credit_account_id = a.id THEN t.amount ELSE -t.amount END) AS amount
    FROM billing_account a JOIN billing_transfer t ON a.id IN (t.credit_account_id, t.debit_account_id)
    WHERE a.kind = 'system' AND a.code = 'suspense' GROUP BY a.currency
), waiting AS (
    SELECT d.paid_currency AS currency, sum(d.paid_subunits - taken.subunits) AS subunits
    FROM billing_deposit d
    CROSS JOIN LATERAL (
        SELECT trunc(coalesce(sum(t.amount), 0) * 100) AS subunits
        FROM billing_dispute x JOIN billing_transfer t ON t.key = 'dispute-paid:' || x.id
        WHERE x.deposit_id = d.id
    ) AS taken
    WHERE d.status = 'needs_review' AND d.paystack_id IS NOT NULL GROUP BY d.paid_currency
)
SELECT format('%s: %s are in suspense, deposits under review have %s subunits', currency,
    coalesce(kept.amount, 0), coalesce(waiting.subunits, 0)) AS text
FROM kept FULL JOIN waiting USING (currency)
WHERE coalesce(kept.amount, 0) * 100 <> coalesce(waiting.subunits, 0)
"""

REFUNDED = """
SELECT format('deposit %s: says %s subunits refunded, its refunds say %s', d.id, d.refunded_subunits, made.subunits) AS text
FROM billing_deposit d
CROSS JOIN LATERAL (
    SELECT coalesce(sum(r.amount_subunits), 0) AS subunits FROM billing_refund r
    WHERE r.deposit_id = d.id AND r.status NOT IN ('failed', 'refused')
) AS made
WHERE d.refunded_subunits <> made.subunits
UNION ALL
SELECT format('refund %s: %s, and %s', r.id, r.status,
    CASE WHEN t.sequence IS NULL THEN 'no transfer says that Paystack paid it' ELSE format('a transfer of %s', t.amount) END)
FROM billing_refund r
LEFT JOIN billing_transfer t
    ON t.key IN ('refund-paid:' || r.id, 'deposit:' || r.deposit_id || ':suspense-return:' || r.id)
WHERE (r.status = 'processed') <> (t.sequence IS NOT NULL) OR t.amount * 100 <> r.amount_subunits
"""

# Whatever touches what Paystack owes us has a row of its own that says why.
CLEARING = """
SELECT format('transfer %s: %s of %s on the clearing account, about %s', t.sequence, t.code, t.amount,
    coalesce(nullif(t.reference, ''), 'nothing')) AS text
FROM billing_transfer t
JOIN billing_account a ON a.code = 'paystack_clearing' AND a.id IN (t.debit_account_id, t.credit_account_id)
WHERE NOT CASE
    WHEN t.code IN ('deposit_received', 'deposit_fee', 'deposit_fee_recovered', 'suspense_in', 'suspense_out')
        THEN EXISTS (SELECT FROM billing_deposit d WHERE t.reference = 'deposit:' || d.id)
    WHEN t.code = 'refund_paid' THEN EXISTS (SELECT FROM billing_refund r WHERE t.reference = 'refund:' || r.id)
    WHEN t.code = 'dispute_paid'
        THEN EXISTS (SELECT FROM billing_dispute x WHERE t.reference = 'dispute:' || x.id AND x.outcome = 'lost')
            OR EXISTS (SELECT FROM billing_deposit d WHERE t.reference = 'deposit:' || d.id AND d.status = 'reversed'
                AND t.amount * 100 = d.amount_subunits)
    ELSE t.code IN ('settlement', 'clearing_correction')
END
"""

DEPOSIT_CHECKS = (
    Check("deposits credited rightly", CREDITS),
    Check("payments in the books", PAYMENTS),
    Check("suspense is what is under review", SUSPENSE),
    Check("refunds of deposits", REFUNDED),
    Check("clearing explained", CLEARING),
)
