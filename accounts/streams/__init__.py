"""The live stream: one hub per process follows the event log for everybody who listens.

A listener costs a queue and a cursor, no thread and no database connection. Redis only says whose log to read sooner; the
table is what is read, so nothing is lost with Redis. Source: docs/decisions/0001-the-spine.md
"""

from accounts.streams.hub import Hub, current_hub
from accounts.streams.listener import Listener

__all__ = ["Hub", "Listener", "current_hub"]
