"""What waits for a person, as the staff console's start page lists it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

COUNTED_AT_MOST = 1000  # more than that is one emergency, whatever the figure


@dataclass(frozen=True, slots=True)
class Waiting:
    """One kind of thing that needs a person today.

    Attributes:
        url: The list of just these.
        permission: Whoever lacks it does not see it.
        is_urgent: Time runs out, or money is at stake.
        hint: What it means, in a few words.
    """

    label: StrOrPromise
    count: int
    url: str
    permission: str
    is_urgent: bool = False
    hint: StrOrPromise = ""

    @property
    def shown_count(self) -> str:
        """The count, or that it is above what is counted."""
        return f"{COUNTED_AT_MOST}+" if self.count > COUNTED_AT_MOST else str(self.count)
