"""Forgetting what is too old, in every app that says how."""

from __future__ import annotations

import structlog

from accounts.privacy import registry

log = structlog.get_logger(__name__)


def run() -> int:
    """Let each app forget. One that fails does not keep the others from it; the next run comes soon.

    Returns:
        How many rows went, as far as they are counted.
    """
    gone = 0
    for manifest in registry.manifests():
        try:
            gone += manifest.retain()
        except Exception as error:
            log.exception("Retention not finished", app=manifest.app, error=error.__class__.__name__)
    if gone:
        log.info("Old rows forgotten", rows=gone)
    return gone
