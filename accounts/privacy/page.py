"""What the privacy page tells from the manifest: what is kept, how long, and which cookies are set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.privacy import registry
from accounts.privacy.vocabulary import Keep, Table, period_of

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

ORDER = (
    Keep.ACCOUNT, Keep.CHOSEN, Keep.SESSION, Keep.LOGS, Keep.PROOFS, Keep.EXPORT, Keep.AUDIT, Keep.BOOKS,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kept:
    """Everything that is kept for the same time."""

    period: str
    titles: list[str]


@dataclass(frozen=True, slots=True)
class Cookie:
    """One cookie that we set."""

    name: str
    purpose: StrPromise
    lasts: StrPromise


def kept(*, message_days: int | None) -> list[Kept]:
    """What we keep about a person, by how long; `message_days` is what they chose, where somebody is asked about."""
    titles: dict[Keep, list[str]] = {keep: [] for keep in ORDER}
    for table in registry.tables():
        for keep, title in _titles(table):
            titles[keep].append(title)
    return [
        Kept(period_of(keep, message_days=message_days), sorted(names))
        for keep, names in titles.items()
        if names
    ]


def cookies() -> list[Cookie]:
    """All of them. None is for anything but the site to work, so none asks for consent."""
    return [
        Cookie(
            settings.SESSION_COOKIE_NAME,
            _("knows that you are signed in"),
            _("until you sign out, a day or, if you wish so, 30 days"),
        ),
        Cookie(
            settings.CSRF_COOKIE_NAME, _("makes sure that a form you send came from this site"), _("a year")
        ),
        Cookie(
            settings.DEVICE_COOKIE_NAME,
            _("knows this browser again, so that we can write to you about a new one"),
            _("a year"),
        ),
        Cookie("messages", _("carries a sentence such as “Saved” to the next page"), _("until it is shown")),
    ]


def _titles(table: Table) -> list[tuple[Keep, str]]:
    """Its own title, and those of columns that stay for another time; none for what is not about a customer."""
    if not table.owners and table.keep not in {Keep.LOGS, Keep.PROOFS}:
        return []
    columns = [
        (column.keep, str(column.title))
        for column in table.columns.values()
        if column.title and column.keep is not None
    ]
    return [(table.keep, str(table.title)), *columns]
