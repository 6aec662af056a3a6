"""The review loop, against the fake Label Studio and the real one: conflicts out, decisions home, nothing twice or lost."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from annotate import review, sync
from annotate.adjudication import Answer, Conflict, Majority, Unanimous, adjudicate
from annotate.cli import main
from annotate.codec import dumps, loads
from annotate.errors import UsageError
from annotate.labelstudio.client import Client
from annotate.labelstudio.wire import to_result
from annotate.model import Annotation, GoldRecord, Reject, Segment, Span, TaskRef
from annotate.workflow import topic_groups
from tests.builders import HARD_TEXTS, schema, segment
from tests.conftest import Live

LITTLE = schema()
GROUPS = topic_groups(LITTLE)


def said(by: str, about: Segment, *spans: tuple[int, int, str], theme: tuple[str, ...] = (), **other: Any) -> Annotation:
    known: dict[str, Any] = {
        "segment": about,
        "annotator": by,
        "status": "submitted",
        "spans": tuple(Span(start, end, label, about.text[start:end]) for start, end, label in sorted(spans)),
        "topics": {"theme": theme, "genre": ("report",)},
        "unanswered": (),
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "lead_time": 3.0,
        "from_prediction": "",
        "ground_truth": False,
        "schema": LITTLE.ref,
        "task": TaskRef(10_000_001, 1),
    }
    return Annotation(**(known | other))


def conflicts_of(*annotations: Annotation) -> list[Conflict]:
    return list(adjudicate(annotations, Unanimous(), GROUPS, entities=LITTLE.entity_ids).conflicts)


OULU = segment("The harbour of Oulu is open.", doc_id="a.txt")
VAASA = segment("Vaasa and Oulu trade again.", doc_id="b.txt")
SALO = segment("Mirja Salo hands over the keys.", doc_id="c.txt")

AINO_AND_BEN = (
    said("aino@example.com", OULU, (15, 19, "GPE")),
    said("ben@example.com", OULU),
    said("aino@example.com", VAASA, (0, 5, "GPE"), (10, 14, "GPE"), theme=("trade",)),
    said("ben@example.com", VAASA, (0, 5, "ORG"), (10, 14, "GPE"), theme=("trade", "sport")),
    said("aino@example.com", SALO, (0, 10, "PERSON")),
    said("ben@example.com", SALO, (0, 10, "PERSON")),
)


# ── tasks ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_reading_is_a_prediction() -> None:
    (_, conflict) = conflicts_of(*AINO_AND_BEN)
    task = review.review_task(conflict, LITTLE, named=True)
    assert task["data"]["text"] == VAASA.text
    assert [(p["model_version"], p["score"]) for p in task["predictions"]] == [("A1", 0.5), ("A2", 0.5)]
    agreed = Span(10, 14, "GPE", "Oulu")
    first = to_result([Span(0, 5, "GPE", "Vaasa"), agreed], {"theme": ("trade",), "genre": ("report",)})
    second = to_result([Span(0, 5, "ORG", "Vaasa"), agreed], {"theme": ("trade", "sport"), "genre": ("report",)})

    def sorted_result(result: list[dict[str, Any]]) -> list[str]:
        return sorted(
            json.dumps(item | {"value": {k: sorted(v) if isinstance(v, list) else v for k, v in item["value"].items()}})
            for item in result
        )

    assert [sorted_result(p["result"]) for p in task["predictions"]] == [sorted_result(first), sorted_result(second)]


def comparable(result: list[dict[str, Any]]) -> list[str]:
    """A result without the order of its parts and of the labels in them."""
    values = [{key: sorted(v) if isinstance(v, list) else v for key, v in item["value"].items()} for item in result]
    return sorted(json.dumps([item["from_name"], value], sort_keys=True) for item, value in zip(result, values, strict=True))


def test_equal_readings_are_one() -> None:
    (conflict,) = conflicts_of(said("a", OULU), said("b", OULU, (15, 19, "GPE")), said("c", OULU))
    named = review.review_task(conflict, LITTLE, named=True)["predictions"]
    assert [(p["model_version"], p["score"]) for p in named] == [("A1, A3", 0.667), ("A2", 0.333)]


def test_blind_readings_do_not_tell_who_is_who() -> None:
    """Over many segments each annotator's reading stands first about as often as second, and no name is in a task."""
    first = []
    for number in range(40):
        about = segment(OULU.text, doc_id=f"{number}.txt")
        (conflict,) = conflicts_of(said("aino@example.com", about, (15, 19, "GPE")), said("ben@example.com", about))
        task = review.review_task(conflict, LITTLE)
        assert [p["model_version"] for p in task["predictions"]] == ["reading 1", "reading 2"]
        assert not any(name in json.dumps(task) for name in ("aino", "ben", "A1", "A2"))
        first.append(len(task["predictions"][0]["result"]))
    assert 10 <= first.count(2) <= 30
    assert set(first) == {1, 2}


