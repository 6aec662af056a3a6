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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

from annotate.errors import AnnotateError
from annotate.journal import Damaged, FoundTask, Journal, Scan, open_journal
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
    reader = _Reader(client, journal, project, journal.project(client.url, project.id, project.born), progress)
    reader.follow()
    if reader.uncounted:
        log.warning(
            "project %s: Label Studio has lost count of the answers to %d tasks; they are read all the same. It goes on losing"
            " count until it is started again",
            project.id,
            len(reader.uncounted),
        )
    return reader.key


def in_step(client: Client, journal: Journal, key: int, project: Project) -> bool:
    """Whether the server counts as many tasks as the journal knows."""
    return client.counters(project.id).tasks == journal.counters(key).tasks


def undisturbed(client: Client, journal: Journal, key: int, project: Project, *, after: int) -> bool:
    """Whether the server has the very tasks above a number that the journal knows, and as many in all: their count alone does
    not tell, when somebody else made as many as they deleted."""
    return not client.count_between(project.id, journal.gaps(key, after)) and in_step(client, journal, key, project)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one project into the journal."""

    client: Client
    journal: Journal
    project: Project
    key: int
    progress: Progress
    uncounted: set[int] = field(default_factory=set)
    """Tasks with which the server has noted another number of answers than there are."""

    def follow(self) -> None:
        """Come in step: the quickest way after which the server counts what the journal adds up to, else by reading all."""
        if not self.journal.anchor(self.key):
            interrupted = self.journal.unfinished(self.key)
            self._read_all(interrupted)
            if not interrupted and self._agree():
                return
        for _ in range(LOOKS):
            self._read_changes()
            if self._agree():
                return
            if not self._mended():
                break
            if self._agree():
                return
        self._recount()
        if self._agree():
            return
        log.info("project %s: tasks or answers are gone since the last look; reading all of it", self.project.id)
        self._read_all()
        if not self._agree():
            log.info("project %s changes while it is read", self.project.id)

    def _agree(self) -> bool:
        return self.client.counters(self.project.id) == self.journal.counters(self.key)

    def _tasks(self, page: Sequence[Json]) -> list[FoundTask]:
        """Tasks that were listed with their answers."""
        found = [found_task(item) for item in page]
        for item, task in zip(page, found, strict=True):
            noted = int(item["total_annotations"] or 0), int(item["cancelled_annotations"] or 0)
            if noted != (task.submitted, task.skipped):
                self.uncounted.add(task.id)
        return found

    # -- readings ------------------------------------------------------------------------------------------------------

    def _read_all(self, interrupted: Scan | None = None) -> None:
        """Read all tasks, or what an interrupted reading left of them, and what hangs on them."""
        total = self.client.counters(self.project.id).tasks
        scan = interrupted or self.journal.begin_scan(self.key, settled=_before(self.client.server_time))
        done = self.journal.tally(self.key, 0, scan.cursor).tasks
        for page in self.client.pages(self.project.id, SCAN_FIELDS, after=scan.cursor):
            self.journal.see(self.key, scan.generation, [found_task(item) for item in page])
            done += len(page)
            self.progress(done, max(done, total))
        self.journal.end_scan(self.key, scan)
        self._recount()
        self._read_drafts()

    def _read_changes(self) -> None:
        """Read the tasks updated since the last reading."""
        settled = _before(self.client.server_time)
        for page in self._changed():
            self.journal.note(self.key, self._tasks(page))
        self.journal.follow(self.key, settled)
        self._read_drafts()

    def _changed(self) -> Iterator[list[Json]]:
        since, fresh = self.journal.anchor(self.key), self.journal.fresh(self.key)
        pages = partial(self.client.pages, self.project.id, TASK_FIELDS)
        if fresh.until <= since:
            yield from pages(since=since)
            return
        # What a push has just made was updated just now, all of it. Label Studio notes who submits or deletes an answer, and
        # nobody for a task that is imported.
        touched = task_filter("updated_by", "empty", "List", "false")
        if fresh.after:
            old = task_filter("id", "less_or_equal", "Number", fresh.after)
            yield from pages(since=since, only=[old])
        yield from pages(since=since, after=fresh.after, only=[touched])
        yield from pages(since=fresh.until, after=fresh.after)

    def _read_drafts(self) -> None:
        drafted = task_filter("draft_exists", "equal", "Boolean", True)  # a draft leaves no trace in `updated_at`
        tasks = self.client.tasks(self.project.id, ("id",), only=[drafted])
        self.journal.set_drafts(self.key, (int(item["id"]) for item in tasks))

    # -- what no list of changes shows ---------------------------------------------------------------------------------

    def _mended(self) -> bool:
        """Find the ranges of tasks that the server counts otherwise than the journal, and read these; False when there are
        none (skips are not counted by ranges) or too many."""
        top, found = self.journal.top(self.key), False
        for page in self.client.pages(self.project.id, TASK_FIELDS, after=top):
            self.journal.note(self.key, self._tasks(page))
            found = True
        ranges, left = [(0, top)], 1 + self.journal.counters(self.key).tasks // PAGE // FEW
        while ranges:
            low, high = ranges.pop()
            known = self.journal.tally(self.key, low, high)
            if self.client.tally(self.project.id, low, high) == known:
                continue
            if known.tasks > PAGE:
                middle = self.journal.middle(self.key, low, high)
                ranges += [(low, middle), (middle, high)]
                continue
            if not left:
                return False
            left, found = left - 1, True
            until = task_filter("id", "less_or_equal", "Number", high)
            pages = self.client.pages(self.project.id, TASK_FIELDS, after=low, only=[until])
            self.journal.replace_range(self.key, low, high, [task for page in pages for task in self._tasks(page)])
        return found

    def _recount(self) -> None:
        """Look at the answers themselves, and at the predictions where their number is in doubt: what the server has noted
        with a task about them may be wrong."""
        answered = self._read_those_with("annotations_ids", TASK_FIELDS)
        lost = [task for task in self.journal.laden(self.key) if task.answered and task.id not in answered]
        self.journal.note(self.key, [replace(task, submitted=0, skipped=0) for task in lost])
        if self.client.counters(self.project.id).predictions != self.journal.counters(self.key).predictions:
            predicted = self._read_those_with("predictions_model_versions", (*TASK_FIELDS, "predictions"))
            lost = [task for task in self.journal.laden(self.key) if task.predictions and task.id not in predicted]
            self.journal.note(self.key, [replace(task, predictions=0) for task in lost])

    def _read_those_with(self, column: str, fields: Sequence[str]) -> set[int]:
        """Read the tasks that have something in a column which the server looks up anew each time; their numbers."""
        seen = set[int]()
        there = task_filter(column, "empty", "List", "false")  # as a String it fails where there are no tasks at all
        for page in self.client.pages(self.project.id, fields, only=[there]):
            self.journal.note(self.key, found := self._tasks(page))
            seen.update(task.id for task in found)
        return seen


def _before(anchor: str) -> str:
    """A time some moments before; empty when there is none, or none that can be read."""
    try:
        return (datetime.fromisoformat(anchor) - LOOK_BACK).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    except ValueError:
        return ""
