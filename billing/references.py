"""Where a transfer's reference (`prefix:id`) links.

The app that owns a prefix says so at start-up, since billing knows money only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

Resolver = Callable[[str], str | None]
_resolvers: dict[str, Resolver] = {}


def register(prefix: str, resolver: Resolver) -> None:
    """Name who resolves `prefix:…`.

    Args:
        resolver: Gets what follows the colon and returns an address of the site, or None. It is called for each row of a
            statement, so it builds the address without a query.
    """
    _resolvers[prefix] = resolver


def resolve(reference: str) -> str | None:
    """The address of what a reference names, or None when nobody knows it."""
    prefix, separator, identifier = reference.partition(":")
    resolver = _resolvers.get(prefix)
    return resolver(identifier) if resolver is not None and separator and identifier else None


def resolve_all(references: Iterable[str]) -> dict[str, str | None]:
    """Resolve each distinct reference once."""
    return {reference: resolve(reference) for reference in set(references)}
