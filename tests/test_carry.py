"""Annotations moved to another segmentation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.carry import carry
from annotate.cli import main
from annotate.codec import dumps
from annotate.model import Annotation, Reject, Segment, Span, TaskRef, segment_ids
from annotate.sync import cut
from tests.builders import HARD_TEXTS, REF, segment

TOPICS = {"theme": ("sport",), "genre": ()}


def tiling(texts: Sequence[str], doc_id: str = "a.txt", **fields: Any) -> list[Segment]:
    made, start = [], 0
    for text, identity in zip(texts, segment_ids(doc_id, texts), strict=True):
        made.append(segment(text, doc_id=doc_id, start=start, id=identity, **fields))
        start += len(text)
    return made


def annotation(of: Segment, *words: str, annotator: str = "aino", **fields: Any) -> Annotation:
    places = [(of.text.index(word), word) for word in words]
    values: dict[str, Any] = {
        "segment": of,
        "annotator": annotator,
        "status": "submitted",
        "spans": tuple(sorted(Span(start, start + len(word), "ORG", word) for start, word in places)),
        "topics": {"theme": (), "genre": ()},
        "unanswered": ("theme", "genre"),
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "lead_time": 3.0,
        "from_prediction": "",
        "ground_truth": False,
        "schema": REF,
        "task": TaskRef(1, 2),
    }
    return Annotation(**values | fields)


def moved(old: Sequence[Segment], new: Sequence[Segment], *annotations: Annotation) -> tuple[list[Annotation], list[str]]:
    rejects: list[Reject] = []
    by_document = [{s.doc_id: [t for t in tiled if t.doc_id == s.doc_id] for s in tiled} for tiled in (old, new)]
    result = carry(*by_document, annotations, rejects.append)
    spans = sum(len(a.spans) for a in result)
    lost = sum(item.code in ("span_split", "partly_annotated") and "span" in item.reason for item in rejects)
    whole = sum(len(a.spans) for a in annotations)
    if not {item.code for item in rejects} & {"text_changed", "no_document", "stale", "superseded"}:
        assert spans + lost == whole
    return result, [item.code for item in rejects]


def test_a_segment_that_stays_keeps_its_annotation_and_gets_its_new_labels() -> None:
    old = tiling(["Oulu and Kemi.\n", "Turku too."])
    new = tiling(["Oulu and Kemi.\n", "Turku too."], region="title", lang="fi")
    given = annotation(old[1], "Turku", topics=TOPICS, unanswered=("genre",))
    assert moved(old, new, given) == ([replace(given, segment=new[1])], [])


def test_a_split_segment() -> None:
    old = tiling(["Oulu and Kemi. Turku and Pori."])
    new = tiling(["Oulu and Kemi. ", "Turku and Pori."])
    given = annotation(old[0], "Oulu", "Pori", "Kemi. Turku", topics=TOPICS, unanswered=("genre",))
    result, codes = moved(old, new, given)
    assert [[span.text for span in a.spans] for a in result] == [["Oulu"], ["Pori"]]
    assert [a.segment for a in result] == new
    assert [a.unanswered for a in result] == [("theme", "genre")] * 2
    assert {a.lead_time for a in result} == {-1.0}
    assert sorted(codes) == ["span_split", "topics_do_not_fit"]


def test_joined_segments() -> None:
    old = tiling(["Oulu and Kemi. ", "Turku and Pori."])
    new = tiling(["Oulu and Kemi. Turku and Pori."])
    first, second = annotation(old[0], "Kemi"), annotation(old[1], "Turku", updated_at="2026-02-01T00:00:00Z")
    result, codes = moved(old, new, first, second)
    assert ([span.text for a in result for span in a.spans], codes) == (["Kemi", "Turku"], [])
    assert [(a.updated_at, a.status) for a in result] == [("2026-02-01T00:00:00Z", "submitted")]


def test_half_an_answer_is_none() -> None:
    old = tiling(["Oulu and Kemi. ", "Turku and Pori."])
    new = tiling(["Oulu and Kemi. Turku and Pori."])
    assert moved(old, new, annotation(old[0], "Kemi")) == ([], ["partly_annotated"])
    assert moved(old, new, annotation(old[0])) == ([], ["partly_annotated"])  # a true negative, too
    skipped = annotation(old[1], status="skipped")
    assert moved(old, new, annotation(old[0], "Kemi"), skipped) == ([], ["partly_annotated", "skip_lost"])


def test_a_border_that_moves_a_little() -> None:
    old = tiling(["The harbour of Oulu is open again today. ", "More"])
    new = tiling(["The harbour of Oulu is open again today. M", "ore"])
    given = annotation(old[0], "Oulu", topics=TOPICS, unanswered=("genre",))
    result, codes = moved(old, new, given, annotation(old[1]))
    assert (result[0].topics, result[0].lead_time, codes) == (TOPICS, 3.0, [])
    assert [a.segment for a in result] == new


def test_white_space_at_the_edges_moves_freely() -> None:
    old, new = tiling(["Oulu\n", "Kemi"]), tiling(["Oulu", "\nKemi"])
    result, codes = moved(old, new, annotation(old[0], "Oulu"), annotation(old[1], "Kemi"))
    assert ([(s.text, s.start) for a in result for s in a.spans], codes) == ([("Oulu", 0), ("Kemi", 1)], [])


def test_skipped_stays_skipped() -> None:
    old, new = tiling(["Oulu and Kemi."]), tiling(["Oulu ", "and Kemi."])
    result, codes = moved(old, new, annotation(old[0], status="skipped"))
    assert ([a.status for a in result], codes) == (["skipped", "skipped"], [])


def test_parts_of_a_long_segment() -> None:
    old = tiling(["Oulu and Kemi. Turku and Pori."])
    (_, (part, _)) = cut(old[0], 16)
    given = annotation(part, "Pori")
    assert moved(old, old, given) == ([given], [])
    result, codes = moved(old, tiling(["Oulu and Kemi. ", "Turku and Pori."]), given)
    assert ([span.text for a in result for span in a.spans], codes) == (["Pori"], [])


def test_other_texts_are_refused() -> None:
    old = tiling(["Oulu. ", "Kemi."])
    assert moved(old, tiling(["Oulu! ", "Kemi."]), annotation(old[0], "Oulu")) == ([], ["text_changed"])
    assert moved(old, [], annotation(old[0], "Oulu")) == ([], ["no_document"])
    assert moved(old, tiling(["Oulu! ", "Kemi."]), annotation(old[1], "Kemi"))[1] == []  # this one did not change
    edited = replace(old[0], id="x" * 32, text="Pori. ")
    assert moved(old, tiling(["Oulu. Kemi."]), annotation(edited, "Pori")) == ([], ["stale"])


def test_the_last_of_several_answers_counts() -> None:
    old, new = tiling(["Oulu and Kemi."]), tiling(["Oulu ", "and Kemi."])
    earlier, later = annotation(old[0], "Oulu"), annotation(old[0], "Kemi", updated_at="2026-03-01T00:00:00Z")
    result, codes = moved(old, new, later, earlier)
    assert ([span.text for a in result for span in a.spans], codes) == (["Kemi"], ["superseded"])


def test_of_equal_texts_each_keeps_its_own_answers() -> None:
    """The second of two is the first of one when the first is cut up; its id says so, its place does not."""
    old, new = tiling(["Oulu and Kemi. ", "Oulu and Kemi. "]), tiling(["Oulu ", "and Kemi. ", "Oulu and Kemi. "])
    assert old[0].id == new[2].id
    result, codes = moved(old, new, annotation(old[0], "Oulu"), annotation(old[1], "Kemi"))
    assert codes == []
    assert [(a.segment.start, span.text) for a in result for span in a.spans] == [(0, "Oulu"), (15, "Kemi")]


def test_a_text_that_there_is_once_is_known_wherever_it_stands() -> None:
    """Annotations from before the document grew at its beginning."""
    (before,) = tiling(["Oulu and Kemi."])
    now = tiling(["New today: ", "Oulu and Kemi."])
    assert before.id == now[1].id
    result, codes = moved(now, now, annotation(before, "Kemi"))
    assert codes == []
    assert [(a.segment, span.text) for a in result for span in a.spans] == [(now[1], "Kemi")]


PIECES = st.lists(st.sampled_from([*HARD_TEXTS, "Oulu ", "\n\n", "a", "é", " b "]), min_size=1, max_size=6)


@st.composite
def annotated(draw: st.DrawFn, texts: list[str]) -> list[Annotation]:
    made = []
    for one in tiling(texts):
        for name in draw(st.sets(st.sampled_from(["aino", "ben"]))):
            skipped = draw(st.booleans())
            spans = set()
            for start, end in () if skipped else draw(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9)), max_size=3)):
                if one.text[start : start + end].strip():
                    text = one.text[start : start + end]
                    spans.add(Span(start, start + len(text), "ORG", text))
            made.append(
                annotation(one, annotator=name, status="skipped" if skipped else "submitted", spans=tuple(sorted(spans)))
            )
    return made


@given(st.data())
def test_the_same_tiling_is_the_identity(data: st.DataObject) -> None:
    texts = data.draw(PIECES)
    texts[0] = "Oulu" + texts[0]
    given = data.draw(annotated(texts))
    result, codes = moved(tiling(texts), tiling(texts), *given)
    assert codes == []
    assert sorted(map(dumps, result)) == sorted(map(dumps, given))


@given(st.data())
def test_spans_keep_their_texts_and_places(data: st.DataObject) -> None:
    texts = data.draw(PIECES)
    texts[0] = "Oulu" + texts[0]
    whole = "".join(texts)
    cuts = sorted(data.draw(st.sets(st.integers(1, max(len(whole) - 1, 1)), max_size=5)) | {0, len(whole)})
    new = tiling([whole[a:b] for a, b in pairwise(cuts)])
    given = data.draw(annotated(texts))
    result, _ = moved(tiling(texts), new, *given)

    def places(annotations: list[Annotation]) -> set[tuple[str, int, str]]:
        return {(a.annotator, a.segment.start + s.start, s.text) for a in annotations for s in a.spans}

    assert places(result) <= places(given)
    assert {a.segment.id for a in result} <= {s.id for s in new}
    assert len({(a.segment.id, a.annotator) for a in result}) == len(result)


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    old, new = tiling(["Oulu and Kemi. Turku."]), tiling(["Oulu and Kemi. ", "Turku."])
    given = [annotation(old[0], "Oulu", "Kemi. Turku"), annotation(old[0], annotator="ben")]
    for name, records in (("old", old), ("new", new), ("annotations", given)):
        Path(f"{name}.jsonl").write_bytes(b"".join(dumps(record) + b"\n" for record in records))
    assert main(["carry", "old.jsonl", "old.jsonl", "annotations.jsonl", "-o", "same.jsonl"]) == 0
    assert Path("same.jsonl").read_bytes() == Path("annotations.jsonl").read_bytes()
    capsys.readouterr()
    assert main(["carry", "old.jsonl", "new.jsonl", "annotations.jsonl", "--json"]) == 5
    document = json.loads(capsys.readouterr().out)
    assert (document["annotations_in"], document["annotations_out"], document["unchanged"]) == (2, 4, 0)
    assert (document["spans_in"], document["spans_out"], document["rejected"]) == (2, 1, 1)
    assert "across several" in Path("carried.rejects.jsonl").read_text()
    assert main(["carry", "old.jsonl", "nothing.jsonl", "annotations.jsonl"]) == 1
