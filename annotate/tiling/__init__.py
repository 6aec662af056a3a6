"""The decoder: one document → the segments that tile it.

    units      the document cut into lines and pieces of long lines   → what gets one label each
    languages  which languages the document is in                     → scores of each unit for them
    decoding   the best sequence of joint states (language, region)   → labels, and how sure they are
    segments   equal neighbours merged                                → segments

Scores come from `annotate.detectors` and `annotate.regions`. The result depends on the document alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from annotate.corpus import Recurrence
from annotate.detectors import DEFAULT, DETECTORS, Detector, scripts, varieties
from annotate.detectors.evidence import Evidence, Listener
from annotate.errors import UnknownName
from annotate.model import REGIONS, UND, Document, Tiling
from annotate.parallel import batches
from annotate.regions import RegionModel, load
from annotate.tiling.decoding import Path, Scored, decode_languages, posteriors, viterbi
from annotate.tiling.languages import decide_varieties, entry_costs, find_languages, rest
from annotate.tiling.segments import tiling
from annotate.tiling.units import Floats, Ints, Suspect, Units, cut, recut, run_ons, suspects

RECURS, REPEATED = 3, 12.0
"""With corpus cues: what it costs, in nats, to call a line that stands in so many documents of its site title or body."""
_UNREPEATED = np.array([REGIONS.index("title"), REGIONS.index("body")])

_TOGETHER = 1 << 10
"""The words of so many suspects are listened to together; of a long document there may be a million."""

EXCERPT, FOREMOST = 80, 3
"""An explanation shows so many characters of a unit, and so many of its languages and regions."""


@dataclass(frozen=True, slots=True)
class UnitExplanation:
    """What decided the labels of one unit. Scores are in nats, the higher the better, before neighbours are looked at."""

    start: int
    end: int
    text: str
    """At most `EXCERPT` characters of it."""
    gap: str
    """What lies before it: a place in a line (`word`), the end of a sentence, a line end or a blank line."""
    langs: tuple[tuple[str, float], ...]
    """Its `FOREMOST` languages with their scores, of all that the detector knows; none for a unit that says nothing."""
    regions: tuple[tuple[str, float], ...]
    """Its `FOREMOST` regions with their scores."""
    lang: str
    """The language chosen."""
    region: str
    """The region chosen."""


@dataclass(slots=True)
class _Heard:
    """A document, and which languages its units say they are in."""

    document: Document
    units: Units
    evidence: Evidence
    candidates: list[int]
    """The document's languages, as columns of the evidence."""
    alone: Ints
    """The language of each unit by itself, as a place in `candidates`."""


@dataclass(frozen=True, slots=True)
class _Decoded:
    """The units of a document, their scores and their labels."""

    document: Document
    units: Units
    evidence: Evidence
    """Without its scores."""
    scored: Scored
    """Scores for the document's languages and, in the last column, for the best of all others."""
    path: Path
    tags: list[str]


