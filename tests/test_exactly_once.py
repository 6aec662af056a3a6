"""The fault matrix: whatever happens to a push, after the next one there is exactly one task per segment, and no answer is
lost, not even by a Label Studio that has lost count of them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from annotate.cli import main
from annotate.codec import dumps, loads
from annotate.config import TOKEN
from annotate.labelstudio import server as embedded
from annotate.labelstudio.client import Client
from annotate.labelstudio.wire import to_result
from annotate.model import Annotation, Segment, Span
from annotate.sync import pushing
from annotate.testing import FakeLabelStudio
from tests.builders import segment, set_up, write_lines
from tests.conftest import Live, free_port
from tests.live.gateway import Gateway, Moment

RECORDS = [segment(f"Number {n} of many ⚓.", doc_id=f"{n // 10}.txt", start=30 * (n % 10)) for n in range(46)]
CHANGED = [replace(record, region="title") for record in RECORDS]
IMPORT, DELETE, PROJECT = "/import", "/api/dm/actions/", "/api/projects/"


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    set_up(tmp_path, title(request), monkeypatch)
    monkeypatch.setattr(pushing, "BATCH", 20)
    monkeypatch.setattr(pushing, "DELETE_BATCH", 20)
    write(RECORDS)


def title(request: pytest.FixtureRequest) -> str:
    return f"once {abs(hash(request.node.name)):x}"


def write(records: list[Segment]) -> None:
    write_lines(Path("segments.jsonl"), records)


def started(url: str, token: str, command: str = "push segments.jsonl", **environment: str) -> subprocess.Popen[bytes]:
    """A push or pull in a process of its own, in small batches and pages."""
    settings = os.environ | {"LABEL_STUDIO_URL": url, TOKEN: token} | environment
    small = (
        "from annotate.labelstudio import client; client.PAGE, client.IN_LIST = 10, 5; "
        "from annotate.sync import pulling, pushing; pulling.IN_LIST = 5; pushing.BATCH = pushing.DELETE_BATCH = 20; "
    )
    program = small + f"from annotate.cli import main; raise SystemExit(main({[*command.split(), '-q']!r}))"
    return subprocess.Popen([sys.executable, "-c", program], env=settings, stderr=subprocess.DEVNULL)


def pushed(server: Live, url: str = "") -> int:
    """A push in this process."""
    return main(["push", "segments.jsonl", "-q", "--url", url or server.url])


def found(client: Client, name: str) -> Counter[tuple[str, str]]:
    """How many tasks there are, by text and region, in all projects of the title."""
    projects = [project for project in client.projects() if project.title == name]
    return Counter((t["data"]["text"], t["data"]["region"]) for p in projects for t in client.tasks(p.id, ("data",)))


def expected(records: list[Segment]) -> Counter[tuple[str, str]]:
    return Counter((record.text, record.region) for record in records)


@pytest.mark.parametrize(
    "moment",
    [
        Moment("POST", PROJECT, phase="before"),
        Moment("POST", PROJECT),
        Moment("POST", IMPORT, 1, "before"),
        Moment("POST", IMPORT, 1),
        Moment("POST", IMPORT, 2, "meanwhile"),
        Moment("POST", IMPORT, 3),
    ],
    ids=str,
)
def test_the_client_is_killed(server: Live, moment: Moment, request: pytest.FixtureRequest) -> None:
    victims: list[subprocess.Popen[bytes]] = []
    with Gateway(server.url, moment, lambda: os.kill(victims[0].pid, signal.SIGKILL)) as gateway:
        victims.append(started(gateway.url, server.login.token))
        assert victims[0].wait() == -signal.SIGKILL
        assert gateway.happened.wait(5)
    assert pushed(server) == 0
    with server.client() as client:
        assert found(client, title(request)) == expected(RECORDS)


@pytest.mark.parametrize(
    "moment",
    [Moment("POST", IMPORT, 2), Moment("POST", DELETE, 1, "before"), Moment("POST", DELETE, 1), Moment("POST", DELETE, 2)],
    ids=str,
)
def test_the_client_is_killed_while_it_replaces(server: Live, moment: Moment, request: pytest.FixtureRequest) -> None:
    assert pushed(server) == 0
    write(CHANGED)
    victims: list[subprocess.Popen[bytes]] = []
    with Gateway(server.url, moment, lambda: os.kill(victims[0].pid, signal.SIGKILL)) as gateway:
        victims.append(started(gateway.url, server.login.token))
        assert victims[0].wait() == -signal.SIGKILL
    assert pushed(server) == 0
    with server.client() as client:
        assert found(client, title(request)) == expected(CHANGED)


@pytest.mark.parametrize("moment", [Moment("POST", IMPORT, 1), Moment("POST", IMPORT, 3), Moment("POST", DELETE)], ids=str)
def test_a_gateway_forwards_and_answers_504(
    server: Live, moment: Moment, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOKEN, server.login.token)
    if moment.path == DELETE:
        assert pushed(server) == 0
        write(CHANGED)
    with Gateway(server.url, moment, lambda: None) as gateway:
        assert pushed(server, gateway.url) == 0
        assert gateway.happened.is_set()
    with server.client() as client:
        assert found(client, title(request)) == expected(CHANGED if moment.path == DELETE else RECORDS)


def test_the_client_loses_patience_while_the_server_stores_everything(
    server: Live, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOKEN, server.login.token)
    monkeypatch.setattr("annotate.labelstudio.client.TIMEOUT", 3.0)
    with Gateway(server.url, Moment("POST", IMPORT, 2), lambda: None, silent=6.0) as gateway:
        assert pushed(server, gateway.url) == 0
        assert gateway.happened.is_set()
    with server.client() as client:
        assert found(client, title(request)) == expected(RECORDS)


def test_two_pushes_at_once_from_two_machines(server: Live, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    # Two homes: nothing but the server is common to them, no lock keeps them apart.
    both = [started(server.url, server.login.token, ANNOTATE_HOME=str(tmp_path / name)) for name in ("one", "two")]
    assert [process.wait() for process in both] == [0, 0]
    assert pushed(server) == 0
    with server.client() as client:
        assert len([project for project in client.projects() if project.title == title(request)]) == 1
        assert found(client, title(request)) == expected(RECORDS)


TASKS, DRAFTS = "/api/tasks/?", "/drafts"


@pytest.mark.parametrize(
    "moment",
    [
        Moment("GET", TASKS, 1),
        Moment("GET", TASKS, 3),  # while tasks are listed
        Moment("GET", TASKS, 7, "before"),
        Moment("GET", TASKS, 8),  # while answers are read
        Moment("GET", DRAFTS, 1),  # while the output is written
    ],
    ids=str,
)
@pytest.mark.parametrize("known", [False, True], ids=["the first pull", "a later pull"])
def test_the_client_is_killed_while_it_pulls(
    server: Live, moment: Moment, known: bool, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is pulled afterwards is what a pull from nothing brings, whatever happened on the server meanwhile."""
    monkeypatch.setenv(TOKEN, server.login.token)
    assert pushed(server) == 0
    victims: list[subprocess.Popen[bytes]] = []
    with Gateway(server.url, moment, lambda: victims[0].kill()) as gateway, server.client() as client:
        (project,) = [project.id for project in client.projects() if project.title == title(request)]
        tasks = sorted(task["id"] for task in client.tasks(project, ("id",)))
        said = [to_result([Span(0, 6, label, "Number")], {}) for label in ("GPE", "ORG")]
        for task in tasks[:20]:
            client.submit(task, said[0], lead_time=1, skipped=task % 3 == 0)
        if known:
            gateway.moment = Moment("GET", "never")
            assert main(["pull", "-q", "--url", gateway.url]) == 0
            gateway.moment = moment
        for task in tasks[10:40]:
            client.submit(task, said[1], lead_time=2, skipped=False)
        begin_a_draft(server, tasks[45])
        victims.append(started(gateway.url, server.login.token, "pull --all" if known else "pull"))
        assert victims[0].wait() == -signal.SIGKILL
        assert gateway.happened.wait(5)
        client.delete_tasks(project, [tasks[0], tasks[33]])
        client.submit(tasks[44], said[0], lead_time=3, skipped=False)
        assert main(["pull", "-q", "--url", gateway.url]) == 0
        shutil.rmtree(".annotate")
        assert main(["pull", "-q", "--all", "--url", gateway.url, "-o", "fresh.jsonl"]) == 0
    rows = [loads(line, Annotation) for line in Path("annotations.jsonl").read_bytes().splitlines()]
    assert len(rows) == 20 + 30 + 1 - 2  # one answer of each of the deleted tasks
    assert Path("annotations.jsonl").read_bytes() == Path("fresh.jsonl").read_bytes()


