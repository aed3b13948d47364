"""What of people waits for a person: counts for the console's start page."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import FactorReset
from namaskah.lib.console import COUNTED_AT_MOST, Waiting


def waiting() -> list[Waiting]:
    """What needs a person today, in one query."""
    open_resets = FactorReset.objects.filter(decided_at=None)[: COUNTED_AT_MOST + 1].count()
    return [
        Waiting(
            _("Resets of second factors to decide"),
            open_resets,
            f"{reverse('admin:accounts_factorreset_changelist')}?decision=pending",
            "accounts.view_factorreset",
        )
    ]
