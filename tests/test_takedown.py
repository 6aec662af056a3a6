"""`annotate purge`, against the fake Label Studio and the real one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from annotate import takedown
from annotate.cli import main
from annotate.codec import dumps, loads
from annotate.journal import Journal, open_journal
from annotate.labelstudio.client import Client
from annotate.labelstudio.wire import to_result
from annotate.model import Annotation, Span
from annotate.purged import Purge, read_log, write_log
from annotate.takedown import purge
from tests.builders import segment, write_lines

pytestmark = pytest.mark.usefixtures("workplace")


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> dict[str, Any]:
    capsys.readouterr()
    assert main([*arguments, "--json"]) == code
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_a_document_is_taken_down_everywhere(workplace: Path, client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    records = [segment(f"Oulu, number {n}.", doc_id=f"{n}.txt") for n in range(3)]
    records.append(segment("Oulu, number 1.", doc_id="copy.txt"))
    write_lines(workplace / "segments.jsonl", records)
    pushed = run(capsys, "push", "segments.jsonl", "--annotators", "aino,ben", "--dedupe")
    for project in pushed["projects"]:
        for task in client.tasks(project["id"], ("id",)):
            client.submit(task["id"], to_result([Span(0, 4, "GPE", "Oulu")], {}), lead_time=1, skipped=False)
    run(capsys, "pull")
    run(capsys, "adjudicate", "annotations.jsonl", code=5)  # one user answered in both projects

    dry = run(capsys, "purge", "--doc-id", "1.txt", "--dry-run")
    assert (dry["tasks"], dry["annotations"], dry["copies"]) == (2, 2, 0)
    assert dry["left_in"] == {"annotations.jsonl": 2, "gold.jsonl": 1, "segments.jsonl": 1}
    assert not (workplace / ".annotate" / "purged.jsonl").exists()
    run(capsys, "purge", "--doc-id", "copy.txt")
    assert list((workplace / ".annotate").glob("copies-*")) == []
    done = run(capsys, "purge", "--doc-id", "1.txt", "--why", "the author asked", "--by", "Eve")
    assert (done["tasks"], done["journal"]) == (2, 2)
    journal = b"".join(path.read_bytes() for path in (workplace / ".annotate").glob("journal.sqlite*"))
    assert b"number 0" in journal
    assert b"number 1" not in journal

    log = read_log(workplace / ".annotate" / "purged.jsonl")
    assert [(entry.doc_id, entry.done) for entry in log[-2:]] == [("1.txt", False), ("1.txt", True)]
    assert (log[-1].by, log[-1].why, log[-1].counts["annotations"]) == ("Eve", "the author asked", 2)
    for project in pushed["projects"]:
        assert {t["data"]["doc_id"] for t in client.tasks(project["id"], ("id", "data"))} == {"0.txt", "2.txt"}
    # It does not come back, by whatever way.
    again = run(capsys, "push", "segments.jsonl", "--annotators", "aino,ben", code=5)
    assert (again["created"], again["unchanged"], again["rejected"]) == (0, 4, 2)
    told = run(capsys, "status", "segments.jsonl", "--annotators", "aino,ben")
    assert [one["out_of_step"]["created"] for one in told["projects"]] == [0, 0]
    exported = run(capsys, "export", "gold.jsonl", "out", code=5)
    assert exported["records"] == 2
    assert "number 1" not in "".join(
        path.read_text(errors="replace") for path in (workplace / "out").rglob("*") if path.is_file()
    )
    assert run(capsys, "adjudicate", "annotations.jsonl", "-o", "new.jsonl", code=5)["gold"] == 2
    assert "number 1" not in (workplace / "new.rejects.jsonl").read_text()
    assert run(capsys, "pull")["annotations"] == 4
    whole = (workplace / "annotations.jsonl").read_bytes()
    assert b"number 1" not in whole
    run(capsys, "pull", "--all")
    assert (workplace / "annotations.jsonl").read_bytes() == whole


def test_its_review_is_taken_down_too(workplace: Path, client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    records = [segment(f"Oulu, number {n}.", doc_id=f"{n}.txt") for n in range(2)]
    write_lines(workplace / "segments.jsonl", records)
    pushed = run(capsys, "push", "segments.jsonl", "--annotators", "aino,ben")
    answers = [[Span(0, 4, "GPE", "Oulu")], []]
    for project, spans in zip(pushed["projects"], answers, strict=True):
        for task in client.tasks(project["id"], ("id",)):
            client.submit(task["id"], to_result(spans, {}), lead_time=1, skipped=False)
    run(capsys, "pull")
    told = [loads(line, Annotation) for line in (workplace / "annotations.jsonl").read_bytes().splitlines()]
    first = pushed["projects"][0]["id"]  # one user answered in both: as if they were two
    named = [replace(a, annotator="aino" if a.task.project == first else "ben") for a in told]
    write_lines(workplace / "annotations.jsonl", named)
    run(capsys, "adjudicate", "annotations.jsonl")
    assert run(capsys, "review", "push")["created"] == 2
    assert run(capsys, "purge", "--doc-id", "1.txt")["tasks"] == 3
    assert run(capsys, "review", "push", code=5)["unchanged"] == 1
    assert run(capsys, "review", "push", code=5)["created"] == 0


def test_a_document_that_nobody_knows(capsys: pytest.CaptureFixture[str], client: Client) -> None:
    assert "nothing" in run(capsys, "purge", "--doc-id", "none.txt", code=2)["error"]["message"]


def test_interrupted_it_is_in_force(
    workplace: Path, client: Client, title: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (workplace / "segments.jsonl").write_bytes(dumps(segment("Oulu.", doc_id="a.txt")) + b"\n")
    run(capsys, "push", "segments.jsonl")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Client, "delete_tasks", interrupted)
        with pytest.raises(KeyboardInterrupt):
            purge(client, title, "a.txt", workplace)
    assert run(capsys, "push", "segments.jsonl", code=1)["error"]["message"].startswith("no record")
    with open_journal(workplace) as journal:
        dry = purge(client, title, "a.txt", workplace, dry_run=True, journal=journal)
        done = purge(client, title, "a.txt", workplace, journal=journal)
        assert dry == done
        assert (done.tasks, done.journal, journal.tasks_of("a.txt")) == (1, 1, 0)


@pytest.mark.parametrize(("moment", "left"), [("delete_tasks", (1, 1)), ("forget_document", (0, 1)), ("write_log", (0, 0))])
def test_interrupted_late_it_is_finished_by_the_same_command(
    moment: str,
    left: tuple[int, int],
    workplace: Path,
    client: Client,
    title: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whatever is left then of the document: tasks, the journal's knowledge, or nothing but the entry that it was begun."""
    record = segment("Oulu.", doc_id="a.txt")
    (workplace / "segments.jsonl").write_bytes(dumps(record) + b"\n")
    run(capsys, "push", "segments.jsonl")
    (workplace / "segments.jsonl").unlink()
    copies = workplace / ".annotate" / "migrations" / "one.jsonl"
    copies.parent.mkdir()
    copies.write_bytes(dumps({"segment_id": record.id, "was": "Oulu."}) + b"\n")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    def interrupted_when_done(folder: Path, entry: Purge) -> None:
        if entry.done:
            raise KeyboardInterrupt
        write_log(folder, entry)

    with monkeypatch.context() as patch, open_journal(workplace) as journal:
        patch.setattr(
            *{
                "delete_tasks": (Client, moment, interrupted),
                "forget_document": (Journal, moment, interrupted),
                "write_log": (takedown, moment, interrupted_when_done),
            }[moment]
        )
        with pytest.raises(KeyboardInterrupt):
            purge(client, title, "a.txt", workplace, journal=journal)
    assert not copies.exists()  # no task would say whose they are
    dry = run(capsys, "purge", "--doc-id", "a.txt", "--dry-run")
    done = run(capsys, "purge", "--doc-id", "a.txt")
    assert (dry["tasks"], dry["journal"]) == (done["tasks"], done["journal"]) == left
    log = read_log(workplace / ".annotate" / "purged.jsonl")
    assert [entry.done for entry in log] == [False, False, True]
    assert "nothing" in run(capsys, "purge", "--doc-id", "a.txt", code=2)["error"]["message"]
