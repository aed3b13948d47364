"""Reading what accounts keeps. The event log's are named here; others are imported by their module."""

from accounts.selectors.events import events_after, newest_sequence, sequence_of

__all__ = ["events_after", "newest_sequence", "sequence_of"]
