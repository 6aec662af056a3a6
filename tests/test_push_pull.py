"""Push and pull, against the fake Label Studio and the real one: never twice, never lost, never shifted."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from annotate.cli import main
from annotate.codec import dumps, loads
from annotate.errors import ServerUnreachable
from annotate.labelstudio.client import Client
from annotate.labelstudio.people import add_user, token_of
from annotate.labelstudio.wire import to_result
from annotate.model import Annotation, Reject, Segment, Span
from annotate.testing import FakeLabelStudio
from tests.builders import HARD_TEXTS, SCHEMA_TEXT, segment, segments, write_lines
from tests.conftest import Live


def push(
    folder: Path, records: list[Segment], capsys: pytest.CaptureFixture[str], *flags: str, code: int = 0
) -> dict[str, object]:
    write_lines(folder / "segments.jsonl", records)
    assert main(["push", "segments.jsonl", "--json", *flags]) == code
    document: dict[str, object] = json.loads(capsys.readouterr().out)
    return document


def counts(document: dict[str, object]) -> tuple[object, ...]:
    return tuple(document[key] for key in ("created", "updated", "unchanged", "retired", "absent"))


def only_project(document: dict[str, object]) -> int:
    (project,) = document["projects"]
    return int(project["id"])


def texts_on_server(client: Client, project: int) -> dict[str, int]:
    return {task["data"]["text"]: task["id"] for task in client.tasks(project, ("id", "data"))}


def pulled(folder: Path, code: int = 0) -> tuple[list[Annotation], list[Reject]]:
    assert main(["pull", "-q"]) == code
    rejects = folder / "annotations.rejects.jsonl"
    return (
        [loads(line, Annotation) for line in (folder / "annotations.jsonl").read_bytes().splitlines()],
        [loads(line, Reject) for line in rejects.read_bytes().splitlines()] if rejects.exists() else [],
    )


def test_a_second_push_creates_nothing(workplace: Path, client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    records = [segment(text, doc_id=f"{number}.txt") for number, text in enumerate(HARD_TEXTS)]
    first = push(workplace, records, capsys)
    assert counts(first) == (len(records), 0, 0, 0, 0)
    assert counts(push(workplace, records, capsys)) == (0, 0, len(records), 0, 0)
    # What annotators see is the text, code point for code point.
    assert set(texts_on_server(client, only_project(first))) == set(HARD_TEXTS)


def test_a_dry_run_writes_nothing(workplace: Path, client: Client, title: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert counts(push(workplace, [segment("One.")], capsys, "--dry-run")) == (1, 0, 0, 0, 0)
    assert [project for project in client.projects() if project.title == title] == []


def test_annotations_come_home_on_the_right_characters(
    workplace: Path, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    records = [segment(text, doc_id=f"{number}.txt", lang="fi") for number, text in enumerate(HARD_TEXTS)]
    project = only_project(push(workplace, records, capsys))
    wanted = {}
    for text, task in texts_on_server(client, project).items():
        start, end = len(text) - len(text.lstrip()), len(text.rstrip())
        wanted[text] = (Span(start, end, "ORG", text[start:end]), Span(end - 1, end, "GPE", text[end - 1 : end]))
        client.submit(task, to_result(wanted[text], {"genre": ["report"]}), lead_time=4.5, skipped=False)
    annotations, rejects = pulled(workplace)
    assert rejects == []
    assert {a.segment.text: a.spans for a in annotations} == wanted
    assert [a.segment for a in annotations] == records
    assert {a.topics["genre"] for a in annotations} == {("report",)}
    assert {a.unanswered for a in annotations} == {("theme",)}
    assert {a.lead_time for a in annotations} == {4.5}


def test_four_states_arrive_as_four_states(workplace: Path, client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["never", "skipped", "empty", "annotated"]
    project = only_project(push(workplace, [segment(f"This one is {name}.", doc_id=name) for name in names], capsys))
    tasks = {text.split()[-1][:-1]: task for text, task in texts_on_server(client, project).items()}
    client.submit(tasks["skipped"], [], lead_time=1, skipped=True)
    client.submit(tasks["empty"], [], lead_time=1, skipped=False)
    client.submit(tasks["annotated"], to_result([Span(0, 4, "ORG", "This")], {}), lead_time=1, skipped=False)
    annotations, _ = pulled(workplace)
    assert {a.segment.doc_id: (a.status, len(a.spans)) for a in annotations} == {
        "skipped": ("skipped", 0),
        "empty": ("submitted", 0),
        "annotated": ("submitted", 1),
    }


def test_what_others_stored_wrongly_is_rejected_with_its_url(
    workplace: Path, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    project = only_project(push(workplace, [segment("Ships in the harbour.")], capsys))
    (task,) = texts_on_server(client, project).values()
    result = to_result([Span(0, 5, "ORG", "Ships"), Span(6, 99, "ORG", "x"), Span(0, 5, "UNKNOWN", "Ships")], {})
    client.submit(task, result, lead_time=1, skipped=False)
    annotations, rejects = pulled(workplace, code=5)
    assert [span.text for a in annotations for span in a.spans] == ["Ships"]
    assert [item.code for item in rejects] == ["invalid_result"] * 2
    assert all(item.url.endswith(f"/projects/{project}/data?task={task}") for item in rejects)


def test_touched_tasks_are_retired_not_deleted(workplace: Path, client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    before = segments(["Kept.\n", "Touched and gone.\n", "Untouched and gone.\n"])
    project = only_project(push(workplace, before, capsys))
    tasks = texts_on_server(client, project)
    client.submit(tasks["Touched and gone.\n"], [], lead_time=1, skipped=False)
    client.submit(tasks["Kept.\n"], [], lead_time=1, skipped=False)
    changed = push(workplace, [replace(before[0], region="title")], capsys)
    assert counts(changed) == (0, 1, 0, 2, 0)
    assert texts_on_server(client, project) == {t: n for t, n in tasks.items() if t != "Untouched and gone.\n"}
    annotations, _ = pulled(workplace)
    assert [(a.segment.text, a.segment.region) for a in annotations] == [("Kept.\n", "title")]
    assert main(["pull", "-q", "--retired"]) == 0
    assert main(["pull", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["removed"] == 1
    assert main(["pull", "-q", "--retired"]) == 0
    assert len((workplace / "annotations.jsonl").read_bytes().splitlines()) == 2
    assert counts(push(workplace, [replace(before[0], region="title")], capsys)) == (0, 0, 1, 0, 1)


def test_each_annotator_has_a_project(workplace: Path, client: Client, title: str, capsys: pytest.CaptureFixture[str]) -> None:
    first = push(workplace, [segment("One.")], capsys, "--annotators", "aino,ben")
    assert counts(first) == (2, 0, 0, 0, 0)
    names = {project.title for project in client.projects()}
    assert {f"{title} · aino", f"{title} · ben"} <= names


def test_tabs_by_region_and_language_are_made_once(workplace: Path, client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    records = [segment("One.", doc_id="1"), segment("Kaksi.", doc_id="2", lang="fi", region="title")]
    project = only_project(push(workplace, records, capsys))
    push(workplace, records, capsys)
    titles = [view["data"]["title"] for view in client.views(project)]
    assert titles == ["all", "body", "title", "en", "fi"]


def test_a_lost_answer_does_not_double_a_batch(
    workplace: Path, client: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = Client.import_tasks
    failures = iter([ServerUnreachable("stored, but the answer got lost")])

    def gateway(self: Client, project: int, tasks: list[bytes]) -> list[int]:
        ids = stored(self, project, tasks)
        for failure in failures:
            raise failure
        return ids

    monkeypatch.setattr(Client, "import_tasks", gateway)
    document = push(workplace, [segment(f"Number {n}.", doc_id=str(n)) for n in range(5)], capsys)
    assert len(list(client.tasks(only_project(document), ("id",)))) == 5


def test_long_segments_become_parts_that_are_annotated_alone(
    workplace: Path, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    schema = SCHEMA_TEXT + "tasks: {max_chars: 60}\n"
    (workplace / "little.yaml").write_text(schema)
    long = segment("The first paragraph is about boats.\n\nThe second paragraph is about Oulu.", start=10)
    project = only_project(push(workplace, [long], capsys))
    for text, task in texts_on_server(client, project).items():
        at = text.find("Oulu")
        spans = [Span(at, at + 4, "GPE", "Oulu")] if at >= 0 else []
        client.submit(task, to_result(spans, {}), lead_time=1, skipped=False)
    annotations, _ = pulled(workplace)
    assert "".join(a.segment.text for a in annotations) == long.text
    assert [a.segment.start for a in annotations] == [10, 10 + long.text.index("The second")]
    assert [span.text for a in annotations for span in a.spans] == ["Oulu"]


def test_a_label_in_use_cannot_be_dropped_in_silence(
    workplace: Path, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    project = only_project(push(workplace, [segment("Ships in the harbour.")], capsys))
    (task,) = texts_on_server(client, project).values()
    client.submit(task, to_result([Span(0, 5, "ORG", "Ships")], {}), lead_time=1, skipped=False)
    (workplace / "little.yaml").write_text(SCHEMA_TEXT.replace("[PERSON, ORG, GPE]", "[PERSON, GPE]"))
    for flags in (["--dry-run"], []):  # said beforehand, too
        capsys.readouterr()
        assert main(["push", "segments.jsonl", "--json", *flags]) == 4
        assert "ORG" in json.loads(capsys.readouterr().out)["error"]["message"]
    (workplace / "little.yaml").write_text(SCHEMA_TEXT.replace("[PERSON, ORG, GPE]", "[PERSON, ORG, GPE, EVENT]"))
    assert main(["push", "segments.jsonl", "-q"]) == 0


def begin_draft(server: Live, task: int, project: int, result: list[dict[str, object]]) -> None:
    """A second person begins a task in the browser and leaves without submitting."""
    admin = server.login
    with server.client() as client:
        if "drafter@example.com" not in client.users().values():
            person = {"email": "drafter@example.com", "password": "Drafter-1234-pw"}
            add_user(server.url, admin_email=admin.email, admin_password=admin.password, **person)
    token = token_of(server.url, "drafter@example.com", "Drafter-1234-pw")
    body = {"result": result, "lead_time": 2.0, "draft_id": 0, "project": project}
    answer = httpx.post(f"{server.url}/api/tasks/{task}/drafts", json=body, headers={"Authorization": f"Token {token}"})
    assert answer.status_code == 201


def test_anothers_draft_is_reported_and_its_task_never_deleted(
    workplace: Path, server: Live, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    before = segments(["Kept.\n", "Begun by another.\n"])
    project = only_project(push(workplace, before, capsys))
    task = texts_on_server(client, project)["Begun by another.\n"]
    begin_draft(server, task, project, to_result([Span(0, 5, "ORG", "Begun")], {}))
    assert main(["pull", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["drafts"] == 1
    (reject,) = pulled(workplace)[1]
    assert (reject.code, "drafter@example.com" in reject.reason) == ("draft", True)
    assert counts(push(workplace, before[:1], capsys)) == (0, 0, 1, 1, 0)
    assert task in texts_on_server(client, project).values()


def test_a_server_slower_than_our_patience_ends_without_doubles(
    workplace: Path, server: Live, client: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = Client.import_tasks
    late: list[threading.Timer] = []

    def gateway(self: Client, project: int, tasks: list[bytes]) -> list[int]:
        if late:
            ids = stored(self, project, tasks)
            late[0].join()  # the first request is carried out after all, beside the second
            return ids
        timer = threading.Timer(1.8, lambda: stored(client, project, tasks))
        timer.start()
        late.append(timer)
        raise ServerUnreachable("no answer in time")

    monkeypatch.setattr(Client, "import_tasks", gateway)
    document = push(workplace, [segment(f"Number {n}.", doc_id=str(n)) for n in range(5)], capsys)
    found = [task["data"]["text"] for task in client.tasks(only_project(document), ("data",))]
    assert sorted(found) == [f"Number {n}." for n in range(5)]


def test_two_pushes_at_once_make_one_project(workplace: Path, client: Client, title: str) -> None:
    records = [segment(f"Number {n}.", doc_id=str(n)) for n in range(30)]
    write_lines(workplace / "segments.jsonl", records)
    command = [sys.executable, "-m", "annotate", "push", "segments.jsonl", "-q"]
    both = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    (project,) = [project for project in client.projects() if project.title == title]
    assert len(list(client.tasks(project.id, ("id",)))) == 30


def test_what_a_person_writes_into_the_description_stays(
    workplace: Path, client: Client, title: str, capsys: pytest.CaptureFixture[str]
) -> None:
    push(workplace, [segment("One.")], capsys)
    (project,) = [project for project in client.projects() if project.title == title]
    client.update_project(project, description=f"Ask Eve first.\n{project.description}", label_config=project.label_config)
    (workplace / "little.yaml").write_text(SCHEMA_TEXT.replace("1.0.0", "1.1.0"))
    push(workplace, [segment("One.")], capsys)
    (project,) = [project for project in client.projects() if project.title == title]
    assert project.description.startswith("Ask Eve first.")
    assert "1.1.0" in project.description


def test_a_damaged_file_retires_nothing(workplace: Path, client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    records = segments(["One.\n", "Two.\n"])
    project = only_project(push(workplace, records, capsys))
    (workplace / "segments.jsonl").write_bytes(dumps(records[0]) + b"\n" + dumps(records[1])[:40])
    assert main(["push", "segments.jsonl", "--json"]) == 5
    assert counts(json.loads(capsys.readouterr().out)) == (0, 0, 1, 0, 1)
    assert len(texts_on_server(client, project)) == 2
    assert (workplace / "segments.push.rejects.jsonl").exists()


def test_a_dry_run_says_exactly_what_a_push_then_does(
    workplace: Path, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    before = [segment(f"Number {n}.", doc_id=str(n)) for n in range(8)]
    project = only_project(push(workplace, before, capsys))
    tasks = texts_on_server(client, project)
    for number in (0, 1, 2):
        client.submit(tasks[f"Number {number}."], [], lead_time=1, skipped=False)
    after = [
        replace(before[0], region="title"),  # answered, changed: in place
        segment("Another text.", doc_id="1"),  # answered, another text: retired and kept, a new one
        segment("Yet another text, longer.", doc_id="3"),  # nobody saw it: deleted, a new one
        replace(before[4], lang="fi"),  # nobody saw it, changed: made anew
        *before[5:],
        segment("A new document.", doc_id="new"),
    ]
    planned = push(workplace, after, capsys, "--dry-run")
    assert counts(planned) == (3, 2, 3, 2, 1)
    assert texts_on_server(client, project) == tasks
    done = push(workplace, after, capsys)
    assert done == planned
    (told,) = done["projects"]
    assert told["characters"] == len("Another text." + "Yet another text, longer." + "A new document.")
    assert [(gone["doc_id"], gone["url"].endswith(f"task={tasks['Number 1.']}")) for gone in told["retires"]] == [("1", True)]
    assert counts(push(workplace, after, capsys)) == (0, 0, 8, 0, 2)
    now = texts_on_server(client, project)
    assert now["Number 0."] == tasks["Number 0."]
    assert now["Number 4."] != tasks["Number 4."]


def test_annotators_share_the_segments(workplace: Path, client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    records = [segment(f"Number {n}.", doc_id=str(n), lang="fi" if n % 2 else "en") for n in range(12)]
    sharing = ("--annotators", "aino,ben,chloe", "--overlap", "2")
    first = push(workplace, records, capsys, *sharing)
    assert [project["created"] for project in first["projects"]] == [8, 8, 8]
    shares = {p["annotator"]: texts_on_server(client, p["id"]) for p in first["projects"]}
    assert all(sum(record.text in share for share in shares.values()) == 2 for record in records)
    assert counts(push(workplace, records, capsys, *sharing)) == (0, 0, 24, 0, 0)
    more = [*records, *(segment(f"Number {n}.", doc_id=str(n), lang="fi") for n in range(12, 15))]
    assert counts(push(workplace, more, capsys, *sharing)) == (6, 0, 24, 0, 0)
    for project in first["projects"]:
        assert shares[project["annotator"]].items() <= texts_on_server(client, project["id"]).items()
    task = shares["ben"][records[0].text] if records[0].text in shares["ben"] else next(iter(shares["ben"].values()))
    client.submit(task, [], lead_time=1, skipped=False)
    assert main(["status", "--json", *sharing]) == 0
    told = {one["annotator"]: one for one in json.loads(capsys.readouterr().out)["projects"]}
    assert (told["ben"]["counts"]["done"], told["aino"]["counts"]["done"]) == (1, 0)
    assert sum(one["counts"]["tasks"] for one in told.values()) == 30
    assert all(one["in_step"] for one in told.values())
    assert main(["push", "segments.jsonl", "--annotators", "aino", "--overlap", "2"]) == 2


def predict(folder: Path, *rows: dict[str, object]) -> str:
    (folder / "guesses.jsonl").write_text(
        "".join(json.dumps({"model": "ner-2"} | row) + "\n" for row in rows), encoding="utf-8"
    )
    return "guesses.jsonl"


def test_predictions_are_checked_sent_once_and_read_back(
    workplace: Path, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    records = [segment(f"👩‍🚀 Boat {n} reached Oulu.", doc_id=str(n)) for n in range(4)]
    at = records[0].text.index("Boat")
    good = [
        {"segment_id": r.id, "score": 0.75, "spans": [{"start": at, "end": at + 4, "label": "ORG", "text": "Boat"}],
         "topics": {"theme": ["trade"]}}
        for r in records[:3]
    ]  # fmt: skip
    bad: list[dict[str, object]] = [
        {"segment_id": "nobody"},
        {"segment_id": records[3].id, "spans": [{"start": 0, "end": 999, "label": "ORG"}]},
        {"segment_id": records[3].id, "spans": [{"start": 0, "end": 4, "label": "NOPE"}]},
        {"segment_id": records[3].id, "spans": [{"start": at + 2, "end": at + 6, "label": "ORG", "text": "Boat"}]},
        {"segment_id": records[3].id, "topics": {"theme": ["cooking"]}},
        {"segment_id": records[0].id},
    ]
    told = ("--predictions", predict(workplace, *good, *bad))
    assert push(workplace, records, capsys, *told, "--dry-run", code=5)["predictions"] == 3
    first = push(workplace, records, capsys, *told, code=5)
    assert (first["predictions"], first["rejected"]) == (3, len(bad))
    rejects = [loads(line, Reject) for line in (workplace / "segments.push.rejects.jsonl").read_bytes().splitlines()]
    assert {item.code for item in rejects} == {"invalid_prediction"}
    again = ("--predictions", predict(workplace, *good))
    assert push(workplace, records, capsys, *again, "--dry-run")["predictions"] == 0
    assert push(workplace, records, capsys, *again)["predictions"] == 0
    project = only_project(first)
    shown = {task["data"]["doc_id"]: task["predictions"] for task in client.tasks(project)}
    assert [len(shown[str(n)]) for n in range(4)] == [1, 1, 1, 0]
    (span, _) = shown["0"][0]["result"]
    assert records[0].text[span["value"]["start"] : span["value"]["end"]] == "Boat"
    # A changed one replaces that of the same model, unless somebody has begun.
    tasks = texts_on_server(client, project)
    client.submit(tasks[records[1].text], [], lead_time=1, skipped=False)
    changed = [row | {"topics": {"theme": ["sport"]}} for row in good]
    assert push(workplace, records, capsys, "--predictions", predict(workplace, *changed))["predictions"] == 2
    shown = {task["data"]["doc_id"]: task["predictions"] for task in client.tasks(project)}
    assert [shown[str(n)][0]["result"][1]["value"]["choices"] for n in range(3)] == [["sport"], ["trade"], ["sport"]]
    assert [len(shown[str(n)]) for n in range(4)] == [1, 1, 1, 0]


def test_annotators_begin_from_the_first_model(workplace: Path, client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    records = [segment(f"Boat {n} reached Oulu ⛵.", doc_id=str(n)) for n in range(2)]
    rows: list[dict[str, object]] = [
        {"segment_id": record.id, "model": model, "topics": {"theme": ["trade"]}}
        for record in records
        for model in ("late", "early")
    ]

    def chosen(project: int) -> object:
        return client._get(f"api/projects/{project}/")["model_version"]

    project = only_project(push(workplace, records, capsys))
    assert chosen(project) == ""  # without predictions nothing is to begin from
    told = ("--predictions", predict(workplace, *rows))
    assert push(workplace, records, capsys, *told, "--dry-run")["predictions"] == 4
    assert chosen(project) == ""
    assert push(workplace, records, capsys, *told)["predictions"] == 4
    assert chosen(project) == "late"
    client.begin_from(project, "early")
    assert chosen(project) == "early"
    assert push(workplace, records, capsys, *told)["predictions"] == 0
    assert chosen(project) == "late"


def test_a_project_that_begins_from_the_model_is_not_changed_again(fake: FakeLabelStudio) -> None:
    with Client(fake.url, fake.token) as client:
        project = client.create_project("model", "", '<View><Text name="text" value="$text"/></View>', "").id
        for _ in range(2):
            client.begin_from(project, "ner-2")
    assert [request.method for request in fake.requests if request.path == f"/api/projects/{project}/"].count("PATCH") == 1
