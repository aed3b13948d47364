"""Whole rows by fixed SQL, for the few statements that run with every order.

Django builds each query's SQL anew, which costs several times what PostgreSQL needs to run it: 38 % of the web process's
time per order before this module (docs/benchmarks.md). The text here is built once for each model and set of columns. Models
stay models: instances come from `from_db`, values go through their fields.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Field, Model

Row = TypeVar("Row", bound=Model)


def get(model: type[Row], where: str, params: Sequence[Any]) -> Row | None:
    """The first row for which `where` holds: a literal written in our code, with placeholders, never anybody's input."""
    found = find(model, where, params)
    return found[0] if found else None


def find(model: type[Row], where: str, params: Sequence[Any]) -> list[Row]:
    """All rows for which `where` holds."""
    text, names = _select(model)
    with connection.cursor() as cursor:
        cursor.execute(text + where, params)
        return [model.from_db(connection.alias, names, row) for row in cursor.fetchall()]


def insert(row: Model) -> None:
    """Insert a new row whose key it brings along."""
    fields = _fields(type(row))
    with connection.cursor() as cursor:
        cursor.execute(_insert(type(row)), _values(row, fields))
    row._state.adding, row._state.db = False, connection.alias


def update(row: Model, names: Sequence[str]) -> None:
    """Write some columns of a row, as `save(update_fields=…)` does without its checks and signals."""
    fields = [_by_name(type(row))[name] for name in names]
    with connection.cursor() as cursor:
        cursor.execute(_update(type(row), tuple(names)), [*_values(row, fields), row.pk])


def _values(row: Model, fields: Sequence[Field[Any, Any]]) -> list[Any]:
    return [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]


@cache
def _fields(model: type[Model]) -> list[Field[Any, Any]]:
    return list(model._meta.concrete_fields)


@cache
def _by_name(model: type[Model]) -> dict[str, Field[Any, Any]]:
    return {field.name: field for field in _fields(model)}


@cache
def _select(model: type[Model]) -> tuple[str, list[str]]:
    fields = _fields(model)
    columns = ", ".join(f'"{field.column}"' for field in fields)
    return f'SELECT {columns} FROM "{model._meta.db_table}" WHERE ', [field.attname for field in fields]  # noqa: S608


@cache
def _insert(model: type[Model]) -> str:
    fields = _fields(model)
    columns = ", ".join(f'"{field.column}"' for field in fields)
    places = ", ".join(["%s"] * len(fields))
    return f'INSERT INTO "{model._meta.db_table}" ({columns}) VALUES ({places})'  # noqa: S608


@cache
def _update(model: type[Model], names: tuple[str, ...]) -> str:
    columns = ", ".join(f'"{_by_name(model)[name].column}" = %s' for name in names)
    return f'UPDATE "{model._meta.db_table}" SET {columns} WHERE "{model._meta.pk.column}" = %s'  # noqa: S608
