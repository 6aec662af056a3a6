"""Which labels are taken for which, and where agreement is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from annotate.agreement.panels import Group, Panel, answer
from annotate.model import Annotation, Span, TaskRef

MISSED = ""
"""Stands for the label of an annotator who said nothing where another said something."""


@dataclass(frozen=True, slots=True)
class Confused:
    """How often one annotator said `one` where another said `other`; `MISSED` when the other said nothing."""

    one: str
    other: str
    count: int
    same_place: int
    """Of spans, how many of them had the same start and end; of topics all."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What two annotators or more see differently in a segment: who says what, `MISSED` for those who say nothing."""

    what: str
    """`span`, or the topic group."""
    start: int
    """Of a span; -1 for a topic."""
    end: int
    text: str
    said: Mapping[str, tuple[str, ...]]
    """Label → the annotators who gave it."""


@dataclass(frozen=True, slots=True)
class Costly:
    """A segment that agreement is lost in."""

    id: str
    doc_id: str
    lang: str
    region: str
    text: str
    cost: float
    """Spans and topic labels that one of two annotators gives and the other does not: the mean over pairs."""
    agreement: float
    """As `segment_agreement`."""
    annotators: tuple[str, ...]
    tasks: tuple[TaskRef, ...]
    """Where their annotations are, in the same order."""
    urls: tuple[str, ...]
    """Of the tasks, in the same order; none when it is not known where Label Studio is."""
    differences: tuple[Difference, ...]


def span_confusion(panels: Iterable[Panel], labels: Sequence[str], *, directed: bool = False) -> tuple[Confused, ...]:
    """Span labels against each other, over all pairs of annotators. `one` is the label of the annotator whose name sorts first
    when `directed`, else whichever stands first in `labels`."""
    counts, in_place = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for panel in panels:
        for left, right in combinations(panel.submitted, 2):
            for ours, theirs in paired_spans(left.spans, right.spans):
                key = (ours.label if ours else MISSED, theirs.label if theirs else MISSED)
                counts[key] += 1
                in_place[key] += bool(ours and theirs and (ours.start, ours.end) == (theirs.start, theirs.end))
    return _listed(counts, in_place, labels, directed)


def topic_confusion(panels: Iterable[Panel], group: Group, *, directed: bool = False) -> tuple[Confused, ...]:
    """The labels of a topic group against each other, over all pairs of answers. In a multiple choice two labels are taken for
    each other when each annotator has just one that the other has not; otherwise such labels count as missed."""
    counts = Counter[tuple[str, str]]()
    for panel in panels:
        given = [labels for annotation in panel.submitted if (labels := answer(annotation, group)) is not None]
        for left, right in combinations(given, 2):
            counts.update((label, label) for label in left & right)
            ours, theirs = left - right, right - left
            if len(ours) == len(theirs) == 1:
                counts[next(iter(ours)), next(iter(theirs))] += 1
            else:
                counts.update((label, MISSED) for label in ours)
                counts.update((MISSED, label) for label in theirs)
    return _listed(counts, counts, group.labels, directed)


def paired_spans(left: Iterable[Span], right: Iterable[Span]) -> Iterator[tuple[Span | None, Span | None]]:
    """Spans of two annotators side by side, each once; None opposite a span that the other has missed.

    Equal spans go together first, then those with the same place, then those with the same label that overlap, then others that
    overlap; of several candidates those that share most characters, then those that come first."""
    ours, theirs = set(left), set(right)
    equal = ours & theirs
    yield from ((span, span) for span in sorted(equal))
    ours, theirs = ours - equal, theirs - equal
    candidates = sorted(
        (
            ((a.start, a.end) != (b.start, b.end), a.label != b.label, -shared, a, b)
            for a in ours
            for b in theirs
            if (shared := min(a.end, b.end) - max(a.start, b.start)) > 0
        ),
        key=_without_sides,
    )
    for *_, a, b in candidates:
        if a in ours and b in theirs:
            ours.remove(a)
            theirs.remove(b)
            yield a, b
    yield from ((span, None) for span in sorted(ours))
    yield from ((None, span) for span in sorted(theirs))


