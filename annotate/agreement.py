"""How far annotators agree: chance-corrected α and κ for topics, pairwise F1 for spans.

Every figure is a function of sums over documents (label counts, disagreements, matches). That gives the point value and all
bootstrap replicates by one formula: a replicate weighs each document by how often it was drawn.

- Krippendorff's α, nominal, any number of annotators, missing answers allowed (Krippendorff 2011, *Computing Krippendorff's
  Alpha-Reliability*).
- Cohen's κ (Cohen 1960, *A Coefficient of Agreement for Nominal Scales*); with more than two annotators the mean over
  their pairs (Light 1971, *Measures of Response Agreement for Qualitative Data*).
- Pairwise F1 of spans, the chance-free stand-in for κ where true negatives cannot be counted (Hripcsak & Rothschild 2005,
  *Agreement, the F-Measure, and Reliability in Information Retrieval*).
- Percentile intervals from resampling whole documents, since segments of one document are not independent (Efron 1979).

A figure that is not defined is `None` with a reason. It is never NaN, and never 1.0 because only one label occurs.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import combinations
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from annotate.codec import dumps
from annotate.errors import InvariantError, UsageError
from annotate.model import Annotation, Reject, SchemaRef, Segment, Span
from annotate.store import reject

FloatArray = npt.NDArray[np.float64]

DIMENSIONS = ("lang", "region", "pair")
"""What `agree` can break its figures down by."""

UNDEFINED = -1.0
"""Stands in JSON for a figure that is not defined; `reasons` then holds its name. (A defined α or κ can be -1.0 as well.)"""


# ── what annotators did, segment by segment ──────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Group:
    """A topic group: annotators choose one label of it, or any number."""

    id: str
    choice: Literal["single", "multi"]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """One segment and what its annotators last said about it, one annotation each, sorted by annotator."""

    segment: Segment
    submitted: tuple[Annotation, ...]
    skipped: tuple[Annotation, ...]


@dataclass(frozen=True, slots=True)
class Panels:
    """The annotations of a corpus by segment, sorted by document and position, and what could not be used."""

    panels: tuple[Panel, ...]
    groups: tuple[Group, ...]
    groups_inferred: bool
    """No schema was given: groups are read off the annotations, so labels nobody chose and rules nobody used are unknown."""
    annotators: tuple[str, ...]
    schemas: Mapping[SchemaRef, int]
    """Annotations by the schema they were made under, left-out ones included."""
    left_out: Mapping[str, int]
    """Rejected annotations by code."""
    segments: int
    """All segments met, also those whose every annotation was rejected."""


LeaveOut = Callable[[Annotation, str, str, str], None]
"""Rejects an annotation: code, reason, hint."""


def gather(
    annotations: Iterable[Annotation],
    groups: Sequence[Group] | None = None,
    *,
    entities: Sequence[str] | None = None,
    rejects: Callable[[Reject], None] = lambda _: None,
    step: str = "agree",
    source: str = "",
) -> Panels:
    """Annotations by segment, comparable with each other. The order of the input makes no difference.

    Rejected, by code: `superseded` (an earlier annotation by the same annotator), `schema_mismatch` (other topic groups or
    labels than `groups`, other span labels than `entities`), `not_single` (two labels where one may be chosen), `text_mismatch`
    (the segment's text has changed under the spans). Without `groups` those of the newest schema version are read off the
    annotations; without `entities` (None; an empty sequence means there are none) any span label is right. `UsageError` for
    annotations under schemas of different names, and for a label that stands in two groups."""
    everything = list(annotations)
    left_out: Counter[str] = Counter()

    def leave_out(annotation: Annotation, code: str, reason: str, hint: str) -> None:
        left_out[code] += 1
        where = f"{annotation.annotator}, task {annotation.task.id} of project {annotation.task.project}"
        raw = dumps(annotation)
        rejects(reject(step, source, code, f"{where}: {reason}", id=annotation.segment.id, hint=hint, record=raw))

    _require_one_schema(everything)
    by_segment = _by_segment(everything, leave_out)
    kept = [annotation for said in by_segment.values() for annotation in said]
    known = infer_groups(kept) if groups is None else tuple(groups)
    _require_distinct_labels(known)
    panels = [panel for said in by_segment.values() if (panel := _panel(said, known, entities, leave_out))]
    panels.sort(key=lambda panel: (panel.segment.doc_id, panel.segment.start, panel.segment.id))
    return Panels(
        panels=tuple(panels),
        groups=known,
        groups_inferred=groups is None,
        annotators=tuple(sorted({annotation.annotator for annotation in everything})),
        schemas=dict(sorted(Counter(annotation.schema for annotation in everything).items(), key=_by_schema_name)),
        left_out=dict(sorted(left_out.items())),
        segments=len(by_segment),
    )


def infer_groups(annotations: Iterable[Annotation]) -> tuple[Group, ...]:
    """The topic groups of the newest schema version as far as annotations show them: every label anyone chose, `single` when no
    annotation has two. Sorted, so that the order of the input makes no difference."""
    everything = list(annotations)
    if not everything:
        return ()
    newest = max(everything, key=_schema_age)
    seen: dict[str, set[str]] = {group: set() for group in sorted(newest.topics)}
    multi = set()
    for annotation in everything:
        if annotation.topics.keys() == seen.keys():
            for group, labels in annotation.topics.items():
                seen[group].update(labels)
                if len(labels) > 1:
                    multi.add(group)
    return tuple(Group(id, "multi" if id in multi else "single", tuple(sorted(labels))) for id, labels in seen.items())


def answer(annotation: Annotation, group: Group) -> frozenset[str] | None:
    """The labels an annotation gives in a group; None when it says nothing about it, which is not the same as no label."""
    labels = annotation.topics[group.id]
    if group.id in annotation.unanswered or (group.choice == "single" and not labels):
        return None
    return frozenset(labels)


def pseudonyms(annotators: Iterable[str]) -> dict[str, str]:
    """Annotator → A1, A2 …, by the sorted names, so that the order in which they are met makes no difference."""
    return {name: f"A{number}" for number, name in enumerate(sorted(set(annotators)), 1)}


def rehome(annotation: Annotation, segment: Segment) -> Annotation:
    """The annotation on another state of its segment: offsets in the document, language, region or trailing white space may
    have changed. `InvariantError` when the text has, or when a span no longer covers what it covered."""
    if annotation.segment == segment:
        return annotation
    if annotation.segment.text.strip() != segment.text.strip():
        raise InvariantError(f"annotation of {segment.id} by {annotation.annotator!r}: the text of the segment has changed")
    return replace(annotation, segment=segment)


def latest(annotations: Sequence[Annotation]) -> Annotation:
    """The one that was updated last; of equally late ones that of the higher task."""
    return annotations[0] if len(annotations) == 1 else max(annotations, key=_recency)


def _by_segment(annotations: Sequence[Annotation], leave_out: LeaveOut) -> dict[str, list[Annotation]]:
    """Segment id → the last word of each annotator, both sorted."""
    said: dict[str, dict[str, list[Annotation]]] = defaultdict(lambda: defaultdict(list))
    for annotation in annotations:
        said[annotation.segment.id][annotation.annotator].append(annotation)
    kept: dict[str, list[Annotation]] = {}
    for segment, voices in sorted(said.items()):
        kept[segment] = []
        for _, versions in sorted(voices.items()):
            if len(versions) > 1:
                versions.sort(key=_recency)
            kept[segment].append(versions[-1])
            for earlier in versions[:-1]:
                reason = f"updated again on {versions[-1].updated_at or 'an unknown date'}, task {versions[-1].task.id}"
                leave_out(earlier, "superseded", reason, "the later annotation counts")
    return kept


def _panel(
    said: Sequence[Annotation], groups: Sequence[Group], entities: Sequence[str] | None, leave_out: LeaveOut
) -> Panel | None:
    """The panel of one segment, None when nothing of it can be used."""
    fitting = []
    for annotation in said:
        if misfit := _misfit(annotation, groups, entities):
            leave_out(annotation, *misfit)
        else:
            fitting.append(annotation)
    if not fitting:
        return None
    segment = fitting[0].segment
    if any(annotation.segment != segment for annotation in fitting):
        segment = latest(fitting).segment
        fitting = [moved for annotation in fitting if (moved := _moved(annotation, segment, leave_out))]
    return Panel(
        segment,
        tuple(annotation for annotation in fitting if annotation.status == "submitted"),
        tuple(annotation for annotation in fitting if annotation.status == "skipped"),
    )


def _moved(annotation: Annotation, segment: Segment, leave_out: LeaveOut) -> Annotation | None:
    try:
        return rehome(annotation, segment)
    except InvariantError as problem:
        leave_out(annotation, "text_mismatch", problem.message, "bring it to the new text with: annotate carry")
        return None


def _misfit(annotation: Annotation, groups: Sequence[Group], entities: Sequence[str] | None) -> tuple[str, str, str] | None:
    """Code, reason and hint when an annotation does not speak about these groups and entities."""
    migrate = "bring it to the current schema with: annotate schema migrate"
    if annotation.topics.keys() != {group.id for group in groups}:
        theirs, ours = ", ".join(sorted(annotation.topics)), ", ".join(sorted(group.id for group in groups))
        reason = f"made under {annotation.schema} with the topic groups [{theirs}], expected are [{ours}]"
        return "schema_mismatch", reason, migrate
    for group in groups:
        labels = annotation.topics[group.id]
        unknown = sorted(set(labels).difference(group.labels))
        if unknown:
            reason = f"made under {annotation.schema}: topic group {group.id!r} has no label {', '.join(unknown)}"
            return "schema_mismatch", reason, migrate
        if group.choice == "single" and len(labels) > 1:
            reason = f"topic group {group.id!r} takes one label, there are {', '.join(labels)}"
            return "not_single", reason, "correct it in Label Studio and pull again"
    if entities is not None and (unknown := sorted({span.label for span in annotation.spans}.difference(entities))):
        return "schema_mismatch", f"made under {annotation.schema}: there is no span label {', '.join(unknown)}", migrate
    return None


def _require_one_schema(annotations: Iterable[Annotation]) -> None:
    names = sorted({annotation.schema.name for annotation in annotations})
    if len(names) > 1:
        raise UsageError(
            f"these annotations were made under {len(names)} schemas: {', '.join(names)}",
            hint="work on one schema at a time",
        )


def _require_distinct_labels(groups: Iterable[Group]) -> None:
    home: dict[str, str] = {}
    for group in groups:
        for label in group.labels:
            if label in home:
                raise UsageError(
                    f"the topic label {label!r} stands twice, in {home[label]!r} and in {group.id!r}",
                    hint="topic labels must be unique across groups: annotate schema check",
                )
            home[label] = group.id


def _recency(annotation: Annotation) -> tuple[float, int, int, bytes]:
    return _instant(annotation.updated_at), annotation.task.project, annotation.task.id, dumps(annotation)


def _instant(timestamp: str) -> float:
    """Seconds since 1970; a time without zone is UTC, what is no ISO 8601 time at all counts as the earliest."""
    try:
        moment = datetime.fromisoformat(timestamp)
    except ValueError:
        return -np.inf
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def newest_schema(annotations: Iterable[Annotation]) -> SchemaRef:
    """The highest version among the schemas of annotations; of equal versions the one used last."""
    return max(annotations, key=_schema_age).schema


def _schema_age(annotation: Annotation) -> tuple[list[int], bool, str, float, str]:
    version = annotation.schema.version
    core, dash, _ = version.partition("-")
    numbers = [int(part) for part in re.findall(r"\d+", core)]
    return numbers, not dash, version, _instant(annotation.updated_at), annotation.schema.sha256


def _by_schema_name(item: tuple[SchemaRef, int]) -> tuple[str, str]:
    return str(item[0]), item[0].sha256


# ── results ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Score:
    """One figure. `value` is None when it is not defined, and `reason` then says why."""

    value: float | None
    reason: str = ""
    interval: tuple[float, float] | None = None
    """Percentile bootstrap interval over documents."""
    interval_reason: str = ""
    """Why there is no interval though one was asked for."""


@dataclass(frozen=True, slots=True)
class TopicScores:
    """Agreement on a topic group, or on one label of it against all others."""

    alpha: Score
    kappa: Score
    observed: Score
    """Share of agreeing pairs of answers in [0, 1], not corrected for chance."""
    n: int
    """Segments with an answer from two annotators or more."""
    annotators: int
    uses: int
    """How often a label was chosen in these segments."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """`unanswered`: annotations without an answer here; `unpaired`: segments that for this reason have fewer than two."""
    labels: Mapping[str, TopicScores] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        scores = {"alpha": self.alpha, "kappa": self.kappa, "observed": self.observed}
        counts = {"n": self.n, "annotators": self.annotators, "uses": self.uses}
        return _score_json(scores) | counts | {"left_out": dict(self.left_out)} | _labels_json(self.labels)


@dataclass(frozen=True, slots=True)
class SpanScores:
    """Agreement on spans, of all labels or of one. F1 is micro over all pairs of annotators and all segments."""

    exact_f1: Score
    """Same start, end and label."""
    relaxed_f1: Score
    """Same label and at least one character in common, each span matched once, as many matches as possible."""
    n: int
    """Segments two annotators or more submitted, empty ones included; for one label, those of them where it occurs."""
    annotators: int
    uses: int
    """Spans in these segments, of all annotators."""
    labels: Mapping[str, SpanScores] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        scores = {"exact_f1": self.exact_f1, "relaxed_f1": self.relaxed_f1}
        counts = {"n": self.n, "annotators": self.annotators, "uses": self.uses}
        return _score_json(scores) | counts | _labels_json(self.labels)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement on a set of segments, each submitted by two annotators or more."""

    segments: int
    documents: int
    annotators: int
    topics: Mapping[str, TopicScores]
    spans: SpanScores

    @property
    def kappa_method(self) -> str:
        """`cohen` for two annotators; `light`, the mean over pairs, for more."""
        return "light" if self.annotators > 2 else "cohen"

    def to_json(self) -> dict[str, Any]:
        return {
            "topics": {group: scores.to_json() for group, scores in self.topics.items()},
            "spans": self.spans.to_json(),
            "segments": self.segments,
            "documents": self.documents,
            "annotators": self.annotators,
            "kappa_method": self.kappa_method,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """Agreement over everything, by language, region and pair of annotators, and what it is not based on."""

    overall: Agreement
    by: Mapping[str, Mapping[str, Agreement]]
    left_out: Mapping[str, int]
    """Rejected annotations by code; `skipped` annotations; segments `only_skipped`, and submitted by a `single` annotator."""
    groups_inferred: bool
    bootstrap: int
    seed: int
    confidence: float

    def to_json(self) -> dict[str, Any]:
        """Plain data: `topics`, `spans`, `by`, and what they rest on. Figures are rounded to six digits; one that is not
        defined is -1.0 and has an entry in the `reasons` beside it."""
        by = {dimension: {key: part.to_json() for key, part in parts.items()} for dimension, parts in self.by.items()}
        return self.overall.to_json() | {
            "by": by,
            "left_out": dict(self.left_out),
            "groups_inferred": self.groups_inferred,
            "bootstrap": {"resamples": self.bootstrap, "seed": self.seed, "confidence": self.confidence},
        }


def _score_json(scores: Mapping[str, Score]) -> dict[str, Any]:
    reasons = {name: score.reason for name, score in scores.items() if score.reason}
    reasons |= {f"{name}_interval": score.interval_reason for name, score in scores.items() if score.interval_reason}
    values = {name: UNDEFINED if score.value is None else round(score.value, 6) for name, score in scores.items()}
    intervals = {name: [round(end, 6) for end in score.interval] for name, score in scores.items() if score.interval}
    return values | {"intervals": intervals, "reasons": reasons}


def _labels_json(labels: Mapping[str, TopicScores] | Mapping[str, SpanScores]) -> dict[str, Any]:
    return {"labels": {label: scores.to_json() for label, scores in labels.items()}}


# ── the figures ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def agree(
    annotations: Iterable[Annotation],
    groups: Sequence[Group] | None = None,
    *,
    entities: Sequence[str] | None = None,
    by: Sequence[str] = DIMENSIONS,
    bootstrap: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
    names: bool = False,
    rejects: Callable[[Reject], None] = lambda _: None,
    source: str = "",
) -> Report:
    """Agreement on all segments that two annotators or more submitted.

    `groups` are the topic groups of the schema and `entities` its span labels; both are read off the annotations when absent.
    `by` is any of `DIMENSIONS`. `bootstrap` is the number of resamples behind the intervals, 0 for none. Annotators appear as
    pseudonyms unless `names`. What cannot be compared goes to `rejects`, see `gather`. `UsageError` for another dimension."""
    if unknown := sorted(set(by).difference(DIMENSIONS)):
        raise UsageError(f"agreement cannot be broken down by {unknown[0]!r}", hint=f"known: {', '.join(DIMENSIONS)}")
    panels = gather(annotations, groups, entities=entities, rejects=rejects, step="agree", source=source)
    shared = [panel for panel in panels.panels if len(panel.submitted) > 1]
    measure = _Measure(panels.groups, tuple(entities or ()), bootstrap, seed, confidence)
    alias = {name: name for name in panels.annotators} if names else pseudonyms(panels.annotators)
    return Report(
        overall=measure(shared),
        by={dimension: {key: measure(part) for key, part in _parts(shared, dimension, alias).items()} for dimension in by},
        left_out=dict(panels.left_out)
        | {
            "skipped": sum(len(panel.skipped) for panel in panels.panels),
            "only_skipped": sum(not panel.submitted for panel in panels.panels),
            "single": sum(len(panel.submitted) == 1 for panel in panels.panels),
        },
        groups_inferred=panels.groups_inferred,
        bootstrap=bootstrap,
        seed=seed,
        confidence=confidence,
    )


def segment_agreement(annotations: Sequence[Annotation], groups: Sequence[Group], *, spans: bool = True) -> float:
    """How alike the submitted annotations of one segment are, in [0, 1]; -1.0 below two annotators.

    The mean over pairs of annotators of the mean of: exact F1 of their spans (when the schema has `spans`), and for each topic
    group both answered, the F1 of their labels (for a single choice: 1 or 0). Nothing against nothing agrees: 1.0. Not
    corrected for chance, since one segment shows no chance rates. -1.0 also when no pair has anything to compare."""
    submitted = sorted((a for a in annotations if a.status == "submitted"), key=lambda a: a.annotator)
    pairs = []
    for left, right in combinations(submitted, 2):
        parts = [_dice(set(left.spans), set(right.spans))] if spans else []
        for group in groups:
            ours, theirs = answer(left, group), answer(right, group)
            if ours is not None and theirs is not None:
                parts.append(_dice(ours, theirs))
        if parts:
            pairs.append(sum(parts) / len(parts))
    return sum(pairs) / len(pairs) if pairs else UNDEFINED


def overlap_matches(left: Iterable[Span], right: Iterable[Span]) -> int:
    """The largest number of one-to-one matches between spans that share at least one character. Labels are not looked at.

    Greedy, and yet the maximum: the span that ends first matches, of the spans on the other side that overlap it, the one that
    ends first, because everything still open that the latter overlaps, the others overlap too."""
    sides = [sorted(((span.end, span.start) for span in spans), reverse=True) for spans in (left, right)]
    matches = 0
    while sides[0] and sides[1]:
        first, other = sides if sides[0][-1] <= sides[1][-1] else sides[::-1]
        end, _ = first.pop()
        partner = next((at for at in reversed(range(len(other))) if other[at][1] < end), None)
        if partner is not None:
            other.pop(partner)
            matches += 1
    return matches


def _dice(left: set[Any] | frozenset[Any], right: set[Any] | frozenset[Any]) -> float:
    total = len(left) + len(right)
    return 2 * len(left & right) / total if total else 1.0


def _parts(panels: Sequence[Panel], dimension: str, alias: Mapping[str, str]) -> dict[str, list[Panel]]:
    parts: dict[str, list[Panel]] = defaultdict(list)
    for panel in panels:
        for key, part in _keys(panel, dimension, alias):
            parts[key].append(part)
    return dict(sorted(parts.items()))


def _keys(panel: Panel, dimension: str, alias: Mapping[str, str]) -> Iterator[tuple[str, Panel]]:
    if dimension == "pair":
        for left, right in combinations(panel.submitted, 2):
            yield f"{alias[left.annotator]} & {alias[right.annotator]}", replace(panel, submitted=(left, right))
    else:
        yield getattr(panel.segment, dimension), panel


class _Sums:
    """Numbers in named columns, to be added up by document."""

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.columns: list[int] = []
        self.values: list[float] = []

    def add(self, row: int, column: int, value: float) -> None:
        self.rows.append(row)
        self.columns.append(column)
        self.values.append(value)


class _Resamples:
    """How often each document was drawn: row 0 once each (the data as they are), then one row per bootstrap resample."""

    def __init__(self, panels: Sequence[Panel], resamples: int, seed: int) -> None:
        index = {doc_id: row for row, doc_id in enumerate(sorted({panel.segment.doc_id for panel in panels}))}
        self.rows = [index[panel.segment.doc_id] for panel in panels]
        self.documents = len(index)
        random = np.random.default_rng(seed)
        self._draws = np.ones((resamples + 1 if index else 1, self.documents), dtype=np.uint16)
        for row in range(1, len(self._draws)):
            drawn = random.integers(self.documents, size=self.documents)
            self._draws[row] = np.bincount(drawn, minlength=self.documents)

    def totals(self, sums: _Sums, width: int) -> FloatArray:
        """The column totals in every resample: one row per resample, `width` columns."""
        documents, local = np.unique(np.array(sums.rows, dtype=np.int64), return_inverse=True)
        cells = local * width + np.array(sums.columns, dtype=np.int64)
        table = np.bincount(cells, weights=np.array(sums.values), minlength=len(documents) * width)
        totals = np.zeros((len(self._draws), width))
        rows_at_once = max(1, 4_000_000 // max(1, len(documents)))
        for at in range(0, len(self._draws), rows_at_once):
            draws = self._draws[at : at + rows_at_once, documents].astype(np.float64)
            totals[at : at + rows_at_once] = draws @ table.reshape(len(documents), width)
        return totals


@dataclass(frozen=True, slots=True)
class _Measure:
    """Turns panels into figures, with the same settings for the whole and for its parts."""

    groups: tuple[Group, ...]
    entities: tuple[str, ...]
    bootstrap: int
    seed: int
    confidence: float

    def __call__(self, panels: Sequence[Panel]) -> Agreement:
        resamples = _Resamples(panels, self.bootstrap, self.seed)
        return Agreement(
            segments=len(panels),
            documents=resamples.documents,
            annotators=len({annotation.annotator for panel in panels for annotation in panel.submitted}),
            topics={group.id: self._topics(panels, group, resamples) for group in self.groups},
            spans=self._spans(panels, resamples),
        )

    def _topics(self, panels: Sequence[Panel], group: Group, resamples: _Resamples) -> TopicScores:
        found = _topic_sums(panels, group, resamples.rows)
        width = len(group.labels)
        totals = resamples.totals(found.answers, 1 + 2 * width)
        n, chosen, apart = totals[:, :1], totals[:, 1 : 1 + width], totals[:, 1 + width :]
        alphas = _corrected(apart * (n - 1), 2 * chosen * (n - chosen))
        observed = 1 - _ratio(apart, n)
        pairs = (_pair_kappas(resamples.totals(sums, 1 + 3 * width), width) for _, sums in sorted(found.pairs.items()))
        kappas, nominal_kappa = np.hsplit(_mean_defined(pairs, (len(totals), width + 1)), [width])
        if group.choice == "single":
            differ = apart.sum(axis=1) / 2  # one differing pair of answers differs on two labels
            alpha = _corrected(differ * (n[:, 0] - 1), n[:, 0] ** 2 - (chosen**2).sum(axis=1))
            kappa, agreeing = nominal_kappa[:, 0], 1 - _ratio(differ, n[:, 0])
        else:
            alpha, kappa, agreeing = (_mean_defined(by_label.T, len(totals)) for by_label in (alphas, kappas, observed))

        def scores(which: str, alpha: FloatArray, kappa: FloatArray, share: FloatArray, uses: float) -> TopicScores:
            why = _why_no_alpha(which, found.n, int(uses), int(n[0, 0]))
            return TopicScores(
                alpha=self._score(alpha, why, resamples),
                kappa=self._score(kappa, _why_no_kappa(which, found.n), resamples),
                observed=self._score(share, why, resamples),
                n=found.n,
                annotators=len(found.annotators),
                uses=int(uses),
            )

        labels = {
            label: scores(label, alphas[:, at], kappas[:, at], observed[:, at], chosen[0, at])
            for at, label in enumerate(group.labels)
        }
        total = scores("", alpha, kappa, agreeing, chosen[0].sum())
        return replace(total, left_out={"unanswered": found.unanswered, "unpaired": found.unpaired}, labels=labels)

    def _spans(self, panels: Sequence[Panel], resamples: _Resamples) -> SpanScores:
        labels, sums, segments, uses = _span_sums(panels, self.entities, resamples.rows)
        width = len(labels)
        totals = resamples.totals(sums, 3 * width)
        count, exact, relaxed = totals[:, :width], totals[:, width : 2 * width], totals[:, 2 * width :]
        annotators = len({annotation.annotator for panel in panels for annotation in panel.submitted})

        def scores(which: str, at: slice, n: int, used: int) -> SpanScores:
            why = f"nobody marked {which or 'a span'} in these segments" if panels else _NOBODY
            total = count[:, at].sum(axis=1)
            return SpanScores(
                exact_f1=self._score(_ratio(exact[:, at].sum(axis=1), total), why, resamples),
                relaxed_f1=self._score(_ratio(relaxed[:, at].sum(axis=1), total), why, resamples),
                n=n,
                annotators=annotators,
                uses=used,
            )

        by_label = {label: scores(label, slice(at, at + 1), segments[label], uses[label]) for at, label in enumerate(labels)}
        return replace(scores("", slice(None), len(panels), uses.total()), labels=by_label)

    def _score(self, values: FloatArray, reason: str, resamples: _Resamples) -> Score:
        """From the value on the data (first) and on the resamples (the rest), NaN where not defined."""
        if np.isnan(values[0]):
            return Score(None, reason)
        value = float(values[0])
        if not self.bootstrap:
            return Score(value)
        if resamples.documents < 2:
            return Score(value, interval_reason="all of it is one document: there is nothing to resample")
        defined = values[1:][~np.isnan(values[1:])]
        if 2 * len(defined) < self.bootstrap:
            return Score(value, interval_reason="not defined in most resamples: too few documents use the label")
        tail = (1 - self.confidence) / 2
        low, high = np.quantile(defined, (tail, 1 - tail))
        return Score(value, interval=(float(low), float(high)))


_NOBODY = "no segment was submitted by two annotators"


@dataclass(slots=True)
class _TopicSums:
    """What the answers in one group add up to. Columns of `answers`: their number, for each label how often it was chosen, and
    for each label the pairs of answers that differ on it, each unit weighted as in α. Columns of each of `pairs`: segments, for
    each label how often the first and how often the second chose it, and in how many segments they differ on it."""

    answers: _Sums = field(default_factory=_Sums)
    pairs: dict[tuple[str, str], _Sums] = field(default_factory=lambda: defaultdict(_Sums))
    annotators: set[str] = field(default_factory=set)
    n: int = 0
    unanswered: int = 0
    unpaired: int = 0


def _topic_sums(panels: Sequence[Panel], group: Group, rows: Sequence[int]) -> _TopicSums:
    found = _TopicSums()
    column = {label: at for at, label in enumerate(group.labels, 1)}
    width = len(group.labels)
    for row, panel in zip(rows, panels, strict=True):
        given = [(a.annotator, labels) for a in panel.submitted if (labels := answer(a, group)) is not None]
        answers = len(given)
        found.unanswered += len(panel.submitted) - answers
        if answers < 2:
            found.unpaired += 1
            continue
        found.n += 1
        found.annotators.update(annotator for annotator, _ in given)
        found.answers.add(row, 0, answers)
        for label, chosen in Counter(label for _, labels in given for label in labels).items():
            found.answers.add(row, column[label], chosen)
            if chosen < answers:
                found.answers.add(row, column[label] + width, 2 * chosen * (answers - chosen) / (answers - 1))
        for (left, ours), (right, theirs) in combinations(given, 2):
            pair = found.pairs[left, right]
            pair.add(row, 0, 1)
            for block, labels in enumerate((ours, theirs, ours ^ theirs)):
                for label in labels:
                    pair.add(row, column[label] + block * width, 1)
    return found


def _span_sums(
    panels: Sequence[Panel], entities: Sequence[str], rows: Sequence[int]
) -> tuple[tuple[str, ...], _Sums, Counter[str], Counter[str]]:
    """The labels; over all pairs of annotators for each label the spans of both, twice the exact and twice the relaxed matches;
    for each label the segments it occurs in, and its spans."""
    seen = {span.label for panel in panels for annotation in panel.submitted for span in annotation.spans}
    labels = (*entities, *sorted(seen.difference(entities)))
    column = {label: at for at, label in enumerate(labels)}
    sums, segments, uses = _Sums(), Counter[str](), Counter[str]()
    for row, panel in zip(rows, panels, strict=True):
        marked = [_by_label(annotation.spans) for annotation in panel.submitted]
        uses.update(span.label for annotation in panel.submitted for span in annotation.spans)
        segments.update({label for spans in marked for label in spans})
        for left, right in combinations(marked, 2):
            for label in left.keys() | right.keys():
                ours, theirs = left.get(label, []), right.get(label, [])
                at = column[label]
                sums.add(row, at, len(ours) + len(theirs))
                sums.add(row, at + len(labels), 2 * len(set(ours) & set(theirs)))
                sums.add(row, at + 2 * len(labels), 2 * overlap_matches(ours, theirs))
    return labels, sums, segments, uses


def _by_label(spans: Iterable[Span]) -> dict[str, list[Span]]:
    by_label: dict[str, list[Span]] = defaultdict(list)
    for span in spans:
        by_label[span.label].append(span)
    return by_label


def _pair_kappas(totals: FloatArray, width: int) -> FloatArray:
    """κ of two annotators for each label against the rest, and in the last column over all labels as one nominal variable."""
    n = totals[:, :1]
    left, right, differ = totals[:, 1 : 1 + width], totals[:, 1 + width : 1 + 2 * width], totals[:, 1 + 2 * width :]
    by_label = _corrected(differ * n, n**2 - left * right - (n - left) * (n - right))
    differing = differ.sum(axis=1, keepdims=True) / 2  # one differing segment differs on two labels
    nominal = _corrected(differing * n, n**2 - (left * right).sum(axis=1, keepdims=True))
    return np.hstack([by_label, nominal])


def _corrected(observed: FloatArray, expected: FloatArray) -> FloatArray:
    """1 - observed / expected disagreement."""
    return 1 - _ratio(observed, expected)


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    """NaN where the whole is 0."""
    result = np.full(np.broadcast_shapes(part.shape, whole.shape), np.nan)
    np.divide(part, whole, out=result, where=whole != 0)
    return result


def _mean_defined(figures: Iterable[FloatArray], shape: int | tuple[int, int]) -> FloatArray:
    """The mean of what is not NaN; NaN where nothing is left."""
    total, defined = np.zeros(shape), np.zeros(shape)
    for figure in figures:
        total += np.nan_to_num(figure)
        defined += ~np.isnan(figure)
    return _ratio(total, defined)


def _why_no_alpha(label: str, n: int, uses: int, answers: int) -> str:
    if not n:
        return "no segment has an answer from two annotators"
    if not label:
        return "fewer than two labels occur: there is no chance agreement to correct for"
    if not uses:
        return f"nobody chose {label}: there is no chance agreement to correct for"
    return f"all {answers} answers hold {label}: there is no chance agreement to correct for"


def _why_no_kappa(label: str, n: int) -> str:
    if not n:
        return "no segment has an answer from two annotators"
    always = f"says the same about {label}" if label else "gives the same answer"
    return f"each pair of annotators always {always}: there is no chance agreement to correct for"
