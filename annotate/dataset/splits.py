"""train, dev and test: by source document and cluster of near-duplicates, by hash, stratified, and frozen.

All segments of a document, and all documents of a cluster, are in one split. What is written down never changes again, not even
when the ratios or the clusters do; only new documents are placed. Stratifying is the reason why the place of a new cluster
follows from its hash and from what is there already, and not from its hash alone.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from annotate.dataset.pages import Link, Trait
from annotate.errors import DataFindings, ReadError, UsageError
from annotate.model import Reject
from annotate.store import read_records

Split = Literal["train", "dev", "test"]

SPLITS: tuple[Split, ...] = ("train", "dev", "test")

DOCUMENTS: Trait = ("documents", "")
"""What every document has."""

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
    percent = _position(cluster, seed) * 100 >> 64
    train, dev, _ = ratios
    if percent < train:
        return "train"
    return "dev" if percent < train + dev else "test"


def _position(cluster: str, seed: int) -> int:
    """Of 2⁶⁴, by blake2b of seed and id."""
    return int.from_bytes(hashlib.blake2b(f"{seed}\0{cluster}".encode(), digest_size=8).digest(), "big")


@dataclass(frozen=True, slots=True)
class Bridge:
    """A new document that belongs to documents of two splits or more, and so to none."""

    doc_id: str
    splits: tuple[Split, ...]
    because: str
    """Which documents, and what they share."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Where documents are."""

    rows: tuple[SplitRow, ...]
    bridges: tuple[Bridge, ...]


def assign(
    doc_ids: Iterable[str],
    ratios: Ratios,
    *,
    seed: int = 0,
    frozen: Sequence[SplitRow] = (),
    links: Iterable[Link] = (),
    traits: Mapping[str, Collection[Trait]] | None = None,
) -> Assignment:
    """Every frozen row as it is, then a row for each document that has none, sorted by document.

    `links` join documents into clusters. A new cluster with a link to frozen documents joins their split and cluster; with
    links into several splits it is a bridge and gets no row. Another new cluster is named after its first document and goes
    where its hash says; with `traits` (document → what it should be stratified by) it takes its turn in the order of the
    hashes and goes to the split that is shortest of it, see `_stratified`. The order of documents and links does not matter."""
    known = {row.doc_id: row for row in frozen}
    new = sorted(set(doc_ids) - known.keys())
    groups, bridges = _grouped(new, known, list(links))
    homes = {tuple(group): home for group, home in groups if home is not None}
    fresh = {group[0]: group for group, home in groups if home is None}
    if traits is None:
        places = {cluster: split_of(cluster, ratios, seed=seed) for cluster in fresh}
    else:
        places = _stratified(fresh, ratios, seed, known.values(), traits)
    rows = [SplitRow(doc_id, home.cluster, home.split) for group, home in homes.items() for doc_id in group]
    rows += [SplitRow(doc_id, cluster, places[cluster]) for cluster, group in fresh.items() for doc_id in group]
    return Assignment((*frozen, *sorted(rows, key=lambda row: row.doc_id)), tuple(bridges))


