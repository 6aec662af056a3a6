"""Records ↔ Label Studio's JSON. Pure: no network, no state.

All identity travels in the task's `data` (filters reach nothing else); what only annotate needs travels in `meta`. Offsets are
Python's own: `start` and `end` of the Text tag are code points of `data.text`. `value.text` is never believed (Label Studio
collapses white space in it); the slice is taken again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from sys import intern
from typing import Any

from annotate.errors import InvariantError
from annotate.journal import FoundTask
from annotate.labelstudio.labeling_config import TEXT
from annotate.model import Annotation, Reject, SchemaRef, Segment, Source, Span, TaskRef
from annotate.schema import ENTITIES, LabelSchema
from annotate.store import reject

Json = dict[str, Any]

KEPT, RETIRED = "no", "yes"
"""Values of the task key `retired`; the tabs of the Data Manager show only kept tasks."""

AGAIN = "again"
"""Task key: the schema version from which on an answer counts, when older answers are asked for again; else absent or empty.
A push leaves it as it is."""

_NOT_COMPARED = frozenset(
    ("schema", "schema_sha256", "context_before", "context_after", "text", "text_sha256", "start", "end", AGAIN)
)


TASK_FIELDS = (
    "id",
    "data",
    "meta",
    "updated_at",
    "total_annotations",
    "cancelled_annotations",
    "total_predictions",
    "draft_exists",
    *("annotations", "was_cancelled"),  # the answers themselves: the server loses count of them
)
"""`draft_exists`, not `drafts`: a list shows a user only their own drafts."""

SCAN_FIELDS = tuple(name for name in TASK_FIELDS if name not in ("draft_exists", "annotations", "was_cancelled"))
"""What is read of many tasks, at half the cost: which of them have drafts is one question for all, and whether the counts of
their answers are right is another."""

ANSWER_FIELDS = (
    *("id", "data", "meta", "updated_at", "annotations", "predictions"),
    *("result", "completed_by", "was_cancelled", "ground_truth", "created_at", "lead_time", "parent_prediction"),  # annotations
    "model_version",  # of predictions
)
"""What is read of a task with its answers. The names hold for what hangs on the task, too."""


def found_task(item: Json) -> FoundTask:
    """A task from the list of `TASK_FIELDS`, or of `SCAN_FIELDS` with its answers as the server has noted them."""
    data, meta = item.get("data") or {}, item.get("meta") or {}
    answers = item.get("annotations")
    if answers is None:
        submitted, skipped = int(item.get("total_annotations") or 0), int(item.get("cancelled_annotations") or 0)
    else:
        skipped = sum(bool(answer.get("was_cancelled")) for answer in answers)
        submitted = len(answers) - skipped
    return FoundTask(
        id=int(item["id"]),
        segment_id=str(data.get("segment_id", "")),
        doc_id=intern(str(data.get("doc_id", ""))),
        lang=intern(str(data.get("lang", ""))),
        region=intern(str(data.get("region", ""))),
        part=intern(str(data.get("part", ""))),
        chars=len(str(data.get("text", "")).strip()),
        retired=data.get("retired") == RETIRED,
        essence=essence(data, meta),
        submitted=submitted,
        skipped=skipped,
        predictions=len(item["predictions"]) if "predictions" in item else int(item.get("total_predictions") or 0),
        draft=bool(item.get("draft_exists")),
        updated_at=str(item.get("updated_at") or ""),
    )


def to_task(segment: Segment, schema: SchemaRef, *, before: str = "", after: str = "", part: str = "") -> Json:
    """The task that puts a segment to annotators, with read-only context on both sides."""
    data = {
        "segment_id": segment.id,
        "doc_id": segment.doc_id,
        "text": segment.text,
        "lang": segment.lang,
        "region": segment.region,
        "start": segment.start,
        "end": segment.end,
        "text_sha256": text_sha256(segment.text),
        "schema": str(schema),
        "schema_sha256": schema.sha256,
        "context_before": before,
        "context_after": after,
        "part": part,
        "retired": KEPT,
    }
    rest = {
        "lang_score": segment.lang_score,
        "script": segment.script,
        "region_score": segment.region_score,
        "source": asdict(segment.source),
        "meta": dict(segment.meta),
    }
    return {"data": data, "meta": {"segment": rest}}


def to_segment(data: Mapping[str, Any], meta: Mapping[str, Any]) -> Segment:
    """The segment a task was made from. `InvariantError` when the task is not ours or was edited."""
    try:
        text, rest = data["text"], meta["segment"]
        if text_sha256(text) != data["text_sha256"]:
            raise InvariantError("the task's text was edited: it is not the text that was pushed")
        return Segment(
            id=data["segment_id"],
            doc_id=data["doc_id"],
            start=data["start"],
            end=data["end"],
            text=text,
            lang=data["lang"],
            lang_score=rest["lang_score"],
            script=rest["script"],
            region=data["region"],
            region_score=rest["region_score"],
            source=Source(**rest["source"]),
            meta=rest["meta"],
        )
    except (KeyError, TypeError, AttributeError) as problem:
        raise InvariantError(f"the task was not made by annotate push: {problem!r}") from None


def merged(found: Mapping[str, Any], wanted: Json) -> Json:
    """The wanted task with the text of a found task's data: the text under existing annotations is never changed. Offsets
    follow it. What is asked again stays so."""
    text = str(found["text"])
    if AGAIN in found:
        wanted = {"data": wanted["data"] | {AGAIN: found[AGAIN]}, "meta": wanted["meta"]}
    if text == wanted["data"]["text"]:
        return wanted
    start, _ = _core(wanted["data"])
    start -= len(text) - len(text.lstrip())
    own = {"text": text, "start": start, "end": start + len(text), "text_sha256": text_sha256(text)}
    return {"data": wanted["data"] | own, "meta": wanted["meta"]}


def essence(data: Mapping[str, Any], meta: Mapping[str, Any]) -> bytes:
    """Digest of what a push compares. Schema and context are written once and do not count, nor does white space at the edges
    of the text, which belongs to no annotation."""
    kept = {key: value for key, value in data.items() if key not in _NOT_COMPARED}
    rest = dict(_mapping(meta.get("segment")))
    rest.pop("source", None)  # moves with start and end
    compared = kept | {"core": _core(data), "text": str(data.get("text", "")).strip(), "rest": rest}
    return hashlib.blake2b(json.dumps(compared, sort_keys=True).encode(), digest_size=16).digest()


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _core(data: Mapping[str, Any]) -> tuple[int, int]:
    text, start = str(data.get("text", "")), data.get("start")
    start = start if isinstance(start, int) else -1  # somebody's own task, or an edited one
    lead = len(text) - len(text.lstrip())
    return start + lead, start + lead + len(text.strip())


def text_sha256(text: str) -> str:
    """Hex digest of the UTF-8 text."""
    return hashlib.sha256(text.encode()).hexdigest()


# -- annotations -----------------------------------------------------------------------------------------------------


def to_result(spans: Sequence[Span], topics: Mapping[str, Sequence[str]]) -> list[Json]:
    """What Label Studio stores for an answer; also the body of a prediction."""
    result: list[Json] = [
        {
            "from_name": ENTITIES,
            "to_name": TEXT,
            "type": "labels",
            "value": {"start": span.start, "end": span.end, "text": span.text, "labels": [span.label]},
        }
        for span in spans
    ]
    result += [
        {"from_name": group, "to_name": TEXT, "type": "choices", "value": {"choices": list(labels)}}
        for group, labels in topics.items()
        if labels
    ]
    return result


@dataclass(frozen=True, slots=True)
class Origin:
    """What a task's annotations are stamped with."""

    project: int
    url: str
    """Of the project."""
    annotators: Mapping[int, str]
    schemas: Sequence[tuple[SchemaRef, str]]
    """The schemas the project has had, each with the time since when (ISO 8601, UTC), oldest first."""

    def task_url(self, task: int) -> str:
        """Where a person opens a task."""
        return f"{self.url}/data?task={task}"

    def schema_at(self, moment: str) -> SchemaRef:
        """The schema in force at a time."""
        return [ref for ref, since in self.schemas if since <= moment or ref is self.schemas[0][0]][-1]


