"""Who is asking: one query finds a session's row and its person, and what it says counts.

Redis may remember a session that has ended, or an account that was closed meanwhile. So the key in the cookie is looked up in
the table at each request that wants to know, together with the person: ending a session or closing an account works at the
next request, also when Redis was away at that moment. Source: docs/decisions/0005-accounts.md
"""

from __future__ import annotations

from functools import cache
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.db import connection
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.functional import SimpleLazyObject

from accounts import session_limits
from accounts.models import Session, User
from accounts.services import known_devices
from accounts.sessions import digest
from namaskah.lib import request_facts


class SessionUserMiddleware(AuthenticationMiddleware):
    """Sets `request.user`, which asks the database when somebody first looks at it; hands out the cookie of a new device."""

    def process_request(self, request: HttpRequest) -> None:
        request.user = SimpleLazyObject(lambda: user_of_request(request))  # type: ignore[assignment]
        request.auser = lambda: sync_to_async(user_of_request)(request)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        known_devices.hand_out(request, response)
        return response


def user_of_request(request: HttpRequest) -> User | AnonymousUser:
    """The person signed in, or nobody; a session that is no more is emptied, which takes its cookie away."""
    store = request.session
    if store.get(SESSION_KEY) is None:
        return AnonymousUser()
    found = find(store)
    if found is None:
        store.flush()
        return AnonymousUser()
    session, user = found
    request.session_row = session  # type: ignore[attr-defined]
    if session_limits.is_seen_long_ago(session, user):
        _note_seen(session)
    return user


def session_of(request: HttpRequest) -> Session | None:
    """The row of the session that the person asking is signed in with."""
    if not request.user.is_authenticated or not request.session.session_key:
        return None
    row: Session | None = getattr(request, "session_row", None)
    key = digest(request.session.session_key)
    if row is None or row.session_key != key:
        row = Session.objects.filter(pk=key).first()
        request.session_row = row  # type: ignore[attr-defined]
    return row


def find(store: SessionBase) -> tuple[Session, User] | None:
    """The living session of somebody whose account is open, if that is what the store has."""
    if not store.session_key or store.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return None
    found = _read(store.session_key)
    if found is None:
        return None
    session, user = found
    if str(user.pk) != store[SESSION_KEY] or not user.is_active or session_limits.is_over(session, user):
        return None
    return found if _is_of(store, user) else None


def hashes_of(user: User) -> list[str]:
    """What a session of this person may hold: by today's SECRET_KEY first, by those of before after it."""
    return [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]


def _is_of(store: SessionBase, user: User) -> bool:
    """Whether the session began since the password and `session_epoch` are what they are."""
    held = str(store.get(HASH_SESSION_KEY) or "")
    return any(constant_time_compare(held, valid) for valid in hashes_of(user))


def _read(session_key: str) -> tuple[Session, User] | None:
    text, names, person_names = _statement()
    with connection.cursor() as cursor:
        cursor.execute(text, [digest(session_key)])
        row = cursor.fetchone()
    if row is None:
        return None
    session = Session.from_db(connection.alias, names, row[: len(names)])
    user = User.from_db(connection.alias, person_names, row[len(names) :])
    session.user = user
    return session, user


@cache
def _statement() -> tuple[str, list[str], list[str]]:
    """Built once: every page runs it. The data of the session is read by the store, mostly from Redis."""
    fields: list[Any] = [field for field in Session._meta.concrete_fields if field.name != "session_data"]
    person: list[Any] = list(User._meta.concrete_fields)
    columns = ", ".join(
        [f'session."{field.column}"' for field in fields] + [f'person."{field.column}"' for field in person]
    )
    text = (
        f"SELECT {columns} FROM {Session._meta.db_table} AS session "  # noqa: S608
        f"JOIN {User._meta.db_table} AS person ON person.id = session.user_id WHERE session.session_key = %s"
    )
    return text, [field.attname for field in fields], [field.attname for field in person]


def _note_seen(session: Session) -> None:
    """Of several requests at once one writes."""
    address = request_facts.current().address or session.address
    now = timezone.now()
    Session.objects.filter(pk=session.pk, last_seen_at=session.last_seen_at).update(
        last_seen_at=now, address=address
    )
    session.last_seen_at, session.address = now, address
