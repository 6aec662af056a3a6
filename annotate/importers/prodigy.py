"""Prodigy's JSONL (`db-out`): manual NER and span categorization, choice, and binary text classification; and our own `jsonl`.

`answer` is heard: `accept` is an answer, `ignore` is a skip, and `reject` is an answer only where the task was binary about a
topic (it does not hold); elsewhere it says that something is wrong and not what, so the line is a reject. In choice tasks the
`options` were asked. `_annotator_id`, else `_session_id`, is the annotator, `_timestamp` the date, and where there is no `id`
`_input_hash` tells which answers are about one text. Tokens are not needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from annotate.importers import Bad, Item, Settings
from annotate.importers.rows import Row, own_meta, rows, settled, span_of
from annotate.schema import LabelSchema


def read(path: Path, settings: Settings) -> Iterator[Item | Bad]:
    """The lines of a file."""
    for number, line, row in rows(path):
        if isinstance(row, Bad):
            yield row
            continue
        try:
            yield _item(number, row, settings.schema)
        except ValueError as problem:
            hint = (
                "a rejected answer does not say what is right: correct it in Prodigy" if row.get("answer") == "reject" else ""
            )
            yield Bad(number, "invalid", str(problem), hint, line)


def _item(number: int, row: Row, schema: LabelSchema) -> Item:
    text, answer = row.get("text"), row.get("answer", "accept")
    if not isinstance(text, str):
        raise ValueError("there is no text")
    if answer not in ("accept", "reject", "ignore"):
        raise ValueError(f"answer {answer!r} is none of accept, reject, ignore")
    spans = [] if answer == "ignore" else [span_of(found) for found in row.get("spans") or []]
    quotes = {
        (s[0], s[1]): f["text"] for s, f in zip(spans, row.get("spans") or [], strict=False) if isinstance(f.get("text"), str)
    }
    status: Literal["submitted", "skipped"] = "skipped" if answer == "ignore" else "submitted"
    meta = row["meta"] if isinstance(row.get("meta"), dict) else {}
    moment = str(meta.get("updated_at") or _moment(row.get("_timestamp")))
    return Item(
        number,
        text,
        tuple(spans),
        quotes,
        _cats(row, answer, schema),
        id=str(row.get("id", row.get("_input_hash", ""))),
        meta=own_meta(meta),
        status=status,
        annotator=str(row.get("_annotator_id") or row.get("_session_id") or ""),
        created_at=str(meta.get("created_at", moment)),
        updated_at=moment,
    )


def _cats(row: Mapping[str, Any], answer: str, schema: LabelSchema) -> dict[str, float]:
    if isinstance(cats := row.get("cats"), dict):
        return {str(topic): float(value) for topic, value in cats.items() if value is not None}
    label, accepted = row.get("label"), row.get("accept")
    if isinstance(label, str) and not row.get("spans") and not isinstance(accepted, list):
        return {label: float(answer == "accept")} if answer != "ignore" else {}
    if answer == "reject":
        raise ValueError("the answer is reject")
    if isinstance(accepted, list):
        if options := [str(option["id"]) for option in row.get("options") or [] if isinstance(option, dict) and "id" in option]:
            return {option: float(option in accepted) for option in options}
        return settled([str(topic) for topic in accepted], schema)
    return {}


def _moment(timestamp: object) -> str:
    if not isinstance(timestamp, int | float):
        return ""
    return datetime.fromtimestamp(timestamp, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