@dataclass(frozen=True, slots=True)
class Segmenter:
    """How documents are tiled: the detector's name, the languages to choose from (none given: all it knows), the region model
    and, if wanted, what is known of the corpus. Raises `UnknownName` for a detector or a language that does not exist."""

    detector: str = DEFAULT
    languages: tuple[str, ...] = ()
    regions: RegionModel = field(default_factory=load)
    recurrence: Recurrence | None = None
    """Corpus cues. Without them a tiling depends on its document alone."""
    _listener: Listener = field(init=False, repr=False, compare=False)
    _costs: Floats = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        detector: Detector = DETECTORS.get(self.detector)()
        tags = tuple(sorted({*detector.languages, *scripts.NOT_LATIN, *varieties.GROUP_OF}))
        for tag in self.languages:
            if tag not in tags:
                raise UnknownName(f"language of the detector {self.detector}", tag, tags)
        object.__setattr__(self, "_listener", Listener(detector, tags))
        object.__setattr__(self, "_costs", entry_costs(tags, self.languages))

    def tile(self, document: Document) -> Tiling:
        """The segments of `document`; they depend on nothing but the document and these options."""
        (tiled,) = self.tile_all([document])
        return tiled

    def tile_all(self, documents: Iterable[Document]) -> Iterator[Tiling]:
        """What `tile` makes of each document of a stream, in order. Many short documents are read together, which takes a third
        of the time."""
        start, transitions = self.regions.start, self.regions.transitions
        for batch in batches(documents, size=lambda document: len(document.text)):
            found = self._decode(batch)
            sure = posteriors([one.scored for one in found], [one.path for one in found], start, transitions)
            for one, scores in zip(found, sure, strict=True):
                labels = list(zip(one.tags, one.path[1].tolist(), strict=True))
                yield tiling(one.document, one.units, one.evidence, labels, *scores)

    def explain(self, document: Document) -> list[UnitExplanation]:
        """What decided how `document` is tiled, unit by unit."""
        (found,) = self._decode([document])
        evidence = self._listener.gather(found.units.texts(document.text))
        return [
            UnitExplanation(
                start=block.start,
                end=block.end,
                text=document.text[block.start : block.end].strip()[:EXCERPT],
                gap=_GAPS[gap],
                langs=_foremost(self._listener.tags, evidence.scores[i]) if evidence.speaks[i] else (),
                regions=_foremost(REGIONS, found.scored.regions[i]),
                lang=found.tags[i],
                region=REGIONS[found.path[1][i]],
            )
            for i, (block, gap) in enumerate(zip(found.units.blocks, found.units.gaps.tolist(), strict=True))
        ]

    def _decode(self, documents: Sequence[Document]) -> list[_Decoded]:
        heard = self._cut_run_ons(self._hear(documents))
        scored = self._score(heard)
        eligible = [replace(one, langs=one.langs[:, :-1]) for one in scored]
        paths = viterbi(eligible, self.regions.start, self.regions.transitions)
        return [
            _Decoded(one.document, one.units, one.evidence, scores, path, self._tags(one, path[0]))
            for one, scores, path in zip(heard, scored, paths, strict=True)
        ]

    def _hear(self, documents: Sequence[Document]) -> list[_Heard]:
        everything = list(map(cut, documents))
        texts = [units.texts(document.text) for document, units in zip(documents, everything, strict=True)]
        heard = []
        for document, units, evidence in zip(documents, everything, self._listener.gather_all(texts), strict=True):
            candidates = find_languages(evidence, units.gaps, self._costs)
            alone = decode_languages(evidence.of(candidates), units.gaps)
            heard.append(_Heard(document, units, evidence, candidates, alone))
        return heard

    def _cut_run_ons(self, heard: list[_Heard]) -> list[_Heard]:
        """The documents with the units cut in which the language changes."""
        found = [suspects(one.document.text, one.units, one.alone) for one in heard]
        changed = [(one, places) for one, places in zip(heard, self._run_ons(heard, found), strict=True) if places]
        halves = [[text for unit in places for text in _halves(one, unit, places[unit])] for one, places in changed]
        for (one, places), evidence in zip(changed, self._listener.gather_all(halves), strict=True):
            one.evidence = _replaced(one.evidence, places, evidence)
            one.units = recut(one.units, places)
            one.alone = decode_languages(one.evidence.of(one.candidates), one.units.gaps)
        return heard

    def _run_ons(self, heard: Sequence[_Heard], found: Sequence[Sequence[Suspect]]) -> list[dict[int, int]]:
        """Where the language changes inside the suspects of each document."""
        places: list[dict[int, int]] = [{} for _ in heard]
        parts = [
            (k, some[first : first + _TOGETHER]) for k, some in enumerate(found) for first in range(0, len(some), _TOGETHER)
        ]
        for batch in batches(parts, size=lambda part: sum(len(word) for suspect in part[1] for word in suspect.words)):
            said = self._listener.gather_all([[word for suspect in some for word in suspect.words] for _, some in batch])
            for (k, some), evidence in zip(batch, said, strict=True):
                places[k] |= run_ons(some, evidence.of(heard[k].candidates))
        return places

    def _score(self, heard: Sequence[_Heard]) -> list[Scored]:
        pages, spoken = [], []
        for one in heard:
            foreign = one.alone != np.bincount(one.alone, weights=one.evidence.letters).argmax()
            pages.append((one.document.text, one.units.blocks, foreign.tolist()))
            others = rest(one.evidence, one.candidates, self._costs)
            spoken.append(np.column_stack([one.evidence.of(one.candidates), others]))
            one.evidence = one.evidence.without_scores()
        scored = []
        for one, langs, scores in zip(heard, spoken, self.regions.score_all(pages), strict=True):
            regions = np.asarray(scores, dtype=np.float64)
            if self.recurrence is not None:
                regions[_recurrent(one.document, one.units, self.recurrence)[:, None], _UNREPEATED] -= REPEATED
            scored.append(Scored(langs, regions, one.units.gaps))
        return scored

    def _tags(self, one: _Heard, langs: Ints) -> list[str]:
        tags = [self._listener.tags[one.candidates[k]] for k in langs.tolist()]
        if not varieties.GROUP_OF.keys().isdisjoint(tags):
            texts = one.units.texts(one.document.text)
            tags = decide_varieties(tags, texts, one.units.gaps, one.evidence, self.languages)
        return [tag if tag in self.languages else UND for tag in tags] if self.languages else tags


_GAPS = ("word", "sentence", "line", "blank line")


def _foremost(names: Sequence[str], scores: Floats) -> tuple[tuple[str, float], ...]:
    order = np.argsort(-scores, kind="stable")[:FOREMOST]
    return tuple((names[k], round(float(scores[k]), 2)) for k in order.tolist())


def _halves(one: _Heard, unit: int, place: int) -> tuple[str, str]:
    block, text = one.units.blocks[unit], one.document.text
    return text[block.start : place], text[place : block.end]


def _replaced(evidence: Evidence, places: Mapping[int, int], halves: Evidence) -> Evidence:
    """The evidence of the units after some of them have been cut in two, in the order of `places`."""
    cut = np.zeros(len(evidence), dtype=np.intp)
    cut[list(places)] = 1
    row = np.arange(len(evidence)) + np.cumsum(cut) - cut
    first = row[list(places)]
    found = evidence.empty(len(evidence) + len(places))
    found.put(row, evidence)
    found.put(np.column_stack([first, first + 1]).reshape(-1), halves)
    return found


def _recurrent(document: Document, units: Units, recurrence: Recurrence) -> Ints:
    """The units whose whole line stands in many documents of the site."""
    lines = document.text.split("\n")
    starts = np.cumsum([0, *(len(line) + 1 for line in lines[:-1])])
    line_of = np.searchsorted(starts, [block.start for block in units.blocks], side="right") - 1
    return np.flatnonzero(recurrence.of(document, lines)[line_of] >= RECURS)
