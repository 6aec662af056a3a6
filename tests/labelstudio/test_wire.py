"""What goes over the wire comes back the same; what Label Studio lets in and should not have is a reject."""

from __future__ import annotations

from typing import Any

import pytest

from annotate.errors import InvariantError
from annotate.labelstudio.wire import (
    AGAIN,
    RETIRED,
    Origin,
    drafts_of,
    essence,
    found_task,
    from_task,
    merged,
    to_result,
    to_segment,
    to_task,
)
from annotate.model import Annotation, Reject, SchemaRef, Source, Span
from tests.builders import HARD_TEXTS, REF, schema, segment

ORIGIN = Origin(7, "http://127.0.0.1:1/projects/7", {3: "aino@example.com"}, ((REF, "2026-01-01T00:00:00Z"),))


def differ(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return essence(one["data"], one["meta"]) != essence(other["data"], other["meta"])


def listed(text: str = "The harbour of Oulu is open.", result: object = (), **annotation: Any) -> dict[str, Any]:
    task = to_task(segment(text), REF)
    raw = {"result": list(result) if result is not None else None, "completed_by": 3, "updated_at": "2026-02-02T00:00:00Z"}
    return {"id": 5, **task, "annotations": [raw | annotation], "drafts": [], "predictions": []}


def only_annotation(item: dict[str, Any]) -> Annotation:
    (record,) = from_task(item, schema(), ORIGIN)
    assert isinstance(record, Annotation)
    return record


@pytest.mark.parametrize("text", HARD_TEXTS)
def test_a_segment_survives_the_journey(text: str) -> None:
    sent = segment(text, lang="fi", source=Source(3, 3 + len(text), "html/body/p"), meta={"url": "x", "n": [1, {"k": None}]})
    task = to_task(sent, REF, before="before", after="after", part="1/2")
    assert to_segment(task["data"], task["meta"]) == sent


@pytest.mark.parametrize("text", HARD_TEXTS)
def test_spans_are_slices_whatever_label_studio_says_their_text_is(text: str) -> None:
    start = len(text) - len(text.lstrip())
    end = len(text.rstrip())
    result = to_result([Span(start, end, "ORG", text[start:end])], {"theme": ["sport"]})
    result[0]["value"]["text"] = "collapsed by the server"
    annotation = only_annotation(listed(text, result))
    assert annotation.spans == (Span(start, end, "ORG", text[start:end]),)
    assert annotation.topics == {"theme": ("sport",), "genre": ()}
    assert annotation.unanswered == ("genre",)


def test_task_data_has_the_contracts_keys_and_none_that_exports_overwrite() -> None:
    data = to_task(segment(), REF)["data"]
    contract = "segment_id doc_id text lang region start end text_sha256 "
    contract += "schema schema_sha256 context_before context_after part retired"
    assert list(data) == contract.split()
    assert not {"id", "label", "annotator", "annotation_id", "created_at", "updated_at", "lead_time"} & set(data)


def test_four_states_stay_apart() -> None:
    never = listed()
    never["annotations"] = []
    assert list(from_task(never, schema(), ORIGIN)) == []
    empty = only_annotation(listed())
    assert (empty.status, empty.spans, empty.unanswered) == ("submitted", (), ("theme", "genre"))
    skipped = only_annotation(listed(result=to_result([Span(0, 3, "ORG", "The")], {}), was_cancelled=True))
    assert (skipped.status, skipped.spans) == ("skipped", ())
    assert only_annotation(listed(result=to_result([Span(0, 3, "ORG", "The")], {}))).spans


def test_a_result_of_none_is_empty() -> None:
    assert only_annotation(listed(result=None)).spans == ()


@pytest.mark.parametrize(
    ("result", "why"),
    [
        ({"from_name": "entities", "type": "labels", "value": {"start": 0, "end": 999, "labels": ["ORG"]}}, "offsets"),
        ({"from_name": "entities", "type": "labels", "value": {"start": 9, "end": 4, "labels": ["ORG"]}}, "offsets"),
        ({"from_name": "entities", "type": "labels", "value": {"start": 3, "end": 4, "labels": ["ORG"]}}, "offsets"),
        ({"from_name": "entities", "type": "labels", "value": {"start": 0, "end": 3, "labels": ["NOPE"]}}, "NOPE"),
        ({"from_name": "entities", "type": "labels", "value": {"start": 0, "end": 3, "labels": []}}, "label"),
        ({"from_name": "other", "type": "labels", "value": {"start": 0, "end": 3, "labels": ["ORG"]}}, "other"),
        ({"from_name": "entities", "type": "labels", "value": {"start": "0", "end": 3, "labels": ["ORG"]}}, "kind"),
        ({"from_name": "theme", "type": "choices", "value": {"choices": ["cooking"]}}, "cooking"),
        ({"from_name": "genre", "type": "choices", "value": {"choices": ["report", "opinion"]}}, "takes one"),
        ({"from_name": "mood", "type": "choices", "value": {"choices": ["good"]}}, "mood"),
        ({"from_name": "entities", "type": "labels", "value": {"start": 0, "end": 3, "labels": [{"a": 1}]}}, "label"),
        ({"from_name": "theme", "type": "choices", "value": {"choices": [["sport"]]}}, "choice"),
        ({"a": 1}, "kind"),
        ("nonsense", "kind"),
    ],
)
def test_an_invalid_result_is_a_reject_and_the_rest_is_kept(result: object, why: str) -> None:
    good = to_result([Span(15, 19, "GPE", "Oulu")], {})
    records = list(from_task(listed(result=[result, *good]), schema(), ORIGIN))
    rejects = [record for record in records if isinstance(record, Reject)]
    (annotation,) = [record for record in records if isinstance(record, Annotation)]
    assert [span.text for span in annotation.spans] == ["Oulu"]
    assert [r.code for r in rejects] == ["invalid_result"]
    assert why in rejects[0].reason
    assert "aino@example.com" in rejects[0].reason
    assert rejects[0].url == "http://127.0.0.1:1/projects/7/data?task=5"


def test_no_time_at_all_is_not_an_unknown_time() -> None:
    assert only_annotation(listed(lead_time=0)).lead_time == 0.0
    assert only_annotation(listed(lead_time=None)).lead_time == -1.0


def test_several_labels_on_one_span_are_several_spans() -> None:
    result = {"from_name": "entities", "type": "labels", "value": {"start": 15, "end": 19, "labels": ["ORG", "GPE"]}}
    assert [span.label for span in only_annotation(listed(result=[result])).spans] == ["GPE", "ORG"]


def test_a_draft_is_reported_not_lost() -> None:
    task = found_task(listed())
    (record,) = drafts_of(task, [{"user": "ben@example.com", "result": []}], ORIGIN)
    assert (record.code, record.id) == ("draft", task.segment_id)
    assert "ben@example.com" in record.reason


def test_an_edited_text_is_noticed() -> None:
    item = listed(result=to_result([Span(15, 19, "GPE", "Oulu")], {}))
    item["data"]["text"] = item["data"]["text"].replace("open", "shut")
    (record,) = from_task(item, schema(), ORIGIN)
    assert isinstance(record, Reject)
    assert record.code == "foreign_task"
    with pytest.raises(InvariantError, match="edited"):
        to_segment(item["data"], item["meta"])


def test_an_annotation_by_a_user_who_is_gone_is_a_reject() -> None:
    (record,) = from_task(listed(completed_by=99), schema(), ORIGIN)
    assert isinstance(record, Reject)
    assert record.code == "invalid_annotation"


def test_the_annotator_may_come_as_an_object() -> None:
    assert only_annotation(listed(completed_by={"id": 3, "email": "x"})).annotator == "aino@example.com"


def test_the_schema_is_the_one_in_force_when_the_answer_was_given() -> None:
    newer = SchemaRef("little", "1.1.0", "1" * 64)
    origin = Origin(7, "u", {}, ((REF, "2026-01-05T00:00:00Z"), (newer, "2026-03-01T00:00:00Z")))
    assert origin.schema_at("2026-02-02T00:00:00Z") == REF
    assert origin.schema_at("2026-03-02T00:00:00Z") == newer
    assert origin.schema_at("2025-01-01T00:00:00Z") == REF  # imported with an older date


def test_what_counts_as_a_difference() -> None:
    old = to_task(segment("Oulu wins\n", start=10), REF, before="x")
    assert not differ(old, to_task(segment("Oulu wins\n", start=10), SchemaRef("little", "2.0.0", "2" * 64)))
    assert not differ(old, to_task(segment("Oulu wins\n\n", start=10), REF))
    assert not differ(old, to_task(segment("\nOulu wins", start=9), REF))
    assert differ(old, to_task(segment("Oulu wins\n", start=11), REF))
    assert differ(old, to_task(segment("Oulu wins\n", start=10, region="title"), REF))
    assert differ(old, to_task(segment("Oulu wins\n", start=10, meta={"url": "new"}), REF))
    retired = {"data": old["data"] | {"retired": RETIRED}, "meta": old["meta"]}
    assert differ(retired, old)


def test_an_update_never_touches_the_text_under_annotations() -> None:
    old = to_task(segment("\nOulu wins\n", start=4), REF)
    new = to_task(segment("Oulu wins", start=20, region="title"), REF)
    update = merged(old["data"], new)
    assert update["data"]["text"] == "\nOulu wins\n"
    assert update["data"]["region"] == "title"
    assert to_segment(update["data"], update["meta"]).start == 19
    assert not differ(update, new)


def test_what_is_asked_again_is_no_change_and_survives_one() -> None:
    task = to_task(segment("Oulu."), schema().ref)
    marked = {**task["data"], AGAIN: "2.0.0"}
    assert essence(marked, task["meta"]) == essence(task["data"], task["meta"])
    moved = {**task, "data": {**task["data"], "lang": "fi"}}
    assert merged(marked, moved)["data"] == moved["data"] | {AGAIN: "2.0.0"}
    assert AGAIN not in moved["data"]


@pytest.mark.parametrize(
    ("answers", "counts"),
    [
        ({"total_annotations": 2, "cancelled_annotations": 1, "total_predictions": 3}, (2, 1, 3)),
        ({"total_annotations": None}, (0, 0, 0)),
        ({"annotations": [], "total_annotations": 1, "cancelled_annotations": 1}, (0, 0, 0)),
        ({"annotations": [{"was_cancelled": False}, {"was_cancelled": True}, {}], "total_annotations": 0}, (2, 1, 0)),
        ({"predictions": [{"id": 1}], "total_predictions": 0}, (0, 0, 1)),
    ],
)
def test_answers_that_are_listed_count_rather_than_what_was_noted(
    answers: dict[str, Any], counts: tuple[int, int, int]
) -> None:
    task = found_task({"id": 5, **to_task(segment(), REF), **answers})
    assert (task.submitted, task.skipped, task.predictions) == counts
