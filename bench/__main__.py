"""`python -m bench [--only orders,polling] [--quick]`: run the benchmarks, print one table, write bench/results/*.json."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from bench.bed import Bed
from bench.results import RESULTS, Result, table
from deploy.local.errors import LocalError
from deploy.local.signals import StopRequested, StopSignals

# What each asks of the environment; docs/benchmarks.md says why. Price lists are not read while others are measured.
QUIET = {"OFFER_REFRESH_S": "3600", "OFFER_MAX_AGE_S": "86400", "SIGN_IN_RATE": "100000/m"}
BENCHMARKS: dict[str, dict[str, str]] = {
    "orders": {**QUIET, "MAX_OPEN_ORDERS": "1000000"},
    "polling": {**QUIET, "LOG_LEVEL": "WARNING"},
    "live": QUIET,
    "offers": QUIET,
    "pages": QUIET,
    "payments": {
        **QUIET,
        "PAYSTACK_RATE_PER_S": "100000",
        "PAYSTACK_BURST": "100000",
        "PAYSTACK_VERIFY_PER_S": "100000",
    },
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0 also when a goal was missed; the table says so."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Benchmarks; docs/benchmarks.md explains them."
    )
    parser.add_argument(
        "--only", default=",".join(BENCHMARKS), help=f"of {', '.join(BENCHMARKS)}; comma separated"
    )
    parser.add_argument("--quick", action="store_true", help="small and short: to see that everything works")
    options = parser.parse_args(arguments)
    chosen = [name.strip() for name in options.only.split(",") if name.strip()]
    if unknown := [name for name in chosen if name not in BENCHMARKS]:
        parser.error(f"unknown: {', '.join(unknown)}; known: {', '.join(BENCHMARKS)}")
    signals = StopSignals()
    bed = Bed()
    try:
        print("Preparing PostgreSQL, Redis and an empty database …", flush=True)
        bed.start()
        results = [_run(bed, name, quick=options.quick) for name in chosen]
    except StopRequested:
        print("\nStopped.", file=sys.stderr)
        return 130
    except (LocalError, RuntimeError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    finally:
        signals.disarm()
        bed.stop()
    print(f"\n{table(results)}\n\nIn files: {RESULTS}")
    return 0


def _run(bed: Bed, name: str, *, quick: bool) -> Result:
    started = time.monotonic()
    print(f"{name} …", flush=True)
    text = bed.run(name, BENCHMARKS[name], quick=quick)
    print(f"{name}: {time.monotonic() - started:.0f} s", flush=True)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}{'-quick' if quick else ''}.json").write_text(text)
    return Result.from_json(text)


if __name__ == "__main__":
    sys.exit(main())
