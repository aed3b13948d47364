"""Addresses of this app's things, for statements that refer to them."""

from __future__ import annotations

from django.urls import NoReverseMatch, reverse


def order_url(identifier: str) -> str | None:
    """The page of a verification, or None for something that is not an id."""
    try:
        return reverse("verifications:detail", args=[identifier])
    except NoReverseMatch:
        return None
