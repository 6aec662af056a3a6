"""The decoder: one document → the segments that tile it.

    units → scores of each unit for every language and region → the best joint sequence → segments

A unit is a line, or a piece of a long line. One Viterbi pass over joint states (language, region) finds the labels: a language
changes rarely, more easily at a line end, at a blank line, and where the region changes too, so that a notice in another
language is found by both at once. Before it, the document's languages are found: a language that a few short lines look like
has to explain more than it costs to assume it (minimum description length, as in Yamaguchi & Tanaka-Ishii 2012).
The result depends on the document alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from annotate.corpus import Recurrence
from annotate.detectors import DEFAULT, DETECTORS, Detector, scripts, varieties
from annotate.detectors.evidence import CAP, Evidence, Listener
from annotate.errors import UnknownName
from annotate.model import REGIONS, UND, Block, Document, Segment, Tiling, segment_ids
from annotate.offsets import to_source
from annotate.regions import RegionModel, load

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

WORD, SENTENCE, LINE, BLANK = range(4)
"""What lies before a unit: any place in a line, the end of a sentence in it, a line end, a blank line."""

SWITCH = np.array([[10.0, 6.0], [5.5, 3.5], [6.0, 3.0], [5.0, 2.0]])
"""Cost of a change of language, in nats: rows by what lies before the unit, columns by whether the region stays or changes."""

REGION_INLINE = np.array([4.0, 2.0, 0.0, 0.0])
"""Extra cost of a change of region by what lies before the unit; the region model is about lines."""

ENGLISH, USUAL, RARE, UNLISTED = 8.0, 9.0, 16.0, 24.0
"""What a further language of a document must explain, in nats: English is on every page, 60 languages are usual on the web; a
language that the user's list leaves out must be beyond doubt before its text becomes `und`."""
USUAL_LANGUAGES = frozenset(
    """af ar az be bg bn bs ca cs da de el es et eu fa fi fr gl gu he hi hr hu hy id is it ja ka kk km kn ko lo lt lv mk ml mn
    mr ms my ne nl no pa pl ps pt ro ru si sk sl sq sr sv sw ta te th tl tr uk ur uz vi zh""".split()
)

CANDIDATE_LETTERS, CANDIDATE_POSTERIOR, CANDIDATES = 24, 0.75, 8
"""A candidate language is the probable one of some unit of that many letters; at most so many, by what they explain."""

VARIETY_DETECTOR = 0.1
"""How far the detector is heard between them; its models of them are trained on texts of different kinds."""

FLOOR = 0.5
"""Below this posterior a segment is `und`."""

LONG_LINE, PIECE, UNIT = 50, 12, 400
"""Lines longer than LONG_LINE code points are cut into pieces of at least PIECE and at most UNIT code points."""

RUN_ON = 4.0
"""What a cut between any two words must explain, in nats, to be looked at."""

RECURS, REPEATED = 3, 12.0
"""With corpus cues: what it costs, in nats, to call a line that stands in so many documents of its site title or body."""
_UNREPEATED = np.array([REGIONS.index("title"), REGIONS.index("body")])

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
    """What gets one label each: the pieces that tile a document, and what lies before each (`WORD` … `BLANK`)."""

    blocks: tuple[Block, ...]
    gaps: Ints

    @property
    def starts(self) -> list[int]:
        return [block.start for block in self.blocks]


