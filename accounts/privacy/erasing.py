"""Carrying out what the manifest says of an erasure, one app after the other. Each step may be repeated without harm."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import models

from accounts.models import User
from accounts.privacy.registry import Manifest
from accounts.privacy.vocabulary import Column, Erase, Table


def forget(manifest: Manifest, user_id: int, *, gives_up_balance: bool) -> None:
    """Remove what one app knows of somebody, in the caller's transaction; books keep the number of the account."""
    User.objects.select_for_update(no_key=True).get(pk=user_id)  # one erasure of one person at a time
    if gives_up_balance:
        manifest.settle(user_id)
    manifest.scrub(user_id)
    for table in manifest.tables:
        _forget_table(table, user_id)


def _forget_table(table: Table, user_id: int) -> None:
    if not table.owners:
        return
    rows = table.rows_of(user_id)
    if table.goes:
        rows.delete()
        return
    meta = apps.get_model(table.model)._meta
    changes = {
        name: _value(column, meta.get_field(name), user_id)
        for name, column in table.columns.items()
        if column.erase != Erase.KEEP
    }
    if changes:  # an UPDATE of nothing is one, too, and some tables refuse any
        rows.update(**changes)


def _value(column: Column, field: Any, user_id: int) -> Any:
    if column.erase == Erase.REPLACE:
        return column.becomes(user_id) if callable(column.becomes) else column.becomes
    if field.null:
        return None
    if isinstance(field, models.JSONField):
        return field.get_default()
    return b"" if isinstance(field, models.BinaryField) else ""
