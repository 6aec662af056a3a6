"""The words annotators read follow the schema in projects that exist already, each in the annotator's language; data stays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from annotate.cli import main
from annotate.codec import dumps
from annotate.labelstudio.client import Client, Project
from annotate.labelstudio.wire import to_result
from annotate.model import Span
from tests.builders import segment
from tests.conftest import Live

SCHEMA = """\
schema: words
version: 1.0.0
languages: [en, fi]
ui_languages: [en, fi, ko]
regions: {annotate: [body]}
guidelines: {en: "Mark **every** boat. ⛵ <b>&amp;", fi: "Merkitse *jokainen* vene."}
entities:
  labels:
    - {id: BOAT, name: {en: Boat, fi: Vene, ko: 배}, description: {en: Floats., fi: Kelluu.}}
    - {id: PORT, name: {en: Port, fi: Satama}}
"""


@pytest.fixture
def client(server: Live) -> Iterator[Client]:
    with server.client() as connected:
        yield connected


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, server: Live, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    monkeypatch.chdir(tmp_path)
    title = f"words {abs(hash(request.node.name)):x}"[:30]
    Path("words.yaml").write_text(SCHEMA, encoding="utf-8")
    Path("annotate.yaml").write_text(f"project: {title}\nschema: words.yaml\n")
    Path("segments.jsonl").write_bytes(dumps(segment("Boat ⛵ in port.")) + b"\n")
    return title


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    capsys.readouterr()
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refreshed(capsys: pytest.CaptureFixture[str], *flags: str) -> list[list[str]]:
    return [project["refreshed"] for project in told(capsys, "push", "segments.jsonl", *flags)["projects"]]


def rewrite(old: str, new: str) -> None:
    text = Path("words.yaml").read_text(encoding="utf-8")
    assert old in text
    Path("words.yaml").write_text(text.replace(old, new), encoding="utf-8")


def own(client: Client, title: str) -> Project:
    (project,) = [project for project in client.projects() if project.title == title]
    return project


def test_edited_words_reach_a_project_with_answers(client: Client, workplace: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert refreshed(capsys) == [[]]
    project = own(client, workplace)
    (task,) = client.tasks(project.id)
    client.submit(task["id"], to_result([Span(0, 4, "BOAT", "Boat")], {}), lead_time=1, skipped=False)
    assert refreshed(capsys) == [[]]
    (before,) = client.tasks(project.id)

    rewrite("**every** boat", "every boat, ferries too")
    assert told(capsys, "status")["projects"][0]["schema_in_step"] is False
    assert refreshed(capsys, "--dry-run") == [["instructions"]]
    assert own(client, workplace) == project
    assert refreshed(capsys) == [["instructions"]]
    assert "ferries too" in own(client, workplace).instruction
    rewrite("Floats.", 'Floats & is "big".')
    rewrite("en: Port", "en: Harbour")
    assert refreshed(capsys, "--dry-run") == [["labeling config"]]
    capsys.readouterr()
    assert main(["push", "segments.jsonl"]) == 0
    assert "labeling config brought in step" in capsys.readouterr().err
    assert 'value="Harbour" alias="PORT"' in own(client, workplace).label_config
    assert refreshed(capsys) == [[]]
    assert told(capsys, "status")["in_step"] is True
    assert main(["doctor", "-q"]) == 0
    (after,) = client.tasks(project.id)
    assert [after[key] for key in ("id", "data", "annotations")] == [before[key] for key in ("id", "data", "annotations")]


def test_instructions_that_a_person_edited_stay(
    client: Client, workplace: str, server: Live, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING", logger="annotate")
    refreshed(capsys)
    project = own(client, workplace)

    def edit(text: str) -> None:
        headers = {"Authorization": f"Token {server.login.token}"}
        path = f"{server.url}/api/projects/{project.id}/"
        httpx.patch(path, json={"expert_instruction": text}, headers=headers).raise_for_status()

    edit("<p>Ask Eve.</p>")
    assert refreshed(capsys) == [[]]
    assert "edited in Label Studio" not in caplog.text  # ours are as they were
    rewrite("**every** boat", "every ferry")
    rewrite("fi: Satama", "fi: Valkama")
    assert main(["push", "segments.jsonl", "--ui-language", "fi"]) == 0
    assert "  labeling config brought in step" in capsys.readouterr().err
    assert "edited in Label Studio and stay" in caplog.text
    assert own(client, workplace).instruction == "<p>Ask Eve.</p>"
    edit("")
    assert refreshed(capsys) == [["instructions"]]
    assert "jokainen" in own(client, workplace).instruction


RICH = r"""Mark boats,\
ferries too.

---

![a "boat" & co](boat.png "it's a boat")

3. third
4. fourth

[files](ftp://127.0.0.1/boats) and <https://127.0.0.1/?a=1&b=2>
"""


def test_guidelines_that_label_studio_rewrites_follow_the_schema(
    client: Client, workplace: str, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING", logger="annotate")
    rewrite('"Mark **every** boat. ⛵ <b>&amp;"', json.dumps(RICH))
    assert refreshed(capsys) == [[]]
    assert refreshed(capsys, "--dry-run") == [[]]
    assert told(capsys, "status")["in_step"] is True
    for old, new in (("ferries", "rowing boats"), ("fourth", "fourth of all")):
        rewrite(old, new)
        assert refreshed(capsys) == [["instructions"]]
        assert new in own(client, workplace).instruction
        assert refreshed(capsys) == [[]]
        assert told(capsys, "status")["in_step"] is True
    assert "edited in Label Studio" not in caplog.text
    project = own(client, workplace)
    client.update_project(
        project, description=project.description, label_config=project.label_config, instruction="<p>Ask Eve."
    )
    rewrite("third", "third of all")
    assert refreshed(capsys) == [[]]
    assert "edited in Label Studio" in caplog.text


def test_each_annotator_reads_their_language(client: Client, workplace: str, capsys: pytest.CaptureFixture[str]) -> None:
    with Path("annotate.yaml").open("a") as settings:
        settings.write("annotators: [aino, ben, soo]\nui_language: [aino=fi, soo=ko]\n")
    assert refreshed(capsys) == [[], [], []]

    def shown() -> dict[str, tuple[bool, bool]]:
        """Whether label and guidelines are Finnish, by annotator."""
        own = [project for project in client.projects() if project.title.startswith(workplace)]
        return {p.title[-4:]: ('value="Vene"' in p.label_config, "jokainen" in p.instruction) for p in own}

    assert shown() == {"aino": (True, True), " ben": (False, False), " soo": (False, False)}
    assert told(capsys, "status")["in_step"] is True
    # A flag is for this push, and what it set stays until something else is said.
    Path("annotate.yaml").write_text(f"project: {workplace}\nschema: words.yaml\nannotators: [aino, ben, soo]\n")
    assert refreshed(capsys) == [[], [], []]
    both = ["labeling config", "instructions"]
    assert refreshed(capsys, "--ui-language", "fi") == [[], both, both]
    assert refreshed(capsys) == [[], [], []]
    assert set(shown().values()) == {(True, True)}


@pytest.mark.parametrize(("given", "message"), [("sv", "not written in 'sv'"), ("eve=fi", "'eve', who is no annotator")])
def test_a_language_or_annotator_that_is_not_there(given: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["push", "segments.jsonl", "--ui-language", given]) == 2
    assert message in capsys.readouterr().err
