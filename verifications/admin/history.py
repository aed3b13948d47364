"""The console page of a model that keeps its history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simple_history.admin import SimpleHistoryAdmin

from namaskah.lib.admin import AnyModelAdmin

if TYPE_CHECKING:
    HistoryAdmin = AnyModelAdmin
else:
    HistoryAdmin = SimpleHistoryAdmin  # ships no types
