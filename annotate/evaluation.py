"""How good a segmentation is: predicted tilings against gold ones.

Two ways to lay one over the other, with the same figures after that:

- **characters**: both tile the same text; every character that is not white space has a gold and a predicted label.
- **words**: the texts differ, as when two HTML readers made them of one page. The words (in Chinese, Japanese, Korean and Thai:
  the characters) are aligned in document order by Ratcliff and Obershelp's longest matching blocks (1988; `difflib`); a gold
  word counts with all its characters under the label of its partner, one without a partner counts as wrong, and what only the
  prediction has is not seen.

White space is never scored, gold language `und` (names, dates, symbols) not for language. A figure that nothing defines, such
as the recall of what never occurs, is None and not 0.

`figures` of many documents are micro averages, over characters, unless they say otherwise. Time is linear in the length of the
texts and the number of segments; the alignment of words is so on pages as they are, quadratic at worst.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, Literal

from annotate.codec import dumps, loads
from annotate.errors import AnnotateError, DataFindings, InvariantError, ReadError
from annotate.model import UND, Document, Reject, Segment, Source, Tiling
from annotate.store import STDIO, Rejects, read_records, reject, rejects_beside

TOLERANCE = 5
"""Characters by which a predicted language boundary may be off."""

NOTICE_IOU = 0.9
"""A cookie notice is found when intersection over union is at least this."""

_SAME = {
    "nb": "no",
    "nn": "no",
    "iw": "he",
    "in": "id",
    "ji": "yi",
    "zho": "zh",
    "cmn": "zh",
    "yue": "zh",
    "sh": "hbs",
    "fil": "tl",
}
"""Other tags of a language: withdrawn ones, and the members of macrolanguages that `model` does not tell apart."""

_CLOSE = {"hr": "hbs", "bs": "hbs", "sr": "hbs", "ms": "id"}
"""Standard varieties of one language, which few texts tell apart; one in `lang_acc_close`."""

_WORD_BY_CHARACTER = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f"
_WORD = re.compile(rf"[{_WORD_BY_CHARACTER}]|[^\s{_WORD_BY_CHARACTER}]+")
_LONG = 400
"""Words of a gold text from which on the alignment does without the most frequent words of the prediction as anchors."""

_PAGE_SUFFIX = re.compile(r"\.(html?|txt)$")

Method = Literal["characters", "words"]


# -- results -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LabelScores:
    """One language or region against all others, by character."""

    precision: float | None
    """None when it was never predicted."""
    recall: float | None
    f1: float | None
    characters: int
    """Gold characters that have it."""
    taken_for: Mapping[str, float]
    """The up to three labels it was most often mistaken for, each as a share of its characters; `""` is a word without
    partner."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a set of documents: shares in [0, 1], None when not defined, and counts."""

    documents: int
    characters: int
    """Gold characters that are scored."""
    coverage: float | None
    """Share of them whose word the prediction has; 1 when the texts are the same."""

    lang_acc: float | None
    """Share with the right language."""
    lang_acc_close: float | None
    """The same with Bosnian, Croatian and Serbian as one language, and Indonesian and Malay."""
    lang_doc: float | None
    """Mean of `lang_acc` over documents."""
    lang_macro_f1: float | None
    """Mean of F1 over the languages of the gold."""

    boundaries: int
    """Gold places where the language changes, text in no language left out."""
    boundary_p: float | None
    """Share of the predicted language changes that lie within 5 characters of a gold one, one to one."""
    boundary_r: float | None
    """Share of the gold ones that a predicted one lies at."""
    boundary_f1: float | None
    """Their harmonic mean."""

    mono_docs: int
    """Documents in one language."""
    false_split: float | None
    """Share of them for which two languages or more came out."""
    mono_wrong: float | None
    """Share of them for which anything but the one right language came out."""
    multi_docs: int
    """Documents in two languages or more."""
    multi_allfound: float | None
    """Share of them in which every language was found somewhere."""

    region_acc: float | None
    """Share with the right region."""
    region_macro_f1: float | None
    """Mean of F1 over the regions of the gold."""
    joint_acc: float | None
    """Share with the right region and the right language, if they have one."""
    joint_doc: float | None
    """Mean of `joint_acc` over documents."""

    cookies: int
    """Gold cookie notices."""
    cookie_exact: float | None
    """Share of them found: intersection over union with all predicted notices that touch it of at least 0.9."""
    cookie_exact_lang: float | None
    """Share of them found and with the right language on at least 0.9 of it."""
    cookie_iou: float | None
    """Mean intersection over union."""
    cookie_false: int
    """Predicted notices that touch no gold one."""

    body_p: float | None
    """Share of the predicted body that is body."""
    body_r: float | None
    """Share of the body that is predicted to be."""
    body_f1: float | None
    """Their harmonic mean."""
    body_purity: float | None
    """Of the predicted body in its most frequent language, the share that is body in the gold body's most frequent one."""
    body_recall: float | None
    """The reverse: of the gold body in its most frequent language, the share that is in there."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What `evaluate` found."""

    method: Method
    figures: Figures
    by_region: Mapping[str, LabelScores]
    """Per region of the gold, the longest first."""
    by_lang: Mapping[str, LabelScores]
    """Per language of the gold, the longest first."""
    by: Mapping[str, Figures]
    """Per value of the field asked for, sorted; empty when none was."""
    missing: tuple[str, ...]
    """Gold documents without a prediction; in no figure."""
    extra: int
    """Predicted documents without gold."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"missing": list(self.missing)}


# -- evaluation --------------------------------------------------------------------------------------------------------


def evaluate(
    gold: Mapping[str, Tiling], predicted: Mapping[str, Tiling], *, words: bool = False, by: str = "", extra: int = 0
) -> Evaluation:
    """Measure predicted tilings against gold ones of the same keys. Words are aligned when a text differs from its gold text,
    or with `words` in any case. `by`: a key of the gold documents' `meta`, for figures by its values. `DataFindings` when no
    gold document has a prediction."""
    pairs = {key: (tiling, predicted[key]) for key, tiling in gold.items() if key in predicted}
    missing = tuple(key for key in gold if key not in predicted)
    if not pairs:
        hint = f"the ids must be the same: the gold has {missing[0]!r}" if missing else "is it the right file?"
        raise DataFindings(f"none of the {len(gold)} gold documents has a prediction", missing, hint=hint)
    method: Method = "words" if words or any(a.document.text != b.document.text for a, b in pairs.values()) else "characters"
    overlay = _words if method == "words" else _characters
    overall, groups = _Tally(), defaultdict[str, _Tally](_Tally)
    for gold_one, predicted_one in pairs.values():
        cells = list(overlay(gold_one, predicted_one))
        overall.add(cells)
        if by:
            groups[str(gold_one.document.meta.get(by, ""))].add(cells)
    return Evaluation(
        method=method,
        figures=overall.figures(),
        by_region=overall.regions.scores(),
        by_lang=overall.languages.scores(),
        by={value: groups[value].figures() for value in sorted(groups)},
        missing=missing,
        extra=len(predicted.keys() - gold.keys()) + extra,
    )


@dataclass(frozen=True, slots=True)
class _Cell:
    """A stretch of gold text in which nothing changes: part of one gold and of one predicted segment, or one word. The
    prediction's labels are empty for a word without partner."""

    at: int
    """Where its first visible character stands in the gold text."""
    characters: int
    """Visible ones."""
    weight: int
    """In the comparison of notices."""
    lang: str
    region: str
    run: int
    """Number of the stretch that is one notice, if it is one."""
    predicted_lang: str = ""
    predicted_region: str = ""
    predicted_run: int = -1