def test_the_same_conflict_makes_the_same_task() -> None:
    one, other = (review.review_task(conflicts_of(*order)[0], LITTLE) for order in (AINO_AND_BEN, AINO_AND_BEN[::-1]))
    assert dumps(one) == dumps(other)


@pytest.mark.parametrize("text", HARD_TEXTS)
def test_hard_text(text: str) -> None:
    about = segment(text)
    at = len(text) - len(text.lstrip())
    (conflict,) = conflicts_of(said("a", about, (at, at + 3, "GPE")), said("b", about))
    task = review.review_task(conflict, LITTLE)
    (value,) = [item["value"] for p in task["predictions"] for item in p["result"] if item["type"] == "labels"]
    assert task["data"]["text"][value["start"] : value["end"]] == value["text"] == text[at : at + 3]


def test_the_title_must_fit() -> None:
    assert review.review_title("harbour news") == "harbour news · review"
    with pytest.raises(UsageError, match="50"):
        review.review_title("x" * 45)


# ── decisions ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_decisions_are_kept_and_the_last_word_of_each_counts() -> None:
    old = said("judge", OULU, task=TaskRef(9, 1))
    changed = replace(old, spans=(Span(15, 19, "GPE", "Oulu"),), updated_at="2026-02-01T00:00:00Z")
    elsewhere = said("judge", SALO)
    assert review.merged([old, elsewhere], [changed]) == [changed, elsewhere]
    assert review.merged([changed], [old]) == [changed]  # an old server never takes back a new decision
    assert review.merged([], []) == []


