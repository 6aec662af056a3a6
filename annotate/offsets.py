"""Offsets before and after normalisation, computed once, at the door."""

from __future__ import annotations

import re
from bisect import bisect_right

from annotate.model import Source

Shifts = tuple[tuple[int, int], ...]

_CRLF = re.compile("\r\n?")


def normalise(raw: str) -> tuple[str, Shifts]:
    """The text with a leading BOM dropped and `\\r\\n` and `\\r` turned into `\\n`, and how to get back to `raw`.

    Nothing else is touched: NFC stays NFC, NFD stays NFD, NBSP and ZWJ stay."""
    lead = 1 if raw.startswith("\ufeff") else 0
    shifts = [(0, lead)] if lead else []
    if "\r" not in raw:
        return raw[lead:], tuple(shifts)
    parts, last, shift = [], lead, lead
    for match in _CRLF.finditer(raw, lead):
        parts += [raw[last : match.start()], "\n"]
        last = match.end()
        if len(match.group()) == 2:
            shift += 1
            shifts.append((last - shift, shift))
    parts.append(raw[last:])
    return "".join(parts), tuple(shifts)


def to_source(shifts: Shifts, start: int, end: int, path: str = "") -> Source:
    """The range `[start, end)` of a normalised text in the text before normalisation."""
    return Source(start + _ahead(shifts, start), end + _ahead(shifts, end), path)


def _ahead(shifts: Shifts, position: int) -> int:
    index = bisect_right(shifts, position, key=lambda shift: shift[0])
    return shifts[index - 1][1] if index else 0
