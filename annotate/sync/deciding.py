"""Deciding, apart from doing: what a push will do, as a pure function of what is wanted and what was found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from annotate.journal import FoundTask
from annotate.sync.wanted import Selection, Wanted, WantedTask


@dataclass(frozen=True, slots=True)
class Plan:
    """What a push will do in one project; every wanted and every found task is in exactly one place."""

    create: tuple[WantedTask, ...]
    update: tuple[tuple[FoundTask, WantedTask], ...]
    """Changed, with something hanging on it: changed in place."""
    replace: tuple[tuple[FoundTask, WantedTask], ...]
    """Changed, with nothing hanging on it: made anew and the old one deleted, in batches, which is many times quicker."""
    unchanged: tuple[FoundTask, ...]
    delete: tuple[FoundTask, ...]
    """Retired and untouched by annotators, or a second task for a segment."""
    keep_retired: tuple[FoundTask, ...]
    """Retired but annotated: marked, never deleted."""
    absent: tuple[FoundTask, ...]
    """Of documents the file does not speak about, outside the selection or the sample, made by others, or retired before."""

    def counts(self) -> dict[str, int]:
        """Numbers as a report shows them."""
        return {
            "created": len(self.create),
            "updated": len(self.update) + len(self.replace),
            "unchanged": len(self.unchanged),
            "retired": len(self.delete) + len(self.keep_retired),
            "absent": len(self.absent),
        }


def decide(wanted: Wanted, found: Iterable[FoundTask], selection: Selection, *, prune: bool = False) -> Plan:
    """Compare what is wanted with what the server has. Pure.

    A found task is retired when its document is in the file (with `prune`: whatever its document) and the same selection
    would have pushed it, yet no wanted segment is its own. Of several tasks for one segment the one that annotators touched
    stays, else the one that is as wanted, else the oldest."""
    by_segment: dict[str, list[FoundTask]] = defaultdict(list)
    for task in found:
        by_segment[task.segment_id].append(task)
    create: list[WantedTask] = []
    update: list[tuple[FoundTask, WantedTask]] = []
    anew: list[tuple[FoundTask, WantedTask]] = []
    unchanged: list[FoundTask] = []
    delete: list[FoundTask] = []
    keep: list[FoundTask] = []
    absent: list[FoundTask] = []
    for identity, want in wanted.tasks.items():
        copies = by_segment.pop(identity, [])
        if not copies:
            create.append(want)
            continue
        own, *extras = sorted(copies, key=lambda task: (not task.touched, task.essence != want.essence, task.id))
        if own.essence == want.essence:
            unchanged.append(own)
        else:
            (update if own.laden else anew).append((own, want))
        delete += [task for task in extras if not task.touched]
        keep += [task for task in extras if task.touched and not task.retired]
        absent += [task for task in extras if task.touched and task.retired]
    for task in (task for tasks in by_segment.values() for task in tasks):
        in_scope = bool(task.segment_id) and wanted.complete and (prune or task.doc_id in wanted.documents)
        if task.retired or task.segment_id in wanted.spared or not (in_scope and _selected(task, selection)):
            absent.append(task)
        elif task.touched:
            keep.append(task)
        else:
            delete.append(task)
    return Plan(
        create=tuple(create),
        update=tuple(update),
        replace=tuple(anew),
        unchanged=tuple(unchanged),
        delete=tuple(delete),
        keep_retired=tuple(keep),
        absent=tuple(absent),
    )


def _selected(task: FoundTask, selection: Selection) -> bool:
    """Whether the selection would have pushed a found task. A part was selected as the whole it was cut from."""
    if task.part:
        selection = replace(selection, min_chars=0)
    return selection.takes(task.lang, task.region, task.chars)
