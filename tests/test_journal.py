"""The journal makes sync quick; lost, damaged or out of date, it changes nothing but the time."""

from __future__ import annotations

import json
import shutil
import sqlite3
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from annotate.cli import main
from annotate.codec import dumps, loads
from annotate.config import TOKEN
from annotate.journal import Damaged, FoundTask, Fresh, Journal, Line, Tally
from annotate.labelstudio.client import Client
from annotate.labelstudio.wire import to_result
from annotate.model import Annotation, Reject, Span
from annotate.testing import FakeLabelStudio
from tests.builders import segment, write_lines
from tests.conftest import Live

FILE = Path(".annotate/journal.sqlite")
RECORDS = [segment(f"Boat {n} reached Oulu 🚤.", doc_id=f"{n:02}.txt") for n in range(12)]


@pytest.fixture(autouse=True)
def corpus(workplace: Path) -> None:
    write_lines(workplace / "segments.jsonl", RECORDS)


def told(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    capsys.readouterr()
    assert main([*arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def answer(client: Client, task: int, label: str = "GPE") -> None:
    client.submit(task, to_result([Span(0, 4, label, "Boat")], {}), lead_time=1, skipped=False)


def tasks_of(client: Client, project: int) -> dict[str, int]:
    return {task["data"]["doc_id"]: task["id"] for task in client.tasks(project, ("data",))}


def delete(server: Live, path: str) -> None:
    headers = {"Authorization": f"Token {server.login.token}"}
    assert httpx.delete(f"{server.url}{path}", headers=headers).status_code == 204


def forgotten() -> None:
    shutil.rmtree(FILE.parent)


def garbage() -> None:
    FILE.write_bytes(b"no database at all " * 1000)


def torn() -> None:
    with sqlite3.connect(FILE) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    with FILE.open("r+b") as file:
        file.truncate(FILE.stat().st_size // 2)


def altered() -> None:
    with sqlite3.connect(FILE) as db:
        db.execute("UPDATE lines SET line = replace(line, 'GPE', 'ORG')")
        db.execute("UPDATE tasks SET segment_id = segment_id || 'x'")
    db.close()


def altered_answers() -> None:
    with sqlite3.connect(FILE) as db:
        db.execute("UPDATE lines SET annotator = 'nobody'")
    db.close()


def of_a_later_version() -> None:
    with sqlite3.connect(FILE) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()


@pytest.mark.parametrize("harm", [forgotten, garbage, torn, altered, altered_answers, of_a_later_version])
def test_a_harmed_journal_changes_nothing(
    harm: Callable[[], None], server: Live, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    project = told(capsys, "push", "segments.jsonl")["projects"][0]["id"]
    tasks = tasks_of(client, project)
    for number in range(5):
        answer(client, tasks[f"{number:02}.txt"])
    told(capsys, "pull")
    harm()
    answer(client, tasks["07.txt"])
    delete(server, f"/api/tasks/{tasks['00.txt']}/")
    assert told(capsys, "pull")["annotations"] == 5
    assert told(capsys, "pull", "--all", "-o", "fresh.jsonl")["annotations"] == 5
    assert Path("annotations.jsonl").read_bytes() == Path("fresh.jsonl").read_bytes()
    harm()
    assert told(capsys, "push", "segments.jsonl")["created"] == 1
    assert len(tasks_of(client, project)) == len(list(client.tasks(project, ("id",)))) == len(RECORDS)


def test_an_old_copy_of_the_journal_changes_nothing(
    server: Live, client: Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = told(capsys, "push", "segments.jsonl")["projects"][0]["id"]
    tasks = tasks_of(client, project)
    answer(client, tasks["01.txt"])
    told(capsys, "pull")
    shutil.copytree(FILE.parent, tmp_path / "old")
    answer(client, tasks["02.txt"])
    delete(server, f"/api/tasks/{tasks['01.txt']}/")
    assert told(capsys, "push", "segments.jsonl")["created"] == 1
    assert told(capsys, "pull")["annotations"] == 1
    shutil.rmtree(FILE.parent)
    shutil.copytree(tmp_path / "old", FILE.parent)
    assert told(capsys, "pull", "-o", "again.jsonl")["annotations"] == 1
    assert Path("again.jsonl").read_bytes() == Path("annotations.jsonl").read_bytes()
    shutil.rmtree(FILE.parent)
    shutil.copytree(tmp_path / "old", FILE.parent)
    assert told(capsys, "push", "segments.jsonl")["unchanged"] == len(RECORDS)


def test_a_pull_reads_what_changed_and_names_what_is_gone(
    server: Live, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    project = told(capsys, "push", "segments.jsonl")["projects"][0]["id"]
    tasks = tasks_of(client, project)
    for number in range(6):
        answer(client, tasks[f"{number:02}.txt"])
    first = told(capsys, "pull")
    assert (first["annotations"], first["removed"]) == (6, 0)
    whole = {task["id"]: task for task in client.tasks(project)}
    changed, gone, lost = (tasks[f"{number:02}.txt"] for number in (1, 2, 3))
    number = whole[changed]["annotations"][0]["id"]
    headers = {"Authorization": f"Token {server.login.token}"}
    result = to_result([Span(0, 4, "ORG", "Boat")], {})
    httpx.patch(f"{server.url}/api/annotations/{number}/", json={"result": result}, headers=headers).raise_for_status()
    delete(server, f"/api/annotations/{whole[gone]['annotations'][0]['id']}/")
    delete(server, f"/api/tasks/{lost}/")
    answer(client, tasks["08.txt"])
    second = told(capsys, "pull")
    assert (second["annotations"], second["removed"]) == (5, 2)
    rows = [loads(line, Annotation) for line in Path("annotations.jsonl").read_bytes().splitlines()]
    assert {row.segment.doc_id: row.spans[0].label for row in rows} == {
        "00.txt": "GPE", "01.txt": "ORG", "04.txt": "GPE", "05.txt": "GPE", "08.txt": "GPE",
    }  # fmt: skip
    named = [loads(line, Reject) for line in Path("annotations.rejects.jsonl").read_bytes().splitlines()]
    assert [(item.code, loads(item.record, Annotation).segment.doc_id) for item in named] == [
        ("removed", "02.txt"),
        ("removed", "03.txt"),
    ]
    told(capsys, "pull", "--all", "-o", "fresh.jsonl")
    assert Path("fresh.jsonl").read_bytes() == Path("annotations.jsonl").read_bytes()
    assert told(capsys, "pull")["removed"] == 0


def test_a_draft_stays_known_when_another_task_is_gone(
    server: Live, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    project = told(capsys, "push", "segments.jsonl")["projects"][0]["id"]
    tasks = tasks_of(client, project)
    headers = {"Authorization": f"Token {server.login.token}"}
    body = {"result": to_result([Span(0, 4, "GPE", "Boat")], {}), "lead_time": 1}
    begun, before, gone = (tasks[f"{number:02}.txt"] for number in (3, 4, 7))
    httpx.post(f"{server.url}/api/tasks/{begun}/drafts", json=body, headers=headers).raise_for_status()
    assert told(capsys, "pull")["drafts"] == 1
    delete(server, f"/api/tasks/{gone}/")
    assert told(capsys, "pull")["drafts"] == 1
    delete(server, f"/api/tasks/{before}/")
    assert told(capsys, "status")["projects"][0]["counts"]["drafts"] == 1
    rejects = [loads(line, Reject) for line in Path("annotations.rejects.jsonl").read_bytes().splitlines()]
    assert [item.code for item in rejects] == ["draft"]


def test_an_unchanged_project_is_not_read_again(fake: FakeLabelStudio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABEL_STUDIO_URL", fake.url)
    monkeypatch.setenv(TOKEN, fake.token)
    monkeypatch.setattr("annotate.sync.mirror.LOOK_BACK", __import__("datetime").timedelta(0))
    assert main(["push", "segments.jsonl", "-q"]) == 0
    assert main(["pull", "-q"]) == 0
    with Client(fake.url, fake.token) as client:
        (project,) = client.projects()
        one, another, *_ = tasks_of(client, project.id).values()
        answer(client, one)
        client.submit(another, [], lead_time=1, skipped=True)
    assert main(["pull", "-q"]) == 0
    first = len(fake.requests)
    assert main(["pull", "-q"]) == 0
    assert main(["push", "segments.jsonl", "-q"]) == 0
    lists = [request for request in fake.requests[first:] if request.path == "/api/tasks/"]
    assert all("updated_at" in request.query or "draft_exists" in request.query for request in lists)


def known(server: Live) -> list[FoundTask]:
    with Journal(FILE) as journal, server.client() as client:
        title = yaml.safe_load(Path("annotate.yaml").read_text())["project"]
        (project,) = [project for project in client.projects() if project.title == title]
        return list(journal.tasks(journal.project(server.url, project.id, project.born)))


def test_what_a_push_made_is_read_back_only_where_somebody_touched_it(
    server: Live, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    project = told(capsys, "push", "segments.jsonl")["projects"][0]["id"]
    tasks = tasks_of(client, project)
    answer(client, tasks["03.txt"])
    assert told(capsys, "pull")["annotations"] == 1
    assert {task.id for task in known(server) if task.updated_at} <= {tasks["03.txt"], max(tasks.values())}
    # An edit of a task nobody has answered is seen and mended.
    (edited,) = [task for task in client.tasks(project, ("id", "data", "meta")) if task["id"] == tasks["05.txt"]]
    client.update_task(edited["id"], edited["data"] | {"region": "title"}, edited["meta"])
    assert told(capsys, "status")["in_step"] is False
    assert told(capsys, "push", "segments.jsonl")["updated"] == 1
    assert told(capsys, "status")["in_step"] is True
    # More segments at once: those of the first push stay known.
    more = [segment(f"Ship {n} reached Oulu.", doc_id=f"s{n}.txt") for n in range(3)]
    Path("segments.jsonl").write_bytes(b"".join(dumps(record) + b"\n" for record in RECORDS + more))
    assert told(capsys, "push", "segments.jsonl")["created"] == 3
    answer(client, tasks["04.txt"])
    assert told(capsys, "pull")["annotations"] == 2
    assert len([task for task in known(server) if not task.updated_at]) >= len(RECORDS) + len(more) - 5


def test_what_others_import_meanwhile_is_found(server: Live, client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    project = told(capsys, "push", "segments.jsonl")["projects"][0]["id"]
    (twin, *_) = client.tasks(project, ("id", "data", "meta"))
    client.import_tasks(project, [dumps({"data": twin["data"], "meta": twin["meta"]})])
    assert told(capsys, "status")["projects"][0]["counts"]["tasks"] == len(RECORDS) + 1
    assert told(capsys, "push", "segments.jsonl")["retired"] == 1
    assert len(tasks_of(client, project)) == len(list(client.tasks(project, ("id",)))) == len(RECORDS)


@pytest.mark.parametrize(("swapped", "batch"), [("00.txt", 1), ("05.txt", 1), ("03.txt", 2), ("11.txt", 2)])
def test_what_another_push_swaps_meanwhile_is_found(
    swapped: str,
    batch: int,
    server: Live,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As many tasks are made as go: no counter tells of it, and the new ones look as if this push had made them."""
    monkeypatch.setattr("annotate.sync.pushing.BATCH", 6)
    stored, batches = Client.import_tasks, []

    def interfered(self: Client, project: int, tasks: Sequence[bytes]) -> list[int]:
        numbers = stored(self, project, tasks)
        batches.append(numbers)
        for task in client.tasks(project, ("id", "data", "meta")) if len(batches) == batch else ():
            if task["data"]["doc_id"] == swapped:
                stored(client, project, [dumps({"data": task["data"] | {"region": "title"}, "meta": task["meta"]})])
                client.delete_tasks(project, [task["id"]])
        return numbers

    with monkeypatch.context() as patch:
        patch.setattr(Client, "import_tasks", interfered)
        project = told(capsys, "push", "segments.jsonl")["projects"][0]["id"]
    assert told(capsys, "push", "segments.jsonl")["unchanged"] == len(RECORDS)
    there = list(client.tasks(project, ("id", "data")))
    assert sorted((t["data"]["doc_id"], t["data"]["region"]) for t in there) == [(r.doc_id, r.region) for r in RECORDS]
    assert {task.id for task in known(server)} == {task["id"] for task in there}
    assert told(capsys, "status")["in_step"] is True


@pytest.mark.parametrize("gone", [["042.txt"], ["000.txt", "119.txt"], [f"{n:03}.txt" for n in range(0, 120, 7)]], ids=len)
def test_what_is_gone_is_found_by_counting(
    gone: list[str], fake: FakeLabelStudio, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LABEL_STUDIO_URL", fake.url)
    monkeypatch.setenv(TOKEN, fake.token)
    for module in ("sync.mirror", "labelstudio.client"):
        monkeypatch.setattr(f"annotate.{module}.PAGE", 5)
    records = [segment(f"Boat {n} reached Oulu 🚤.", doc_id=f"{n:03}.txt") for n in range(120)]
    write_lines(Path("segments.jsonl"), records)
    with Client(fake.url, fake.token) as client:
        project = told(capsys, "push", "segments.jsonl")["projects"][0]["id"]
        tasks = tasks_of(client, project)
        for name in ("000.txt", "042.txt", "043.txt", "119.txt"):
            answer(client, tasks[name])
        assert told(capsys, "pull")["annotations"] == 4
        client.delete_tasks(project, [tasks[name] for name in gone])
        first = len(fake.requests)
        answered = 4 - len({"000.txt", "042.txt", "043.txt", "119.txt"} & set(gone))
        assert told(capsys, "pull")["annotations"] == answered
        listed = [r for r in fake.requests[first:] if r.path == "/api/tasks/" and "page_size=5" in r.query]
        told(capsys, "pull", "--all", "-o", "fresh.jsonl")
    assert Path("fresh.jsonl").read_bytes() == Path("annotations.jsonl").read_bytes()
    assert len(listed) <= (24 + 12 if len(gone) > 5 else 12)  # of many, all 24 pages are read


def test_pull_says_when_something_is_rejected(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    project = told(capsys, "push", "segments.jsonl")["projects"][0]["id"]
    answer(client, min(tasks_of(client, project).values()), "NOT_A_LABEL")
    assert told(capsys, "pull", code=5)["rejected"] == 1
    assert told(capsys, "pull", "--strict", code=3)["rejected"] == 1


def test_only_its_owner_can_read_it_and_git_does_not_see_it(capsys: pytest.CaptureFixture[str]) -> None:
    told(capsys, "push", "segments.jsonl")
    assert stat.S_IMODE(FILE.stat().st_mode) == 0o600
    assert (FILE.parent / ".gitignore").read_text() == "*\n"


def test_a_folder_that_cannot_be_written_costs_only_time(capsys: pytest.CaptureFixture[str]) -> None:
    Path(".annotate").write_text("a file where a folder should be")
    assert told(capsys, "push", "segments.jsonl")["created"] == len(RECORDS)
    assert told(capsys, "push", "segments.jsonl")["unchanged"] == len(RECORDS)


# -- the file itself ---------------------------------------------------------------------------------------------------


def task(number: int, **fields: Any) -> FoundTask:
    values = {"segment_id": f"s{number}", "doc_id": "d", "lang": "fi", "region": "body", "part": "", "chars": 9}
    return FoundTask(**{"id": number, "retired": False, "essence": b"e", "updated_at": "2026-01-02", **values, **fields})


def test_an_interrupted_reading_goes_on_where_it_was(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        key = journal.project("url", 1, "born")
        scan = journal.begin_scan(key, settled="2026-01-03")
        journal.see(key, scan.generation, [task(1), task(2)])
    with Journal(tmp_path / "j.sqlite") as journal:
        again = journal.unfinished(key)
        assert again is not None
        assert (again.cursor, again.settled) == (2, "2026-01-03")
        journal.see(key, again.generation, [task(3)])
        journal.end_scan(key, again)
        assert [known.id for known in journal.tasks(key)] == [1, 2, 3]
        assert journal.unfinished(key) is None
        assert journal.anchor(key) == "2026-01-02"  # no later than what the server itself wrote


def test_what_a_full_reading_does_not_show_is_gone() -> None:
    with Journal(None) as journal:
        key = journal.project("url", 1, "born")
        scan = journal.begin_scan(key, settled="x")
        journal.see(key, scan.generation, [task(1, submitted=1), task(2)])
        journal.end_scan(key, scan)
        journal.read_answers(key, {1: b"{}"})
        journal.render(key, {1: [Line("d", 0, "s1", "aino", "t", "", "submitted", b"line")]})
        assert [line.line for line in journal.lines([key], rejects=False, retired=False)] == [b"line"]
        scan = journal.begin_scan(key, settled="x")
        journal.see(key, scan.generation, [task(2)])
        journal.end_scan(key, scan)
        assert list(journal.lines([key], rejects=False, retired=False)) == []
        assert journal.counters(key).tasks == 1


def test_changes_are_known_up_to_what_the_server_itself_wrote() -> None:
    with Journal(None) as journal:
        key = journal.project("url", 1, "born")
        journal.begin(key, "2026-01-01")
        journal.note(key, [task(1, updated_at=""), task(2, updated_at="2026-01-02")])
        journal.follow(key, "2026-01-09")  # somebody else's clock
        assert journal.anchor(key) == "2026-01-02"
        journal.made(key, after=2, until="2026-01-04")
        journal.follow(key, "2026-01-03")
        assert journal.anchor(key) == "2026-01-03"
        journal.follow(key, "2026-01-09")
        assert journal.anchor(key) == "2026-01-04"
        journal.begin(key, "2026-01-01")
        journal.follow(key, "")
        assert journal.anchor(key) == "2026-01-04"


def test_what_a_push_made_stays_fresh_until_its_time_is_past() -> None:
    with Journal(None) as journal:
        key = journal.project("url", 1, "born")
        journal.begin(key, "2026-01-01")
        journal.made(key, after=10, until="2026-01-05")
        journal.made(key, after=20, until="2026-01-06")
        assert journal.fresh(key) == Fresh(10, "2026-01-06")
        journal.follow(key, "2026-01-07")
        journal.made(key, after=30, until="2026-01-08")
        assert journal.fresh(key) == Fresh(30, "2026-01-08")


def test_ranges_of_tasks_are_counted_halved_and_replaced() -> None:
    with Journal(None) as journal:
        key = journal.project("url", 1, "born")
        journal.note(key, [task(number, submitted=number % 2, predictions=number % 3) for number in range(1, 9)])
        assert journal.tally(key, 0, 8) == Tally(8, 4, 9)
        assert journal.tally(key, 2, 4) == Tally(2, 1, 1)
        assert [journal.middle(key, 0, 8), journal.middle(key, 0, 3), journal.middle(key, 3, 5)] == [4, 2, 4]
        journal.replace_range(key, 2, 5, [task(4, submitted=7)])
        assert [(known.id, known.submitted) for known in journal.tasks(key)] == [(1, 1), (2, 0), (4, 7), (6, 0), (7, 1), (8, 0)]


def test_what_lies_between_the_known_tasks() -> None:
    with Journal(None) as journal:
        key = journal.project("url", 1, "born")
        assert journal.gaps(key, 7) == [(7, None)]
        journal.note(key, [task(number) for number in (2, 5, 9, 10, 11, 14)])
        assert journal.gaps(key, 0) == [(0, 2), (2, 5), (5, 9), (11, 14), (14, None)]
        assert journal.gaps(key, 8) == [(11, 14), (14, None)]
        assert journal.gaps(key, 14) == [(14, None)]


@given(st.sets(st.integers(1, 40)), st.integers(0, 40))
def test_gaps_and_known_tasks_are_all_numbers(numbers: set[int], low: int) -> None:
    with Journal(None) as journal:
        key = journal.project("url", 1, "born")
        journal.note(key, [task(number) for number in numbers])
        unknown = [number for first, end in journal.gaps(key, low) for number in range(first + 1, end or 51)]
        assert unknown == [number for number in range(low + 1, 51) if number not in numbers]


def test_a_project_made_anew_under_the_same_number_is_another() -> None:
    with Journal(None) as journal:
        key = journal.project("url", 1, "born")
        journal.note(key, [task(1)])
        assert list(journal.tasks(journal.project("url", 1, "born"))) == [task(1)]
        assert list(journal.tasks(journal.project("url", 1, "born later"))) == []


def test_a_document_can_be_forgotten() -> None:
    with Journal(None) as journal:
        key = journal.project("url", 1, "born")
        journal.note(key, [task(1), task(2, doc_id="other")])
        assert journal.tasks_of("d") == 1
        journal.forget_document("d")
        assert journal.tasks_of("d") == 0
        assert [known.id for known in journal.tasks(key)] == [2]


def test_a_changed_row_is_noticed(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        key = journal.project("url", 1, "born")
        journal.note(key, [task(1)])
        with sqlite3.connect(tmp_path / "j.sqlite") as db:
            db.execute("UPDATE tasks SET submitted = 1")
        db.close()
        with pytest.raises(Damaged):
            list(journal.tasks(key))