@dataclass(frozen=True, slots=True)
class Segmenter:
    """How documents are tiled: the detector's name, the languages to choose from (none given: all it knows), the region model
    and, if wanted, what is known of the corpus. Raises `UnknownName` for a detector or a language that does not exist."""

    detector: str = DEFAULT
    languages: tuple[str, ...] = ()
    regions: RegionModel = field(default_factory=load)
    recurrence: Recurrence | None = None
    """Corpus cues. Without them a tiling depends on its document alone."""
    _detector: Detector = field(init=False, repr=False, compare=False)
    _tags: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        detector: Detector = DETECTORS.get(self.detector)()
        tags = tuple(sorted(detector.languages | scripts.NOT_LATIN | varieties.GROUP_OF.keys()))
        for tag in self.languages:
            if tag not in tags:
                raise UnknownName(f"language of the detector {self.detector}", tag, tags)
        object.__setattr__(self, "_detector", detector)
        object.__setattr__(self, "_tags", tags)

    def tile(self, document: Document) -> Tiling:
        """The segments of `document`; they depend on nothing but the document and these options."""
        text, costs = document.text, _entry_costs(self._tags, self.languages)
        listener = Listener(self._detector, self._tags)
        units = cut(document)
        evidence = listener.gather(text, units.starts)
        candidates = find_languages(evidence, units.gaps, costs)
        alone = _decode_languages(evidence.of(candidates), units.gaps)
        places = run_ons(text, units, alone, lambda part, starts: listener.gather(part, starts).of(candidates))
        if places:
            units = recut(units, places)
            evidence = listener.gather(text, units.starts)
            alone = _decode_languages(evidence.of(candidates), units.gaps)
        emissions = evidence.of(candidates)
        foreign = alone != np.bincount(alone, weights=evidence.letters).argmax()
        regions = np.asarray(self.regions.score(text, units.blocks, foreign.tolist()), dtype=np.float64)
        if self.recurrence is not None:
            regions[_recurrent(document, units, self.recurrence)[:, None], _UNREPEATED] -= REPEATED
        start, transitions = self.regions.start, self.regions.transitions
        langs, parts = viterbi(emissions, regions, units.gaps, start, transitions)
        competing = np.column_stack([emissions, _rest(evidence, candidates, costs)])
        sure = posteriors(competing, regions, units.gaps, start, transitions, langs, parts)
        tags = _decide_varieties([self._tags[candidates[i]] for i in langs], text, units, evidence, self.languages)
        if self.languages:
            tags = [tag if tag in self.languages else UND for tag in tags]
        return _tiling(document, units, evidence, tags, parts, *sure)


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
    bounds = [0, *starts[1:], len(text)]
    blocks = tuple(
        Block(bounds[i], bounds[i + 1], owner.path, owner.link_density, owner.cues) for i, owner in enumerate(owners)
    )
    return Units(blocks, np.array(gaps, dtype=np.intp))


def _recurrent(document: Document, units: Units, recurrence: Recurrence) -> NDArray[np.intp]:
    """The units whose whole line stands in many documents of the site."""
    lines = document.text.split("\n")
    starts = np.cumsum([0, *(len(line) + 1 for line in lines[:-1])])
    line_of = np.searchsorted(starts, units.starts, side="right") - 1
    return np.flatnonzero(recurrence.of(document, lines)[line_of] >= RECURS)


def _alphabets(text: str) -> Ints:
    """Where another kind of letters begins: Latin after Cyrillic, Han after Latin."""
    kinds = scripts.systems(text)
    at = np.flatnonzero(kinds)
    return np.asarray(at[1:][kinds[at[1:]] != kinds[at[:-1]]], dtype=np.intp)


def _pieces(line: str, offset: int, alphabets: Ints) -> Iterator[tuple[int, int, int]]:
    """The ranges of a line's pieces in the text, white space around them left out, and what lies before each; none for a blank
    line."""
    stripped = line.strip()
    if not stripped:
        return
    offset += len(line) - len(line.lstrip())
    cuts = {0: LINE}
    last = 0
    if len(stripped) > LONG_LINE:
        low, high = np.searchsorted(alphabets, [offset, offset + len(stripped)])
        places = dict.fromkeys((alphabets[low:high] - offset).tolist(), WORD)
        places |= dict.fromkeys((match.end() for match in _CUT.finditer(stripped)), SENTENCE)
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


