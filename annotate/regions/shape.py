"""What can be seen of a block without reading it: length, punctuation, place on the page, density around it, repetition.

These cues carry over between languages (Kohlschütter et al. 2010: block length and density, with the neighbours' values, hold
most of the signal). All are scaled to about [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotate.regions import page as p
from annotate.regions.page import BoolArray, FloatArray, IntArray, Letters, Page, nearness

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
_LONG_LINE = 120
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
    "recurring line above",
    "recurring line below",
)

_RECURRING, _SOURCE = 3, 60


def features(page: Page, letters: Letters) -> FloatArray:
    """The blocks of a stretch by themselves: shape (n_blocks, len(NAMES))."""
    rows = slice(letters.first, letters.last)
    starts, ends = letters.starts, letters.ends
    counts, width, repeats = page.counts[rows], page.width[rows], page.repeats[rows]
    size = np.maximum(ends - starts, 1).astype(np.float64)
    wide = counts[:, p.WIDE]
    words = counts[:, p.SPACE] + 1 + wide / 2
    alphabetic = counts[:, p.LOWER] + counts[:, p.UPPER] + counts[:, p.LETTER] + wide
    capitals = _word_starts(letters)
    marks = _mark_counts(letters)
    first, last = _edge(letters, starts), _edge(letters, ends - 1)
    before_last = _edge(letters, np.maximum(ends - 2, starts))
    first_kind, last_kind = _mark_kinds(first), _mark_kinds(last)
    closed = (last_kind == _KIND["quote"]) | (last_kind == _KIND["bracket"])
    final_kind = np.where(closed, _mark_kinds(before_last), last_kind)
    empty = ends <= starts
    first_class = np.where(empty, p.SPACE, letters.classes[np.minimum(starts, len(letters.codes) - 1)])
    columns = [
        np.log2(width + 1) / _LOG,
        np.log2(page.line_width[rows] + 1) / _LOG,
        np.log2(words + 1) / _LOG,
        np.minimum(alphabetic / words, 20) / 20,
        counts[:, p.UPPER] / np.maximum(alphabetic, 1),
        capitals / words,
        counts[:, p.DIGIT] / size,
        counts[:, p.PUNCT] / size,
        counts[:, p.SYMBOL] / size,
        wide / size,
        (counts[:, p.UPPER] > 1) & (counts[:, p.LOWER] == 0),
        *np.minimum(marks / size[:, None] * 8, 1).T,
        *(marks > 0).T,
        *(first_kind == _KIND[name] for name in ("quote", "bullet", "bracket", "copyright", "at")),
        first_class == p.DIGIT,
        first_class == p.LOWER,
        final_kind == _KIND["stop"],
        last_kind == _KIND["colon"],
        (last == ord("…")) | ((last == ord(".")) & (before_last == ord("."))),
        np.minimum(marks[:, 0], 8) / 8,
        width < 25,
        width > _LONG_LINE,
        *_digit_patterns(letters),
        empty,
        page.foreign[rows],
        page.continued[rows],
        page.unfinished[rows],
        page.blank_before[rows],
        np.append(page.blank_before[letters.first + 1 : letters.last + 1], [False] * (letters.last == len(page))),
        repeats > 1,
        page.repeated[rows],
        np.minimum(repeats - 1, 8) / 8,
    ]
    return np.array(columns, dtype=np.float64).T


@dataclass(frozen=True, slots=True)
class Core:
    """What the place of a block is measured against: figures of its document, one entry a document."""

    first: IntArray
    last: IntArray
    """The stretch of lines with the greatest sum of scores, where long lines count for and short ones against it (maximum
    subsequence, Pasternack and Roth 2009): its first and its last block."""
    longest: IntArray
    """The block with the longest line."""
    total: FloatArray
    """How wide the document's blocks are."""
    long_lines: FloatArray
    """The share of the blocks in long lines,"""
    foreign: FloatArray
    """and of the foreign ones."""
    recurring: IntArray
    """The numbers of the blocks of all documents with a short text that stands in its document thrice and more, such as a
    source or a button: texts of teasers and comments lie between them, however long they are."""


def main_lines(page: Page, core: Core) -> tuple[BoolArray, BoolArray]:
    """Which lines are in the core of their document, and which are long: one entry a line."""
    begins = np.flatnonzero(~page.continued)
    steps = np.bincount(page.line[core.first], minlength=len(begins) + 1)
    steps = steps - np.bincount(page.line[core.last] + 1, minlength=len(begins) + 1)
    return np.cumsum(steps[:-1]) > 0, page.line_width[begins] > _LONG_LINE


