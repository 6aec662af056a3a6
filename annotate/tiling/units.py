"""What gets one label each: the lines of a document, and the pieces of its long lines."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from annotate.detectors import scripts
from annotate.model import Block, Document

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

WORD, SENTENCE, LINE, BLANK = range(4)
"""What lies before a unit: any place in a line, the end of a sentence in it, a line end, a blank line."""

LONG_LINE, PIECE, UNIT = 50, 12, 400
"""Lines longer than LONG_LINE code points are cut into pieces of at least PIECE and at most UNIT code points."""

RUN_ON = 4.0
"""What a cut between any two words must explain, in nats, to be looked at."""

_BREAKS = "\n\v\f\x1c-\x1e\x85\u2028\u2029"
_LINE = re.compile(rf"[^{_BREAKS}]+")
_WORD = re.compile(r"\S+")
_BREAK = re.compile(rf"[{_BREAKS}]")
_CUT = re.compile(
    r"[.!?…؟۔।॥։።。！？｡|»›•·▪●”\s]"  # nothing but these begins a cut: they are quick to look for
    r"(?:(?<=[.!?…؟۔।॥։።])[\"'”’»›)\]]*\s+"
    r"|(?<=[。！？｡])[」』”’）]*\s*"
    r"|(?<=\s)\s*(?=[|»›•·▪●“„«])"
    r"|(?<=[|»›•·▪●”])\s+)"
)
_NOT_LATIN = re.compile("[^\0-\u036f\u1e00-\u1eff\u2000-\u2bff]")
"""What letters of other scripts are among."""


@dataclass(frozen=True, slots=True)
class Units:
    """The pieces that tile a document, and what lies before each (`WORD` … `BLANK`)."""

    blocks: tuple[Block, ...]
    gaps: Ints

    def __len__(self) -> int:
        return len(self.blocks)

    def texts(self, text: str) -> list[str]:
        """The units of `text`."""
        return [text[block.start : block.end] for block in self.blocks]


def cut(document: Document) -> Units:
    """The units of a document: lines of its blocks, long lines cut at sentence ends, separators and quotes. White space belongs
    to the unit before it, leading white space to the first."""
    text = document.text
    alphabets = _alphabets(text)
    starts: list[int] = []
    owners: list[Block] = []
    gaps: list[int] = []
    end = 0
    for block in document.blocks or (Block(0, len(text)),):
        for line in _LINE.finditer(text, block.start, block.end):
            stripped = line.group().strip()
            if not stripped:
                continue
            start = text.find(stripped[0], line.start())
            blank = start - end > 1 and len(_BREAK.findall(text, end, start)) > 1
            end = start + len(stripped)
            starts.append(start)
            gaps.append(BLANK if blank else LINE)
            if len(stripped) > LONG_LINE:
                for place, gap in _cuts(stripped, start, alphabets):
                    starts.append(start + place)
                    gaps.append(gap)
            owners += [block] * (len(starts) - len(owners))
    bounds = pairwise([0, *starts[1:], len(text)])
    blocks = [_part(owner, *span) for span, owner in zip(bounds, owners, strict=True)]
    return Units(tuple(blocks), np.array(gaps, dtype=np.intp))


def _part(block: Block, start: int, end: int) -> Block:
    if start == block.start and end == block.end:
        return block
    return Block(start, end, block.path, block.link_density, block.cues)


def _alphabets(text: str) -> list[int]:
    """Where another kind of letters begins: Latin after Cyrillic, Han after Latin."""
    if not _NOT_LATIN.search(text):
        return []
    kinds = scripts.systems(text)
    at = np.flatnonzero(kinds)
    found = kinds[at]
    changes: list[int] = at[1:][found[1:] != found[:-1]].tolist()
    return changes


def _cuts(line: str, offset: int, alphabets: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Where a long line, which stands at `offset` in the text, is cut, and what lies before each cut."""
    if alphabets:
        low, high = bisect_left(alphabets, offset), bisect_left(alphabets, offset + len(line))
        places = dict.fromkeys([place - offset for place in alphabets[low:high]], WORD)
        places |= dict.fromkeys([match.end() for match in _CUT.finditer(line)], SENTENCE)
        ordered = sorted(places.items())
    else:
        ordered = [(match.end(), SENTENCE) for match in _CUT.finditer(line)]
    last = 0
    for place, gap in ordered:
        if min(place - last, len(line) - place) >= PIECE:
            if place - last > UNIT:
                yield from _shorter(line, last, place)
            yield place, gap
            last = place
    if len(line) - last > UNIT:
        yield from _shorter(line, last, len(line))


def _shorter(line: str, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Cuts between words, or anywhere, of a piece that is too long."""
    while stop - start > UNIT:
        space = line.rfind(" ", start + PIECE, start + UNIT)
        start = space + 1 if space > 0 else start + UNIT
        yield start, WORD


@dataclass(frozen=True, slots=True)
class Suspect:
    """A unit beside a change of language: it may belong to both of its sides."""

    unit: int
    before: int
    after: int
    """The languages, as `path` numbers them."""
    starts: list[int]
    """Where its words begin,"""
    words: list[str]
    """and the words, each with the white space after it."""


def suspects(text: str, units: Units, path: Ints) -> list[Suspect]:
    """The units beside the changes of language in `path` that hold a few words."""
    sides: dict[int, tuple[int, int]] = {}
    for i in (np.flatnonzero(path[1:] != path[:-1]) + 1).tolist():
        for k in (i - 1, i):
            sides.setdefault(k, (int(path[i - 1]), int(path[i])))
    found = []
    for k, (before, after) in sides.items():
        end = units.blocks[k].end
        starts = [match.start() for match in _WORD.finditer(text, units.blocks[k].start, end)]
        if len(starts) > 2:
            words = [text[first:last] for first, last in pairwise([*starts, end])]
            found.append(Suspect(k, before, after, starts, words))
    return found


def run_ons(suspects: Sequence[Suspect], scores: Floats) -> dict[int, int]:
    """Where the language changes inside a unit, by unit: a notice may run on into a sentence with no sign between them.
    `scores` are those of the words of all suspects for the languages that these name."""
    found: dict[int, int] = {}
    first = 0
    for one in suspects:
        rows = scores[first : first + len(one.words)]
        first += len(one.words)
        ahead = np.cumsum(rows[:, one.before] - rows[:, one.after])
        best = int(ahead[:-1].argmax())
        if 2 * ahead[best] - ahead[-1] > abs(ahead[-1]) + RUN_ON:
            found[one.unit] = one.starts[best + 1]
    return found


def recut(units: Units, places: Mapping[int, int]) -> Units:
    """The units with some of them cut in two."""
    blocks, gaps = [], []
    for k, (block, gap) in enumerate(zip(units.blocks, units.gaps.tolist(), strict=True)):
        if k in places:
            blocks += [replace(block, end=places[k]), replace(block, start=places[k])]
            gaps += [gap, WORD]
        else:
            blocks.append(block)
            gaps.append(gap)
    return Units(tuple(blocks), np.array(gaps, dtype=np.intp))
