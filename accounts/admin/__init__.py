"""Accounts in the staff console, one module a subject."""

from accounts.admin import events, outbox, people, roles

__all__ = ["events", "outbox", "people", "roles"]
