"""Telephone numbers that look right for their country."""

import json
import random
from functools import cache
from pathlib import Path

_DATA = Path(__file__).parent / "data" / "phone_patterns.json"
_STRIDE = 7_919
"""Prime, and no factor of a power of ten: every number of a country comes up before one repeats."""


@cache
def _patterns() -> dict[str, tuple[list[str], int]]:
    raw = json.loads(_DATA.read_text(encoding="utf-8"))
    return {iso2: (entry["prefixes"], entry["digits"]) for iso2, entry in raw.items()}


class PhoneBook:
    """Hands out numbers per country; they recur when a country's block is used up, as real ones do."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._next: dict[str, int] = {}

    def number(self, iso2: str, dial: str) -> str:
        """The next number, digits only, with the dial code; US and Canadian ones are fictional 555-01xx."""
        prefixes, digits = _patterns()[iso2]
        position = self._next.get(iso2)
        if position is None:
            position = self._rng.randrange(10**digits)
        self._next[iso2] = position + 1
        block, index = divmod(position, 10**digits)
        return f"{dial}{prefixes[block % len(prefixes)]}{index * _STRIDE % 10**digits:0{digits}d}"

    def worn_out(self, iso2: str, dial: str) -> str:
        """The one number of a country that everybody has had before."""
        prefixes, digits = _patterns()[iso2]
        return f"{dial}{prefixes[0]}{42:0{digits}d}"
