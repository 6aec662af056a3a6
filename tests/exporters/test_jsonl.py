"""Gold JSONL: contract, tokens, declared columns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from annotate.codec import loads
from annotate.exporters import EXPORTERS, Options
from annotate.exporters.jsonl import features, rows, write
from annotate.model import GoldMeta, GoldRecord, Span
from annotate.schema import LabelSchema, parse

SCHEMA = parse(
    """
schema: t
entities: {overlap: nested, labels: [ORG, LOC]}
topics:
- {id: theme, choice: multi, labels: [sport, culture]}
- {id: tone, choice: single, labels: [calm]}
""",
    "t.yaml",
)
WITHOUT_TOPICS = parse("schema: t\nentities: [ORG]\n", "t.yaml")


def gold(id: str, text: str, *parts: tuple[str, str], lang: str = "en", cats: dict[str, float] | None = None) -> GoldRecord:
    spans = tuple(sorted(Span(text.index(p), text.index(p) + len(p), label, p) for p, label in parts))
    cats = cats or {}
    meta = GoldMeta(id, id, lang, "body", 0, len(text), "dev", id, "t@1.0.0", SCHEMA.sha256, "single", 1, (), -1.0)
    return GoldRecord(id, text, spans, cats, tuple(label for label in cats if cats[label]), "accept", meta)


RECORDS = [
    gold(
        "a",
        "e\u0301 Turku-born 👩‍👩‍👧\n",
        ("Turku", "LOC"),
        ("urku-b", "ORG"),
        cats={"sport": 1.0, "culture": 0.0, "calm": 0.0},
    ),
    gold("b", "부산대학교에서", ("부산대학교", "ORG"), ("부산", "LOC"), lang="ko", cats={"calm": 1.0}),
    gold("c", "A <b>&amp;</b>  \u2028 \u00a0"),
]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_records_come_back_as_they_were(tmp_path: Path) -> None:
    done = write({"dev": RECORDS}, tmp_path, Options(SCHEMA))
    raw = (tmp_path / "jsonl/dev.jsonl").read_bytes()
    assert [loads(line, GoldRecord) for line in raw.split(b"\n")[:-1]] == RECORDS
    assert raw.endswith(b"\n")
    assert b"\\u" not in raw.replace(b"\\u2028", b"")
    assert (done.spans_out, done.rejects) == (4, ())


def test_keys_are_those_prodigy_reads_and_in_one_order(tmp_path: Path) -> None:
    write({"train": RECORDS}, tmp_path, Options(SCHEMA))
    for row in lines(tmp_path / "jsonl/train.jsonl"):
        assert list(row) == ["id", "text", "spans", "cats", "accept", "answer", "meta"]
        assert all(row["text"][span["start"] : span["end"]] == span["text"] for span in row["spans"])


def test_tokens_are_prodigys(tmp_path: Path) -> None:
    write({"train": RECORDS}, tmp_path, Options(SCHEMA, tokens=True))
    first, korean, last = lines(tmp_path / "jsonl/train.jsonl")
    assert list(first) == ["id", "text", "tokens", "spans", "cats", "accept", "answer", "meta"]
    assert [token["text"] for token in first["tokens"][:4]] == ["e\u0301", "Turku", "-", "born"]
    assert first["tokens"][0] == {"text": "e\u0301", "start": 0, "end": 2, "id": 0, "ws": True}
    assert [(s["token_start"], s["token_end"]) for s in first["spans"]] == [(1, 1), (-1, -1)]
    assert [(s["token_start"], s["token_end"]) for s in korean["spans"]] == [(0, 1), (0, 4)]
    for row in (first, korean, last):
        assert "".join(t["text"] + " " * t["ws"] for t in row["tokens"]) == row["text"]
        assert [t["id"] for t in row["tokens"]] == list(range(len(row["tokens"])))
        assert loads(json.dumps(row), GoldRecord).id == row["id"]


def test_without_tokens_the_records_are_handed_through() -> None:
    assert list(rows(RECORDS)) == RECORDS


def test_it_is_registered_by_name() -> None:
    assert EXPORTERS.get("jsonl") is write


@pytest.mark.parametrize("tokens", [False, True])
@pytest.mark.parametrize("schema", [SCHEMA, WITHOUT_TOPICS])
def test_every_value_has_the_declared_type(tmp_path: Path, schema: LabelSchema, tokens: bool) -> None:
    options = Options(schema, tokens=tokens)
    records = RECORDS if schema is SCHEMA else RECORDS[2:]
    done = write({"train": records}, tmp_path, options)
    assert done.card["dataset_info"] == [{"config_name": "default", "features": features(options)}]
    for row in lines(tmp_path / "jsonl/train.jsonl"):
        assert_struct(row, features(options))


def test_only_the_splits_there_are_are_listed(tmp_path: Path) -> None:
    done = write({"train": RECORDS[:1], "test": RECORDS[1:]}, tmp_path, Options(SCHEMA))
    (config,) = done.card["configs"]
    assert config["data_files"] == [
        {"split": "train", "path": "jsonl/train.jsonl"},
        {"split": "test", "path": "jsonl/test.jsonl"},
    ]
    assert sorted(path.name for path in tmp_path.rglob("*.jsonl")) == ["test.jsonl", "train.jsonl"]


KINDS = {"string": str, "int64": int, "float64": float, "bool": bool}


def assert_struct(value: dict[str, Any], columns: list[dict[str, Any]]) -> None:
    """`value` fits the columns a card declares. Only a topic may be absent: its group was not settled."""
    names = [column["name"] for column in columns]
    assert set(value) <= set(names)
    assert set(names) - set(value) <= set(SCHEMA.topic_ids)
    for column in columns:
        if column["name"] not in value:
            continue
        cell = value[column["name"]]
        if "dtype" in column:
            assert type(cell) is KINDS[column["dtype"]], (column, cell)
        elif "struct" in column:
            assert_struct(cell, column["struct"])
        elif "sequence" in column:
            assert all(type(item) is KINDS[column["sequence"]] for item in cell)
        else:
            for item in cell:
                assert_struct(item, column["list"])