def _primary(tag: str) -> str:
    tag = tag.lower().replace("_", "-").split("-")[0]
    return _SAME.get(tag, tag)


def _characters(gold: Tiling, predicted: Tiling) -> Iterator[_Cell]:
    """Cells of one text under two tilings; neighbours in one region are one run, whatever their language."""
    text, at, run, other_run = gold.document.text, 0, 0, 0
    region = other_region = ""
    ours, theirs = iter(gold.segments), iter(predicted.segments)
    one, other = next(ours), next(theirs)
    while True:
        end = min(one.end, other.end)
        piece = text[at:end]
        if visible := len("".join(piece.split())):
            run, region = run + (one.region != region), one.region
            other_run, other_region = other_run + (other.region != other_region), other.region
            first = at + len(piece) - len(piece.lstrip())
            labels = (_primary(one.lang), region, run, _primary(other.lang), other_region, other_run)
            yield _Cell(first, visible, visible, *labels)
        if end == len(text):
            return
        at = end
        one = next(ours) if one.end == end else one
        other = next(theirs) if other.end == end else other


def _words(gold: Tiling, predicted: Tiling) -> Iterator[_Cell]:
    """Cells of two texts: each gold word with its partner. A segment is a run."""
    ours, theirs = list(_words_of(gold)), list(_words_of(predicted))
    partner: dict[int, int] = {}
    matcher = SequenceMatcher(None, [w for w, *_ in ours], [w for w, *_ in theirs], autojunk=len(ours) > _LONG)
    for block in matcher.get_matching_blocks():
        partner.update(zip(range(block.a, block.a + block.size), range(block.b, block.b + block.size), strict=True))
    for number, (word, at, run) in enumerate(ours):
        one = gold.segments[run]
        labels: tuple[str, str, int] = ("", "", -1)
        if number in partner:
            other_run = theirs[partner[number]][2]
            other = predicted.segments[other_run]
            labels = (_primary(other.lang), other.region, other_run)
        yield _Cell(at, len(word), 1, _primary(one.lang), one.region, run, *labels)


