"""`annotate status`, against the fake Label Studio and the real one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from annotate import cli
from annotate.cli import main
from annotate.codec import dumps
from annotate.labelstudio.wire import to_result
from annotate.model import Segment, Span
from tests.builders import SCHEMA_TEXT, segment
from tests.conftest import Live

RECORDS = [
    segment("The ferry to Oulu.", doc_id="a", lang="en", region="title"),
    segment("Lautta Ouluun.", doc_id="b", lang="fi"),
    segment("페리 👩‍🚀 오울루.", doc_id="c", lang="ko"),
    segment("Ferry again.", doc_id="d", lang="en"),
]


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, server: Live, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(cli, "VERBS", tuple(dict.fromkeys((*cli.VERBS, "status"))))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "little.yaml").write_text(SCHEMA_TEXT, encoding="utf-8")
    title = request.node.name.replace("[", " ").replace("]", "")[-40:]
    (tmp_path / "annotate.yaml").write_text(f"project: {json.dumps(title)}\nschema: little.yaml\n")
    write(RECORDS)
    return tmp_path


def write(records: list[Segment]) -> None:
    Path("segments.jsonl").write_bytes(b"".join(dumps(record) + b"\n" for record in records))


def told(capsys: pytest.CaptureFixture[str], *flags: str, code: int = 0) -> Any:
    capsys.readouterr()
    assert main(["status", "--json", *flags]) == code
    return json.loads(capsys.readouterr().out)


def test_a_project_that_is_not_there_yet(capsys: pytest.CaptureFixture[str]) -> None:
    document = told(capsys)
    (project,) = document["projects"]
    assert (document["in_step"], project["id"], project["out_of_step"]) == (
        False,
        -1,
        {"created": 4, "updated": 0, "retired": 0},
    )
    assert main(["status", "-q"]) == 1
    assert main(["status"]) == 0
    assert "not made yet" in capsys.readouterr().out


def test_states_by_language_and_region(server: Live, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["push", "segments.jsonl", "-q"]) == 0
    (project,) = told(capsys)["projects"]
    with server.client() as client:
        tasks = {task["data"]["doc_id"]: task["id"] for task in client.tasks(project["id"], ("id", "data"))}
        client.submit(tasks["a"], to_result([Span(13, 17, "GPE", "Oulu")], {}), lead_time=1, skipped=False)
        client.submit(tasks["b"], [], lead_time=1, skipped=True)
    body = {"result": [], "lead_time": 1.0, "project": project["id"]}
    headers = {"Authorization": f"Token {server.login.token}"}
    assert httpx.post(f"{server.url}/api/tasks/{tasks['c']}/drafts", json=body, headers=headers).status_code == 201
    document = told(capsys)
    (project,) = document["projects"]
    assert document["in_step"] is project["in_step"] is project["schema_in_step"] is True
    assert project["counts"] == {"tasks": 4, "done": 1, "skipped": 1, "drafts": 1, "pending": 1, "retired": 0}
    assert project["by_lang"]["en"] == {"tasks": 2, "done": 1, "skipped": 0, "drafts": 0, "pending": 1}
    assert project["by_lang"]["ko"] == {"tasks": 1, "done": 0, "skipped": 0, "drafts": 1, "pending": 0}
    assert project["by_region"]["title"]["done"] == project["by_region"]["body"]["skipped"] == 1
    assert main(["status", "-q"]) == 0
    assert main(["status"]) == 0
    assert "region title: 1 tasks, 1 done" in capsys.readouterr().out


def test_what_a_push_would_do_is_what_it_does(server: Live, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["push", "segments.jsonl", "-q"]) == 0
    (project,) = told(capsys)["projects"]
    with server.client() as client:
        (task,) = [t["id"] for t in client.tasks(project["id"], ("id", "data")) if t["data"]["doc_id"] == "d"]
        client.submit(task, [], lead_time=1, skipped=False)
    write([segment("The ferry to Oulu.", doc_id="a"), *RECORDS[1:3], segment("Another.", doc_id="d")])
    (project,) = told(capsys)["projects"]
    assert project["out_of_step"] == {"created": 1, "updated": 1, "retired": 1}
    assert main(["status", "-q"]) == 1
    assert main(["push", "segments.jsonl", "--json"]) == 0
    pushed = json.loads(capsys.readouterr().out)
    assert {key: pushed[key] for key in project["out_of_step"]} == project["out_of_step"]
    (project,) = told(capsys)["projects"]
    assert project["counts"] == {"tasks": 4, "done": 0, "skipped": 0, "drafts": 0, "pending": 4, "retired": 1}
    assert main(["status", "-q"]) == 0


def test_another_schema_is_out_of_step(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["push", "segments.jsonl", "-q"]) == 0
    Path("little.yaml").write_text(SCHEMA_TEXT.replace("1.0.0", "1.1.0"), encoding="utf-8")
    document = told(capsys)
    assert (document["in_step"], document["projects"][0]["schema_in_step"]) == (False, False)
    assert main(["status", "-q"]) == 1
    assert main(["push", "segments.jsonl", "-q"]) == 0
    assert main(["status", "-q"]) == 0


def test_annotators_apart(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["push", "segments.jsonl", "--annotators", "aino,ben", "-q"]) == 0
    # Without names: all that the title has.
    assert [one["annotator"] for one in told(capsys)["projects"]] == ["aino", "ben"]
    write(RECORDS[:3])
    document = told(capsys, "--annotators", "aino", "--prune")
    aino, ben = document["projects"]
    assert (aino["filled"], aino["out_of_step"]["retired"], aino["in_step"]) == (True, 1, False)
    assert (ben["filled"], ben["out_of_step"], ben["in_step"], ben["counts"]["tasks"]) == (False, {}, True, 4)


def test_options_select_as_for_push(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["push", "segments.jsonl", "--language", "fi", "-q"]) == 0
    assert main(["status", "-q", "--language", "fi"]) == 0
    document = told(capsys)
    assert document["projects"][0]["out_of_step"]["created"] == 3
    assert told(capsys, "--region", "title")["not_selected"] == 3


def test_without_a_corpus_the_server_alone_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["push", "segments.jsonl", "-q"]) == 0
    Path("segments.jsonl").rename("elsewhere.jsonl")
    document = told(capsys)
    assert (document["compared_with"], document["in_step"], document["projects"][0]["out_of_step"]) == ("", True, {})
    assert told(capsys, "elsewhere.jsonl")["compared_with"] == "elsewhere.jsonl"
    assert main(["status", "missing.jsonl"]) == 1
    assert main(["status", "-"]) == 2


def test_a_damaged_line_retires_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["push", "segments.jsonl", "--prune", "-q"]) == 0
    with Path("segments.jsonl").open("r+b") as file:
        file.truncate(file.seek(-40, 2))
    assert told(capsys, "--prune")["projects"][0]["out_of_step"] == {"created": 0, "updated": 0, "retired": 0}
