"""Reading notices: the list under the bell, and how many of them nobody has read."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Func, IntegerField, OuterRef

from accounts.models import Notice, NoticePreference
from accounts.services import notice_topics, notice_words
from accounts.services.notice_topics import Topic
from namaskah.lib import keyset

COUNTED = 100  # beyond it the bell says "99+": counting more would cost each page what nobody reads
OWN = (
    "/",
    "https://",
)  # where a notice may lead: pages of ours, and a bank's that wants to hear from its customer


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """A notice as the page shows it."""

    id: uuid.UUID
    words: str
    url: str
    icon: str
    topic: str
    created_at: dt.datetime
    is_unread: bool


@dataclass(frozen=True, slots=True)
class NoticePage:
    """One page, newest first, with the cursors of its neighbours."""

    rows: list[NoticeRow]
    older: str | None
    newer: str | None


def notice_page(user_id: int, *, older: str = "", newer: str = "") -> NoticePage:
    """One page of what somebody was told on the site. One query."""
    shown = Notice.objects.filter(user_id=user_id, is_shown=True).order_by("-created_at", "-pk")
    page = keyset.page(shown, older=older, newer=newer)
    return NoticePage([_row(notice) for notice in page.rows], page.older, page.newer)


def unread(user: str = "pk") -> Func:
    """How many notices somebody has not read, `COUNTED` at most: an expression for a query about people.

    Args:
        user: What names the person in that query.
    """
    waiting = Notice.objects.filter(user=OuterRef(user), is_shown=True, read_at=None).order_by()
    return Func(
        ArraySubquery(waiting.values("pk")[:COUNTED]), function="cardinality", output_field=IntegerField()
    )


def preferences(user_id: int) -> dict[Topic, tuple[bool, bool]]:
    """For each topic that can be chosen, whether it is wanted on the site and by e-mail. One query."""
    kept: dict[str, Any] = {
        row.topic: (row.in_app, row.by_email) for row in NoticePreference.objects.filter(user_id=user_id)
    }
    rules = notice_topics.RULES
    return {
        topic: kept.get(topic.value, (rules[topic].in_app, rules[topic].by_email))
        for topic in notice_topics.CHOSEN
    }


def _row(notice: Notice) -> NoticeRow:
    topic = notice_topics.of(notice.template)
    url = str(notice.context.get("url", ""))
    return NoticeRow(
        id=notice.pk,
        words=notice_words.words(notice.template, notice.context),
        url=url if url.startswith(OWN) and not url.startswith("//") else "",
        icon=notice_topics.RULES[topic].icon,
        topic=str(topic.label),
        created_at=notice.created_at,
        is_unread=notice.read_at is None,
    )
