"""The command line: what goes where, and with which exit code."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from annotate.cli import VERBS, main
from annotate.codec import dumps, loads
from annotate.model import Annotation, Reject, SchemaRef, Segment, Span, TaskRef
from tests.builders import SCHEMA_TEXT, segments

PAGE = """The lighthouse keeper of Utö retires

Mirja Salo has kept the light for thirty years. On Sunday she hands over the keys to her daughter, who grew up on the island.
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "page.txt").write_text(PAGE, encoding="utf-8")
    (tmp_path / "little.yaml").write_text(SCHEMA_TEXT, encoding="utf-8")
    return tmp_path


def test_data_goes_to_stdout_and_everything_else_to_stderr(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["segment", "page.txt"]) == 0
    out, err = capsysbinary.readouterr()
    assert "".join(loads(line, Segment).text for line in out.splitlines()) == PAGE
    assert b"1 documents" in err


@pytest.mark.parametrize("arguments", [["--json", "segment", "page.txt"], ["segment", "--json", "page.txt"]])
def test_json_is_exactly_one_document(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*arguments, "-o", "s.jsonl"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema_version"] == 1
    assert document["documents"] == 1
    assert set(document) == {"schema_version", "documents", "segments", "rejected", "by_lang", "by_region"}


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["segment", "page.txt", "-o", "s.jsonl", "-q"]) == 0
    assert capsys.readouterr() == ("", "")


def test_good_documents_are_done_and_bad_ones_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "bad.txt").write_bytes(b"caf\xe9 in the wrong encoding")
    (here / "empty.txt").write_text(" \n")
    assert main(["segment", "page.txt", "bad.txt", "empty.txt", "-o", "s.jsonl"]) == 5
    assert "2 rejected" in capsys.readouterr().err
    rejects = [loads(line, Reject) for line in (here / "s.rejects.jsonl").read_bytes().splitlines()]
    assert sorted(item.code for item in rejects) == ["empty", "not_utf8"]
    assert all(item.hint for item in rejects)


def test_nothing_but_bad_input_is_a_failure(here: Path) -> None:
    (here / "bad.txt").write_bytes(b"caf\xe9")
    assert main(["segment", "bad.txt", "-o", "s.jsonl"]) == 1


