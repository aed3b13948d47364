"""The staff console's pages for catalogue and orders."""

from verifications.admin import catalog, codes, providers, verifications

__all__ = ["catalog", "codes", "providers", "verifications"]
