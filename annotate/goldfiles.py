"""The files around gold records: where they lie, and how they are read."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from annotate.model import Annotation, GoldRecord, Reject
from annotate.purged import kept
from annotate.store import STDIO, Rejects, read_records


def beside(output: str | Path, suffix: str) -> Path:
    """A file that belongs to an output: `gold.jsonl` → `gold.SUFFIX`; `gold.SUFFIX` in the current folder for a stream."""
    path = Path("gold.jsonl") if str(output) == STDIO else Path(output)
    return path.with_name(f"{path.name.removesuffix('.jsonl')}.{suffix}")


def summary(gold: str | Path) -> dict[str, Any]:
    """What the summary beside gold records holds; empty when there is none."""
    path = beside(gold, "summary.json")
    content: dict[str, Any] = json.loads(path.read_bytes()) if path.exists() else {}
    return content


def read_decisions(path: Path, rejected: Callable[[Reject], None]) -> Iterator[Annotation]:
    """The decisions of adjudicators that `review pull` has brought; none when there is no file. What was taken down is out."""
    if not path.is_file():
        return iter(())
    decisions = read_records(path, Annotation, rejected, step="adjudicate")
    return kept(decisions, lambda decision: decision.segment.doc_id, path, "adjudicate", rejected)


def without_content(item: Reject) -> Reject:
    """What the dataset tells of a line that is no record. Nobody knows of which document it is: it may have been taken down,
    so neither the line nor the reason, which may quote it, is published; nor where the dataset was made."""
    name = Path(item.source).name
    hint = f"annotate check {name} and annotate export --rejects FILE say why"
    return replace(item, source=name, id="", reason=f"line {item.line} is no record", hint=hint, record="")


def gold_records(
    file: str | Path, source: str | Path, rejected: Rejects, unread: Callable[[Reject], None] | None = None
) -> Iterator[GoldRecord]:
    """Gold records but those of documents taken down; `source`: what the file was given as, beside which that is told."""
    records = read_records(file, GoldRecord, unread or rejected, step="export")
    return kept(records, lambda record: record.meta.doc_id, source, "export", rejected)


def answers(
    file: Path, unread: Callable[[Reject], None], purged: Callable[[Reject], None]
) -> Callable[[], Iterator[Annotation]]:
    """What reads the annotations, as often as it is called; what it leaves out it tells of once."""
    telling = iter([(unread, purged)])

    def silent(_: Reject) -> None:
        """Told of before."""

    def read() -> Iterator[Annotation]:
        of_unread, of_purged = next(telling, (silent, silent))
        found = read_records(file, Annotation, of_unread, step="export")
        return kept(found, lambda annotation: annotation.segment.doc_id, file, "export", of_purged)

    return read


@contextmanager
def readable_twice(source: str | Path) -> Iterator[Path]:
    """A file that can be read twice: itself, or a copy of standard input."""
    if str(source) != STDIO:
        yield Path(source)
        return
    with TemporaryDirectory() as folder:
        copy = Path(folder, "stdin.jsonl")
        copy.write_bytes(sys.stdin.buffer.read())
        yield copy
