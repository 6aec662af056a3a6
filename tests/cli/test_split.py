"""`annotate split`: freezes, shows, and finds leaks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from annotate.cli.console import Console
from annotate.cli.split import split
from annotate.codec import loads
from annotate.dataset import SplitRow, assign_pages, read_splits
from annotate.dataset.pages import Pages
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
    assert rows == assign_pages(Pages(GOLD), (50, 25, 25), seed=7).rows
    write_records("gold.jsonl", [*GOLD, gold("4", "Oulu again", "c")])
    assert run("gold.jsonl", "--splits", "0/0/100") == 0
    assert read_splits(here / "gold.splits.jsonl") == (*rows, SplitRow("c", "c", "test"))


def test_the_table_is_labels_by_language_by_region_by_split(capsys: pytest.CaptureFixture[str]) -> None:
    write_records("gold.splits.jsonl", FROZEN)
    assert run("gold.jsonl") == 0
    out, err = capsys.readouterr()
    assert [line.split() for line in out.splitlines()] == [
        ["kind", "label", "language", "region", "train", "dev", "test"],
        ["documents", "en", "body", "1", "0", "0"],
        ["documents", "fi", "body", "0", "0", "1"],
        ["records", "en", "body", "2", "0", "0"],
        ["records", "fi", "body", "0", "0", "1"],
        ["entity", "GPE", "en", "body", "1", "0", "0"],
        ["entity", "GPE", "fi", "body", "0", "0", "1"],
        ["topic", "sport", "en", "body", "2", "0", "0"],
        ["topic", "sport", "fi", "body", "0", "0", "1"],
    ]
    assert "documents: 1 train, 1 test; 2 clusters; 0 new" in err


def test_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    write_records("gold.splits.jsonl", FROZEN[:1])
    assert run("gold.jsonl", "--json", "--splits", "0/0/100") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["records"], document["new"], document["leaks"], document["rejected"]) == (3, 1, [], 0)
    assert document["documents"] == {"train": 1, "dev": 0, "test": 1}
    cell = {"kind": "entity", "label": "GPE", "language": "fi", "region": "body", "train": 0, "dev": 0, "test": 1}
    assert cell in document["table"]
    assert (document["clusters"], document["bridges"], document["repeats"]) == (2, [], {"furniture": 0, "short": 0})


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


LONG = "Oulu opens the longest bridge of the whole north coast"
PAGE = " ".join(f"word{i}" for i in range(60))


@pytest.mark.parametrize(
    ("planted", "named"),
    [
        ([gold("4", "Oulu wins\n", "c"), gold("5", "A SECOND one", "c")], "the same page in 'a' (train) and 'c' (test)"),
        ([gold("4", PAGE, "a"), gold("5", f"{PAGE} more", "c")], "in 'a' (train) and 'c' (test)"),
        (
            [gold("4", PAGE, "a"), gold("5", LONG, "a"), gold("6", LONG.upper(), "b")],
            f"the text {LONG.lower()!r} in 'a' (train) and 'b' (test)",
        ),
    ],
)
def test_planted_leaks(planted: list[GoldRecord], named: str, capsys: pytest.CaptureFixture[str]) -> None:
    write_records("gold.splits.jsonl", [*FROZEN, SplitRow("c", "c", "test")])
    write_records("gold.jsonl", [*GOLD, *planted])
    assert run("gold.jsonl", "--check") == 3
    assert named in capsys.readouterr().err
    assert run("gold.jsonl") == 0
    assert "1 leaks" in capsys.readouterr().err


def test_short_texts_in_two_splits_are_told_and_no_leak(capsys: pytest.CaptureFixture[str]) -> None:
    write_records("gold.splits.jsonl", FROZEN)
    write_records("gold.jsonl", [*GOLD, gold("4", "OULU\u00a0 wins\n", "b"), gold("5", "* * *", "a"), gold("6", "***", "b")])
    assert run("gold.jsonl", "--check") == 0
    assert "in several splits, and no leak: 1 short texts" in capsys.readouterr().err


def test_a_bridge_is_rejected(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_records("gold.splits.jsonl", FROZEN)
    other = LONG.replace("bridge", "tunnel")
    planted = [gold("4", LONG, "a"), gold("5", other, "b"), gold("6", LONG, "new"), gold("7", other, "new")]
    write_records("gold.jsonl", [*GOLD, *planted])
    assert run("gold.jsonl", "--json") == 5
    document = json.loads(capsys.readouterr().out)
    assert [(found["document"], found["splits"]) for found in document["bridges"]] == [("new", ["train", "test"])]
    lines = (here / "gold.split.rejects.jsonl").read_bytes().splitlines()
    assert [(loads(line, Reject).id, loads(line, Reject).code) for line in lines] == [
        ("6", "bridges_splits"),
        ("7", "bridges_splits"),
    ]
    assert read_splits(here / "gold.splits.jsonl") == tuple(FROZEN)


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
