"""The purge list: documents that were taken down. It is the log of what was removed, and the rule for what is made later."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from annotate.codec import loads
from annotate.model import Reject
from annotate.store import STDIO, opened, reject, write_records

FILE = Path(".annotate", "purged.jsonl")
"""In the workspace."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Purge:
    """One takedown. Written twice when it succeeds: before it begins, with no counts, and when it is done."""

    doc_id: str
    at: str
    """ISO 8601, UTC."""
    by: str
    why: str
    done: bool
    counts: Mapping[str, int]


def read_log(file: Path) -> list[Purge]:
    """All takedowns, oldest first; `ReadError` when the list is damaged: then nobody knows what must not be used."""
    if not file.is_file():
        return []
    with opened(file) as lines:
        return [loads(line, Purge) for line in lines]


def write_log(workspace: Path, entry: Purge) -> None:
    """Add a takedown."""
    file = workspace / FILE
    write_records(file, [*read_log(file), entry])


def purged_near(source: str | Path) -> frozenset[str]:
    """The documents taken down in the workspaces that a file, or the current folder for a stream, lies in."""
    start = Path.cwd() if str(source) == STDIO else Path(source).resolve().parent
    places = dict.fromkeys(folder for place in (start, Path.cwd()) for folder in (place, *place.parents))
    return frozenset(entry.doc_id for folder in places for entry in read_log(folder / FILE))


def kept(
    records: Iterable[T], doc_id: Callable[[T], str], source: str | Path, step: str, rejects: Callable[[Reject], None]
) -> Iterator[T]:
    """The records whose documents were not taken down; the others are rejected, without their text."""
    purged = purged_near(source)
    for record in records:
        if purged and doc_id(record) in purged:
            reason = f"document {doc_id(record)!r} was taken down"
            rejects(reject(step, str(source), "purged", reason, id=doc_id(record), hint="remove it from the file"))
        else:
            yield record
