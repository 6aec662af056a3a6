"""Stored results under a new schema."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.errors import InvariantError
from annotate.labelstudio.config_reading import read_config, transition
from annotate.labelstudio.labeling_config import labeling_config
from annotate.labelstudio.relabeling import in_words, labels_of, relabeled, usage_of
from annotate.labelstudio.wire import to_result
from annotate.model import Span
from annotate.schema.diff import Key, keys
from tests.builders import SCHEMA_TEXT, schema

TEXT = "Oulu and Kemi"
OULU, KEMI = Span(0, 4, "GPE", "Oulu"), Span(9, 13, "ORG", "Kemi")


def spans(result: list[dict[str, Any]]) -> list[tuple[int, int, list[str]]]:
    return [(r["value"]["start"], r["value"]["end"], r["value"]["labels"]) for r in result if r["type"] == "labels"]


def choices(result: list[dict[str, Any]]) -> dict[str, list[str]]:
    return {r["from_name"]: r["value"]["choices"] for r in result if r["type"] == "choices"}


def test_what_no_route_concerns_stays() -> None:
    assert relabeled(to_result([OULU], {"theme": ["sport"]}), {("entities", "PERSON"): None}, ()) is None
    assert relabeled(None, {("entities", "GPE"): None}, ()) is None


def test_rename_and_delete_spans() -> None:
    routes = {("entities", "GPE"): ("entities", "PLACE"), ("entities", "ORG"): None}
    new = relabeled(to_result([OULU, KEMI], {}), routes, ())
    assert new is not None
    assert spans(new) == [(0, 4, ["PLACE"])]


def test_two_labels_on_one_stretch_that_become_one_are_one() -> None:
    result = to_result([OULU, Span(0, 4, "ORG", "Oulu"), KEMI], {})
    new = relabeled(result, {("entities", "GPE"): ("entities", "ORG")}, ())
    assert new is not None
    assert spans(new) == [(0, 4, ["ORG"]), (9, 13, ["ORG"])]
    result[0]["value"]["labels"] = ["GPE", "ORG"]
    new = relabeled(result, {("entities", "GPE"): ("entities", "ORG")}, ())
    assert new is not None
    assert spans(new) == [(0, 4, ["ORG"]), (9, 13, ["ORG"])]


def test_choices_move_to_another_group_and_join_what_is_there() -> None:
    result = to_result([], {"theme": ["sport", "trade"], "genre": ["report"]})
    result[0]["id"] = "abc"
    new = relabeled(result, {("theme", "trade"): ("genre", "trade")}, ())
    assert new is not None
    assert choices(new) == {"theme": ["sport"], "genre": ["trade", "report"]}
    assert len({r.get("id") for r in new}) == len(new)
    with pytest.raises(InvariantError, match="takes one label"):
        relabeled(result, {("theme", "trade"): ("genre", "trade")}, {"genre"})


def test_a_group_without_labels_is_no_result() -> None:
    assert relabeled(to_result([], {"genre": ["report"]}), {("genre", "report"): None}, {"genre"}) == []


def test_what_is_unknown_passes_through() -> None:
    odd: list[Any] = [{"type": "relation", "from_id": "a"}, {"a": 1}, "x", {"type": "labels", "from_name": "e", "value": 3}]
    new = relabeled([*odd, *to_result([OULU], {})], {("entities", "GPE"): None}, ())
    assert new == odd


ids = st.sampled_from(["A", "B", "C", "D"])
results = st.lists(
    st.one_of(
        st.builds(
            lambda start, labels: {
                "type": "labels",
                "from_name": "entities",
                "to_name": "text",
                "value": {"start": start, "end": start + 2, "labels": labels},
            },
            st.integers(0, 3),
            st.lists(ids, min_size=1, max_size=2, unique=True),
        ),
        st.builds(
            lambda group, labels: {
                "type": "choices",
                "from_name": group,
                "to_name": "text",
                "value": {"choices": labels},
            },
            st.sampled_from(["t", "u"]),
            st.lists(ids, min_size=1, max_size=3, unique=True),
        ),
    ),
    max_size=5,
)


@given(results)
def test_rewriting_twice_is_rewriting_once(result: list[dict[str, Any]]) -> None:
    routes: dict[Key, Key | None] = {
        ("entities", "A"): ("entities", "B"),
        ("entities", "C"): None,
        ("t", "A"): ("u", "D"),
        ("u", "B"): ("u", "D"),
        ("u", "C"): None,
    }
    before = json.dumps(result)
    new = relabeled(result, routes, ())
    assert json.dumps(result) == before  # the caller's stays as it is
    if new is None:
        assert not set(labels_of(result)) & routes.keys()
        return
    expected = {routes.get(key, key) for key in labels_of(result)} - {None}
    assert set(labels_of(new)) == expected
    assert relabeled(new, routes, ()) is None


def test_what_is_in_use() -> None:
    nested = to_result([Span(0, 13, "ORG", TEXT), OULU], {"theme": ["sport", "trade"]})
    task = {
        "annotations": [{"result": nested}, {"result": to_result([OULU, KEMI], {})}, {"result": None}],
        "drafts": [{"result": to_result([OULU], {})}],
        "predictions": [{"result": to_result([OULU], {})}, 30],
    }
    usage = usage_of([task, {}])
    assert usage.counts(("entities", "GPE")) == {"annotation": 2, "draft": 1, "prediction": 1}
    assert usage.of(("entities", "GPE")) == 3
    assert (usage.several["theme"], usage.overlapping) == (1, 1)
    assert in_words(usage.counts(("entities", "GPE"))) == "2 annotations, 1 draft, 1 prediction"


# -- configs -----------------------------------------------------------------------------------------------------------


def test_a_config_gives_its_labels_back() -> None:
    text = SCHEMA_TEXT.replace("GPE]", "{id: GPE, name: 'Place <&\"', hotkey: g, deprecated: true}]")
    wanted = schema(text)
    found = read_config(labeling_config(wanted))
    assert list(keys(found)) == list(keys(wanted))
    assert [label.deprecated for label in found.entities] == [False, False, True]
    assert [(g.id, g.choice, g.required) for g in found.topics] == [(g.id, g.choice, g.required) for g in wanted.topics]


def test_a_transition_has_both_label_sets_and_nothing_else_new() -> None:
    old = labeling_config(schema())
    new_schema = schema(
        SCHEMA_TEXT.replace("GPE]", "{id: PLACE, aliases: [GPE]}, WORK]").replace(
            "{id: genre, choice: single, labels: [report, opinion]}",
            "{id: kind, choice: multi, labels: [report, opinion, art]}",
        )
    )
    routes: dict[Key, Key | None] = {
        ("entities", "GPE"): ("entities", "PLACE"),
        ("genre", "report"): ("kind", "report"),
        ("genre", "opinion"): None,
    }
    between = read_config(transition(old, labeling_config(new_schema), routes))
    there = keys(between)
    assert {key for key, label in there.items() if label.deprecated} == set(routes)
    assert {key for key in there if key not in keys(schema())} == {("entities", "PLACE"), ("kind", "report")}
    again = transition(transition(old, labeling_config(new_schema), routes), labeling_config(new_schema), routes)
    assert again == transition(old, labeling_config(new_schema), routes)
