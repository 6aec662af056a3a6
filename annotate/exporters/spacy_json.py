"""`spacy-json/LANG/SPLIT.jsonl`: what `Doc.to_json` gives, one document a line; `Doc.from_json` reads it back.

The same documents as in the `spacy` format, in text: entities without overlap in `ents`, all aligned spans in `spans["sc"]`,
topics in `cats`. Two keys more, which spaCy passes over: the record's `id`, and its `meta`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from annotate.exporters import Exported, Options
from annotate.exporters.aligned import Aligner, by_language, tokenizers_of
from annotate.model import GoldRecord
from annotate.spacy_docs import SPANS_KEY, VERSIONS, TokenSpan
from annotate.store import write_records


def write(splits: Mapping[str, Sequence[GoldRecord]], folder: Path, options: Options) -> Exported:
    """Write one file per language and split."""
    aligner = Aligner("spacy-json", options)
    names = []
    for split, records in splits.items():
        for lang, group in by_language(records):
            names.append(f"spacy-json/{lang}/{split}.jsonl")
            write_records(folder / names[-1], _rows(group, aligner))
    if aligner.adjusted:
        write_records(folder / "spacy-json" / "adjusted.jsonl", aligner.adjusted)
    tokenizers = tokenizers_of(splits)
    return Exported(
        spans_out=aligner.spans_out,
        rejects=tuple(aligner.rejects),
        adjusted=len(aligner.adjusted),
        manifest={"tokenizers": tokenizers},
        tools={"spacy": VERSIONS["spacy"]},
        usage=_usage(min(names), tokenizers),
        limits=tuple(aligner.limits("spaCy JSON", tokenizers, "spacy-json/adjusted.jsonl")),
    )


def _rows(records: Sequence[GoldRecord], aligner: Aligner) -> Iterator[dict[str, Any]]:
    for built in aligner.docs(records):
        record, tokens = built.record, built.tokens
        places = enumerate(zip(tokens.starts, tokens.ends, strict=True))
        yield {
            "id": record.id,
            "text": record.text,
            "ents": [_place(item) for item in built.ents],
            "spans": {SPANS_KEY: [_place(item) | {"kb_id": ""} for item in built.spans]},
            "cats": record.cats,
            "tokens": [{"id": number, "start": start, "end": end} for number, (start, end) in places],
            "meta": record.meta,
        }


def _place(item: TokenSpan) -> dict[str, Any]:
    return {"start": item.span.start, "end": item.span.end, "label": item.span.label}


def _usage(example: str, tokenizers: Mapping[str, Mapping[str, Any]]) -> str:
    config = tokenizers[example.split("/")[1]]
    return f"""```python
import json
import spacy
from spacy.tokens import Doc

nlp = spacy.blank("{config["blank"]}", config={{"nlp": {{"tokenizer": {json.dumps(config["tokenizer"])}}}}})
with open("{example}", encoding="utf-8") as lines:
    docs = [Doc(nlp.vocab).from_json(json.loads(line)) for line in lines]
```"""
