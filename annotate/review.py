"""Conflicts ↔ a review project in Label Studio: every reading of a segment as a prediction, one decision back.

The review project has a title of its own, `TITLE · review`, so that no pull takes decisions for annotations. A task is a
conflict, its predictions are what annotators said (equal ones once, scored by how many said so); submitting it decides the
segment. Blind readings are numbered anew in each segment, in an order that tells nothing about who said what.

The server is the truth about the project: a push reads it first, adds what is missing, replaces what nobody has touched and
says something else by now, and leaves alone what people have worked on. Decisions once brought home are kept when the server
has them no more; to take one back, skip its task.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from annotate import sync
from annotate.adjudication import Answer, Conflict, readings
from annotate.agreement import latest
from annotate.codec import dumps, loads
from annotate.journal import FoundTask
from annotate.labelstudio.client import Client, Project
from annotate.labelstudio.wire import TASK_FIELDS, Json, essence, found_task, to_result, to_task
from annotate.model import Annotation, Reject
from annotate.schema import LabelSchema
from annotate.store import reject

SUFFIX = " · review"
"""Of a title: the title of its review project."""

Progress = Callable[[int, int], None]


def review_title(title: str) -> str:
    """The title of the project that the conflicts of a title are reviewed in. `UsageError` when it gets too long."""
    return sync.project_title(title + SUFFIX, "")


# -- conflicts → tasks -------------------------------------------------------------------------------------------------


def review_task(conflict: Conflict, schema: LabelSchema, *, named: bool = False, before: str = "", after: str = "") -> Json:
    """The task that puts a conflict to a reviewer: the segment, and each reading as a prediction. Its meta key `readings` tells
    whether a task on the server still says the same."""
    predictions = _predictions(conflict, named)
    task = to_task(conflict.segment, schema.ref, before=before, after=after)
    digest = hashlib.sha256(dumps(predictions)).hexdigest()
    return task | {"meta": {**task["meta"], "readings": digest}, "predictions": predictions}


def _predictions(conflict: Conflict, named: bool) -> list[Json]:
    """One per different reading. Named ones are in the order of the annotators, blind ones in that of a hash."""
    said: dict[bytes, list[str]] = {}
    answers: dict[bytes, Answer] = {}
    for annotator, reading in readings(conflict).items():
        key = dumps(reading)
        said.setdefault(key, []).append(annotator)
        answers[key] = reading
    keys = list(said) if named else sorted(said, key=lambda key: hashlib.sha256(conflict.segment.id.encode() + key).digest())
    return [
        {
            "model_version": ", ".join(said[key]) if named else f"reading {number}",
            "score": round(len(said[key]) / len(conflict.annotators), 3),
            "result": to_result(answers[key].spans, answers[key].topics),
        }
        for number, key in enumerate(keys, 1)
    ]


def _misfit(conflict: Conflict, schema: LabelSchema) -> str:
    """What a conflict says that the schema does not know; empty when it fits."""
    known = {group.id: {label.id for label in group.labels} for group in schema.topics}
    for reading in readings(conflict).values():
        for span in reading.spans:
            if span.label not in schema.entity_ids:
                return f"there is no span label {span.label} in {schema.ref}"
        for group, labels in reading.topics.items():
            if unknown := sorted(set(labels) - known.get(group, set())):
                return f"topic group {group!r} of {schema.ref} has no label {', '.join(unknown)}"
    return ""


# -- push --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReviewPush:
    """What a review push did; `dry_run` tells what it would do."""

    url: str
    """Of the project; empty when there is none yet."""
    created: int
    replaced: int
    """Of those created: had other readings before, and nobody had touched them."""
    unchanged: int
    """Also those with older readings that somebody has touched."""
    withdrawn: int
    """Deleted: no conflict any more, and nobody had touched them."""
    decided: int
    """Submitted, whether or not there is still a conflict: bring them home with `pull`."""


def push(
    client: Client,
    conflicts: Iterable[Conflict],
    schema: LabelSchema,
    title: str,
    rejects: Callable[[Reject], None],
    *,
    named: bool = False,
    dry_run: bool = False,
    complete: bool = True,
    source: str = "",
    progress: Progress = lambda _done, _total: None,
) -> ReviewPush:
    """Make the review project of a title hold exactly these conflicts, beside what people have worked on. Repeating it does
    nothing. Conflicts with labels that the schema lacks go to `rejects`; then, or unless the conflicts are `complete`,
    nothing is withdrawn."""
    name = review_title(title)
    given, fitting = list(conflicts), []
    for conflict in given:
        if problem := _misfit(conflict, schema):
            hint = "adjudicate again under this schema, or name the one they were made under: --schema"
            rejects(
                reject("review", source, "schema_mismatch", problem, id=conflict.segment.id, hint=hint, record=dumps(conflict))
            )
        else:
            fitting.append(conflict)
    projects = client.projects()
    project = sync.find_project(projects, name, "")
    contexts = _contexts(client, fitting, {one.id for one in projects})
    tasks = {}
    for conflict in fitting:
        before, after = contexts.get(conflict.segment.id, ("", ""))
        tasks[conflict.segment.id] = review_task(conflict, schema, named=named, before=before, after=after)
    items = list(client.tasks(project.id, TASK_FIELDS)) if project else []
    found = [found_task(item) for item in items]
    stale = {
        task.id: task.segment_id
        for task, item in zip(found, items, strict=True)
        if task.segment_id in tasks and _is_stale(task, item, tasks[task.segment_id])
    }
    over = {task.id for task in found if task.segment_id and task.segment_id not in tasks and not task.touched}
    if not complete or len(fitting) < len(given):
        over = set()
    kept = {task.segment_id for task in found if task.id not in stale}
    if not dry_run:
        if project:
            _delete_untouched(client, project, {*stale, *over})
        sync.push(client, sync.asked(tasks.values()), schema, name, selection=sync.Selection(), progress=progress)
        project = sync.find_project(client.projects(), name, "")
    return ReviewPush(
        url=sync.project_url(client, project.id) if project else "",
        created=len(tasks.keys() - kept),
        replaced=len(set(stale.values()) - kept),
        unchanged=len(tasks.keys() & kept),
        withdrawn=len(over),
        decided=sum(bool(task.submitted) for task in found),
    )


def _is_stale(task: FoundTask, item: Json, wanted: Json) -> bool:
    """A task changed in place would keep its old predictions: what nobody has touched is put anew."""
    same = (item.get("meta") or {}).get("readings") == wanted["meta"]["readings"]
    return not task.touched and not (same and task.essence == essence(wanted["data"], wanted["meta"]))


def _delete_untouched(client: Client, project: Project, tasks: set[int]) -> None:
    """Delete tasks, but none that somebody has touched since they were read."""
    if tasks:
        found = map(found_task, client.tasks(project.id, TASK_FIELDS))
        if chosen := [task.id for task in found if task.id in tasks and not task.touched]:
            client.delete_tasks(project.id, chosen)


def _contexts(client: Client, conflicts: Sequence[Conflict], projects: set[int]) -> dict[str, tuple[str, str]]:
    """Segment id → the read-only context that its annotators saw, from their tasks as far as these are on this server."""
    wanted = {conflict.segment.id for conflict in conflicts}
    found: dict[str, tuple[str, str]] = {}
    for project in sorted({task.project for conflict in conflicts for task in conflict.tasks} & projects):
        if wanted <= found.keys():
            break
        for item in client.tasks(project, ("id", "data")):
            data: Mapping[str, Any] = item.get("data") or {}
            if (segment := data.get("segment_id")) in wanted:
                found[segment] = (str(data.get("context_before", "")), str(data.get("context_after", "")))
    return found


# -- pull --------------------------------------------------------------------------------------------------------------


def pull(
    client: Client,
    schema: LabelSchema,
    title: str,
    rejects: Callable[[Reject], None],
    *,
    progress: Progress = lambda _done, _total: None,
) -> list[Annotation]:
    """What adjudicators said in the review project of a title, skips included, as `sync.pull` gives it. `ProjectNotFound` when
    nothing was ever sent to review."""

    def deliver(pulled: sync.Pulled) -> tuple[list[Annotation], list[Reject]]:
        return [loads(line.line, Annotation) for line in pulled.lines], list(pulled.rejects)

    decisions, refused = sync.pull(client, schema, review_title(title), deliver, with_retired=True, progress=progress)
    for item in refused:
        rejects(item)
    return decisions


def merged(before: Iterable[Annotation], pulled: Iterable[Annotation]) -> list[Annotation]:
    """The decisions there were and those there are: of each adjudicator the last one about a segment. Sorted by document, place
    and adjudicator, whatever the order of the input."""
    said: dict[tuple[str, str], list[Annotation]] = {}
    for decision in chain(before, pulled):
        said.setdefault((decision.segment.id, decision.annotator), []).append(decision)
    return sorted(map(latest, said.values()), key=lambda d: (d.segment.doc_id, d.segment.start, d.segment.id, d.annotator))
