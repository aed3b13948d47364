"""What somebody does with their notices: reading them, and choosing what to hear of."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from django.db import transaction
from django.utils import timezone

from accounts.audit_actions import AuditAction
from accounts.models import Notice, NoticePreference, User
from accounts.selectors import notices as selectors
from accounts.services import audit, notice_topics
from accounts.services.notice_topics import Topic

Wish = tuple[bool, bool]  # on the site, by e-mail


def mark_read(*, user_id: int, notice_id: uuid.UUID) -> bool:
    """One notice is read. False when it is not theirs; repeating it is no error."""
    own = Notice.objects.filter(pk=notice_id, user_id=user_id, is_shown=True)
    return bool(own.filter(read_at=None).update(read_at=timezone.now())) or own.exists()


def mark_all_read(*, user_id: int, until: uuid.UUID) -> int:
    """Everything up to a notice is read; what came after the page was made stays unread. Returns how many were not yet."""
    newest = Notice.objects.filter(pk=until, user_id=user_id, is_shown=True).values_list(
        "created_at", flat=True
    )
    at = newest.first()
    if at is None:
        return 0
    waiting = Notice.objects.filter(user_id=user_id, is_shown=True, read_at=None, created_at__lte=at)
    return waiting.update(read_at=timezone.now())


def choose(*, user: User, wishes: Mapping[Topic, Wish]) -> bool:
    """Keep what somebody wants to hear of, where it differs from the default. False when nothing changed.

    Topics that cannot be chosen are left alone whatever is asked: security is always told in both places.
    """
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)  # two forms at once: the later one holds whole
        before = selectors.preferences(user.pk)
        after = {**before, **{topic: wish for topic, wish in wishes.items() if topic in before}}
        changed = {topic for topic in after if after[topic] != before[topic]}
        if not changed:
            return False
        _write(user, {topic: after[topic] for topic in changed})
        audit.record(
            AuditAction.PREFERENCES_CHANGED,
            actor=user,
            subject=user,
            before=_in_words(before, changed),
            after=_in_words(after, changed),
        )
    return True


def _write(user: User, wishes: Mapping[Topic, Wish]) -> None:
    NoticePreference.objects.filter(user=user, topic__in=list(wishes)).delete()
    rules = notice_topics.RULES
    NoticePreference.objects.bulk_create(
        NoticePreference(user=user, topic=topic.value, in_app=in_app, by_email=by_email)
        for topic, (in_app, by_email) in wishes.items()
        if (in_app, by_email) != (rules[topic].in_app, rules[topic].by_email)
    )


def _in_words(wishes: Mapping[Topic, Wish], topics: set[Topic]) -> dict[str, str]:
    """As the trail keeps it: `site+email`, `site`, `email` or `nowhere` for each topic."""
    names = {
        (True, True): "site+email",
        (True, False): "site",
        (False, True): "email",
        (False, False): "nowhere",
    }
    return {topic.value: names[wishes[topic]] for topic in sorted(topics)}
