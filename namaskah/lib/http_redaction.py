"""Take keys out of text that may be logged or kept: addresses, exception messages, vendors' own words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

HIDDEN = "[hidden]"

# The names under which vendors take their key in the query, and the header forms.
_PAIR = re.compile(r"""(?i)\b(api[_-]?key|token|customer|key)=([^&\s"'<>#]*)""")
_HEADER = re.compile(
    r"""(?i)\b(authorization|x-apikey|x-api-key)(["']?\s*[:=]\s*["']?)((?:bearer|basic|apikey)\s+)?[^\s"',;]+"""
)
_SCHEME = re.compile(r"(?i)\b(bearer|basic|apikey)\s+[A-Za-z0-9._~+/=-]{8,}")
# Paystack's secret keys, and what can charge a card again or tells one card from another.
_PREFIXED = re.compile(r"\b(sk_(?:live|test)|AUTH|SIG)_[A-Za-z0-9]+")
_MIN_SECRET = 4  # shorter ones would blank out ordinary words


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Replace keys, tokens and every string of `secrets`, plain or as written in an address."""
    for secret in secrets:
        if len(secret) >= _MIN_SECRET:
            for form in {secret, quote(secret, safe=""), quote_plus(secret)}:
                text = text.replace(form, HIDDEN)
    if "=" in text:
        text = _PAIR.sub(rf"\1={HIDDEN}", text)
    if "_" in text:
        text = _PREFIXED.sub(rf"\1_{HIDDEN}", text)
    if " " in text:
        text = _SCHEME.sub(rf"\1 {HIDDEN}", text)
    if ":" in text or "=" in text:
        text = _HEADER.sub(rf"\1\2{HIDDEN}", text)
    return text