def core(page: Page) -> Core:
    """The figures of the documents of a page."""
    first, last, longest = [], [], []
    votes = np.clip(np.log2((page.line_width + 1) / 80), -1.0, 3.0)
    for top, bottom in pairwise(page.bounds.tolist()):
        begin, end = _heaviest(votes[top:bottom])
        first.append(top + begin)
        last.append(top + end)
        longest.append(top + int(page.line_width[top:bottom].argmax()))
    tops = page.bounds[:-1]
    sizes = np.diff(page.bounds)
    return Core(
        first=np.array(first),
        last=np.array(last),
        longest=np.array(longest),
        total=np.maximum(np.add.reduceat(page.width, tops), 1).astype(np.float64),
        long_lines=np.add.reduceat(page.line_width > _LONG_LINE, tops, dtype=np.int64) / sizes,
        foreign=np.add.reduceat(page.foreign, tops, dtype=np.int64) / sizes,
        recurring=np.flatnonzero((page.repeats >= _RECURRING) & (page.width < _SOURCE)),
    )


def place(page: Page, core: Core, first: int, last: int) -> FloatArray:
    """Where the blocks `first` to `last` (exclusive) stand in their documents: shape (n_blocks, len(PLACE))."""
    rows = slice(first, last)
    document = page.bounds.searchsorted(np.arange(first, last), side="right") - 1
    above, n = np.arange(first, last) - page.top[rows], page.bottom[rows] - page.top[rows]
    below = n - 1 - above
    total = core.total[document]
    to_core, from_core = core.first[document] - page.top[rows] - above, above - (core.last[document] - page.top[rows])
    to_longest = core.longest[document] - page.top[rows] - above
    columns = [
        above / n,
        below / n,
        np.log2(above + 1) / _LOG,
        np.log2(below + 1) / _LOG,
        page.above[rows] / total,
        np.log2(n) / _LOG,
        np.log2(total) / (2 * _LOG),
        core.long_lines[document],
        core.foreign[document],
        above == 0,
        above == 1,
        below == 0,
        to_core > 0,
        (to_core <= 0) & (from_core <= 0),
        from_core > 0,
        np.log2(np.maximum(to_core, 0) + 1) / _LOG,
        np.log2(np.maximum(from_core, 0) + 1) / _LOG,
        to_longest > 0,
        to_longest < 0,
        *nearness(page, core.recurring, first, last),
    ]
    return np.array(columns, dtype=np.float64).T


def _mark_counts(letters: Letters) -> IntArray:
    """How many of each kind of mark a block holds: shape (n_blocks, len(_MARKS))."""
    kinds = _mark_kinds(letters.codes[letters.core])
    found = np.flatnonzero(kinds)
    cells = letters.owner[found] * len(_MARKS) + kinds[found] - 1
    return np.bincount(cells, minlength=len(letters.starts) * len(_MARKS)).reshape(-1, len(_MARKS))


def _mark_kinds(codes: NDArray[Any]) -> NDArray[np.uint8]:
    """Which kind of mark each code point is; 0 for none."""
    return _mark_table().take(codes, mode="clip")


@cache
def _mark_table() -> NDArray[np.uint8]:
    table = np.zeros(0x10000, dtype=np.uint8)
    for kind, marks in enumerate(_MARKS.values(), start=1):
        table[list(map(ord, marks))] = kind
    return table


def _word_starts(letters: Letters) -> IntArray:
    """How many words of a block begin with a capital."""
    upper = letters.classes == p.UPPER
    upper[1:] &= letters.classes[:-1] == p.SPACE
    return _hits(letters, np.flatnonzero(upper))


def _hits(letters: Letters, places: IntArray) -> IntArray:
    """How many of the sorted positions lie in each block."""
    return places.searchsorted(letters.ends) - places.searchsorted(letters.starts)


def _digit_patterns(letters: Letters) -> list[BoolArray]:
    """A year (1900 to 2099), a clock time (9:30), a run of five digits and more."""
    codes = np.concatenate((letters.codes, np.zeros(6, dtype=np.uint32)))
    digit = np.concatenate((letters.classes == p.DIGIT, np.zeros(6, dtype=np.bool_)))
    begins = digit.copy()
    begins[1:] &= ~digit[:-1]
    at = np.flatnonzero(begins)
    four = digit[at + 1] & digit[at + 2] & digit[at + 3]
    century = ((codes[at] == ord("1")) & (codes[at + 1] == ord("9"))) | ((codes[at] == ord("2")) & (codes[at + 1] == ord("0")))
    second = np.where(digit[at + 1], at + 2, at + 1)
    clock = (codes[second] == ord(":")) & digit[second + 1]
    return [_hits(letters, at[hit]) > 0 for hit in (four & ~digit[at + 4] & century, clock, four & digit[at + 4])]


def _edge(letters: Letters, positions: IntArray) -> IntArray:
    """The code points at positions, 0 for blank blocks."""
    inside = np.clip(positions, 0, len(letters.codes) - 1)
    return np.where(letters.ends > letters.starts, letters.codes[inside], 0)


def _heaviest(votes: FloatArray) -> tuple[int, int]:
    """First and last row of the stretch with the greatest sum (Kadane), in one pass of array operations."""
    sums = np.concatenate(([0.0], np.cumsum(votes)))
    lowest = np.minimum.accumulate(sums[:-1])
    last = int(np.argmax(sums[1:] - lowest))
    first = int(np.argmin(sums[: last + 1]))
    return first, last