def run_ons(text: str, units: Units, path: Ints, judge: Callable[[str, list[int]], Floats]) -> dict[int, int]:
    """Where the language changes inside a unit beside a change of language: a notice may run on into a sentence with no sign
    between them. `judge` gives the scores of the pieces of a text for the languages that `path` numbers. Places by unit."""
    sides: dict[int, tuple[int, int]] = {}
    for i in (np.flatnonzero(np.diff(path)) + 1).tolist():
        for k in (i - 1, i):
            sides.setdefault(k, (int(path[i - 1]), int(path[i])))
    words = {k: [m.start() for m in _WORD.finditer(text, units.blocks[k].start, units.blocks[k].end)] for k in sides}
    if not words:
        return {}
    joined, starts = "", []
    for k, places in words.items():
        starts += [place - places[0] + len(joined) for place in places]
        joined += text[places[0] : units.blocks[k].end] + " "
    scores = judge(joined, starts)
    found: dict[int, int] = {}
    first = 0
    for k, places in words.items():
        before, after = sides[k]
        rows = scores[first : first + len(places)]
        first += len(places)
        ahead = np.cumsum(rows[:, before] - rows[:, after])
        best = int(ahead[:-1].argmax()) if len(places) > 2 else -1
        if best >= 0 and 2 * ahead[best] - ahead[-1] > abs(ahead[-1]) + RUN_ON:
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


def _entry_costs(tags: Sequence[str], wanted: Sequence[str]) -> Floats:
    """What each language must explain to be one of the document's, `(len(tags),)`, in nats."""
    costs = np.array([ENGLISH if tag == "en" else USUAL if tag in USUAL_LANGUAGES else RARE for tag in tags])
    if wanted:
        costs += [0.0 if tag in wanted else UNLISTED for tag in tags]
    for group in varieties.GROUPS:  # its first member stands for all of them
        columns = [tags.index(tag) for tag in group]
        costs[columns[0]] = costs[columns].min()
    return costs


def find_languages(evidence: Evidence, gaps: Ints, costs: Floats) -> list[int]:
    """The languages of the document, as columns of the evidence: those that its longer units probably are in, without those
    that explain less than they cost. Near-identical languages count as one, the first of their group."""
    scores = evidence.grouped()
    posterior = np.exp(scores - 0.5 * costs.astype(np.float32))
    posterior /= posterior.sum(axis=1, keepdims=True)
    total = np.maximum(scores, -CAP)[evidence.speaks].sum(axis=0, dtype=np.float64) - costs
    main = int(total.argmax())
    probable = (
        (posterior > CANDIDATE_POSTERIOR) & (evidence.letters >= CANDIDATE_LETTERS)[:, None] & evidence.speaks[:, None]
    ).any(axis=0)
    mass = (posterior * evidence.letters[:, None]).sum(axis=0)
    pool = sorted(np.flatnonzero(probable).tolist(), key=lambda k: -mass[k])[:CANDIDATES]
    pool = sorted({main, *pool})
    while len(pool) > 1:
        emissions = np.asarray(scores[:, pool], dtype=np.float64)
        path = _decode_languages(emissions, gaps)
        gains = dict.fromkeys(range(len(pool)), 0.0)
        runs = np.flatnonzero(np.diff(path, prepend=-1))
        sums = np.add.reduceat(emissions, runs, axis=0)
        for label, row in zip(path[runs].tolist(), sums, strict=True):
            gains[label] += float(row[label] - np.delete(row, label).max())
        surplus = {label: gain - costs[pool[label]] for label, gain in gains.items()}
        used = max(gains, key=lambda label: float(evidence.letters[path == label].sum()))
        worst = min((label for label in surplus if label != used), key=lambda label: surplus[label])
        if surplus[worst] >= 0:
            break
        del pool[worst]
    return pool


def _rest(evidence: Evidence, candidates: Sequence[int], costs: Floats) -> Floats:
    """The score of each unit for the best of all other languages, `(n,)`: what the document's languages compete with."""
    scores = np.maximum(evidence.grouped(), -CAP) - 0.5 * costs.astype(np.float32)
    scores[:, list(candidates)] = -CAP
    return np.where(evidence.speaks, scores.max(axis=1), 0.0).astype(np.float64)


