"""The checks of `verify_books`: each is a query whose rows are the differences, one sentence each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """A name for the summary and a query with the one column `text`."""

    name: str
    sql: str


# What each transfer does to the four figures of each of its accounts; a resolution takes its hold off again.
EFFECTS = """
    SELECT t.sequence, t.debit_account_id AS account_id,
        CASE t.kind WHEN 'pending' THEN t.amount WHEN 'posted' THEN 0 ELSE -h.amount END AS debits_pending,
        CASE WHEN t.kind IN ('posted', 'post_pending') THEN t.amount ELSE 0 END AS debits_posted,
        0 AS credits_pending, 0 AS credits_posted, t.balance_after, t.available_after
    FROM billing_transfer t LEFT JOIN billing_transfer h ON h.sequence = t.pending_id
    UNION ALL
    SELECT t.sequence, t.credit_account_id, 0, 0,
        CASE t.kind WHEN 'pending' THEN t.amount WHEN 'posted' THEN 0 ELSE -h.amount END,
        CASE WHEN t.kind IN ('posted', 'post_pending') THEN t.amount ELSE 0 END, t.balance_after, t.available_after
    FROM billing_transfer t LEFT JOIN billing_transfer h ON h.sequence = t.pending_id
"""

FIGURES = f"""
WITH effects AS ({EFFECTS}), expected AS (
    SELECT account_id, sum(debits_pending) AS debits_pending, sum(debits_posted) AS debits_posted,
        sum(credits_pending) AS credits_pending, sum(credits_posted) AS credits_posted
    FROM effects GROUP BY account_id
)
SELECT format('account %s: %s is %s, its transfers say %s', a.id, f.name, f.kept, f.told) AS text
FROM billing_account a LEFT JOIN expected e ON e.account_id = a.id
CROSS JOIN LATERAL (VALUES
    ('debits_pending', a.debits_pending, coalesce(e.debits_pending, 0)),
    ('debits_posted', a.debits_posted, coalesce(e.debits_posted, 0)),
    ('credits_pending', a.credits_pending, coalesce(e.credits_pending, 0)),
    ('credits_posted', a.credits_posted, coalesce(e.credits_posted, 0))
) AS f (name, kept, told)
WHERE a.kind = 'customer' AND f.kept <> f.told
"""  # noqa: S608 - constants only

RUNNING = f"""
WITH effects AS ({EFFECTS}), running AS (
    SELECT e.sequence, e.account_id, e.balance_after, e.available_after,
        sum(e.credits_posted - e.debits_posted) OVER so_far AS balance,
        sum(e.credits_posted - e.debits_posted - e.debits_pending) OVER so_far AS available
    FROM effects e JOIN billing_account a ON a.id = e.account_id AND a.kind = 'customer'
    WINDOW so_far AS (PARTITION BY e.account_id ORDER BY e.sequence)
)
SELECT format('transfer %s of account %s: says balance %s and available %s after it, the transfers so far give %s and %s',
    sequence, account_id, coalesce(balance_after::text, 'nothing'), coalesce(available_after::text, 'nothing'),
    balance, available) AS text
