"""What the server was seen to hold, and what was sent to it: an SQLite file that makes the next push or pull quick.

It is a mirror and never the truth. Whoever reads it compares it with the server first (`annotate.sync.mirror`); lost, restored
from an old copy or damaged, it costs time and changes nothing. Every row carries a digest of itself; a row that does not fit
its digest makes the whole file worthless (`Damaged`), and it is begun afresh.

It holds texts of tasks and answers: only its owner can read it, and what is deleted from it is overwritten.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from pathlib import Path
from sys import intern
from types import TracebackType
from typing import Any

FOLDER = ".annotate"
"""Of a workspace, where the journal lies."""
FILE = "journal.sqlite"
BUSY = 60.0
"""Seconds to wait for another process that writes to the journal."""
_LAYOUT = 2
"""Of the tables below; a file of another layout is begun afresh."""

log = logging.getLogger("annotate")


class Damaged(Exception):
    """The journal cannot be believed; it has to be begun afresh. Never leaves `annotate.sync`."""


@dataclass(frozen=True, slots=True)
class FoundTask:
    """A task as the server had it when it was last looked at."""

    id: int
    segment_id: str
    doc_id: str
    lang: str
    region: str
    part: str
    """Place among the parts of a long segment, such as `2/3`."""
    chars: int
    """Code points of the text without the white space at its edges."""
    retired: bool
    essence: bytes
    """Digest of what a push compares."""
    submitted: int = 0
    skipped: int = 0
    predictions: int = 0
    draft: bool = False
    updated_at: str = ""
    """The server's time, ISO 8601; empty for what was sent and not read back yet."""

    @property
    def answered(self) -> bool:
        """Whether an annotation or a skip hangs on it."""
        return bool(self.submitted or self.skipped)

    @property
    def touched(self) -> bool:
        """Whether an annotation, a skip or a draft hangs on it: such a task is never deleted."""
        return self.answered or self.draft

    @property
    def laden(self) -> bool:
        """Whether anything hangs on it that a new task would not have."""
        return self.touched or bool(self.predictions)


@dataclass(frozen=True, slots=True)
class Counters:
    """How much a project holds, as the server counts it or as the journal adds it up."""

    tasks: int
    submitted: int
    skipped: int
    predictions: int


@dataclass(frozen=True, slots=True)
class Tally:
    """What tells whether a range of tasks is as the journal has it. Skipped answers are not in it: no list sums them up."""

    tasks: int
    submitted: int
    predictions: int


@dataclass(frozen=True, slots=True)
class Fresh:
    """Tasks that pushes made, and that need no reading back: the server counts as many, with as many answers. (What is not
    seen: an edit of such a task's data by another program while the push still ran, until somebody answers it.)"""

    after: int
    """They have higher numbers than this one."""
    until: str
    """The server's time by which they were made; empty when there are none."""


@dataclass(frozen=True, slots=True)
class Scan:
    """A reading of all of the server's tasks that may have been interrupted."""

    settled: str
    """The server's time before which nothing can come to light any more."""
    cursor: int
    """The highest task number read."""
    generation: int


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the output of pull, or of its rejects, and what it is sorted by."""

    doc_id: str
    start: int
    segment_id: str
    annotator: str
    updated_at: str
    code: str
    """Of a reject; empty for an annotation."""
    status: str
    """Of an annotation: `submitted`, `skipped`, or `empty` for a submitted one without any label."""
    line: bytes


_TASK_COLUMNS = tuple(field.name for field in fields(FoundTask))
_LINE_COLUMNS = tuple(field.name for field in fields(Line))
_task_row = attrgetter(*_TASK_COLUMNS)  # dataclasses.astuple copies deeply, which takes thirty times as long
_line_row = attrgetter(*_LINE_COLUMNS)
_SCHEMA = f"""
CREATE TABLE projects (
    key INTEGER PRIMARY KEY, url TEXT NOT NULL, number INTEGER NOT NULL, born TEXT NOT NULL, anchor TEXT NOT NULL DEFAULT '',
    generation INTEGER NOT NULL DEFAULT 0, settled TEXT, cursor INTEGER, rendering TEXT NOT NULL DEFAULT '',
    fresh_after INTEGER NOT NULL DEFAULT 0, fresh_until TEXT NOT NULL DEFAULT '',
    UNIQUE (url, number, born));