def _words_of(tiling: Tiling) -> Iterator[tuple[str, int, int]]:
    """Each word with its position and the number of the segment it begins in."""
    run = 0
    for match in _WORD.finditer(tiling.document.text):
        while match.start() >= tiling.segments[run].end:
            run += 1
        yield match.group(), match.start(), run


class _Confusion:
    """Gold label × predicted label, in characters."""

    def __init__(self) -> None:
        self.characters: Counter[tuple[str, str]] = Counter()

    def scores(self) -> dict[str, LabelScores]:
        gold, predicted = Counter[str](), Counter[str]()
        for (right, said), count in self.characters.items():
            gold[right] += count
            predicted[said] += count
        return {label: self._scores(label, total, predicted[label]) for label, total in gold.most_common()}

    def _scores(self, label: str, gold: int, predicted: int) -> LabelScores:
        right = self.characters[label, label]
        wrong = Counter({said: n for (a, said), n in self.characters.items() if a == label != said})
        taken_for = {said: count / gold for said, count in wrong.most_common(3)}
        return LabelScores(_share(right, predicted), _share(right, gold), _f1(right, predicted, gold), gold, taken_for)

    def macro_f1(self) -> float | None:
        f1 = [scores.f1 for scores in self.scores().values() if scores.f1 is not None]
        return sum(f1) / len(f1) if f1 else None


