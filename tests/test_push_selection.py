"""`push --sample` and `push --dedupe`, against the fake Label Studio and the real one."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from annotate.cli import main
from annotate.codec import loads
from annotate.copies import COPY_OF
from annotate.labelstudio.client import Client
from annotate.labelstudio.wire import to_result
from annotate.model import Annotation, Segment, Span
from tests.builders import segment, write_lines

pytestmark = pytest.mark.usefixtures("workplace")


def push(records: list[Segment], capsys: pytest.CaptureFixture[str], *flags: str) -> dict[str, Any]:
    write_lines(Path("segments.jsonl"), records)
    capsys.readouterr()
    assert main(["push", "segments.jsonl", "--json", *flags]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def on_server(client: Client, document: dict[str, Any]) -> dict[str, int]:
    (project,) = document["projects"]
    return {task["data"]["segment_id"]: task["id"] for task in client.tasks(project["id"], ("id", "data"))}


def test_a_sample(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    records = [segment(f"Number {n}.", doc_id=f"{n}.txt", lang="en" if n % 4 else "fi") for n in range(40)]
    flags = ("--sample", "3", "--per", "language,region", "--seed", "7")
    dry = push(records, capsys, *flags, "--dry-run")
    assert (dry["created"], dry["not_selected"]) == (6, 34)
    assert dry["projects"][0]["characters"] in range(6 * len("Number 1."), 6 * len("Number 11.") + 1)
    first = push(records, capsys, *flags)
    assert first["created"] == 6
    chosen = on_server(client, first)
    assert Counter(record.lang for record in records if record.id in chosen) == {"en": 3, "fi": 3}
    assert push(list(reversed(records)), capsys, *flags)["unchanged"] == 6
    # A larger sample adds; a smaller one, or all, takes nothing away.
    more = push(records, capsys, "--sample", "5", "--per", "language,region", "--seed", "7")
    assert (more["created"], more["retired"]) == (4, 0)
    less = push(records, capsys, *flags)
    assert (less["created"], less["unchanged"], less["retired"], less["absent"]) == (0, 6, 0, 4)
    assert push(records, capsys)["created"] == 30
    # What is gone from the file is retired as ever.
    gone = [record for record in records if record.id not in chosen]
    moved = [segment(f"Other {r.doc_id}", doc_id=r.doc_id, lang=r.lang) for r in records if r.id in chosen]
    assert push([*gone, *moved], capsys)["retired"] == 6


def test_per_without_a_sample(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["push", "segments.jsonl", "--per", "language"]) == 2


def test_one_task_for_equal_texts(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    notice = "We use cookies in Oulu."
    records = [
        segment(f"{lead}{notice}{trail}", doc_id=f"{n}.txt", meta={"site": n})
        for n, (lead, trail) in enumerate([("", ""), ("\n\n", ""), ("", " \n"), ("", "")])
    ]
    records.append(segment(notice, doc_id="fi.txt", lang="fi"))
    document = push(records, capsys, "--dedupe")
    assert (document["created"], document["copies"], document["not_selected"]) == (2, 3, 0)
    assert push(records, capsys, "--dedupe")["unchanged"] == 2
    task = on_server(client, document)[records[0].id]
    client.submit(task, to_result([Span(18, 22, "GPE", "Oulu")], {"genre": ["report"]}), lead_time=2, skipped=False)
    assert main(["pull", "-q"]) == 0
    annotations = [loads(line, Annotation) for line in Path("annotations.jsonl").read_bytes().splitlines()]
    assert [a.segment.doc_id for a in annotations] == ["0.txt", "1.txt", "2.txt", "3.txt"]
    assert [a.segment.meta.get(COPY_OF, "") for a in annotations] == ["", *[records[0].id] * 3]
    assert [a.segment.text for a in annotations] == [record.text for record in records[:4]]
    assert [(s.start, s.text) for a in annotations for s in a.spans] == [(18, "Oulu"), (20, "Oulu"), (18, "Oulu"), (18, "Oulu")]
    assert {a.topics["genre"] for a in annotations} == {("report",)}
    capsys.readouterr()
    assert main(["agree", "annotations.jsonl", "--schema", "little.yaml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["left_out"]["single"] == 1  # one judgement, not four
    assert main(["adjudicate", "annotations.jsonl", "-q"]) == 0
    assert len(Path("gold.jsonl").read_bytes().splitlines()) == 4
    # Asked one by one they are copies no more.
    assert push(records, capsys)["created"] == 3
    assert main(["pull", "-q"]) == 0
    assert len(Path("annotations.jsonl").read_bytes().splitlines()) == 1


def test_predictions_for_what_is_not_asked_are_no_faults(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    """A model predicts the whole file; the sample decides whom it is shown to."""
    records = [segment(f"Oulu, number {n}.", doc_id=f"{n}.txt") for n in range(6)] + [
        segment("Oulu, number 0.", doc_id="c.txt")
    ]
    told = [{"segment_id": r.id, "model": "m", "spans": [{"start": 0, "end": 4, "label": "GPE"}]} for r in records]
    write_lines(Path("guesses.jsonl"), told)
    flags = ("--sample", "2", "--dedupe", "--predictions", "guesses.jsonl")
    dry = push(records, capsys, *flags, "--dry-run")
    assert (dry["created"], dry["predictions"], dry["rejected"]) == (2, 2, 0)
    assert push(records, capsys, *flags)["predictions"] == 2
    assert push(records, capsys, *flags)["predictions"] == 0


def test_a_sample_is_shared_among_annotators(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    records = [segment(f"Number {n}.", doc_id=f"{n}.txt") for n in range(12)]
    flags = ("--annotators", "aino,ben,cy", "--overlap", "2", "--sample", "6", "--seed", "1")
    assert push(records, capsys, *flags)["created"] == 12
    more = push(records, capsys, *flags[:-3], "9", "--seed", "1")
    assert (more["created"], more["unchanged"], more["retired"]) == (6, 12, 0)
    less = push(records, capsys, *flags)
    assert (less["created"], less["unchanged"], less["retired"], less["absent"]) == (0, 12, 0, 6)


def test_status_knows_what_is_left_out_on_purpose(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    records = [segment(f"Number {n % 30}.", doc_id=f"{n}.txt", lang="en" if n % 4 else "fi") for n in range(40)]
    flags = ("--sample", "4", "--per", "language", "--seed", "7", "--dedupe")

    def told(*flags: str) -> dict[str, Any]:
        capsys.readouterr()
        assert main(["status", "--json", *flags]) == 0
        document: dict[str, Any] = json.loads(capsys.readouterr().out)
        return document

    pushed = push(records, capsys, *flags)
    same = told(*flags)
    assert same["in_step"] is True
    assert (same["not_selected"], same["copies"]) == (pushed["not_selected"], pushed["copies"])
    assert told("--dedupe")["in_step"] is False
    assert told()["projects"][0]["out_of_step"] == {"created": 40 - pushed["created"], "updated": 0, "retired": 0}
    assert main(["status", "--dedupe"]) == 0
    assert "segments have a text that is asked elsewhere" in capsys.readouterr().err
