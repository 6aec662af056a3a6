"""`push --requeue-before`, against the fake Label Studio and the real one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from annotate.cli import main
from annotate.codec import loads
from annotate.labelstudio.client import Client
from annotate.labelstudio.wire import to_result
from annotate.model import Annotation, Span
from annotate.requeue import precedence
from tests.builders import SCHEMA_TEXT, segment, write_lines
from tests.conftest import Live

OULU = to_result([Span(0, 4, "GPE", "Oulu")], {})


@pytest.fixture
def client(server: Live) -> Iterator[Client]:
    with server.client() as connected:
        yield connected


def push(capsys: pytest.CaptureFixture[str], *flags: str, code: int = 0) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["push", "segments.jsonl", "--json", *flags]) == code
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_older_answers_are_asked_again_and_stay_meanwhile(
    tmp_path: Path, server: Live, client: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("little.yaml").write_text(SCHEMA_TEXT, encoding="utf-8")
    Path("annotate.yaml").write_text(f"project: requeue {server.url[-5:]}\nschema: little.yaml\n")
    records = [segment(f"Oulu, number {n}.", doc_id=f"{n}.txt") for n in range(4)]
    write_lines(Path("segments.jsonl"), records)
    project = int(push(capsys)["projects"][0]["id"])
    first, second, third, _ = sorted(task["id"] for task in client.tasks(project, ("id",)))
    client.submit(first, OULU, lead_time=1, skipped=False)
    client.submit(second, [], lead_time=1, skipped=True)

    Path("little.yaml").write_text(SCHEMA_TEXT.replace("1.0.0", "2.0.0").replace("GPE]", "GPE, WORK]"))
    assert push(capsys, "--requeue-before", "2.0.0", "--dry-run")["again"] == 2
    push(capsys)
    client.submit(third, OULU, lead_time=1, skipped=False)
    assert push(capsys, "--requeue-before", "2.0.0")["again"] == 2
    marks = {task["id"]: task["data"].get("again") for task in client.tasks(project, ("id", "data"))}
    assert (marks[first], marks[second], marks[third]) == ("2.0.0", "2.0.0", None)
    (tab,) = [view for view in client.views(project) if view["data"]["title"] == "again"]
    query = {"project": project, "filters": tab["data"]["filters"]}
    answer = client._get("api/tasks/", project=project, query=json.dumps(query), fields="all")
    assert {task["id"] for task in answer["tasks"]} == {first, second}
    # Nothing is lost meanwhile, and a push that asks for nothing again leaves the marks.
    assert main(["pull", "-q"]) == 0
    assert len(Path("annotations.jsonl").read_bytes().splitlines()) == 3
    again = push(capsys)
    assert (again["updated"], again["unchanged"]) == (0, 4)

    (given,) = [task["annotations"][0]["id"] for task in client.tasks(project) if task["id"] == first]
    client.change_answer("annotation", given, OULU)  # what the annotator's Update does
    assert push(capsys, "--requeue-before", "2.0.0")["again"] == 1
    marks = {task["id"]: task["data"].get("again") for task in client.tasks(project, ("id", "data"))}
    assert (marks[first], marks[second]) == ("", "2.0.0")
    assert main(["pull", "-q"]) == 0
    versions = [loads(line, Annotation).schema.version for line in Path("annotations.jsonl").read_bytes().splitlines()]
    assert versions == ["2.0.0", "1.0.0", "2.0.0"]
    whole = Path("annotations.jsonl").read_bytes()
    assert main(["pull", "--all", "-q"]) == 0
    assert Path("annotations.jsonl").read_bytes() == whole  # the journal had learnt of the marks and of the new answer
    again = push(capsys)
    assert (again["created"], again["unchanged"]) == (0, 4)
    assert push(capsys, "--requeue-before", "soon", code=2)["error"]["hint"]


def test_versions_are_ordered_as_semver_says() -> None:
    ordered = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0", "1.2.0", "1.10.0", "2.0.0"]
    assert sorted(ordered, key=precedence) == ordered
