"""Addresses of billing's own things, for statements that refer to them."""

from __future__ import annotations

from django.urls import NoReverseMatch, reverse


def deposit_url(identifier: str) -> str | None:
    """The page of a deposit, or None for something that is not an id."""
    return _page("billing:deposit", identifier)


def refund_url(identifier: str) -> str | None:
    """The page of a refund, or None for something that is not an id."""
    return _page("billing:refund", identifier)


def _page(name: str, identifier: str) -> str | None:
    try:
        return reverse(name, args=[identifier])
    except NoReverseMatch:
        return None
