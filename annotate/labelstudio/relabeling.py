"""Stored results under a new schema, and what labels are in use. Pure: Label Studio's JSON in, Label Studio's JSON out.

Results of kinds we do not know pass through untouched: what we do not understand we do not rewrite."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from annotate.errors import InvariantError
from annotate.schema import ENTITIES
from annotate.schema.diff import Key, Routes

Json = dict[str, Any]

_VALUES = {"labels": "labels", "choices": "choices"}


def labels_of(result: object) -> list[Key]:
    """The labels of a stored result, one entry for each span or choice."""
    found = []
    for region in result if isinstance(result, list) else ():
        names = _names(region)
        if names is not None:
            found += [(str(region["from_name"]), str(name)) for name in names]
    return found


def relabeled(result: object, routes: Routes, single: Collection[str]) -> list[Json] | None:
    """The result with its labels where the routes lead; None when no label of it goes anywhere. `single` are the topic groups
    that take one label: `InvariantError` when several would meet in one."""
    if not any(key in routes for key in labels_of(result)):
        return None
    assert isinstance(result, list)  # only a list has labels
    kept: list[Json] = []
    groups: dict[str, Json] = {}
    for region in result:
        names = _names(region)
        if names is None:
            kept.append(region)
        elif region["type"] == "labels":
            kept += _moved_span(region, names, routes, kept)
        else:
            kept += _moved_choices(region, names, routes, groups)
    for name, region in groups.items():
        chosen = region["value"]["choices"]
        if name in single and len(chosen) > 1:
            raise InvariantError(f"topic group {name!r} takes one label, {' and '.join(chosen)} would meet in it")
    return kept


def _names(region: object) -> list[object] | None:
    match region:
        case {"type": "labels" | "choices" as kind, "from_name": str(), "value": {**value}}:
            names = value.get(_VALUES[kind])
            return names if isinstance(names, list) else None
        case _:
            return None


def _moved_span(region: Json, names: Sequence[object], routes: Routes, kept: Sequence[Json]) -> list[Json]:
    targets = [_target((region["from_name"], str(name)), routes) for name in names]
    after = list(dict.fromkeys(target[1] for target in targets if target))
    if not after:
        return []
    moved = region if after == names else {**region, "value": {**region["value"], "labels": after}}
    # Two labels on the same stretch that became one are one.
    return [] if any(_stretch(other) == _stretch(moved) for other in kept) else [moved]


def _stretch(region: Json) -> tuple[object, ...]:
    value = region.get("value")
    return tuple(value.get(key) for key in ("start", "end", "labels")) if isinstance(value, dict) else ()


def _moved_choices(region: Json, names: Sequence[object], routes: Routes, groups: dict[str, Json]) -> list[Json]:
    """The results to add for one result: its labels may spread over several groups, and join what is there in each."""
    added = []
    for name in names:
        target = _target((region["from_name"], str(name)), routes)
        if target is None:
            continue
        group, label = target
        if group not in groups:
            own = {} if group == region["from_name"] or "id" not in region else {"id": f"{region['id']}-{group}"}
            groups[group] = {**region, **own, "from_name": group, "value": {**region["value"], "choices": []}}
            added.append(groups[group])
        if label not in groups[group]["value"]["choices"]:
            groups[group]["value"]["choices"].append(label)
    return added


def _target(key: Key, routes: Routes) -> Key | None:
    return routes.get(key, key)


# -- what is in use ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Usage:
    """How many answers of each kind hold each label. Annotations include those that were imported, which Label Studio's own
    check does not see."""

    annotations: Counter[Key] = field(default_factory=Counter)
    drafts: Counter[Key] = field(default_factory=Counter)
    predictions: Counter[Key] = field(default_factory=Counter)
    several: Counter[str] = field(default_factory=Counter)
    """Annotations with more than one label, by topic group."""
    overlapping: int = 0
    """Annotations in which spans overlap."""

    def of(self, key: Key) -> int:
        """Annotations and drafts that hold a label: what a person said. (Predictions can be made again.)"""
        return self.annotations[key] + self.drafts[key]

    def counts(self, key: Key) -> dict[str, int]:
        """Answers that hold a label, by kind."""
        return {"annotation": self.annotations[key], "draft": self.drafts[key], "prediction": self.predictions[key]}


def in_words(counts: Mapping[str, int]) -> str:
    """`3 annotations, 1 draft`: what is not zero."""
    return ", ".join(f"{number:,} {kind}{'s' * (number > 1)}" for kind, number in counts.items() if number)


def usage_of(tasks: Iterable[Json]) -> Usage:
    """What the tasks of a project hold; each listed in full, with the drafts of all people as `drafts`."""
    annotations, drafts, predictions, several = Counter[Key](), Counter[Key](), Counter[Key](), Counter[str]()
    overlapping = 0
    for task in tasks:
        for counter, kind in ((annotations, "annotations"), (drafts, "drafts"), (predictions, "predictions")):
            for answer in task.get(kind) or ():
                counter.update(set(labels_of(_result(answer))))
        for answer in task.get("annotations") or ():
            found = Counter(control for control, _ in dict.fromkeys(labels_of(_result(answer))))
            several.update(control for control, number in found.items() if number > 1 and control != ENTITIES)
            overlapping += _overlaps(_result(answer))
    return Usage(annotations, drafts, predictions, several, overlapping)


def _result(answer: object) -> object:
    return answer.get("result") if isinstance(answer, Mapping) else None


def _overlaps(result: object) -> bool:
    spans = set()
    for region in result if isinstance(result, list) else ():
        match region:
            case {"type": "labels", "value": {"start": int(start), "end": int(end)}}:
                spans.add((start, end))
    ordered = sorted(spans)
    return any(start < end for (start, _), end in zip(ordered[1:], accumulate((end for _, end in ordered), max), strict=False))
