"""Unchanged documents keep their tiling."""

from __future__ import annotations

import io
from dataclasses import replace

from annotate.codec import dumps
from annotate.earlier import Earlier
from annotate.model import Document, Segment, Source
from tests.builders import segments


def file_of(*records: Segment) -> io.BytesIO:
    return io.BytesIO(b"".join(dumps(record) + b"\n" for record in records))


ONE = segments(["Title\n\n", "Body of one. 👍🏽\n"], doc_id="one")
TWO = segments(["Only body."], doc_id="two")


def test_an_unchanged_document_keeps_corrections_by_hand() -> None:
    corrected = [replace(ONE[0], region="title"), ONE[1]]
    tiling = Earlier(file_of(*corrected, *TWO)).of(Document("one", "Title\n\nBody of one. 👍🏽\n"))
    assert tiling is not None
    assert list(tiling.segments) == corrected


def test_a_changed_or_new_document_has_none() -> None:
    earlier = Earlier(file_of(*ONE, *TWO))
    assert earlier.of(Document("one", "Title\n\nBody of one!")) is None
    assert earlier.of(Document("three", "Only body.")) is None


def test_metadata_and_source_are_those_of_today() -> None:
    tiling = Earlier(file_of(*TWO)).of(Document("two", "Only body.", {"url": "x"}, shifts=((0, 1),)))
    assert tiling is not None
    assert (tiling.segments[0].meta, tiling.segments[0].source) == ({"url": "x"}, Source(1, 11))


def test_damaged_lines_cost_only_their_document() -> None:
    damaged = io.BytesIO(file_of(*ONE).getvalue()[:-9] + b"\n" + file_of(*TWO).getvalue())
    earlier = Earlier(damaged)
    assert earlier.of(Document("one", "Title\n\nBody of one. 👍🏽\n")) is None
    assert earlier.of(Document("two", "Only body.")) is not None


def test_segments_that_no_longer_tile_are_not_kept() -> None:
    moved = [replace(ONE[0], start=1, end=8), replace(ONE[1], start=8, end=8 + len(ONE[1].text))]
    assert Earlier(file_of(*moved)).of(Document("one", "Title\n\nBody of one. 👍🏽\n")) is None
