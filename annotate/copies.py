"""Segments that were not asked because another with the same text was: what is said about that one holds for them.

`push --dedupe` writes them to the workspace, `pull` gives each its answer, marked by `copy_of` in the segment's `meta`."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from annotate.codec import dumps, loads
from annotate.model import Annotation, Segment
from annotate.store import opened, write_records

COPY_OF = "copy_of"
"""Key of a segment's `meta`: the id of the segment whose answer it got."""
FOLDER = Path(".annotate")


@dataclass(frozen=True, slots=True)
class Copy:
    """A segment that has the text of another."""

    original: str
    segment: Segment


def copies_file(workspace: Path, url: str, title: str) -> Path:
    """Where the copies of a title on a server are kept."""
    digest = hashlib.sha256(f"{url}\0{title}".encode()).hexdigest()[:16]
    return workspace / FOLDER / f"copies-{digest}.jsonl"


def write_copies(path: Path, copies: Iterable[Copy]) -> int:
    """Keep the copies; those of an earlier push are forgotten. The number written."""
    return write_records(path, copies)


class Copies:
    """The copies that a push left, by their original."""

    def __init__(self, path: Path | None) -> None:
        self._by_original: dict[str, list[Segment]] = defaultdict(list)
        if path and path.is_file():
            with opened(path) as lines:
                for line in lines:
                    copy = loads(line, Copy)
                    self._by_original[copy.original].append(copy.segment)

    def of_line(self, segment_id: str, line: bytes) -> Iterator[bytes]:
        """The same from JSONL to JSONL; `segment_id` spares reading lines of segments that have no copy."""
        if segment_id in self._by_original:
            yield from map(dumps, self.of(loads(line, Annotation)))

    def of(self, annotation: Annotation) -> Iterator[Annotation]:
        """The answer once more for each copy, its spans on the same words."""
        text = annotation.segment.text
        for segment in self._by_original.get(annotation.segment.id, ()):
            if segment.text.strip() != text.strip():  # the original was asked with another text since
                continue
            ahead = _lead(segment.text) - _lead(text)
            spans = [replace(span, start=span.start + ahead, end=span.end + ahead) for span in annotation.spans]
            if any(not 0 <= s.start < s.end <= len(segment.text) or segment.text[s.start : s.end] != s.text for s in spans):
                continue  # a span over white space that the copy does not have
            marked = replace(segment, meta={**segment.meta, COPY_OF: annotation.segment.id})
            yield replace(annotation, segment=marked, spans=tuple(spans))


def is_copy(annotation: Annotation) -> bool:
    """Whether the answer was given for another segment with the same text: it is no judgement of its own."""
    return COPY_OF in annotation.segment.meta


def _lead(text: str) -> int:
    return len(text) - len(text.lstrip())
