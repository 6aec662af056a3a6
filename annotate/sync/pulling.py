"""Pull: what annotators said, brought home.

Only answers that changed are read from the server; lines that did not change come from the journal. The output is written line
by line in a fixed order, so that it is the same whatever the journal held before."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from annotate._version import __version__
from annotate.codec import dumps, loads
from annotate.errors import ProjectNotFound
from annotate.journal import Journal, Line
from annotate.labelstudio.client import IN_LIST, Client, Project
from annotate.labelstudio.wire import ANSWER_FIELDS, Origin, drafts_of, from_task
from annotate.model import Annotation, Reject
from annotate.schema import LabelSchema
from annotate.sync.mirror import Progress, look, with_journal
from annotate.sync.projects import project_url, read_marker
from annotate.sync.pushing import alone

T = TypeVar("T")

log = logging.getLogger("annotate")


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull found. Both can be gone through once."""

    lines: Iterator[Line]
    """Annotations, by document, place and annotator."""
    rejects: Iterator[Reject]
    """What is not valid, with the URL of its task, and drafts."""


def pull(
    client: Client,
    schema: LabelSchema,
    title: str,
    deliver: Callable[[Pulled], T],
    *,
    annotators: Collection[str] = (),
    with_retired: bool = False,
    fresh: bool = False,
    workspace: Path | None = None,
    progress: Progress,
) -> T:
    """Give all annotations of a title's projects (of the named annotators' projects only, when given), validated, to `deliver`.
    It is called a second time, from the start, when the journal turns out to be damaged. With `fresh` everything is read from
    the server; the outcome is the same. `workspace`: the folder of the journal."""
    own = [
        (project, marker)
        for project in client.projects()
        if (marker := read_marker(project)) and marker.title == title and (not annotators or marker.annotator in annotators)
    ]
    if not own:
        raise ProjectNotFound(f"{client.url} has no project {title!r} of annotate", hint="push first, or check --project")
    without = sorted(set(annotators) - {marker.annotator for _, marker in own})
    if without:
        raise ProjectNotFound(f"no project of {title!r} for {', '.join(without)}", hint="check --annotators")
    users = client.users()

    def do(journal: Journal) -> T:
        keys = {}
        for project, marker in own:
            if fresh:
                journal.forget(journal.project(client.url, project.id, project.born))
            key = look(client, journal, project, progress)
            keys[key] = origin = Origin(project.id, project_url(client, project.id), users, marker.schemas)
            _read_answers(client, journal, key, project, progress)
            _render(journal, key, schema, origin)
        shown = list(keys)
        lines = journal.lines(shown, rejects=False, retired=with_retired)
        refused = (loads(line.line, Reject) for line in journal.lines(shown, rejects=True, retired=with_retired))
        return deliver(Pulled(lines, chain(refused, _drafts(client, journal, keys, with_retired))))

    with alone(client.url, title):
        return with_journal(workspace, do)


def _read_answers(client: Client, journal: Journal, key: int, project: Project, progress: Progress) -> None:
    unread = journal.unread(key)
    for first in range(0, len(unread), IN_LIST):
        numbers = unread[first : first + IN_LIST]
        for page in client.tasks_numbered(project.id, numbers, ANSWER_FIELDS):
            journal.read_answers(key, {int(item["id"]): dumps(item) for item in page})
        progress(first + len(numbers), len(unread))


def _render(journal: Journal, key: int, schema: LabelSchema, origin: Origin) -> None:
    """Make the lines of answers that are new, or of all when the schema or a user's name changed."""
    made_with = (__version__, schema.ref, schema.entity_ids, schema.topics, sorted(origin.annotators.items()), origin.schemas)
    journal.rendering(key, hashlib.sha256(repr((made_with, origin.url)).encode()).hexdigest())
    batch: dict[int, list[Line]] = {}
    for task, raw in journal.unrendered(key):
        batch[task] = [_line(record) for record in from_task(loads(raw, dict[str, Any]), schema, origin)]
        if len(batch) == IN_LIST:
            journal.render(key, batch)
            batch = {}
    journal.render(key, batch)


def _line(record: Annotation | Reject) -> Line:
    if isinstance(record, Reject):
        return Line("", 0, record.id, "", "", record.code, "", dumps(record))
    empty = record.status == "submitted" and not record.spans and not any(record.topics.values())
    segment = record.segment
    where = (segment.doc_id, segment.start, segment.id, record.annotator, record.updated_at)
    return Line(*where, "", "empty" if empty else record.status, dumps(record))


def _drafts(client: Client, journal: Journal, origins: dict[int, Origin], with_retired: bool) -> Iterator[Reject]:
    for key, origin in origins.items():
        for task in journal.drafted(key):
            if with_retired or not task.retired:
                yield from drafts_of(task, client.drafts(task.id), origin)