class _Tally:
    """Counts over documents, and the figures they come to."""

    def __init__(self) -> None:
        self.count: Counter[str] = Counter()
        self.sum: defaultdict[str, float] = defaultdict(float)
        """Of what is averaged over documents or notices."""
        self.languages = _Confusion()
        self.regions = _Confusion()

    def add(self, cells: Sequence[_Cell]) -> None:
        """Count one document."""
        known = [cell for cell in cells if cell.lang != UND]
        self.count["documents"] += 1
        self._add_labels(cells, known)
        self._add_boundaries(known)
        self._add_composition(known)
        self._add_notices(cells)
        self._add_body(cells)

    def _add_labels(self, cells: Sequence[_Cell], known: Sequence[_Cell]) -> None:
        here: Counter[str] = Counter()
        for cell in cells:
            self.regions.characters[cell.region, cell.predicted_region] += cell.characters
            here["characters"] += cell.characters
            here["covered"] += cell.characters * (cell.predicted_run >= 0)
            if cell.region == cell.predicted_region:
                here["region_right"] += cell.characters
                here["joint_right"] += cell.characters * (cell.lang in (UND, cell.predicted_lang))
        for cell in known:
            right, said = cell.lang, cell.predicted_lang
            self.languages.characters[right, said] += cell.characters
            here["known"] += cell.characters
            here["lang_right"] += cell.characters * (right == said)
            here["lang_close"] += cell.characters * (_CLOSE.get(right, right) == _CLOSE.get(said, said))
        self.count.update(here)
        self.sum["joint_doc"] += here["joint_right"] / here["characters"]
        if known:
            self.count["known_docs"] += 1
            self.sum["lang_doc"] += here["lang_right"] / here["known"]

    def _add_boundaries(self, known: Sequence[_Cell]) -> None:
        gold = _changes((cell.at, cell.lang) for cell in known)
        predicted = _changes((cell.at, cell.predicted_lang) for cell in known if cell.predicted_lang not in (UND, ""))
        self.count["boundaries"] += len(gold)
        self.count["boundaries_said"] += len(predicted)
        self.count["boundaries_hit"] += _matched(gold, predicted)

    def _add_composition(self, known: Sequence[_Cell]) -> None:
        right = {cell.lang for cell in known}
        said = {cell.predicted_lang for cell in known} - {UND, ""}
        if len(right) == 1:
            self.count["mono_docs"] += 1
            self.count["false_split"] += len(said) > 1
            self.count["mono_wrong"] += said != right
        elif right:
            self.count["multi_docs"] += 1
            self.count["multi_allfound"] += right <= said

    def _add_notices(self, cells: Sequence[_Cell]) -> None:
        gold, predicted, lang_right = Counter[int](), Counter[int](), Counter[int]()
        common: defaultdict[int, Counter[int]] = defaultdict(Counter)
        for cell in cells:
            is_gold, is_predicted = cell.region == "cookie_notice", cell.predicted_region == "cookie_notice"
            if is_gold:
                gold[cell.run] += cell.weight
                lang_right[cell.run] += cell.weight * (cell.lang != UND and cell.lang == cell.predicted_lang)
            if is_predicted:
                predicted[cell.predicted_run] += cell.weight
            if is_gold and is_predicted:
                common[cell.run][cell.predicted_run] += cell.weight
        for run, size in gold.items():
            shared = common[run].total()
            iou = shared / (size + sum(predicted[other] for other in common[run]) - shared)
            found = iou >= NOTICE_IOU
            self.count["cookies"] += 1
            self.count["cookie_exact"] += found
            self.count["cookie_exact_lang"] += found and lang_right[run] >= NOTICE_IOU * size
            self.sum["cookie_iou"] += iou
        touched = {other for notice in common.values() for other in notice}
        self.count["cookie_false"] += len(predicted.keys() - touched)

    def _add_body(self, cells: Sequence[_Cell]) -> None:
        gold, predicted, both = Counter[str](), Counter[str](), Counter[tuple[str, str]]()
        for cell in cells:
            is_gold, is_predicted = cell.region == "body", cell.predicted_region == "body"
            if is_gold:
                gold[cell.lang] += cell.characters
            if is_predicted:
                predicted[cell.predicted_lang] += cell.characters
            if is_gold and is_predicted:
                both[cell.lang, cell.predicted_lang] += cell.characters
        self.count["body"] += gold.total()
        self.count["body_said"] += predicted.total()
        self.count["body_right"] += both.total()
        del gold[UND]
        if gold:
            main, said = _most_frequent(gold), _most_frequent(predicted)
            self.count["main_body"] += gold[main]
            self.count["main_body_said"] += predicted[said]
            self.count["main_body_right"] += both[main, said]

    def figures(self) -> Figures:
        """What the counts come to."""
        n = self.count
        return Figures(
            documents=n["documents"],
            characters=n["characters"],
            coverage=_share(n["covered"], n["characters"]),
            lang_acc=_share(n["lang_right"], n["known"]),
            lang_acc_close=_share(n["lang_close"], n["known"]),
            lang_doc=_share(self.sum["lang_doc"], n["known_docs"]),
            lang_macro_f1=self.languages.macro_f1(),
            boundaries=n["boundaries"],
            boundary_p=_share(n["boundaries_hit"], n["boundaries_said"]),
            boundary_r=_share(n["boundaries_hit"], n["boundaries"]),
            boundary_f1=_f1(n["boundaries_hit"], n["boundaries_said"], n["boundaries"]),
            mono_docs=n["mono_docs"],
            false_split=_share(n["false_split"], n["mono_docs"]),
            mono_wrong=_share(n["mono_wrong"], n["mono_docs"]),
            multi_docs=n["multi_docs"],
            multi_allfound=_share(n["multi_allfound"], n["multi_docs"]),
            region_acc=_share(n["region_right"], n["characters"]),
            region_macro_f1=self.regions.macro_f1(),
            joint_acc=_share(n["joint_right"], n["characters"]),
            joint_doc=_share(self.sum["joint_doc"], n["documents"]),
            cookies=n["cookies"],
            cookie_exact=_share(n["cookie_exact"], n["cookies"]),
            cookie_exact_lang=_share(n["cookie_exact_lang"], n["cookies"]),
            cookie_iou=_share(self.sum["cookie_iou"], n["cookies"]),
            cookie_false=n["cookie_false"],
            body_p=_share(n["body_right"], n["body_said"]),
            body_r=_share(n["body_right"], n["body"]),
            body_f1=_f1(n["body_right"], n["body_said"], n["body"]),
            body_purity=_share(n["main_body_right"], n["main_body_said"]),
            body_recall=_share(n["main_body_right"], n["main_body"]),
        )


