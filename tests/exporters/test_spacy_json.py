"""spaCy JSON: what `Doc.to_json` gives, and `Doc.from_json` reads."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import spacy
from hypothesis import given
from spacy.tokens import Doc

from annotate.codec import loads
from annotate.exporters import EXPORTERS, Options
from annotate.exporters.spacy_json import write
from annotate.model import GoldMeta, GoldRecord
from annotate.spacy_docs import build_doc, tokenizer_for
from tests.exporters.records import SCHEMA, SPLITS, TOTAL, records


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_every_line_is_a_document_for_spacy(tmp_path: Path) -> None:
    done = write(SPLITS, tmp_path, Options(SCHEMA))
    files = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.jsonl"))
    assert files == [
        "spacy-json/adjusted.jsonl",
        "spacy-json/ar/train.jsonl",
        "spacy-json/en/train.jsonl",
        "spacy-json/ko/train.jsonl",
        "spacy-json/no/test.jsonl",
        "spacy-json/und/test.jsonl",
    ]
    given = {record.id: record for split in SPLITS.values() for record in split}
    spans = 0
    for name in files[1:]:
        tokenizer = done.manifest["tokenizers"][name.split("/")[1]]
        nlp = spacy.blank(tokenizer["blank"], config={"nlp": {"tokenizer": tokenizer["tokenizer"]}})
        for row in lines(tmp_path / name):
            assert list(row) == ["id", "text", "ents", "spans", "cats", "tokens", "meta"]
            doc = Doc(nlp.vocab).from_json(row, validate=True)
            record = given.pop(row["id"])
            assert (doc.text, doc.cats) == (record.text, record.cats)
            assert loads(json.dumps(row["meta"]), GoldMeta) == record.meta
            spans += len(doc.spans["sc"])
    assert not given
    assert spans == done.spans_out == TOTAL - len(done.rejects)
    assert [(item.code, item.id) for item in done.rejects] == [("misaligned", "e")]
    assert any("`spacy-json/adjusted.jsonl`): 1" in limit for limit in done.limits)


@given(records())
def test_documents_come_back_as_they_were_built(record: GoldRecord) -> None:
    built = build_doc(record)
    with tempfile.TemporaryDirectory() as folder:
        done = write({"train": [record]}, Path(folder), Options(SCHEMA))
        (row,) = lines(Path(folder) / "spacy-json" / record.meta.lang / "train.jsonl")
    doc = Doc(tokenizer_for(record.meta.lang)[0].vocab).from_json(row, validate=True)
    assert [token.text for token in doc] == built.tokens.words
    assert [bool(token.whitespace_) for token in doc] == built.tokens.spaces.tolist()
    for kept, found in ((built.ents, doc.ents), (built.spans, doc.spans["sc"])):
        assert [(s.first, s.last, s.span.label) for s in kept] == [(s.start, s.end, s.label_) for s in found]
    again = doc.to_json()  # what spaCy writes itself
    assert {key: again[key] for key in ("ents", "spans", "tokens")} == {key: row[key] for key in ("ents", "spans", "tokens")}
    assert doc.cats == record.cats
    assert done.spans_out + len(done.rejects) == len(record.spans)


def test_it_is_registered_by_name() -> None:
    assert EXPORTERS.get("spacy-json") is write
