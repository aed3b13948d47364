"""Who can prove what a customer got for the money. Billing knows money only, so other apps say at start-up what they know."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.utils.functional import Promise

Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that was delivered, or not: when, what, and facts as pairs of label and value. Never a code or a text."""

    at: dt.datetime
    title: str
    facts: Facts


Source = Callable[[int, dt.datetime, dt.datetime], Iterable[Item]]
_sources: dict[str | Promise, Source] = {}


def register(name: str | Promise, source: Source) -> None:
    """Add a source.

    Args:
        name: Of the section in the evidence, such as "Orders".
        source: Gets the customer's id and a span of time, and returns what happened in it, the oldest first.
    """
    _sources[name] = source


def collect(user_id: int, since: dt.datetime, until: dt.datetime) -> dict[str, list[Item]]:
    """What every source knows, by section; sections without anything are left out."""
    found = {str(name): list(source(user_id, since, until)) for name, source in _sources.items()}
    return {name: items for name, items in found.items() if items}