def test_a_result_of_an_earlier_run_is_no_input(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        assert main(["segment", ".", "-o", "segments.jsonl", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["documents"] == 1


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_unchanged_document_keeps_its_tiling(here: Path, workers: str) -> None:
    assert main(["segment", "page.txt", "-o", "s.jsonl", "-q"]) == 0
    first = (here / "s.jsonl").read_bytes()
    corrected = first.replace(b'"region":"title"', b'"region":"navigation"')
    assert corrected != first
    (here / "s.jsonl").write_bytes(corrected)
    (here / "new.txt").write_text("A page that came later, about the new pier and its opening on Friday.\n")
    assert main(["segment", "page.txt", "new.txt", "-o", "s.jsonl", "-q", "--workers", workers]) == 0
    assert (here / "s.jsonl").read_bytes().startswith(corrected)
    assert len((here / "s.jsonl").read_bytes()) > len(corrected)
    assert main(["segment", "page.txt", "-o", "s.jsonl", "-q", "--resegment"]) == 0
    assert (here / "s.jsonl").read_bytes() == first


@pytest.mark.parametrize("verb", ["agree", "adjudicate"])
def test_a_file_without_one_good_record_is_a_failure_and_overwrites_nothing(here: Path, verb: str) -> None:
    (here / "garbage.jsonl").write_text("not json\n{}\n")
    (here / "gold.jsonl").write_text("of yesterday")
    assert main([verb, "garbage.jsonl"]) == 1
    assert (here / "gold.jsonl").read_text() == "of yesterday"


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["server"]):
        assert main(arguments) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.count("Usage:") == 1
        assert "Commands:" in err


def test_even_a_command_that_does_not_exist_answers_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["frob", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["exit_code"] == 2


@pytest.mark.parametrize("token", ["two\nlines", "with space", "naïve"])
def test_a_token_that_is_none_is_never_shown(
    token: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LABEL_STUDIO_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", token)
    assert main(["pull", "--json"]) == 4
    out, err = capsys.readouterr()
    assert token not in out + err
    assert "copy it again" in err


def test_workers_do_not_change_a_byte(here: Path) -> None:
    pages = here / "pages"
    pages.mkdir()
    for number in range(40):
        (pages / f"{number:02}.txt").write_text(f"Page {number}\n\n{PAGE}", encoding="utf-8")
    assert main(["segment", "pages", "-o", "one.jsonl", "-q"]) == 0
    assert main(["segment", "pages", "-o", "two.jsonl", "-q", "--workers", "2"]) == 0
    assert (here / "one.jsonl").read_bytes() == (here / "two.jsonl").read_bytes()


def test_lines_that_recur_on_a_site_are_no_body(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    slogan = "We have told the news from the islands since the first mail boat came in, and we tell it still."
    bodies = ["The school is open.", "A seal came ashore.", "Rain is on its way.", "The ferry was late."]
    pages = [
        {"id": str(n), "text": f"{body} {PAGE.splitlines()[2]}\n\n{slogan}\n", "site": "a"} for n, body in enumerate(bodies)
    ]
    stream = b"".join(json.dumps(page).encode() + b"\n" for page in pages)

    def regions(*flags: str) -> set[str]:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stream)))
        assert main(["segment", "-", *flags]) == 0
        found = [loads(line, Segment) for line in capsysbinary.readouterr().out.splitlines()]
        assert len({segment.doc_id for segment in found}) == len(pages)
        return {segment.region for segment in found if slogan in segment.text}

    assert regions() == {"body"}
    assert "body" not in regions("--corpus-cues")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["segmnet", "page.txt"], 2, "did you mean 'segment'"),
        (["segment"], 2, "Missing argument"),
        (["segment", "page.txt", "--detector", "langdtect"], 2, "did you mean 'langdetect'"),
        (["segment", "nowhere.txt"], 1, "nowhere.txt"),
        (["segment", "page.txt", "--model", "little.yaml"], 1, "little.yaml"),
        (["segment", "page.txt", "-o", "."], 1, "a folder"),
        (["segment", "page.txt", "-o", "page.txt/s.jsonl"], 1, "cannot write"),
        (["schema", "check", "defualt"], 2, "did you mean 'default'"),
        (["push", "s.jsonl", "--url", "127.0.0.1"], 4, "not a URL"),
        (["push", "s.jsonl", "--url", "http://[::1"], 4, "LABEL_STUDIO_API_KEY"),
        (["push", "s.jsonl", "--url", "http://127.0.0.1:9"], 4, "LABEL_STUDIO_API_KEY"),
        (["pull"], 4, "annotate server start"),
        (["export", "nowhere.jsonl", "--schema", "news"], 1, "nowhere.jsonl"),
        (["export", "gold.jsonl", "-"], 2, "--format jsonl"),
    ],
)
def test_errors_say_what_to_do(arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == code
    out, err = capsys.readouterr()
    assert words in err
    assert out == ""


def test_an_error_in_json_is_one_document_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pull", "--json"]) == 4
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["exit_code"] == 4
    assert error["hint"]


def test_a_schema_with_problems_lists_them_all(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "bad.yaml").write_text("schema: bad\nentitys: [A]\nentities: [A, A]\n")
    assert main(["schema", "check", "bad.yaml"]) == 3
    out = capsys.readouterr().out
    assert "bad.yaml:2:" in out
    assert "bad.yaml:3:" in out
    assert main(["schema", "check", "bad.yaml", "--json"]) == 3
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is False
    assert {"path", "line", "message", "hint", "level"} <= set(document["problems"][0])


def test_schema_show_and_xml(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "show", "little.yaml"]) == 0
    assert "PERSON" in capsys.readouterr().out
    assert main(["schema", "xml", "little.yaml"]) == 0
    assert '<Text name="text"' in capsys.readouterr().out


def test_config_show_tells_origins_and_no_token(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "annotate.yaml").write_text("project: lamps\n")
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "a-secret-token")
    assert main(["config", "show"]) == 0
    out = capsys.readouterr().out
    assert "project: lamps  [annotate.yaml:1]" in out
    assert "a-secret-token" not in out


def annotation(one: Segment, annotator: str, *spans: Span) -> Annotation:
    return Annotation(
        segment=one,
        annotator=annotator,
        status="submitted",
        spans=spans,
        topics={"theme": ("trade",), "genre": ("report",)},
        unanswered=(),
        created_at="2026-01-01T00:00:00Z",
        updated_at="2026-01-01T00:00:00Z",
        lead_time=3.0,
        from_prediction="",
        ground_truth=False,
        schema=SchemaRef("little", "1.0.0", _sha256()),
        task=TaskRef(1, 1),
    )


def _sha256() -> str:
    from tests.builders import schema

    return schema().sha256


@pytest.fixture
def annotations(here: Path) -> Path:
    first, second = segments(["The port of Oulu opens.\n", "Mirja Salo hands over the keys."])
    salo = Span(0, 10, "PERSON", "Mirja Salo")
    rows = [
        annotation(first, "aino@example.com", Span(12, 16, "GPE", "Oulu")),
        annotation(first, "ben@example.com"),
        annotation(second, "aino@example.com", salo),
        annotation(second, "ben@example.com", salo),
    ]
    path = here / "annotations.jsonl"
    path.write_bytes(b"".join(dumps(row) + b"\n" for row in rows))
    return path