def drafts_of(task: FoundTask, drafts: Sequence[Json], origin: Origin) -> Iterator[Reject]:
    """What was begun in a task and not submitted, each a reject."""
    for draft in drafts:
        reason = f"a draft by {draft.get('user', 'somebody')} was not submitted"
        where, record = origin.task_url(task.id), repr(draft.get("result"))
        hint = "ask the annotator to submit it"
        yield reject("pull", origin.url, "draft", reason, id=task.segment_id, hint=hint, url=where, record=record)


def from_task(item: Json, schema: LabelSchema, origin: Origin) -> Iterator[Annotation | Reject]:
    """All that annotators said in one task (listed in full): annotations, and a reject for each part that is not valid."""
    url = origin.task_url(int(item["id"]))
    segment_id = str((item.get("data") or {}).get("segment_id", ""))

    def refuse(code: str, reason: str, record: object, hint: str = "") -> Reject:
        return reject("pull", origin.url, code, reason, id=segment_id, hint=hint, url=url, record=repr(record))

    if not item.get("annotations"):
        return
    try:
        segment = to_segment(item.get("data") or {}, item.get("meta") or {})
    except InvariantError as problem:
        yield refuse(
            "foreign_task", problem.message, item.get("data"), "edit texts in the corpus and push again, not in Label Studio"
        )
        return
    models = {p.get("id"): str(p.get("model_version") or "") for p in item.get("predictions") or [] if isinstance(p, dict)}
    for raw in item["annotations"]:
        skipped = bool(raw.get("was_cancelled"))  # what was marked before skipping is not an answer
        spans, topics, refused = _results([] if skipped else raw.get("result") or [], segment.text, schema)
        annotator = origin.annotators.get(_user(raw.get("completed_by")), "")
        for reason, result in refused:
            yield refuse("invalid_result", f"{annotator or 'somebody'}: {reason}", result, "correct it in the task")
        try:
            yield Annotation(
                segment=segment,
                annotator=annotator,
                status="skipped" if skipped else "submitted",
                spans=spans,
                topics=topics,
                unanswered=tuple(group for group, labels in topics.items() if not labels),
                created_at=str(raw.get("created_at") or ""),
                updated_at=str(raw.get("updated_at") or ""),
                lead_time=round(float(raw["lead_time"]), 3) if raw.get("lead_time") is not None else -1.0,
                from_prediction=models.get(raw.get("parent_prediction"), ""),
                ground_truth=bool(raw.get("ground_truth")),
                schema=origin.schema_at(str(raw.get("updated_at") or "")),
                task=TaskRef(origin.project, int(item["id"])),
            )
        except InvariantError as problem:
            yield refuse("invalid_annotation", problem.message, raw)


