"""Pages as arrays: what every cue family reads.

Everything is computed over code points, so that the families are array expressions and the cost is linear in the length. Many
short documents are read as one page, so that no array is small; the characters of long ones are read in stretches.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from annotate.model import Block

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

SPACE, LOWER, UPPER, LETTER, WIDE, DIGIT, PUNCT, SYMBOL, MARK = range(9)
"""Character classes: white space, lower-case, upper-case, letters without case, East Asian wide letters, digits, punctuation,
symbols (emoji among them), and combining marks with everything else."""

_CLASSES = 9
_BMP = 0x10000
_CHARACTERS, _BLOCKS = 1 << 18, 1 << 12
"""How much is read at a time."""
_BESIDE = 100
"""Characters after a stretch that are read with it: cues and numbers may go on there."""
UNSPACED = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF))
"""Thai, Lao, Burmese and Khmer are written without spaces between words, as East Asian wide letters are."""
_COMPARED = 300
"""Texts of this length and more are held to repeat no other."""
_LINE_ENDS = frozenset("\n\v\f\x1c\x1d\x1e\x85\u2028\u2029")
_BY_CATEGORY = {"Ll": LOWER, "Lu": UPPER, "Lt": UPPER, "Nd": DIGIT, "Nl": LETTER, "No": DIGIT}
_BY_MAJOR = {"L": LETTER, "P": PUNCT, "S": SYMBOL, "Z": SPACE}


@cache
def character_tables() -> tuple[NDArray[np.uint8], NDArray[np.uint32]]:
    """Class and lower-cased form of every code point of the basic plane; characters beyond it share the last entry's rules."""
    classes = np.empty(_BMP, dtype=np.uint8)
    lower = np.arange(_BMP, dtype=np.uint32)
    for code in range(_BMP):
        character = chr(code)
        category = unicodedata.category(character)
        classes[code] = _BY_CATEGORY.get(category) or _BY_MAJOR.get(category[0], MARK)
        if category in ("Lu", "Lt"):
            lower[code] = ord(character.lower()[0])
    classes[9:14] = SPACE
    # Greek capitals are written without accents.
    for code in range(0x370, 0x400):
        lower[code] = ord(unicodedata.normalize("NFD", chr(lower[code]))[0])
    lower[ord("ς")] = ord("σ")
    for first, last in ((0x2E80, 0x2FFF), (0x3040, 0x30FF), (0x3400, 0x9FFF), (0xAC00, 0xD7A3), (0xF900, 0xFAFF)):
        stretch = classes[first : last + 1]
        stretch[stretch == LETTER] = WIDE
    return classes, lower


@dataclass(frozen=True, slots=True)
class Letters:
    """The characters of a stretch of blocks, one entry a code point, and of what stands beside the stretch."""

    first: int
    last: int
    """The blocks: from, to (exclusive)."""
    codes: NDArray[np.uint32]
    lowered: NDArray[np.uint32]
    classes: NDArray[np.uint8]
    core: slice
    """The characters that belong to the blocks; one before them and `_BESIDE` after them may be there, too."""
    owner: IntArray
    """Which block each character of the core belongs to, counted from `first`."""
    starts: IntArray
    """Where each block's text begins among the characters, leading white space skipped."""
    ends: IntArray
    """Where it ends, trailing white space dropped; equal to `starts` for a blank block."""


