"""The journal brought in step with the server.

Quick: only tasks updated since the last reading are listed, and the server's own counters tell whether anything is gone that
such a list cannot show. Where they do not agree, the tasks in question are found by counting in halves; where that is no
shorter, all tasks are listed. A reading of all is resumed where it was interrupted.

What the server notes with a task about its answers is not believed against the answers themselves: while a project is deleted,
Label Studio does not notice what is submitted anywhere, and once two were deleted at the same time it never does again until
it is started anew."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from annotate.errors import AnnotateError
from annotate.journal import Damaged, Journal, Scan, open_journal
from annotate.labelstudio.client import PAGE, Client, Project, task_filter
from annotate.labelstudio.wire import SCAN_FIELDS, TASK_FIELDS, Json, found_task

T = TypeVar("T")
Progress = Callable[[int, int], None]

LOOK_BACK = timedelta(seconds=60)
"""How long before a reading changes may come to light after it: they get their time some moments before others see them."""
LOOKS = 3
"""How often changes are looked for before a disagreement with the counters is taken for a loss: people work meanwhile."""
FEW = 5
"""Of so many pages of tasks one may be read to find what is gone; beyond that reading all of them is no slower."""

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
    if not journal.anchor(key):
        interrupted = journal.unfinished(key)
        _read_all(client, journal, key, project, progress, interrupted)
        if not interrupted and _agree(client, journal, key, project):
            return key
    for _ in range(LOOKS):
        _read_changes(client, journal, key, project)
        if _agree(client, journal, key, project):
            return key
        if not _mended(client, journal, key, project):
            break
        if _agree(client, journal, key, project):
            return key
    if _recounted(client, journal, key, project):
        return key
    log.info("project %s: tasks or answers are gone since the last look; reading all of it", project.id)
    _read_all(client, journal, key, project, progress)
    if not (_agree(client, journal, key, project) or _recounted(client, journal, key, project)):
        log.info("project %s changes while it is read", project.id)
    return key


def in_step(client: Client, journal: Journal, key: int, project: Project) -> bool:
    """Whether the server counts as many tasks as the journal knows."""
    return client.counters(project.id).tasks == journal.counters(key).tasks


def undisturbed(client: Client, journal: Journal, key: int, project: Project, *, after: int) -> bool:
    """Whether the server has the very tasks above a number that the journal knows, and as many in all: their count alone does
    not tell, when somebody else made as many as they deleted."""
    return not client.count_between(project.id, journal.gaps(key, after)) and in_step(client, journal, key, project)


def _agree(client: Client, journal: Journal, key: int, project: Project) -> bool:
    return client.counters(project.id) == journal.counters(key)


# -- readings ----------------------------------------------------------------------------------------------------------


def _read_all(
    client: Client, journal: Journal, key: int, project: Project, progress: Progress, interrupted: Scan | None = None
) -> None:
    """Read all tasks, or what an interrupted reading left of them."""
    total = client.counters(project.id).tasks
    scan = interrupted or journal.begin_scan(key, settled=_before(client.server_time))
    done = journal.tally(key, 0, scan.cursor).tasks
    for page in client.pages(project.id, SCAN_FIELDS, after=scan.cursor):
        journal.see(key, scan.generation, [found_task(item) for item in page])
        done += len(page)
        progress(done, max(done, total))
    journal.end_scan(key, scan)
    _read_drafts(client, journal, key, project)


def _read_changes(client: Client, journal: Journal, key: int, project: Project) -> None:
    """Read the tasks updated since the last reading."""
    settled = _before(client.server_time)
    for page in _changed(client, journal, key, project):
        journal.note(key, [found_task(item) for item in page])
    journal.follow(key, settled)
    _read_drafts(client, journal, key, project)


def _changed(client: Client, journal: Journal, key: int, project: Project) -> Iterator[list[Json]]:
    since, fresh = journal.anchor(key), journal.fresh(key)
    if fresh.until <= since:
        yield from client.pages(project.id, SCAN_FIELDS, since=since)
        return
    # What a push has just made was updated just now, all of it. Label Studio notes who submits or deletes an answer, and
    # nobody for a task that is imported.
    touched = task_filter("updated_by", "empty", "List", "false")
    if fresh.after:
        old = task_filter("id", "less_or_equal", "Number", fresh.after)
        yield from client.pages(project.id, SCAN_FIELDS, since=since, only=[old])
    yield from client.pages(project.id, SCAN_FIELDS, since=since, after=fresh.after, only=[touched])
    yield from client.pages(project.id, SCAN_FIELDS, since=fresh.until, after=fresh.after)


def _read_drafts(client: Client, journal: Journal, key: int, project: Project) -> None:
    drafted = task_filter("draft_exists", "equal", "Boolean", True)  # a draft leaves no trace in `updated_at`
    journal.set_drafts(key, (int(item["id"]) for item in client.tasks(project.id, ("id",), only=[drafted])))


# -- what no list of changes shows --------------------------------------------------------------------------------------


def _mended(client: Client, journal: Journal, key: int, project: Project) -> bool:
    """Find the ranges of tasks that the server counts otherwise than the journal, and read these; False when there are none
    (skips are not counted by ranges) or too many."""
    top, found = journal.top(key), False
    for page in client.pages(project.id, SCAN_FIELDS, after=top):
        journal.note(key, [found_task(item) for item in page])
        found = True
    ranges, left = [(0, top)], 1 + journal.counters(key).tasks // PAGE // FEW
    while ranges:
        low, high = ranges.pop()
        known = journal.tally(key, low, high)
        if client.tally(project.id, low, high) == known:
            continue
        if known.tasks > PAGE:
            middle = journal.middle(key, low, high)
            ranges += [(low, middle), (middle, high)]
            continue
        if not left:
            return False
        left, found = left - 1, True
        until = task_filter("id", "less_or_equal", "Number", high)
        pages = client.pages(project.id, SCAN_FIELDS, after=low, only=[until])
        journal.replace_range(key, low, high, [found_task(item) for page in pages for item in page])
    if found:
        _read_drafts(client, journal, key, project)  # lists of tasks do not say which have one
    return found


def _recounted(client: Client, journal: Journal, key: int, project: Project) -> bool:
    """Look at the answers themselves when only their number is in doubt; whether it is as the server counts them then."""
    counted, known = client.counters(project.id), journal.counters(key)
    if (counted.tasks, counted.predictions) != (known.tasks, known.predictions):
        return False
    answered = task_filter("annotations_ids", "empty", "List", "false")
    seen, miscounted = set[int](), 0
    for page in client.pages(project.id, TASK_FIELDS, only=[answered]):
        found = [found_task(item) for item in page]
        journal.note(key, found)
        seen.update(task.id for task in found)
        noted = ((int(item["total_annotations"] or 0), int(item["cancelled_annotations"] or 0)) for item in page)
        miscounted += sum(pair != (task.submitted, task.skipped) for pair, task in zip(noted, found, strict=True))
    journal.note(key, [replace(t, submitted=0, skipped=0) for t in journal.answered(key) if t.id not in seen])
    if miscounted:
        log.warning(
            "project %s: Label Studio has lost count of the answers to %d tasks; they are read all the same. What it shows and"
            " hands out next is wrong until it is started again",
            project.id,
            miscounted,
        )
    return _agree(client, journal, key, project)


def _before(anchor: str) -> str:
    """A time some moments before; empty when there is none, or none that can be read."""
    try:
        return (datetime.fromisoformat(anchor) - LOOK_BACK).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    except ValueError:
        return ""
