"""The console page of a model that keeps its history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from simple_history.admin import SimpleHistoryAdmin

from namaskah.lib.admin import AnyModelAdmin

if TYPE_CHECKING:

    class BaseHistoryAdmin(AnyModelAdmin):
        """What the package, which ships no types, adds to Django's."""

        def history_form_view(
            self, request: HttpRequest, object_id: str, version_id: str, extra_context: Any = None
        ) -> HttpResponse: ...
else:
    BaseHistoryAdmin = SimpleHistoryAdmin


class HistoryAdmin(BaseHistoryAdmin):
    """Old versions are read and not put back.

    The package would let whoever may look at a row write any version of it, and put columns back that no form shows: a
    provider that was switched off for a reason would be on again.
    """

    def revert_disabled(self, request: HttpRequest, obj: Any = None) -> bool:
        """No button for it."""
        return True

    def history_form_view(
        self, request: HttpRequest, object_id: str, version_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """One old version, to read."""
        if request.method == "POST":
            raise PermissionDenied
        return super().history_form_view(request, object_id, version_id, extra_context)
