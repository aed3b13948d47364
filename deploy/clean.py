"""`make clean`: removes the environment, caches and all local data, also what had to live outside var/."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from deploy.local.errors import LocalError
from deploy.local.lock import DirectoryLock

ROOT = Path(__file__).resolve().parent.parent
CACHES = (".venv", "var", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis")


def main() -> int:
    """Refuse while something runs from there."""
    var = ROOT / "var"
    if var.is_dir():
        try:
            for name in ("run.lock", "services.lock"):
                DirectoryLock(var / name).acquire()
        except LocalError as error:
            print(error, file=sys.stderr)
            return 1
    places = var / "places.json"
    if places.is_file():
        for place in json.loads(places.read_text()).values():
            if Path(place).name.startswith("namaskah-"):
                shutil.rmtree(place, ignore_errors=True)
    for name in CACHES:
        shutil.rmtree(ROOT / name, ignore_errors=True)
    for cache in [path for path in ROOT.rglob("__pycache__") if path.is_dir()]:
        shutil.rmtree(cache, ignore_errors=True)
    for result in (ROOT / "bench" / "results").glob("*.json"):
        result.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
