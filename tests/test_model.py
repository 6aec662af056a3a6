"""Records that break a rule cannot be built."""

from __future__ import annotations

from dataclasses import replace

import pytest

from annotate.errors import InvariantError
from annotate.model import Block, Document, Span, Tiling, require_spans, segment_ids
from tests.builders import HARD_TEXTS, document, segment, segments


def test_segments_that_cover_their_document_are_a_tiling() -> None:
    texts = ["Title\n\n", "Body text. ", "More."]
    tiling = Tiling(document("".join(texts)), tuple(segments(texts)))
    assert "".join(s.text for s in tiling.segments) == tiling.document.text


@pytest.mark.parametrize(
    ("keep", "message"),
    [((0, 2), "gap at 7"), ((0, 1), "they end at 18"), ((1, 2), "starts at 7"), ((), "there are none")],
)
def test_a_hole_is_no_tiling(keep: tuple[int, ...], message: str) -> None:
    texts = ["Title\n\n", "Body text. ", "More."]
    made = segments(texts)
    with pytest.raises(InvariantError, match=message):
        Tiling(document("".join(texts)), tuple(made[i] for i in keep))


def test_overlaps_and_foreign_segments_are_no_tiling() -> None:
    first, second = segments(["One. ", "Two."])
    with pytest.raises(InvariantError, match="overlap"):
        Tiling(document("One. Two."), (first, replace(second, start=4, end=8)))
    with pytest.raises(InvariantError, match="belongs to"):
        Tiling(document("One. Two."), (first, replace(second, doc_id="b.txt")))
    with pytest.raises(InvariantError, match="is not what"):
        Tiling(document("One. Two!"), (first, second))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"start": 5, "end": 5}, "start < end"),
        ({"start": -1, "end": 27}, "0 <= start"),
        ({"end": 99}, "code points"),
        ({"region": "sidebar"}, "sidebar"),
        ({"lang": ""}, "BCP-47"),
        ({"id": ""}, "must not be empty"),
    ],
)
def test_a_segment_that_cannot_be(change: dict[str, object], message: str) -> None:
    with pytest.raises(InvariantError, match=message):
        replace(segment(), **change)


def test_documents_need_an_id_and_text() -> None:
    with pytest.raises(InvariantError, match="is empty"):
        document(" \n\u3000")
    with pytest.raises(InvariantError, match="id"):
        Document("", "text")
    with pytest.raises(InvariantError, match="gap"):
        Document("a", "text", blocks=(Block(0, 2), Block(3, 4)))


def test_ids_stay_when_another_paragraph_changes_or_is_added() -> None:
    before = segment_ids("a.txt", ["One.\n", "Two.\n", "One.\n"])
    assert len(set(before)) == 3
    assert segment_ids("a.txt", ["One.\n\n", "Changed.\n", "One.", "New."])[::2] == before[::2]
    assert not set(before) & set(segment_ids("b.txt", ["One.\n", "Two.\n", "One.\n"]))


def test_ids_cannot_be_confused_by_where_one_part_ends() -> None:
    assert segment_ids("a", ["b0"]) != segment_ids("ab", ["0"])


@pytest.mark.parametrize("text", HARD_TEXTS)
def test_spans_are_checked_against_the_text(text: str) -> None:
    start, end = len(text) - len(text.lstrip()), len(text.rstrip())
    good = Span(start, end, "X", text[start:end])
    require_spans([good], text, "here")
    for bad in (
        replace(good, end=len(text) + 1),
        replace(good, start=end, end=start),
        replace(good, text="other"),
        replace(good, label=""),
    ):
        with pytest.raises(InvariantError, match="here"):
            require_spans([bad], text, "here")
    with pytest.raises(InvariantError, match="twice"):
        require_spans([good, good], text, "here")


def test_a_span_of_white_space_is_none() -> None:
    with pytest.raises(InvariantError, match="white space"):
        require_spans([Span(1, 3, "X", "  ")], "a  b", "here")
