"""The decoder: one document → the segments that tile it.

    units      the document cut into lines and pieces of long lines   → what gets one label each
    languages  which languages the document is in                     → scores of each unit for them
    decoding   the best sequence of joint states (language, region)   → labels, and how sure they are
    segments   equal neighbours merged                                → segments

Scores come from `annotate.detectors` and `annotate.regions`. The result depends on the document alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from annotate.corpus import Recurrence
from annotate.detectors import DEFAULT, DETECTORS, Detector, scripts, varieties
from annotate.detectors.evidence import Evidence, Listener, joined
from annotate.errors import UnknownName
from annotate.model import REGIONS, UND, Document, Tiling
from annotate.regions import RegionModel, load
from annotate.tiling.decoding import decode_languages, posteriors, viterbi
from annotate.tiling.languages import decide_varieties, entry_costs, find_languages, rest
from annotate.tiling.segments import tiling
from annotate.tiling.units import Floats, Ints, Units, cut, recut, run_ons

RECURS, REPEATED = 3, 12.0
"""With corpus cues: what it costs, in nats, to call a line that stands in so many documents of its site title or body."""
_UNREPEATED = np.array([REGIONS.index("title"), REGIONS.index("body")])

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


@dataclass(frozen=True, slots=True)
class _Decoded:
    """The units of a document, their scores and their labels."""

    units: Units
    evidence: Evidence
    emissions: Floats
    """`(n, L + 1)` scores for the document's languages, and for the best of all others."""
    regions: Floats
    langs_path: Ints
    regions_path: Ints
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
        found = self._decode(document)
        sure = posteriors(
            found.emissions,
            found.regions,
            found.units.gaps,
            self.regions.start,
            self.regions.transitions,
            found.langs_path,
            found.regions_path,
        )
        labels = list(zip(found.tags, found.regions_path.tolist(), strict=True))
        return tiling(document, found.units, found.evidence, labels, *sure)

    def explain(self, document: Document) -> list[UnitExplanation]:
        """What decided how `document` is tiled, unit by unit."""
        found = self._decode(document)
        return [
            UnitExplanation(
                start=block.start,
                end=block.end,
                text=document.text[block.start : block.end].strip()[:EXCERPT],
                gap=_GAPS[gap],
                langs=_foremost(self._listener.tags, found.evidence.scores[i]) if found.evidence.speaks[i] else (),
                regions=_foremost(REGIONS, found.regions[i]),
                lang=found.tags[i],
                region=REGIONS[found.regions_path[i]],
            )
            for i, (block, gap) in enumerate(zip(found.units.blocks, found.units.gaps.tolist(), strict=True))
        ]

    def _decode(self, document: Document) -> _Decoded:
        listener, text = self._listener, document.text
        units = cut(document)
        evidence = listener.gather(units.texts(text))
        candidates = find_languages(evidence, units.gaps, self._costs)
        alone = decode_languages(evidence.of(candidates), units.gaps)
        if places := run_ons(text, units, alone, lambda pieces: listener.gather(pieces).of(candidates)):
            units, evidence = _recut(text, units, places, evidence, listener)
            alone = decode_languages(evidence.of(candidates), units.gaps)
        emissions = evidence.of(candidates)
        foreign = alone != np.bincount(alone, weights=evidence.letters).argmax()
        regions = np.asarray(self.regions.score(text, units.blocks, foreign.tolist()), dtype=np.float64)
        if self.recurrence is not None:
            regions[_recurrent(document, units, self.recurrence)[:, None], _UNREPEATED] -= REPEATED
        langs, parts = viterbi(emissions, regions, units.gaps, self.regions.start, self.regions.transitions)
        tags = [listener.tags[candidates[k]] for k in langs.tolist()]
        tags = decide_varieties(tags, units.texts(text), units.gaps, evidence, self.languages)
        if self.languages:
            tags = [tag if tag in self.languages else UND for tag in tags]
        competing = np.column_stack([emissions, rest(evidence, candidates, self._costs)])
        return _Decoded(units, evidence, competing, regions, langs, parts, tags)


_GAPS = ("word", "sentence", "line", "blank line")


def _foremost(names: Sequence[str], scores: Floats) -> tuple[tuple[str, float], ...]:
    order = np.argsort(-scores, kind="stable")[:FOREMOST]
    return tuple((names[k], round(float(scores[k]), 2)) for k in order.tolist())


def _recut(text: str, units: Units, places: dict[int, int], evidence: Evidence, listener: Listener) -> tuple[Units, Evidence]:
    """The units with some of them cut in two, and their evidence: only the halves are listened to."""
    again = recut(units, places)
    halves: list[str] = []
    rows: list[int] = []
    for k, block in enumerate(units.blocks):
        if k in places:
            rows += [len(evidence) + len(halves), len(evidence) + len(halves) + 1]
            halves += [text[block.start : places[k]], text[places[k] : block.end]]
        else:
            rows.append(k)
    return again, joined([evidence, listener.gather(halves)]).take(rows)


def _recurrent(document: Document, units: Units, recurrence: Recurrence) -> Ints:
    """The units whose whole line stands in many documents of the site."""
    lines = document.text.split("\n")
    starts = np.cumsum([0, *(len(line) + 1 for line in lines[:-1])])
    line_of = np.searchsorted(starts, [block.start for block in units.blocks], side="right") - 1
    return np.flatnonzero(recurrence.of(document, lines)[line_of] >= RECURS)