@dataclass(frozen=True, slots=True)
class Page:
    """Documents and their blocks, as arrays with one entry a block; a document's blocks stand together. No family of cues may
    look beyond a document."""

    text: str
    """The documents' texts, one below the other."""
    blocks: Sequence[Block]
    begins: IntArray
    """Where each block begins in the text, and where the text ends: (n_blocks + 1,)."""
    bounds: IntArray
    """The first block of each document, and the number of blocks: (n_documents + 1,)."""
    top: IntArray
    """The first block of the block's document,"""
    bottom: IntArray
    """and the one after the last."""
    foreign: BoolArray
    starts: IntArray
    """Where the block's text begins, leading white space skipped."""
    ends: IntArray
    """Where it ends, trailing white space dropped; equal to `starts` for a blank block."""
    continued: BoolArray
    """The block begins inside a line."""
    unfinished: BoolArray
    """The line goes on after the block."""
    line: IntArray
    """Which line the block belongs to, counted in lines that hold blocks."""
    line_width: IntArray
    """How wide that line is."""
    blank_before: BoolArray
    """Whether a blank line stands between the block and the one before."""
    counts: IntArray
    """How many characters of each class a block holds: shape (n_blocks, 9)."""
    width: IntArray
    """How wide a block is, in characters; East Asian wide letters count twice."""
    above: IntArray
    """How wide the blocks above it in its document are."""
    repeats: IntArray
    """How often the block's text stands in its document."""
    repeated: BoolArray
    """Whether it stands there earlier."""

    marked: bool
    """Whether any block has markup."""

    def __len__(self) -> int:
        return len(self.blocks)

    def letters(self, first: int = 0, last: int | None = None) -> Letters:
        """The characters of the blocks `first` to `last` (exclusive), by default of all."""
        return _letters(self.text, self.begins, first, len(self) if last is None else last)

    def stretches(self) -> Iterator[tuple[int, int]]:
        """First and last block (exclusive) of the stretches that are read at a time, so that memory does not grow with the
        length of a document."""
        return _stretches(self.begins)


Source = tuple[str, Sequence[Block], Sequence[bool]]
"""A document's text, the blocks that tile it, and which of them are not in the document's main language."""


def read_page(text: str, blocks: Sequence[Block], foreign: Sequence[bool]) -> Page:
    """The arrays of one document."""
    return read_pages([(text, blocks, foreign)])


def read_pages(documents: Sequence[Source]) -> Page:
    """The arrays of documents, each of at least one block."""
    # The line end between documents keeps words and numbers from going on in the next one. It counts as white space of the
    # block before.
    text = "\n".join(one for one, _, _ in documents)
    blocks = [block for _, some, _ in documents for block in some]
    n = len(blocks)
    bounds = np.cumsum([0, *(len(some) for _, some, _ in documents)])
    sizes = np.diff(bounds)
    shifts = np.cumsum([0, *(len(one) + 1 for one, _, _ in documents[:-1])])
    begins = np.fromiter((block.start for block in blocks), dtype=np.int64, count=n) + np.repeat(shifts, sizes)
    continued = np.fromiter((text[at - 1] not in _LINE_ENDS for at in begins.tolist()), dtype=np.bool_, count=n)
    continued[bounds[:-1]] = False
    begins = np.append(begins, len(text))
    parts = [_measured(_letters(text, begins, first, last), begins) for first, last in _stretches(begins)]
    starts, ends, counts, breaks_before, breaks_after = map(np.concatenate, zip(*parts, strict=True))
    blank_before = breaks_before
    blank_before[1:] += breaks_after[:-1]
    width = ends - starts + counts[:, WIDE]
    line = np.cumsum(~continued) - 1
    repeats, repeated = _repetition(text, starts, ends, bounds)
    above = np.cumsum(width) - width
    top, bottom = np.repeat(bounds[:-1], sizes), np.repeat(bounds[1:], sizes)
    return Page(
        text=text,
        blocks=blocks,
        begins=begins,
        bounds=bounds,
        top=top,
        bottom=bottom,
        foreign=np.concatenate([np.asarray(some, dtype=np.bool_) for _, _, some in documents]),
        starts=starts,
        ends=ends,
        continued=continued,
        unfinished=np.append(continued[1:], False),
        line=line,
        line_width=np.bincount(line, weights=width).astype(np.int64)[line],
        blank_before=(blank_before > 1) & (np.arange(n) > top),
        counts=counts,
        width=width,
        above=above - above[top],
        repeats=repeats,
        repeated=repeated,
        marked=any(block.path or block.link_density >= 0 or block.cues for block in blocks),
    )


def _stretches(begins: IntArray) -> Iterator[tuple[int, int]]:
    first, n = 0, len(begins) - 1
    while first < n:
        last = int(begins.searchsorted(begins[first] + _CHARACTERS, side="right")) - 1
        last = min(max(last, first + 1), first + _BLOCKS, n)
        yield first, last
        first = last


