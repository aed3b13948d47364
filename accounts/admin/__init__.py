"""Accounts in the staff console, one module a subject."""

from accounts.admin import audit, events, notices, outbox, people, roles

__all__ = ["audit", "events", "notices", "outbox", "people", "roles"]
