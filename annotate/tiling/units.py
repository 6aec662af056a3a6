"""What gets one label each: the lines of a document, and the pieces of its long lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
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
    r"(?<=[.!?…؟۔।॥։።])[\"'”’»›)\]]*\s+"
    r"|(?<=[。！？｡])[」』”’）]*\s*"
    r"|\s+(?=[|»›•·▪●“„«])"
    r"|(?<=[|»›•·▪●”])\s+"
)


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
    starts, owners, gaps = [], [], []
    end = 0
    for block in document.blocks or (Block(0, len(text)),):
        for line in _LINE.finditer(text, block.start, block.end):
            for start, stop, gap in _pieces(line.group(), line.start(), alphabets):
                starts.append(start)
                owners.append(block)
                gaps.append(BLANK if gap == LINE and len(_BREAK.findall(text, end, start)) > 1 else gap)
                end = stop
    bounds = pairwise([0, *starts[1:], len(text)])
    blocks = [Block(a, b, owner.path, owner.link_density, owner.cues) for (a, b), owner in zip(bounds, owners, strict=True)]
    return Units(tuple(blocks), np.array(gaps, dtype=np.intp))


def _alphabets(text: str) -> Ints:
    """Where another kind of letters begins: Latin after Cyrillic, Han after Latin."""
    kinds = scripts.systems(text)
    at = np.flatnonzero(kinds)
    found = kinds[at]
    return np.asarray(at[1:][found[1:] != found[:-1]], dtype=np.intp)


def _pieces(line: str, offset: int, alphabets: Ints) -> Iterator[tuple[int, int, int]]:
    """The ranges of a line's pieces in the text, white space around them left out, and what lies before each; none for a blank
    line."""
    stripped = line.strip()
    if not stripped:
        return
    offset += len(line) - len(line.lstrip())
    if len(stripped) <= LONG_LINE:
        yield offset, offset + len(stripped), LINE
        return
    low, high = alphabets.searchsorted([offset, offset + len(stripped)])
    places = dict.fromkeys((alphabets[low:high] - offset).tolist(), WORD)
    places |= dict.fromkeys([match.end() for match in _CUT.finditer(stripped)], SENTENCE)
    cuts = {0: LINE}
    last = 0
    for place in sorted(places):
        if min(place - last, len(stripped) - place) >= PIECE:
            cuts[place] = places[place]
            last = place
    for (start, gap), stop in zip(cuts.items(), [*list(cuts)[1:], len(stripped)], strict=True):
        while stop - start > UNIT:
            space = stripped.rfind(" ", start + PIECE, start + UNIT)
            middle = space + 1 if space > 0 else start + UNIT
            yield offset + start, offset + middle, gap
            start, gap = middle, WORD
        yield offset + start, offset + stop, gap


def run_ons(text: str, units: Units, path: Ints, judge: Callable[[Sequence[str]], Floats]) -> dict[int, int]:
    """Where the language changes inside a unit beside a change of language: a notice may run on into a sentence with no sign
    between them. `judge` gives the scores of pieces of text for the languages that `path` numbers. Places by unit."""
    sides: dict[int, tuple[int, int]] = {}
    for i in (np.flatnonzero(np.diff(path)) + 1).tolist():
        for k in (i - 1, i):
            sides.setdefault(k, (int(path[i - 1]), int(path[i])))
    words = {k: [m.start() for m in _WORD.finditer(text, units.blocks[k].start, units.blocks[k].end)] for k in sides}
    words = {k: places for k, places in words.items() if len(places) > 2}
    if not words:
        return {}
    scores = judge([text[start:end] for k, places in words.items() for start, end in pairwise([*places, units.blocks[k].end])])
    found: dict[int, int] = {}
    first = 0
    for k, places in words.items():
        before, after = sides[k]
        rows = scores[first : first + len(places)]
        first += len(places)
        ahead = np.cumsum(rows[:, before] - rows[:, after])
        best = int(ahead[:-1].argmax())
        if 2 * ahead[best] - ahead[-1] > abs(ahead[-1]) + RUN_ON:
            found[k] = places[best + 1]
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