FROM running
WHERE balance_after IS DISTINCT FROM balance OR available_after IS DISTINCT FROM available
ORDER BY account_id, sequence
"""  # noqa: S608 - constants only

NOT_OVERDRAWN = """
SELECT format('account %s: %s is %s', a.id, f.name, f.value) AS text
FROM billing_account a CROSS JOIN LATERAL (VALUES
    ('the available balance', a.credits_posted - a.debits_posted - a.debits_pending),
    ('debits_pending', a.debits_pending), ('debits_posted', a.debits_posted),
    ('credits_pending', a.credits_pending), ('credits_posted', a.credits_posted)
) AS f (name, value)
WHERE f.value < 0
"""

SYSTEM_KEEPS_NO_TOTAL = """
SELECT format('system account %s (%s) keeps a running total', id, code) AS text
FROM billing_account
WHERE kind = 'system' AND (debits_pending, debits_posted, credits_pending, credits_posted) <> (0, 0, 0, 0)
"""

OWNERS = """
SELECT format('account %s: a %s account with user %s', id, kind, coalesce(user_id::text, 'none')) AS text
FROM billing_account WHERE kind NOT IN ('customer', 'system') OR (kind = 'customer') <> (user_id IS NOT NULL)
UNION ALL
SELECT format('user %s has %s wallets', user_id, count(*))
FROM billing_account WHERE user_id IS NOT NULL GROUP BY user_id HAVING count(*) > 1
UNION ALL
SELECT format('there are %s system accounts called %s in %s', count(*), code, currency)
FROM billing_account WHERE kind = 'system' GROUP BY code, currency HAVING count(*) > 1
"""

SHAPES = """
SELECT format('transfer %s: %s', t.sequence, problem.text) AS text
FROM billing_transfer t
LEFT JOIN billing_account d ON d.id = t.debit_account_id
LEFT JOIN billing_account c ON c.id = t.credit_account_id
CROSS JOIN LATERAL (VALUES
    (t.amount <= 0, format('amount %s is not positive', t.amount)),
    (d.id IS NULL, format('debit account %s does not exist', t.debit_account_id)),
    (c.id IS NULL, format('credit account %s does not exist', t.credit_account_id)),
    (t.debit_account_id = t.credit_account_id, 'both sides are one account'),
    (d.kind = 'customer' AND c.kind = 'customer', 'from customer to customer'),
    (d.kind = 'system' AND c.kind = 'system' AND t.balance_after IS NOT NULL, 'carries figures of no customer'),
    (t.kind NOT IN ('posted', 'pending', 'post_pending', 'void_pending'), format('unknown kind %s', t.kind)),
    (t.kind <> 'posted' AND d.kind = 'system', 'a hold on a system account'),
    ((t.kind = 'pending') <> (t.expires_at IS NOT NULL), format('kind %s and expiry do not fit', t.kind)),
    ((t.kind IN ('post_pending', 'void_pending')) <> (t.pending_id IS NOT NULL), format('kind %s and hold do not fit', t.kind)),
    (t.key = '', 'has no key'),
    (t.code IN ('staff_credit', 'staff_debit') AND t.reason = '', 'an adjustment without a reason')
) AS problem (found, text)
WHERE problem.found
"""

KEYS = """
SELECT format('key %s belongs to %s transfers', key, count(*)) AS text
FROM billing_transfer GROUP BY key HAVING count(*) > 1
"""

CURRENCIES = """
SELECT format('transfer %s: from an account in %s to one in %s', t.sequence, d.currency, c.currency) AS text
FROM billing_transfer t
JOIN billing_account d ON d.id = t.debit_account_id
JOIN billing_account c ON c.id = t.credit_account_id
WHERE d.currency <> c.currency
"""

RESOLUTIONS = """
SELECT format('transfer %s: %s', r.sequence, problem.text) AS text
FROM billing_transfer r LEFT JOIN billing_transfer h ON h.sequence = r.pending_id
CROSS JOIN LATERAL (VALUES
    (h.sequence IS NULL, format('its hold %s does not exist', r.pending_id)),
    (h.kind <> 'pending', format('%s is not a hold', r.pending_id)),
    (h.sequence >= r.sequence, format('comes before its hold %s', r.pending_id)),
    ((h.debit_account_id, h.credit_account_id) <> (r.debit_account_id, r.credit_account_id),
        format('is between other accounts than its hold %s', r.pending_id)),
    (r.kind = 'post_pending' AND r.amount > h.amount, format('captures %s of a hold of %s', r.amount, h.amount)),
    (r.kind = 'void_pending' AND r.amount <> h.amount, format('releases %s of a hold of %s', r.amount, h.amount))
) AS problem (found, text)
WHERE r.pending_id IS NOT NULL AND problem.found
UNION ALL
SELECT format('hold %s is resolved %s times', pending_id, count(*))
FROM billing_transfer WHERE pending_id IS NOT NULL GROUP BY pending_id HAVING count(*) > 1
"""

OVERDUE = """
SELECT format('hold %s of account %s: %s are held, expired on %s, not resolved',
    h.sequence, h.debit_account_id, h.amount, to_char(h.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')) AS text
FROM billing_transfer h
WHERE h.kind = 'pending' AND h.expires_at < now() - interval '1 day'
    AND NOT EXISTS (SELECT FROM billing_transfer r WHERE r.pending_id = h.sequence)
ORDER BY h.expires_at
"""

# What customers own by their accounts, against what the system accounts gave and got by the transfers.
ZERO_SUM = """
WITH customers AS (
    SELECT currency, sum(credits_posted - debits_posted) AS net FROM billing_account WHERE kind = 'customer' GROUP BY currency
), legs AS (
    SELECT debit_account_id AS account_id, -amount AS net FROM billing_transfer WHERE kind IN ('posted', 'post_pending')
    UNION ALL
    SELECT credit_account_id, amount FROM billing_transfer WHERE kind IN ('posted', 'post_pending')
), ours AS (
    SELECT a.currency, sum(l.net) AS net FROM legs l JOIN billing_account a ON a.id = l.account_id
    WHERE a.kind = 'system' GROUP BY a.currency
)
SELECT format('%s: customers own %s and our accounts stand at %s; credits exceed debits by %s', currency,
    coalesce(customers.net, 0), coalesce(ours.net, 0), coalesce(customers.net, 0) + coalesce(ours.net, 0)) AS text
FROM customers FULL JOIN ours USING (currency)
WHERE coalesce(customers.net, 0) + coalesce(ours.net, 0) <> 0
"""

GUARDS = """
SELECT format('trigger %s is %s', guard.name, CASE WHEN t.oid IS NULL THEN 'missing' ELSE 'disabled' END) AS text
FROM (VALUES ('billing_transfer_append_only'), ('billing_transfer_fits'), ('billing_account_kept'), ('billing_account_identity'))
    AS guard (name)
LEFT JOIN pg_trigger t ON t.tgname = guard.name
    AND t.tgrelid IN ('billing_transfer'::regclass, 'billing_account'::regclass)
WHERE t.oid IS NULL OR t.tgenabled = 'D'
"""

CHECKS = (
    Check("figures follow from the transfers", FIGURES),
    Check("running figures", RUNNING),
    Check("nothing below zero", NOT_OVERDRAWN),
    Check("system accounts keep no total", SYSTEM_KEEPS_NO_TOTAL),
    Check("accounts and owners", OWNERS),
    Check("transfers well formed", SHAPES),
    Check("keys used once", KEYS),
    Check("one currency per transfer", CURRENCIES),
    Check("holds resolved rightly", RESOLUTIONS),
    Check("no forgotten hold", OVERDUE),
    Check("debits equal credits", ZERO_SUM),
    Check("guards in place", GUARDS),
)