def viterbi(langs: Floats, regions: Floats, gaps: Ints, start: Floats, transitions: Floats) -> tuple[Ints, Ints]:
    """The best sequence of joint states (Viterbi 1967): `langs` `(n, L)` and `regions` `(n, R)` are log-scores of the units,
    `start` `(R,)` and `transitions` `(R, R)` log-weights of regions. Returns the language and the region of each unit."""
    n, width = langs.shape
    stay, leave = _moves(transitions)
    best = langs[0][:, None] + regions[0] + start
    from_lang = np.empty((n, width, regions.shape[1]), dtype=np.int16)
    from_region = np.empty_like(from_lang)
    keep = np.arange(width, dtype=np.int16)[:, None]
    across = np.arange(regions.shape[1])
    for i in range(1, n):
        gap = gaps[i]
        same = best[:, :, None] + stay[gap]
        back = same.argmax(axis=1)
        scores = same.max(axis=1)
        from_lang[i], from_region[i] = keep, back
        if width > 1:
            source = best.argmax(axis=0)
            other = best[source, across][:, None] + leave[gap]
            origin = other.argmax(axis=0)
            moved = other[origin, across]
            better = moved > scores
            if better.any():
                scores = np.where(better, moved, scores)
                from_lang[i] = np.where(better, source[origin], from_lang[i])
                from_region[i] = np.where(better, origin, back)
        best = scores + langs[i][:, None] + regions[i]
    path = np.empty((2, n), dtype=np.intp)
    lang, region = divmod(int(best.argmax()), regions.shape[1])
    for i in range(n - 1, -1, -1):
        path[:, i] = lang, region
        lang, region = int(from_lang[i, lang, region]), int(from_region[i, lang, region])
    return path[0], path[1]


def _decode_languages(emissions: Floats, gaps: Ints) -> Ints:
    """The best sequence of languages, regions left out."""
    if emissions.shape[1] == 1:
        return np.zeros(len(gaps), dtype=np.intp)
    return viterbi(emissions, np.zeros((len(gaps), 1)), gaps, np.zeros(1), np.zeros((1, 1)))[0]


def _moves(transitions: Floats) -> tuple[Floats, Floats]:
    """Log-weights of a step within a language and into another, each `(4, R, R)` by what lies before the unit."""
    changes = ~np.eye(len(transitions), dtype=bool)
    stay = transitions - REGION_INLINE[:, None, None] * changes
    return stay, stay - SWITCH[:, changes.astype(np.intp)]


def posteriors(
    langs: Floats, regions: Floats, gaps: Ints, start: Floats, transitions: Floats, chosen: Ints, parts: Ints
) -> tuple[Floats, Floats]:
    """The posterior of each unit's chosen language and region, `(n,)` each, by the forward-backward algorithm (Baum & others
    1970) over the states of `viterbi`."""
    n = len(langs)
    stay, leave = (np.exp(moves) for moves in _moves(transitions))
    emit = (
        np.exp(langs - langs.max(axis=1, keepdims=True))[:, :, None]
        * np.exp(regions - regions.max(axis=1, keepdims=True))[:, None, :]
    )
    forward = np.empty_like(emit)
    state = emit[0] * np.exp(start - start.max())
    forward[0] = state / state.sum()
    for i in range(1, n):
        state = forward[i - 1]
        state = (state @ stay[gaps[i]] + (state.sum(axis=0) - state) @ leave[gaps[i]]) * emit[i]
        forward[i] = state / state.sum()
    backward = np.ones(emit.shape[1:])
    lang_posterior, region_posterior = np.empty(n), np.empty(n)
    for i in range(n - 1, -1, -1):
        joint = forward[i] * backward
        joint /= joint.sum()
        lang_posterior[i] = joint[chosen[i]].sum()
        region_posterior[i] = joint[:, parts[i]].sum()
        state = emit[i] * backward
        state = state @ stay[gaps[i]].T + (state.sum(axis=0) - state) @ leave[gaps[i]].T
        backward = state / state.sum()
    return lang_posterior, region_posterior


