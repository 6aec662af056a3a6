"""Figures of agreement, and how JSON shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from annotate.agreement.confusion import Confused, Costly

UNDEFINED = -1.0
"""Stands in JSON for a figure that is not defined; `reasons` then holds its name. (A defined α or κ can be -1.0 as well.)"""


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
    fleiss: Score
    """Fleiss' κ, which does not ask whose answer is whose; for two annotators it is Scott's π."""
    observed: Score
    """Share of agreeing pairs of answers in [0, 1], not corrected for chance."""
    n: int
    """Segments with an answer from two annotators or more."""
    annotators: int
    uses: int
    """How often a label was chosen in these segments."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """`unanswered`: annotations without an answer here; `unpaired`: segments that for this reason have fewer than two."""
    confusion: tuple[Confused, ...] = ()
    """The group's labels against each other; empty for one label."""
    labels: Mapping[str, TopicScores] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        scores = {"alpha": self.alpha, "kappa": self.kappa, "fleiss": self.fleiss, "observed": self.observed}
        counts = {"n": self.n, "annotators": self.annotators, "uses": self.uses}
        rest = {"left_out": dict(self.left_out), "confusion": [asdict(one) for one in self.confusion]}
        return _score_json(scores) | counts | rest | _labels_json(self.labels)


@dataclass(frozen=True, slots=True)
class SpanScores:
    """Agreement on spans, of all labels or of one. F1 is micro over all pairs of annotators and all segments; the three α,
    which correct for chance, are those of `agreement.unitizing`, by character."""

    exact_f1: Score
    """Same start, end and label."""
    relaxed_f1: Score
    """Same label and at least one character in common, each span matched once, as many matches as possible."""
    alpha_u: Score
    """Do annotators mark the same stretches with a label?"""
    alpha_cu: Score
    """Where two have marked a stretch, do they give it the same label?"""
    alpha_any: Score | None
    """Do they mark the same stretches, whatever the label? Only for all labels together; None for one."""
    n: int
    """Segments two annotators or more submitted, empty ones included; for one label, those of them where it occurs."""
    annotators: int
    uses: int
    """Spans in these segments, of all annotators."""
    confusion: tuple[Confused, ...] = ()
    """The labels against each other; empty for one label."""
    labels: Mapping[str, SpanScores] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        scores = {"exact_f1": self.exact_f1, "relaxed_f1": self.relaxed_f1, "alpha_u": self.alpha_u, "alpha_cu": self.alpha_cu}
        if self.alpha_any:
            scores["alpha_any"] = self.alpha_any
        counts = {"n": self.n, "annotators": self.annotators, "uses": self.uses}
        return _score_json(scores) | counts | {"confusion": [asdict(one) for one in self.confusion]} | _labels_json(self.labels)


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
    costliest: tuple[Costly, ...]
    """The segments that agreement is lost in most, the worst first."""
    left_out: Mapping[str, int]
    """Rejected annotations by code; `skipped` annotations; segments `only_skipped`, and submitted by a `single` annotator."""
    aliases: Mapping[str, str]
    """Annotator → the name in this report. Not for publication, and not in the JSON."""
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
            "costliest": [asdict(one) for one in self.costliest],
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
