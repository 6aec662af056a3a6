"""`annotate show`."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from annotate.cli import main
from annotate.codec import dumps
from tests.builders import segments


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    records = [part for number in range(4) for part in segments(["One\n", "Two"], doc_id=f"{number}.txt")]
    (tmp_path / "segments.jsonl").write_bytes(b"".join(dumps(record) + b"\n" for record in records))
    return tmp_path


def test_a_page_in_a_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "segments.jsonl", "-o", "report.html", "--sample", "3"]) == 0
    out, err = capsys.readouterr()
    assert (out, err) == ("", "3 of 4 documents on the page, 8 segments in all\n")
    assert (here / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert main(["show", "segments.jsonl", "-o", "report.html", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "schema_version": 1,
        "path": "report.html",
        "documents": 4,
        "shown": 4,
        "segments": 8,
        "characters": 28,
        "rejected": 0,
    }


def test_a_page_on_stdout(here: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    stream = io.BytesIO((here / "segments.jsonl").read_bytes())
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(stream))
    assert main(["show", "-"]) == 0
    assert capsysbinary.readouterr().out.startswith(b"<!doctype html>")


def test_damaged_lines_are_left_out_and_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with open("segments.jsonl", "a", encoding="utf-8") as file:
        file.write('{"id": "half a seg')
    assert main(["show", "segments.jsonl", "-o", "report.html"]) == 5
    assert "1 rejected: 1 unreadable" in capsys.readouterr().err
    assert json.loads((here / "report.rejects.jsonl").read_text(encoding="utf-8"))["line"] == 9


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["nowhere.jsonl"], 1), (["segments.jsonl", "--sample", "0"], 2), (["segments.jsonl", "-o", "."], 2)],
)
def test_errors(arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", *arguments]) == code
    assert "Error" in capsys.readouterr().err
