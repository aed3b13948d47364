"""All manifests together, and what the apps add that a list of columns cannot say."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from accounts.privacy.vocabulary import Table

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What an erasure has to wait for.

    Attributes:
        code: Short and stable, for the log and for telling it once.
        words: For the person.
        is_theirs: Whether it stays until they do something about it.
        url: Where they can.
        amount: The money it is about, in words.
    """

    code: str
    words: StrPromise | str
    is_theirs: bool = False
    url: str = ""
    amount: str = ""


def _nothing_in_the_way(user_id: int, gives_up_balance: bool) -> list[Obstacle]:
    return []


def _is_ready(user_id: int) -> bool:
    return True


def _nothing_more(user_id: int) -> None:
    return None


def _nothing_to_forget() -> int:
    return 0


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one app knows about people.

    Attributes:
        app: Its label.
        tables: In the order in which an erasure goes through them: rows that point come before rows that are pointed at.
        obstacles: What stands in the way of an erasure: of a user's id, and whether they give up their balance.
        prepare: Does what must happen before the data goes (the vendor is told to forget); False when it has to be asked again.
        settle: Takes what the person gives up, in the transaction of the app's erasure.
        scrub: Removes what no list of columns finds, in the transaction of the app's erasure and before its tables.
        retain: Forgets what is too old, in batches, and returns how many rows went.
    """

    app: str
    tables: tuple[Table, ...]
    obstacles: Callable[[int, bool], list[Obstacle]] = _nothing_in_the_way
    prepare: Callable[[int], bool] = _is_ready
    settle: Callable[[int], None] = _nothing_more
    scrub: Callable[[int], None] = _nothing_more
    retain: Callable[[], int] = _nothing_to_forget


_manifests: dict[str, Manifest] = {}


def register(manifest: Manifest) -> None:
    """Add an app's manifest; called from its `ready`."""
    _manifests[manifest.app] = manifest


def manifests() -> list[Manifest]:
    """All of them, those of the apps that stand on others first: their rows point at the others'."""
    return list(reversed(_manifests.values()))


def tables() -> Iterable[Table]:
    """All tables."""
    return (table for manifest in manifests() for table in manifest.tables)
