"""Adding a factor in a browser: what the session learns of it, and the recovery codes that are shown once."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.http import user_of
from accounts.services import sessions
from namaskah.lib import sealing

SHEET = "recovery_sheet"  # in the session, sealed, until its owner says that they have it
SHOWN_FOR = dt.timedelta(minutes=10)


def carry_out(request: HttpRequest, add: Callable[[], list[str]]) -> list[str]:
    """Add a factor that this browser has just shown.

    With the first one every other session ends: they began before anything more than the password was asked.

    Args:
        add: Adds it and returns recovery codes if it is the first; raises to undo everything.

    Returns:
        Those codes; the next page shows them (`sheet_of`).
    """
    user = user_of(request)
    with transaction.atomic():
        codes = add()
        if codes:
            sessions.end_all(user_id=user.pk, actor=user, except_request=request)
        sessions.mark_verified(request)
    if codes:
        keep_sheet(request, codes)
    return codes


def keep_sheet(request: HttpRequest, codes: list[str]) -> None:
    """Keep codes for the page that shows them; nobody keeps them longer in clear than that takes."""
    sealed = sealing.seal(json.dumps(codes))
    request.session[SHEET] = {"sealed": sealed, "at": timezone.now().isoformat()}


def sheet_of(request: HttpRequest) -> list[str]:
    """The codes to be shown; none once they were put away or ten minutes are over."""
    kept = request.session.get(SHEET)
    if not kept:
        return []
    if timezone.now() - dt.datetime.fromisoformat(kept["at"]) > SHOWN_FOR:
        del request.session[SHEET]
        return []
    return list(json.loads(sealing.unseal(kept["sealed"])))


def put_away(request: HttpRequest) -> None:
    """Their owner has them."""
    request.session.pop(SHEET, None)
