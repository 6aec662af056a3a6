"""spaCy's `.spacy` files (DocBin) and `Doc.to_json` lines; and our own `spacy` and `spacy-json`.

Spans come from `doc.spans["sc"]`, which may overlap, and from `doc.ents` where that group is not there. A topic holds from 0.5
on. In a DocBin our own exports carry identity and provenance in `doc.user_data`, in JSON lines in `meta`. A DocBin stores no
language: name it, unless the file is our own. Files of JSON lines are told by their suffix, `.jsonl`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from annotate.errors import ReadError
from annotate.importers import Bad, Item, Settings
from annotate.importers.rows import Row, own_meta, rows, span_of
from annotate.store import opened

HOLDS = 0.5


def read(path: Path, settings: Settings) -> Iterator[Item | Bad]:
    """The documents of a file; their number counts as the line."""
    if path.suffix in (".jsonl", ".json"):
        yield from _lines(path)
        return
    from annotate.spacy_docs import SPANS_KEY, read_docbin  # spaCy takes seconds to load

    with opened(path) as file:
        content = file.read()
    try:
        for number, doc in enumerate(read_docbin(content, settings.lang), 1):
            found = doc.spans.get(SPANS_KEY, doc.ents)
            spans = tuple((span.start_char, span.end_char, span.label_) for span in found)
            own = {str(key): value for key, value in doc.user_data.items() if isinstance(key, str)}
            yield Item(number, doc.text, spans, cats=_held(doc.cats), id=str(own.get("id", "")), meta=own_meta(own))
    except ReadError as problem:
        yield Bad(-1, "unreadable", problem.message, problem.hint)


def _lines(path: Path) -> Iterator[Item | Bad]:
    for number, line, row in rows(path):
        if isinstance(row, Bad):
            yield row
            continue
        try:
            yield _item(number, row)
        except ValueError as problem:
            yield Bad(number, "invalid", str(problem), record=line)


def _item(number: int, row: Row) -> Item:
    text, groups, cats = row.get("text"), row.get("spans"), row.get("cats")
    if not isinstance(text, str):
        raise ValueError("there is no text")
    found = groups["sc"] if isinstance(groups, dict) and "sc" in groups else row.get("ents") or []
    meta = own_meta(row["meta"]) if isinstance(row.get("meta"), dict) else {}
    held = _held(cats if isinstance(cats, dict) else {})
    return Item(number, text, tuple(span_of(span) for span in found), cats=held, id=str(row.get("id", "")), meta=meta)


def _held(cats: Mapping[str, Any]) -> dict[str, float]:
    return {str(topic): float(float(score) >= HOLDS) for topic, score in cats.items()}