CREATE TABLE tasks (
    project INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE, {", ".join(_TASK_COLUMNS)}, digest BLOB NOT NULL,
    seen INTEGER NOT NULL, answers TEXT NOT NULL DEFAULT '', rendered INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (project, id));
CREATE TABLE answers (
    project INTEGER NOT NULL, task INTEGER NOT NULL, raw BLOB NOT NULL, digest BLOB NOT NULL, PRIMARY KEY (project, task),
    FOREIGN KEY (project, task) REFERENCES tasks ON DELETE CASCADE) WITHOUT ROWID;
CREATE TABLE lines (
    project INTEGER NOT NULL, task INTEGER NOT NULL, place INTEGER NOT NULL, {", ".join(_LINE_COLUMNS)},
    digest BLOB NOT NULL, PRIMARY KEY (project, task, place),
    FOREIGN KEY (project, task) REFERENCES tasks ON DELETE CASCADE);
CREATE INDEX in_order ON lines (doc_id, start, segment_id, annotator, updated_at, project, task, place);
CREATE INDEX stale ON tasks (project, rendered);
PRAGMA user_version = {_LAYOUT};
"""
_SIGNATURE = "updated_at || '/' || submitted || '/' || skipped || '/' || predictions"
"""What changes when the answers to a task do."""
_NEWEST = "min(?, max(fresh_until, coalesce((SELECT max(updated_at) FROM tasks WHERE project = key), '')))"
"""A time that a clock said, which may be a proxy's: never believed beyond what the server itself wrote."""


