"""Sharing segments among annotators (k-fold overlap): each to exactly k of them. Pure.

Loads are even in every cell of language and region, so that agreement can be measured in each of them; pairs of annotators
meet equally often as far as that allows, so that nobody is compared with one colleague only. What somebody has stays
theirs: appending segments moves nothing."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from annotate.journal import FoundTask
from annotate.sync.wanted import Wanted, WantedTask

Cell = tuple[str, str]


def share(
    tasks: Mapping[str, WantedTask],
    annotators: Sequence[str],
    overlap: int,
    holders: Mapping[str, Collection[str]],
    workers: Mapping[str, Collection[str]],
) -> dict[str, set[str]]:
    """Which segments go to which annotator, by annotator.

    `holders`: annotators who have a task for the segment already; of more than `overlap` those with the fewest segments keep
    it. `workers`: those of them who have begun it; they keep it whatever the overlap. A segment goes to annotators with the
    fewest segments of its cell, then with the fewest of all, then who met least often; ties are broken by a hash of segment
    and name, not by the order of names."""
    in_cell: Counter[tuple[Cell, str]] = Counter()
    in_all: Counter[str] = Counter()
    pairs: Counter[frozenset[str]] = Counter()
    shares: dict[str, set[str]] = {name: set() for name in annotators}

    def give(task: WantedTask, names: Collection[str]) -> None:
        for name in names:
            shares[name].add(task.segment_id)
            in_cell[(task.lang, task.region), name] += 1
            in_all[name] += 1
        pairs.update(frozenset((a, b)) for a in names for b in names if a < b)

    def choose(task: WantedTask, among: Collection[str], chosen: list[str]) -> list[str]:
        while len(chosen) < overlap and (left := [name for name in among if name not in chosen]):
            chosen.append(
                min(
                    left,
                    key=lambda name: (
                        in_cell[(task.lang, task.region), name],
                        in_all[name],
                        sum(pairs[frozenset((name, other))] for other in chosen),
                        _lot(task.segment_id, name),
                    ),
                )
            )
        return chosen

    open_tasks: list[tuple[WantedTask, list[str]]] = []
    for identity, task in tasks.items():
        working = [name for name in annotators if name in workers.get(identity, ())]
        having = [name for name in annotators if name in holders.get(identity, ())]
        kept = choose(task, having, working)
        give(task, kept)
        if len(kept) < min(overlap, len(annotators)):
            open_tasks.append((task, kept))
    for task, kept in open_tasks:
        chosen = choose(task, annotators, list(kept))
        for name in kept:
            pairs.update(frozenset((name, other)) for other in chosen if other not in kept)
        give(task, [name for name in chosen if name not in kept])
    return shares


def shares_of(
    wanted: Wanted, annotators: Sequence[str], overlap: int, found: Callable[[str], Iterable[FoundTask]]
) -> dict[str, Wanted]:
    """What is wanted of each annotator, given the tasks found in each one's project; of all the same without an overlap."""
    if overlap in (0, len(annotators)):
        return dict.fromkeys(annotators, wanted)
    holders: dict[str, list[str]] = {}
    workers: dict[str, list[str]] = {}
    for name in annotators:
        for task in found(name):
            if task.touched:
                workers.setdefault(task.segment_id, []).append(name)
            elif not task.retired:
                holders.setdefault(task.segment_id, []).append(name)
    shares = share(wanted.tasks, annotators, overlap, holders, workers)
    return {name: wanted.only(shares[name]) for name in annotators}


def _lot(segment_id: str, name: str) -> bytes:
    return hashlib.blake2b(f"{segment_id}\0{name}".encode(), digest_size=8).digest()
