"""Whether a block speaks of what its page speaks of.

The paragraphs of an article share words; a teaser of another article, a comment form or a licence shares few with them, however
long and well punctuated it is (lexical cohesion: Halliday and Hasan 1976; compared between windows: Hearst 1997). A word counts
by how few lines of its document have it, so that function words need no list, in any language.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotate.regions import page as p
from annotate.regions.page import UNSPACED, BoolArray, FloatArray, IntArray, Letters, Page

NAMES = (
    "words",
    "words of line",
    "elsewhere",
    "in core",
    "in long lines",
    "like core",
    "line elsewhere",
    "line in core",
    "line in long lines",
    "line like core",
    "line above",
    "line below",
)
WINDOWED = ("line elsewhere", "line in core", "line in long lines", "line like core", "line above")
"""Columns of which the second pass sees the means over the lines around."""

_STEM = 6
"""Letters of a word that tell it from others: what follows is mostly inflection."""
_SHORTEST = 4
"""Shorter words are mostly function words."""
_PAIR, _RUN = 2, 5
"""Letters taken for a word where words are not spaced: East Asian wide ones, and those of Thai, Lao, Burmese and Khmer."""
_RICH, _NEAR = 5, 3
"""Lines of at least so many words are compared with so many such lines above and below."""
_MULTIPLIER = np.uint32(0x01000193)


@dataclass(frozen=True, slots=True)
class Words:
    """Which words stand in which blocks: no pair twice, in the order of the blocks."""

    block: IntArray
    word: NDArray[np.uint32]
    """Hashes."""


def joined(parts: Sequence[Words]) -> Words:
    """The words of all stretches of a page."""
    return Words(np.concatenate([part.block for part in parts]), np.concatenate([part.word for part in parts]))


def words(letters: Letters) -> Words:
    """The words of a stretch of blocks, whose numbers are those on the page."""
    core = letters.core
    codes, classes = letters.lowered[core], letters.classes[core]
    wide = classes == p.WIDE
    unspaced = _within(codes, UNSPACED)
    spaced = np.isin(classes, (p.LOWER, p.UPPER, p.LETTER, p.MARK)) & ~unspaced
    parts = [
        _runs(codes, letters.owner, spaced, shortest=_SHORTEST, longest=_STEM, everywhere=False),
        _runs(codes, letters.owner, wide, shortest=_PAIR, longest=_PAIR, everywhere=True),
        _runs(codes, letters.owner, unspaced, shortest=_RUN, longest=_RUN, everywhere=True),
    ]
    pairs = np.unique(np.concatenate(parts))
    return Words((pairs >> np.uint64(32)).astype(np.int64) + letters.first, pairs.astype(np.uint32))


def _within(codes: NDArray[np.uint32], ranges: tuple[tuple[int, int], ...]) -> BoolArray:
    found = np.zeros(len(codes), dtype=np.bool_)
    if codes.max(initial=0) >= ranges[0][0]:
        for first, last in ranges:
            found |= (codes >= first) & (codes <= last)
    return found


def _runs(
    codes: NDArray[np.uint32], owner: IntArray, inside: BoolArray, *, shortest: int, longest: int, everywhere: bool
) -> NDArray[np.uint64]:
    """Block and hash, in one number, of the words among the characters `inside`: those that begin where a run of them does, or
    anywhere in it."""
    padded = np.concatenate((inside, np.zeros(longest, dtype=np.bool_)))
    begins = padded[: len(inside)].copy()
    if not everywhere:
        begins[1:] &= ~inside[:-1]
    at = np.flatnonzero(begins)
    value: NDArray[np.uint32] = np.full(len(at), shortest, dtype=np.uint32)
    going_on = np.ones(len(at), dtype=np.bool_)
    long_enough = going_on
    for depth in range(longest):
        going_on = going_on & padded[at + depth]
        value = np.where(going_on, (value ^ codes.take(at + depth, mode="clip")) * _MULTIPLIER, value)
        if depth == shortest - 1:
            long_enough = going_on
    kept = at[long_enough]
    pairs: NDArray[np.uint64] = owner[kept].astype(np.uint64) << np.uint64(32) | value[long_enough].astype(np.uint64)
    return pairs


def features(page: Page, found: Words, core_lines: BoolArray, long_lines: BoolArray) -> FloatArray:
    """How much the blocks have in common with the rest: shape (n_blocks, len(NAMES)). Of the words of a block, by weight, the
    share that stands in another line; in another line of the core; in another long line; and the cosine of the block with the
    sum of the core's other lines. The same for its line, and the share that the nearest lines above and below have.

    `core_lines` and `long_lines` say which lines are in the core and which are long: one entry a line."""
    n, lines = len(page), len(core_lines)
    tops = page.line[page.bounds[:-1]]
    document_of_line = np.repeat(np.arange(len(tops)), np.diff(tops, append=lines))
    block_line = page.line[found.block]
    key = document_of_line[block_line] << 32 | found.word
    names, term = np.unique(key, return_inverse=True)
    line, line_term = np.divmod(np.unique(block_line * len(names) + term), max(len(names), 1))
    frequency = np.bincount(line_term, minlength=len(names))
    height = np.bincount(document_of_line)[names >> 32]
    weight = np.log(1 + height / np.maximum(frequency, 1))
    in_core = np.bincount(line_term, weights=core_lines[line], minlength=len(names))
    in_long = np.bincount(line_term, weights=long_lines[line], minlength=len(names))
    squares = np.where(frequency > 1, weight, 0.0) ** 2
    norms = np.bincount(names >> 32, weights=squares * in_core**2, minlength=len(page.bounds) - 1)

    def shares(row: IntArray, rows: int, of: IntArray, here: IntArray) -> list[FloatArray]:
        """Of each row's words; `of` and `here` are the term and the line of each pair."""
        mass = np.maximum(np.bincount(row, weights=weight[of], minlength=rows), 1e-9)

        def share(elsewhere: FloatArray | BoolArray) -> FloatArray:
            told: FloatArray = np.bincount(row, weights=weight[of] * elsewhere, minlength=rows) / mass
            return told

        core_here = core_lines[here]
        others = in_core[of] - core_here
        square = squares[of]
        product = np.bincount(row, weights=square * others, minlength=rows)
        own = np.bincount(row, weights=square, minlength=rows)
        return [
            share(frequency[of] > 1),
            share(others > 0),
            share(in_long[of] - long_lines[here] > 0),
            product / np.sqrt(np.maximum(own, 1e-9)),
        ]

    by_block = shares(found.block, n, term, block_line)
    by_line = shares(line, lines, line_term, line)
    # The norm of the core's other lines: what the line itself adds is taken out.
    own = np.bincount(line, weights=squares[line_term] * (2 * in_core[line_term] - 1), minlength=lines)
    other = np.sqrt(np.maximum(norms[document_of_line] - np.where(core_lines, own, 0.0), 1e-9))
    by_block[-1] /= other[page.line]
    by_line[-1] /= other
    counts, line_counts = np.bincount(found.block, minlength=n), np.bincount(line, minlength=lines)
    above, below = _beside(line, line_term, weight, line_counts)
    of_lines = np.column_stack([*by_line, above, below])[page.line]
    sizes = (np.log2(1 + counts) / 8, np.log2(1 + line_counts[page.line]) / 8)
    return np.column_stack([*sizes, *by_block, of_lines])


def _beside(line: IntArray, term: IntArray, weight: FloatArray, counts: IntArray) -> tuple[FloatArray, FloatArray]:
    """The share of each rich line's words that the `_NEAR` rich lines above it have, and those below it."""
    rich = counts >= _RICH
    rank = np.cumsum(rich) - 1
    kept = np.flatnonzero(rich[line])
    order = kept[np.lexsort((line[kept], term[kept]))]
    rows, terms = line[order], term[order]
    near = (terms[1:] == terms[:-1]) & (rank[rows[1:]] - rank[rows[:-1]] <= _NEAR)
    mass = np.maximum(np.bincount(rows, weights=weight[terms], minlength=len(counts)), 1e-9)
    told = weight[terms]
    above = np.bincount(rows[1:], weights=told[1:] * near, minlength=len(counts)) / mass
    below = np.bincount(rows[:-1], weights=told[:-1] * near, minlength=len(counts)) / mass
    return above, below
