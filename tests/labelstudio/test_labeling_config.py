"""The labeling config: what Label Studio is told, and that no label can break it."""

from __future__ import annotations

import string
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.labelstudio.labeling_config import ENTITIES, PALETTE, TEXT, colors, display_names, hotkeys, labeling_config
from annotate.schema import RESERVED_HOTKEYS, Example, Label, LabelSchema, TopicGroup, find, load, parse
from annotate.schema.colors import contrast_with_white

# what XML 1.0 can hold; a YAML file cannot hold the rest either
WORDS = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Cn"], include_characters="<>&\"'$👩‍👩‍👧"), min_size=1, max_size=20
)


def build(
    entities: Sequence[Label] = (), topics: Sequence[TopicGroup] = (), ui_languages: tuple[str, ...] = ("en",)
) -> LabelSchema:
    return LabelSchema("s", "1.0.0", (), ui_languages, ("body",), (), {}, "none", tuple(entities), tuple(topics), 1, 5000, 0)


def tree(schema: LabelSchema, ui_language: str = "") -> ElementTree.Element:
    return ElementTree.fromstring(labeling_config(schema, ui_language=ui_language))


def offered(root: ElementTree.Element, tag: str) -> dict[str, str]:
    return {element.attrib["alias"]: element.attrib["value"] for element in root.iter(tag)}


NEWS = load(find("news", Path()))


def test_ids_are_aliases_and_words_are_values() -> None:
    root = tree(NEWS, "fi")
    assert tuple(offered(root, "Label")) == NEWS.entity_ids
    assert offered(root, "Label")["PERSON"] == "Henkilö"
    assert tuple(offered(root, "Choice")) == NEWS.topic_ids
    assert [header.attrib["value"] for header in root.iter("Header")][-2:] == ["Aiheet", "Tekstilaji"]


def test_controls_have_the_names_the_wire_expects() -> None:
    root = tree(NEWS)
    assert [(e.attrib["name"], e.attrib["toName"]) for e in root.iter("Labels")] == [(ENTITIES, TEXT)]
    choices = [(e.attrib["name"], e.attrib["toName"], e.attrib["choice"], e.attrib["required"]) for e in root.iter("Choices")]
    assert choices == [("topic", TEXT, "multiple", "true"), ("genre", TEXT, "single", "false")]
    (text,) = root.iter("Text")
    assert text.attrib == {"name": TEXT, "value": "$text", "granularity": "symbol"}
    (box,) = (view for view in root.iter("View") if text in list(view))
    assert box.attrib["className"] == "dirauto"


def test_the_direction_follows_the_text_and_labels_stay_in_sight() -> None:
    style = tree(NEWS).findtext("Style")
    assert style is not None
    assert style.startswith(".dirauto, .dirauto *{unicode-bidi:plaintext;text-align:start}")
    assert ".labels{position:sticky;top:0;" in style
    assert not set(style) & set("<>&")  # Label Studio reads the rules from escaped markup


def test_the_origin_and_the_context_are_shown() -> None:
    values = [header.attrib["value"] for header in tree(NEWS).iter("Header")]
    assert values[:3] == ["$lang · $region · $doc_id $part", "$context_before", "$context_after"]


def test_without_entities_or_topics_their_controls_are_absent() -> None:
    entities_only, topics_only = build([Label("A")]), build(topics=[TopicGroup("t", "multi", False, (Label("a"),))])
    assert not list(tree(entities_only).iter("Choices"))
    assert list(tree(entities_only).iter("Labels"))
    assert not list(tree(topics_only).iter("Labels"))
    assert list(tree(topics_only).iter("Choices"))


@pytest.mark.parametrize(
    ("language", "shown"), [("", "Henkilö"), ("en", "Person"), ("en-GB", "Person"), ("sv", "Henkilö"), ("ko", "인물")]
)
def test_names_fall_back_to_the_first_language(language: str, shown: str) -> None:
    schema = build([Label("P", {"ko": "인물", "en": "Person", "fi": "Henkilö"})], ui_languages=("fi", "en"))
    assert offered(tree(schema, language), "Label") == {"P": shown}


def test_a_name_in_an_undeclared_language_is_better_than_none() -> None:
    assert offered(tree(build([Label("P", {"ko": "인물"}), Label("Q")])), "Label") == {"P": "인물", "Q": "Q"}


def test_equal_names_are_told_apart_by_id() -> None:
    labels = [Label("A", {"en": "Place"}), Label("B", {"en": "place"}), Label("C", {"en": "Person"})]
    assert display_names(labels, ["en"]) == ["Place (A)", "place (B)", "Person"]
    sly = [*labels, Label("D", {"en": "Place (A)"})]
    assert display_names(sly, ["en"]) == ["Place (A)", "place (B)", "Person (C)", "Place (A) (D)"]


@given(st.lists(st.sampled_from(["Place", "place", "Place (A)", "Place (B)", "(C)", ""]), min_size=1, max_size=6))
def test_display_names_are_always_unique(names: list[str]) -> None:
    labels = [Label(letter, {"en": name} if name else {}) for letter, name in zip("ABCDEF", names, strict=False)]
    shown = display_names(labels, ["en"])
    assert len({name.casefold() for name in shown}) == len(labels)


