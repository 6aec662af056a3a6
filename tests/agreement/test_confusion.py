"""Labels taken for each other, and the segments that agreement is lost in."""

from __future__ import annotations

import json
from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.agreement import MISSED, Confused, agree, paired_spans, segment_agreement, task_url
from annotate.model import TaskRef
from tests.agreement.test_agreement import (
    GROUPS,
    HARD,
    KIND,
    LETTERS,
    THEME,
    noisy,
    said,
    segment,
    span_sets,
    spans_of,
)

AINO, PEKKA, TURKU = (0, 4, "PER"), (9, 14, "PER"), (18, 23, "LOC")


def labels(left: list[tuple[int, int, str]], right: list[tuple[int, int, str]]) -> list[tuple[str, str]]:
    return sorted(
        (a.label if a else MISSED, b.label if b else MISSED) for a, b in paired_spans(spans_of(left), spans_of(right))
    )


def test_spans_side_by_side() -> None:
    assert labels([AINO, PEKKA], [AINO]) == [("PER", MISSED), ("PER", "PER")]
    assert labels([TURKU], [(18, 23, "ORG")]) == [("LOC", "ORG")]
    assert labels([(0, 14, "ORG"), AINO], [(0, 14, "ORG"), (9, 14, "LOC")]) == [
        (MISSED, "LOC"),
        ("ORG", "ORG"),
        ("PER", MISSED),
    ]


def test_the_same_place_goes_before_the_same_label_before_the_longer_overlap() -> None:
    assert labels([(0, 4, "PER")], [(0, 4, "LOC"), (0, 5, "PER")]) == [(MISSED, "PER"), ("PER", "LOC")]
    assert labels([(2, 8, "PER")], [(0, 3, "PER"), (3, 9, "LOC")]) == [(MISSED, "LOC"), ("PER", "PER")]
    assert labels([(2, 8, "PER")], [(0, 4, "LOC"), (4, 9, "ORG")]) == [(MISSED, "LOC"), ("PER", "ORG")]


def test_touching_is_not_overlapping() -> None:
    assert labels([(0, 4, "PER")], [(4, 8, "PER")]) == [(MISSED, "PER"), ("PER", MISSED)]


@given(span_sets, span_sets)
def test_every_span_stands_on_its_side_once(left: list[tuple[int, int, str]], right: list[tuple[int, int, str]]) -> None:
    ours, theirs = spans_of(left), spans_of(right)
    pairs = list(paired_spans(ours, theirs))
    assert sorted(a for a, _ in pairs if a) == sorted(set(ours))
    assert sorted(b for _, b in pairs if b) == sorted(set(theirs))
    assert all(a or b for a, b in pairs)
    assert Counter((b, a) for a, b in pairs) == Counter(paired_spans(theirs, ours))
    assert all(max(a.start, b.start) < min(a.end, b.end) for a, b in pairs if a and b)


def test_span_confusion_counts_pairs_of_annotators() -> None:
    trio = [said("a", 0, [AINO, TURKU]), said("b", 0, [AINO, (18, 23, "ORG")]), said("c", 0, [(0, 8, "PER")])]
    spans = agree(trio, GROUPS, entities=("PER", "LOC", "ORG"), bootstrap=0).overall.spans
    assert spans.confusion == (
        Confused("PER", "PER", 3, 1),
        Confused("LOC", "ORG", 1, 1),
        Confused("LOC", MISSED, 1, 0),
        Confused("ORG", MISSED, 1, 0),
    )


def test_a_pair_says_who_said_what() -> None:
    pair = [said("z", 0, [TURKU]), said("a", 0, [(18, 23, "ORG")])]
    report = agree(pair, GROUPS, entities=("LOC", "ORG"), bootstrap=0)
    assert report.overall.spans.confusion == (Confused("LOC", "ORG", 1, 1),)
    assert report.by["pair"]["A1 & A2"].spans.confusion == (Confused("ORG", "LOC", 1, 1),)


def test_topics_taken_for_each_other() -> None:
    kinds = [said("a", n, kind=one) for n, one in enumerate(("report", "report", "notice"))]
    kinds += [said("b", n, kind=one) for n, one in enumerate(("report", "opinion", "report"))]
    assert agree(kinds, GROUPS, bootstrap=0).overall.topics["kind"].confusion == (
        Confused("report", "report", 1, 1),
        Confused("report", "opinion", 1, 1),
        Confused("report", "notice", 1, 1),
    )
    themes = [said("a", 0, theme=["sport", "money"]), said("b", 0, theme=["sport", "health"])]
    themes += [said("a", 1, theme=["sport", "money"]), said("b", 1, theme=["health"]), said("a", 2, theme=[]), said("b", 2)]
    assert agree(themes, GROUPS, bootstrap=0).overall.topics["theme"].confusion == (
        Confused("sport", "sport", 1, 1),
        Confused("sport", MISSED, 1, 1),
        Confused("health", "money", 1, 1),
        Confused("health", MISSED, 1, 1),
        Confused("money", MISSED, 1, 1),
    )


