"""`annotate doctor` on set-ups that are broken, each in one way."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from annotate import cli
from annotate.cli import main
from annotate.codec import dumps
from annotate.labelstudio import server as embedded
from annotate.labelstudio.client import Client
from annotate.testing import FakeLabelStudio
from annotate.testing.plugin import label_studio as label_studio
from tests.builders import SCHEMA_TEXT, segment
from tests.conftest import Live, free_port


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(cli, "VERBS", tuple(dict.fromkeys((*cli.VERBS, "doctor"))))
    monkeypatch.setattr(embedded, "find_program", lambda: None)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 0, 10**12))
    monkeypatch.setenv("ANNOTATE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "little.yaml").write_text(SCHEMA_TEXT, encoding="utf-8")
    (tmp_path / "annotate.yaml").write_text("project: surgery\nschema: little.yaml\n")
    (tmp_path / "segments.jsonl").write_bytes(dumps(segment("The ferry to Oulu.")) + b"\n")
    yield tmp_path
    assert not (tmp_path / "home" / "data").exists()


def checked(capsys: pytest.CaptureFixture[str], code: int, *flags: str) -> dict[str, dict[str, object]]:
    capsys.readouterr()
    assert main(["doctor", "--json", *flags]) == code
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is (code == 0)
    for check in document["checks"]:
        assert check["level"] == "ok" or check["hint"], check
    return {check["name"]: check for check in document["checks"]}


def levels(checks: dict[str, dict[str, object]]) -> dict[str, object]:
    return {name: check["level"] for name, check in checks.items() if check["level"] != "ok"}


def test_all_is_well(label_studio: FakeLabelStudio, capsys: pytest.CaptureFixture[str]) -> None:
    assert levels(checked(capsys, 0)) == {"project": "warn"}  # before the first push
    assert main(["push", "segments.jsonl", "-q"]) == 0
    before = len(label_studio.requests)
    checks = checked(capsys, 0)
    assert levels(checks) == {}
    expected = {
        "disk",
        "workspace",
        "embedded server",
        "schema",
        "server",
        "version",
        "clock",
        "token",
        "project",
        "schema in step",
    }
    assert set(checks) == expected
    assert checks["token"]["message"] == "a legacy token, from LABEL_STUDIO_API_KEY"
    assert {request.method for request in label_studio.requests[before:]} == {"GET"}
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "ok    version: 1.23.2" in out
    assert label_studio.token not in out


@pytest.mark.filterwarnings("ignore:The `parse_obj` method:DeprecationWarning")  # the SDK's own
def test_a_personal_token_from_a_file(
    label_studio: FakeLabelStudio, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("LABEL_STUDIO_API_KEY")
    Path("token.txt").write_text(label_studio.personal_token + "\n")
    monkeypatch.setenv("ANNOTATE_TOKEN_FILE", "token.txt")
    assert checked(capsys, 0)["token"]["message"] == "a personal access token, from token.txt"


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("LABEL_STUDIO_URL", f"http://127.0.0.1:{free_port()}")
    checks = checked(capsys, 4)
    assert levels(checks) == {"server": "fail"}
    assert "cannot be reached" in str(checks["server"]["message"])
    assert "token" not in checks


def test_no_server_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    checks = checked(capsys, 4)
    assert "annotate server start" in str(checks["server"]["hint"])


@pytest.mark.parametrize("path", ["/nowhere", ""])
def test_something_else_answers(
    path: str, label_studio: FakeLabelStudio, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LABEL_STUDIO_URL", label_studio.url + path)
    if not path:
        label_studio.fail_next("web_page", path="/api/version")
    checks = checked(capsys, 4)
    assert levels(checks) == {"server": "fail"}
    assert "proxy" in str(checks["server"]["hint"])


def test_a_wrong_token(
    label_studio: FakeLabelStudio, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "wrong-token-123")
    checks = checked(capsys, 4)
    assert levels(checks) == {"token": "fail"}
    assert "Account & Settings" in str(checks["token"]["hint"])
    assert "wrong-token" not in str(checks)
    monkeypatch.delenv("LABEL_STUDIO_API_KEY")
    assert "no API token" in str(checked(capsys, 4)["token"]["message"])
    monkeypatch.setenv("ANNOTATE_TOKEN_FILE", "no-such-file")
    assert "token file" in str(checked(capsys, 4)["token"]["message"])


def test_legacy_tokens_are_switched_off(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with FakeLabelStudio(legacy_tokens=False) as fake:
        monkeypatch.setenv("LABEL_STUDIO_URL", fake.url)
        monkeypatch.setenv("LABEL_STUDIO_API_KEY", fake.token)
        token = checked(capsys, 4)["token"]
    assert "disabled for this organization" in str(token["message"])
    assert "personal access token" in str(token["hint"])


def test_another_version_and_another_clock(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with FakeLabelStudio(version="1.7.3", clock_skew=-3600) as fake:
        monkeypatch.setenv("LABEL_STUDIO_URL", fake.url)
        monkeypatch.setenv("LABEL_STUDIO_API_KEY", fake.token)
        checks = checked(capsys, 0)
    assert levels(checks) == {"version": "warn", "clock": "warn", "project": "warn"}
    assert "behind" in str(checks["clock"]["message"])


def test_a_project_that_cannot_be_told(label_studio: FakeLabelStudio, capsys: pytest.CaptureFixture[str]) -> None:
    with Client(label_studio.url, label_studio.token) as client:
        one, _ = (client.create_project("surgery", "", "<View/>", "") for _ in range(2))
        assert "rename" in str(checked(capsys, 4)["project"]["hint"])
        for project in client.projects():
            marker = "annotate-project: {damaged" if project.id == one.id else "annotate-project: {also damaged"
            client.update_project(project, description=marker, label_config="<View/>")
        assert "line" in str(checked(capsys, 4)["project"]["hint"])
    assert levels(checked(capsys, 1, "--annotators", "x" * 60)) == {"project": "fail"}


def test_the_schema_went_on(label_studio: FakeLabelStudio, workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["push", "segments.jsonl", "-q"]) == 0
    (workplace / "little.yaml").write_text(SCHEMA_TEXT.replace("1.0.0", "2.0.0").replace("GPE", "PLACE"))
    checks = checked(capsys, 0)
    assert levels(checks) == {"schema in step": "warn"}
    assert "1.0.0" in str(checks["schema in step"]["message"])
    (workplace / "little.yaml").write_text(SCHEMA_TEXT.replace("GPE]", "GPE"))
    assert levels(checked(capsys, 1)) == {"schema": "fail"}


@pytest.mark.parametrize(("free", "level", "code"), [(10**9, "warn", 0), (10**7, "fail", 1)])
def test_the_disk_is_full(
    free: int,
    level: str,
    code: int,
    label_studio: FakeLabelStudio,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 0, free))
    assert checked(capsys, code)["disk"]["level"] == level


def test_the_workspace_is_full_or_read_only(
    label_studio: FakeLabelStudio, workplace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 0, 0 if Path(path) == workplace else 10**12))
    assert "free" in str(checked(capsys, 1)["workspace"]["message"])
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != workplace)  # root may write everywhere
    assert "cannot be written" in str(checked(capsys, 1)["workspace"]["message"])


def test_the_project_is_gone(label_studio: FakeLabelStudio, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["push", "segments.jsonl", "-q"]) == 0
    with Client(label_studio.url, label_studio.token) as client:
        (project,) = client.projects()
        client._send("DELETE", f"api/projects/{project.id}/", {})
    assert "push makes it" in str(checked(capsys, 0)["project"]["hint"])


def test_the_embedded_server_hangs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    running = embedded.Running(1, 0.0, free_port(), "1.23.2")
    monkeypatch.setattr(embedded, "find_running", lambda: running)
    checks = checked(capsys, 4)
    assert levels(checks) == {"embedded server": "fail", "server": "fail"}
    assert "annotate server stop" in str(checks["embedded server"]["hint"])


BROKEN = (
    "nothing listens at the address",
    "the address has a wrong path: a web server answers",
    "the organisation has switched legacy tokens off",
    "an old server whose clock is slow",
    "two projects have the title",
)


def test_the_readme_shows_what_is_printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    shown = [block for block in re.findall(r"^```text\n(.*?)^```$", readme, re.DOTALL | re.MULTILINE) if BROKEN[0] in block]
    with (
        FakeLabelStudio() as fake,
        FakeLabelStudio(legacy_tokens=False) as modern,
        FakeLabelStudio(version="1.7.3", clock_skew=-3600) as old,
    ):
        with Client(fake.url, fake.token) as client:
            for _ in range(2):
                client.create_project("surgery", "", "<View/>", "")

        def printed(url: str, token: str) -> str:
            monkeypatch.setenv("LABEL_STUDIO_URL", url)
            monkeypatch.setenv("LABEL_STUDIO_API_KEY", token)
            capsys.readouterr()
            main(["doctor", "-q"])
            return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:8080", capsys.readouterr().out)

        told = [
            printed(f"http://127.0.0.1:{free_port()}", fake.token),
            printed(f"{fake.url}/nowhere", fake.token),
            printed(modern.url, modern.token),
            printed(old.url, old.token),
            printed(fake.url, fake.token),
        ]
    assert shown == ["\n".join(f"# {what}\n{output}" for what, output in zip(BROKEN, told, strict=True))]


@pytest.mark.live
def test_the_real_one(live: Live, capsys: pytest.CaptureFixture[str]) -> None:
    checks = checked(capsys, 0, "--project", "no such project")
    assert levels(checks) == {"project": "warn"}
    assert live.url in str(checks["embedded server"]["message"])
