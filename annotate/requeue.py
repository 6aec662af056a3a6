"""Segments asked again: what was answered under an older version of the label schema.

A label that was added later makes older answers false negatives. The Community edition has no way to reopen a task for its
annotator, and turning answers into predictions would take them out of the data until somebody has been there again. So
nothing is removed: the task is marked (`again` in its data), a tab of the Data Manager shows the marked ones, the annotator
opens each, changes it or not, and presses Update. The new time of the answer stamps it with the new schema; the next
`push --requeue-before` takes the mark away."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from annotate.errors import UsageError
from annotate.labelstudio.client import Client, Project, task_filter
from annotate.labelstudio.wire import AGAIN, KEPT, RETIRED, Origin
from annotate.sync import Marker, alone, project_url, read_marker

TAB = "again"

Progress = Callable[[int, int], None]
_NUMBERS = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?")


@dataclass(frozen=True, slots=True)
class Requeue:
    """What was asked again in one project, or with a dry run will be."""

    id: int
    url: str
    annotator: str
    marked: int
    """Tasks that are to be looked at again, those marked before included."""
    cleared: int
    """Tasks that have been."""


def requeue(client: Client, title: str, before: str, *, dry_run: bool = False, progress: Progress) -> list[Requeue]:
    """Mark the tasks of a title's projects that were answered under a schema version older than `before`, and take the mark
    from those that have a newer answer by each of their annotators. `UsageError` when it is no version."""
    wanted = precedence(before)
    with alone(client.url, title):
        projects = [(p, m) for p in client.projects() if (m := read_marker(p)) and m.title == title]
        return [_requeue(client, project, marker, before, wanted, dry_run, progress) for project, marker in projects]


def _requeue(
    client: Client,
    project: Project,
    marker: Marker,
    before: str,
    wanted: tuple[object, ...],
    dry_run: bool,
    progress: Progress,
) -> Requeue:
    origin = Origin(project.id, project_url(client, project.id), {}, marker.schemas)
    answered = [task for task in client.tasks(project.id) if task.get("annotations")]
    marked = cleared = 0
    for number, task in enumerate(answered, 1):
        data = task.get("data") or {}
        if data.get("retired") == RETIRED:
            continue
        older = any(precedence(version) < wanted for version in _versions(task, origin))
        new = before if older else ""
        marked += older
        cleared += bool(data.get(AGAIN)) and not older
        if not dry_run and data.get(AGAIN, "") != new:
            client.update_task(int(task["id"]), {**data, AGAIN: new}, task.get("meta") or {})
        progress(number, len(answered))
    if marked and not dry_run:
        _ensure_tab(client, project)
    return Requeue(project.id, origin.url, marker.annotator, marked, cleared)


def _versions(task: dict[str, Any], origin: Origin) -> Iterator[str]:
    """The version of the last answer of each annotator."""
    latest: dict[object, str] = {}
    for answer in task["annotations"]:
        who = repr(answer.get("completed_by"))
        latest[who] = max(latest.get(who, ""), str(answer.get("updated_at") or ""))
    return (origin.schema_at(moment).version for moment in latest.values())


def _ensure_tab(client: Client, project: Project) -> None:
    if TAB in {str(view.get("data", {}).get("title")) for view in client.views(project.id)}:
        return
    items = [
        task_filter(f"data.{key}", operator, "String", value)
        for key, operator, value in (("retired", "equal", KEPT), (AGAIN, "contains", "."))  # every version has a dot
    ]
    client.create_view(
        project.id,
        {"title": TAB, "type": "list", "target": "tasks", "filters": {"conjunction": "and", "items": items}},
    )


def precedence(version: str) -> tuple[object, ...]:
    """A semantic version as it is ordered (semver.org, 11): numbers by value, a pre-release before its release."""
    found = _NUMBERS.match(version)
    if not found:
        raise UsageError(f"{version!r} is not a version", hint="three numbers, such as 2.0.0")
    major, minor, patch, pre = found.groups()
    parts = tuple((part.isalpha(), int(part) if part.isdigit() else 0, part) for part in (pre or "").split("."))
    return int(major), int(minor), int(patch), not pre, parts