def test_annotations_become_gold_and_a_dataset(here: Path, annotations: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["adjudicate", "annotations.jsonl", "--schema", "little.yaml"]) == 0
    assert [json.loads(line)["text"] for line in (here / "gold.jsonl").read_bytes().splitlines()] == [
        "Mirja Salo hands over the keys."
    ]
    assert len((here / "gold.conflicts.jsonl").read_bytes().splitlines()) == 1
    assert json.loads((here / "gold.summary.json").read_bytes())["counts"]["gold"] == 1

    assert main(["agree", "--schema", "little.yaml"]) == 0
    table = capsys.readouterr().out
    assert "exact F1" in table
    assert "A1" in table
    assert "aino" not in table

    assert main(["export", "gold.jsonl", "--schema", "little.yaml"]) == 0
    assert capsys.readouterr().out.strip() == str(Path("exports/little")) or (here / "exports/little/manifest.json").exists()
    assert list((here / "exports" / "little").glob("spacy/en/*.spacy"))


def test_where_agreement_is_lost(
    here: Path, annotations: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["agree", "--schema", "little.yaml", "--worst", "3"]) == 0
    out, err = capsys.readouterr()
    assert "Oulu: GPE (A1), nothing (A2)" in out
    assert "GPE where another says nothing" in out
    assert "tasks have no addresses" in err
    monkeypatch.setenv("LABEL_STUDIO_URL", "https://ls.example/")
    assert main(["agree", "--schema", "little.yaml", "--json", "--html", "report.html"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["costliest"][0]["urls"] == ["https://ls.example/projects/1/data?task=1"] * 2
    assert document["spans"]["confusion"][-1] == {"one": "GPE", "other": "", "count": 1, "same_place": 0}
    page = (here / "report.html").read_text(encoding="utf-8")
    assert "https://ls.example/projects/1/data?task=1" in page
    assert "aino" not in page
    # What goes into the dataset says nothing about texts, tasks and servers.
    assert main(["adjudicate", "annotations.jsonl", "--schema", "little.yaml"]) == 0
    assert json.loads((here / "gold.summary.json").read_bytes())["agreement"]["costliest"] == []


def test_pseudonyms_stay_when_others_join(here: Path, annotations: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def annotators() -> list[list[str]]:
        assert main(["adjudicate", "annotations.jsonl", "--schema", "little.yaml", "-q", "-o", "-"]) == 0
        return [json.loads(line)["meta"]["annotators"] for line in capsys.readouterr().out.splitlines()]

    assert annotators() == [["A1", "A2"]]
    rows = annotations.read_text(encoding="utf-8")
    bens = "".join(row for row in rows.splitlines(keepends=True) if "ben@example.com" in row)
    annotations.write_text(bens.replace("ben@example.com", "aada@example.com") + rows, encoding="utf-8")
    assert annotators() == [["A1", "A2", "A3"]]
    known = json.loads((here / ".annotate" / "annotators.json").read_bytes())
    assert known == {"aino@example.com": "A1", "ben@example.com": "A2", "aada@example.com": "A3"}


def test_rules_in_sequence(here: Path, annotations: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = ["--rule", "majority", "--rule", "annotator=A1"]
    assert main(["adjudicate", "annotations.jsonl", "--schema", "little.yaml", "--json", *rules]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["gold"], document["conflicts"]) == (2, 0)
    assert json.loads((here / "gold.summary.json").read_bytes())["rules"] == ["majority", "annotator=A1"]
    assert main(["adjudicate", "annotations.jsonl", "--rule", "threshold=0.4"]) == 2
    assert "it must be over 1/2" in capsys.readouterr().err


def test_a_dataset_as_a_stream(annotations: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["adjudicate", "annotations.jsonl", "--schema", "little.yaml", "-q"]) == 0
    assert main(["export", "gold.jsonl", "-", "--format", "jsonl", "--schema", "little.yaml"]) == 0
    (line,) = capsysbinary.readouterr().out.splitlines()
    assert json.loads(line)["spans"][0]["text"] == "Mirja Salo"


def test_documents_by_pipe(monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    line = json.dumps({"id": "p1", "text": PAGE, "url": "https://example.com/1"}).encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(line + b"\n")))
    assert main(["segment", "-"]) == 0
    first = loads(capsysbinary.readouterr().out.splitlines()[0], Segment)
    assert first.doc_id == "p1"
    assert first.meta == {"url": "https://example.com/1"}


def test_help_loads_nothing_heavy() -> None:
    code = "import sys; from annotate.cli import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    loaded = set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr.split())
    heavy = {
        "spacy",
        "numpy",
        "httpx",
        "requests",
        "pydantic",
        "label_studio_sdk",
        "yaml",
        "msgspec",
        "zstandard",
        "selectolax",
        "psutil",
    }
    assert not loaded & heavy


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0
    assert "--json" in capsys.readouterr().out


def test_a_reader_that_goes_away_is_no_error(here: Path) -> None:
    (here / "long.txt").write_text(PAGE * 3000, encoding="utf-8")
    command = f"{sys.executable} -m annotate segment -q page.txt long.txt | head -c 10"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode == 0
