"""What can be seen of a block without reading it: length, punctuation, place on the page, density around it, repetition.

These cues carry over between languages (Kohlschütter et al. 2010: block length and density, with the neighbours' values, hold
most of the signal). All are scaled to about [0, 1].
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotate.regions import page as p
from annotate.regions.page import BoolArray, FloatArray, IntArray, Page

_MARKS: dict[str, str] = {
    "stop": ".!?…。！？।؟۔｡．",
    "comma": ",،、，;；؛",
    "colon": ":：",
    "separator": "|›>/→‹<⁄・",
    "quote": "\"“”„«»'’‘「」『』",
    "bracket": "()[]{}（）【】",
    "at": "@＠",
    "copyright": "©®™",
    "money": "$€£¥₹₽₩₺₴₫฿﷼%",
    "hash": "#＃_=+~^",
    "bullet": "•*-–—·▪●‣◦",
}
_KIND = {name: kind for kind, name in enumerate(_MARKS, start=1)}
_LOG = 12.0
"""Lengths are logarithms to the base 2, divided by this."""

NAMES = (
    "width",
    "line width",
    "words",
    "word length",
    "upper",
    "capitalised",
    "digits",
    "punctuation",
    "symbols",
    "wide letters",
    "all caps",
    *(f"share {name}" for name in _MARKS),
    *(f"has {name}" for name in _MARKS),
    *(f"first {name}" for name in ("quote", "bullet", "bracket", "copyright", "at")),
    "first digit",
    "first lower",
    "ends sentence",
    "ends colon",
    "ends ellipsis",
    "sentences",
    "short",
    "long",
    "year",
    "clock",
    "digit run",
    "blank",
    "foreign",
    "continued",
    "unfinished",
    "blank line before",
    "blank line after",
    "repeated",
    "repeats earlier",
    "repeated elsewhere often",
)
WINDOWED = (
    "width",
    "words",
    "upper",
    "capitalised",
    "digits",
    "has separator",
    "ends sentence",
    "short",
    "long",
    "year",
    "foreign",
    "repeats earlier",
)
"""Columns of which the second pass sees the means around a block."""
PLACE = (
    "index",
    "index from end",
    "log index",
    "log index from end",
    "characters before",
    "page lines",
    "page characters",
    "page long lines",
    "page foreign",
    "first",
    "second",
    "last",
    "before core",
    "in core",
    "after core",
    "distance to core",
    "distance from core",
    "before longest",
    "after longest",
)


def features(page: Page) -> FloatArray:
    """The block itself: shape (n_blocks, len(NAMES))."""
    starts, ends = page.starts, page.ends
    counts, width = page.counts, page.width
    size = np.maximum(ends - starts, 1).astype(np.float64)
    wide = counts[:, p.WIDE]
    line_width = np.bincount(page.line, weights=width)[page.line]
    spaces = counts[:, p.SPACE]
    letters = counts[:, p.LOWER] + counts[:, p.UPPER] + counts[:, p.LETTER] + wide
    words = spaces + 1 + wide / 2
    capitals = _word_starts(page)
    marks = _mark_counts(page)
    first, last = _edge(page, starts), _edge(page, ends - 1)
    before_last = _edge(page, np.maximum(ends - 2, starts))
    first_kind, last_kind = _mark_kinds(first), _mark_kinds(last)
    closed = (last_kind == _KIND["quote"]) | (last_kind == _KIND["bracket"])
    final_kind = np.where(closed, _mark_kinds(before_last), last_kind)
    empty = ends <= starts
    first_class = np.where(empty, p.SPACE, page.classes[np.minimum(starts, len(page.codes) - 1)])
    repeats, earlier = _repetition(page)
    shares = marks / size[:, None]
    columns = [
        np.log2(width + 1) / _LOG,
        np.log2(line_width + 1) / _LOG,
        np.log2(words + 1) / _LOG,
        np.minimum(letters / words, 20) / 20,
        counts[:, p.UPPER] / np.maximum(letters, 1),
        capitals / words,
        counts[:, p.DIGIT] / size,
        counts[:, p.PUNCT] / size,
        counts[:, p.SYMBOL] / size,
        wide / size,
        (counts[:, p.UPPER] > 1) & (counts[:, p.LOWER] == 0),
        *np.minimum(shares * 8, 1).T,
        *(marks > 0).T,
        *(first_kind == _KIND[name] for name in ("quote", "bullet", "bracket", "copyright", "at")),
        first_class == p.DIGIT,
        first_class == p.LOWER,
        final_kind == _KIND["stop"],
        last_kind == _KIND["colon"],
        (last == ord("…")) | ((last == ord(".")) & (before_last == ord("."))),
        np.minimum(marks[:, 0], 8) / 8,
        width < 25,
        width > 120,
        *_digit_patterns(page),
        empty,
        page.foreign,
        page.continued,
        page.unfinished,
        *_blank_lines(page),
        repeats > 1,
        earlier,
        np.minimum(repeats - 1, 8) / 8,
    ]
    return np.array(columns, dtype=np.float64).T


def place(page: Page) -> FloatArray:
    """Where the block stands on its page: shape (n_blocks, len(PLACE)).

    The core is the stretch of lines with the greatest sum of scores, where long lines count for and short ones against it
    (maximum subsequence, Pasternack and Roth 2009).
    """
    n = len(page)
    row = np.arange(n)
    width = page.width.astype(np.float64)
    line_width = np.bincount(page.line, weights=width)[page.line]
    total = max(width.sum(), 1.0)
    before = (np.cumsum(width) - width) / total
    votes = np.clip(np.log2((line_width + 1) / 80), -1.0, 3.0)
    first, last = _heaviest(votes)
    longest = int(np.argmax(line_width))
    columns = [
        row / n,
        (n - 1 - row) / n,
        np.log2(row + 1) / _LOG,
        np.log2(n - row) / _LOG,
        before,
        np.full(n, np.log2(n) / _LOG),
        np.full(n, np.log2(total) / (2 * _LOG)),
        np.full(n, (line_width > 120).mean()),
        np.full(n, page.foreign.mean()),
        row == 0,
        row == 1,
        row == n - 1,
        row < first,
        (row >= first) & (row <= last),
        row > last,
        np.log2(np.maximum(first - row, 0) + 1) / _LOG,
        np.log2(np.maximum(row - last, 0) + 1) / _LOG,
        row < longest,
        row > longest,
    ]
    return np.array(columns, dtype=np.float64).T


def _mark_counts(page: Page) -> IntArray:
    """How many of each kind of mark a block holds: shape (n_blocks, len(_MARKS))."""
    kinds = _mark_kinds(page.codes)
    found = np.flatnonzero(kinds)
    cells = page.owner[found] * len(_MARKS) + kinds[found] - 1
    return np.bincount(cells, minlength=len(page) * len(_MARKS)).reshape(-1, len(_MARKS))


def _mark_kinds(codes: NDArray[Any]) -> NDArray[np.uint8]:
    """Which kind of mark each code point is; 0 for none."""
    return _mark_table().take(codes, mode="clip")


@cache
def _mark_table() -> NDArray[np.uint8]:
    table = np.zeros(0x10000, dtype=np.uint8)
    for kind, marks in enumerate(_MARKS.values(), start=1):
        table[list(map(ord, marks))] = kind
    return table


def _word_starts(page: Page) -> IntArray:
    """How many words of a block begin with a capital."""
    upper = page.classes == p.UPPER
    upper[1:] &= page.classes[:-1] == p.SPACE
    return _hits(page, np.flatnonzero(upper))


def _hits(page: Page, places: IntArray) -> IntArray:
    """How many of the sorted positions lie in each block."""
    return places.searchsorted(page.ends) - places.searchsorted(page.starts)


def _digit_patterns(page: Page) -> list[BoolArray]:
    """A year (1900 to 2099), a clock time (9:30), a run of five digits and more."""
    codes = np.concatenate((page.codes, np.zeros(6, dtype=np.uint32)))
    digit = np.concatenate((page.classes == p.DIGIT, np.zeros(6, dtype=np.bool_)))
    begins = digit.copy()
    begins[1:] &= ~digit[:-1]
    at = np.flatnonzero(begins)
    four = digit[at + 1] & digit[at + 2] & digit[at + 3]
    century = ((codes[at] == ord("1")) & (codes[at + 1] == ord("9"))) | ((codes[at] == ord("2")) & (codes[at + 1] == ord("0")))
    second = np.where(digit[at + 1], at + 2, at + 1)
    clock = (codes[second] == ord(":")) & digit[second + 1]
    return [_hits(page, at[hit]) > 0 for hit in (four & ~digit[at + 4] & century, clock, four & digit[at + 4])]


def _edge(page: Page, positions: IntArray) -> IntArray:
    """The code points at positions, 0 for blank blocks."""
    inside = np.clip(positions, 0, len(page.codes) - 1)
    return np.where(page.ends > page.starts, page.codes[inside], 0)


def _blank_lines(page: Page) -> tuple[BoolArray, BoolArray]:
    """Whether a blank line stands before, after the block."""
    breaks = np.concatenate(([0], np.cumsum(page.codes == 10)))
    gap_start = np.concatenate(([0], page.ends[:-1]))
    before = breaks[page.starts] - breaks[gap_start] > 1
    before[0] = False
    return before, np.append(before[1:], False)


def _repetition(page: Page) -> tuple[IntArray, BoolArray]:
    """How often the block's text stands on the page, and whether it stands there earlier."""
    keys = [page.text[a:b] if b - a < 300 else (a, b) for a, b in zip(page.starts.tolist(), page.ends.tolist(), strict=True)]
    counts = Counter(keys)
    seen: set[object] = set()
    earlier = np.zeros(len(keys), dtype=np.bool_)
    for i, key in enumerate(keys):
        earlier[i] = key in seen
        seen.add(key)
    return np.array([counts[key] for key in keys], dtype=np.int64), earlier


def _heaviest(votes: FloatArray) -> tuple[int, int]:
    """First and last row of the stretch with the greatest sum (Kadane), in one pass of array operations."""
    sums = np.concatenate(([0.0], np.cumsum(votes)))
    lowest = np.minimum.accumulate(sums[:-1])
    last = int(np.argmax(sums[1:] - lowest))
    first = int(np.argmin(sums[: last + 1]))
    return first, last
