"""Schemas change while people annotate: `schema diff`, `schema migrate`, and the update that is refused. Against the fake Label
Studio and the real one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from annotate.cli import main
from annotate.codec import dumps, loads
from annotate.errors import ConfigRefused
from annotate.labelstudio.client import Client
from annotate.labelstudio.labeling_config import labeling_config
from annotate.labelstudio.people import add_user, token_of
from annotate.labelstudio.wire import to_result
from annotate.model import Annotation, Reject, Span
from annotate.sync import read_marker
from annotate.testing import FakeLabelStudio
from tests.builders import SCHEMA_TEXT, schema, segment, set_up, write_lines
from tests.conftest import Live

OULU = Span(0, 4, "GPE", "Oulu")
KEMI = Span(9, 13, "ORG", "Kemi")
TEXT = "Oulu and Kemi"


def pushed(folder: Path, number: int, capsys: pytest.CaptureFixture[str]) -> int:
    records = [segment(f"{TEXT}, part {n}.", doc_id=f"{n}.txt") for n in range(number)]
    write_lines(folder / "segments.jsonl", records)
    assert main(["push", "segments.jsonl", "--json"]) == 0
    (project,) = json.loads(capsys.readouterr().out)["projects"]
    return int(project["id"])


def tasks(client: Client, project: int) -> list[int]:
    return sorted(task["id"] for task in client.tasks(project, ("id",)))


def changed_schema(*edits: tuple[str, str], name: str = "new.yaml") -> str:
    text = SCHEMA_TEXT.replace("1.0.0", "2.0.0")
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    Path(name).write_text(text, encoding="utf-8")
    return name


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> dict[str, Any]:
    capsys.readouterr()
    assert main([*arguments, "--json"]) == code
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def pulled(capsys: pytest.CaptureFixture[str], schema_name: str) -> list[Annotation]:
    run(capsys, "pull", "--schema", schema_name)
    return [loads(line, Annotation) for line in Path("annotations.jsonl").read_bytes().splitlines()]


RENAME = ("GPE]", "{id: PLACE, aliases: [GPE]}]")


def test_a_renamed_label_takes_the_answers_along(workplace: Path, client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    project = pushed(workplace, 3, capsys)
    first, second, third = tasks(client, project)
    client.submit(first, to_result([OULU, KEMI], {"theme": ["sport"]}), lead_time=7.5, skipped=False)
    client.submit(second, to_result([KEMI], {}), lead_time=1, skipped=False)
    client.submit(third, [], lead_time=1, skipped=True)
    new = changed_schema(RENAME)

    (told,) = run(capsys, "schema", "diff", new)["projects"]
    assert told["version"] == "little@1.0.0"
    (renamed,) = [change for change in told["changes"] if change["kind"] == "label_renamed"]
    assert (renamed["to"], renamed["stored"]) == ("entities/PLACE", {"annotation": 1, "draft": 0, "prediction": 0})

    (dry,) = run(capsys, "schema", "migrate", new, "--dry-run")["projects"]
    assert not (workplace / ".annotate" / "migrations").exists()
    document = run(capsys, "schema", "migrate", new)
    (done,) = document["projects"]
    assert dry == done
    assert (done["rewritten"], done["finished"]) == ({"annotation": 1, "draft": 0, "prediction": 0}, True)
    assert done["labels"] == {"entities/GPE → entities/PLACE": 1}
    (copy,) = [json.loads(line) for line in Path(document["copies"]).read_bytes().splitlines()]
    assert (copy["kind"], copy["task"], copy["was"]["lead_time"]) == ("annotation", first, 7.5)
    assert copy["was"]["result"][0]["value"]["labels"] == ["GPE"]

    annotations = pulled(capsys, new)
    assert [tuple(span.label for span in a.spans) for a in annotations] == [("PLACE", "ORG"), ("ORG",), ()]
    assert [a.status for a in annotations] == ["submitted", "submitted", "skipped"]
    assert annotations[0].lead_time == 7.5
    # It asks nothing that the old one did not: all answers count as answers under it.
    assert {a.schema.version for a in annotations} == {"2.0.0"}
    assert run(capsys, "schema", "migrate", new)["projects"][0]["rewritten"]["annotation"] == 0
    assert run(capsys, "push", "segments.jsonl", "--schema", new)["updated"] == 0
    assert run(capsys, "schema", "diff", new)["projects"][0]["changes"] == []


def test_what_was_pulled_before_is_pulled_anew(workplace: Path, client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    """The journal holds answers as they were: it learns of those that were rewritten, and of no others."""
    project = pushed(workplace, 4, capsys)
    first, second, third, _ = tasks(client, project)
    client.submit(first, to_result([OULU, KEMI], {}), lead_time=1, skipped=False)
    client.submit(second, to_result([KEMI], {}), lead_time=1, skipped=False)
    client.submit(third, [], lead_time=1, skipped=True)
    before = pulled(capsys, "little.yaml")
    assert [[span.label for span in a.spans] for a in before] == [["GPE", "ORG"], ["ORG"], []]
    new = changed_schema(RENAME)
    run(capsys, "schema", "migrate", new)
    again = run(capsys, "push", "segments.jsonl", "--schema", new)
    assert (again["created"], again["updated"], again["retired"], again["unchanged"]) == (0, 0, 0, 4)
    after = pulled(capsys, new)
    assert [[span.label for span in a.spans] for a in after] == [["PLACE", "ORG"], ["ORG"], []]
    assert [a.updated_at for a in after][1:] == [a.updated_at for a in before][1:]
    whole = (workplace / "annotations.jsonl").read_bytes()
    run(capsys, "pull", "--all", "--schema", new)
    assert (workplace / "annotations.jsonl").read_bytes() == whole
    assert len(tasks(client, project)) == 4


def test_older_answers_do_not_pass_for_answers_to_new_questions(
    workplace: Path, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    project = pushed(workplace, 2, capsys)
    first, second = tasks(client, project)
    client.submit(first, to_result([OULU], {}), lead_time=1, skipped=False)
    new = changed_schema(("GPE]", "{id: PLACE, aliases: [GPE]}, WORK]"))
    (done,) = run(capsys, "schema", "migrate", new)["projects"]
    assert done["counts_as"] == "little@1.0.0"
    client.submit(second, to_result([Span(0, 4, "WORK", "Oulu")], {}), lead_time=1, skipped=False)
    assert [a.schema.version for a in pulled(capsys, new)] == ["1.0.0", "2.0.0"]
    (done,) = run(capsys, "schema", "migrate", new, "--accept-older")["projects"]
    assert done["counts_as"] == "little@2.0.0"
    assert [a.schema.version for a in pulled(capsys, new)] == ["2.0.0", "2.0.0"]


def test_wider_overlap_asks_more_though_the_config_does_not_show_it(
    workplace: Path, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    project = pushed(workplace, 1, capsys)
    (task,) = tasks(client, project)
    client.submit(task, to_result([OULU], {}), lead_time=1, skipped=False)
    new = changed_schema(("overlap: nested", "overlap: any"))
    kinds = [change["kind"] for change in run(capsys, "schema", "diff", new)["projects"][0]["changes"]]
    assert kinds == ["overlap_wider"]
    assert run(capsys, "schema", "migrate", new)["projects"][0]["counts_as"] == "little@1.0.0"


def test_nothing_is_written_before_every_label_is_decided(
    workplace: Path, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    project = pushed(workplace, 2, capsys)
    first, second = tasks(client, project)
    client.submit(first, to_result([OULU, KEMI], {}), lead_time=1, skipped=False)
    client.submit(second, to_result([KEMI], {}), lead_time=1, skipped=False)
    new = changed_schema(("ORG, GPE]", "{id: PLACE, aliases: [GPE]}]"))
    assert run(capsys, "schema", "diff", new)["projects"][0]["undecided"] == ["entities/ORG"]
    before = client.projects()
    error = run(capsys, "schema", "migrate", new, code=3)["error"]
    assert "entities/ORG (2 annotations)" in error["message"]
    assert "--rename" in error["hint"]
    assert client.projects() == before
    assert not (workplace / ".annotate" / "migrations").exists()
    done = run(capsys, "schema", "migrate", new, "--delete", "ORG")["projects"][0]
    assert done["labels"] == {"entities/GPE → entities/PLACE": 1, "entities/ORG → deleted": 2}
    assert [[span.label for span in a.spans] for a in pulled(capsys, new)] == [["PLACE"], []]
    # Again, with the same options: that these labels are unknown by now is no error.
    assert run(capsys, "schema", "migrate", new)["projects"][0]["finished"]


def test_merging_and_moving_topics(workplace: Path, client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    project = pushed(workplace, 3, capsys)
    first, second, third = tasks(client, project)
    client.submit(first, to_result([], {"theme": ["trade"]}), lead_time=1, skipped=False)
    client.submit(second, to_result([], {"theme": ["sport", "trade"], "genre": ["report"]}), lead_time=1, skipped=False)
    client.submit(third, to_result([], {"genre": ["opinion"]}), lead_time=1, skipped=False)
    new = changed_schema(
        ("[sport, trade]", "[sport]"), ("[report, opinion]", "[{id: text, aliases: [report, opinion]}, trade]")
    )
    document = run(capsys, "schema", "migrate", new, code=5)
    assert document["projects"][0]["blocked"] == 1
    assert not document["projects"][0]["finished"]
    (item,) = [loads(line, Reject) for line in Path("annotate-migrate.rejects.jsonl").read_bytes().splitlines()]
    assert (item.code, item.url.endswith(f"task={second}")) == ("conflict", True)
    # The project keeps both label sets, so that people can go on and settle it.
    (kept,) = [p for p in client.projects() if p.id == project]
    assert 'alias="report"' in kept.label_config
    assert read_marker(kept).schemas[-1][0].version == "1.0.0"

    (answer,) = [t["annotations"][0] for t in client.tasks(project) if t["id"] == second]
    client.change_answer("annotation", answer["id"], to_result([], {"theme": ["sport"], "genre": ["report"]}))
    assert run(capsys, "schema", "migrate", new)["projects"][0]["finished"]
    assert [dict(a.topics) for a in pulled(capsys, new)] == [
        {"theme": (), "genre": ("trade",)},
        {"theme": ("sport",), "genre": ("text",)},
        {"theme": (), "genre": ("text",)},
    ]


def test_predictions_and_drafts_go_along(
    workplace: Path, server: Live, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    project = pushed(workplace, 2, capsys)
    first, second = tasks(client, project)
    client._send("POST", "api/predictions/", {}, {"task": first, "result": to_result([OULU], {}), "model_version": "m"})
    client._send("POST", f"api/tasks/{first}/drafts", {}, {"result": to_result([OULU], {}), "lead_time": 1})
    client.submit(second, to_result([OULU], {}), lead_time=1, skipped=False)
    (answer,) = [t["annotations"][0]["id"] for t in client.tasks(project) if t["id"] == second]
    begun = {"result": to_result([OULU, KEMI], {}), "lead_time": 1}
    client._send("POST", f"api/tasks/{second}/annotations/{answer}/drafts", {}, begun)
    new = changed_schema(RENAME)
    document = run(capsys, "schema", "migrate", new, code=5)
    # Rewriting an annotation makes Label Studio drop the draft that hangs on it: it waits.
    assert document["projects"][0]["blocked"] == 1
    (item,) = [loads(line, Reject) for line in Path("annotate-migrate.rejects.jsonl").read_bytes().splitlines()]
    assert item.code == "draft"
    assert document["projects"][0]["rewritten"]["prediction"] == 1
    (draft,) = client.drafts(first)
    assert draft["result"][0]["value"]["labels"] == ["PLACE"]
    client.change_answer("annotation", answer, to_result([OULU], {}))  # they submit
    assert client.drafts(second) == []
    assert run(capsys, "schema", "migrate", new)["projects"][0]["finished"]


def test_words_touch_no_data(workplace: Path, client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    project = pushed(workplace, 1, capsys)
    (task,) = tasks(client, project)
    client.submit(task, to_result([OULU], {"genre": ["report"]}), lead_time=1, skipped=False)
    before = pulled(capsys, "little.yaml")
    (stored,) = client.tasks(project)
    other = SCHEMA_TEXT.replace("GPE]", "{id: GPE, name: {fi: 'Paikka <b>&\"', ko: 장소}}]").replace(
        "{id: genre,", "{id: genre, name: {fi: Laji},"
    )
    Path("little.yaml").write_text(other.replace("regions:", "ui_languages: [fi, ko]\nregions:"), encoding="utf-8")
    (told,) = run(capsys, "schema", "diff", "little.yaml")["projects"]
    assert {change["kind"] for change in told["changes"]} == {"words"}
    assert run(capsys, "push", "segments.jsonl")["updated"] == 0
    assert pulled(capsys, "little.yaml") == before
    assert list(client.tasks(project)) == [stored]


def test_words_in_another_language_are_no_change(workplace: Path, client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    words = "{id: GPE, name: {en: Place, fi: Paikka, ko: 장소}, description: {en: A town., fi: Kaupunki.}}"
    text = SCHEMA_TEXT.replace("GPE]", f"{words}]").replace("{id: genre,", "{id: genre, name: {en: Genre, fi: Laji},")
    Path("little.yaml").write_text(text.replace("regions:", "ui_languages: [en, fi, ko]\nregions:"), encoding="utf-8")
    (workplace / "segments.jsonl").write_bytes(dumps(segment(TEXT)) + b"\n")
    languages = ("--annotators", "aino,ben", "--ui-language", "aino=fi")
    run(capsys, "push", "segments.jsonl", *languages)
    told = run(capsys, "schema", "diff", "little.yaml")["projects"]
    assert [project["changes"] for project in told] == [[], []]
    Path("little.yaml").write_text(Path("little.yaml").read_text(encoding="utf-8").replace("Paikka", "Kunta"), encoding="utf-8")
    told = run(capsys, "schema", "diff", "little.yaml")["projects"]
    assert [[change["kind"] for change in project["changes"]] for project in told] == [["words"], []]


def test_an_update_that_label_studio_would_accept_is_refused(
    workplace: Path, server: Live, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    project = pushed(workplace, 1, capsys)
    (task,) = client.tasks(project, ("id", "data"))
    answer = {"result": to_result([OULU], {}), "ground_truth": False}
    data = task["data"] | {"segment_id": "imported"}
    client.import_tasks(project, [dumps({"data": data, "annotations": [answer]})])
    new = changed_schema((", GPE]", "]"))
    config = labeling_config(schema(Path(new).read_text()))
    error = run(capsys, "push", "segments.jsonl", "--schema", new, code=4)["error"]
    assert "entities/GPE (1 annotation)" in error["message"]
    assert "schema migrate" in error["hint"]
    (kept,) = [p for p in client.projects() if p.id == project]
    assert kept.label_config != config
    client.update_project(kept, description=kept.description, label_config=config)  # what Label Studio itself thinks of it
    error = run(capsys, "schema", "migrate", new, code=3)["error"]
    assert "entities/GPE (1 annotation)" in error["message"]  # seen though neither schema has it any more
    assert run(capsys, "schema", "migrate", new, "--rename", "GPE=ORG")["projects"][0]["labels"] == {
        "entities/GPE → entities/ORG": 1
    }


def test_label_studio_refuses_what_we_send_first(workplace: Path, client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    project = pushed(workplace, 1, capsys)
    (task,) = tasks(client, project)
    client.submit(task, to_result([OULU], {}), lead_time=1, skipped=False)
    (found,) = [p for p in client.projects() if p.id == project]
    config = labeling_config(schema(SCHEMA_TEXT.replace(", GPE]", "]")))
    with pytest.raises(ConfigRefused, match="GPE"):
        client.update_project(found, description=found.description, label_config=config)


def test_every_annotators_project_follows(workplace: Path, client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    (workplace / "segments.jsonl").write_bytes(dumps(segment(TEXT)) + b"\n")
    document = run(capsys, "push", "segments.jsonl", "--annotators", "aino,ben")
    for project in document["projects"]:
        (task,) = tasks(client, project["id"])
        client.submit(task, to_result([OULU], {}), lead_time=1, skipped=False)
    reports = run(capsys, "schema", "migrate", changed_schema(RENAME))["projects"]
    assert [(one["annotator"], one["rewritten"]["annotation"]) for one in reports] == [("aino", 1), ("ben", 1)]


def test_an_answer_given_meanwhile_is_neither_lost_nor_left_behind(
    workplace: Path, client: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = pushed(workplace, 2, capsys)
    first, second = tasks(client, project)
    client.submit(first, to_result([OULU], {}), lead_time=1, skipped=False)
    (answer,) = [t["annotations"][0]["id"] for t in client.tasks(project) if t["id"] == first]
    stored, met = Client.answer, []

    def meanwhile(self: Client, kind: Any, number: int) -> Any:
        if not met:
            met.append(number)
            client.change_answer("annotation", answer, to_result([OULU, KEMI], {}))
            client.submit(second, to_result([OULU], {}), lead_time=1, skipped=False)
        return stored(self, kind, number)

    monkeypatch.setattr(Client, "answer", meanwhile)
    document = run(capsys, "schema", "migrate", changed_schema(RENAME))
    assert document["projects"][0]["finished"]
    assert [[span.label for span in a.spans] for a in pulled(capsys, "new.yaml")] == [["PLACE", "ORG"], ["PLACE"]]
    copies = [json.loads(line)["was"]["result"] for line in Path(document["copies"]).read_bytes().splitlines()]
    assert [len(result) for result in copies][:2] == [1, 2]


def test_a_workspace_that_cannot_be_written_stops_it_first(
    workplace: Path, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    project = pushed(workplace, 1, capsys)
    (task,) = tasks(client, project)
    client.submit(task, to_result([OULU], {}), lead_time=1, skipped=False)
    (workplace / ".annotate").mkdir(exist_ok=True)
    (workplace / ".annotate" / "migrations").write_text("in the way")
    before = client.projects()
    error = run(capsys, "schema", "migrate", changed_schema(RENAME), code=1)["error"]
    assert "nothing was changed" in error["hint"]
    assert client.projects() == before


def test_killed_in_the_middle_it_goes_on(
    tmp_path: Path, fake: FakeLabelStudio, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LABEL_STUDIO_URL", fake.url)
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", fake.token)
    folder = set_up(tmp_path, "killed", monkeypatch)
    project = pushed(folder, 60, capsys)
    with Client(fake.url, fake.token) as client:
        for task in tasks(client, project):
            client.submit(task, to_result([OULU, KEMI], {}), lead_time=1, skipped=False)
    new = changed_schema(("GPE]", "{id: PLACE, aliases: [GPE]}, WORK]"))
    command = [sys.executable, "-m", "annotate", "schema", "migrate", new, "-q"]

    def rewritten() -> int:
        return sum(request.method == "PATCH" and "/annotations/" in request.path for request in list(fake.requests))

    interrupted = 0
    for share in (3, 20, 40):
        process = subprocess.Popen(command, env=dict(os.environ))
        while process.poll() is None and rewritten() < share:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        interrupted += process.wait() == -signal.SIGKILL
    assert interrupted
    assert 0 < rewritten() < 60
    (done,) = run(capsys, "schema", "migrate", new)["projects"]
    assert (done["finished"], done["counts_as"]) == (True, "little@1.0.0")
    annotations = pulled(capsys, new)
    assert [[span.label for span in a.spans] for a in annotations] == [["PLACE", "ORG"]] * 60
    assert {a.schema.version for a in annotations} == {"1.0.0"}
    copies = [
        json.loads(line)
        for path in (folder / ".annotate" / "migrations").glob("*.jsonl")
        for line in path.read_bytes().splitlines()
    ]
    kept = {copy["was"]["id"] for copy in copies if copy["was"]["result"][0]["value"]["labels"] == ["GPE"]}
    assert len(kept) == 60


def test_files_are_compared_without_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up(tmp_path, "files", monkeypatch)
    new = changed_schema(RENAME)
    assert main(["schema", "diff", "little.yaml", new]) == 0
    out = capsys.readouterr().out
    assert "entities/GPE is called PLACE now: schema migrate rewrites stored answers" in out
    assert main(["schema", "diff", "little.yaml", new, "third.yaml"]) == 2
    assert main(["schema", "diff", "little.yaml", new, "--rename", "GPE"]) == 2


def test_anothers_draft_counts(workplace: Path, server: Live, client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    project = pushed(workplace, 1, capsys)
    (task,) = tasks(client, project)
    admin = server.login
    email, password = f"other{project}@example.com", "Other-1234-pw"
    add_user(server.url, admin_email=admin.email, admin_password=admin.password, email=email, password=password)
    with Client(server.url, token_of(server.url, email, password)) as other:
        other._send("POST", f"api/tasks/{task}/drafts", {}, {"result": to_result([OULU], {}), "lead_time": 1})
    error = run(capsys, "schema", "migrate", changed_schema((", GPE]", "]")), code=3)["error"]
    assert "entities/GPE (1 draft)" in error["message"]
