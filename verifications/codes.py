"""Read the code out of an SMS: what a person would type, or nothing. Pure and quick; the full text is kept elsewhere."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from verifications.code_words import KEYWORD, LONG_NUMBER, LONG_NUMBER_DIGITS, NEVER, OTHER_NUMBER

MAX_CODE = 12
_MAX_TEXT = 1600  # ten SMS parts; nobody hides a code behind that
_BLANK = "\x01"  # no digit, letter, space or sign, so nothing joins across it
_ACCEPTED = 0

# Invisible signs around right-to-left text, and what makes a digit an emoji.
_INVISIBLE = {"\ufe0f", "\ufe0e", "\u20e3"}
_SEPARATORS = re.compile(r"[\s\-\u2010-\u2015\u2212]+")

_DASH = r"[-\u2010-\u2015\u2212]"
_EDGE_L, _EDGE_R = r"(?<![0-9A-Za-z])", r"(?![0-9A-Za-z])"
# A browser's domain-bound code, "@example.com #482913": nothing is clearer.
_BOUND = re.compile(r"@[\w.-]{1,100}\s+#([0-9A-Za-z]{3,12})(?![0-9A-Za-z])")
_HYPHENATED = re.compile(rf"{_EDGE_L}\d{{2,4}}(?:{_DASH}\d{{2,4}}){{1,3}}{_EDGE_R}")
_SPACED = re.compile(
    rf"{_EDGE_L}(?:\d{{3}}[ \xa0]\d{{3}}|\d{{4}}[ \xa0]\d{{4}}|\d\d(?:[ \xa0]\d\d){{2,3}}){_EDGE_R}"
)
_SPELLED = re.compile(rf"{_EDGE_L}\d(?:[ \xa0{_BLANK}-]\d){{3,7}}{_EDGE_R}")
_DIGITS = re.compile(rf"{_EDGE_L}\d{{3,8}}{_EDGE_R}")
_MIXED = re.compile(rf"{_EDGE_L}(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[0-9A-Za-z]{{4,10}}{_EDGE_R}")
# Not "PIN-4829": a word and four digits are a word and a code.
_MIXED_HYPHENATED = re.compile(
    rf"{_EDGE_L}(?![A-Z]+{_DASH}\d{{4}})(?=[A-Z-]*\d)(?=[\d-]*[A-Z])[0-9A-Z]{{3,5}}{_DASH}[0-9A-Z]{{3,5}}{_EDGE_R}"
)
_PREFIXED = re.compile(rf"[A-Za-z]{{1,3}}{_DASH}(\d{{4,8}})")
_WORD_BEFORE = re.compile(rf"[^\W\d_]{{4,}}{_DASH}$")
_RETRIEVER_HASH = re.compile(r"(?:^|\s)[0-9A-Za-z+/]{11}\s*$")


@dataclass(frozen=True, slots=True)
class _Candidate:
    start: int
    end: int
    code: str
    base: int


def extract_code(text: str, provider_code: str = "") -> str:
    """Return the code as a person types it, at most 12 characters, or an empty string.

    Args:
        text: The SMS as received, in any script.
        provider_code: What the provider read out; it wins when it looks like a code at all.
    """
    if found := _tidied(provider_code):
        return found
    for source in (text, provider_code):
        if source and (found := _best(_normalised(source[:_MAX_TEXT]))):
            return found
    return ""


def _normalised(text: str) -> str:
    """ASCII digits whatever the script, and no invisible signs."""
    if text.isascii():
        return text
    kept = []
    for character in text:
        category = unicodedata.category(character)
        if category == "Nd":
            kept.append(str(unicodedata.decimal(character)))
        elif category != "Cf" and character not in _INVISIBLE:
            kept.append(character)
    return "".join(kept)


def _tidied(provider_code: str) -> str:
    """A provider's code without its decoration; empty when it is no code but, say, the whole text."""
    code = _normalised(provider_code[:_MAX_TEXT]).strip()
    if prefixed := _PREFIXED.fullmatch(code):
        return prefixed[1]
    joined = _SEPARATORS.sub("", code)
    looks_like_code = joined.isalnum() and (joined.isupper() or any(c.isdigit() for c in joined))
    has_words = len(code.split()) > 1 and not joined.isdigit()
    return joined if looks_like_code and not has_words and 2 < len(joined) <= MAX_CODE else ""