def _grouped(
    new: Sequence[str], known: Mapping[str, SplitRow], links: Sequence[Link]
) -> tuple[list[tuple[list[str], SplitRow | None]], list[Bridge]]:
    """New documents in clusters, each with a frozen row to join if there is one; and those that are bridges: documents that
    are themselves close to two splits, then clusters that are without them."""
    members = set(new)
    near: dict[str, list[Link]] = defaultdict(list)
    """New document → its links to frozen ones."""
    named = {row.cluster: row for row in known.values()}
    for name in members & named.keys():  # a cluster of an imported file may be named so
        near[name].append(Link(named[name].doc_id, name, "page", ""))
    for link in links:
        for one, other in ((link.left, link.right), (link.right, link.left)):
            if one in members and other in known:
                near[one].append(link)

    def homes(group: Iterable[str]) -> dict[Split, tuple[SplitRow, Link]]:
        found: dict[Split, tuple[SplitRow, Link]] = {}
        ends = [(known[end], link) for name in group for link in near[name] for end in (link.left, link.right) if end in known]
        for row, link in sorted(ends, key=lambda pair: (pair[0].cluster, pair[0].doc_id, str(pair[1]))):
            found.setdefault(row.split, (row, link))
        return found

    alone = [name for name in new if len(homes([name])) > 1]
    bridges = [_bridge(name, homes([name])) for name in alone]
    members -= set(alone)
    groups: list[tuple[list[str], SplitRow | None]] = []
    for group in _components(sorted(members), [link for link in links if {link.left, link.right} <= members]):
        found = homes(group)
        if len(found) > 1:
            bridges += [_bridge(name, found) for name in group]
        else:
            groups.append((group, next((row for row, _ in found.values()), None)))
    return groups, sorted(bridges, key=lambda bridge: bridge.doc_id)


def _bridge(doc_id: str, homes: Mapping[Split, tuple[SplitRow, Link]]) -> Bridge:
    splits = tuple(split for split in SPLITS if split in homes)
    reasons = (f"{homes[split][0].doc_id} ({split}): {homes[split][1]}" for split in splits)
    return Bridge(doc_id, splits, "; ".join(reasons))


def _components(names: Sequence[str], links: Iterable[Link]) -> list[list[str]]:
    """What links connect: sorted lists of names, in the order of their first."""
    parent = {name: name for name in names}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = name = parent[parent[name]]
        return name

    for link in links:
        low, high = sorted((root(link.left), root(link.right)))
        parent[high] = low
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(root(name), []).append(name)
    return list(groups.values())


def _stratified(
    fresh: Mapping[str, Sequence[str]],
    ratios: Ratios,
    seed: int,
    frozen: Iterable[SplitRow],
    traits: Mapping[str, Collection[Trait]],
) -> dict[str, Split]:
    """Iterative stratification (Sechidis, Tsoumakas & Vlahavas 2011): traits from the rarest to the most frequent, the clusters
    of each in the order of their hashes, each to the split that is shortest of that trait, then of documents, then by hash.
    Rows that are frozen count as what is there already, so later batches even out earlier ones."""
    open_splits = [split for split, ratio in zip(SPLITS, ratios, strict=True) if ratio]
    share = dict(zip(SPLITS, ratios, strict=True))
    weights = {cluster: _weights(group, traits) for cluster, group in fresh.items()}
    total: Counter[Trait] = Counter()
    there: dict[Split, Counter[Trait]] = {split: Counter() for split in SPLITS}
    for row in frozen:
        if row.doc_id in traits:  # others are no part of this corpus
            there[row.split].update(_weights([row.doc_id], traits))
    for found in (*weights.values(), *there.values()):
        total.update(found)
    bearers: dict[Trait, list[str]] = defaultdict(list)
    for cluster in sorted(fresh, key=lambda cluster: (_position(cluster, seed), cluster)):
        for trait in weights[cluster]:
            bearers[trait].append(cluster)
    places: dict[str, Split] = {}

    def missing(split: Split, trait: Trait) -> int:
        return share[split] * total[trait] - 100 * there[split][trait]

    for trait in sorted(bearers, key=lambda trait: (total[trait], trait)):
        for cluster in bearers[trait]:
            if cluster not in places:
                by_hash = split_of(cluster, ratios, seed=seed)
                best = max(open_splits, key=lambda s: (missing(s, trait), missing(s, DOCUMENTS), s == by_hash))
                places[cluster] = best
                there[best].update(weights[cluster])
    return places


def _weights(group: Iterable[str], traits: Mapping[str, Collection[Trait]]) -> Counter[Trait]:
    """Trait → documents of the group that have it."""
    return Counter(trait for doc_id in group for trait in (DOCUMENTS, *traits.get(doc_id, ())))


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
