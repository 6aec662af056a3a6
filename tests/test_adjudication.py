"""Adjudication: what becomes gold, what stays open, and that nothing is lost on the way."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.adjudication import (
    RULES,
    Adjudication,
    Answer,
    ByAnnotator,
    Conflict,
    GroundTruth,
    Majority,
    OpenLabel,
    OpenSpan,
    OpenTopic,
    Rule,
    Threshold,
    Unanimous,
    adjudicate,
    readings,
    rule_named,
)
from annotate.agreement import Group, agree
from annotate.codec import dumps, loads
from annotate.errors import UnknownName, UsageError
from annotate.model import Annotation, GoldRecord, Reject, SchemaRef, Segment, Source, Span, TaskRef

NEWS = SchemaRef("news", "1.2.0", "aa")
KIND = Group("kind", "single", ("report", "opinion", "notice"))
THEME = Group("theme", "multi", ("sport", "health", "money"))
GROUPS = (KIND, THEME)
TEXT = "Aino met Pekka in Turku."
AINO, PEKKA, TURKU = (0, 4, "PER"), (9, 14, "PER"), (18, 23, "LOC")

HARD = (
    "👩‍👩‍👧 perhe muutti  Ouluun",
    "Cafe\u0301 Ma\u0308ki avaa taas",
    "서울에서 한글 축제가 열렸다",
    "افتتح المتحف أبوابه اليوم",
    "พิพิธภัณฑ์เปิดวันนี้",
    "first line\r\nsecond <b>&amp;</b>",
)


def segment(number: int = 0, text: str = TEXT, **other: Any) -> Segment:
    known = {"id": f"s{number:03}", "doc_id": f"d{number:03}", "start": 100, "end": 100 + len(text), "text": text, "lang": "fi"}
    known |= {"lang_score": 0.9, "script": "Latn", "region": "title", "region_score": 0.9, "source": Source(0, len(text))}
    return Segment(**(known | other))


def said(
    by: str,
    about: Segment | int = 0,
    spans: Sequence[tuple[int, int, str]] = (),
    kind: str = "",
    theme: Sequence[str] | None = None,
    **other: Any,
) -> Annotation:
    where = about if isinstance(about, Segment) else segment(about)
    marked = tuple(Span(start, end, label, where.text[start:end]) for start, end, label in sorted(spans))
    topics = {"kind": (kind,) if kind else (), "theme": tuple(theme or ())}
    unanswered = tuple(group for group, missing in (("kind", not kind), ("theme", theme is None)) if missing)
    known = {"segment": where, "annotator": by, "status": "submitted", "spans": marked, "topics": topics}
    known |= {"unanswered": unanswered, "created_at": "", "updated_at": "2026-03-01T10:00:00Z", "lead_time": -1.0}
    known |= {"from_prediction": "", "ground_truth": False, "schema": NEWS, "task": TaskRef(1, 1)}
    return Annotation(**(known | other))


def skipped(by: str, about: Segment | int = 0) -> Annotation:
    return said(by, about, status="skipped")


def run(
    *annotations: Annotation, rule: str | Sequence[str] = "majority", groups: Sequence[Group] | None = GROUPS, **o: Any
) -> Adjudication:
    names = (rule,) if isinstance(rule, str) else rule
    return adjudicate(annotations, [rule_named(name) for name in names], groups, **o)


def gold(*annotations: Annotation, **options: Any) -> GoldRecord:
    result = run(*annotations, **options)
    assert not result.conflicts
    (record,) = result.gold
    return record


def conflict(*annotations: Annotation, **options: Any) -> Conflict:
    result = run(*annotations, **options)
    assert not result.gold
    (found,) = result.conflicts
    return found


def places(spans: Sequence[Span]) -> list[tuple[int, int, str]]:
    return [(span.start, span.end, span.label) for span in spans]


# ── the record ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_gold_record_in_full() -> None:
    both = [said(by, 0, [AINO, TURKU], "report", ["health"], task=TaskRef(1, n)) for n, by in enumerate(("bo", "ann"))]
    record = gold(*both)
    assert json.loads(dumps(record)) == {
        "id": "s000",
        "text": TEXT,
        "spans": [
            {"start": 0, "end": 4, "label": "PER", "text": "Aino"},
            {"start": 18, "end": 23, "label": "LOC", "text": "Turku"},
        ],
        "cats": {"report": 1.0, "opinion": 0.0, "notice": 0.0, "sport": 0.0, "health": 1.0, "money": 0.0},
        "accept": ["report", "health"],
        "answer": "accept",
        "meta": {
            "doc_id": "d000",
            "segment_id": "s000",
            "lang": "fi",
            "region": "title",
            "start": 100,
            "end": 124,
            "split": "",
            "cluster": "",
            "schema": "news@1.2.0",
            "schema_sha256": "aa",
            "decided_by": "unanimous",
            "n_annotators": 2,
            "annotators": ["A1", "A2"],
            "agreement": 1.0,
        },
    }


def test_an_unanswered_group_is_absent_an_empty_answer_is_zeros() -> None:
    assert gold(said("a"), said("b")).cats == {}
    assert gold(said("a", theme=[]), said("b")).cats == {"sport": 0.0, "health": 0.0, "money": 0.0}
    assert gold(said("a", kind="notice"), said("b")).accept == ("notice",)


def test_without_a_schema_the_groups_are_read_off() -> None:
    result = run(said("a", kind="report"), said("b", kind="report"), said("a", 1, kind="opinion"), groups=None)
    assert result.groups_inferred
    assert result.gold[0].cats == {"opinion": 0.0, "report": 1.0}
    assert not run(said("a")).groups_inferred


def test_names_are_pseudonyms_over_the_whole_input_unless_asked_for() -> None:
    everyone = [said("bo"), said("cy"), said("ann", 1), skipped("al", 2)]
    result = run(*everyone)
    assert result.aliases == {"al": "A1", "ann": "A2", "bo": "A3", "cy": "A4"}
    assert [record.meta.annotators for record in result.gold] == [("A3", "A4"), ("A2",)]
    assert run(*everyone, names=True).gold[0].meta.annotators == ("bo", "cy")


def test_ten_annotators_stay_in_the_order_of_their_names() -> None:
    record = gold(*(said(f"p{n:02}") for n in range(11)))
    assert record.meta.annotators == tuple(f"A{n}" for n in range(1, 12))


@pytest.mark.parametrize("text", HARD)
def test_hard_text_comes_through_unchanged(text: str) -> None:
    where = segment(0, text)
    spans = [(0, 3, "PER"), (2, len(text), "LOC")]
    record = gold(said("a", where, spans), said("b", where, spans))
    assert record.text == text
    assert places(record.spans) == spans
    assert loads(dumps(record), GoldRecord) == record
    found = conflict(said("a", where, spans), said("b", where, spans[:1]))
    assert [span.text for span in found.open.spans] == [text[2:]]
    assert loads(dumps(found), Conflict) == found


def test_agreement_on_the_segment_is_noted() -> None:
    trio = [said("a", 0, [AINO]), said("b", 0, [AINO]), said("c", 0, [AINO, PEKKA])]
    assert gold(*trio).meta.agreement == pytest.approx((1 + 2 * (2 / 3)) / 3, abs=1e-6)
    assert gold(trio[0]).meta.agreement == -1.0
    assert conflict(said("a", kind="report"), said("b", kind="notice"), entities=()).agreement == 0.0
    assert conflict(said("a", kind="report"), said("b", kind="notice"), entities=("PER",)).agreement == 0.5


# ── rules ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_decided_by() -> None:
    assert gold(said("a", 0, [AINO])).meta.decided_by == "single"
    assert gold(said("a", 0, [AINO]), skipped("b")).meta.decided_by == "single"
    assert gold(said("a", 0, [AINO]), said("b", 0, [AINO])).meta.decided_by == "unanimous"
    assert gold(said("a", theme=["sport"]), said("b")).meta.decided_by == "unanimous"  # b did not answer
    outvoted = [said("a", 0, [AINO]), said("b", 0, [AINO]), said("c")]
    assert gold(*outvoted).meta.decided_by == "majority"
    assert gold(*outvoted, rule="annotator=c").meta.decided_by == "annotator"
    marked = [*outvoted[:2], replace(outvoted[2], ground_truth=True)]
    assert gold(*marked, rule="ground-truth").meta.decided_by == "ground_truth"


def test_unanimous_leaves_every_difference_open() -> None:
    annotations = [
        said("a", 0, [AINO, TURKU], "report", ["sport", "money"]),
        said("b", 0, [AINO], "report", ["money"]),
        said("c", 0, [AINO, TURKU], "report", ["sport", "money"], task=TaskRef(4, 7)),
    ]
    found = conflict(*annotations, rule="unanimous")
    assert (found.rule, found.reason, found.annotators) == ("unanimous", "disagreement", ("A1", "A2", "A3"))
    assert places(found.settled.spans) == [AINO]
    assert found.settled.topics == {"kind": ("report",), "theme": ("money",)}
    assert found.open.spans == (OpenSpan(18, 23, "LOC", "Turku", ("A1", "A3")),)
    assert found.open.topics == (OpenTopic("theme", (OpenLabel("sport", ("A1", "A3")),), ("A1", "A2", "A3")),)
    assert found.tasks == (TaskRef(1, 1), TaskRef(1, 1), TaskRef(4, 7))
    assert (found.segment, found.schema) == (segment(), NEWS)


def test_majority_settles_what_more_than_half_say() -> None:
    annotations = [
        said("a", 0, [AINO, TURKU], "report", ["sport", "money"]),
        said("b", 0, [AINO, PEKKA], "opinion", ["money"]),
        said("c", 0, [AINO, TURKU], "report", []),
    ]
    record = gold(*annotations)
    assert places(record.spans) == [AINO, TURKU]
    assert record.accept == ("report", "money")


def test_a_tie_is_open_in_spans_and_in_topics() -> None:
    found = conflict(said("a", 0, [AINO], "report", ["sport"]), said("b", 0, [PEKKA], "opinion", ["sport", "money"]))
    assert [span.marked_by for span in found.open.spans] == [("A1",), ("A2",)]
    assert found.open.topics == (
        OpenTopic("kind", (OpenLabel("report", ("A1",)), OpenLabel("opinion", ("A2",))), ("A1", "A2")),
        OpenTopic("theme", (OpenLabel("money", ("A2",)),), ("A1", "A2")),
    )
    assert found.settled == Answer((), {"theme": ("sport",)})


def test_three_different_answers_have_no_majority() -> None:
    found = conflict(*(said(by, kind=kind) for by, kind in zip("abc", KIND.labels, strict=True)))
    assert [label.label for label in found.open.topics[0].labels] == list(KIND.labels)


def test_two_of_four_is_no_majority() -> None:
    assert conflict(*(said(by, 0, [AINO] if by in "ab" else []) for by in "abcd")).open.spans[0].marked_by == ("A1", "A2")


def test_only_those_who_answered_a_group_vote_on_it() -> None:
    record = gold(said("a", kind="report"), said("b"), said("c"), said("d"))
    assert record.accept == ("report",)
    found = conflict(said("a", kind="report"), said("b", kind="notice"), said("c"))
    assert found.open.topics[0].answered_by == ("A1", "A2")


def test_other_boundaries_are_another_span() -> None:
    annotations = [said("a", 0, [(0, 4, "PER")]), said("b", 0, [(0, 4, "PER")]), said("c", 0, [(0, 8, "PER")])]
    assert places(gold(*annotations).spans) == [(0, 4, "PER")]
    assert len(conflict(*annotations, rule="unanimous").open.spans) == 2


def test_overlapping_spans_are_settled_one_by_one() -> None:
    nested = [(0, 14, "EVENT"), (0, 4, "PER")]
    assert places(gold(said("a", 0, nested), said("b", 0, nested)).spans) == sorted(nested)


def test_ground_truth_wins_against_any_number() -> None:
    crowd = [said(by, 0, [AINO], "report") for by in "abcd"]
    truth = said("z", 0, [PEKKA], "notice", ground_truth=True)
    record = gold(*crowd, truth, rule="ground-truth")
    assert (places(record.spans), record.accept) == ([PEKKA], ("notice",))
    assert (record.meta.n_annotators, record.meta.annotators[-1]) == (5, "A5")
    assert conflict(*crowd, truth, rule="unanimous").reason == "disagreement"


def test_two_ground_truths_must_agree() -> None:
    truths = [said("y", 0, [PEKKA], ground_truth=True), said("z", 0, [AINO, PEKKA], ground_truth=True)]
    found = conflict(said("a", 0, [AINO]), *truths, rule="ground-truth")
    assert found.reason == "disagreement"
    assert found.open.spans == (OpenSpan(0, 4, "PER", "Aino", ("A1", "A3")),)
    assert places(found.settled.spans) == [PEKKA]
    assert gold(truths[0], replace(truths[0], annotator="z"), rule="ground-truth").meta.decided_by == "ground_truth"


def test_without_ground_truth_everything_is_open_agreed_or_not() -> None:
    found = conflict(said("a", 0, [AINO], "report", []), said("b", 0, [AINO], "report", []), rule="ground-truth")
    assert found.reason == "no_ground_truth"
    assert found.settled == Answer((), {"theme": ()})  # nobody chose anything there: no label is open
    assert [span.marked_by for span in found.open.spans] == [("A1", "A2")]
    assert [topic.group for topic in found.open.topics] == ["kind"]
    empty = conflict(said("a"), said("b"), rule="ground-truth")
    assert (empty.open.spans, empty.open.topics) == ((), ())


def test_one_annotator_decides() -> None:
    pair = [said("ann@example.org", 0, [AINO], "report"), said("bo@example.org", 0, [PEKKA])]
    record = gold(*pair, rule="annotator=bo@example.org")
    assert (places(record.spans), record.cats) == ([PEKKA], {})
    other = said("ann@example.org", 1, [AINO])
    result = run(*pair, other, rule="annotator=bo@example.org")
    assert [found.reason for found in result.conflicts] == ["annotator_absent"]
    assert (*result.rules, result.conflicts[0].rule) == ("annotator=A2", "annotator=A2")
    assert "example.org" not in json.dumps(result.summary()) + dumps(result.conflicts[0]).decode()
    assert run(*pair, rule="annotator=bo@example.org", names=True).rules == ("annotator=bo@example.org",)


def test_a_threshold_holds_for_yes_and_for_no() -> None:
    four = [
        said(by, 0, spans)
        for by, spans in zip("abcd", ([AINO, PEKKA, TURKU], [AINO, PEKKA], [AINO, PEKKA], [AINO]), strict=True)
    ]
    record = gold(*four, rule="threshold=3/4")  # Turku: three of four say no
    assert (places(record.spans), record.meta.decided_by) == ([AINO, PEKKA], "majority")
    found = conflict(*four, rule="threshold=0.8")
    assert [span.text for span in found.open.spans] == ["Pekka", "Turku"]
    assert places(found.settled.spans) == [AINO]
    thirds = [said(by, kind=kind) for by, kind in zip("abc", ("report", "report", "notice"), strict=True)]
    assert gold(*thirds, rule="threshold=2/3").accept == ("report",)  # exactly two thirds, no rounding
    assert conflict(*thirds, rule="threshold=0.67").open.topics[0].answered_by == ("A1", "A2", "A3")


def test_a_tie_goes_to_the_next_rule() -> None:
    pair = [said("ann", 0, [AINO, TURKU], "report", ["sport"]), said("bo", 0, [AINO, PEKKA], "opinion", [])]
    record = gold(*pair, rule=("majority", "annotator=bo"))
    assert (places(record.spans), record.accept, record.meta.decided_by) == ([AINO, PEKKA], ("opinion",), "annotator")
    three = [*pair, said("cy", 0, [AINO, TURKU], "report", ["sport"])]
    record = gold(*three, rule=("majority", "annotator=bo"))
    assert (places(record.spans), record.meta.decided_by) == ([AINO, TURKU], "majority")


def test_ground_truth_first_then_the_majority() -> None:
    crowd = [said(by, 0, [AINO], "report") for by in "ab"] + [said("c", 0, [PEKKA])]
    truth = said("z", 0, [TURKU], ground_truth=True)
    without = gold(*crowd, rule=("ground-truth", "majority"))
    assert (places(without.spans), without.meta.decided_by) == ([AINO], "majority")
    record = gold(*crowd, truth, rule=("ground-truth", "majority"))
    assert places(record.spans) == [TURKU]
    assert record.accept == ("report",)  # the ground truth leaves this group unanswered
    assert record.meta.decided_by == "unanimous"
    answered = replace(truth, topics={"kind": ("notice",), "theme": ()}, unanswered=("theme",))
    record = gold(*crowd, answered, rule=("ground-truth", "majority"))
    assert (record.accept, record.meta.decided_by) == (("notice",), "ground_truth")


def test_what_no_rule_settles_is_open() -> None:
    found = conflict(said("a", 0, [AINO]), said("b"), rule=("ground-truth", "unanimous"))
    assert (found.rule, found.reason) == ("ground-truth, unanimous", "disagreement")
    result = run(said("a", 0, [AINO]), said("b", 1), rule=("ground-truth", "annotator=b"))
    assert [(found.segment.id, found.reason) for found in result.conflicts] == [("s000", "no_ground_truth")]


def test_an_annotator_may_be_named_by_pseudonym() -> None:
    pair = [said("ann@example.org", 0, [AINO]), said("bo@example.org", 0, [PEKKA])]
    assert places(gold(*pair, rule="annotator=A2").spans) == [PEKKA]
    known = {"bo@example.org": "A1", "ann@example.org": "A2"}
    assert places(gold(*pair, rule="annotator=A2", known=known).spans) == [AINO]


def test_known_pseudonyms_stay_and_their_order_says_nothing() -> None:
    trio = [said(by, 0, task=TaskRef(1, n)) for n, by in enumerate(("ann", "bo", "cy"))]
    known = {"cy": "A1", "ann": "A10", "zoe": "A3"}
    result = run(*trio, known=known)
    assert result.aliases == {"ann": "A10", "bo": "A11", "cy": "A1"}
    assert result.gold[0].meta.annotators == ("A1", "A10", "A11")
    found = conflict(
        *(replace(a, spans=said("x", 0, [AINO]).spans[: n % 2]) for n, a in enumerate(trio)), rule="unanimous", known=known
    )
    assert found.tasks == (TaskRef(1, 2), TaskRef(1, 0), TaskRef(1, 1))


def test_an_annotator_nobody_has_heard_of() -> None:
    with pytest.raises(UnknownName, match="no annotator 'anm'") as problem:
        run(said("ann"), said("bo"), rule="annotator=anm")
    assert problem.value.hint == "did you mean 'ann'?"


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("unanimous", Unanimous()),
        ("majority", Majority()),
        ("ground-truth", GroundTruth()),
        ("annotator=a=b", ByAnnotator("a=b")),
        ("threshold=2/3", Threshold(Fraction(2, 3))),
        ("threshold=1", Threshold(Fraction(1))),
    ],
)
def test_rules_by_name(name: str, rule: Rule) -> None:
    assert rule_named(name) == rule
    assert rule.name == name


@pytest.mark.parametrize("name", ["", "majorty", "unanimous=3", "Majority", "annotators=x"])
def test_no_such_rule(name: str) -> None:
    with pytest.raises(UnknownName, match="no rule"):
        rule_named(name)


@pytest.mark.parametrize("name", ["threshold", "threshold=", "threshold=much", "threshold=1/0", "threshold=nan"])
def test_a_threshold_is_a_share(name: str) -> None:
    with pytest.raises(UsageError, match="is no share"):
        rule_named(name)


@pytest.mark.parametrize("name", ["threshold=0.5", "threshold=0", "threshold=-1", "threshold=1.01", "threshold=66"])
def test_a_threshold_two_answers_could_reach_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="settles nothing"):
        rule_named(name)


def test_there_must_be_a_rule() -> None:
    with pytest.raises(UsageError, match="no rule"):
        run(said("a"), rule=())


@pytest.mark.parametrize("name", ["annotator", "annotator="])
def test_the_annotator_must_be_named(name: str) -> None:
    with pytest.raises(UsageError) as problem:
        rule_named(name)
    assert problem.value.hint == "write annotator=NAME"


def test_rules_are_listed() -> None:
    assert RULES == ("unanimous", "majority", "ground-truth", "threshold=SHARE", "annotator=X")


# ── what goes neither way ────────────────────────────────────────────────────────────────────────────────────────────────


def test_skips_have_no_vote_and_make_no_conflict() -> None:
    result = run(skipped("a", 0), skipped("b", 0), said("a", 1, [AINO]), skipped("b", 1))
    assert [record.id for record in result.gold] == ["s001"]
    assert result.gold[0].meta.annotators == ("A1",)
    assert result.counts == {
        "annotations": 4,
        "segments": 2,
        "gold": 1,
        "conflicts": 0,
        "skipped": 1,
        "rejected": 0,
        "single": 1,
    }


def test_submitted_and_empty_is_a_true_negative() -> None:
    record = gold(said("a"), said("b"), entities=("PER",))
    assert (record.spans, record.accept, record.meta.decided_by, record.meta.agreement) == ((), (), "unanimous", 1.0)
    assert [span.marked_by for span in conflict(said("a", 0, [AINO]), said("b")).open.spans] == [("A1",)]


def test_what_cannot_be_used_is_rejected_and_counted() -> None:
    rejects: list[Reject] = []
    old = SchemaRef("news", "1.0.0", "old")
    annotations = [
        said("a", 0, [AINO]),
        said("a", 0, [PEKKA], updated_at="2026-04-01T10:00:00Z"),
        said("a", 1, topics={"mood": ()}, unanswered=("mood",), schema=old),
        said("a", 2, kind="poem"),
    ]
    result = run(*annotations, rejects=rejects.append, source="annotations.jsonl")
    assert places(result.gold[0].spans) == [PEKKA]
    assert [(r.step, r.source, r.code, r.id) for r in rejects] == [
        ("adjudicate", "annotations.jsonl", "superseded", "s000"),
        ("adjudicate", "annotations.jsonl", "schema_mismatch", "s001"),
        ("adjudicate", "annotations.jsonl", "schema_mismatch", "s002"),
    ]
    assert result.left_out == {"schema_mismatch": 2, "superseded": 1}
    assert result.counts["rejected"] == 2
    assert result.schemas == {old: 1, NEWS: 3}


def test_the_record_is_stamped_with_the_newest_schema_of_its_annotations() -> None:
    later = SchemaRef("news", "1.3.0", "bb")
    record = gold(said("a", schema=later), said("b"))
    assert (record.meta.schema, record.meta.schema_sha256) == ("news@1.3.0", "bb")


def test_no_annotations_no_gold() -> None:
    result = run()
    assert (result.gold, result.conflicts, result.aliases) == ((), (), {})
    assert set(result.counts.values()) == {0}


# ── decisions of adjudicators ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_decision_wins_over_every_rule() -> None:
    pair = [said("a", 0, [AINO], "report"), said("b", 0, [AINO], "report")]
    decision = said("judge", 0, [PEKKA], "notice", ["money", "sport"])
    for rule in ("unanimous", "ground-truth", "annotator=a"):
        record = gold(*pair, rule=rule, decisions=[decision])
        assert (places(record.spans), record.accept) == ([PEKKA], ("notice", "sport", "money"))
        assert (record.meta.decided_by, record.meta.annotators, record.meta.agreement) == ("adjudicator", ("A1", "A2"), 1.0)


def test_a_decision_settles_what_was_skipped_by_all() -> None:
    record = gold(skipped("a"), decisions=[said("judge", 0, [AINO])])
    assert (places(record.spans), record.meta.n_annotators, record.meta.agreement) == ([AINO], 0, -1.0)


def test_a_judge_in_their_own_cause_is_reported() -> None:
    annotations = [said(by, n, [AINO] if by == "ann" else []) for n in range(3) for by in ("ann", "bo")]
    decisions = [said("ann", 0, [AINO]), said("ann", 1), said("aaron", 2, [PEKKA])]
    result = run(*annotations, decisions=decisions)
    assert result.adjudicators == {"A1": {"decisions": 2, "own": 2}, "A3": {"decisions": 1, "own": 0}}
    assert (result.annotators, result.aliases["aaron"]) == (2, "A3")  # who decides comes after who annotates
    assert result.summary()["adjudicators"] == result.adjudicators
    assert result.summary()["annotators"] == 2


def test_a_skipped_decision_is_none() -> None:
    assert conflict(said("a", 0, [AINO]), said("b"), decisions=[skipped("judge")]).reason == "disagreement"


def test_decisions_that_cannot_be_used() -> None:
    rejects: list[Reject] = []
    decisions = [
        said("judge", 0, [AINO]),
        said("other", 0, [PEKKA], updated_at="2026-05-01T10:00:00Z"),
        said("judge", segment(1, "Something else."), []),
        said("judge", 2, [AINO]),
        said("judge", 3, kind="poem"),
    ]
    result = run(
        *(said("a", n, [TURKU]) for n in (0, 1, 3)),
        decisions=decisions,
        rejects=rejects.append,
        source="annotations.jsonl",
        decisions_source="decisions.jsonl",
    )
    assert [record.meta.decided_by for record in result.gold] == ["adjudicator", "single", "single"]
    assert places(result.gold[0].spans) == [PEKKA]
    assert sorted((r.code, r.id) for r in rejects) == [
        ("no_annotation", "s002"),
        ("schema_mismatch", "s003"),
        ("superseded", "s000"),
        ("text_mismatch", "s001"),
    ]
    assert {r.source for r in rejects} == {"decisions.jsonl"}
    assert Counter(result.left_out) == Counter(r.code for r in rejects)


# ── laws ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

spans = st.lists(st.sampled_from((AINO, PEKKA, TURKU, (0, 14, "EVENT"), (9, 23, "PER"))), unique=True)
views = st.tuples(
    spans,
    st.sampled_from(("", *KIND.labels)),
    st.one_of(st.none(), st.lists(st.sampled_from(THEME.labels), unique=True)),
    st.booleans(),
)
single_rules = st.sampled_from(("unanimous", "majority", "threshold=2/3", "ground-truth", "annotator=p0"))
rules = st.lists(single_rules, min_size=1, max_size=3).map(tuple)


def view(by: str, about: int, seen: tuple[Any, ...]) -> Annotation:
    marked, kind, theme, truth = seen
    return said(by, about, marked, kind, theme, ground_truth=truth)


corpora = st.lists(st.lists(st.one_of(st.none(), views), min_size=1, max_size=4), max_size=6).map(
    lambda table: [
        skipped(f"p{person}", number) if seen is None else view(f"p{person}", number, seen)
        for number, row in enumerate(table)
        for person, seen in enumerate(row)
    ]
)


@given(views, st.integers(1, 5), rules)
def test_equal_annotations_adjudicate_to_themselves(seen: tuple[Any, ...], people: int, rule: tuple[str, ...]) -> None:
    same = [replace(view(f"p{n}", 0, seen), ground_truth=True) for n in range(people)]
    record = gold(*same, rule=rule, entities=("PER", "LOC", "EVENT"))
    assert record.spans == same[0].spans
    assert set(record.accept) == {label for labels in same[0].topics.values() for label in labels}
    assert set(record.cats) == {label for group in GROUPS if group.id not in same[0].unanswered for label in group.labels}
    assert record.meta.agreement == (1.0 if people > 1 else -1.0)


@given(corpora, rules, st.randoms(use_true_random=False))
def test_the_order_of_the_input_makes_no_difference(
    annotations: list[Annotation], rule: tuple[str, ...], dice: random.Random
) -> None:
    annotations = [*annotations, said("p0", 99)]
    expected = run(*annotations, rule=rule)
    dice.shuffle(annotations)
    assert run(*annotations, rule=rule) == expected


@given(corpora, rules)
def test_every_segment_ends_in_exactly_one_place(annotations: list[Annotation], rule: tuple[str, ...]) -> None:
    annotations = [*annotations, said("p0", 99)]
    result = run(*annotations, rule=rule)
    settled, open_ = {record.id for record in result.gold}, {found.segment.id for found in result.conflicts}
    submitted = {a.segment.id for a in annotations if a.status == "submitted"}
    assert settled | open_ == submitted
    assert not settled & open_
    counts = result.counts
    assert counts["segments"] == counts["gold"] + counts["conflicts"] + counts["skipped"] + counts["rejected"]
    assert counts["gold"] == sum(counts.get(by, 0) for by in ("single", "unanimous", "majority", "ground_truth", "annotator"))
    assert [r.meta.doc_id for r in result.gold] == sorted(r.meta.doc_id for r in result.gold)


@given(corpora)
def test_what_is_unanimous_is_also_a_majority(annotations: list[Annotation]) -> None:
    strict, loose = run(*annotations, rule="unanimous"), run(*annotations, rule="majority")
    assert {record.id: record for record in strict.gold}.items() <= {record.id: record for record in loose.gold}.items()


@given(corpora, rules, single_rules)
def test_a_further_rule_overrules_nothing(annotations: list[Annotation], rule: tuple[str, ...], further: str) -> None:
    annotations = [*annotations, said("p0", 99)]
    first, more = run(*annotations, rule=rule), run(*annotations, rule=(*rule, further))
    settled = {record.id: record for record in more.gold}
    for record in first.gold:
        assert settled[record.id].spans == record.spans
        assert set(settled[record.id].accept) >= set(record.accept)  # a group the first rule's voters left unanswered
    assert len(more.conflicts) <= len(first.conflicts)


def test_what_the_foremost_voters_left_unanswered_is_no_conflict_of_the_others() -> None:
    told = [said("p0"), said("p1", theme=[]), said("p2", theme=["sport"])]
    alone, more = run(*told, rule=("annotator=p0",)), run(*told, rule=("annotator=p0", "unanimous"))
    assert (alone.gold, alone.conflicts) == (more.gold, more.conflicts)


@given(corpora, rules, st.sets(st.integers(0, 5)))
def test_no_rule_touches_a_decision(annotations: list[Annotation], rule: tuple[str, ...], decided: set[int]) -> None:
    annotations = [*annotations, said("p0", 99)]
    decisions = [said("judge", number, [TURKU], "notice", ["health"]) for number in sorted(decided)]
    result = run(*annotations, rule=rule, decisions=decisions)
    by_hand = {record.id: record for record in result.gold if record.meta.decided_by == "adjudicator"}
    annotated = {a.segment.id for a in annotations}
    assert set(by_hand) == {d.segment.id for d in decisions} & annotated
    assert all((places(r.spans), r.accept) == ([TURKU], ("notice", "health")) for r in by_hand.values())
    without = {record.id: record for record in run(*annotations, rule=rule).gold}
    assert {r.id: r for r in result.gold if r.id not in by_hand} == {i: r for i, r in without.items() if i not in by_hand}


@given(corpora)
def test_open_and_settled_together_are_what_annotators_said(annotations: list[Annotation]) -> None:
    """Under `unanimous` nothing is voted down, so each reading is the annotation itself."""
    result = run(*annotations, rule="unanimous")
    by_alias = {(a.segment.id, result.aliases[a.annotator]): a for a in annotations}
    for found in result.conflicts:
        assert found.open.spans or found.open.topics
        seen = readings(found)
        assert tuple(seen) == found.annotators
        for alias, reading in seen.items():
            original = by_alias[found.segment.id, alias]
            assert reading.spans == original.spans
            for group in set(original.topics) - set(original.unanswered):
                assert set(reading.topics[group]) == set(original.topics[group])
        assert loads(dumps(found), Conflict) == found


@given(corpora, rules)
def test_renaming_annotators_changes_names_only(annotations: list[Annotation], rule: tuple[str, ...]) -> None:
    annotations = [*annotations, said("p0", 99)]
    turned = {f"p{n}": f"q{9 - n}" for n in range(4)}
    renamed = [replace(a, annotator=turned[a.annotator]) for a in annotations]
    one, other = run(*annotations, rule=rule), run(*renamed, rule=[name.replace("p0", "q9") for name in rule])
    assert one.counts == other.counts
    for ours, theirs in zip(one.gold, other.gold, strict=True):
        assert ours == replace(theirs, meta=replace(theirs.meta, annotators=ours.meta.annotators))


# ── summary ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_summary_holds_counts_agreement_and_hashes_and_no_names() -> None:
    annotations = [said(by, n, [AINO], KIND.labels[n]) for by in ("ann@example.org", "bo@example.org") for n in range(3)]
    annotations.append(said("ann@example.org", 4, schema=SchemaRef("news", "1.1.0", "old")))
    report = agree(annotations, GROUPS, bootstrap=20)
    summary = run(*annotations).summary(report, {"annotations.jsonl": "sha256:00"})
    written = json.dumps(summary, allow_nan=False)
    assert "example.org" not in written
    assert summary["rules"] == ["majority"]
    assert summary["counts"]["gold"] == 4
    assert summary["counts"]["unanimous"] == 3
    assert summary["agreement"]["topics"]["kind"]["alpha"] == 1.0
    assert summary["inputs"] == {"annotations.jsonl": "sha256:00"}
    assert summary["annotators"] == 2
    assert summary["schemas"] == [
        {"name": "news", "version": "1.1.0", "sha256": "old", "annotations": 1},
        {"name": "news", "version": "1.2.0", "sha256": "aa", "annotations": 6},
    ]
    assert run(*annotations).summary()["agreement"] == {}
