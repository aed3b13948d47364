"""The checks of `verify_books` about money that is held for a return: each hold has the refund or dispute that it is for."""

from __future__ import annotations

from billing.services.books_checks import Check

# A hold of nobody is never captured and never released: the money would be out of the customer's reach for good.
ORPHANS = """
SELECT format('%s %s of account %s: %s are held, and no open %s owns it', h.code, h.sequence, h.debit_account_id, h.amount,
    CASE h.code WHEN 'dispute_hold' THEN 'dispute' ELSE 'refund' END) AS text
FROM billing_transfer h
WHERE h.kind = 'pending' AND h.code IN ('dispute_hold', 'refund_hold')
    AND NOT EXISTS (SELECT FROM billing_transfer r WHERE r.pending_id = h.sequence)
    AND NOT CASE h.code
        WHEN 'dispute_hold' THEN EXISTS (SELECT FROM billing_dispute x WHERE x.hold_id = h.sequence AND x.outcome = 'open')
        ELSE EXISTS (SELECT FROM billing_refund f WHERE f.hold_id = h.sequence AND f.closed_at IS NULL)
    END
"""

# The other way round: what says that it holds money does.
HELD = """
WITH holding AS (
    SELECT 'dispute ' || id AS name, hold_id, wallet_amount - shortfall AS amount FROM billing_dispute WHERE outcome = 'open'
    UNION ALL
    SELECT 'refund ' || id, hold_id, wallet_amount FROM billing_refund WHERE closed_at IS NULL
)
SELECT format('%s: says %s are held, its hold says %s', holding.name, holding.amount, coalesce(h.amount, 0)) AS text
FROM holding
LEFT JOIN billing_transfer h ON h.sequence = holding.hold_id
    AND NOT EXISTS (SELECT FROM billing_transfer r WHERE r.pending_id = h.sequence)
WHERE holding.amount <> coalesce(h.amount, 0)
"""

HOLD_CHECKS = (
    Check("holds of returns are owned", ORPHANS),
    Check("open returns hold their money", HELD),
)
