"""train, dev and test: by source document, by hash, and frozen.

All segments of a document, and all documents of a cluster of near-duplicates, are in one split. A cluster's place follows from
its own id alone, so a corpus that grows keeps every earlier assignment; what is written down never changes again, not even
when the ratios or the clusters do.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from annotate.errors import DataFindings, ReadError, UsageError
from annotate.model import Reject
from annotate.store import read_records

Split = Literal["train", "dev", "test"]

SPLITS: tuple[Split, ...] = ("train", "dev", "test")

Ratios = tuple[int, int, int]
"""Per cent of the clusters in train, dev and test."""


@dataclass(frozen=True, slots=True)
class SplitRow:
    """One line of `gold.splits.jsonl`."""

    doc_id: str
    cluster: str
    split: Split


def parse_splits(text: str) -> Ratios:
    """`80/10/10` as three per cents. `UsageError` unless they are whole numbers that add up to 100."""
    hint = "write train/dev/test in per cent, such as 80/10/10 or 90/0/10"
    if not re.fullmatch(r"[0-9]{1,3}/[0-9]{1,3}/[0-9]{1,3}", text):
        raise UsageError(f"splits {text!r} are not three whole numbers", hint=hint)
    train, dev, test = map(int, text.split("/"))
    if train + dev + test != 100:
        raise UsageError(f"splits {text!r} add up to {train + dev + test}, not to 100", hint=hint)
    return train, dev, test


def split_of(cluster: str, ratios: Ratios, *, seed: int = 0) -> Split:
    """The split a cluster's hash falls into: blake2b of seed and id, as a position on the line of 100 per cent."""
    digest = hashlib.blake2b(f"{seed}\0{cluster}".encode(), digest_size=8).digest()
    percent = int.from_bytes(digest, "big") * 100 >> 64
    train, dev, _ = ratios
    if percent < train:
        return "train"
    return "dev" if percent < train + dev else "test"


def assign(
    doc_ids: Iterable[str],
    ratios: Ratios,
    *,
    seed: int = 0,
    frozen: Sequence[SplitRow] = (),
    clusters: Mapping[str, str] | None = None,
) -> tuple[SplitRow, ...]:
    """Every frozen row as it is, then a row for each document that has none, sorted by document. A new document of a frozen
    cluster joins its split. `clusters` maps documents to near-duplicate clusters; a document it does not name is its own."""
    rows = list(frozen)
    known = {row.doc_id for row in frozen}
    places: dict[str, Split] = {row.cluster: row.split for row in frozen}
    for doc_id in sorted(set(doc_ids) - known):
        cluster = (clusters or {}).get(doc_id, doc_id)
        if cluster not in places:
            places[cluster] = split_of(cluster, ratios, seed=seed)
        rows.append(SplitRow(doc_id, cluster, places[cluster]))
    return tuple(rows)


def read_splits(path: Path) -> tuple[SplitRow, ...]:
    """The rows of a `gold.splits.jsonl`; none when there is no such file yet. `ReadError` for a line that is no row,
    `DataFindings` when a document or a cluster is in two splits."""
    if not path.exists():
        return ()

    def refuse(item: Reject) -> None:
        raise ReadError(f"{path}:{item.line}: {item.reason}", hint="restore the file; without it splits could change")

    rows = tuple(read_records(path, SplitRow, refuse, step="export"))
    if found := leaks(rows):
        raise DataFindings(
            f"{path}: {len(found)} documents or clusters are in more than one split", found, hint="keep one row of each"
        )
    return rows


def leaks(rows: Iterable[SplitRow]) -> list[str]:
    """A sentence for every document or cluster that is in more than one split."""
    places: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        places["document", row.doc_id].add(row.split)
        places["cluster", row.cluster].add(row.split)
    return [f"{kind} {name!r} is in {' and '.join(sorted(found))}" for (kind, name), found in places.items() if len(found) > 1]
