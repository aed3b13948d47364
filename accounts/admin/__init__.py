"""Accounts in the staff console, one module a subject."""

from accounts.admin import audit, events, factor_resets, notices, outbox, people, roles

__all__ = ["audit", "events", "factor_resets", "notices", "outbox", "people", "roles"]
