"""doccano's JSONL: sequence labelling, `[start, end, label]` in `label` (also `labels`, or `entities` when there are
relations), and text classification, a list of names in `label`; and our own `doccano`.

Offsets are code points; a project that counts grapheme clusters exports other ones, which shows when a span is past the end.
Relations and comments are not read. An empty `label` is an example without entities that says nothing about topics.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

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
            yield Bad(number, "invalid", str(problem), record=line)


def _item(number: int, row: Row, schema: LabelSchema) -> Item:
    text = row.get("text", row.get("data"))
    if not isinstance(text, str):
        raise ValueError("there is no text")
    spans, topics = [], []
    for found in row.get("label") or row.get("labels") or row.get("entities") or []:
        match found:
            case [int(start), int(end), str(label)]:
                spans.append((start, end, label))
            case dict():
                spans.append(span_of(found, "start_offset", "end_offset"))
            case str():
                topics.append(found)
            case _:
                raise ValueError(f"neither a span nor a topic: {found!r}")
    meta = own_meta(row)
    if isinstance(unsettled := row.get("unsettled"), list) and isinstance(accepted := row.get("cats"), list):
        cats = {topic: float(topic in accepted) for topic in schema.topic_ids if topic not in unsettled}
        cats |= {str(topic): 1.0 for topic in accepted}
    else:
        cats = settled([*topics, *(row["cats"] if isinstance(row.get("cats"), list) else [])], schema)
    annotator = row.get("annotator") or row.get("username") or ""
    return Item(number, text, tuple(spans), cats=cats, id=str(row.get("id", "")), meta=meta, annotator=str(annotator))