def _best(text: str) -> str:
    if bound := _BOUND.search(text):
        return bound[1]
    if not any(character.isdigit() for character in text):
        return ""
    blanked = _without_noise(text)
    keywords = [match.span() for match in KEYWORD.finditer(text)]
    best, best_score = "", _ACCEPTED
    for candidate in _candidates(blanked):
        score = candidate.base + _context(blanked, candidate) + _nearness(candidate, keywords)
        if score > best_score:
            best, best_score = candidate.code, score
    return best


def _without_noise(text: str) -> str:
    """Blank out what is never a code, keeping every position."""
    for shape in NEVER:
        text = shape.sub(lambda match: _BLANK * len(match[0]), text)
    text = LONG_NUMBER.sub(_blank_if_long, text)
    if "<#>" in text or "\n" in text:
        # Android finds the app by an eleven-character hash at the end.
        text = _RETRIEVER_HASH.sub(lambda match: _BLANK * len(match[0]), text)
    return text


def _blank_if_long(match: re.Match[str]) -> str:
    digits = sum(character.isdigit() for character in match[0])
    return _BLANK * len(match[0]) if digits >= LONG_NUMBER_DIGITS else match[0]


def _candidates(text: str) -> Iterator[_Candidate]:
    taken: list[tuple[int, int]] = []
    shapes = (
        (_HYPHENATED, 12),
        (_SPACED, 4),
        (_SPELLED, 6),
        (_MIXED_HYPHENATED, -4),
        (_DIGITS, 0),
        (_MIXED, -8),
    )
    for shape, base in shapes:
        for match in shape.finditer(text):
            start, end = match.span()
            if any(start < other_end and end > other_start for other_start, other_end in taken):
                continue
            code = "".join(character for character in match[0] if character.isalnum())
            if not 3 <= len(code) <= 10 or (code.isdigit() and len(code) > 8):
                continue
            if shape is _HYPHENATED and len(code) < 4:
                continue
            taken.append((start, end))
            yield _Candidate(start, end, code, base + _by_shape(code))


def _by_shape(code: str) -> int:
    if code.isdigit():
        is_year = len(code) == 4 and code[:2] in {"19", "20"}
        return {6: 10, 5: 8, 4: 7, 7: 4, 8: 3, 3: -4}.get(len(code), 0) - (20 if is_year else 0)
    return 0 if code.isupper() else -14  # "mp3", "4g", "h264"


def _context(text: str, candidate: _Candidate) -> int:
    before = text[max(0, candidate.start - 24) : candidate.start]
    after = text[candidate.end : candidate.end + 12]
    score = 0
    if OTHER_NUMBER.search(before):
        score -= 22
    if _WORD_BEFORE.search(before):
        score -= 12
    stripped = before.rstrip()
    if stripped.endswith((":", "：", "=")):
        score += 10
    if stripped.lower().endswith((" is", " est", " es", " ist", " ni", "是", "为", "為", "は", "은", "는")):
        score += 10
    if before[-1:] in {'"', "'", "*", "«", "“", "[", "【", "「", "<", "#", "`"}:
        score += 4
    starts_line = not before or before[-1:] == "\n"
    ends_line = not after or after[:1] == "\n"
    if starts_line and ends_line:
        score += 12
    if after.lower().startswith((" is ", " es ", " est ", " ist ", " — ", " - ")):
        score += 6
    return score


def _nearness(candidate: _Candidate, keywords: list[tuple[int, int]]) -> int:
    """A word for "code" close by, better before than after."""
    best = 0
    for start, end in keywords:
        if end <= candidate.start:
            best = max(best, 40 - min(40, candidate.start - end))
        elif start >= candidate.end:
            best = max(best, 30 - min(30, start - candidate.end))
    return best
