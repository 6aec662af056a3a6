"""`annotate check`: findings on stdout, exit codes, one JSON document, --fix."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from annotate.cli.check import check
from annotate.cli.console import Console
from annotate.codec import loads
from annotate.errors import UsageError
from annotate.model import Annotation, GoldMeta, GoldRecord, Span, TaskRef
from annotate.store import write_records
from tests.builders import REF, SCHEMA_TEXT, segment


def gold(id: str, text: str, *spans: Span) -> GoldRecord:
    meta = GoldMeta(id, id, "en", "body", 0, len(text), "", "", "little@1.0.0", "0", "single", 1, ("A1",), -1.0)
    return GoldRecord(id, text, spans, {}, (), "accept", meta)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "little.yaml").write_text(SCHEMA_TEXT, encoding="utf-8")
    space, punctuation = Span(2, 7, "GPE", " Oulu"), Span(0, 6, "GPE", "Turku,")
    write_records("space.jsonl", [gold("a", "In Oulu now", space), gold("b", "Turku, here", punctuation)])
    write_records("warned.jsonl", [gold("b", "Turku, here", punctuation)])
    write_records("clean.jsonl", [gold("c", "Turku", Span(0, 5, "CITY", "Turku"))])
    return tmp_path


def run(*arguments: str) -> int:
    with check.make_context("check", list(arguments), obj=Console()) as context:
        code: int = check.invoke(context)
    return code


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["space.jsonl"], 3),
        (["warned.jsonl"], 0),
        (["warned.jsonl", "--strict"], 3),
        (["clean.jsonl", "--strict"], 0),
        (["clean.jsonl", "--schema", "little.yaml"], 3),
    ],
)
def test_exit_codes(arguments: list[str], code: int) -> None:
    assert run(*arguments) == code


def test_findings_go_to_stdout_and_the_rest_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    run("space.jsonl")
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == (
        "space.jsonl:1: error: edge_space: GPE ' Oulu' [2, 7) has white space at its edge [a] ([3, 7); --fix trims it)"
    )
    assert len(out.splitlines()) == 2
    assert "gold: 2 records; findings: 1 edge space, 1 edge punctuation" in err
    assert "no schema is named" in err


def test_the_current_folder_is_a_folder_like_others(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(".") == 3
    assert "no_manifest" in capsys.readouterr().out


def test_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("space.jsonl", "--json", "-q") == 3
    document = json.loads(capsys.readouterr().out)
    assert document["counts"] == {"edge_space": 1, "edge_punctuation": 1}
    assert (document["kind"], document["records"], document["errors"], document["warnings"]) == ("gold", 2, 1, 1)
    assert list(document["findings"][0]) == ["code", "id", "message", "hint", "line", "url", "level"]
    assert document["fixed"] == []


def test_fix_writes_a_corrected_copy_and_looks_at_that(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (here / "space.jsonl").read_bytes()
    assert run("space.jsonl", "--fix", "-o", "fixed.jsonl") == 0
    assert "line 1: fixed edge_space: GPE [2, 7] -> [3, 7] 'Oulu'" in capsys.readouterr().err
    assert (here / "space.jsonl").read_bytes() == before
    first = (here / "fixed.jsonl").read_bytes().splitlines()[0]
    assert loads(first, GoldRecord).spans == (Span(3, 7, "GPE", "Oulu"),)


def test_findings_in_annotations_name_their_task(capsys: pytest.CaptureFixture[str]) -> None:
    place = segment("In Oulu now")
    spans = (Span(2, 7, "GPE", " Oulu"),)
    write_records(
        "a.jsonl", [Annotation(place, "ann", "submitted", spans, {}, (), "", "", -1.0, "", False, REF, TaskRef(3, 14))]
    )
    assert run("a.jsonl", "--url", "http://127.0.0.1:1/") == 3
    assert "http://127.0.0.1:1/projects/3/data?task=14" in capsys.readouterr().out


def test_findings_in_gold_records_name_the_first_task_of_their_segment(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finding = loads((here / "space.jsonl").read_bytes().splitlines()[0], GoldRecord)
    place = replace(segment(finding.text), id=finding.meta.segment_id)
    tasks = [TaskRef(3, 15), TaskRef(3, 14), TaskRef(4, 2)]
    said = [Annotation(place, f"a{t.id}", "submitted", (), {}, (), "", "", -1.0, "", False, REF, t) for t in tasks]
    write_records("annotations.jsonl", [*said, {"broken": True}])
    assert run("space.jsonl", "--url", "http://127.0.0.1:1/") == 3
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "edge_space" in line]
    assert line.endswith("http://127.0.0.1:1/projects/3/data?task=14")
    (here / "annotations.jsonl").rename(here / "elsewhere.jsonl")
    run("space.jsonl", "--url", "http://127.0.0.1:1/")
    assert "http" not in capsys.readouterr().out
    run("space.jsonl", "--url", "http://127.0.0.1:1/", "--annotations", "elsewhere.jsonl")
    assert "task=14" in capsys.readouterr().out


def test_a_file_can_be_fixed_in_place(here: Path) -> None:
    assert run("space.jsonl", "--fix", "-o", "space.jsonl") == 0
    assert run("space.jsonl") == 0


def test_an_empty_file_is_told_as_such(here: Path) -> None:
    (here / "empty.jsonl").write_text("\n")
    with pytest.raises(UsageError, match=r"empty\.jsonl holds no record"):
        run("empty.jsonl")


@pytest.mark.parametrize("arguments", [["space.jsonl", "--fix"], ["space.jsonl", "-o", "x.jsonl"], [".", "--fix", "-o", "x"]])
def test_options_that_make_no_sense(arguments: list[str]) -> None:
    with pytest.raises(UsageError):
        run(*arguments)


def test_a_folder_is_compared_with_its_manifest(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "export").mkdir()
    assert run("export") == 3
    assert capsys.readouterr().out.startswith("export: error: no_manifest: export has no manifest.json that can be read")
