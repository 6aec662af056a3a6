"""Annotations moved to another segmentation of the same documents, by document offsets.

What a person said about a stretch of a document stays true whatever segments the stretch is in; what they said about a segment
as a whole (topics, and that there is nothing more in it) holds only for a segment that is almost the same. So spans move when
one new segment holds them, topics when a new segment holds almost the text they were given for, and a new segment counts as
annotated when almost all of it was. White space counts for nothing: segmenters move it freely. Whatever cannot move is a
reject."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

from annotate.codec import dumps
from annotate.errors import ReadError
from annotate.model import Annotation, Reject, Segment, Span
from annotate.store import Rejects, read_records, reject, rejects_beside, write_records

ALMOST = 0.9
"""Share of the characters, white space left out, from which on a stretch counts as the whole."""

Rejecting = Callable[[Reject], None]


@dataclass(frozen=True, slots=True)
class CarryReport:
    """What `carry` did; spans in = spans out + those rejected."""

    annotations_in: int
    annotations_out: int
    unchanged: int
    """Of those out: their segment is in the new segmentation as it was."""
    spans_in: int
    spans_out: int
    rejected: Mapping[str, int]


def carry_files(old: Path, new: Path, annotations: Path, output: str | Path, *, rejects: Path | None = None) -> CarryReport:
    """Move the annotations of a file from the segments of one file to those of another."""
    with Rejects(rejects or rejects_beside(output, "carry")) as rejected:
        before = list(read_records(annotations, Annotation, rejected, step="carry"))
        if rejected.total and not before:
            raise ReadError(f"no record of {annotations} can be used", hint=f"see {rejected.path}")
        wanted = {annotation.segment.doc_id for annotation in before}
        was, now = (_documents(read_records(path, Segment, rejected, step="carry"), wanted) for path in (old, new))
        after = carry(was, now, before, rejected, source=str(annotations))
        write_records(output, after)
    return CarryReport(
        annotations_in=len(before),
        annotations_out=len(after),
        unchanged=len(set(map(_answer, after)) & set(map(_answer, before))),
        spans_in=sum(len(a.spans) for a in before),
        spans_out=sum(len(a.spans) for a in after),
        rejected=dict(rejected.counts),
    )


def _answer(annotation: Annotation) -> tuple[object, ...]:
    return annotation.segment.id, annotation.annotator, annotation.created_at, annotation.task


def _documents(segments: Iterable[Segment], wanted: set[str]) -> dict[str, list[Segment]]:
    found: dict[str, list[Segment]] = defaultdict(list)
    for segment in segments:
        if segment.doc_id in wanted:
            found[segment.doc_id].append(segment)
    return {doc_id: sorted(parts, key=attrgetter("start")) for doc_id, parts in found.items()}


def carry(
    old: Mapping[str, Sequence[Segment]],
    new: Mapping[str, Sequence[Segment]],
    annotations: Iterable[Annotation],
    rejects: Rejecting,
    *,
    source: str = "",
) -> list[Annotation]:
    """The annotations on the new segments, in the order of `pull`. `old` and `new`: the segments of each document in order.

    With the same segments the annotations come out as they went in."""
    by_document: dict[str, list[Annotation]] = defaultdict(list)
    for annotation in annotations:
        by_document[annotation.segment.doc_id].append(annotation)
    moved: list[Annotation] = []
    for doc_id, given in by_document.items():
        moved += _Document(old.get(doc_id, ()), new.get(doc_id, ()), rejects, source).carried(given)
    return sorted(moved, key=_order)


def _order(annotation: Annotation) -> tuple[object, ...]:
    segment, task = annotation.segment, annotation.task
    return (segment.doc_id, segment.start, segment.id, annotation.annotator, annotation.updated_at, task.project, task.id)


class _Document:
    """One document in its two segmentations."""

    def __init__(self, old: Sequence[Segment], new: Sequence[Segment], rejects: Rejecting, source: str) -> None:
        self.old, self.new = old, new
        self.text = "".join(segment.text for segment in new)
        self.same_text = self.text == "".join(segment.text for segment in old)
        self._new_by_id = {segment.id: segment for segment in new}
        # Ids tell equal texts apart by their number in the document, which another segmentation shifts: there the place counts.
        numbers = (Counter(segment.text for segment in segments) for segments in (old, new))
        self._ambiguous = {text for count in numbers for text, n in count.items() if n > 1} if self.same_text else set[str]()
        self._rejects, self._source = rejects, source

    def carried(self, given: Sequence[Annotation]) -> Iterator[Annotation]:
        by_annotator: dict[str, list[Annotation]] = defaultdict(list)
        for annotation in given:
            kept = self._unchanged(annotation)
            if kept is not None:
                yield kept
            elif not self.new:
                self._refuse(annotation, "no_document", "the new segmentation does not have this document")
            elif not self.same_text:
                self._refuse(annotation, "text_changed", "the document's text has changed: offsets mean nothing there")
            elif self.text[annotation.segment.start : annotation.segment.end] != annotation.segment.text:
                self._refuse(annotation, "stale", "the document does not hold the annotated text at its place")
            else:
                by_annotator[annotation.annotator].append(annotation)
        for one in by_annotator.values():
            yield from self._moved(self._latest(one))

    def _unchanged(self, annotation: Annotation) -> Annotation | None:
        """The annotation when its segment, or the one it is a part of, is in the new segmentation as it was."""
        own = annotation.segment
        same = self._new_by_id.get(own.id)
        if same is not None and same.text == own.text and (same.start == own.start or own.text not in self._ambiguous):
            return replace(annotation, segment=same)
        whole = next((o for o in self.old if o.start <= own.start and own.end <= o.end), None)
        same = self._new_by_id.get(whole.id) if whole else None
        if whole is None or same is None or (same.start, same.text) != (whole.start, whole.text):
            return None
        is_part = whole.text[own.start - whole.start : own.end - whole.start] == own.text
        return replace(annotation, segment=replace(own, **_labels(same))) if is_part else None

    def _latest(self, given: Sequence[Annotation]) -> list[Annotation]:
        """Of several annotations of one segment by one annotator the last."""
        latest: dict[str, Annotation] = {}
        for annotation in sorted(given, key=attrgetter("updated_at")):
            if annotation.segment.id in latest:
                self._refuse(latest[annotation.segment.id], "superseded", "the annotator has answered again later")
            latest[annotation.segment.id] = annotation
        return list(latest.values())

    def _moved(self, given: Sequence[Annotation]) -> Iterator[Annotation]:
        """The annotations of one annotator on the segments that are new."""
        reached: set[str] = set()
        for segment in self.new:
            here = [a for a in given if _shared(self.text, a.segment, segment)]
            answers = [a for a in here if a.status == "submitted"] or here
            if not answers:
                continue
            spans = [(a, span) for a in answers for span in a.spans if _inside(a, span, segment)]
            if sum(_shared(self.text, a.segment, segment) for a in answers) < ALMOST * _weight(segment.text):
                self._partly(segment, answers, spans)
            else:
                yield self._merged(segment, answers, [_placed(a, span, segment) for a, span in spans])
            reached |= {a.segment.id for a in answers}
        for annotation in given:
            self._left_behind(annotation, reached)

    def _left_behind(self, annotation: Annotation, reached: Collection[str]) -> None:
        for span in annotation.spans:
            if not any(_inside(annotation, span, segment) for segment in self.new):
                reason = f"span {span.label} {span.text!r} lies across several new segments"
                self._refuse(annotation, "span_split", reason)
        if any(annotation.topics.values()) and not any(self._alike(annotation.segment, segment) for segment in self.new):
            told = ", ".join(f"{group}: {' '.join(labels)}" for group, labels in annotation.topics.items() if labels)
            reason = f"no new segment holds almost the text that its topics ({told}) were given for"
            self._refuse(annotation, "topics_do_not_fit", reason)
        if annotation.segment.id not in reached:
            self._refuse(annotation, "skip_lost", "skipped, and its text is in segments that are annotated")

    def _partly(self, segment: Segment, answers: Sequence[Annotation], spans: Sequence[tuple[Annotation, Span]]) -> None:
        share = sum(_shared(self.text, a.segment, segment) for a in answers) / _weight(segment.text)
        reason = f"only {share:.0%} of new segment {segment.id} was annotated"
        for annotation, span in spans:
            self._refuse(annotation, "partly_annotated", f"span {span.label} {span.text!r}: {reason}")
        if not spans:
            self._refuse(answers[0], "partly_annotated", reason)

    def _merged(self, segment: Segment, answers: Sequence[Annotation], spans: Sequence[Span]) -> Annotation:
        """One annotation of a new segment from what was said about the old ones in it."""
        most = max(answers, key=lambda a: _shared(self.text, a.segment, segment))
        alike = next((a for a in answers if self._alike(a.segment, segment)), None)
        topics: Mapping[str, tuple[str, ...]] = alike.topics if alike else dict.fromkeys(most.topics, ())
        first = min(answers, key=attrgetter("updated_at"))
        models = {a.from_prediction for a in answers}
        return replace(
            most,
            segment=segment,
            spans=tuple(sorted(set(spans))),
            topics=topics,
            unanswered=alike.unanswered if alike else tuple(topics),
            created_at=min(a.created_at for a in answers),
            updated_at=max(a.updated_at for a in answers),
            lead_time=alike.lead_time if alike else -1.0,
            from_prediction=models.pop() if len(models) == 1 else "",
            ground_truth=all(a.ground_truth for a in answers),
            schema=first.schema,
        )

    def _alike(self, old: Segment, new: Segment) -> bool:
        shared = _shared(self.text, old, new)
        return shared >= ALMOST * (_weight(old.text) + _weight(new.text) - shared)

    def _refuse(self, annotation: Annotation, code: str, reason: str) -> None:
        told = f"{annotation.annotator}: {reason}"
        hint = "push the new segments and ask again, or keep the old segmentation of the document"
        self._rejects(reject("carry", self._source, code, told, id=annotation.segment.id, hint=hint, record=dumps(annotation)))


def _labels(segment: Segment) -> dict[str, Any]:
    names = ("lang", "lang_score", "script", "region", "region_score", "meta")
    return {name: getattr(segment, name) for name in names}


def _weight(text: str) -> int:
    return sum(not character.isspace() for character in text)


def _shared(text: str, one: Segment, other: Segment) -> int:
    """Characters of the document, white space left out, that lie in both segments."""
    return _weight(text[max(one.start, other.start) : min(one.end, other.end)]) if one.start < other.end else 0


def _inside(annotation: Annotation, span: Span, segment: Segment) -> bool:
    first = annotation.segment.start
    return segment.start <= first + span.start and first + span.end <= segment.end


def _placed(annotation: Annotation, span: Span, segment: Segment) -> Span:
    ahead = annotation.segment.start - segment.start
    return replace(span, start=span.start + ahead, end=span.end + ahead)
