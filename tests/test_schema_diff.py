"""What changes from one schema to the next, and where each label goes."""

from __future__ import annotations

import pytest

from annotate.errors import UsageError
from annotate.schema.diff import EFFECTS, Choices, compare, keys, routes
from tests.builders import SCHEMA_TEXT, schema

OLD = schema()


def changed(*edits: tuple[str, str], choices: Choices | None = None) -> list[tuple[str, str, str, str]]:
    text = SCHEMA_TEXT
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    found = compare(OLD, schema(text), choices or Choices({}))
    return [(change.kind, change.control, change.label, change.to) for change in found]


def test_nothing_changes() -> None:
    assert changed() == []


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (("GPE]", "GPE, WORK]"), ("label_added", "entities", "WORK", "")),
        (("GPE]", "{id: PLACE, aliases: [GPE]}]"), ("label_renamed", "entities", "GPE", "entities/PLACE")),
        (("ORG, GPE]", "{id: ORG, aliases: [GPE]}]"), ("label_merged", "entities", "GPE", "entities/ORG")),
        ((", GPE]", "]"), ("label_removed", "entities", "GPE", "")),
        (("GPE]", "{id: GPE, deprecated: true}]"), ("label_deprecated", "entities", "GPE", "")),
        (("GPE]", "{id: GPE, name: Place}]"), ("words", "entities", "GPE", "")),
        (("GPE]", "{id: GPE, color: teal, hotkey: g}]"), ("words", "entities", "GPE", "")),
        (("labels: [sport, trade]", "labels: [sport, trade, art]"), ("label_added", "theme", "art", "")),
        (("choice: single", "choice: multi"), ("single_to_multi", "genre", "", "")),
        (("choice: multi", "choice: single"), ("multi_to_single", "theme", "", "")),
        (("choice: single", "choice: single, required: true"), ("group_required", "genre", "", "")),
        (("overlap: nested", "overlap: any"), ("overlap_wider", "entities", "", "")),
        (("overlap: nested", "overlap: none"), ("overlap_narrower", "entities", "", "")),
        (("annotate: [title, body]", "annotate: [body]"), ("regions", "", "", "")),
        (("languages: [en, fi, ko, ar]", "languages: [en]"), ("settings", "", "", "")),
        (("{id: theme,", "{id: theme, name: Theme,"), ("words", "theme", "", "")),
    ],
)
def test_each_kind_of_change(edit: tuple[str, str], expected: tuple[str, str, str, str]) -> None:
    found = changed(("1.0.0", "1.1.0"), edit)
    assert found == [("version", "", "", ""), expected]
    assert expected[0] in EFFECTS


def test_a_label_moves_to_another_group() -> None:
    edits = (("[sport, trade]", "[sport]"), ("[report, opinion]", "[report, opinion, trade]"))
    assert ("label_moved", "theme", "trade", "genre/trade") in changed(*edits)


def test_a_group_gets_another_name() -> None:
    found = changed(("id: genre", "id: kind"))
    assert ("label_moved", "genre", "report", "kind/report") in found
    assert ("group_removed", "genre", "", "") in found
    assert not any(kind in ("group_added", "label_added", "label_removed") for kind, *_ in found)


def test_two_labels_become_one_new_one() -> None:
    found = changed(("ORG, GPE]", "{id: NAME, aliases: [ORG, GPE]}]"))
    assert [item for item in found if item[0] != "version"] == [
        ("label_merged", "entities", "ORG", "entities/NAME"),
        ("label_merged", "entities", "GPE", "entities/NAME"),
    ]


def test_the_version_should_go_up_when_labels_change() -> None:
    new = schema(SCHEMA_TEXT.replace("GPE]", "GPE, WORK]"))
    assert "raise it" in compare(OLD, new)[0].message


def test_choices_of_the_caller() -> None:
    edit = (", GPE]", "]")
    assert changed(edit, choices=Choices({"GPE": "ORG"}))[1] == ("label_merged", "entities", "GPE", "entities/ORG")
    assert changed(edit, choices=Choices({}, ["entities/GPE"]))[1] == ("label_deleted", "entities", "GPE", "")


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        (Choices({"GPO": "ORG"}), "no label 'GPO'"),
        (Choices({"ORG": "PERSON"}), "stays"),
        (Choices({"GPE": "NOWHERE"}), "offers no entity"),
        (Choices({"GPE": "sport"}), "offers no entity"),
        (Choices({"GPE": "ORG"}, ["GPE"]), "both renamed and deleted"),
        (Choices({}, ["ORG"]), "stays"),
    ],
)
def test_choices_that_make_no_sense(choices: Choices, message: str) -> None:
    with pytest.raises(UsageError, match=message) as problem:
        compare(OLD, schema(SCHEMA_TEXT.replace(", GPE]", "]")), choices)
    assert problem.value.hint


def test_an_entity_and_a_topic_of_one_name_are_told_apart() -> None:
    both = schema(SCHEMA_TEXT.replace("GPE]", "GPE, sport]"))
    without = schema(SCHEMA_TEXT.replace("[sport, trade]", "[trade]"))
    with pytest.raises(UsageError, match="several places"):
        routes(keys(both), without, Choices({}, ["sport"]))
    going, undecided = routes(keys(both), without, Choices({"theme/sport": "trade"}, ["entities/sport"]))
    assert going == {("entities", "sport"): None, ("theme", "sport"): ("theme", "trade")}
    assert undecided == ()


def test_following_the_routes_twice_is_following_them_once() -> None:
    new = schema(SCHEMA_TEXT.replace("ORG, GPE]", "{id: NAME, aliases: [ORG]}, {id: GPE, deprecated: true}]"))
    going, _ = routes(keys(OLD), new, Choices({"GPE": "NAME"}))
    assert set(going) == {("entities", "ORG"), ("entities", "GPE")}
    assert all(target not in going for target in going.values())
    again, undecided = routes([*keys(new)], new)
    assert (again, undecided) == ({}, ())
