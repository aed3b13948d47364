"""The replaying vendor, for every provider test."""

from __future__ import annotations

from tests.verifications.providers.replay import vendor

__all__ = ["vendor"]
