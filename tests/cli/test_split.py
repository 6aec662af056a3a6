"""`annotate split`: freezes, shows, and finds leaks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from annotate.cli.console import Console
from annotate.cli.split import split
from annotate.codec import loads
from annotate.dataset import SplitRow, assign, read_splits
from annotate.errors import DataFindings, ReadError, UsageError
from annotate.model import GoldMeta, GoldRecord, Reject, Span
from annotate.store import write_records


def gold(id: str, text: str, doc: str, *, lang: str = "en", place: str = "") -> GoldRecord:
    spans = (Span(0, 4, "GPE", "Oulu"),) if text.startswith("Oulu") else ()
    meta = GoldMeta(doc, id, lang, "body", 0, len(text), place, "", "little@1.0.0", "0", "single", 1, ("A1",), -1.0)
    return GoldRecord(id, text, spans, {"sport": 1.0, "trade": 0.0}, ("sport",), "accept", meta)


GOLD = [gold("1", "Oulu wins", "a"), gold("2", "A second one", "a"), gold("3", "Oulu häviää", "b", lang="fi")]
FROZEN = [SplitRow("a", "a", "train"), SplitRow("b", "b", "test")]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_records("gold.jsonl", GOLD)
    return tmp_path


def run(*arguments: str) -> int:
    with split.make_context("split", list(arguments), obj=Console()) as context:
        code: int = split.invoke(context)
    return code


def test_documents_are_assigned_and_frozen(here: Path) -> None:
    assert run("gold.jsonl", "--splits", "50/25/25", "--seed", "7") == 0
    rows = read_splits(here / "gold.splits.jsonl")
    assert rows == assign(["a", "b"], (50, 25, 25), seed=7)
    write_records("gold.jsonl", [*GOLD, gold("4", "Oulu again", "c")])
    assert run("gold.jsonl", "--splits", "0/0/100") == 0
    assert read_splits(here / "gold.splits.jsonl") == (*rows, SplitRow("c", "c", "test"))


def test_the_table_is_labels_by_language_by_split(capsys: pytest.CaptureFixture[str]) -> None:
    write_records("gold.splits.jsonl", FROZEN)
    assert run("gold.jsonl") == 0
    out, err = capsys.readouterr()
    assert [line.split() for line in out.splitlines()] == [
        ["kind", "label", "language", "train", "dev", "test"],
        ["records", "en", "2", "0", "0"],
        ["records", "fi", "0", "0", "1"],
        ["entity", "GPE", "en", "1", "0", "0"],
        ["entity", "GPE", "fi", "0", "0", "1"],
        ["topic", "sport", "en", "2", "0", "0"],
        ["topic", "sport", "fi", "0", "0", "1"],
    ]
    assert "documents: 1 train, 1 test; 0 new" in err


def test_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    write_records("gold.splits.jsonl", FROZEN[:1])
    assert run("gold.jsonl", "--json", "--splits", "0/0/100") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["records"], document["new"], document["leaks"], document["rejected"]) == (3, 1, [], 0)
    assert document["documents"] == {"train": 1, "dev": 0, "test": 1}
    assert {"kind": "entity", "label": "GPE", "language": "fi", "train": 0, "dev": 0, "test": 1} in document["table"]


def test_check_writes_nothing_and_passes_what_is_clean(here: Path) -> None:
    assert run("gold.jsonl", "--check") == 0
    assert not (here / "gold.splits.jsonl").exists()


@pytest.mark.parametrize("rows", [[*FROZEN, SplitRow("a", "a", "dev")], [*FROZEN, SplitRow("z", "a", "dev")]])
def test_a_document_or_cluster_in_two_splits_is_a_leak(rows: list[SplitRow], capsys: pytest.CaptureFixture[str]) -> None:
    write_records("gold.splits.jsonl", rows)
    assert run("gold.jsonl", "--check") == 3
    assert "'a' is in dev and train" in capsys.readouterr().err
    with pytest.raises(DataFindings):
        run("gold.jsonl")


def test_a_record_that_says_another_split_is_a_leak(capsys: pytest.CaptureFixture[str]) -> None:
    write_records("gold.splits.jsonl", FROZEN)
    write_records("gold.jsonl", [replace(GOLD[0], meta=replace(GOLD[0].meta, split="dev"))])
    assert run("gold.jsonl", "--check") == 3
    assert "leak: document 'a' is in dev and train" in capsys.readouterr().err


def test_a_text_in_two_splits_is_a_leak_whatever_its_case_and_spaces(capsys: pytest.CaptureFixture[str]) -> None:
    write_records("gold.splits.jsonl", FROZEN)
    write_records("gold.jsonl", [*GOLD, gold("4", "OULU\u00a0 wins\n", "b"), gold("5", "* * *", "a"), gold("6", "***", "b")])
    assert run("gold.jsonl", "--check") == 3
    assert "leak: text 'oulu wins' is in test (b) and train (a)" in capsys.readouterr().err
    assert run("gold.jsonl") == 0
    assert "1 leaks" in capsys.readouterr().err


def test_bad_lines_are_rejected(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (here / "gold.jsonl").open("a") as out:
        out.write("{}\n")
    assert run("gold.jsonl") == 5
    assert "1 rejected" in capsys.readouterr().err
    (line,) = (here / "gold.split.rejects.jsonl").read_bytes().splitlines()
    assert loads(line, Reject).line == 4
    (here / "gold.jsonl").write_text("{}\n")
    with pytest.raises(ReadError, match="no record"):
        run("gold.jsonl")


def test_unusable_input() -> None:
    with pytest.raises(UsageError, match="add up to"):
        run("gold.jsonl", "--splits", "80/10/20")
    Path("gold.splits.jsonl").write_text("{}\n")
    with pytest.raises(ReadError, match=r"gold\.splits\.jsonl:1"):
        run("gold.jsonl", "--check")
