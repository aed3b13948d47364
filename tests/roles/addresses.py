"""Every address of the site: each pattern of the URL configuration, filled in with what the scene has."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.urls import URLPattern, URLResolver, get_resolver

PLACEHOLDER = re.compile(r"<(?:\w+:)?(\w+)>")
MODEL_PAGE = re.compile(r"^ops/(\w+)/(\w+)/(.*)$")
# Regular expressions, which cannot be filled in by name.
REGULAR = {
    r"^([^/]+)/history/([^/]+)/$": "<object_id>/history/<version_id>/",
    r"(?P<url>.*)$": "nowhere/",
}


@dataclass(frozen=True, slots=True)
class Address:
    """`key` is what the table calls it: the URL's name, with the act's slug behind it where one pattern has several."""

    key: str
    path: str
    view: Any


def all_addresses(args: dict[str, Any], rows: dict[str, Model]) -> Iterator[Address]:
    """All of them, the console's as well."""
    for name, route, view in patterns():
        yield from _filled(name, route, view, args, rows)


def patterns(
    of: Sequence[URLPattern | URLResolver] | None = None, prefix: str = "", namespace: str = ""
) -> Iterator[tuple[str, str, Any]]:
    """Name, route and view of each pattern below these, or of all there are."""
    for pattern in get_resolver().url_patterns if of is None else of:
        route = prefix + REGULAR.get(str(pattern.pattern), str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from patterns(pattern.url_patterns, route, inner)
        else:
            yield f"{namespace}{pattern.name or ''}", route, pattern.callback


def _filled(
    name: str, route: str, view: Any, args: dict[str, Any], rows: dict[str, Model]
) -> Iterator[Address]:
    if route.startswith("ops/^(?P<app_label>"):
        yield Address(name, "/ops/billing/", view)
        return
    model = MODEL_PAGE.match(route)
    if model is None or "object_id" not in route:
        yield Address(name or route, _fill(route, args), view)
        return
    label = f"{model[1]}.{model[2]}"
    row = rows.get(label)
    if row is None:
        yield Address(f"{label} in the scene", "/", view)
        return
    key = name if name != "admin:" else f"admin:{model[1]}_{model[2]}_short"
    values = args | {"object_id": row.pk, "version_id": _version(row)}
    for slug in _slugs(row) if "<slug:slug>" in route else [""]:
        yield Address(f"{key}:{slug}" if slug else key, _fill(route, values | {"slug": slug}), view)


def _fill(route: str, values: dict[str, Any]) -> str:
    """The path, with a question mark for what the scene has nothing for: the table's answer will not fit."""
    return "/" + PLACEHOLDER.sub(lambda found: str(values.get(found[1], "?")), route)


def _version(row: Model) -> str:
    """An old version of a row that keeps its history."""
    history = getattr(row, "history", None)
    return str(getattr(history.first(), "history_id", "")) if history is not None else ""


def _slugs(row: Model) -> list[str]:
    return [act.slug for act in admin.site._registry[type(row)].acts]  # type: ignore[attr-defined]
