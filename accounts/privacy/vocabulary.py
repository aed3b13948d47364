"""The words of the manifest: what a column is, why we may keep it, for how long, and what an erasure does to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db.models import Expression, F, Model, Q, QuerySet
from django.db.models.enums import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _


class Kind(TextChoices):
    """What a column is."""

    IDENTIFIER = "identifier", _("Names the person or the row")
    CONTACT = "contact", _("Reaches the person")
    CONTENT = "content", _("What was received or written")
    MONEY = "money", _("Money")
    SECURITY = "security", _("Keeps the account safe")
    TECHNICAL = "technical", _("Needed to work")


class Ground(TextChoices):
    """Why the law lets us keep it: GDPR Article 6(1), NDPA section 25(1)."""

    CONTRACT = "contract", _("to do what you ordered")
    LAW = "law", _("because the law asks for it")
    INTEREST = "interest", _("to keep accounts and payments safe")
    CONSENT = "consent", _("because you agreed")


class Keep(TextChoices):
    """How long a row stays. `period_of` puts it into words, with the figures of the settings."""

    ACCOUNT = "account"
    CHOSEN = "chosen"  # the days somebody chose, after the end of the order
    SESSION = "session"
    LOGS = "logs"
    PROOFS = "proofs"
    EXPORT = "export"
    AUDIT = "audit"
    BOOKS = "books"
    OURS = "ours"  # not about a customer


class Erase(TextChoices):
    """What an erasure does to a column of a row that stays."""

    BLANK = "blank"
    REPLACE = "replace"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of one table.

    Attributes:
        export: Its name in a copy of the data; empty when it is not in it.
        reads: Where the copy reads it, when that is not the column itself.
        opens: Whether it is sealed in the database and opened in the copy.
        erase: What an erasure does to it. Of no matter in a table whose rows go.
        becomes: What it is replaced by: a value, or a function of the user's id.
        keep: How long, when that is not as long as the row.
        title: What people call it, where it is kept for another time than its row.
    """

    kind: Kind
    export: str = ""
    reads: str | Expression | F | None = None
    opens: bool = False
    erase: Erase = Erase.KEEP
    becomes: Any = None
    keep: Keep | None = None
    title: str | Promise = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One table, and whose its rows are.

    Attributes:
        model: As `app.Model`.
        title: What people call it.
        columns: An answer for each column.
        owners: Look-ups from a row to the user; none when it is not about customers.
        goes: Whether an erasure deletes the rows. Otherwise each column says what happens to it.
        export: The file in a copy of the data, without its ending; empty when it is not in it.
        only: Which rows are in the copy, when not all are.
    """

    model: str
    title: str | Promise
    columns: Mapping[str, Column]
    keep: Keep
    ground: Ground = Ground.INTEREST
    owners: tuple[str, ...] = ()
    goes: bool = False
    export: str = ""
    only: Q = field(default_factory=Q)

    def rows_of(self, user_id: int) -> QuerySet[Model]:
        """Everything this table holds about somebody."""
        mine = Q()
        for owner in self.owners:
            mine |= Q(**{owner: user_id})
        rows: QuerySet[Model] = apps.get_model(self.model)._base_manager.all()
        return rows.filter(mine) if self.owners else rows.none()


def columns(kind: Kind, names: str, **answers: Any) -> dict[str, Column]:
    """The same answer for several columns. With `export=True` each is in the copy under its own name."""
    is_exported = answers.pop("export", False)
    one = Column(kind, **answers)
    return {
        name: replace(one, export=is_exported if isinstance(is_exported, str) else name)
        if is_exported
        else one
        for name in names.split()
    }


def ours(model: str, title: str | Promise, names: str) -> Table:
    """A table that says nothing about a customer."""
    return Table(model, title, columns(Kind.TECHNICAL, names), keep=Keep.OURS)


def period_of(keep: Keep, *, message_days: int | None = None) -> str:
    """How long, in words and with the figures that hold now.

    Args:
        message_days: What the reader chose, where that is known.
    """
    match keep:
        case Keep.ACCOUNT:
            return gettext("as long as you have an account")
        case Keep.CHOSEN if message_days is not None:
            return ngettext(
                "%(days)d day after the order ends", "%(days)d days after the order ends", message_days
            ) % {"days": message_days}
        case Keep.CHOSEN:
            return gettext("up to 30 days after the order ends, as you choose")
        case Keep.SESSION:
            return gettext("until you sign out or the session ends, 30 days at most")
        case Keep.LOGS:
            return _days(settings.LOG_KEEP_DAYS)
        case Keep.PROOFS:
            return gettext("until they are used or too old, and %(days)d days more") % {
                "days": settings.PROOF_KEEP_DAYS
            }
        case Keep.EXPORT:
            return gettext("%(hours)d hours") % {"hours": settings.EXPORT_KEEP_HOURS}
        case Keep.AUDIT:
            return _days(settings.AUDIT_KEEP_DAYS)
        case Keep.BOOKS:
            return gettext("as long as the law asks for books, without your name or address once you leave")
        case Keep.OURS:
            return gettext("as long as we need it; it is not about you")


def _days(count: int) -> str:
    return ngettext("%(days)d day", "%(days)d days", count) % {"days": count}
