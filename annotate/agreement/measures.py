"""From annotations to figures."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np

from annotate.agreement.confusion import Costly, cost, differences, span_confusion, topic_confusion, urls
from annotate.agreement.panels import Group, Panel, answer, gather, natural, pseudonyms
from annotate.agreement.scores import UNDEFINED, Agreement, Report, Score, SpanScores, TopicScores
from annotate.agreement.sums import FloatArray, Resamples, Sums, corrected, mean_defined, ratio
from annotate.agreement.unitizing import UnitSums, coding_alphas, layer_alphas, unit_sums
from annotate.errors import UsageError
from annotate.model import Annotation, Reject, Span

DIMENSIONS = ("lang", "region", "pair")
"""What `agree` can break its figures down by."""


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
    known: Mapping[str, str] | None = None,
    worst: int = 0,
    url: str = "",
    rejects: Callable[[Reject], None] = lambda _: None,
    source: str = "",
) -> Report:
    """Agreement on all segments that two annotators or more submitted.

    `groups` are the topic groups of the schema and `entities` its span labels; both are read off the annotations when absent.
    `by` is any of `DIMENSIONS`. `bootstrap` is the number of resamples behind the intervals, 0 for none. Annotators appear as
    pseudonyms unless `names`; `known` are those they have already. `worst` is the number of segments listed that agreement is
    lost in most, with the addresses of their tasks when `url` says where Label Studio is. What cannot be compared goes
    to `rejects`, see `gather`. `UsageError` for another dimension."""
    if unknown := sorted(set(by).difference(DIMENSIONS)):
        raise UsageError(f"agreement cannot be broken down by {unknown[0]!r}", hint=f"known: {', '.join(DIMENSIONS)}")
    panels = gather(annotations, groups, entities=entities, rejects=rejects, step="agree", source=source)
    shared = [panel for panel in panels.panels if len(panel.submitted) > 1]
    several = frozenset(map(id, shared))
    measure = _Measure(panels.groups, tuple(entities or ()), bootstrap, seed, confidence, several)
    alias = {name: name for name in panels.annotators} if names else pseudonyms(panels.annotators, known)
    with_spans = bool(entities) or any(annotation.spans for panel in panels.panels for annotation in panel.submitted)
    return Report(
        overall=measure(shared),
        by={
            dimension: {
                key: measure(part, directed=dimension == "pair") for key, part in _parts(shared, dimension, alias).items()
            }
            for dimension in by
        },
        costliest=_costliest(shared, worst, panels.groups, alias, url, spans=with_spans),
        left_out=dict(panels.left_out)
        | {
            "skipped": sum(len(panel.skipped) for panel in panels.panels),
            "only_skipped": sum(not panel.submitted for panel in panels.panels),
            "single": sum(len(panel.submitted) == 1 for panel in panels.panels),
        },
        aliases=alias,
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


def _costliest(
    panels: Sequence[Panel], worst: int, groups: Sequence[Group], alias: Mapping[str, str], url: str, *, spans: bool
) -> tuple[Costly, ...]:
    found = []
    for panel, lost in heapq.nlargest(worst, ((panel, cost(panel, groups)) for panel in panels), key=lambda item: item[1]):
        if lost:
            said = sorted(panel.submitted, key=lambda annotation: natural(alias[annotation.annotator]))
            costly = Costly(
                id=panel.segment.id,
                doc_id=panel.segment.doc_id,
                lang=panel.segment.lang,
                region=panel.segment.region,
                text=panel.segment.text,
                cost=round(lost, 6),
                agreement=round(segment_agreement(said, groups, spans=spans), 6),
                annotators=tuple(alias[annotation.annotator] for annotation in said),
                tasks=tuple(annotation.task for annotation in said),
                urls=urls(url, said),
                differences=tuple(differences(replace(panel, submitted=tuple(said)), groups, alias)),
            )
            found.append(costly)
    return tuple(found)


def _parts(panels: Sequence[Panel], dimension: str, alias: Mapping[str, str]) -> dict[str, list[Panel]]:
    parts: dict[str, list[Panel]] = defaultdict(list)
    for panel in panels:
        for key, part in _keys(panel, dimension, alias):
            parts[key].append(part)
    return {key: parts[key] for key in sorted(parts, key=natural)}


def _keys(panel: Panel, dimension: str, alias: Mapping[str, str]) -> Iterator[tuple[str, Panel]]:
    if dimension == "pair":
        said = sorted(panel.submitted, key=lambda annotation: natural(alias[annotation.annotator]))
        for pair in combinations(said, 2):
            own = panel if pair == panel.submitted else replace(panel, submitted=pair)  # itself: its sums are known
            yield " & ".join(alias[annotation.annotator] for annotation in pair), own
    else:
        yield getattr(panel.segment, dimension), panel


@dataclass(frozen=True, slots=True)
class _Measure:
    """Turns panels into figures, with the same settings for the whole and for its parts."""

    groups: tuple[Group, ...]
    entities: tuple[str, ...]
    bootstrap: int
    seed: int
    confidence: float
    several: frozenset[int]
    """The panels, by their identity, that count for the whole and for several parts, and live as long as this. Others, of two
    annotators among more, count once."""
    known: dict[tuple[int, tuple[str, ...]], tuple[Sums, UnitSums]] = field(default_factory=dict)
    """One of `several` and labels → what its spans add up to."""

    def __call__(self, panels: Sequence[Panel], *, directed: bool = False) -> Agreement:
        resamples = Resamples(panels, self.bootstrap, self.seed)
        return Agreement(
            segments=len(panels),
            documents=resamples.documents,
            annotators=len({annotation.annotator for panel in panels for annotation in panel.submitted}),
            topics={group.id: self._topics(panels, group, resamples, directed) for group in self.groups},
            spans=self._spans(panels, resamples, directed),
        )

    def _topics(self, panels: Sequence[Panel], group: Group, resamples: Resamples, directed: bool) -> TopicScores:
        found = _topic_sums(panels, group, resamples.rows)
        width = len(group.labels)
        totals = resamples.totals(found.answers, 1 + 2 * width)
        n, chosen, apart = totals[:, :1], totals[:, 1 : 1 + width], totals[:, 1 + width :]
        alphas = corrected(apart * (n - 1), 2 * chosen * (n - chosen))
        observed = 1 - ratio(apart, n)
        pairs = (_pair_kappas(resamples.totals(sums, 1 + 3 * width), width) for _, sums in sorted(found.pairs.items()))
        kappas, nominal_kappa = np.hsplit(mean_defined(pairs, (len(totals), width + 1)), [width])
        fleisses = corrected(apart * n, 2 * chosen * (n - chosen))
        if group.choice == "single":
            differ = apart.sum(axis=1) / 2  # one differing pair of answers differs on two labels
            alpha = corrected(differ * (n[:, 0] - 1), n[:, 0] ** 2 - (chosen**2).sum(axis=1))
            fleiss = corrected(differ * n[:, 0], n[:, 0] ** 2 - (chosen**2).sum(axis=1))
            kappa, agreeing = nominal_kappa[:, 0], 1 - ratio(differ, n[:, 0])
        else:
            by_label = (alphas, kappas, fleisses, observed)
            alpha, kappa, fleiss, agreeing = (mean_defined(figures.T, len(totals)) for figures in by_label)

        def scores(
            which: str, alpha: FloatArray, kappa: FloatArray, fleiss: FloatArray, share: FloatArray, uses: float
        ) -> TopicScores:
            why = _why_no_alpha(which, found.n, int(uses), int(n[0, 0]))
            return TopicScores(
                alpha=self._score(alpha, why, resamples),
                kappa=self._score(kappa, _why_no_kappa(which, found.n), resamples),
                fleiss=self._score(fleiss, why, resamples),
                observed=self._score(share, why, resamples),
                n=found.n,
                annotators=len(found.annotators),
                uses=int(uses),
            )

        labels = {
            label: scores(label, alphas[:, at], kappas[:, at], fleisses[:, at], observed[:, at], chosen[0, at])
            for at, label in enumerate(group.labels)
        }
        total = scores("", alpha, kappa, fleiss, agreeing, chosen[0].sum())
        left_out = {"unanswered": found.unanswered, "unpaired": found.unpaired}
        return replace(total, left_out=left_out, confusion=topic_confusion(panels, group, directed=directed), labels=labels)

    def _spans(self, panels: Sequence[Panel], resamples: Resamples, directed: bool) -> SpanScores:
        seen = {span.label for panel in panels for annotation in panel.submitted for span in annotation.spans}
        labels = (*self.entities, *sorted(seen.difference(self.entities)))
        width = len(labels)
        sums, units, segments, uses = Sums(), UnitSums(), Counter[str](), Counter[str]()
        column = {label: at for at, label in enumerate(labels)}
        for row, panel in zip(resamples.rows, panels, strict=True):
            known = self.known.get((id(panel), labels))
            own, own_units = known or (_span_sums(panel, column), unit_sums(panel, column))
            if known is None and id(panel) in self.several:
                self.known[id(panel), labels] = own, own_units
            sums.add_row(row, own)
            units.layers.add_row(row, own_units.layers)
            units.coding.add_row(row, own_units.coding)
            marked = [span.label for annotation in panel.submitted for span in annotation.spans]
            uses.update(marked)
            segments.update(set(marked))
        totals = resamples.totals(sums, 3 * width)
        count, exact, relaxed = totals[:, :width], totals[:, width : 2 * width], totals[:, 2 * width :]
        layers, layers_together, any_label = layer_alphas(resamples.totals(units.layers, 1 + 3 * (width + 1)))
        coding, coding_together = coding_alphas(resamples.totals(units.coding, 3 * width))
        annotators = len({annotation.annotator for panel in panels for annotation in panel.submitted})

        def scores(which: str, at: slice, unitizing: FloatArray, coding: FloatArray, n: int, used: int) -> SpanScores:
            total = count[:, at].sum(axis=1)
            why = _why_no_spans(which, panels, used)
            return SpanScores(
                exact_f1=self._score(ratio(exact[:, at].sum(axis=1), total), why, resamples),
                relaxed_f1=self._score(ratio(relaxed[:, at].sum(axis=1), total), why, resamples),
                alpha_u=self._score(unitizing, why, resamples),
                alpha_cu=self._score(coding, _why_no_coding(which, panels, used), resamples),
                alpha_any=None,
                n=n,
                annotators=annotators,
                uses=used,
            )

        by_label = {
            label: scores(label, slice(at, at + 1), layers[:, at], coding[:, at], segments[label], uses[label])
            for at, label in enumerate(labels)
        }
        total = scores("", slice(None), layers_together, coding_together, len(panels), uses.total())
        alpha_any = self._score(any_label, _why_no_spans("", panels, uses.total()), resamples)
        confusion = span_confusion(panels, labels, directed=directed)
        return replace(total, alpha_any=alpha_any, confusion=confusion, labels=by_label)

    def _score(self, values: FloatArray, reason: str, resamples: Resamples) -> Score:
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

    answers: Sums = field(default_factory=Sums)
    pairs: dict[tuple[str, str], Sums] = field(default_factory=lambda: defaultdict(Sums))
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


def _span_sums(panel: Panel, column: Mapping[str, int]) -> Sums:
    """Over all pairs of annotators for each label the spans of both, twice the exact and twice the relaxed matches; all in row
    0. `column` numbers the labels."""
    sums = Sums()
    marked = [_by_label(annotation.spans) for annotation in panel.submitted]
    for left, right in combinations(marked, 2):
        for label in left.keys() | right.keys():
            ours, theirs = left.get(label, []), right.get(label, [])
            at = column[label]
            sums.add(0, at, len(ours) + len(theirs))
            sums.add(0, at + len(column), 2 * len(set(ours) & set(theirs)))
            sums.add(0, at + 2 * len(column), 2 * overlap_matches(ours, theirs))
    return sums


def _by_label(spans: Iterable[Span]) -> dict[str, list[Span]]:
    by_label: dict[str, list[Span]] = defaultdict(list)
    for span in spans:
        by_label[span.label].append(span)
    return by_label


def _pair_kappas(totals: FloatArray, width: int) -> FloatArray:
    """κ of two annotators for each label against the rest, and in the last column over all labels as one nominal variable."""
    n = totals[:, :1]
    left, right, differ = totals[:, 1 : 1 + width], totals[:, 1 + width : 1 + 2 * width], totals[:, 1 + 2 * width :]
    by_label = corrected(differ * n, n**2 - left * right - (n - left) * (n - right))
    differing = differ.sum(axis=1, keepdims=True) / 2  # one differing segment differs on two labels
    nominal = corrected(differing * n, n**2 - (left * right).sum(axis=1, keepdims=True))
    return np.hstack([by_label, nominal])


def _why_no_spans(label: str, panels: Sequence[Panel], uses: int) -> str:
    if not panels:
        return _NOBODY
    if not uses:
        return f"nobody marked {label or 'a span'} in these segments"
    return f"everybody marked everything{' as ' + label if label else ''}: there is no chance agreement to correct for"


def _why_no_coding(label: str, panels: Sequence[Panel], uses: int) -> str:
    if not panels or not uses:
        return _why_no_spans(label, panels, uses)
    if label:
        return f"where two annotators marked the same, {label} is all or nothing of it: there is nothing to take it for"
    return "where two annotators marked the same, there are fewer than two labels to take for each other"


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