def _share(part: float, whole: int) -> float | None:
    return part / whole if whole else None


def _f1(right: int, said: int, gold: int) -> float | None:
    return _share(2 * right, said + gold)


def _most_frequent(counts: Counter[str]) -> str:
    """Of equals the one that comes first in the text."""
    return max(counts, key=counts.__getitem__, default="")


def _changes(labels: Iterable[tuple[int, str]]) -> list[int]:
    """The positions at which the label is another than before."""
    changes, last = [], ""
    for at, label in labels:
        if last and label != last:
            changes.append(at)
        last = label
    return changes


def _matched(gold: Sequence[int], predicted: Sequence[int]) -> int:
    """How many boundaries find a partner: each gold one, in order, takes the nearest that is within reach and still free."""
    free = set(predicted)
    matched = 0
    for at in gold:
        near = [other for other in range(at - TOLERANCE, at + TOLERANCE + 1) if other in free]
        if near:
            free.remove(min(near, key=lambda other: abs(at - other)))
            matched += 1
    return matched


# -- files -------------------------------------------------------------------------------------------------------------


def evaluate_files(
    gold: str | Path, predicted: str | Path, *, words: bool = False, by: str = "", rejects: Path | None = None
) -> tuple[Evaluation, Mapping[str, int]]:
    """`evaluate` on two JSONL files (one of them may be `-`), and the rejects by code. Each holds segments as `annotate
    segment` writes them, or documents, one a line: `{"id", "text", "segments": [{"start", "end", "lang", "region"}]}`; the
    prediction's `text` may be left out when it is the gold's. Further keys, and those in `meta`, are the document's fields.
    Documents are paired by id; a prediction called `ID.html`, `ID.htm` or `ID.txt` is also one of the gold document `ID`.

    A document whose segments do not tile its text is rejected (`badly_tiled`) and in no figure. `ReadError` when no gold
    document or no prediction can be used, `DataFindings` when no gold document has a prediction."""
    with Rejects(rejects or rejects_beside(predicted, "evaluate", of_input=True)) as rejected:
        right = _read(gold, rejected)
        if not right.tilings:
            raise ReadError(f"no document of {gold} can be used", hint=f"see {rejected.path}" if rejected.total else "")
        said = _read(predicted, rejected, right.tilings)
        if rejected.total and not said.tilings:
            raise ReadError(f"no prediction of {predicted} can be used", hint=f"see {rejected.path}")
        scored = {key: tiling for key, tiling in right.tilings.items() if key not in said.refused}
        evaluation = evaluate(scored, said.tilings, words=words, by=by, extra=len(said.others - right.refused))
    return evaluation, dict(rejected.counts)


