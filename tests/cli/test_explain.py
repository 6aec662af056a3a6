"""`annotate segment --explain`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from annotate.cli import main

PAGE = """The ferry to the outer islands

The ferry leaves at nine and comes back when the wind allows it. Nobody on the islands has ever complained about that.

Rahtia otetaan vastaan satamassa kello kahdeksaan asti, jos laituri on vapaa eikä lunta ole liikaa.
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "page.txt").write_text(PAGE, encoding="utf-8")
    return tmp_path


def test_a_block_for_every_unit(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["segment", "--explain", "page.txt"]) == 0
    out, _ = capsys.readouterr()
    name, *blocks = out.strip().split("\n\n")
    assert name == "# page.txt"
    assert len(blocks) == 4
    head, language, region = blocks[-1].splitlines()
    assert "(blank line) Rahtia otetaan" in head
    assert language.split()[:4] == ["language", "fi", "fi", "0.00,"]
    assert region.split()[0] == "region"


def test_one_document_with_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["segment", "--explain", "page.txt", "--json", "--corpus-cues"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["documents"]
    assert told["doc_id"] == "page.txt"
    assert [unit["lang"] for unit in told["units"]] == ["en", "en", "en", "fi"]
    assert [unit["start"] for unit in told["units"]][1:] == [unit["end"] for unit in told["units"]][:-1]


def test_what_cannot_be_read_is_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "bad.txt").write_bytes(b"caf\xe9")
    assert main(["segment", "--explain", "page.txt", "bad.txt"]) == 5
    assert "1 rejected" in capsys.readouterr().err
    assert main(["segment", "--explain", "bad.txt"]) == 1


def test_explaining_writes_no_segments(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["segment", "--explain", "page.txt", "-o", "s.jsonl"]) == 2
    assert "--output" in capsys.readouterr().err
    assert not (here / "s.jsonl").exists()