# ── the loop ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Loop:
    """What a team does on the command line."""

    def __init__(self, folder: Path, client: Client, title: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.client, self.title, self.capsys = folder, client, title, capsys

    def annotated(self, *annotations: Annotation) -> None:
        (self.folder / "annotations.jsonl").write_bytes(b"".join(dumps(a) + b"\n" for a in annotations))
        self.run("adjudicate", "annotations.jsonl")

    def run(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        assert main([*arguments, "--json"]) == code
        document: dict[str, Any] = json.loads(self.capsys.readouterr().out)
        return document

    def tasks(self) -> dict[str, dict[str, Any]]:
        project = sync.find_project(self.client.projects(), review.review_title(self.title), "")
        assert project is not None
        found = list(self.client.tasks(project.id))
        assert len({task["data"]["segment_id"] for task in found}) == len(found)
        return {task["data"]["segment_id"]: task for task in found}

    def decide(self, about: Segment, *spans: tuple[int, int, str], theme: tuple[str, ...] = ()) -> None:
        marked = [Span(start, end, label, about.text[start:end]) for start, end, label in spans]
        answer = Answer(tuple(marked), {"theme": theme, "genre": ("report",)})
        self.client.submit(self.tasks()[about.id]["id"], to_result(answer.spans, answer.topics), lead_time=2, skipped=False)

    def gold(self) -> dict[str, GoldRecord]:
        return {r.id: r for line in (self.folder / "gold.jsonl").read_bytes().splitlines() for r in [loads(line, GoldRecord)]}

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.folder.glob("gold.*")}


@pytest.fixture
def loop(workplace: Path, client: Client, title: str, capsys: pytest.CaptureFixture[str]) -> Loop:
    return Loop(workplace, client, title, capsys)


def numbers(document: dict[str, Any]) -> dict[str, int]:
    return {key: value for key, value in document.items() if isinstance(value, int) and value and key != "schema_version"}


def test_conflicts_go_out_and_decisions_come_home(loop: Loop) -> None:
    loop.annotated(*AINO_AND_BEN)
    assert set(loop.gold()) == {SALO.id}

    pushed = loop.run("review", "push")
    assert numbers(pushed) == {"created": 2}
    tasks = loop.tasks()
    assert set(tasks) == {OULU.id, VAASA.id}  # only the conflicts
    assert sorted(p["model_version"] for p in tasks[VAASA.id]["predictions"]) == ["reading 1", "reading 2"]
    assert {len(p["result"]) for p in tasks[OULU.id]["predictions"]} == {1, 2}
    assert numbers(loop.run("review", "push")) == {"unchanged": 2}
    assert {key: task["id"] for key, task in loop.tasks().items()} == {key: task["id"] for key, task in tasks.items()}

    loop.decide(VAASA, (0, 5, "ORG"), theme=("trade",))
    pulled = loop.run("review", "pull")
    assert (pulled["decisions"], pulled["new"], pulled["gold"]["gold"], pulled["gold"]["conflicts"]) == (1, 1, 2, 1)
    record = loop.gold()[VAASA.id]
    assert [(span.text, span.label) for span in record.spans] == [("Vaasa", "ORG")]
    assert record.accept == ("trade", "report")
    assert (record.meta.decided_by, record.meta.annotators, record.meta.n_annotators) == ("adjudicator", ("A1", "A2"), 2)
    assert 0 < record.meta.agreement < 1

    # A later adjudicate, by whatever rule, and a second pull change nothing about it.
    files = loop.files()
    again = loop.run("review", "pull")
    assert (again["decisions"], again["new"]) == (1, 0)
    assert loop.files() == files
    for rule in ("majority", "annotator=A1"):
        loop.run("adjudicate", "annotations.jsonl", "--rule", rule)
        assert loop.gold()[VAASA.id] == record
    # That rule leaves no conflict: what nobody has touched goes, what people have worked on stays.
    assert numbers(loop.run("review", "push")) == {"withdrawn": 1, "decided": 1}
    assert set(loop.tasks()) == {VAASA.id}


def test_the_rules_of_the_gold_are_used_again(loop: Loop) -> None:
    loop.annotated(*AINO_AND_BEN)
    loop.run("adjudicate", "annotations.jsonl", "--rule", "majority", "--rule", "annotator=ben@example.com")
    assert set(loop.gold()) == {OULU.id, VAASA.id, SALO.id}
    before = loop.files()["gold.jsonl"]
    loop.run("review", "push")
    loop.run("review", "pull")
    assert loop.files()["gold.jsonl"] == before


def test_a_conflict_that_says_something_else_by_now(loop: Loop) -> None:
    loop.annotated(*AINO_AND_BEN)
    loop.run("review", "push")
    first = loop.tasks()
    loop.decide(VAASA, (10, 14, "GPE"))
    third = said("cy@example.com", OULU, (12, 19, "GPE")), said("cy@example.com", VAASA)
    loop.annotated(*AINO_AND_BEN, *third)
    assert numbers(loop.run("review", "push", "--dry-run")) == {"created": 1, "replaced": 1, "unchanged": 1, "decided": 1}
    assert {task["id"] for task in loop.tasks().values()} == {task["id"] for task in first.values()}
    assert numbers(loop.run("review", "push")) == {"created": 1, "replaced": 1, "unchanged": 1, "decided": 1}
    now = loop.tasks()
    assert len(now[OULU.id]["predictions"]) == 3
    assert now[VAASA.id]["id"] == first[VAASA.id]["id"]
    assert numbers(loop.run("review", "push")) == {"unchanged": 2, "decided": 1}
    # Named on a later push: what nobody has touched is put anew.
    assert numbers(loop.run("review", "push", "--named")) == {"created": 1, "replaced": 1, "unchanged": 1, "decided": 1}
    assert sorted(p["model_version"] for p in loop.tasks()[OULU.id]["predictions"]) == ["A1", "A2", "A3"]


def test_what_is_no_conflict_any_more_is_withdrawn(loop: Loop) -> None:
    loop.annotated(*AINO_AND_BEN)
    loop.run("review", "push")
    loop.annotated(*AINO_AND_BEN[1:])
    assert numbers(loop.run("review", "push")) == {"unchanged": 1, "withdrawn": 1}
    assert set(loop.tasks()) == {VAASA.id}


def test_a_skipped_review_leaves_the_conflict_open(loop: Loop) -> None:
    loop.annotated(*AINO_AND_BEN)
    loop.run("review", "push")
    loop.client.submit(loop.tasks()[OULU.id]["id"], [], lead_time=1, skipped=True)
    pulled = loop.run("review", "pull")
    assert (pulled["decisions"], pulled["skipped"], pulled["gold"]["conflicts"]) == (0, 1, 2)


def test_an_annotator_who_reviews_is_reported(loop: Loop, server: Live) -> None:
    judge = server.login.email
    own = [replace(a, annotator=judge) if a.annotator.startswith("ben") else a for a in AINO_AND_BEN]
    loop.annotated(*own)
    loop.run("review", "push")
    loop.decide(OULU)
    assert main(["review", "pull"]) == 0
    told = loop.capsys.readouterr().err
    assert "decided 1; 1 of them about segments they annotated themselves" in told
    assert judge not in told
    summary = json.loads((loop.folder / "gold.summary.json").read_bytes())
    (numbers_,) = summary["adjudicators"].values()
    assert numbers_ == {"decisions": 1, "own": 1}


def test_reviewers_see_the_page_around_the_segment(loop: Loop, client: Client, title: str) -> None:
    about = segment("Oulu opens.\n", doc_id="page.txt")
    rest = segment("The mayor spoke.", doc_id="page.txt", start=len(about.text))
    (loop.folder / "segments.jsonl").write_bytes(dumps(about) + b"\n" + dumps(rest) + b"\n")
    project = loop.run("push", "segments.jsonl")["projects"][0]["id"]
    tasks = {task["data"]["segment_id"]: task["id"] for task in client.tasks(project, ("id", "data"))}
    where = TaskRef(project, tasks[about.id])
    loop.annotated(said("a", about, (0, 4, "GPE"), task=where), said("b", about, task=where))
    loop.run("review", "push")
    assert loop.tasks()[about.id]["data"]["context_after"] == rest.text
    loop.run("pull")  # and decisions are no annotations
    loop.decide(about)
    assert loop.run("pull")["annotations"] == 0


def test_labels_the_schema_lacks_are_rejected(loop: Loop) -> None:
    loop.annotated(*AINO_AND_BEN)
    lines = (loop.folder / "gold.conflicts.jsonl").read_text().replace('"label":"ORG"', '"label":"DRAGON"')
    (loop.folder / "gold.conflicts.jsonl").write_text(lines)
    assert numbers(loop.run("review", "push", code=5)) == {"created": 1, "rejected": 1}
    (line,) = (loop.folder / "gold.conflicts.review.rejects.jsonl").read_bytes().splitlines()
    found = loads(line, Reject)
    assert (found.code, found.id) == ("schema_mismatch", VAASA.id)
    assert "DRAGON" in found.reason


def test_a_conflict_that_cannot_be_read_withdraws_nothing(loop: Loop, client: Client) -> None:
    loop.annotated(*AINO_AND_BEN)
    loop.run("review", "push")
    path = loop.folder / "gold.conflicts.jsonl"
    path.write_text(path.read_text().splitlines()[0] + "\n{\n")
    assert numbers(loop.run("review", "push", code=5)) == {"unchanged": 1, "rejected": 1}
    assert set(loop.tasks()) == {OULU.id, VAASA.id}
    # Nor does any push delete what others have put into the project.
    project = sync.find_project(client.projects(), review.review_title(loop.title), "")
    assert project is not None
    client.import_tasks(project.id, [dumps({"data": {"text": "somebody else's"}})])
    loop.annotated(*AINO_AND_BEN[1:])
    assert numbers(loop.run("review", "push")) == {"unchanged": 1, "withdrawn": 1}
    assert sorted(task["data"]["text"] for task in client.tasks(project.id)) == [VAASA.text, "somebody else's"]


def test_a_dry_run_writes_nothing(loop: Loop, client: Client, title: str) -> None:
    loop.annotated(*AINO_AND_BEN)
    assert numbers(loop.run("review", "push", "--dry-run")) == {"created": 2}
    assert sync.find_project(client.projects(), review.review_title(title), "") is None


def test_before_there_is_anything_to_pull(loop: Loop) -> None:
    assert "was not adjudicated before" in loop.run("review", "pull", code=2)["error"]["message"]
    loop.annotated(*AINO_AND_BEN)
    files = loop.files()
    assert loop.run("review", "pull", code=4)["error"]["hint"]
    assert loop.files() == files


def test_decisions_outlive_their_project(loop: Loop, client: Client) -> None:
    loop.annotated(*AINO_AND_BEN)
    loop.run("review", "push")
    loop.decide(OULU, (15, 19, "GPE"))
    loop.run("review", "pull")
    project = sync.find_project(client.projects(), review.review_title(loop.title), "")
    assert project is not None
    client.delete_tasks(project.id, [loop.tasks()[OULU.id]["id"]])
    assert loop.run("review", "pull")["decisions"] == 1
    assert loop.gold()[OULU.id].meta.decided_by == "adjudicator"


def test_majority_leaves_fewer_conflicts_than_unanimity() -> None:
    trio = [*AINO_AND_BEN, said("cy@example.com", OULU, (15, 19, "GPE"))]
    assert [c.segment.id for c in conflicts_of(*trio)] == [OULU.id, VAASA.id]
    by_majority = adjudicate(trio, Majority(), GROUPS, entities=LITTLE.entity_ids)
    assert [c.segment.id for c in by_majority.conflicts] == [VAASA.id]
