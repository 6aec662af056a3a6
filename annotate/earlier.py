"""The tilings of an earlier run. A better segmenter must not orphan what people have annotated: documents that have not changed
keep the tiling they have, corrections by hand included, until somebody asks for another."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import BinaryIO

from annotate.codec import loads
from annotate.errors import InvariantError, ReadError
from annotate.model import Document, Segment, Tiling
from annotate.offsets import to_source


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a document's lines stand in the file, and what their texts are together."""

    start: int
    end: int
    digest: bytes


class Earlier:
    """The documents of a file of segments. Digests and places stay in memory, the segments are read again when wanted."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._places: dict[str, _Place] = {}
        for doc_id, lines in groupby(_segments(file), key=lambda item: item[0].doc_id):
            digest, start, end = hashlib.blake2b(digest_size=16), -1, -1
            for segment, first, last in lines:
                digest.update(segment.text.encode())
                start, end = first if start < 0 else start, last
            self._places[doc_id] = _Place(start, end, digest.digest())

    def of(self, document: Document) -> Tiling | None:
        """The tiling the document had, with its metadata as they are now; None when it is new or its text has changed."""
        place = self._places.get(document.doc_id)
        if place is None or place.digest != hashlib.blake2b(document.text.encode(), digest_size=16).digest():
            return None
        self._file.seek(place.start)
        lines = self._file.read(place.end - place.start).splitlines()
        segments = [segment for line in lines if (segment := _segment(line)) is not None]
        try:
            return Tiling(document, tuple(_refreshed(segment, document) for segment in segments))
        except InvariantError:  # texts in another order, or offsets changed by hand: as if it were new
            return None


def _refreshed(segment: Segment, document: Document) -> Segment:
    source = to_source(document.shifts, segment.start, segment.end, segment.source.path)
    return replace(segment, meta=document.meta, source=source)


def _segments(file: BinaryIO) -> Iterator[tuple[Segment, int, int]]:
    """The file's segments, each with the first and last byte of its line. Damaged lines are passed over: their documents will
    not be recognised and are segmented anew."""
    end = 0
    for line in file:
        start, end = end, end + len(line)
        segment = _segment(line)
        if segment is not None:
            yield segment, start, end


def _segment(line: bytes) -> Segment | None:
    try:
        return loads(line, Segment)
    except ReadError:
        return None
