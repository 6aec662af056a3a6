"""`webanno/SPLIT.jsonl`: the W3C's Web Annotation Data Model (Recommendation of 2017), one annotation a line in JSON-LD.

A segment is one resource. Its first annotation classifies it: a body for each accepted topic (none when there is none), and as
the only one it carries the text, `source.value`. Then comes one annotation per span, which finds its place twice over: by
position (code points) and by quotation with up to 32 code points before and after. Documents are `scope`.

Spans may nest and overlap, none is lost. A topic without a body was answered with no, or its group was not settled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from annotate.exporters import Exported, Options, unsettled
from annotate.model import GoldRecord, Span
from annotate.store import write_records

CONTEXT = "http://www.w3.org/ns/anno.jsonld"
QUOTED = 32
"""Code points of the text before and after a span."""


def write(splits: Mapping[str, Sequence[GoldRecord]], folder: Path, options: Options) -> Exported:
    """Write one file per split."""
    spans_out = 0
    for split, records in splits.items():
        write_records(folder / "webanno" / f"{split}.jsonl", _annotations(records))
        spans_out += sum(len(record.spans) for record in records)
    return Exported(
        spans_out=spans_out,
        usage=_usage(f"webanno/{next(iter(splits))}.jsonl"),
        limits=unsettled("Web Annotation files", splits, options.schema),
    )


def _annotations(records: Sequence[GoldRecord]) -> Iterator[dict[str, Any]]:
    for record in records:
        yield _classifying(record)
        for span in record.spans:
            yield _tagging(record, span)


def segment_iri(record: GoldRecord) -> str:
    return f"urn:annotate:segment:{quote(record.id, safe='')}"


def document_iri(record: GoldRecord) -> str:
    return f"urn:annotate:document:{quote(record.meta.doc_id, safe='')}"


def _classifying(record: GoldRecord) -> dict[str, Any]:
    segment = {
        "id": segment_iri(record),
        "type": "Text",
        "format": "text/plain",
        "language": record.meta.lang,
        "dcterms:type": record.meta.region,
        "value": record.text,
    }
    return {
        "@context": CONTEXT,
        "id": f"{segment_iri(record)}:topics",
        "type": "Annotation",
        "motivation": "classifying",
        "body": [{"type": "TextualBody", "purpose": "classifying", "value": topic} for topic in record.accept],
        "target": {"type": "SpecificResource", "source": segment, "scope": document_iri(record)},
    }


def _tagging(record: GoldRecord, span: Span) -> dict[str, Any]:
    text = record.text
    return {
        "@context": CONTEXT,
        "id": f"{segment_iri(record)}:span:{span.start}-{span.end}:{span.label}",
        "type": "Annotation",
        "motivation": "tagging",
        "body": [{"type": "TextualBody", "purpose": "tagging", "value": span.label}],
        "target": {
            "type": "SpecificResource",
            "source": segment_iri(record),
            "scope": document_iri(record),
            "selector": [
                {"type": "TextPositionSelector", "start": span.start, "end": span.end},
                {
                    "type": "TextQuoteSelector",
                    "exact": span.text,
                    "prefix": text[max(0, span.start - QUOTED) : span.start],
                    "suffix": text[span.end : span.end + QUOTED],
                },
            ],
        },
    }


def _usage(example: str) -> str:
    return f"""```python
import json

texts, found = {{}}, []
with open("{example}", encoding="utf-8") as lines:
    for annotation in map(json.loads, lines):
        source = annotation["target"]["source"]
        if annotation["motivation"] == "classifying":
            texts[source["id"]] = source["value"]
        else:
            position, quote = annotation["target"]["selector"]
            assert texts[source][position["start"] : position["end"]] == quote["exact"]
            found.append((quote["exact"], annotation["body"][0]["value"]))
```"""
