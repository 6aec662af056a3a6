"""What formats of one JSON object a line share."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import msgspec

from annotate.importers import Bad
from annotate.model import GoldMeta
from annotate.schema import LabelSchema
from annotate.store import opened

Row = dict[str, Any]

META = tuple(field.name for field in fields(GoldMeta))


def rows(path: Path) -> Iterator[tuple[int, bytes, Row | Bad]]:
    """Line number, line, and the object in it; `Bad` where there is none. Blank lines are passed over."""
    with opened(path) as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            line = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
            try:
                row = msgspec.json.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError) as problem:
                yield number, line, Bad(number, "unreadable", f"not JSON: {problem}", record=line)
                continue
            if isinstance(row, dict):
                yield number, line, row
            else:
                yield number, line, Bad(number, "unreadable", f"not a JSON object but {type(row).__name__}", record=line)


def settled(accepted: Collection[str], schema: LabelSchema) -> dict[str, float]:
    """Accepted topics as cats: the groups they belong to are settled, all others open. Unknown ones stay, to be rejected."""
    cats: dict[str, float] = {}
    for group in schema.topics:
        names = {label.id: {label.id, *label.aliases} for label in group.labels}
        if any(not known.isdisjoint(accepted) for known in names.values()):
            cats |= {label: float(not known.isdisjoint(accepted)) for label, known in names.items()}
    known_names = {name for group in schema.topics for label in group.labels for name in (label.id, *label.aliases)}
    return cats | {topic: 1.0 for topic in accepted if topic not in known_names}


def own_meta(row: Mapping[str, Any]) -> dict[str, Any]:
    """Of a mapping the keys of `GoldMeta`: all of them when annotate exported it, or what others happen to have too."""
    found = {key: row[key] for key in META if key in row}
    if "schema_sha256" in found and "decided_by" in found:
        return found
    if "segment_id" in found:  # a row of `raw`, which nobody decided
        return {key: found[key] for key in ("doc_id", "segment_id", "lang", "region", "start", "split") if key in found}
    return {key: found[key] for key in ("doc_id", "lang", "region") if isinstance(found.get(key), str) and found[key]}


def span_of(found: Mapping[str, Any], start: str = "start", end: str = "end") -> tuple[int, int, str]:
    """A span written as an object. `ValueError` when it is none."""
    match (found.get(start), found.get(end), found.get("label")):
        case (int(first), int(last), str(label)) if label:
            return first, last, label
    raise ValueError(f"no span: {found!r}")
