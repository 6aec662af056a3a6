"""A page as arrays: what every cue family reads.

Everything is computed once per document over its code points, so that the families are array expressions and the cost is linear
in the document's length.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

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
class Page:
    """A document and its blocks, as arrays. Block arrays have one entry a block; character arrays one a code point."""

    text: str
    blocks: Sequence[Block]
    foreign: BoolArray
    codes: NDArray[np.uint32]
    lowered: NDArray[np.uint32]
    classes: NDArray[np.uint8]
    starts: IntArray
    """Where the block's text begins, leading white space skipped."""
    ends: IntArray
    """Where it ends, trailing white space dropped; equal to `starts` for a blank block."""
    continued: BoolArray
    """The block begins inside a line."""
    unfinished: BoolArray
    """The line goes on after the block."""
    owner: IntArray
    """Which block each character belongs to."""
    line: IntArray
    """Which line the block belongs to, counted in lines that hold blocks."""
    counts: IntArray
    """How many characters of each class a block holds: shape (n_blocks, 9)."""
    width: IntArray
    """How wide a block is, in characters; East Asian wide letters count twice."""

    def __len__(self) -> int:
        return len(self.starts)


def read_page(text: str, blocks: Sequence[Block], foreign: Sequence[bool]) -> Page:
    """The arrays of a document. `blocks` tile `text`; `foreign` says which are not in the document's main language."""
    table_classes, table_lower = character_tables()
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    classes = table_classes.take(codes, mode="clip")
    lowered = table_lower.take(codes, mode="clip")
    beyond = codes >= _BMP
    if beyond.any():
        # Ideographs and historic scripts are letters; the planes between them hold emoji and other symbols.
        astral = codes[beyond]
        classes[beyond] = np.where(astral >= 0x20000, WIDE, np.where(astral >= 0x1D000, SYMBOL, LETTER))
        lowered[beyond] = astral
    begins = np.fromiter((b.start for b in blocks), dtype=np.int64, count=len(blocks))
    finishes = np.append(begins[1:], len(text))
    filled = np.append(np.flatnonzero(classes != SPACE), len(text))
    starts = np.minimum(filled[np.searchsorted(filled, begins)], finishes)
    last = np.searchsorted(filled, finishes) - 1
    ends = np.where(last >= 0, filled[last] + 1, 0)
    ends = np.where(ends > starts, ends, starts)
    continued = np.array([False, *(text[block.start - 1] not in _LINE_ENDS for block in blocks[1:])])
    unfinished = np.append(continued[1:], False)
    owner = np.repeat(np.arange(len(blocks)), finishes - begins)
    counts = np.bincount(owner * _CLASSES + classes, minlength=len(blocks) * _CLASSES).reshape(-1, _CLASSES)
    # White space around the text belongs to the block but is no part of its shape.
    counts[:, SPACE] += ends - starts - counts.sum(axis=1)
    return Page(
        text=text,
        blocks=blocks,
        foreign=np.asarray(foreign, dtype=np.bool_),
        codes=codes,
        lowered=lowered,
        classes=classes,
        starts=starts,
        ends=ends,
        continued=continued,
        unfinished=unfinished,
        owner=owner,
        line=np.cumsum(~continued) - 1,
        counts=counts,
        width=ends - starts + counts[:, WIDE],
    )
