"""One integration at Paystack: payments, hosted checkout, refunds, disputes, account numbers, settlements, webhooks.

No real money. Shapes follow Paystack's documentation, its oddities included; docs/sandbox.md says which can be asked for.
"""
