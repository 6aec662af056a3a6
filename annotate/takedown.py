"""A document taken down: out of Label Studio and of the workspace's own state, and kept out of what is made later.

The purge list is written first, so that a takedown that is interrupted is already in force; the same command finishes it."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from annotate import review
from annotate.codec import loads
from annotate.errors import ReadError, UsageError
from annotate.journal import Journal
from annotate.labelstudio.client import Client, task_filter
from annotate.purged import FILE, Purge, read_log, write_log
from annotate.store import opened, replacing
from annotate.sync import alone, read_marker

STATE = FILE.parent


@dataclass(frozen=True, slots=True)
class Takedown:
    """What was removed, or with a dry run will be."""

    doc_id: str
    tasks: int
    annotations: int
    journal: int
    """Tasks the journal knew."""
    copies: int
    """Records in the workspace's own state: copies of segments, and of answers before migrations."""
    left_in: dict[str, int]
    """Files of the workspace that still hold records of the document, and how many: they are yours to make anew."""


def purge(
    client: Client,
    title: str,
    doc_id: str,
    workspace: Path,
    *,
    why: str = "",
    by: str = "",
    dry_run: bool = False,
    journal: Journal | None = None,
) -> Takedown:
    """Remove a document from all projects of a title, that of its review included, and from the workspace's own state, and log
    it. `UsageError` when nothing anywhere knows the document."""
    with alone(client.url, title):
        found = list(_found(client, title, doc_id))
        segments = {str(task["data"].get("segment_id", "")) for _, task in found}
        left = dict(_left_in(workspace, doc_id))
        state = [path for path in sorted(workspace.glob(f"{STATE}/**/*.jsonl")) if path != workspace / FILE]
        copies = sum(_records_of(path, doc_id, segments) for path in state)
        known = journal.tasks_of(doc_id) if journal else 0
        begun = [entry for entry in read_log(workspace / FILE) if entry.doc_id == doc_id][-1:]
        if not (found or left or copies or known or any(not entry.done for entry in begun)):
            raise UsageError(f"nothing here or in {title!r} is of document {doc_id!r}", hint="doc_id as in segments.jsonl")
        answers = sum(len(task["annotations"]) for _, task in found)
        who = by or getpass.getuser()
        if not dry_run:
            write_log(workspace, Purge(doc_id, _now(), who, why, False, {}))
            for path in state:  # first: the tasks say which segments the copies are known by
                _rewrite_without(path, doc_id, segments)
            for project in dict.fromkeys(project for project, _ in found):
                client.delete_tasks(project, [int(task["id"]) for owner, task in found if owner == project])
            if journal:
                journal.forget_document(doc_id)
            counts = {"tasks": len(found), "annotations": answers, "journal": known, "copies": copies}
            write_log(workspace, Purge(doc_id, _now(), who, why, True, counts))
    return Takedown(doc_id, len(found), answers, known, copies, left)


def _found(client: Client, title: str, doc_id: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for project in client.projects():
        marker = read_marker(project)
        if marker and marker.title in (title, title + review.SUFFIX):
            of_it = task_filter("data.doc_id", "equal", "String", doc_id)
            for task in client.tasks(project.id, ("id", "data", "annotations"), only=[of_it]):
                if (task.get("data") or {}).get("doc_id") == doc_id:
                    yield project.id, task


def _left_in(workspace: Path, doc_id: str) -> Iterator[tuple[str, int]]:
    for path in sorted(workspace.glob("*.jsonl")):
        number = _records_of(path, doc_id, ())
        if number:
            yield path.name, number


def _records_of(path: Path, doc_id: str, segments: set[str] | tuple[()]) -> int:
    with opened(path) as lines:
        return sum(_is_of(line, doc_id, segments) for line in lines)


def _is_of(line: bytes, doc_id: str, segments: set[str] | tuple[()]) -> bool:
    """Whether a JSON line is a segment, annotation, gold record, copy or reject of the document."""
    try:
        record = loads(line, dict[str, Any])
    except ReadError:
        return False
    holders = (record, record.get("segment"), record.get("meta"))
    named = any(isinstance(holder, dict) and holder.get("doc_id") == doc_id for holder in holders)
    return named or (bool(segments) and record.get("segment_id") in segments)


def _rewrite_without(path: Path, doc_id: str, segments: set[str]) -> None:
    with opened(path) as lines:
        rest = [line for line in lines if not _is_of(line, doc_id, segments)]
    if not rest:
        path.unlink()
        return
    with replacing(path) as out:
        out.writelines(rest)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
