"""A push through bad networks, on the fake server that makes them; and the fake's own manners."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest

from annotate.cli import main
from annotate.codec import dumps
from annotate.errors import NotAuthorised, ServerUnreachable, UnexpectedAnswer, UnknownName
from annotate.labelstudio.client import Client
from annotate.testing import FakeLabelStudio, Fault
from annotate.testing.plugin import label_studio as label_studio
from tests.builders import SCHEMA_TEXT, segment

IMPORT = "/import"


@pytest.fixture
def workplace(tmp_path: Path, label_studio: FakeLabelStudio, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "little.yaml").write_text(SCHEMA_TEXT, encoding="utf-8")
    (tmp_path / "annotate.yaml").write_text("project: bad weather\nschema: little.yaml\n")
    records = [segment(f"Number {n}.", doc_id=str(n)) for n in range(7)]
    (tmp_path / "segments.jsonl").write_bytes(b"".join(dumps(record) + b"\n" for record in records))
    return tmp_path


def stored(fake: FakeLabelStudio) -> list[str]:
    with Client(fake.url, fake.token) as client:
        return [t["data"]["text"] for project in client.projects() for t in client.tasks(project.id, ("data",))]


EXPECTED = [f"Number {n}." for n in range(7)]


@pytest.mark.parametrize("fault", ["gateway", "lost", "drop", "unavailable"])
def test_a_fault_while_tasks_are_sent_leaves_each_task_once(
    workplace: Path, label_studio: FakeLabelStudio, fault: Fault
) -> None:
    label_studio.fail_next(fault, path=IMPORT)
    assert main(["push", "segments.jsonl", "-q"]) == 0
    assert stored(label_studio) == EXPECTED


def test_a_batch_stored_late_leaves_each_task_once(
    workplace: Path, label_studio: FakeLabelStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The push looks after one second, finds nothing, and sends the batch again; then the first one is stored after all.
    label_studio.fail_next("late", path=IMPORT, delay=3600)
    send = Client.import_tasks

    def sent_again(client: Client, project: int, tasks: list[dict[str, object]]) -> list[int]:
        numbers = send(client, project, tasks)
        label_studio.settle()
        return numbers

    monkeypatch.setattr(Client, "import_tasks", sent_again)
    assert main(["push", "segments.jsonl", "-q"]) == 0
    assert stored(label_studio) == EXPECTED
    assert sum(request.path.endswith(IMPORT) for request in label_studio.requests) == 2


def test_a_web_page_in_place_of_data_is_explained(
    workplace: Path, label_studio: FakeLabelStudio, capsys: pytest.CaptureFixture[str]
) -> None:
    label_studio.fail_next("web_page", path="/api/projects/")
    assert main(["push", "segments.jsonl", "-q"]) == 4
    assert "web page" in capsys.readouterr().err
    assert stored(label_studio) == []


def test_no_request_that_changes_data_is_sent_twice(workplace: Path, label_studio: FakeLabelStudio) -> None:
    label_studio.fail_next("gateway", path=IMPORT)
    assert main(["push", "segments.jsonl", "-q"]) == 0
    sent = [(request.method, request.path) for request in label_studio.requests]
    assert sum(path.endswith(IMPORT) for _, path in sent) == 1
    first = len(label_studio.requests)
    assert main(["push", "segments.jsonl", "-q"]) == 0
    assert {request.method for request in label_studio.requests[first:]} == {"GET"}


def test_a_server_that_stays_away_ends_the_push(
    workplace: Path, label_studio: FakeLabelStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    label_studio.fail_next("unavailable", path=IMPORT, times=99)
    assert main(["push", "segments.jsonl", "-q"]) == 4


def test_faults_without_a_path_spare_what_only_reads(fake: FakeLabelStudio) -> None:
    fake.fail_next("drop")
    with Client(fake.url, fake.token) as client:
        assert client.check() == fake.version
        with pytest.raises(ServerUnreachable):
            client.create_project("three", "", "<View/>", "")
        assert client.create_project("three", "", "<View/>", "").id == 1


def test_a_fault_must_exist(fake: FakeLabelStudio) -> None:
    with pytest.raises(UnknownName, match="gatewy"):
        fake.fail_next("gatewy")  # what a test without type checks would do


def test_legacy_tokens_can_be_off() -> None:
    with (
        FakeLabelStudio(legacy_tokens=False) as fake,
        Client(fake.url, fake.token) as client,
        pytest.raises(NotAuthorised, match="disabled for this organization"),
    ):
        client.check()


def test_its_clock_and_version_can_be_wrong() -> None:
    with FakeLabelStudio(version="1.7.0", clock_skew=-7200) as fake:
        answer = httpx.get(f"{fake.url}/api/version/")
        assert answer.json()["release"] == "1.7.0"
        sound = httpx.get(f"{fake.url}/health").headers["Date"]
        assert abs((parsedate_to_datetime(answer.headers["Date"]) - parsedate_to_datetime(sound)).total_seconds()) < 60
        with FakeLabelStudio() as right:
            there = parsedate_to_datetime(httpx.get(f"{right.url}/health").headers["Date"])
        assert (there - parsedate_to_datetime(sound)).total_seconds() > 7000


def test_people_are_apart(fake: FakeLabelStudio) -> None:
    token = fake.add_user("aino@example.com")
    with Client(fake.url, token) as client:
        assert set(client.users().values()) == {fake.email, "aino@example.com"}
        project = client.create_project("by aino", "", '<View><Text name="text" value="$text"/></View>', "")
        (task,) = client.import_tasks(project.id, [dumps({"data": {"text": "x"}})])
        client.submit(task, [], lead_time=1, skipped=False)
        (found,) = client.tasks(project.id)
    assert client.url == fake.url
    assert found["annotations"][0]["completed_by"] == 2


def test_what_it_does_not_do_it_refuses(fake: FakeLabelStudio) -> None:
    headers = {"Authorization": f"Token {fake.token}"}
    with Client(fake.url, fake.token) as client:
        project = client.create_project("three", "", "<View/>", "").id
    odd = httpx.get(f"{fake.url}/api/projects/{project}/export?exportType=CSV", headers=headers)
    assert odd.status_code == 501
    body = {"task_filter_options": {"annotated": "only"}}
    assert httpx.post(f"{fake.url}/api/projects/{project}/exports/", json=body, headers=headers).status_code == 501
    assert httpx.put(f"{fake.url}/api/projects/", json={}, headers=headers).status_code == 405
    broken = httpx.post(f"{fake.url}/api/projects/", content=b"{", headers=headers)
    assert (broken.status_code, "JSON parse error" in broken.json()["detail"]) == (400, True)


def test_nobody_answers_when_its_block_ends() -> None:
    with FakeLabelStudio() as fake:
        open_connection = httpx.Client()
        assert open_connection.get(f"{fake.url}/health").json() == {"status": "UP"}
    with pytest.raises(httpx.TransportError):
        open_connection.get(f"{fake.url}/health")
    open_connection.close()


def test_the_refusal_of_a_batch_does_not_quote_the_task(fake: FakeLabelStudio) -> None:
    with Client(fake.url, fake.token) as client:
        project = client.create_project("three", "", '<View><Text name="text" value="$text"/></View>', "")
        with pytest.raises(UnexpectedAnswer) as caught:
            client.import_tasks(project.id, [dumps({"data": {"body": "a private sentence"}})])
    assert "key is expected" in caught.value.message
    assert "a private sentence" not in caught.value.message