def _user(completed_by: object) -> int:
    if isinstance(completed_by, dict):
        completed_by = completed_by.get("id")
    return completed_by if isinstance(completed_by, int) else -1


_Refused = tuple[str, object]


def _results(
    results: Sequence[object], text: str, schema: LabelSchema
) -> tuple[tuple[Span, ...], dict[str, tuple[str, ...]], list[_Refused]]:
    """Spans, topics by group, and the results that are neither, with the reason."""
    spans: set[Span] = set()
    topics: dict[str, tuple[str, ...]] = {group.id: () for group in schema.topics}
    refused: list[_Refused] = []
    for result in results:
        try:
            match result:
                case {
                    "type": "labels",
                    "from_name": name,
                    "value": {"start": int(start), "end": int(end), "labels": [*labels]},
                }:
                    spans |= _spans(name, start, end, labels, text, schema)
                case {"type": "choices", "from_name": name, "value": {"choices": [*choices]}}:
                    topics[name] = _choices(name, choices, schema)
                case _:
                    raise InvariantError("a result of a kind the schema does not have")
        except InvariantError as problem:
            refused.append((problem.message, result))
    return tuple(sorted(spans)), topics, refused


def checked_result(result: Sequence[Json], text: str, schema: LabelSchema) -> None:
    """Raise `InvariantError` unless a result fits the schema and the text; for what is on its way to the server."""
    _, _, refused = _results(result, text, schema)
    if refused:
        raise InvariantError(refused[0][0])


def _spans(name: object, start: int, end: int, labels: Sequence[object], text: str, schema: LabelSchema) -> set[Span]:
    if name != ENTITIES:
        raise InvariantError(f"control {name!r} is not {ENTITIES!r}")
    if not 0 <= start < end <= len(text) or not text[start:end].strip():
        raise InvariantError(f"offsets [{start}, {end}) do not mark a stretch of the text of {len(text)} code points")
    if not labels or not all(label in schema.entity_ids for label in labels):
        raise InvariantError(f"label {labels!r} is not in schema {schema.ref}")
    return {Span(start, end, str(label), text[start:end]) for label in labels}


def _choices(name: object, choices: Sequence[object], schema: LabelSchema) -> tuple[str, ...]:
    group = next((group for group in schema.topics if group.id == name), None)
    if group is None:
        raise InvariantError(f"topic group {name!r} is not in schema {schema.ref}")
    known = [label.id for label in group.labels]
    if not all(choice in known for choice in choices):
        raise InvariantError(f"choice {choices!r} is not in topic group {name!r} of schema {schema.ref}")
    if group.choice == "single" and len(choices) > 1:
        raise InvariantError(f"{len(choices)} choices in topic group {name!r}, which takes one")
    return tuple(label for label in known if label in choices)