@dataclass(frozen=True, slots=True)
class _Part:
    start: int
    end: int
    lang: str
    region: str


@dataclass(slots=True)
class _Reading:
    tilings: dict[str, Tiling] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    """Ids of documents that do not hold together."""
    others: set[str] = field(default_factory=set)
    """Ids of documents that were not wanted."""


def _read(source: str | Path, rejects: Callable[[Reject], None], wanted: Mapping[str, Tiling] | None = None) -> _Reading:
    """The tilings a file holds, in its order, by id; with `wanted` only those, by the ids there."""
    reading = _Reading()
    name = "<stdin>" if str(source) == STDIO else str(source)
    segments: dict[str, list[Segment]] = {}

    def refuse(key: str, code: str, problem: AnnotateError, record: object) -> None:
        hint = problem.hint or "the segments of a document must cover its text without gap or overlap"
        rejects(reject("evaluate", name, code, problem.message, id=key, hint=hint, record=dumps(record)))
        reading.refused.add(key)

    for row in read_records(source, dict, rejects, step="evaluate"):
        is_document = "segments" in row
        given = str(row.get("id" if is_document else "doc_id", ""))
        key = given if wanted is None else _key(given, wanted)
        if wanted is not None and given and key not in wanted:
            reading.others.add(given)
            continue
        try:
            if not is_document:
                segments.setdefault(key, []).append(loads(dumps(row), Segment))
            elif key in reading.tilings:
                hint = "the first is kept; give every document an id of its own"
                rejects(reject("evaluate", name, "duplicate_id", f"{key!r} stands twice", id=key, hint=hint, record=dumps(row)))
            else:
                reading.tilings[key] = _tiling(key, row, wanted[key].document.text if wanted and given else "")
        except (ReadError, InvariantError) as problem:
            refuse(key, "badly_tiled" if isinstance(problem, InvariantError) else "unreadable", problem, row)
    for key, parts in segments.items():
        if key in reading.refused or key in reading.tilings:
            continue
        parts.sort(key=lambda part: part.start)
        try:
            reading.tilings[key] = _joined(parts)
        except InvariantError as problem:
            refuse(key, "badly_tiled", problem, {"doc_id": key, "segments": len(parts)})
    return reading


def _key(given: str, wanted: Container[str]) -> str:
    return given if given in wanted else _PAGE_SUFFIX.sub("", given)


def _tiling(doc_id: str, row: Mapping[str, Any], default_text: str) -> Tiling:
    """The tiling that a line with a whole document holds."""
    text, inner = row.get("text", default_text), row.get("meta", {})
    if not isinstance(text, str) or not isinstance(inner, dict):
        raise ReadError(f"document {doc_id!r}: text must be a string and meta an object")
    meta = {key: value for key, value in row.items() if key not in ("id", "text", "segments", "meta")}
    document = Document(doc_id, text, inner | meta)
    parts = loads(dumps(row["segments"]), list[_Part])
    segments = [
        Segment(
            id=f"{doc_id}#{number}",
            doc_id=doc_id,
            start=part.start,
            end=part.end,
            text=text[max(part.start, 0) : max(part.end, 0)],
            lang=part.lang or UND,
            lang_score=-1.0,
            script="",
            region=part.region,
            region_score=-1.0,
            source=Source(part.start, part.end),
        )
        for number, part in enumerate(parts)
    ]
    return Tiling(document, tuple(segments))


def _joined(segments: Sequence[Segment]) -> Tiling:
    """The tiling that the segments of a document are."""
    document = Document(segments[0].doc_id, "".join(segment.text for segment in segments), segments[0].meta)
    return Tiling(document, tuple(segments))