def test_confusion_and_f1_count_the_same_spans() -> None:
    annotations = noisy()
    spans = agree(annotations, GROUPS, bootstrap=0).overall.spans
    pairs = [pair for start in range(0, len(annotations), 3) for pair in combinations(annotations[start : start + 3], 2)]
    said_by_pairs = sum(len(left.spans) + len(right.spans) for left, right in pairs)
    assert sum(one.count * (1 if MISSED in (one.one, one.other) else 2) for one in spans.confusion) == said_by_pairs
    equal = sum(one.same_place for one in spans.confusion if one.one == one.other)
    assert spans.exact_f1.value == pytest.approx(2 * equal / said_by_pairs)


# ── where agreement is lost ──────────────────────────────────────────────────────────────────────────────────────────────


def test_the_segments_that_cost_most() -> None:
    annotations = [
        *(said("bo", 0, [AINO], "report"), said("ann", 0, [AINO], "report")),
        said("bo", 1, [AINO], "report", ["sport"], task=TaskRef(2, 7)),
        said("ann", 1, [PEKKA, TURKU], "opinion", ["sport", "money"], task=TaskRef(1, 9)),
        *(said("bo", 2, [AINO]), said("ann", 2, [])),
    ]
    report = agree(annotations, GROUPS, bootstrap=0, worst=5, url="https://ls.example/")
    first, second = report.costliest
    assert (first.id, first.cost, second.id, second.cost) == ("s001", 6.0, "s002", 1.0)
    assert first.annotators == ("A1", "A2")
    assert first.tasks == (TaskRef(1, 9), TaskRef(2, 7))
    assert first.urls == ("https://ls.example/projects/1/data?task=9", "https://ls.example/projects/2/data?task=7")
    assert [(d.what, d.text, d.said) for d in first.differences] == [
        ("span", "Aino", {"PER": ("A2",), MISSED: ("A1",)}),
        ("span", "Pekka", {"PER": ("A1",), MISSED: ("A2",)}),
        ("span", "Turku", {"LOC": ("A1",), MISSED: ("A2",)}),
        ("kind", "", {"report": ("A2",), "opinion": ("A1",)}),
        ("theme", "", {"money": ("A1",), MISSED: ("A2",)}),
    ]
    assert first.agreement == pytest.approx(segment_agreement(annotations[2:4], GROUPS), abs=1e-6)
    assert [one.id for one in agree(annotations, GROUPS, bootstrap=0, worst=1).costliest] == ["s001"]
    assert agree(annotations, GROUPS, bootstrap=0).costliest == ()


def test_without_a_server_tasks_have_no_address() -> None:
    report = agree([said("a", 0, [AINO]), said("b")], GROUPS, bootstrap=0, worst=3)
    assert report.costliest[0].urls == ()
    assert report.to_json()["costliest"][0]["tasks"] == ({"project": 1, "id": 1},) * 2


def test_addresses_of_tasks() -> None:
    assert task_url("http://127.0.0.1:8765", TaskRef(3, 14)) == "http://127.0.0.1:8765/projects/3/data?task=14"


@pytest.mark.parametrize("text", HARD)
def test_differences_quote_the_text_as_it_is(text: str) -> None:
    where = segment(0, text)
    report = agree([said("a", where, [(0, 8, "PER")]), said("b", where)], GROUPS, bootstrap=0, worst=1)
    assert report.costliest[0].differences[0].text == text[:8]
    assert json.loads(json.dumps(report.to_json()))["costliest"][0]["text"] == text


@given(
    st.lists(
        st.tuples(span_sets, st.sampled_from(("", *KIND.labels)), st.sets(st.sampled_from(THEME.labels))),
        min_size=2,
        max_size=4,
    )
)
def test_what_costs_nothing_differs_in_nothing(people: list[tuple[list[tuple[int, int, str]], str, set[str]]]) -> None:
    where = segment(0, LETTERS)
    annotations = [said(f"p{n}", where, spans, kind, sorted(theme)) for n, (spans, kind, theme) in enumerate(people)]
    report = agree(annotations, GROUPS, bootstrap=0, worst=1)
    assert bool(report.costliest) == any(
        set(a.spans) != set(b.spans)
        or set(a.topics["theme"]) != set(b.topics["theme"])
        or (a.topics["kind"] and b.topics["kind"] and a.topics["kind"] != b.topics["kind"])
        for a, b in combinations(annotations, 2)
    )
    for one in report.costliest:
        assert one.differences
        everybody = {f"A{n}" for n in range(1, len(people) + 1)}
        assert all(set().union(*d.said.values()) <= everybody for d in one.differences)
