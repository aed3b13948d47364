"""One benchmark in its own process: `python -m bench.child <name> <output> [--quick]`. Started by `python -m bench`."""

from __future__ import annotations

import logging
import signal
import sys
from importlib import import_module
from pathlib import Path
from types import FrameType

import django

from bench.results import Figure, Result

OFFERS = {
    "fresh_s": "all new",
    "changed_s": "every stock changed",
    "tenth_changed_s": "a tenth changed",
    "unchanged_s": "nothing changed",
}


def main(name: str, output: Path, *, quick: bool) -> None:
    """Run it and leave its result as JSON."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(143)  # so that `finally` stops what was started

    signal.signal(signal.SIGTERM, stop)
    django.setup()
    logging.disable(logging.INFO)  # of this process; those it starts log as in production
    result = _offers(quick) if name == "offers" else import_module(f"bench.{name}").run(quick=quick)
    output.write_text(result.as_json())


def _offers(quick: bool) -> Result:
    from bench import offers

    found = offers.run(full=not quick)
    ratio, copy_s = float(found["worst_ratio"]), float(found["copy_s"])
    rss, most = float(found["peak_rss_mb"]), float(found["goal_rss_mb"])
    limit_name = "COPY of the same rows"
    figures = [
        Figure(f"refresh of {found['rows']:,} offers, {words}", float(found[key]), "s", copy_s, limit_name)
        for key, words in OFFERS.items()
        if key in found
    ]
    most_ratio = float(found["goal_ratio"])
    slowest = Figure(
        name="refresh, the slowest of these",
        value=ratio * copy_s,
        unit="s",
        limit=copy_s,
        limit_name=limit_name,
        goal=f"≤ {most_ratio:g} × COPY",
        met=ratio <= most_ratio,
    )
    memory = Figure("refresh, peak memory", rss, "MB", goal=f"< {most:.0f} MB", met=rss < most)
    figures += [slowest, memory]
    return Result("offers", tuple(figures), dict(found))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), quick="--quick" in sys.argv)
