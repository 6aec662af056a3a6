"""Records for tests: everything has a default, a test names what it is about."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from annotate.codec import dumps
from annotate.model import Document, SchemaRef, Segment, Source, segment_ids
from annotate.schema import LabelSchema, parse

SCHEMA_TEXT = """\
schema: little
version: 1.0.0
languages: [en, fi, ko, ar]
regions: {annotate: [title, body], context: [cookie_notice]}
entities: {overlap: nested, labels: [PERSON, ORG, GPE]}
topics:
  - {id: theme, choice: multi, labels: [sport, trade]}
  - {id: genre, choice: single, labels: [report, opinion]}
"""

REF = SchemaRef("little", "1.0.0", "0" * 64)

HARD_TEXTS = (
    "Plain words about nothing.",
    "Familie 👨‍👩‍👧‍👦 reist nach Oulu 🇫🇮 👍🏽.",
    "Ma\u0308kela\u0308 so\u0308i pu\u0308ree\u0308ta\u0308",  # decomposed
    "어제 한강전자는 서울에서 발표했다.",
    "أعلنت شركة البحر في بيروت أمس.",
    "นักดนตรีจากเชียงใหม่ชนะ",
    "a <b>bold &amp; brave</b> Oulu",
    "two  spaces\u00a0and\tmore Oulu  ",
    "\n\nleading and trailing lines Oulu\n\n\n",
)


def set_up(folder: Path, title: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings and a little schema in a folder that becomes the current one."""
    monkeypatch.chdir(folder)
    (folder / "little.yaml").write_text(SCHEMA_TEXT, encoding="utf-8")
    (folder / "annotate.yaml").write_text(f"project: {json.dumps(title)}\nschema: little.yaml\n")
    return folder


def write_lines(path: Path, records: Iterable[object]) -> None:
    """Records as JSON lines."""
    path.write_bytes(b"".join(dumps(record) + b"\n" for record in records))


def schema(text: str = SCHEMA_TEXT) -> LabelSchema:
    return parse(text, "little.yaml")


def segment(text: str = "The harbour of Oulu is open.", *, doc_id: str = "a.txt", start: int = 0, **fields: Any) -> Segment:
    values: dict[str, Any] = {
        "id": segment_ids(doc_id, [text])[0],
        "doc_id": doc_id,
        "start": start,
        "end": start + len(text),
        "text": text,
        "lang": "en",
        "lang_score": 0.99,
        "script": "Latn",
        "region": "body",
        "region_score": 0.9,
        "source": Source(start, start + len(text)),
        "meta": {},
    }
    return Segment(**values | fields)


def segments(texts: Sequence[str], *, doc_id: str = "a.txt", **fields: Any) -> list[Segment]:
    made, start = [], 0
    for text, identity in zip(texts, segment_ids(doc_id, texts), strict=True):
        made.append(segment(text, doc_id=doc_id, start=start, id=identity, **fields))
        start += len(text)
    return made


def document(text: str, *, doc_id: str = "a.txt", meta: Mapping[str, Any] | None = None) -> Document:
    return Document(doc_id, text, meta or {})
