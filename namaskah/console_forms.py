"""Console forms that write the audit trail: mixed into every `ModelAdmin` when it is registered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest

from accounts.audit_actions import AuditAction
from accounts.http import user_of
from namaskah import console_trail
from namaskah.lib.admin import AnyModelAdmin

if TYPE_CHECKING:
    Base = AnyModelAdmin
else:
    Base = object
CHANGES = "audited_changes"


class TrailedForms(Base):
    """Adding, changing and deleting rows, in the transaction of the console's own history."""

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        """Keep what the form changed until the row is written down; the history has only the names of the fields."""
        names = form.changed_data
        before = {} if add else console_trail.values(self.model, names, form.initial)
        after = console_trail.values(self.model, names, form.cleaned_data)
        setattr(request, CHANGES, (before, after))
        return super().construct_change_message(request, form, formsets, add)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        with transaction.atomic():
            self._note(request, AuditAction.ADDED, obj, message)
            return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        with transaction.atomic():
            self._note(request, AuditAction.CHANGED, obj, message)
            return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        with transaction.atomic():
            for row in queryset:
                console_trail.note_change(AuditAction.DELETED, user_of(request), row)
            return super().log_deletions(request, queryset)

    def _note(self, request: HttpRequest, action: AuditAction, obj: Any, message: Any) -> None:
        before, after = getattr(request, CHANGES, ({}, {}))
        setattr(request, CHANGES, ({}, {}))
        console_trail.note_change(
            action,
            user_of(request),
            obj,
            before=before or None,
            after=after or None,
            reason=message if isinstance(message, str) else "",
        )


def with_trail(admin_class: type[Any] | None) -> type[Any]:
    """The class with the trail in front."""
    own = admin_class or admin.ModelAdmin
    if issubclass(own, TrailedForms):
        return own
    return type(own.__name__, (TrailedForms, own), {"__doc__": own.__doc__, "__module__": own.__module__})
