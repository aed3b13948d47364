"""The failures of Paystack's API: their names, and which calls each can strike."""

KINDS = frozenset({"initialize", "verify", "list", "charge", "refund", "dispute", "read", "change"})
"""`refund` and `dispute` are the calls that write; `change` is everything else that writes; `read` shows one thing."""

FAULTS: dict[str, frozenset[str]] = {
    # The call is not carried out.
    "timeout_before": KINDS,
    "connection_reset": KINDS,
    "http_500": KINDS,
    "html_200": KINDS,
    "rate_limited": KINDS,
    "please_wait": KINDS,
    "bad_key": KINDS,
    "deactivated": KINDS,
    "redirect": KINDS,
    "huge_body": KINDS,
    # The call is carried out and its answer is lost or damaged.
    "timeout_after": KINDS,
    "http_502_after": KINDS,
    "truncated_json": KINDS,
    "empty_body": KINDS,
    # The call is carried out and answered.
    "slow": KINDS,
}
