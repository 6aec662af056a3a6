"""doccano JSONL holds everything a gold record does."""

from __future__ import annotations

import json
import tempfile
from dataclasses import fields
from pathlib import Path
from typing import Any

from hypothesis import given

from annotate.exporters import EXPORTERS, Options
from annotate.exporters.doccano import write
from annotate.model import GoldMeta, GoldRecord, Span
from tests.exporters.records import SCHEMA, SPLITS, TOTAL, records


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def back(row: dict[str, Any]) -> GoldRecord:
    """The gold record a row came from."""
    spans = tuple(Span(start, end, label, row["text"][start:end]) for start, end, label in row["label"])
    cats = {topic: float(topic in row["cats"]) for topic in SCHEMA.topic_ids if topic not in row["unsettled"]}
    meta = {field.name: row[field.name] for field in fields(GoldMeta)} | {"annotators": tuple(row["annotators"])}
    return GoldRecord(row["id"], row["text"], spans, cats, tuple(row["cats"]), "accept", GoldMeta(**meta))


def test_the_keys_are_doccanos_and_the_rest_is_metadata(tmp_path: Path) -> None:
    done = write(SPLITS, tmp_path, Options(SCHEMA))
    first, second, *_ = lines(tmp_path / "doccano/train.jsonl")
    assert list(first)[:5] == ["id", "text", "label", "cats", "unsettled"]
    assert first["label"] == [[0, 19, "ORG"], [14, 19, "LOC"]]
    assert (first["cats"], first["unsettled"]) == (["culture"], [])
    assert (second["cats"], second["unsettled"]) == (["calm"], ["sport", "culture"])
    assert (done.spans_out, done.rejects, done.adjusted) == (TOTAL, (), 0)


def test_records_come_back_as_they_were(tmp_path: Path) -> None:
    write(SPLITS, tmp_path, Options(SCHEMA))
    for split, given_records in SPLITS.items():
        assert [back(row) for row in lines(tmp_path / f"doccano/{split}.jsonl")] == given_records


@given(records())
def test_any_record_comes_back(record: GoldRecord) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write({"train": [record]}, Path(folder), Options(SCHEMA))
        assert [back(row) for row in lines(Path(folder) / "doccano/train.jsonl")] == [record]


def test_it_is_registered_by_name() -> None:
    assert EXPORTERS.get("doccano") is write
