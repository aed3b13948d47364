"""The session engine: Redis for speed, PostgreSQL for truth; named by a digest of what the cookie holds.

`SESSION_ENGINE` names this module. A row knows whose session it is and from where, so people see their devices and can end
each. What Redis remembers never decides whether somebody is signed in: `accounts/session_user.py` asks for the row.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.cached_db import SessionStore as CachedDatabaseStore
from django.core.cache import caches

from accounts.models import Session
from namaskah.lib.ids import uuid7

FACTS = "_facts"  # where a session's data says when, from where and how it began


def digest(key: str) -> str:
    """How a key is written down. The key has 165 bits of chance in it, so a plain digest cannot be guessed back."""
    return hashlib.sha256(key.encode()).hexdigest()[:40]


class SessionStore(CachedDatabaseStore):
    """Django's cached sessions with our table, and with digests for keys in it and in Redis."""

    cache_key_prefix = "session:"

    @classmethod
    def get_model_class(cls) -> type[Session]:
        """Our table."""
        return Session

    @property
    def cache_key(self) -> str:
        """Where Redis has it."""
        return self.cache_key_prefix + digest(self._get_or_create_session_key())  # type: ignore[attr-defined]

    def exists(self, session_key: str) -> bool:
        """Whether a key is taken."""
        return bool(session_key) and Session.objects.filter(pk=digest(session_key)).exists()

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        """The row for this session's data."""
        facts = data.get(FACTS, {})
        user_id = data.get(SESSION_KEY)
        return Session(
            session_key=digest(self._get_or_create_session_key()),  # type: ignore[attr-defined]
            session_data=self.encode(data),
            expire_date=self.get_expiry_date(),
            id=uuid.UUID(facts["id"]) if facts.get("id") else uuid7(),
            user_id=int(user_id) if user_id else None,
            address=facts.get("address"),
            user_agent=facts.get("user_agent", ""),
            is_remembered=facts.get("is_remembered", False),
            **_times(facts, "started_at", "verified_at"),
        )

    def delete(self, session_key: str | None = None) -> None:
        """End it, in both places."""
        key = session_key or self.session_key
        if key is None:
            return
        Session.objects.filter(pk=digest(key)).delete()
        caches[settings.SESSION_CACHE_ALIAS].delete(self.cache_key_prefix + digest(key))

    def _get_session_from_db(self) -> Session | None:
        row = Session.living().filter(pk=digest(self.session_key or "")).first()
        if row is None:
            self._session_key = None
        return row


def facts_of(session: SessionBase) -> dict[str, Any]:
    """When, from where and how this session began; empty for a visitor's."""
    return dict(session.get(FACTS, {}))


def _times(facts: dict[str, Any], *names: str) -> dict[str, dt.datetime]:
    return {name: dt.datetime.fromisoformat(facts[name]) for name in names if facts.get(name)}
