"""Export → import → export gives the same bytes: wholly where a format is lossless, else for what the format holds."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given, settings

from annotate.dataset import export, read_splits
from annotate.exporters import EXPORTERS, Options
from annotate.importers import Settings, import_files
from annotate.model import GoldRecord, Reject
from annotate.store import read_records, write_records
from annotate.workflow import import_
from tests.exporters.records import SCHEMA, SPLITS, records

RECORDS = [record for part in SPLITS.values() for record in part]
FORMATS = {"jsonl": "prodigy", "doccano": "doccano", "spacy": "spacy", "spacy-json": "spacy", "iob2": "iob2"}
"""Format of an export → the one to import it as."""
LOSSLESS = {"jsonl", "doccano"}


def exported(gold: Sequence[GoldRecord], out: Path, format: str) -> dict[str, bytes]:
    frozen = out.parent / "gold.splits.jsonl"
    export(gold, out, schema=SCHEMA, schema_bytes=b"schema: t\n", formats=[format], splits="60/20/20", seed=3, frozen=frozen)
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in (out / format).rglob("*")
        if path.is_file() and path.name != "adjusted.jsonl"
    }


def gold_in(path: Path) -> list[GoldRecord]:
    bad: list[Reject] = []
    found = list(read_records(path, GoldRecord, bad.append, step="test"))
    assert not bad
    return found


def round_trip(gold: Sequence[GoldRecord], here: Path, format: str) -> None:
    before = exported(gold, here / "one/out", format)
    source = here / "one/out" / format
    files = sorted(source.rglob("*.jsonl")) if format == "spacy-json" else [source]
    files = [file for file in files if file.name != "adjusted.jsonl"]
    report = import_(files, here / "two/gold.jsonl", format=FORMATS[format], settings=Settings(SCHEMA), kind="gold")
    assert not report.rejected
    assert report.records == len(gold)
    back = gold_in(here / "two/gold.jsonl")
    assert exported(back, here / "two/out", format) == before
    if format != "iob2":  # which keeps no cluster
        kept, frozen = read_splits(here / "one/gold.splits.jsonl"), read_splits(here / "two/gold.splits.jsonl")
        assert sorted(kept, key=str) == sorted(frozen, key=str)


@pytest.mark.parametrize("format", FORMATS)
def test_the_second_export_is_the_first(tmp_path: Path, format: str) -> None:
    round_trip(RECORDS, tmp_path, format)


@pytest.mark.parametrize("format", FORMATS)
@settings(deadline=None, max_examples=25)
@given(record=records())
def test_any_record_comes_back(format: str, record: GoldRecord) -> None:
    assume(record.text.strip())
    write = EXPORTERS.get(format)
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        write({"train": [record]}, Path(one), Options(SCHEMA))
        (file,) = (path for path in Path(one, format).rglob("train.*"))
        refused: list[Reject] = []
        (back,) = import_files([file], FORMATS[format], Settings(SCHEMA), refused.append)
        assert isinstance(back, GoldRecord)
        again = replace(back, meta=replace(back.meta, split=record.meta.split, cluster=record.meta.cluster))
        write({"train": [again]}, Path(two), Options(SCHEMA))
        assert not refused
        assert Path(two, file.relative_to(one)).read_bytes() == file.read_bytes()


@pytest.mark.parametrize("format", sorted(LOSSLESS))
def test_lossless_formats_bring_back_the_records_themselves(tmp_path: Path, format: str) -> None:
    exported(RECORDS, tmp_path / "out", format)
    import_([tmp_path / "out" / format], tmp_path / "g.jsonl", format=FORMATS[format], settings=Settings(SCHEMA), kind="gold")
    write_records(tmp_path / "sent.jsonl", sorted(RECORDS, key=lambda r: r.id))
    write_records(tmp_path / "back.jsonl", sorted(gold_in(tmp_path / "g.jsonl"), key=lambda r: r.id))
    sent = (tmp_path / "sent.jsonl").read_text("utf-8").splitlines()
    back = (tmp_path / "back.jsonl").read_text("utf-8").splitlines()
    for one, two in zip(sent, back, strict=True):
        record = one.replace('"split":"dev"', '"split":""')
        assert record.split('"cluster"')[0] == two.split('"cluster"')[0]
