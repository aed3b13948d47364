"""docs/security.md: every requirement of ASVS 5.0, levels 1 and 2, has one line, and what it names is there."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "security.md"
# How many requirements of levels 1 and 2 each section has; they are numbered through from 1.
SECTIONS = {
    "1": [2, 9, 11, 3, 2], "2": [3, 3, 4, 1], "3": [0, 2, 4, 6, 5, 0, 2], "4": [3, 1, 2, 4], "5": [1, 3, 2, 3],
    "6": [3, 12, 4, 4, 5, 3, 0, 4], "7": [3, 4, 2, 5, 2, 2], "8": [2, 3, 1, 1], "9": [3, 4],
    "10": [2, 2, 4, 11, 5, 2, 3], "11": [2, 3, 3, 4, 1, 1], "12": [3, 2, 4], "13": [1, 5, 2, 5], "14": [2, 4, 3],
    "15": [3, 3, 7], "16": [1, 5, 4, 3, 3], "17": [1, 4, 2],
}  # fmt: skip
LINE = re.compile(r"^\| (\d+\.\d+\.\d+) \| ([^|]+) \| (Yes|Part|No|—) \| ([^|]+) \|$", re.MULTILINE)
PATH = re.compile(r"`([a-z][\w./-]*/[\w./-]*|[\w-]+\.(?:py|md|txt|yaml))`|\]\(([\w./-]+)\)")


@pytest.fixture(scope="module")
def text() -> str:
    return DOCUMENT.read_text()


def test_every_requirement_has_one_line(text: str) -> None:
    wanted = [
        f"{chapter}.{section}.{number}"
        for chapter, sizes in SECTIONS.items()
        for section, size in enumerate(sizes, start=1)
        for number in range(1, size + 1)
    ]

    found = [line[0] for line in LINE.findall(text)]

    assert len(wanted) == 253
    assert Counter(found) == Counter(wanted)


def test_what_it_names_is_there(text: str) -> None:
    named = {ticked or linked for ticked, linked in PATH.findall(text)}

    assert len(named) > 60
    assert sorted(path for path in named if not _exists(path)) == []


def _exists(path: str) -> bool:
    return path.startswith("/") or any((place / path).exists() for place in (ROOT, DOCUMENT.parent))
