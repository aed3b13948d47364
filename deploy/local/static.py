"""Collects static files for the product without DEBUG, and only when a source may have changed since."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deploy.local.environment import ROOT, is_debug
from deploy.local.manage import managing

# Directories too: their times tell that a file in them went away, or that pip installed a package.
PLACES = (
    ROOT / "static",
    ROOT / "namaskah" / "settings.py",
    Path(sysconfig.get_path("purelib")),
    Path(sys.executable),
)


@contextmanager
def collecting(env: Mapping[str, str], var_dir: Path) -> Iterator[None]:
    """Collect beside the body; with DEBUG the web process serves the sources themselves.

    Raises:
        CommandFailed: A file is missing or names one that is.
    """
    stamp, root = var_dir / "static.collected", Path(env["STATIC_ROOT"])
    state = f"{root} {_state_of_sources()}\n"
    is_fresh = stamp.is_file() and stamp.read_text() == state and (root / "staticfiles.json").is_file()
    if is_debug(env) or is_fresh:
        yield
        return
    stamp.unlink(missing_ok=True)
    with managing(env, "collectstatic", "--no-input", "--verbosity", "0"):
        yield
    stamp.write_text(state)


def _state_of_sources() -> str:
    """A text that changes with every change of a source."""
    paths = [*PLACES, *sorted((ROOT / "static").rglob("*"))]
    times = [path.stat().st_mtime_ns for path in paths if path.exists()]
    return f"{len(times)} {max(times)} {sum(times)}"
