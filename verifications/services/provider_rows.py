"""Provider rows as last read by this process, each for as long as the row in the database has not been written since."""

from __future__ import annotations

import copy
from collections.abc import Mapping

from verifications.models import Provider

_rows: dict[int, tuple[str, Provider]] = {}


def current(versions: Mapping[int, str]) -> dict[int, Provider]:
    """Return rows by key, reading only those whose version differs from the one known here.

    Args:
        versions: `xmin` and `ctid` of each row, as a query has just seen them; PostgreSQL changes them with every update.
    """
    unknown = [pk for pk, version in versions.items() if _rows.get(pk, ("",))[0] != version]
    if unknown:
        for provider in Provider.objects.filter(pk__in=unknown):
            _rows[provider.pk] = (versions[provider.pk], provider)
    return {pk: copy.copy(_rows[pk][1]) for pk in versions if pk in _rows}
