"""Label Studio's JSON export (a list of tasks, or one task a line): `labels` and `choices`, all annotations with their authors.

Tasks that annotate pushed come back as `pull` would bring them. Other tasks need a text in `data`: under `text`, or the only
string there is. Results of other kinds (relations, ratings …) are rejects, and so are drafts and tasks whose text
was edited. An annotation is stamped with the schema its task was made under. Whoever is only a number in the
export is called `user N`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec

from annotate.importers import Bad, Item, Settings
from annotate.importers.rows import Row, own_meta, rows
from annotate.labelstudio.wire import Origin, from_task
from annotate.model import Annotation, Reject, SchemaRef, TaskRef
from annotate.store import opened

_LABELS = ("labels", "hypertextlabels", "textlabels")


def read(path: Path, settings: Settings) -> Iterator[Item | Annotation | Bad]:
    """The annotations of a file, task by task."""
    for number, task in _tasks(path):
        if isinstance(task, Bad):
            yield task
            continue
        data = task.get("data")
        if not isinstance(data, dict):
            yield Bad(number, "invalid", "no task: there is no data", record=msgspec.json.encode(task))
        elif "segment_id" in data and "text_sha256" in data:
            yield from _own(number, task, settings)
        else:
            yield from _foreign(number, task, settings)


def _tasks(path: Path) -> Iterator[tuple[int, Row | Bad]]:
    if path.suffix == ".jsonl":
        for number, _, row in rows(path):
            yield number, row
        return
    with opened(path) as file:
        content = file.read()
    try:
        tasks = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        yield -1, Bad(-1, "unreadable", f"not JSON: {problem}", "export as JSON, not JSON-MIN or CSV")
        return
    for number, task in enumerate(tasks if isinstance(tasks, list) else [tasks], 1):
        yield number, task if isinstance(task, dict) else Bad(number, "invalid", "no task", record=repr(task))


def _people(task: Row) -> dict[int, str]:
    """The authors in a task by id; an export has ids alone, or with the user's address."""
    found = {}
    for annotation in task.get("annotations") or []:
        match annotation.get("completed_by"):
            case {"id": int(user), **rest}:
                found[user] = str(rest.get("email") or rest.get("username") or f"user {user}")
            case int(user):
                found[user] = f"user {user}"
    return found


def _own(number: int, task: Row, settings: Settings) -> Iterator[Annotation | Bad]:
    project = task["project"] if isinstance(task.get("project"), int) else -1
    name, _, version = str(task["data"].get("schema", "")).rpartition("@")
    made_under = SchemaRef(name, version, str(task["data"].get("schema_sha256", "")))
    origin = Origin(project, "", _people(task), [(made_under, "")])
    for found in from_task({"id": -1} | task, settings.schema, origin):
        if isinstance(found, Reject):
            yield Bad(number, found.code, found.reason, found.hint, found.record, found.id)
        else:
            yield found


def _foreign(number: int, task: Row, settings: Settings) -> Iterator[Item | Bad]:
    data = task["data"]
    texts = [value for value in ([data["text"]] if "text" in data else data.values()) if isinstance(value, str)]
    if len(texts) != 1:
        hint = "call the text `text` in the task's data"
        yield Bad(number, "invalid", f"{len(texts)} of the data's values may be the text", hint, msgspec.json.encode(data))
        return
    meta = own_meta(data)
    for found in task.get("annotations") or []:
        item = Item(number, texts[0], id=str(task.get("id", "")), meta=meta)
        yield from _answer(item, found, task, settings)


def _answer(item: Item, found: Row, task: Row, settings: Settings) -> Iterator[Item | Bad]:
    spans, cats = [], dict[str, float]()
    groups = {group.id: [label.id for label in group.labels] for group in settings.schema.topics}
    skipped = bool(found.get("was_cancelled"))
    for result in [] if skipped else found.get("result") or []:
        match result:
            case {"type": kind, "value": {"start": int(start), "end": int(end)} as value} if kind in _LABELS:
                spans += [(start, end, str(label)) for label in value.get(kind) or value.get("labels") or []]
            case {"type": "choices", "from_name": name, "value": {"choices": [*choices]}}:
                cats |= dict.fromkeys(groups.get(name, ()), 0.0) | {str(choice): 1.0 for choice in choices}
            case _:
                yield Bad(item.line, "invalid_result", "a result that is neither labels nor choices", record=repr(result))
    user = found.get("completed_by")
    user = user.get("id") if isinstance(user, dict) else user
    lead = found.get("lead_time")
    yield replace(
        item,
        spans=tuple(spans),
        cats=cats,
        status="skipped" if skipped else "submitted",
        annotator=_people(task).get(user, "") if isinstance(user, int) else "",
        created_at=str(found.get("created_at") or ""),
        updated_at=str(found.get("updated_at") or ""),
        lead_time=round(float(lead), 3) if isinstance(lead, int | float) else -1.0,
        ground_truth=bool(found.get("ground_truth")),
        task=TaskRef(*(task[key] if isinstance(task.get(key), int) else -1 for key in ("project", "id"))),
    )