def begin_a_draft(server: Live, task: int) -> None:
    headers = {"Authorization": f"Token {server.login.token}"}
    body = {"result": to_result([Span(0, 6, "GPE", "Number")], {}), "lead_time": 1}
    httpx.post(f"{server.url}/api/tasks/{task}/drafts", json=body, headers=headers).raise_for_status()


@pytest.fixture
def mortal(live_home: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[embedded.Running]:
    """A real server of the test's own; its database is a copy, which spares the migrations."""
    home = tmp_path / "home"
    data = home / "data"
    data.mkdir(parents=True)
    shutil.copy(live_home.home / "credentials.json", home)
    (name,) = (path.name for path in (live_home.home / "data").glob("*.sqlite3"))
    with sqlite3.connect(live_home.home / "data" / name) as source, sqlite3.connect(data / name) as target:
        source.backup(target)
    source.close()
    target.close()
    monkeypatch.setenv("ANNOTATE_HOME", str(home))
    yield embedded.start(print, port=free_port())
    embedded.stop()


@pytest.mark.live
@pytest.mark.parametrize("moment", [Moment("POST", IMPORT, 2, "meanwhile"), Moment("POST", IMPORT, 2)], ids=str)
def test_the_server_is_killed(mortal: embedded.Running, moment: Moment, request: pytest.FixtureRequest) -> None:
    token = embedded.credentials().token

    def kill() -> None:
        parent = psutil.Process(mortal.pid)
        for process in (*parent.children(recursive=True), parent):
            process.kill()

    with Gateway(mortal.url, moment, kill) as gateway:
        assert started(gateway.url, token).wait() == 4
        assert gateway.happened.is_set()
    again = embedded.start(print, port=mortal.port)
    assert started(again.url, token).wait() == 0
    with Client(again.url, token) as client:
        assert found(client, title(request)) == expected(RECORDS)


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.live)])
def forgetful(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Live:
    """A Label Studio that has lost count of answers, and does so until it is started again."""
    if request.param == "real":
        running: embedded.Running = request.getfixturevalue("mortal")
        server = Live(embedded.home(), running.url, embedded.credentials())
        lose_count(server)
    else:
        fake: FakeLabelStudio = request.getfixturevalue("fake")
        server = Live(embedded.home(), fake.url, embedded.Credentials(fake.email, fake.password, fake.token))
        fake.lose_count()
    monkeypatch.setenv("LABEL_STUDIO_URL", server.url)
    monkeypatch.setenv(TOKEN, server.login.token)
    return server


def lose_count(server: Live) -> None:
    """What any user can do to Label Studio: delete several projects at the same time."""
    config = '<View><Text name="text" value="$text"/><Labels name="l" toName="text"><Label value="A"/></Labels></View>'
    with server.client() as client, ThreadPoolExecutor(8) as pool:

        def delete(number: int) -> None:
            with server.client() as own:
                own.delete_project(number)

        for _ in range(20):
            probe, *doomed = [client.create_project("doomed", "", config, "").id for _ in range(9)]
            list(pool.map(delete, doomed))
            (task,) = client.import_tasks(probe, [dumps({"data": {"text": "A"}})])
            client.submit(task, [], lead_time=1, skipped=False)
            if client.counters(probe).submitted != client.tally(probe, 0, task).submitted:
                return
    pytest.fail("Label Studio counted on: has it learned to delete two projects at once?")


def test_an_answer_that_label_studio_does_not_count_is_an_answer(
    forgetful: Live,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    said = [to_result([Span(0, 6, label, "Number")], {}) for label in ("GPE", "ORG")]

    def pulled(*flags: str) -> Counter[str]:
        assert main(["pull", "-q", *flags]) == 0
        return Counter(loads(line, Annotation).status for line in Path("annotations.jsonl").read_bytes().splitlines())

    def told(*arguments: str) -> dict[str, Any]:
        capsys.readouterr()
        assert main([*arguments, "--json"]) == 0
        document: dict[str, Any] = json.loads(capsys.readouterr().out)
        return document

    assert pushed(forgetful) == 0
    with forgetful.client() as client:
        (project,) = [project.id for project in client.projects() if project.title == title(request)]
        tasks = sorted(task["id"] for task in client.tasks(project, ("id",)))
        for task in tasks[:20]:
            client.submit(task, said[0], lead_time=1, skipped=task in tasks[:5])
        guess_in_secret(forgetful, tasks[44])
        (status,) = told("status", "segments.jsonl")["projects"]
        assert {key: status["counts"][key] for key in ("done", "skipped", "pending")} == {
            "done": 15,
            "skipped": 5,
            "pending": 26,
        }
        shutil.rmtree(".annotate")
        caplog.set_level("WARNING", logger="annotate")
        told("pull")
        assert "lost count of the answers to 20 tasks" in caplog.text
        assert pulled() == {"submitted": 15, "skipped": 5}
        client.submit(tasks[30], said[1], lead_time=1, skipped=False)
        assert pulled() == {"submitted": 16, "skipped": 5}
        client.delete_tasks(project, [tasks[0], tasks[19], tasks[40]])
        assert pulled() == {"submitted": 15, "skipped": 4}
        assert pulled("--all") == {"submitted": 15, "skipped": 4}
        # A push deletes nothing that holds an answer.
        shutil.rmtree(".annotate")
        write(CHANGED)
        assert pushed(forgetful) == 0
        assert found(client, title(request)) == expected(CHANGED)
        kept = {task["id"] for task in client.tasks(project, ("annotations",)) if task["annotations"]}
        assert kept == {*tasks[1:19], tasks[30]}
        (check,) = [check for check in told("doctor")["checks"] if check["name"] == "answers counted"]
        assert (check["level"], "15 submitted answers" in check["message"]) == ("warn", True)
        assert told("purge", "--doc-id", "0.txt")["annotations"] == 9
        assert pulled() == {"submitted": 10}


def guess_in_secret(server: Live, task: int) -> None:
    """A prediction that a script of somebody else's makes, and Label Studio does not count either."""
    headers = {"Authorization": f"Token {server.login.token}"}
    body = {"task": task, "model_version": "theirs", "result": to_result([Span(0, 6, "GPE", "Number")], {})}
    httpx.post(f"{server.url}/api/predictions/", json=body, headers=headers).raise_for_status()


def test_sums_of_wrong_counts_can_be_right(fake: FakeLabelStudio, monkeypatch: pytest.MonkeyPatch) -> None:
    """One answer is counted as what it no longer is, another not at all."""
    monkeypatch.setenv("LABEL_STUDIO_URL", fake.url)
    monkeypatch.setenv(TOKEN, fake.token)
    assert main(["push", "segments.jsonl", "-q"]) == 0
    with Client(fake.url, fake.token) as client:
        (project,) = client.projects()
        one, other, *_ = sorted(task["id"] for task in client.tasks(project.id, ("id",)))
        client.submit(one, [], lead_time=1, skipped=False)
        ((answer,),) = (task["annotations"] for task in client.tasks(project.id, ("annotations",)) if task["annotations"])
        change = partial(
            httpx.patch, f"{fake.url}/api/annotations/{answer['id']}/", headers={"Authorization": f"Token {fake.token}"}
        )
        fake.lose_count()
        client.submit(other, [], lead_time=1, skipped=False)
        change(json={"was_cancelled": True}).raise_for_status()
        fake.count_again()
        change(json={"lead_time": 2.0}).raise_for_status()
        assert client.tally(project.id, 0, other).submitted == client.counters(project.id).submitted == 1
        listed = {task["id"]: task for task in client.tasks(project.id, ("total_annotations", "cancelled_annotations"))}
        assert [listed[one][key] for key in ("total_annotations", "cancelled_annotations")] == [1, 1]
    assert main(["pull", "-q"]) == 0
    rows = [loads(line, Annotation) for line in Path("annotations.jsonl").read_bytes().splitlines()]
    assert {row.task.id: row.status for row in rows} == {one: "skipped", other: "submitted"}
