"""Projects that are made at the same moment: one stays, and the others are deleted one after the other."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from annotate.labelstudio.client import Client, Project
from annotate.schema import LabelSchema, load
from annotate.sync import projects
from annotate.testing import FakeLabelStudio
from tests.builders import SCHEMA_TEXT


@pytest.fixture
def schema(tmp_path: Path) -> LabelSchema:
    (tmp_path / "little.yaml").write_text(SCHEMA_TEXT, encoding="utf-8")
    return load(tmp_path / "little.yaml")


def deleted(fake: FakeLabelStudio) -> list[int]:
    return [int(request.path.strip("/").rpartition("/")[2]) for request in fake.requests if request.method == "DELETE"]


def test_each_push_removes_its_own(fake: FakeLabelStudio, schema: LabelSchema, monkeypatch: pytest.MonkeyPatch) -> None:
    everybody, create, delete = threading.Barrier(4), Client.create_project, Client.delete_project
    deleting = threading.Semaphore(1)

    def together(self: Client, *given: str) -> Project:
        made = create(self, *given)
        everybody.wait(30)
        return made

    def alone(self: Client, number: int) -> None:
        assert deleting.acquire(blocking=False)
        time.sleep(0.1)
        delete(self, number)
        deleting.release()

    monkeypatch.setattr(Client, "create_project", together)
    monkeypatch.setattr(Client, "delete_project", alone)

    def opened(_: int) -> int:
        with Client(fake.url, fake.token) as client:
            return projects.open_project(client, None, "ferries", "", schema).id

    with ThreadPoolExecutor(4) as pool:
        chosen = list(pool.map(opened, range(4)))
    with Client(fake.url, fake.token) as client:
        assert {project.id for project in client.projects()} == set(chosen) == {min(chosen)}
    assert deleted(fake) == sorted({*deleted(fake)}, reverse=True)
    assert len(deleted(fake)) == 3


def test_what_nobody_removes_goes_in_the_end(
    fake: FakeLabelStudio, schema: LabelSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projects, "TWIN_PATIENCE", 0.3)
    create = Client.create_project

    def thrice(self: Client, *given: str) -> Project:  # as a Label Studio whose database was locked twice
        return [create(self, *given) for _ in range(3)][1]

    monkeypatch.setattr(Client, "create_project", thrice)
    with Client(fake.url, fake.token) as client:
        first = projects.open_project(client, None, "ferries", "", schema)
        assert [project.id for project in client.projects()] == [first.id]
    assert deleted(fake) == [first.id + 2, first.id + 1]


def test_a_twin_that_holds_tasks_stays(fake: FakeLabelStudio, schema: LabelSchema, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projects, "TWIN_PATIENCE", 0.0)
    create = Client.create_project

    def twice(self: Client, *given: str) -> Project:
        made, twin = create(self, *given), create(self, *given)
        self.import_tasks(twin.id, [b'{"data": {"text": "Somebody was quicker."}}'])
        return made

    monkeypatch.setattr(Client, "create_project", twice)
    with Client(fake.url, fake.token) as client:
        first = projects.open_project(client, None, "ferries", "", schema)
        assert [project.id for project in client.projects()] == [first.id, first.id + 1]
    assert deleted(fake) == []
