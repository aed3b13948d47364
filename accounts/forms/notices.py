"""What somebody wants to hear of: two switches for each topic, and one for news about the product."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms import BoundField
from django.utils.translation import gettext as _

from accounts.services import notice_topics
from accounts.services.notice_topics import Topic


@dataclass(frozen=True, slots=True)
class TopicRow:
    """One topic as the page shows it."""

    label: str
    about: str
    switches: tuple[BoundField, BoundField]  # on the site, by e-mail


class NoticeForm(forms.Form):
    """Switches that are on when they are sent: a browser leaves out those that are off."""

    def __init__(self, *args: Any, wishes: Mapping[Topic, tuple[bool, bool]], **more: Any) -> None:
        super().__init__(*args, **more)
        for topic, (in_app, by_email) in wishes.items():
            self._add(topic, "in_app", in_app, _("%(topic)s: on the site"))
            self._add(topic, "by_email", by_email, _("%(topic)s: by e-mail"))

    def _add(self, topic: Topic, channel: str, is_on: bool, label: str) -> None:
        self.fields[f"{topic.value}-{channel}"] = forms.BooleanField(
            label=label % {"topic": topic.label}, required=False, initial=is_on
        )

    def rows(self) -> Iterator[TopicRow]:
        """The topics with their switches."""
        for topic in notice_topics.CHOSEN:
            rule = notice_topics.RULES[topic]
            switches = (self[f"{topic.value}-in_app"], self[f"{topic.value}-by_email"])
            yield TopicRow(str(topic.label), str(rule.about), switches)

    def wishes(self) -> dict[Topic, tuple[bool, bool]]:
        """What was chosen."""
        data = self.cleaned_data
        return {
            topic: (data[f"{topic.value}-in_app"], data[f"{topic.value}-by_email"])
            for topic in notice_topics.CHOSEN
        }


class ProductNewsForm(forms.Form):
    """Consent to news about the product. Its words are dated in `legal.MARKETING_WORDS_OF`."""

    news = forms.BooleanField(required=False)