class Journal:
    """The journal of a workspace. A context manager; used by one thread."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._folder = None if path else tempfile.TemporaryDirectory(prefix="annotate-journal-")
        self._db = self._opened(Path(self._folder.name, FILE) if self._folder else self._prepared(path))

    def _prepared(self, path: Path | None) -> Path:
        assert path is not None
        path.parent.mkdir(parents=True, exist_ok=True)
        ignored = path.parent / ".gitignore"
        if not ignored.exists():
            ignored.write_text("*\n")
        return path

    def _opened(self, path: Path) -> sqlite3.Connection:
        try:
            return self._connected(path)
        except (sqlite3.DatabaseError, Damaged) as problem:
            if isinstance(problem, sqlite3.OperationalError):
                raise
            log.warning("the journal %s is damaged or of another version: it is begun afresh", path)
            _remove(path)
            return self._connected(path)

    def _connected(self, path: Path) -> sqlite3.Connection:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        db = sqlite3.connect(path, timeout=BUSY, isolation_level=None)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute("PRAGMA secure_delete = ON")
            db.execute("PRAGMA foreign_keys = ON")
            (layout,) = db.execute("PRAGMA user_version").fetchone()
            if layout == 0 and not db.execute("SELECT 1 FROM sqlite_master").fetchone():
                db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
            elif layout != _LAYOUT:
                raise Damaged
            db.execute("SELECT count(*) FROM projects").fetchone()
        except BaseException:
            db.close()
            raise
        return db

    def begin_afresh(self) -> None:
        """Forget everything: the file is replaced by an empty one."""
        (path,) = [row[2] for row in self._db.execute("PRAGMA database_list") if row[1] == "main"]
        self._db.close()
        _remove(Path(path))
        self._db = self._connected(Path(path))

    def close(self) -> None:
        """Close the file; a temporary journal is gone then."""
        self._db.close()
        if self._folder:
            self._folder.cleanup()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # -- projects ------------------------------------------------------------------------------------------------------

    def project(self, url: str, number: int, born: str) -> int:
        """The key under which a project is known here. `born`: when the server made it, since numbers are used again."""
        with self._transaction():
            self._db.execute("DELETE FROM projects WHERE url = ? AND number = ? AND born <> ?", (url, number, born))
            self._db.execute("INSERT OR IGNORE INTO projects (url, number, born) VALUES (?, ?, ?)", (url, number, born))
            wanted = (url, number, born)
            (key,) = self._db.execute("SELECT key FROM projects WHERE url = ? AND number = ? AND born = ?", wanted).fetchone()
        return int(key)

    def forget(self, key: int) -> None:
        """Forget what is known of a project."""
        with self._transaction():
            self._db.execute("DELETE FROM tasks WHERE project = ?", (key,))
            reset = "anchor = '', settled = NULL, cursor = NULL, rendering = '', fresh_after = 0, fresh_until = ''"
            self._db.execute(f"UPDATE projects SET {reset} WHERE key = ?", (key,))

    def tasks_of(self, doc_id: str) -> int:
        """How many tasks of a document are known, in all projects."""
        return int(self._db.execute("SELECT count(*) FROM tasks WHERE doc_id = ?", (doc_id,)).fetchone()[0])

    def forget_document(self, doc_id: str) -> None:
        """Remove what is known of a document's tasks, with their answers, in all projects."""
        with self._transaction():
            self._db.execute("DELETE FROM tasks WHERE doc_id = ?", (doc_id,))

    # -- reading the server --------------------------------------------------------------------------------------------

    def anchor(self, key: int) -> str:
        """The server's time up to which changes are known; empty when nothing is."""
        (anchor,) = self._db.execute("SELECT anchor FROM projects WHERE key = ?", (key,)).fetchone()
        return str(anchor)

    def begin(self, key: int, moment: str) -> None:
        """Say that nothing can be in a project that was not updated since a time of the server, when no time is known yet."""
        self._db.execute("UPDATE projects SET anchor = ? WHERE key = ? AND anchor = ''", (moment, key))

    def fresh(self, key: int) -> Fresh:
        """The tasks that pushes made lately."""
        return Fresh(*self._db.execute("SELECT fresh_after, fresh_until FROM projects WHERE key = ?", (key,)).fetchone())

    def made(self, key: int, *, after: int, until: str) -> None:
        """Note that pushes made the tasks numbered above `after`, by the server's time `until`, and that the server has no
        others up there. Those of an earlier push stay among them until their time is past."""
        earlier = "CASE WHEN fresh_until > anchor THEN min(fresh_after, ?) ELSE ? END"
        change = f"UPDATE projects SET fresh_after = {earlier}, fresh_until = max(fresh_until, ?) WHERE key = ?"
        self._db.execute(change, (after, after, until, key))

    def unfinished(self, key: int) -> Scan | None:
        """The reading of all tasks that was interrupted."""
        row = self._db.execute("SELECT settled, cursor, generation FROM projects WHERE key = ?", (key,)).fetchone()
        return None if row[0] is None else Scan(*row)

    def begin_scan(self, key: int, *, settled: str) -> Scan:
        """Begin a reading of all tasks."""
        change = "UPDATE projects SET settled = ?, cursor = 0, generation = generation + 1 WHERE key = ?"
        self._db.execute(change, (settled, key))
        found = self.unfinished(key)
        assert found is not None
        return found

    def see(self, key: int, generation: int, tasks: Sequence[FoundTask]) -> None:
        """Note a page of a reading of all tasks."""
        with self._transaction():
            self._note(key, generation, tasks)
            if tasks:
                self._db.execute("UPDATE projects SET cursor = ? WHERE key = ?", (max(task.id for task in tasks), key))

    def end_scan(self, key: int, scan: Scan) -> None:
        """Note that a reading of all tasks is complete: what was not in it is gone, and forgotten."""
        with self._transaction():
            self._db.execute("DELETE FROM tasks WHERE project = ? AND seen < ?", (key, scan.generation))
            done = f"anchor = {_NEWEST}, settled = NULL, cursor = NULL, fresh_after = 0, fresh_until = ''"
            self._db.execute(f"UPDATE projects SET {done} WHERE key = ?", (scan.settled, key))

    def follow(self, key: int, settled: str) -> None:
        """Note that all changes up to a time are read."""
        self._db.execute(f"UPDATE projects SET anchor = max(anchor, {_NEWEST}) WHERE key = ?", (settled, key))

    def set_drafts(self, key: int, tasks: Iterable[int]) -> None:
        """Note which tasks have a draft, and that no others have."""
        drafted = set(tasks)
        noted = {number for (number,) in self._db.execute("SELECT id FROM tasks WHERE project = ? AND draft", (key,))}
        with self._transaction():
            for number in drafted ^ noted:
                for task in self._tasks("project = ? AND id = ?", (key, number)):
                    changed = replace(task, draft=number in drafted)
                    new = (changed.draft, _digest(_task_row(changed)), key, number)
                    self._db.execute("UPDATE tasks SET draft = ?, digest = ? WHERE project = ? AND id = ?", new)

    def note(self, key: int, tasks: Sequence[FoundTask]) -> None:
        """Note what was sent and confirmed."""
        with self._transaction():
            (generation,) = self._db.execute("SELECT generation FROM projects WHERE key = ?", (key,)).fetchone()
            self._note(key, generation, tasks)

    def _note(self, key: int, generation: int, tasks: Iterable[FoundTask]) -> None:
        columns = (*_TASK_COLUMNS, "digest", "seen")
        updates = ", ".join(f"{name} = excluded.{name}" for name in columns if name != "id")
        marks = ", ".join("?" * (len(columns) + 1))
        self._db.executemany(
            f"INSERT INTO tasks (project, {', '.join(columns)}) VALUES ({marks}) ON CONFLICT DO UPDATE SET {updates}",
            ((key, *row, _digest(row), generation) for row in map(_task_row, tasks)),
        )

    def drop(self, key: int, tasks: Iterable[int]) -> None:
        """Note that tasks are deleted."""
        with self._transaction():
            self._db.executemany("DELETE FROM tasks WHERE project = ? AND id = ?", ((key, number) for number in tasks))

    def counters(self, key: int) -> Counters:
        """What the known tasks add up to."""
        sums = "count(*), total(submitted), total(skipped), total(predictions)"
        row = self._db.execute(f"SELECT {sums} FROM tasks WHERE project = ?", (key,)).fetchone()
        return Counters(*map(int, row))

    def tally(self, key: int, low: int, high: int) -> Tally:
        """What the known tasks numbered above `low` and up to `high` add up to."""
        query = "SELECT count(*), total(submitted), total(predictions) FROM tasks WHERE project = ? AND id > ? AND id <= ?"
        return Tally(*map(int, self._db.execute(query, (key, low, high)).fetchone()))

    def middle(self, key: int, low: int, high: int) -> int:
        """The number of a task that halves the known tasks of a range."""
        query = """SELECT id FROM tasks WHERE project = ?1 AND id > ?2 AND id <= ?3 ORDER BY id LIMIT 1 OFFSET
                   (SELECT (count(*) - 1) / 2 FROM tasks WHERE project = ?1 AND id > ?2 AND id <= ?3)"""
        return int(self._db.execute(query, (key, low, high)).fetchone()[0])

    def replace_range(self, key: int, low: int, high: int, tasks: Sequence[FoundTask]) -> None:
        """Note that these are all tasks of a range."""
        there = {task.id for task in tasks}
        query = "SELECT id FROM tasks WHERE project = ? AND id > ? AND id <= ?"
        self.drop(key, [number for (number,) in self._db.execute(query, (key, low, high)) if number not in there])
        self.note(key, tasks)

    def top(self, key: int) -> int:
        """The highest task number known: what is stored from now on has a higher one."""
        return int(self._db.execute("SELECT coalesce(max(id), 0) FROM tasks WHERE project = ?", (key,)).fetchone()[0])

    def gaps(self, key: int, low: int) -> list[tuple[int, int | None]]:
        """Where above `low` there are numbers of no known task: above the first number and below the second; the last gap has
        no end. They are few: what one call stores is numbered in a row."""
        query = """SELECT before, id FROM (SELECT lag(id, 1, ?1) OVER (ORDER BY id) AS before, id FROM tasks
                   WHERE project = ?2 AND id > ?1) WHERE id > before + 1 ORDER BY id"""
        return [*self._db.execute(query, (low, key)), (max(low, self.top(key)), None)]

    def tasks(self, key: int) -> Iterator[FoundTask]:
        """The known tasks, by number. `Damaged` when a row does not fit its digest."""
        return self._tasks("project = ?", (key,))

    def laden(self, key: int) -> list[FoundTask]:
        """The known tasks with an answer, submitted or skipped, or a prediction."""
        return list(self._tasks("project = ? AND (submitted <> 0 OR skipped <> 0 OR predictions <> 0)", (key,)))

    def drafted(self, key: int) -> list[FoundTask]:
        """The known tasks with a draft."""
        return list(self._tasks("project = ? AND draft", (key,)))

    def _tasks(self, where: str, values: tuple[int, ...]) -> Iterator[FoundTask]:
        columns = ", ".join(_TASK_COLUMNS)
        for *row, digest in self._db.execute(f"SELECT {columns}, digest FROM tasks WHERE {where} ORDER BY id", values):
            task = _task(row)
            if _digest(_task_row(task)) != digest:
                raise Damaged
            yield task

    # -- answers -------------------------------------------------------------------------------------------------------

    def unread(self, key: int) -> list[int]:
        """Numbers of the tasks whose answers changed since they were read."""
        query = f"SELECT id FROM tasks WHERE project = ? AND submitted + skipped > 0 AND answers <> {_SIGNATURE} ORDER BY id"
        return [number for (number,) in self._db.execute(query, (key,))]

    def read_answers(self, key: int, answers: Mapping[int, bytes]) -> None:
        """Keep answers to tasks as the server gave them."""
        with self._transaction():
            for task, raw in answers.items():
                self._db.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)", (key, task, raw, _digest((raw,))))
                change = f"UPDATE tasks SET answers = {_SIGNATURE}, rendered = 0 WHERE project = ? AND id = ?"
                self._db.execute(change, (key, task))

    def rendering(self, key: int, fingerprint: str) -> None:
        """Say what lines are made with (schema, names of users); lines made with something else are made again."""
        with self._transaction():
            changed = "UPDATE projects SET rendering = ? WHERE key = ? AND rendering <> ?"
            if self._db.execute(changed, (fingerprint, key, fingerprint)).rowcount:
                self._db.execute("UPDATE tasks SET rendered = 0 WHERE project = ?", (key,))

    def unrendered(self, key: int) -> Iterator[tuple[int, bytes]]:
        """Tasks whose lines have to be made, and their answers."""
        query = """SELECT task, raw, answers.digest FROM tasks JOIN answers ON answers.project = tasks.project AND task = id
                   WHERE tasks.project = ? AND rendered = 0 AND submitted + skipped > 0 AND task > ? ORDER BY task LIMIT 200"""
        last = -1
        while page := self._db.execute(query, (key, last)).fetchall():
            for task, raw, digest in page:
                if _digest((raw,)) != digest:
                    raise Damaged
                yield task, raw
                last = task

    def render(self, key: int, lines: Mapping[int, Sequence[Line]]) -> None:
        """Keep the lines of tasks."""
        marks = ", ".join("?" * (len(_LINE_COLUMNS) + 4))
        with self._transaction():
            for task, made in lines.items():
                self._db.execute("DELETE FROM lines WHERE project = ? AND task = ?", (key, task))
                rows = [(key, task, place, *row, _digest(row)) for place, row in enumerate(map(_line_row, made))]
                self._db.executemany(f"INSERT INTO lines VALUES ({marks})", rows)
                self._db.execute("UPDATE tasks SET rendered = 1 WHERE project = ? AND id = ?", (key, task))

    def lines(self, keys: Sequence[int], *, rejects: bool, retired: bool) -> Iterator[Line]:
        """Lines of annotations in the order of the output, or of rejects by task; of retired tasks when wanted."""
        columns = ", ".join(f"lines.{name}" for name in _LINE_COLUMNS)
        order = "lines.project, task, place" if rejects else ", ".join((*_LINE_COLUMNS[:5], "lines.project", "task", "place"))
        order = order.replace("doc_id", "lines.doc_id").replace("segment_id", "lines.segment_id")
        order = order.replace("updated_at", "lines.updated_at")
        query = f"""SELECT {columns}, lines.digest FROM lines JOIN tasks ON tasks.project = lines.project AND id = task
                    WHERE lines.project IN ({", ".join("?" * len(keys))}) AND (code <> '') = ? AND submitted + skipped > 0
                    {"" if retired else "AND NOT retired"} ORDER BY {order}"""
        for *row, digest in self._db.execute(query, (*keys, rejects)):
            if _digest(row) != digest:
                raise Damaged
            yield Line(*row)


def _task(row: Sequence[Any]) -> FoundTask:
    number, segment_id, doc_id, lang, region, part, chars, retired, essence, submitted, skipped, predictions, draft, at = row
    try:
        names = (intern(doc_id), intern(lang), intern(region), intern(part))
    except TypeError:
        raise Damaged from None
    return FoundTask(
        number, segment_id, *names, chars, bool(retired), essence, submitted, skipped, predictions, bool(draft), at
    )


def _digest(row: Iterable[object]) -> bytes:
    return hashlib.blake2b(repr(tuple(row)).encode("utf-8", "backslashreplace"), digest_size=8).digest()


def _remove(path: Path) -> None:
    for name in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        with suppress(FileNotFoundError):
            name.unlink()


def open_journal(workspace: Path | None) -> Journal:
    """The journal of a workspace; a temporary one without a workspace, or where none can be kept."""
    if workspace is None:
        return Journal(None)
    path = workspace / FOLDER / FILE
    try:
        return Journal(path)
    except (OSError, sqlite3.Error) as problem:
        log.warning("no journal can be kept in %s (%s): everything is read from the server", path.parent, problem)
        return Journal(None)