def _decide_varieties(tags: list[str], text: str, units: Units, evidence: Evidence, wanted: Sequence[str]) -> list[str]:
    """The labels with each group of near-identical languages replaced by its members, decided on all of the group's text."""
    decided = list(tags)
    for group in varieties.GROUPS:
        where = [i for i, tag in enumerate(tags) if tag == group[0]]
        members = [tag for tag in group if not wanted or tag in wanted]
        if not where or not members:
            continue
        columns = [evidence.tags.index(tag) for tag in members]
        scores = np.asarray(evidence.scores[np.ix_(where, columns)], dtype=np.float64) * VARIETY_DETECTOR
        scores[0] += [varieties.PRIOR.get(tag, 0.0) for tag in members]
        for row, i in zip(scores, where, strict=True):
            found = varieties.cues(text[units.blocks[i].start : units.blocks[i].end])
            row += [found.get(tag, 0.0) for tag in members]
        path = _decode_languages(scores, units.gaps[where])
        for i, k in zip(where, path.tolist(), strict=True):
            decided[i] = members[k]
    return decided


def _tiling(
    document: Document,
    units: Units,
    evidence: Evidence,
    tags: Sequence[str],
    parts: Ints,
    lang_scores: Floats,
    region_scores: Floats,
) -> Tiling:
    """Merges equal neighbours into segments. A stretch without enough evidence is `und`, unless beside it in the same region
    stands one language; what is in a language that the user did not list stays `und` in any case."""
    sizes = np.array([b.end - b.start for b in units.blocks], dtype=np.float64)
    runs = [(tag, part, list(rows)) for (tag, part), rows in groupby(range(len(tags)), key=lambda i: (tags[i], int(parts[i])))]
    sure = [evidence.speaks[rows].any() and np.average(lang_scores[rows], weights=sizes[rows]) >= FLOOR for _, _, rows in runs]
    joined: list[tuple[str, int, list[int]]] = []
    for index, (tag, part, rows) in enumerate(runs):
        if not sure[index]:
            near = [k for k in (index - 1, index + 1) if 0 <= k < len(runs) and sure[k] and runs[k][1] == part]
            beside = {runs[k][0] for k in near}
            tag = beside.pop() if len(beside) == 1 else UND
        if joined and joined[-1][:2] == (tag, part):
            joined[-1][2].extend(rows)
        else:
            joined.append((tag, part, rows))
    texts = [document.text[units.blocks[rows[0]].start : units.blocks[rows[-1]].end] for _, _, rows in joined]
    segments = []
    for (tag, part, rows), text, identity in zip(joined, texts, segment_ids(document.doc_id, texts), strict=True):
        first, last = units.blocks[rows[0]], units.blocks[rows[-1]]
        weights = sizes[rows]
        segments.append(
            Segment(
                id=identity,
                doc_id=document.doc_id,
                start=first.start,
                end=last.end,
                text=text,
                lang=tag,
                lang_score=round(float(np.average(lang_scores[rows], weights=weights)), 4) if tag != UND else 0.0,
                script=_script(evidence.histogram[rows].sum(axis=0), tag),
                region=REGIONS[part],
                region_score=round(float(np.average(region_scores[rows], weights=weights)), 4),
                source=to_source(document.shifts, first.start, last.end, first.path),
                meta=document.meta,
            )
        )
    return Tiling(document, tuple(segments))


def _script(counts: NDArray[np.int64], tag: str) -> str:
    """ISO 15924 code of the script of most letters; Chinese is not split into Hans and Hant."""
    code = scripts.SCRIPTS[int(scripts.dominant(counts[None])[0])]
    if code in ("Hani", "Jpan") and tag == "ja":
        return "Jpan"
    return "Kore" if code == "Hang" else code