def _letters(text: str, begins: IntArray, first: int, last: int) -> Letters:
    table_classes, table_lower = character_tables()
    begin, end = int(begins[first]), int(begins[last])
    low, high = max(begin - 1, 0), min(end + _BESIDE, len(text))
    codes = np.frombuffer(text[low:high].encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    classes = table_classes.take(codes, mode="clip")
    lowered = table_lower.take(codes, mode="clip")
    beyond = codes >= _BMP
    if beyond.any():
        # Ideographs and historic scripts are letters; the planes between them hold emoji and other symbols.
        astral = codes[beyond]
        classes[beyond] = np.where(astral >= 0x20000, WIDE, np.where(astral >= 0x1D000, SYMBOL, LETTER))
        lowered[beyond] = astral
    within = begins[first : last + 1] - low
    filled = np.concatenate(([-1], np.flatnonzero(classes != SPACE), [len(codes)]))
    starts = np.minimum(filled[filled.searchsorted(within[:-1])], within[1:])
    ends = np.maximum(filled[filled.searchsorted(within[1:]) - 1] + 1, starts)
    return Letters(
        first=first,
        last=last,
        codes=codes,
        lowered=lowered,
        classes=classes,
        core=slice(begin - low, end - low),
        owner=np.repeat(np.arange(last - first), np.diff(within)),
        starts=starts,
        ends=ends,
    )


def _measured(letters: Letters, begins: IntArray) -> tuple[IntArray, IntArray, IntArray, IntArray, IntArray]:
    """Where the text of each block starts and ends, how many characters of each class it has, and how many line ends stand
    before it and after it."""
    n = letters.last - letters.first
    low = begins[letters.first] - letters.core.start
    cells = letters.owner * _CLASSES + letters.classes[letters.core]
    counts = np.bincount(cells, minlength=n * _CLASSES).reshape(-1, _CLASSES)
    # White space around the text belongs to the block but is no part of its shape.
    counts[:, SPACE] += letters.ends - letters.starts - counts.sum(axis=1)
    breaks = np.flatnonzero(letters.codes == ord("\n"))
    edges = begins[letters.first : letters.last + 1] - low
    before = breaks.searchsorted(letters.starts) - breaks.searchsorted(edges[:-1])
    after = breaks.searchsorted(edges[1:]) - breaks.searchsorted(letters.ends)
    return letters.starts + low, letters.ends + low, counts, before, after


def _repetition(text: str, starts: IntArray, ends: IntArray, bounds: IntArray) -> tuple[IntArray, BoolArray]:
    """How often each block's text stands in its document, and whether it stands there earlier."""
    spans = list(zip(starts.tolist(), ends.tolist(), strict=True))
    kinds: list[int] = []
    for first, last in pairwise(bounds.tolist()):
        number: dict[str | tuple[int, int], int] = {}
        keys = (text[a:b] if b - a < _COMPARED else (a, b) for a, b in spans[first:last])
        kinds += [number.setdefault(key, row) for row, key in enumerate(keys, first)]
    groups = np.array(kinds)
    return np.bincount(groups)[groups], groups < np.arange(len(groups))


def nearness(page: Page, found: IntArray, first: int, last: int) -> tuple[FloatArray, FloatArray]:
    """How near the last of the blocks numbered `found` is above the blocks `first` to `last` (exclusive), and the next below
    them: 1 in the same line, a half eight lines away, 0 where the document has none. Two arrays, one entry a block."""
    if not len(found):
        return np.zeros(last - first), np.zeros(last - first)
    rows, lines = np.arange(first, last), page.line[first:last]
    above = found[np.maximum(found.searchsorted(rows, side="right") - 1, 0)]
    below = found[np.minimum(found.searchsorted(rows), len(found) - 1)]
    return (
        np.where((above >= page.top[first:last]) & (above <= rows), 8 / (8 + np.abs(lines - page.line[above])), 0.0),
        np.where((below < page.bottom[first:last]) & (below >= rows), 8 / (8 + np.abs(page.line[below] - lines)), 0.0),
    )
