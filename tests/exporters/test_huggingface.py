"""The Hugging Face folder: tags as numbers whose names are declared, one file a split."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given

from annotate.exporters import EXPORTERS, Options
from annotate.exporters.huggingface import write
from annotate.model import GoldRecord
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
        "topics": ["culture"],
    }
    columns = {column["name"]: column for column in head(tmp_path)["dataset_info"]["features"]}
    assert list(columns) == list(rows[0])
    declared = columns["ner_tags"]["sequence"]["class_label"]["names"]
    assert [declared[str(i)] for i in range(len(declared))] == NAMES == done.manifest["tags"]
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


def test_datasets_loads_it_whatever_the_rows_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    late = [gold(str(i), "Nothing here.", cats={}) for i in range(3000)]
    write({"train": [*late, *SPLITS["train"]], "test": late[:1]}, tmp_path, Options(SCHEMA))
    data = datasets.load_dataset(str(tmp_path / "hf"), cache_dir=str(tmp_path / "cache"))
    assert {split: len(rows) for split, rows in data.items()} == {"train": 3005, "test": 1}
    assert data["test"].features["ner_tags"].feature.names == NAMES
    assert data["train"][3000]["tokens"][0] == "University"


def test_it_is_registered_by_name() -> None:
    assert EXPORTERS.get("hf") is write
