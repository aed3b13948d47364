"""What streams ask the database. Plain functions for worker threads; each gives its pooled connection back.

A stream lasts for hours. If it kept the connection of its first read, as many streams as the pool is large would starve every
other page.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import connection, connections
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts import selectors, session_user
from accounts.models import User
from accounts.sessions import digest

P = ParamSpec("P")
R = TypeVar("R")

BATCH = 100
# Newcomers have their own threads, so a crowd that reconnects at once does not delay those who are listening.
newcomers = ThreadPoolExecutor(max_workers=3, thread_name_prefix="stream-newcomers")
followers = ThreadPoolExecutor(max_workers=1, thread_name_prefix="stream-followers")

NEWS = """
SELECT want.user_id, want.cursor, event.sequence, event.id, event.type, event.created_at, event.data::text
FROM unnest(%s::bigint[], %s::bigint[]) AS want (user_id, cursor)
CROSS JOIN LATERAL (
    SELECT * FROM accounts_event WHERE user_id = want.user_id AND sequence > want.cursor ORDER BY sequence LIMIT %s
) AS event
ORDER BY event.sequence
"""
LIVING = """
SELECT want.session_key, person.id, person.password, person.session_epoch
FROM unnest(%s::text[], %s::bigint[]) AS want (session_key, user_id)
JOIN accounts_session AS session ON session.session_key = want.session_key AND session.user_id = want.user_id
    AND session.expire_date > %s
JOIN accounts_user AS person ON person.id = want.user_id AND person.state = 'active'
"""


@dataclass(frozen=True)
class Admission:
    """Who may listen, on the strength of which session, from where in their log."""

    user_id: int
    session_key: str
    auth_hash: str
    cursor: int


@dataclass(frozen=True)
class News:
    """One event for the listeners of `user_id` that stand at `cursor`."""

    user_id: int
    cursor: int
    sequence: int
    frame: bytes


async def in_thread(
    pool: ThreadPoolExecutor, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs
) -> R:
    """Run a read in one of our threads and give the database connection back."""

    def work() -> R:
        try:
            return function(*args, **kwargs)
        finally:
            connections.close_all()

    return await asyncio.get_running_loop().run_in_executor(pool, work)


def admit(session_key: str | None, last_event_id: str) -> Admission | None:
    """Tell who is behind the session cookie and where their stream begins; `None` for nobody.

    A known `last_event_id` of their own resumes behind it, anything else begins now. It changes nothing about the session: a
    stream cannot set the cookie that this would need, and an open page is not a person at work.
    """
    if not session_key:
        return None
    found = session_user.find(import_module(settings.SESSION_ENGINE).SessionStore(session_key))
    if found is None:
        return None
    _session, user = found
    return Admission(
        user_id=user.pk,
        session_key=session_key,
        auth_hash=user.get_session_auth_hash(),
        cursor=_beginning(user.pk, last_event_id),
    )


def news(wants: Iterable[tuple[int, int]]) -> list[News]:
    """The events behind each (user, cursor), at most `BATCH` for each, in one query."""
    users, cursors = zip(*wants, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(NEWS, [list(users), list(cursors), BATCH])
        rows = cursor.fetchall()
    return [
        News(user_id, at, sequence, frame(event_id, event_type, created_at, data))
        for user_id, at, sequence, event_id, event_type, created_at, data in rows
    ]


def living_sessions(listeners: Iterable[tuple[str, int, str]]) -> set[tuple[str, int]]:
    """Those of (session key, user, auth hash) that have not ended, as (session key, user), in one query.

    That staff has done nothing for half an hour does not end an open stream, since listening is all a stream does. Their next
    page ends the session, and that ends the stream; so does the session's age.
    """
    known = {(key, user_id): auth_hash for key, user_id, auth_hash in listeners}
    digests = {digest(key): key for key, _user_id in known}
    wanted = [(digest(key), user_id) for key, user_id in known]
    with connection.cursor() as cursor:
        cursor.execute(
            LIVING, [[key for key, _ in wanted], [user_id for _, user_id in wanted], timezone.now()]
        )
        rows = cursor.fetchall()
    return {
        (digests[key], user_id)
        for key, user_id, password, epoch in rows
        if constant_time_compare(
            User(password=password, session_epoch=epoch).get_session_auth_hash(), known[digests[key], user_id]
        )
    }


def frame(event_id: uuid.UUID, event_type: str, created_at: datetime, data: str) -> bytes:
    """One event on the wire. `data` is JSON text from PostgreSQL, which has no line breaks in it."""
    at = created_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    body = f'{{"id":"{event_id}","type":"{event_type}","created_at":"{at}","data":{data}}}'
    return f"id: {event_id}\nevent: {event_type}\ndata: {body}\n\n".encode()


def _beginning(user_id: int, last_event_id: str) -> int:
    try:
        sequence = selectors.sequence_of(user_id, uuid.UUID(last_event_id))
    except ValueError:
        sequence = None
    return selectors.newest_sequence(user_id) if sequence is None else sequence
