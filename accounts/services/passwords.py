"""Passwords that we make up."""

from __future__ import annotations

import secrets


def random_password() -> str:
    """24 characters, 144 bits; shown once, never kept in clear."""
    return secrets.token_urlsafe(18)
