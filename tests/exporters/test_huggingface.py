"""The Hugging Face folder: tags as numbers whose names are declared, one file a split."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given

from annotate.dataset import SplitRow, export
from annotate.dataset.splits import Split
from annotate.exporters import EXPORTERS, Options
from annotate.exporters.huggingface import write
from annotate.model import GoldRecord
from annotate.schema import parse
from annotate.store import write_records
from tests.exporters.records import SCHEMA, SPLITS, TOTAL, gold, records

NAMES = ["O", "B-ORG", "I-ORG", "B-LOC", "I-LOC", "B-ART_BOOK", "I-ART_BOOK"]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def head(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((folder / "hf/README.md").read_text("utf-8").split("---\n")[1])
    return found


def test_rows_and_their_declared_columns(tmp_path: Path) -> None:
    done = write(SPLITS, tmp_path, Options(SCHEMA))
    rows = lines(tmp_path / "hf/train.jsonl")
    assert rows[0] == {
        "id": "a",
        "tokens": ["University", "of", "Turku", "e\u0301"],
        "ner_tags": [1, 2, 2, 0],
        "language": "en",
        "region": "body",
        "doc_id": "d 1\nß",
        "topics": [1],
    }
    columns = {column["name"]: column for column in head(tmp_path)["dataset_info"]["features"]}
    assert list(columns) == list(rows[0])
    declared = columns["ner_tags"]["sequence"]["class_label"]["names"]
    assert [declared[str(i)] for i in range(len(declared))] == NAMES == done.manifest["tags"]
    assert columns["topics"]["sequence"]["class_label"]["names"] == {"0": "sport", "1": "culture", "2": "calm"}
    (config,) = head(tmp_path)["configs"]
    assert config["data_files"] == [{"split": "train", "path": "train.jsonl"}, {"split": "test", "path": "test.jsonl"}]
    assert head(tmp_path)["language"] == ["ar", "en", "ko", "no", "und"]


def test_spans_in_are_spans_out_and_rejects(tmp_path: Path) -> None:
    done = write(SPLITS, tmp_path, Options(SCHEMA))
    begun = sum(
        NAMES[tag].startswith("B-")
        for split in SPLITS
        for row in lines(tmp_path / f"hf/{split}.jsonl")
        for tag in row["ner_tags"]
    )
    assert begun == done.spans_out == TOTAL - len(done.rejects)
    assert [item.code for item in done.rejects] == ["overlap", "overlap", "overlap", "misaligned"]
    assert done.adjusted == len(lines(tmp_path / "hf/adjusted.jsonl")) == 1


@given(records())
def test_any_record_has_a_tag_for_every_token(record: GoldRecord) -> None:
    with tempfile.TemporaryDirectory() as folder:
        done = write({"train": [record]}, Path(folder), Options(SCHEMA))
        (row,) = lines(Path(folder) / "hf/train.jsonl")
    assert len(row["tokens"]) == len(row["ner_tags"])
    assert "".join(row["tokens"]) == "".join(record.text.split())
    assert sum(tag % 2 for tag in row["ner_tags"]) == done.spans_out == len(record.spans) - len(done.rejects)


NO_TOPICS = "schema: t\nentities: {overlap: any, labels: [ORG, LOC, ART.BOOK]}\n"
NO_ENTITIES = "schema: t\ntopics: [{id: theme, choice: multi, labels: [sport, culture, calm]}]\n"


def exported(
    folder: Path, records: list[GoldRecord], schema_text: str = "", formats: tuple[str, ...] = ("jsonl", "hf")
) -> Path:
    """An export whose documents stay in the splits their records name."""
    schema = parse(schema_text, "t.yaml") if schema_text else SCHEMA
    rows = {record.meta.doc_id: SplitRow(record.meta.doc_id, record.meta.doc_id, record.meta.split) for record in records}
    write_records(folder / "gold.splits.jsonl", rows.values())
    own = [replace(record, meta=replace(record.meta, schema_sha256=schema.sha256)) for record in records]
    export(
        own,
        folder / "out",
        schema=schema,
        schema_bytes=schema_text.encode() or b"schema: t\n",
        formats=formats,
        frozen=folder / "gold.splits.jsonl",
    )
    return folder / "out"


def in_split(split: Split, *records: GoldRecord) -> list[GoldRecord]:
    named = [replace(record, id=f"{split} {record.id}") for record in records]
    return [replace(record, meta=replace(record.meta, split=split, doc_id=record.id)) for record in named]


def loaded(folder: Path, *config: str) -> Any:
    import datasets  # it reads its settings on import, and `conftest` sets them after that of this module

    cache = tempfile.mkdtemp(dir=folder.parent)
    return datasets.load_dataset(str(folder), *config, cache_dir=cache)


PLAIN = gold("p", "Nothing of note happened on the island.", cats={})
ANSWERED = gold("q", "The University of Turku opened.", ("University of Turku", "ORG"))


@pytest.mark.parametrize(
    ("records", "schema"),
    [
        pytest.param(in_split("train", PLAIN) + in_split("test", PLAIN), "", id="no span and no topic at all"),
        pytest.param(in_split("train", ANSWERED), "", id="two empty splits"),
        pytest.param(in_split("train", ANSWERED) + in_split("test", PLAIN), "", id="a split without spans"),
        pytest.param(in_split("train", PLAIN) + in_split("dev", ANSWERED), "", id="spans in another split only"),
        pytest.param(in_split("train", replace(ANSWERED, cats={}, accept=())), NO_TOPICS, id="a schema without topics"),
        pytest.param(in_split("train", replace(ANSWERED, spans=())), NO_ENTITIES, id="a schema without entities"),
    ],
)
def test_datasets_loads_an_export_of_any_shape(tmp_path: Path, records: list[GoldRecord], schema: str) -> None:
    out = exported(tmp_path, records, schema)
    expected = Counter(record.meta.split for record in records)
    found = [loaded(out), loaded(out, "tokens"), loaded(out / "hf")]
    for data in found:
        assert {split: len(rows) for split, rows in data.items()} == expected
        assert len({str(rows.features) for rows in data.values()}) == 1
    ids = {record.id: record for record in records}
    for rows in found[0].values():
        for row in rows:
            record = ids[row["id"]]
            assert [(span["start"], span["end"], span["label"]) for span in row["spans"]] == [
                (span.start, span.end, span.label) for span in record.spans
            ]
            assert {topic: value for topic, value in (row["cats"] or {}).items() if value is not None} == record.cats
    for data in found[1:]:
        for rows in data.values():
            tags, topics = rows.features["ner_tags"].feature, rows.features["topics"].feature
            for row in rows:
                begun = [tags.int2str(tag) for tag in row["ner_tags"] if tags.int2str(tag).startswith("B-")]
                assert begun == [f"B-{span.label}" for span in ids[row["id"]].spans]
                assert [topics.int2str(topic) for topic in row["topics"]] == list(ids[row["id"]].accept)


def test_datasets_loads_sixty_thousand_rows_before_the_first_span(tmp_path: Path) -> None:
    late = [
        replace(PLAIN, id=f"{number:05}", meta=replace(PLAIN.meta, split="train", start=number)) for number in range(60_000)
    ]
    last = replace(ANSWERED, id="z", meta=replace(ANSWERED.meta, doc_id=PLAIN.meta.doc_id, split="train", start=60_000))
    out = exported(tmp_path, [*late, last])
    whole, tokens = loaded(out)["train"], loaded(out, "tokens")["train"]
    assert len(whole) == len(tokens) == 60_001
    assert whole[60_000]["spans"][0]["text"] == "University of Turku"
    assert [tokens.features["ner_tags"].feature.names[tag] for tag in tokens[60_000]["ner_tags"]][1:4] == [
        "B-ORG",
        "I-ORG",
        "I-ORG",
    ]


def test_an_export_of_tokens_alone_loads_without_a_name(tmp_path: Path) -> None:
    data = loaded(exported(tmp_path, in_split("train", ANSWERED, PLAIN), formats=("hf",)))
    assert data["train"].features["ner_tags"].feature.names == NAMES
    assert data["train"].features["topics"].feature.names == ["sport", "culture", "calm"]


def test_it_is_registered_by_name() -> None:
    assert EXPORTERS.get("hf") is write
