"""Web Annotations: two ways to every place, texts and accepted topics whole."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from hypothesis import given

from annotate.exporters import EXPORTERS, Options
from annotate.exporters.web_annotation import CONTEXT, write
from annotate.model import GoldRecord, Span
from tests.exporters.records import SCHEMA, SPLITS, TOTAL, records


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


Content = tuple[str, str, str, str, str, tuple[str, ...], tuple[Span, ...]]


def back(annotations: list[dict[str, Any]]) -> list[Content]:
    """What annotations say: id, document, language, region, text, accepted topics and spans of every segment."""
    found: dict[str, Content] = {}
    for item in annotations:
        target, bodies = item["target"], item["body"]
        if item["motivation"] == "classifying":
            source = target["source"]
            segment, document = (unquote(iri.split(":", 3)[3]) for iri in (source["id"], target["scope"]))
            topics = tuple(body["value"] for body in bodies)
            found[source["id"]] = (
                segment, document, source["language"], source["dcterms:type"], source["value"], topics, (),
            )  # fmt: skip
            continue
        position, quote = target["selector"]
        *rest, spans = found[target["source"]]
        text = rest[4]
        start, end = position["start"], position["end"]
        assert (text[start:end], text[:start].endswith(quote["prefix"])) == (quote["exact"], True)
        assert text[end:].startswith(quote["suffix"])
        assert len(quote["prefix"]) == min(start, 32)
        assert len(quote["suffix"]) == min(len(text) - end, 32)
        (body,) = bodies
        found[target["source"]] = (*rest, (*spans, Span(start, end, body["value"], quote["exact"])))
    return list(found.values())


def content(record: GoldRecord) -> Content:
    meta = record.meta
    return record.id, meta.doc_id, meta.lang, meta.region, record.text, record.accept, record.spans


def test_shape(tmp_path: Path) -> None:
    done = write(SPLITS, tmp_path, Options(SCHEMA))
    rows = lines(tmp_path / "webanno/train.jsonl")
    assert {(row["@context"], row["type"]) for row in rows} == {(CONTEXT, "Annotation")}
    assert len({row["id"] for row in rows}) == len(rows)
    assert rows[2] == {
        "@context": CONTEXT,
        "id": "urn:annotate:segment:a:span:14-19:LOC",
        "type": "Annotation",
        "motivation": "tagging",
        "body": [{"type": "TextualBody", "purpose": "tagging", "value": "LOC"}],
        "target": {
            "type": "SpecificResource",
            "source": "urn:annotate:segment:a",
            "scope": "urn:annotate:document:d%201%0A%C3%9F",
            "selector": [
                {"type": "TextPositionSelector", "start": 14, "end": 19},
                {"type": "TextQuoteSelector", "exact": "Turku", "prefix": "University of ", "suffix": " e\u0301"},
            ],
        },
    }
    assert (done.spans_out, done.rejects) == (TOTAL, ())
    assert done.limits == ("Web Annotation files: records whose open topic groups look as if no topic held: 2.",)


def test_texts_spans_and_accepted_topics_come_back(tmp_path: Path) -> None:
    write(SPLITS, tmp_path, Options(SCHEMA))
    for split, given_records in SPLITS.items():
        assert back(lines(tmp_path / f"webanno/{split}.jsonl")) == [content(record) for record in given_records]


@given(records())
def test_any_record_comes_back(record: GoldRecord) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write({"train": [record]}, Path(folder), Options(SCHEMA))
        assert back(lines(Path(folder) / "webanno/train.jsonl")) == [content(record)]


def test_it_is_registered_by_name() -> None:
    assert EXPORTERS.get("webanno") is write
