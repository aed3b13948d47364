"""Accounts in the staff console, one module a subject."""

from accounts.admin import audit, events, outbox, people, roles

__all__ = ["audit", "events", "outbox", "people", "roles"]
