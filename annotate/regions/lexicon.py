"""Cue words of page furniture in some fifty languages: what the labels, buttons and headings of each region say.

The words are data, one file for each family in `cues/`: a line for each language, cues separated by `|`. A cue matches where a
word begins, whatever follows (`kommentar` finds `Kommentare`); with `_` at its end, the word must end there too. The language
before the colon is for the reader: all cues are looked for in all texts, since furniture is often in another language than the
article. A word added to a file takes effect at once, a new file after training.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from annotate.regions import page as p
from annotate.regions.page import BoolArray, FloatArray, IntArray, Page

FAMILIES = (
    "consent",
    "choice",
    "privacy",
    "legal",
    "promo",
    "comments",
    "related",
    "share",
    "menu",
    "ad",
    "byline",
    "date",
    "caption",
)
_MEASURES = ("present", "leading", "covered")
NAMES = tuple(f"{family} {measure}" for measure in _MEASURES for family in FAMILIES)
WINDOWED = tuple(f"{family} present" for family in FAMILIES)

HEADINGS = tuple(f"{family} heading {where}" for where in ("above", "below") for family in FAMILIES)

_HEADING = 40
"""Headings are shorter than this."""

_FOLDER = Path(__file__).with_name("cues")
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_UNSPACED = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF))
"""Thai, Lao, Burmese and Khmer are written without spaces between words, as East Asian wide letters are."""


def features(page: Page) -> FloatArray:
    """Whether cues of each family are in the block, whether one begins it, and what share of it they cover: shape
    (n_blocks, len(NAMES))."""
    where, lengths, families = _matches(page)
    block = page.owner[where]
    cells = block * len(FAMILIES) + families
    shape = (len(page), len(FAMILIES))
    covered = np.bincount(cells, weights=lengths, minlength=shape[0] * shape[1]).reshape(shape)
    leading = np.bincount(cells[where - page.starts[block] <= 2], minlength=shape[0] * shape[1]).reshape(shape)
    size = np.maximum(page.ends - page.starts, 1)[:, None]
    return np.hstack([covered > 0, leading > 0, np.minimum(covered / size, 1.0)]).astype(np.float64)


_OF_WORDS = np.zeros(9, dtype=np.bool_)
_OF_WORDS[[p.LOWER, p.UPPER, p.LETTER, p.WIDE, p.DIGIT, p.MARK]] = True


def headings(page: Page, cues: FloatArray) -> FloatArray:
    """How near the last heading of each family is above the block, and the next below it: 1 at the heading itself, a half eight
    blocks away, shape (n_blocks, len(HEADINGS)). `cues` are the columns of `features`.

    What a heading such as "Related" opens goes on until another heading, however long its texts are."""
    n = len(page)
    leading = cues[:, len(FAMILIES) : 2 * len(FAMILIES)] > 0
    leading &= (page.ends - page.starts < _HEADING)[:, None]
    row = np.arange(n)[:, None]
    far = 1 << 30
    above = np.maximum.accumulate(np.where(leading, row, -far), axis=0)
    below = np.minimum.accumulate(np.where(leading, row, far)[::-1], axis=0)[::-1]
    return np.hstack([8 / (8 + row - above), 8 / (8 + below - row)])


@dataclass(frozen=True, slots=True)
class _Level:
    """All beginnings of cues of one length, as sorted hashes, and for those that are whole cues the families as bits."""

    hashes: NDArray[np.uint64]
    open: NDArray[np.uint32]
    closed: NDArray[np.uint32]
    """Families of the cues that must end a word."""


def _matches(page: Page) -> tuple[IntArray, IntArray, IntArray]:
    """Where cues stand, how long they are, and the index of their family: a walk down the trie from all beginnings of words at
    once, level by level; few positions survive the first letters."""
    inside = _inside_word(page)
    codes = page.lowered.astype(np.uint64)
    at: IntArray = np.flatnonzero(~inside[:-1])
    value: NDArray[np.uint64] = np.zeros(len(at), dtype=np.uint64)
    where, lengths, families = [], [], []
    for depth, level in enumerate(_trie()):
        keep = at < len(codes) - depth
        at, value = at[keep], value[keep]
        value = (value ^ codes[at + depth]) * _MULTIPLIER
        index = np.minimum(np.searchsorted(level.hashes, value), len(level.hashes) - 1)
        known = level.hashes[index] == value
        at, value, index = at[known], value[known], index[known]
        if not len(at):
            break
        found = level.open[index] | np.where(inside[at + depth + 1], 0, level.closed[index])
        whole = np.flatnonzero(found)
        if len(whole):
            rows, columns = np.nonzero(found[whole, None] >> np.arange(len(FAMILIES), dtype=np.uint32) & 1)
            where.append(at[whole[rows]])
            lengths.append(np.full(len(rows), depth + 1))
            families.append(columns)
    if not where:
        none = np.zeros(0, dtype=np.int64)
        return none, none, none
    return np.concatenate(where), np.concatenate(lengths), np.concatenate(families)


def _inside_word(page: Page) -> BoolArray:
    """Whether each character goes on with a word, and, last, whether the end of the text would: false."""
    letter = _OF_WORDS[page.classes]
    inside = np.zeros(len(letter) + 1, dtype=np.bool_)
    inside[1:-1] = letter[1:] & letter[:-1]
    unspaced = page.classes == p.WIDE
    for first, last in _UNSPACED:
        unspaced |= (page.codes >= first) & (page.codes <= last)
    inside[:-1] &= ~unspaced
    return inside


@cache
def _trie() -> tuple[_Level, ...]:
    """The cues of all families, level by level."""
    bits: dict[str, int] = {}
    for bit, family in enumerate(FAMILIES):
        for cue in cues(family):
            bits[cue] = bits.get(cue, 0) | 1 << bit
    words = [cue.removesuffix("_") for cue in bits]
    closed = np.array([cue.endswith("_") for cue in bits])
    families = np.array(list(bits.values()), dtype=np.uint32)
    sizes = np.array(list(map(len, words)))
    padded = np.array(words)
    _, lower = p.character_tables()
    codes = lower[padded.view(np.uint32).reshape(len(words), -1)].astype(np.uint64)
    values = np.zeros(len(words), dtype=np.uint64)
    levels = []
    for depth in range(int(sizes.max())):
        longer = sizes > depth
        values[longer] = (values[longer] ^ codes[longer, depth]) * _MULTIPLIER
        hashes = np.unique(values[longer])
        ends = np.zeros((2, len(hashes)), dtype=np.uint32)
        whole = sizes == depth + 1
        np.bitwise_or.at(ends, (closed[whole].astype(np.int64), np.searchsorted(hashes, values[whole])), families[whole])
        levels.append(_Level(hashes, ends[0], ends[1]))
    return tuple(levels)


def cues(family: str) -> list[str]:
    """The cues of a family in all languages, in the order of the file."""
    found: dict[str, None] = {}
    for line in (_FOLDER / f"{family}.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            found |= dict.fromkeys(filter(None, map(str.strip, line.partition(":")[2].split("|"))))
    return list(found)
