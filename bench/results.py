"""What a benchmark found, the table people read and the file programs read."""

from __future__ import annotations

import datetime as dt
import json
import math
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value beside the physical limit measured in the same run.

    Args:
        limit: What the machine does for the same work without the product; None where there is no such thing.
        goal: In words, empty for a figure that only informs.
        met: Whether the goal was reached; None without a goal.
    """

    name: str
    value: float
    unit: str
    limit: float | None = None
    limit_name: str = ""
    goal: str = ""
    met: bool | None = None

    @property
    def ratio(self) -> float | None:
        """The figure as a multiple of its limit."""
        return self.value / self.limit if self.limit else None


@dataclass(frozen=True, slots=True)
class Result:
    """All figures of one benchmark; `details` is for the file and for whoever looks for the cause."""

    name: str
    figures: tuple[Figure, ...]
    details: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> str:
        """For the results file; says on which machine and under which load it was measured."""
        figures = [asdict(figure) | {"ratio": figure.ratio} for figure in self.figures]
        document = {"name": self.name, "machine": machine(), "figures": figures, "details": self.details}
        return json.dumps(document, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Result:
        """Read a results file back."""
        document = json.loads(text)
        fields = Figure.__dataclass_fields__
        figures = tuple(
            Figure(**{name: row[name] for name in fields if name in row}) for row in document["figures"]
        )
        return cls(document["name"], figures, document["details"])


def machine() -> dict[str, Any]:
    """Where and when."""
    return {
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "load_1min": round(os.getloadavg()[0], 2),
    }


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile: a value that was really measured. Nothing measured reads as not a number."""
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def table(results: Iterable[Result]) -> str:
    """Every figure of every benchmark, one line each."""
    heads = ("figure", "measured", "physical limit, same run", "ratio", "goal", "met")
    rows = [heads]
    for result in results:
        rows += [(f"{result.name}: {figure.name}", *_cells(figure)) for figure in result.figures]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def _cells(figure: Figure) -> tuple[str, str, str, str, str]:
    limit = f"{_number(figure.limit)} {figure.unit}  {figure.limit_name}" if figure.limit is not None else ""
    ratio = f"{figure.ratio:.2f}" if figure.ratio is not None else ""
    met = "" if figure.met is None else ("yes" if figure.met else "NO")
    return f"{_number(figure.value)} {figure.unit}".strip(), limit, ratio, figure.goal, met


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "none"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