def _without_sides(candidate: tuple[bool, bool, int, Span, Span]) -> tuple[bool, bool, int, Span, Span]:
    """A sort key that is the same when the annotators change sides."""
    elsewhere, otherwise, shared, a, b = candidate
    return elsewhere, otherwise, shared, min(a, b), max(a, b)


def _listed(
    counts: Mapping[tuple[str, str], int], in_place: Mapping[tuple[str, str], int], labels: Sequence[str], directed: bool
) -> tuple[Confused, ...]:
    order = {label: at for at, label in enumerate([*labels, MISSED])}
    total, same = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for key, count in counts.items():
        one, other = key if directed else sorted(key, key=order.__getitem__)
        total[one, other] += count
        same[one, other] += in_place[key]
    keys = sorted(total, key=lambda key: (order[key[0]], order[key[1]]))
    return tuple(Confused(*key, total[key], same[key]) for key in keys)


# ── the segments that cost most ──────────────────────────────────────────────────────────────────────────────────────────


def cost(panel: Panel, groups: Sequence[Group]) -> float:
    """What a segment loses: spans and topic labels that one of two annotators gives and the other does not, the mean over
    pairs. A topic group counts for the pairs that both answered it."""
    pairs = list(combinations(panel.submitted, 2))
    lost = 0
    for left, right in pairs:
        lost += len(set(left.spans) ^ set(right.spans))
        for group in groups:
            ours, theirs = answer(left, group), answer(right, group)
            if ours is not None and theirs is not None:
                lost += len(ours ^ theirs)
    return lost / len(pairs) if pairs else 0.0


def differences(panel: Panel, groups: Sequence[Group], alias: Mapping[str, str]) -> Iterator[Difference]:
    """What annotators see differently in a segment: spans by place, then topic groups in the order of `groups`."""
    places: dict[tuple[int, int, str], dict[str, list[str]]] = {}
    for annotation in panel.submitted:
        for span in annotation.spans:
            said = places.setdefault((span.start, span.end, span.text), {})
            said.setdefault(span.label, []).append(alias[annotation.annotator])
    everybody = [alias[annotation.annotator] for annotation in panel.submitted]
    for (start, end, text), said in sorted(places.items()):
        silent = [name for name in everybody if not any(name in names for names in said.values())]
        if any(len(names) < len(everybody) for names in said.values()):
            yield Difference("span", start, end, text, _said(said, silent))
    for group in groups:
        answers = {alias[a.annotator]: labels for a in panel.submitted if (labels := answer(a, group)) is not None}
        if len(set(answers.values())) > 1:
            chosen = {
                label: [name for name, labels in answers.items() if label in labels]
                for label in group.labels
                if any(label in labels for labels in answers.values())
            }
            open_labels = {label: names for label, names in chosen.items() if len(names) < len(answers)}
            silent = [name for name, labels in answers.items() if not labels & open_labels.keys()]
            yield Difference(group.id, -1, -1, "", _said(open_labels, silent))


def _said(said: Mapping[str, Sequence[str]], silent: Sequence[str]) -> dict[str, tuple[str, ...]]:
    found = {label: tuple(names) for label, names in said.items()}
    return found | {MISSED: tuple(silent)} if silent else found


def task_url(base: str, task: TaskRef) -> str:
    """Where a person opens a task."""
    return f"{base.rstrip('/')}/projects/{task.project}/data?task={task.id}"


def urls(base: str, annotations: Sequence[Annotation]) -> tuple[str, ...]:
    """Where annotations are in the Label Studio at `base`; none when that is empty."""
    return tuple(task_url(base, annotation.task) for annotation in annotations) if base else ()
