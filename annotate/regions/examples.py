"""Labelled documents, as a region model is fitted to them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from annotate.codec import loads
from annotate.errors import InvariantError, ReadError
from annotate.model import REGIONS, UND, Block, Document

_TELLING_LINE, _FEW_HOLDERS, _SHARED_LINES = 4, 6, 12
"""Documents that share `_SHARED_LINES` lines of `_TELLING_LINE` characters and more, lines that no more than `_FEW_HOLDERS`
documents have, are of one site."""


@dataclass(frozen=True, slots=True)
class Example:
    """A labelled document: a region for each of the blocks that tile its text, and which blocks are foreign to its main
    language, `lang`. `weight` is that of each of its blocks."""

    text: str
    blocks: tuple[Block, ...]
    foreign: tuple[bool, ...]
    regions: tuple[str, ...]
    weight: float = 1.0
    lang: str = UND

    def __post_init__(self) -> None:
        if not len(self.blocks) == len(self.foreign) == len(self.regions) > 0:
            raise InvariantError("an example needs blocks, and foreign and regions for each of them")
        if unknown := set(self.regions) - set(REGIONS):
            raise InvariantError(f"no such region: {', '.join(sorted(unknown))}", hint=f"regions: {', '.join(REGIONS)}")


@dataclass(frozen=True, slots=True)
class GoldSegment:
    """A stretch of a labelled document in one language and region."""

    start: int
    end: int
    lang: str
    region: str


@dataclass(frozen=True, slots=True)
class Gold:
    """A labelled document as it stands in a file: as text, or as HTML, whose extracted text the segments then tile."""

    id: str
    segments: tuple[GoldSegment, ...]
    text: str = ""
    html: str = ""


def examples(path: Path, document: Callable[[Gold], Document], *, weight: float = 1.0) -> Iterator[Example]:
    """The examples of a JSONL file of `{"id","text","segments":[{"start","end","lang","region"}]}`, or with `html` for `text`;
    other keys are not read.

    `document` makes a document with blocks of a record, cut as the decoder will cut it. Pages that are given as text and again
    as HTML make a model that does with and without markup. Raises `ReadError` with the line number."""
    with open(path, "rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                gold = loads(line, Gold)
                yield example(document(gold), gold.segments, weight=weight)
            except (ReadError, InvariantError) as problem:
                raise ReadError(f"{path}:{number}: {problem.message}", hint=problem.hint) from None


def example(document: Document, segments: Sequence[GoldSegment], *, weight: float = 1.0) -> Example:
    """Labels the blocks of `document` by the segment that most of their visible characters lie in. Raises `InvariantError` when
    the segments do not tile the text."""
    text = document.text
    bounds = [0, *(s.end for s in segments)]
    if [s.start for s in segments] != bounds[:-1] or bounds[-1] != len(text) or bounds != sorted(set(bounds)):
        raise InvariantError(f"the segments of {document.doc_id!r} do not tile its text of {len(text)} code points")
    visible = np.concatenate(([0], np.cumsum([not c.isspace() for c in text])))
    sizes: Counter[str] = Counter()
    for segment in segments:
        sizes[segment.lang] += int(visible[segment.end] - visible[segment.start])
    sizes.pop(UND, None)
    main = max(sizes, key=lambda tag: sizes[tag]) if sizes else UND
    labels = []
    for block in document.blocks:
        first, last = bisect_right(bounds, block.start) - 1, bisect_left(bounds, block.end)
        shared = [visible[min(s.end, block.end)] - visible[max(s.start, block.start)] for s in segments[first:last]]
        labels.append(segments[first + int(np.argmax(shared))])
    foreign = tuple(s.lang not in (main, UND) for s in labels)
    return Example(text, document.blocks, foreign, tuple(s.region for s in labels), weight, main)


def sites(documents: Sequence[Example]) -> list[int]:
    """Which documents are of one site, by number: those that share lines which few others have, a menu or a footer."""
    holders: dict[str, list[int]] = {}
    for i, document in enumerate(documents):
        for line in {line for line in document.text.split("\n") if len(line) >= _TELLING_LINE}:
            holders.setdefault(line, []).append(i)
    shared: Counter[tuple[int, int]] = Counter()
    for found in holders.values():
        if len(found) <= _FEW_HOLDERS:
            shared.update(combinations(found, 2))
    site = list(range(len(documents)))
    for (left, right), lines in sorted(shared.items()):
        enough = lines >= _SHARED_LINES or documents[left].text == documents[right].text
        if enough and site[left] != site[right]:
            kept, gone = sorted((site[left], site[right]))
            site = [kept if s == gone else s for s in site]
    return site
