"""The legal pages: which there are, since when they say what they say, and what changed. Their text is in templates/legal/.

A version is its date. Consent is noted with it (`services/consents.py`).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from accounts.enums import Document

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise


@dataclass(frozen=True, slots=True)
class Change:
    """What a version changed, for people who knew the one before."""

    on: dt.date
    what: StrPromise


@dataclass(frozen=True, slots=True)
class LegalPage:
    """One page; `changes` has the newest first."""

    slug: str
    title: StrPromise
    changes: tuple[Change, ...]

    @property
    def version(self) -> str:
        """The date of the text that holds now."""
        return self.changes[0].on.isoformat()

    @property
    def template(self) -> str:
        """Where its text is."""
        return f"legal/{self.slug.replace('-', '_')}.html"


FIRST = (Change(dt.date(2026, 11, 21), _("The first version.")),)
PAGES: dict[str, LegalPage] = {
    page.slug: page
    for page in (
        LegalPage("terms", _("Terms of service"), FIRST),
        LegalPage("privacy", _("Privacy notice"), FIRST),
        LegalPage("acceptable-use", _("Acceptable use"), FIRST),
        LegalPage("refunds", _("Refunds"), FIRST),
        LegalPage("cookies", _("Cookies"), FIRST),
    )
}
MARKETING_WORDS_OF = "2026-11-21"  # the sentence beside the switch for product news; see the privacy notice
VERSIONS: dict[Document, str] = {
    Document.TERMS: PAGES["terms"].version,
    Document.PRIVACY: PAGES["privacy"].version,
    Document.MARKETING: MARKETING_WORDS_OF,
}
