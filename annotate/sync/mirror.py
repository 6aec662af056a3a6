"""The journal brought in step with the server.

Quick: only tasks updated since the last reading are listed, and the server's own counters tell whether anything is gone that
such a list cannot show. Where they do not agree all tasks are listed. Readings are resumed where they were interrupted."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from annotate.errors import AnnotateError
from annotate.journal import Damaged, Journal, Scan, open_journal
from annotate.labelstudio.client import Client, Project, task_filter
from annotate.labelstudio.wire import TASK_FIELDS, found_task

T = TypeVar("T")
Progress = Callable[[int, int], None]

LOOK_BACK = timedelta(seconds=60)
"""How long before a reading changes may come to light after it: they get their time some moments before others see them."""
LOOKS = 3
"""How often changes are looked for before a disagreement with the counters is taken for a loss: people work meanwhile."""

log = logging.getLogger("annotate")


def with_journal(workspace: Path | None, do: Callable[[Journal], T]) -> T:
    """Do something with a workspace's journal. If that turns out to be damaged, once more with an empty one."""
    with open_journal(workspace) as journal:
        try:
            return do(journal)
        except Damaged:
            log.warning("the journal is damaged: it is begun afresh, and everything read from the server")
        except sqlite3.OperationalError as problem:
            log.warning("the journal cannot be used (%s): everything is read from the server", problem)
            with open_journal(None) as temporary:
                return do(temporary)
        except sqlite3.DatabaseError as problem:
            log.warning("the journal is damaged (%s): it is begun afresh, and everything read from the server", problem)
        journal.begin_afresh()
        try:
            return do(journal)
        except (Damaged, sqlite3.Error) as problem:
            raise AnnotateError(f"no journal can be kept: {problem}", hint="is the disk full, or on a network?") from None


def look(client: Client, journal: Journal, project: Project, progress: Progress) -> int:
    """Bring what the journal knows of a project in step with the server; the key of the project in the journal."""
    key = journal.project(client.url, project.id, project.born)
    if journal.unfinished(key):
        _read(client, journal, key, project, progress)
    for _ in range(LOOKS):
        gone = _read(client, journal, key, project, progress, since=journal.anchor(key))
        counted = client.counters(project.id)
        if not gone and counted == journal.counters(key):
            return key
        if gone:
            break
    log.info("project %s: tasks or answers are gone since the last look; reading all of it", project.id)
    _read(client, journal, key, project, progress, since="")
    if counted.tasks != journal.counters(key).tasks:
        log.info("project %s changes while it is read, or its counters are wrong", project.id)
    return key


def in_step(client: Client, journal: Journal, key: int, project: Project) -> bool:
    """Whether the server counts the tasks that the journal knows: after a push, whether anybody else interfered."""
    return client.counters(project.id).tasks == journal.counters(key).tasks


def _read(client: Client, journal: Journal, key: int, project: Project, progress: Progress, since: str | None = None) -> bool:
    """Read the tasks updated since a time, empty for all; without one go on with an interrupted reading. Whether tasks that
    should have been there were not."""
    scan = journal.unfinished(key) if since is None else None
    total = client.counters(project.id).tasks if not (scan or since) else 0
    scan = scan or _begun(client, journal, key, since or "")
    done = 0
    for page in client.pages(project.id, TASK_FIELDS, after=scan.cursor, since=scan.since):
        journal.see(key, scan.generation, [found_task(item) for item in page])
        done += len(page)
        if total:
            progress(done, total)
    gone = journal.end_scan(key, scan)
    drafted = task_filter("draft_exists", "equal", "Boolean", True)  # a draft leaves no trace in `updated_at`
    journal.set_drafts(key, (int(item["id"]) for item in client.tasks(project.id, ("id",), only=[drafted])))
    return gone


def _begun(client: Client, journal: Journal, key: int, since: str) -> Scan:
    return journal.begin_scan(key, since=since, settled=_before(client.server_time))


def _before(anchor: str) -> str:
    """A time some moments before; empty when there is none, or none that can be read."""
    try:
        return (datetime.fromisoformat(anchor) - LOOK_BACK).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    except ValueError:
        return ""
