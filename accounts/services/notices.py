"""Telling people things: under the bell, by e-mail, or both, as they want it. Source: docs/decisions/0005-accounts.md"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from psycopg.types.json import Jsonb

from accounts.services import email_templates, emails, notice_topics, notice_words
from namaskah.lib.ids import uuid7

# One statement for any number of facts: who wants to hear of each and where, then a row for those that are new. In the order
# of their keys, so that two runs over the same facts wait for each other instead of locking each other out.
INSERT = """
WITH wanted AS (
    SELECT news.id, news.user_id, news.template, news.context, news.key,
        news.can_be_shown AND COALESCE(wish.in_app, news.in_app) AS is_shown,
        COALESCE(wish.by_email, news.by_email) AS is_mailed
    FROM unnest(
        %(ids)s::uuid[], %(users)s::bigint[], %(templates)s::text[], %(contexts)s::jsonb[], %(keys)s::text[],
        %(chosen)s::text[], %(can_be_shown)s::boolean[], %(in_app)s::boolean[], %(by_email)s::boolean[]
    ) AS news (id, user_id, template, context, key, chosen, can_be_shown, in_app, by_email)
    JOIN accounts_user AS person ON person.id = news.user_id AND person.state <> 'erased'
    LEFT JOIN accounts_noticepreference AS wish ON wish.user_id = news.user_id AND wish.topic = news.chosen
), told AS (
    INSERT INTO accounts_notice (id, user_id, template, context, key, is_shown, created_at)
    SELECT id, user_id, template, context, key, is_shown, %(now)s FROM wanted ORDER BY key
    ON CONFLICT (key) DO NOTHING
    RETURNING id
)
SELECT wanted.id, wanted.is_mailed FROM wanted JOIN told ON told.id = wanted.id
"""


@dataclass(frozen=True, slots=True)
class News:
    """One fact for one person; the arguments of `tell`."""

    user_id: int
    template: str
    context: dict[str, Any]
    key: str
    secrets: dict[str, str] | None = None


def tell(
    *,
    user_id: int,
    template: str,
    context: dict[str, Any],
    key: str,
    secrets: dict[str, str] | None = None,
) -> bool:
    """Tell somebody one fact, in its transaction; repeating the key does nothing. Two statements at most.

    Args:
        template: One of `email_templates.EMAILS`; `notice_topics` says which topic it comes under.
        context: Text for people, as the template wants it. Kept, and shown under the bell.
        key: The fact, as `deposit-succeeded:<id>`.
        secrets: Links and codes for the e-mail alone.

    Returns:
        Whether it is told now: False when it was told before, or nobody is there to hear it.

    Raises:
        TransactionManagementError: No transaction is open, so it could tell what never happened.
        ValueError: No such template, or its context lacks something.
    """
    return tell_all([News(user_id, template, context, key, secrets)]) == 1


def tell_all(news: Sequence[News]) -> int:
    """Tell many facts, as `tell` does, in one statement and one more for each e-mail that somebody wants.

    Returns:
        How many are told now.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("A notice is written in the transaction of its fact.")
    for fact in news:
        email_templates.check(fact.template, {**fact.context, **(fact.secrets or {})})
    by_id = {uuid7(): fact for fact in news}
    with connection.cursor() as cursor:
        cursor.execute(INSERT, _values(by_id))
        told = dict(cursor.fetchall())
    for notice_id, is_mailed in told.items():
        if is_mailed:
            _mail(by_id[notice_id])
    return len(told)


def _values(by_id: dict[uuid.UUID, News]) -> dict[str, Any]:
    """Columns for `unnest`. A topic that cannot be chosen is asked for by no preference."""
    facts = list(by_id.values())
    topics = [notice_topics.of(fact.template) for fact in facts]
    rules = [notice_topics.RULES[topic] for topic in topics]
    return {
        "ids": list(by_id),
        "users": [fact.user_id for fact in facts],
        "templates": [fact.template for fact in facts],
        "contexts": [Jsonb(_text(fact.context)) for fact in facts],
        "keys": [fact.key for fact in facts],
        "chosen": ["" if rule.is_fixed else topic.value for topic, rule in zip(topics, rules, strict=True)],
        "can_be_shown": [notice_words.has_words(fact.template) for fact in facts],
        "in_app": [rule.in_app for rule in rules],
        "by_email": [rule.by_email for rule in rules],
        "now": timezone.now(),
    }


def _text(context: dict[str, Any]) -> dict[str, str]:
    """As it is read later, whatever it was made of."""
    return {name: "" if value is None else str(value) for name, value in context.items()}


def _mail(fact: News) -> None:
    emails.queue(
        user_id=fact.user_id,
        template=fact.template,
        context=fact.context,
        key=fact.key,
        secrets=fact.secrets,
    )