@given(WORDS, WORDS, WORDS)
def test_no_word_breaks_the_xml(name: str, description: str, group: str) -> None:
    schema = build(
        [Label("A", {"en": name}, {"en": description}, examples=(Example(f"[{name}]"),))],
        [TopicGroup("t", "multi", False, (Label("a", {"en": name}),), name={"en": group})],
    )
    root = tree(schema)
    for tag, alias in (("Label", "A"), ("Choice", "a")):
        assert offered(root, tag)[alias].replace("\u2060", "") == name.replace("\u2060", "")
    (label,) = root.iter("Label")
    assert label.attrib["hint"].startswith(description)


@pytest.mark.parametrize("name", ["$text", "US$100", "a $b.c d", "$[0]"])
def test_a_dollar_in_a_name_is_no_data_field(name: str) -> None:
    shown = offered(tree(build([Label("A", {"en": name})])), "Label")["A"]
    assert shown == name.replace("$", "$\u2060")


def test_hints_show_description_example_and_counterexample_in_the_language_of_the_annotator() -> None:
    label = Label(
        "A",
        description={"en": "Names.", "fi": "Nimet."},
        examples=(Example("[Ada] wrote", "en"), Example("[Ada] kirjoitti", "fi")),
        counterexamples=(Example("a writer", "en"),),
    )
    schema = build([label, Label("B")], ui_languages=("en", "fi"))
    (hint,) = (e.attrib["hint"] for e in tree(schema, "fi").iter("Label") if "hint" in e.attrib)
    assert hint == "Nimet.  ✓ [Ada] kirjoitti  ✗ a writer"


def test_a_deprecated_label_is_there_but_hidden() -> None:
    """Measured: Label Studio refuses a config without a label that annotations use, and accepts a hidden one."""
    schema = build([Label("A"), Label("OLD", deprecated=True, hotkey="o")])
    labels = {e.attrib["alias"]: e.attrib for e in tree(schema).iter("Label")}
    assert labels["OLD"]["visible"] == "false"
    assert labels["OLD"]["hotkey"] not in set(string.ascii_lowercase + string.digits)
    assert "visible" not in labels["A"]
    assert (ENTITIES, "OLD") not in hotkeys(schema)


# hotkeys


def test_given_keys_stay_and_the_others_come_from_the_id() -> None:
    schema = build(
        [Label("PERSON"), Label("PLACE", hotkey="e"), Label("POET"), Label("PERSON_2")],
        [TopicGroup("t", "multi", False, (Label("PERSON"), Label("u"), Label("uu")))],
    )
    assert hotkeys(schema) == {
        (ENTITIES, "PERSON"): "p",
        (ENTITIES, "PLACE"): "e",
        (ENTITIES, "POET"): "o",
        (ENTITIES, "PERSON_2"): "r",
        ("t", "PERSON"): "s",
        ("t", "u"): "1",  # u unselects a span in Label Studio
        ("t", "uu"): "2",
    }


@given(st.integers(1, 60), st.sets(st.sampled_from(string.ascii_lowercase), max_size=10))
def test_keys_never_clash(count: int, given_keys: set[str]) -> None:
    fixed = [Label(f"K{key}", hotkey=key) for key in sorted(given_keys - set(RESERVED_HOTKEYS))]
    schema = build([*(Label(f"L{i}") for i in range(count)), *fixed])
    keys = hotkeys(schema)
    assert len(set(keys.values())) == len(keys)
    assert not set(keys.values()) & set(RESERVED_HOTKEYS)
    assert len(keys) == min(count + len(fixed), 35)  # 26 letters and 10 digits without u
    assert all(keys[ENTITIES, label.id] == label.hotkey for label in fixed)


# colours


def test_colors_are_the_schemas_or_the_palettes() -> None:
    picked = colors([Label("A"), Label("B", color=PALETTE[1]), Label("C"), Label("D", color="#123456")])
    assert picked == {"A": PALETTE[0], "B": PALETTE[1], "C": PALETTE[2], "D": "#123456"}
    many = colors([Label(f"L{i}") for i in range(30)])
    assert set(many.values()) == set(PALETTE)


def test_the_palette_carries_white_text() -> None:
    assert min(map(contrast_with_white, PALETTE)) >= 4.5


# Machado, Oliveira & Fernandes 2009, severity 1.0, on linear RGB
DEUTAN = [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
PROTAN = [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
RGB_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def lab(color: str, vision: npt.ArrayLike) -> npt.NDArray[np.float64]:
    rgb = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = RGB_TO_XYZ @ np.clip(np.asarray(vision) @ linear, 0, 1) / RGB_TO_XYZ.sum(axis=1)
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize(("vision", "least"), [(np.eye(3), 30), (DEUTAN, 15), (PROTAN, 15)], ids=["full", "deutan", "protan"])
def test_the_palette_stays_apart_in_every_eye(vision: npt.ArrayLike, least: float) -> None:
    distances = [np.linalg.norm(lab(a, vision) - lab(b, vision)) for a, b in combinations(PALETTE, 2)]
    assert min(distances) >= least


def test_the_config_is_the_same_every_time() -> None:
    text = Path(find("news", Path())).read_text(encoding="utf-8")
    assert labeling_config(parse(text, "a.yaml"), ui_language="ar") == labeling_config(parse(text, "b.yaml"), ui_language="ar")
