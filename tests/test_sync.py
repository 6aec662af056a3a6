"""Deciding what a push does: pure, so every case is a table of what is wanted and what was found."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from annotate.errors import ProjectNotFound, UsageError
from annotate.journal import FoundTask
from annotate.labelstudio.client import Project
from annotate.model import Reject, Segment
from annotate.sync import (
    Marker,
    Selection,
    Wanted,
    cut,
    decide,
    find_project,
    project_title,
    read_marker,
    wanted_tasks,
)
from tests.builders import HARD_TEXTS, REF, schema, segment, segments

EVERYTHING = Selection()


def wanted(*records: Segment, selection: Selection = EVERYTHING) -> Wanted:
    rejects: list[Reject] = []
    made = wanted_tasks(records, schema(), selection, rejects.append, "segments.jsonl")
    assert rejects == []
    return made


def on_server(want: Wanted, *, touched: bool = False, first: int = 1) -> list[FoundTask]:
    return [
        FoundTask(number, t.segment_id, t.doc_id, t.lang, t.region, t.part, t.chars, False, t.essence, submitted=touched)
        for number, t in enumerate(want.tasks.values(), first)
    ]


def retired(tasks: list[FoundTask]) -> list[FoundTask]:
    return [replace(task, retired=True, essence=b"retired") for task in tasks]


def test_an_empty_project_gets_everything() -> None:
    plan = decide(wanted(segment("One."), segment("Two.", doc_id="b.txt")), [], EVERYTHING)
    assert plan.counts() == {"created": 2, "updated": 0, "unchanged": 0, "retired": 0, "absent": 0}


def test_a_second_push_does_nothing() -> None:
    want = wanted(*segments(["One.\n", "Two.\n"]))
    plan = decide(want, on_server(want), EVERYTHING)
    assert plan.counts() == {"created": 0, "updated": 0, "unchanged": 2, "retired": 0, "absent": 0}


def test_changed_metadata_updates_in_place() -> None:
    before = wanted(segment("One."))
    plan = decide(wanted(segment("One.", region="title")), on_server(before, touched=True), EVERYTHING)
    ((task, update),) = plan.update
    assert (task.id, update.region, plan.replace) == (1, "title", ())


def test_changed_metadata_of_a_task_nobody_touched_makes_it_anew() -> None:
    before = wanted(segment("One."))
    plan = decide(wanted(segment("One.", region="title")), on_server(before), EVERYTHING)
    ((task, replacement),) = plan.replace
    assert (task.id, replacement.region, plan.update) == (1, "title", ())
    assert plan.counts()["updated"] == 1
    guessed = [replace(task, predictions=1) for task in on_server(before)]
    assert len(decide(wanted(segment("One.", region="title")), guessed, EVERYTHING).update) == 1


def test_a_push_that_was_killed_while_replacing_is_completed() -> None:
    old, want = wanted(segment("One.")), wanted(segment("One.", region="title"))
    plan = decide(want, on_server(old) + on_server(want, first=2), EVERYTHING)
    assert ([task.id for task in plan.unchanged], [task.id for task in plan.delete]) == ([2], [1])
    plan = decide(want, on_server(old, touched=True) + on_server(want, first=2), EVERYTHING)
    assert ([task.id for task, _ in plan.update], [task.id for task in plan.delete]) == ([1], [2])


def test_a_vanished_segment_is_deleted_only_when_nobody_touched_it() -> None:
    before, after = wanted(*segments(["One.\n", "Two.\n"])), wanted(segment("One.\n", id=segments(["One.\n"])[0].id))
    assert [task.id for task in decide(after, on_server(before), EVERYTHING).delete] == [2]
    plan = decide(after, on_server(before, touched=True), EVERYTHING)
    assert plan.delete == ()
    assert [task.id for task in plan.keep_retired] == [2]


def test_documents_that_the_file_does_not_name_are_left_alone_unless_pruned() -> None:
    server = on_server(wanted(segment("Other.", doc_id="b.txt")))
    assert decide(wanted(segment("One.")), server, EVERYTHING).counts()["absent"] == 1
    assert len(decide(wanted(segment("One.")), server, EVERYTHING, prune=True).delete) == 1


def test_a_push_of_one_region_does_not_retire_another() -> None:
    server = on_server(wanted(segment("Accept all cookies", region="cookie_notice")))
    body_only = Selection(regions=frozenset({"body"}))
    plan = decide(wanted(segment("One.", start=50), selection=body_only), server, body_only)
    assert plan.delete == plan.keep_retired == ()
    assert plan.counts()["absent"] == 1


def test_a_retired_segment_that_comes_back_is_brought_back() -> None:
    want = wanted(segment("One."))
    plan = decide(want, retired(on_server(want, touched=True)), EVERYTHING)
    assert [update.segment_id for _, update in plan.update] == list(want.tasks)


def test_of_two_tasks_for_one_segment_the_annotated_one_stays() -> None:
    want = wanted(segment("One."))
    server = on_server(want) + on_server(want, touched=True, first=2)
    plan = decide(want, server, EVERYTHING)
    assert [task.id for task in plan.unchanged] == [2]
    assert [task.id for task in plan.delete] == [1]


words = st.sampled_from(["One.", "Two.", "Three.", "Four."])


@given(st.lists(words, unique=True), st.lists(st.tuples(words, st.booleans(), st.booleans())))
def test_every_found_task_has_exactly_one_place_and_no_touched_task_is_deleted(
    now: list[str], server: list[tuple[str, bool, bool]]
) -> None:
    want = wanted(*(segment(text) for text in now))
    found = []
    for number, (text, touched, gone) in enumerate(server):
        tasks = on_server(wanted(segment(text)), touched=touched, first=number)
        found += retired(tasks) if gone else tasks
    plan = decide(want, found, EVERYTHING)
    places = [
        *(task for task, _ in (*plan.update, *plan.replace)),
        *plan.unchanged,
        *plan.delete,
        *plan.keep_retired,
        *plan.absent,
    ]
    assert len(plan.create) + len(plan.update) + len(plan.replace) + len(plan.unchanged) == len(now)
    assert not any(task.touched for task in plan.delete)
    assert sorted(t.id for t in places) == sorted(t.id for t in found)


def test_selection_counts_what_it_leaves_out() -> None:
    records = segments(["A headline\n", "Some body text.\n"])
    want = wanted(*records, selection=Selection(min_chars=12))
    assert (len(want.tasks), want.not_selected) == (1, 1)


def test_context_is_the_text_around_the_segment() -> None:
    want = wanted(*segments(["Before. ", "Middle. ", "After."]))
    middle = want.json(list(want.tasks)[1])["data"]
    assert (middle["context_before"], middle["context_after"]) == ("Before. ", "After.")


@pytest.mark.parametrize(("text", "code"), [("   \n", "blank"), ("nul \x00 inside", "nul"), ("half \ud83d", "lone_surrogate")])
def test_what_label_studio_cannot_hold_is_rejected_before_sending(text: str, code: str) -> None:
    rejects: list[Reject] = []
    bad = segment("x" * len(text), id="bad")
    object.__setattr__(bad, "text", text)
    want = wanted_tasks([bad, segment("Good.")], schema(), EVERYTHING, rejects.append, "f.jsonl")
    assert len(want.tasks) == 1
    assert [(r.code, r.id, r.source) for r in rejects] == [(code, "bad", "f.jsonl")]


def test_an_id_that_stands_twice_is_rejected() -> None:
    rejects: list[Reject] = []
    want = wanted_tasks([segment("One."), segment("One.")], schema(), EVERYTHING, rejects.append, "f.jsonl")
    assert len(want.tasks) == 1
    assert [r.code for r in rejects] == ["duplicate_id"]


@given(st.text(st.sampled_from("ab.\n 字"), min_size=1, max_size=120).filter(str.strip), st.integers(5, 30))
@example("aaaaa     a", 5)
@example("       a b", 5)
def test_parts_together_are_the_segment(text: str, limit: int) -> None:
    whole = segment(text, start=7)
    parts = cut(whole, limit)
    assert "".join(part.text for part, _ in parts) == text
    assert parts[0][0].start == whole.start
    assert parts[-1][0].end == whole.end
    assert len({part.id for part, _ in parts}) == len(parts)
    assert all(0 < len(part.text.strip()) <= limit for part, _ in parts)


def test_parts_end_at_paragraphs_and_say_their_place() -> None:
    text = "First paragraph, of some length.\n\nSecond paragraph, as long."
    parts = cut(segment(text), 40)
    assert [part.text for part, _ in parts] == ["First paragraph, of some length.\n\n", "Second paragraph, as long."]
    assert [place for _, place in parts] == ["1/2", "2/2"]


@pytest.mark.parametrize("text", HARD_TEXTS)
def test_a_short_segment_is_not_cut(text: str) -> None:
    whole = segment(text)
    assert cut(whole, 1000) == [(whole, "")]


def marked(number: int, title: str, annotator: str, shown: str = "renamed") -> Project:
    return Project(number, shown, Marker(title, annotator, ((REF, "2026-01-01T00:00:00Z"),)).text(), "")


def test_a_project_is_found_by_its_marker_whatever_it_is_called() -> None:
    projects = [Project(1, "news · aino", "", ""), marked(2, "news", "aino"), marked(3, "news", "ben")]
    found = find_project(projects, "news", "aino")
    assert found is not None
    assert found.id == 2


def test_without_a_marker_the_exact_title_counts_if_unique() -> None:
    found = find_project([Project(1, "news", "", ""), marked(2, "news", "ben", shown="news")], "news", "")
    assert found is not None
    assert found.id == 1
    assert find_project([Project(1, "newspaper", "", "")], "news", "") is None
    with pytest.raises(ProjectNotFound, match="1, 2"):
        find_project([Project(1, "news", "", ""), Project(2, "news", "", "")], "news", "")


@pytest.mark.parametrize("rest", ["{broken", '{"title": "news", "annotator": "", "schemas": []}', '{"title": "news"}'])
def test_a_damaged_marker_is_an_error_not_a_second_project(rest: str) -> None:
    damaged = Project(4, "news", f"annotate-project: {rest}", "")
    assert read_marker(damaged) is None
    with pytest.raises(ProjectNotFound, match="damaged"):
        find_project([damaged], "news", "")
    assert find_project([damaged], "other", "") is None  # it is nobody's business but its own


def test_a_project_that_only_speaks_of_markers_is_left_alone() -> None:
    stranger = Project(4, "wiki", "for the meaning of annotate-project: see the wiki", "")
    assert read_marker(stranger) is None


def test_what_people_wrote_in_a_description_stays() -> None:
    marker = Marker("news", "", ((REF, "2026-01-01T00:00:00Z"),))
    description = marker.within("Our notes.\nAsk Eve.")
    assert description.startswith("Our notes.\nAsk Eve.\n")
    newer = Marker("news", "", (*marker.schemas, (REF, "2026-02-02T00:00:00Z")))
    assert newer.within(description + "\nMore notes.") == description.replace(marker.text(), newer.text()) + "\nMore notes."
    assert newer.within(newer.within(description)) == newer.within(description)


def test_a_file_with_damaged_lines_retires_nothing() -> None:
    server = on_server(wanted(*segments(["One.\n", "Two.\n"])))
    short = replace(wanted(segment("One.\n")), complete=False)
    assert decide(short, server, EVERYTHING).counts() == {"created": 0, "updated": 0, "unchanged": 1, "retired": 0, "absent": 1}


def test_a_part_is_retired_like_the_whole_it_was_cut_from() -> None:
    long_enough = Selection(min_chars=20)
    gone = [replace(task, part="2/2") for task in on_server(wanted(segment("Short.", start=40)))]
    kept = wanted(segment("This one is long enough to stay.", start=0), selection=long_enough)
    assert [task.id for task in decide(kept, gone, long_enough).delete] == [1]


def test_tasks_that_others_made_are_never_deleted() -> None:
    foreign = FoundTask(9, "", "", "", "", "", 15, False, b"")
    assert decide(wanted(segment("One.")), [foreign], EVERYTHING, prune=True).absent == (foreign,)


def test_markers_survive_odd_titles() -> None:
    project = marked(1, 'a "b" · ü\\', "anna-liisa")
    marker = read_marker(project)
    assert marker is not None
    assert (marker.title, marker.annotator, marker.schemas[0][0]) == ('a "b" · ü\\', "anna-liisa", REF)


def test_titles_beyond_what_label_studio_takes_are_usage_errors() -> None:
    assert project_title("news", "aino") == "news · aino"
    for title, name in (("n", ""), ("x" * 51, ""), ("x" * 45, "annotator")):
        with pytest.raises(UsageError, match="3 to 50"):
            project_title(title, name)
