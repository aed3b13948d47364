"""The session engine: Redis for speed, PostgreSQL for truth; named by a digest of what the cookie holds.

`SESSION_ENGINE` names this module. A row knows whose session it is and from where, so people see their devices and can end
each. What Redis remembers never decides whether somebody is signed in: `accounts/session_user.py` asks for the row.
"""

from __future__ import annotations

import hashlib
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.cached_db import SessionStore as CachedDatabaseStore
from django.contrib.sessions.exceptions import SessionInterrupted
from django.core.cache import caches

from accounts.models import Session

CACHE_PREFIX = "session:"


def digest(key: str) -> str:
    """How a key is written down. The key has 165 bits of chance in it, so a plain digest cannot be guessed back."""
    return hashlib.sha256(key.encode()).hexdigest()[:40]


def forget_cached(digests: list[str]) -> None:
    """Drop what Redis has of these sessions. When it is away nothing is lost: their rows decide."""
    caches[settings.SESSION_CACHE_ALIAS].delete_many([CACHE_PREFIX + each for each in digests])


class SessionStore(CachedDatabaseStore):
    """Django's cached sessions with our table, and with digests for keys in it and in Redis.

    The data is written by the store; when, from where and how a session began are columns that the data does not know.
    """

    cache_key_prefix = CACHE_PREFIX

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
        return Session(
            session_key=digest(self._get_or_create_session_key()),  # type: ignore[attr-defined]
            session_data=self.encode(data),
            expire_date=self.get_expiry_date(),
            user_id=_user_id(data),
        )

    def save(self, must_create: bool = False) -> None:
        """Write the data.

        Raises:
            UpdateError: The session has ended meanwhile; writing it anew would bring it back.
        """
        if self.session_key is None:
            self.create()
            return
        if must_create:
            super().save(must_create=True)
            return
        data: dict[str, Any] = self._get_session()  # type: ignore[attr-defined]
        written = Session.objects.filter(pk=digest(self.session_key)).update(
            session_data=self.encode(data), expire_date=self.get_expiry_date(), user_id=_user_id(data)
        )
        if not written:
            raise UpdateError
        caches[settings.SESSION_CACHE_ALIAS].set(self.cache_key, data, self.get_expiry_age())

    def cycle_key(self) -> None:
        """Go on under another key. The row stays the same one, so who it is about keeps finding it.

        Raises:
            SessionInterrupted: Somebody's session has ended meanwhile.
        """
        data: dict[str, Any] = self._get_session()  # type: ignore[attr-defined]
        old = self.session_key
        new: str = self._get_new_session_key()  # type: ignore[attr-defined]
        moved = old is not None and Session.objects.filter(pk=digest(old)).update(session_key=digest(new))
        if old is not None and moved:
            self._session_key = new
            self.modified = True
            forget_cached([digest(old)])
            return
        if SESSION_KEY in data:
            raise SessionInterrupted("The session ended while it was used.")
        self.create()
        self._session_cache = data

    def delete(self, session_key: str | None = None) -> None:
        """End it, in both places."""
        key = session_key or self.session_key
        if key is None:
            return
        Session.objects.filter(pk=digest(key)).delete()
        forget_cached([digest(key)])

    def _get_session_from_db(self) -> Session | None:
        row = Session.living().filter(pk=digest(self.session_key or "")).first()
        if row is None:
            self._session_key = None
        return row


def _user_id(data: dict[str, Any]) -> int | None:
    user_id = data.get(SESSION_KEY)
    return int(user_id) if user_id else None
