"""What annotators did, segment by segment."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from annotate.codec import dumps
from annotate.errors import InvariantError, UsageError
from annotate.model import Annotation, Reject, SchemaRef, Segment
from annotate.store import reject


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


def pseudonyms(annotators: Iterable[str], known: Mapping[str, str] | None = None) -> dict[str, str]:
    """Annotator → A1, A2 …: the one they have in `known`; the others get the next numbers by their sorted names, so that the
    order in which they are met makes no difference."""
    names = sorted(set(annotators))
    found = dict(known or {})
    taken = [int(alias[1:]) for alias in found.values() if re.fullmatch(r"A[1-9]\d*", alias)]
    new = [name for name in names if name not in found]
    found |= {name: f"A{number}" for number, name in enumerate(new, max(taken, default=0) + 1)}
    return {name: found[name] for name in names}


def natural(name: str) -> list[str | int]:
    """A sort key that puts A2 before A10."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]


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
        return -math.inf
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
