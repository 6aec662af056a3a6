"""Label schemas: what is read, what is refused and on which line, what the hash covers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from annotate.errors import InvariantError, Problem, ReadError, SchemaError, UnknownName
from annotate.model import REGIONS, SchemaRef
from annotate.resources import schemas_folder
from annotate.schema import RESERVED_NAMES, Example, Label, LabelSchema, check, find, load, marked_spans, parse
from annotate.schema.colors import contrast_with_white, to_hex
from annotate.schema.reading import GROUP_KEYS, LABEL_KEYS, SCHEMA_KEYS

SHIPPED = sorted(schemas_folder().glob("*.yaml"))


def errors(text: str) -> list[tuple[int, str]]:
    return [(p.line, p.message) for p in check(text, "s.yaml") if p.level == "error"]


def warnings(text: str) -> list[tuple[int, str]]:
    return [(p.line, p.message) for p in check(text, "s.yaml") if p.level == "warning"]


# what is read


def test_the_shortest_schema_gets_defaults() -> None:
    schema = parse("schema: tiny\nentities: [PERSON, ORG]\n", "tiny.yaml")
    assert schema.entities == (Label("PERSON"), Label("ORG"))
    assert (schema.version, schema.overlap, schema.languages, schema.ui_languages) == ("1.0.0", "none", (), ("en",))
    assert schema.annotate_regions == ("title", "body")
    assert {*schema.annotate_regions, *schema.context_regions} == set(REGIONS)
    assert (schema.agreement_overlap, schema.max_chars, schema.min_chars) == (1, 5000, 0)
    assert schema.topics == ()


def test_the_long_form_is_read_whole() -> None:
    text = """
schema: long-one
version: 2.0.1-rc.1
languages: [fi, no, zh-Hant]
ui_languages: [fi, en]
regions: {annotate: [comments, body], context: [title]}
guidelines: {en: "Read first."}
entities:
  overlap: any
  labels:
    - id: ORG
      name: {fi: Järjestö, en: Organisation}
      description: {fi: Yhtiöt, en: Companies}
      color: "#07A"
      hotkey: O
      examples: [{text: "[Turun [yliopisto]] on", lang: fi}, "[Kone]"]
      counterexamples: [yliopistot]
      aliases: [COMPANY, B-ORG]
    - {id: ORG.state, parent: ORG, deprecated: yes, color: Teal}
topics:
  - {id: theme, labels: [a, b], name: {fi: Aihe, en: Theme}}
  - {id: kind, choice: single, required: true, labels: [c, {id: d}]}
agreement: {overlap: 3}
tasks: {max_chars: 900, min_chars: 20}
"""
    assert [p for p in check(text, "s.yaml") if p.level == "error"] == []
    schema = parse(text, "s.yaml")
    org, state = schema.entities
    assert (schema.name, schema.version, schema.languages) == ("long-one", "2.0.1-rc.1", ("fi", "no", "zh-Hant"))
    assert org.name == {"fi": "Järjestö", "en": "Organisation"}
    assert (org.color, org.hotkey, org.aliases) == ("#0077aa", "o", ("COMPANY", "B-ORG"))
    assert org.examples == (Example("[Turun [yliopisto]] on", "fi"), Example("[Kone]"))
    assert org.counterexamples == (Example("yliopistot"),)
    assert (state.parent, state.deprecated, state.color) == ("ORG", True, "#008080")
    assert (schema.annotate_regions, schema.context_regions) == (("comments", "body"), ("title",))
    assert [(g.id, g.choice, g.required) for g in schema.topics] == [("theme", "multi", False), ("kind", "single", True)]
    assert (schema.entity_ids, schema.topic_ids, schema.group_ids) == (
        ("ORG", "ORG.state"),
        ("a", "b", "c", "d"),
        ("theme", "kind"),
    )
    assert schema.group_of("d").id == "kind"
    assert (schema.overlap, schema.agreement_overlap, schema.max_chars, schema.min_chars) == ("any", 3, 900, 20)
    assert schema.ref == SchemaRef("long-one", "2.0.1-rc.1", schema.sha256)
    with pytest.raises(UnknownName, match="topic label"):
        schema.group_of("ORG")


@pytest.mark.parametrize("word", ["NO", "ON", "YES", "NULL", "y", "e1", "Infinity"])
def test_ids_stay_the_words_they_are(word: str) -> None:
    assert parse(f"schema: s\nentities: [{word}]\ntopics: [{{id: t, labels: [x, {word}]}}]", "s.yaml").entity_ids == (word,)


def test_a_plain_text_is_in_the_first_ui_language() -> None:
    schema = parse("schema: s\nui_languages: [ko]\nentities: [{id: A, name: 인물}]", "s.yaml")
    assert schema.entities[0].name == {"ko": "인물"}


def test_null_counts_as_absent() -> None:
    assert parse("schema: s\nentities: [{id: A, parent: null, color: ~}]", "s.yaml").entities == (Label("A"),)


def test_guidelines_come_from_a_file_beside_the_schema(tmp_path: Path) -> None:
    (tmp_path / "how.md").write_text("# Näin\n", encoding="utf-8")
    (tmp_path / "s.yaml").write_text("schema: s\nentities: [A]\nguidelines: how.md\n", encoding="utf-8")
    assert load(tmp_path / "s.yaml").guidelines == {"en": "# Näin\n"}
    (tmp_path / "how.md").write_bytes(b"\xff")
    with pytest.raises(SchemaError, match=r"s\.yaml:3: cannot read the guidelines 'how.md': not UTF-8"):
        load(tmp_path / "s.yaml")
    (tmp_path / "how.md").unlink()
    with pytest.raises(SchemaError, match="No such file"):
        load(tmp_path / "s.yaml")


# what is refused

CASES = [
    ("", 1, "the file is empty"),
    ("- PERSON", 1, "a schema must be `key: value` pairs, not a list"),
    ("entities: [A]", 1, "the key `schema` is missing"),
    ("schema: s", 1, "the schema has no label"),
    ("schema: s\nentities: []", 1, "the schema has no label"),
    ("schema: s\nentities: {overlap: none}", 2, "entities has no labels"),
    ("schema: News\nentities: [A]", 1, "schema 'News' is not an id"),
    ("schema: s\nversion: 1.0\nentities: [A]", 2, "version '1.0' is not a semantic version"),
    ("schema: s\nversion: 01.2.3\nentities: [A]", 2, "version '01.2.3' is not a semantic version"),
    ("schema: s\nentites: [A]\ntopics: [{id: t, labels: [a, b]}]", 2, "a schema has no key 'entites'"),
    ("schema: s\nentities:\n  - A\n  - A", 4, "entity 'A' stands twice"),
    ("schema: s\nentities:\n  - Per\n  - PER", 4, "entity 'PER' and 'Per' differ only in case"),
    ("schema: s\nentities:\n  - A.b\n  - A_b", 4, "entity 'A_b' and 'A.b' become the same IOB tag"),
    ("schema: s\nentities:\n  - A\n  - id: B\n    aliases:\n      - C\n      - A", 7, "alias 'A' of B stands twice"),
    ("schema: s\nentities:\n  - B-PER", 3, "label 'B-PER' starts like an IOB tag"),
    ("schema: s\nentities:\n  - one two", 3, "label 'one two' is not an id"),
    ("schema: s\nentities:\n  - sci-fi", 3, "label 'sci-fi' is not an id"),
    ("schema: s\nentities:\n  - a|b", 3, "label 'a|b' is not an id"),
    ("schema: s\nentities:\n  - 인물", 3, "label '인물' is not an id"),
    ("schema: s\nentities:\n  - true", 3, "label cannot be 'true': Label Studio reads it as a truth value"),
    ("schema: s\nentities:\n  - ''", 3, "label is empty"),
    ("schema: s\nentities:\n  - name: Person", 3, "a label has no id"),
    ("schema: s\nentities:\n  - [A]", 3, "a label must be `key: value` pairs, not a list"),
    ("schema: s\nentities: PERSON", 2, "entities must be `key: value` pairs, not the text 'PERSON'"),
    ("schema: s\nentities: {labels: A}", 2, "entities.labels must be a list, not the text 'A'"),
    ("schema: s\nentities:\n  overlap: nest\n  labels: [A]", 3, "entities.overlap cannot be 'nest'"),
    ("schema: s\nentities:\n  - id: A\n    colour: red", 4, "a label has no key 'colour'"),
    ("schema: s\nentities:\n  - id: A\n    id: B", 4, "a label has the key 'id' twice"),
    ("schema: s\nentities:\n  - id: A\n    color: reddish", 4, "color of A is neither #rrggbb nor the name of a colour"),
    ("schema: s\nentities:\n  - id: A\n    color: '#12345'", 4, "color of A is neither #rrggbb nor the name of a colour"),
    ("schema: s\nentities:\n  - id: A\n    hotkey: pp", 4, "hotkey of A: 'pp' is not a key"),
    ("schema: s\nentities:\n  - {id: A, hotkey: p}\n  - {id: B, hotkey: P}", 4, "hotkey 'p' of B is also that of A"),
    (
        "schema: s\nentities:\n  - {id: A, hotkey: p}\ntopics:\n  - id: t\n    labels: [{id: x, hotkey: p}, y]",
        6,
        "hotkey 'p' of x is also that of A",
    ),
    ("schema: s\nentities:\n  - id: A\n    name: [x]", 4, "name of A must be `key: value` pairs, not a list"),
    ("schema: s\nentities:\n  - id: A\n    name: {english: x}", 4, "'english' is not a language code"),
    ("schema: s\nentities:\n  - id: A\n    name: {en: [x]}", 4, "name of A in 'en' must be text, not a list"),
    ("schema: s\nentities:\n  - id: A\n    parent: B", 4, "parent of A: no label 'B'"),
    ("schema: s\nentities:\n  - id: A\n    parent: A", 4, "parents go in a circle: A → A"),
    ("schema: s\nentities:\n  - id: A\n    deprecated: maybe", 4, "deprecated of A must be true or false"),
    ("schema: s\nentities:\n  - id: A\n    examples:\n      - none here", 5, "examples of A: no [brackets] in 'none here'"),
    (
        "schema: s\nentities:\n  - id: A\n    examples:\n      - 'open [here'",
        5,
        "examples of A: a [ without its ] in 'open [here'",
    ),
    (
        "schema: s\nentities:\n  - id: A\n    examples:\n      - 'a ] b [c]'",
        5,
        "examples of A: a ] without its [ in 'a ] b [c]'",
    ),
    (
        "schema: s\nentities:\n  - id: A\n    examples:\n      - 'a [ ] b'",
        5,
        "examples of A: brackets around nothing in 'a [ ] b'",
    ),
    (
        "schema: s\nentities:\n  - id: A\n    counterexamples:\n      - 'a [b'",
        5,
        "counterexamples of A: a [ without its ] in 'a [b'",
    ),
    ("schema: s\nentities:\n  - id: A\n    examples:\n      - lang: fi", 5, "an item of examples of A has no text"),
    ("schema: s\nlanguages: [fi, suomi_fi]\nentities: [A]", 2, "'suomi_fi' is not a language code"),
    ("schema: s\nlanguages:\n  - fi\n  - fi\nentities: [A]", 4, "languages lists 'fi' twice"),
    ("schema: s\nregions: {annotate: [boddy]}\nentities: [A]", 2, "there is no region 'boddy'"),
    ("schema: s\nregions: {annotate: []}\nentities: [A]", 2, "regions.annotate is empty"),
    ("schema: s\nregions:\n  context: [ad, body]\nentities: [A]", 3, "region 'body' is both annotated and context"),
    ("schema: s\ntopics: {a: b}", 2, "topics must be a list, not `key: value` pairs"),
    ("schema: s\ntopics:\n  - labels: [a, b]", 3, "a topic group has no id"),
    ("schema: s\ntopics:\n  - id: t", 3, "topic group 't' has no labels"),
    ("schema: s\ntopics:\n  - {id: t, labels: [a, b]}\n  - {id: T, labels: [c, d]}", 4, "topic group 'T' stands twice"),
    ("schema: s\ntopics:\n  - {id: t, labels: [a, b]}\n  - {id: v, labels: [b, c]}", 4, "topic label 'b' stands twice"),
    ("schema: s\ntopics:\n  - {id: t, choice: one, labels: [a, b]}", 3, "choice of topic group 't' cannot be 'one'"),
    ("schema: s\ntopics:\n  - {id: t, required: '1', labels: [a, b]}", 3, "required of topic group 't' must be true or false"),
    ("schema: s\ntopics:\n  - {id: t.x, labels: [a, b]}", 3, "topic group 't.x' is not an id"),
    ("schema: s\nagreement: {overlap: 0}\nentities: [A]", 2, "agreement.overlap must be a whole number, 1 or more"),
    ("schema: s\nagreement: {overlap: two}\nentities: [A]", 2, "agreement.overlap must be a whole number, 1 or more"),
    ("schema: s\ntasks: {max_chars: [1]}\nentities: [A]", 2, "tasks.max_chars must be a whole number, 1 or more"),
    ("schema: s\ntasks: {min_chars: -1}\nentities: [A]", 2, "tasks.min_chars must be a whole number, 0 or more"),
    (
        "schema: s\ntasks: {max_chars: 10, min_chars: 10}\nentities: [A]",
        2,
        "tasks.max_chars must be greater than tasks.min_chars",
    ),
    ("schema: s\n? [a]\n: 1\nentities: [A]", 2, "a key of a schema must be text, not a list"),
    ("schema: s\nentities:\n\t- A", 3, "not YAML: found character '\\t' that cannot start any token"),
    ("schema: s\nentities: [A\n", 3, "not YAML: expected ',' or ']', but got '<stream end>'"),
    ("schema: s\nentities: *gone", 2, "not YAML: found undefined alias 'gone'"),
    ("schema: s\nentities: [A]\n---\nschema: t", 3, "more than one YAML document"),
    ("schema: s\nname: \x07\nentities: [A]", 2, "YAML cannot hold the character U+0007"),
    ("[" * 5000, 1, "the YAML is nested too deeply"),
]


@pytest.mark.parametrize(("text", "line", "message"), CASES, ids=[message for _, _, message in CASES])
def test_a_problem_stands_on_its_line(text: str, line: int, message: str) -> None:
    assert (line, message) in errors(text)
    with pytest.raises(SchemaError) as caught:
        parse(text, "s.yaml")
    assert any(str(p).startswith(f"s.yaml:{line}: {message}") for p in caught.value.problems)


@pytest.mark.parametrize("name", sorted(RESERVED_NAMES))
def test_a_topic_group_cannot_take_a_reserved_name(name: str) -> None:
    assert errors(f"schema: s\ntopics: [{{id: {name}, labels: [x, y]}}]") == [(2, f"a topic group cannot be called {name!r}")]


def test_all_problems_come_at_once_in_the_order_of_lines() -> None:
    text = "schema: S\nversion: x\nentities:\n  - A\n  - a\n  - id: b b\n    colr: 1\ntopics: 7\n"
    assert [line for line, _ in errors(text)] == [1, 2, 5, 6, 7, 8]
    with pytest.raises(SchemaError) as caught:
        parse(text, "s.yaml")
    assert len(caught.value.problems) == 6
    assert caught.value.problems[4] == Problem("s.yaml", 7, "a label has no key 'colr'", "did you mean 'color'?")


def test_windows_line_ends_and_a_bom_change_no_line(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_bytes("\ufeffschema: s\r\nentities:\r\n  - Å B\r\n".encode())
    with pytest.raises(SchemaError, match=r":3: label 'Å B' is not an id"):
        load(path)


WARNINGS = [
    ("schema: s\nui_languages: [en, fi, ko]\nentities:\n  - {id: A, name: {en: x, ko: y}}", 4, "name of A is missing in fi"),
    ("schema: s\nui_languages: [en, fi]\nentities:\n  - {id: A, description: x}", 4, "description of A is missing in fi"),
    (
        "schema: s\nentities:\n  - id: A\n    name: {en: x, fi: y}",
        4,
        "name of A has the language 'fi', which is not among ui_languages",
    ),
    ("schema: s\nentities:\n  - {id: A, color: yellow}", 3, "color of A: white text on it has a contrast of 1.1:1"),
    ("schema: s\nentities:\n  - {id: A, color: navy}\n  - {id: B, color: '#000080'}", 4, "B and A have the same color #000080"),
    ("schema: s\nentities:\n  - id: A\n    color: #123456", 4, "'color' has no value"),
    ("schema: s\nentities:\n  - {id: A, hotkey: U}", 3, "hotkey of A: 'u' unselects a span in Label Studio"),
    ("schema: s\ntopics:\n  - {id: t, choice: single, labels: [a]}", 3, "topic group 't' offers a single choice of one label"),
    ("schema: s\nlanguages: [kr]\nentities: [A]", 2, "'kr' is a country, hardly a language"),
]


@pytest.mark.parametrize(("text", "line", "message"), WARNINGS, ids=[message for _, _, message in WARNINGS])
def test_a_warning_stops_nothing(text: str, line: int, message: str) -> None:
    assert warnings(text) == [(line, message)]
    assert parse(text, "s.yaml").name == "s"


def test_guidelines_in_one_language_are_no_reason_to_warn() -> None:
    assert check("schema: s\nui_languages: [en, fi]\nguidelines: {en: Read.}\nentities: [A]", "s.yaml") == []


# the hash

BASE = parse("schema: s\nentities: [{id: A, name: x}, B]\ntopics: [{id: t, labels: [a, b]}]", "s.yaml")
GROUP = BASE.topics[0]


@pytest.mark.parametrize(
    "other",
    [
        replace(BASE, name="other", version="2.0.0", languages=("fi",), guidelines={"en": "x"}, agreement_overlap=4),
        replace(BASE, entities=(Label("B", color="#112233", hotkey="b", deprecated=True), Label("A", description={"en": "y"}))),
        replace(BASE, topics=(replace(GROUP, labels=GROUP.labels[::-1], name={"en": "Topic"}),)),
        replace(BASE, annotate_regions=BASE.annotate_regions[::-1]),
    ],
)
def test_words_and_order_are_no_part_of_the_hash(other: LabelSchema) -> None:
    assert other.sha256 == BASE.sha256


@pytest.mark.parametrize(
    "other",
    [
        replace(BASE, overlap="nested"),
        replace(BASE, entities=BASE.entities[:1]),
        replace(BASE, topics=()),
        replace(BASE, topics=(replace(GROUP, id="u"),)),
        replace(BASE, topics=(replace(GROUP, choice="single"),)),
        replace(BASE, topics=(replace(GROUP, required=True),)),
        replace(BASE, topics=(replace(GROUP, labels=GROUP.labels[:1]),)),
        replace(BASE, annotate_regions=("body",)),
        replace(BASE, context_regions=()),
    ],
)
def test_structure_is_the_hash(other: LabelSchema) -> None:
    assert other.sha256 != BASE.sha256


def test_the_hash_stays_what_it_is() -> None:
    """Records carry it for ever: a change of this value makes all annotations look outdated."""
    assert BASE.sha256 == "4696d1ea14083ec4ea0bbe00c1c779e76163af8cef87f2d2cfd1a7edab94616b"


def test_the_type_refuses_what_cannot_be() -> None:
    with pytest.raises(InvariantError, match="has no label"):
        replace(BASE, entities=(), topics=())
    with pytest.raises(InvariantError, match="entity ids stand twice"):
        replace(BASE, entities=(Label("A"), Label("A")))
    with pytest.raises(InvariantError, match="topic label ids stand twice"):
        replace(BASE, topics=(GROUP, replace(GROUP, id="u")))


# files


def test_find_prefers_a_path_then_the_folder_then_the_shipped_one(tmp_path: Path) -> None:
    assert find("any/where.yml", tmp_path) == Path("any/where.yml")
    assert find("news", tmp_path) == schemas_folder() / "news.yaml"
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "news.yaml").write_text("", encoding="utf-8")
    assert find("news", tmp_path) == tmp_path / "schemas" / "news.yaml"
    for name in ("new", "../schemas/news", "schemas/news", ""):
        with pytest.raises(UnknownName, match="there is no label schema"):
            find(name, tmp_path)
    with pytest.raises(UnknownName) as caught:
        find("nwes", tmp_path)
    assert caught.value.hint == "did you mean 'news'?"


def test_load_says_what_it_cannot_read(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="No such file"):
        load(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes("schema: s\nname: Järjestö".encode("latin-1"))
    with pytest.raises(SchemaError, match=r"latin.yaml:2: not UTF-8"):
        load(tmp_path / "latin.yaml")


# examples


def test_marked_spans_of_nested_brackets() -> None:
    plain, spans = marked_spans(r"\[sic\] [[Turun] yliopisto] 👩‍👩‍👧 [서울]")
    assert plain == "[sic] Turun yliopisto 👩‍👩‍👧 서울"
    assert [plain[a:b] for a, b in spans] == ["Turun yliopisto", "Turun", "서울"]


@given(
    st.lists(st.tuples(st.booleans(), st.text(st.characters(exclude_characters="[]\\", exclude_categories=["Cs"]), min_size=1)))
)
def test_marked_spans_gives_back_what_was_marked(pieces: list[tuple[bool, str]]) -> None:
    pieces = [(marked and bool(text.strip()), text) for marked, text in pieces]
    plain, spans = marked_spans("".join(f"[{text}]" if marked else text for marked, text in pieces))
    assert plain == "".join(text for _, text in pieces)
    assert [plain[a:b] for a, b in spans] == [text for marked, text in pieces if marked]


@given(st.text(alphabet="[]\\ab:#-{}&*!|>'\"%@`\n\t 인,", max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    for candidate in (text, f"schema: s\nentities:\n  - {text}", f"schema: s\ntopics: [{text}]"):
        for problem in check(candidate, "s.yaml"):
            assert 0 <= problem.line <= candidate.count("\n") + 1


# colours


def test_colours() -> None:
    assert (to_hex("#ABC"), to_hex("Navy"), to_hex("#A1b2C3"), to_hex("#ab"), to_hex("")) == (
        "#aabbcc",
        "#000080",
        "#a1b2c3",
        "",
        "",
    )
    assert contrast_with_white("#000000") == pytest.approx(21)
    assert contrast_with_white("#ffffff") == pytest.approx(1)
    assert contrast_with_white("#767676") == pytest.approx(4.54, abs=0.01)  # the lightest grey that passes AA


# the shipped schemas, and the JSON Schema for editors


@pytest.fixture(scope="module")
def editors() -> Any:
    return json.loads((schemas_folder() / "schema.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_schemas_have_no_problem(path: Path, editors: Any) -> None:
    text = path.read_text(encoding="utf-8")
    assert check(text, path.name) == []
    assert load(path).name == path.stem
    jsonschema.validate(yaml.safe_load(text), editors)


def test_news_speaks_its_languages_everywhere() -> None:
    news = load(find("news", Path()))
    texts = [
        t for label in (*news.entities, *(x for g in news.topics for x in g.labels)) for t in (label.name, label.description)
    ]
    assert len(texts) == 2 * (len(news.entity_ids) + len(news.topic_ids))
    for text in [*texts, *(group.name for group in news.topics)]:
        assert tuple(text) == news.ui_languages
    assert len({label.color for label in news.entities}) == len({label.hotkey for label in news.entities}) == len(news.entities)
    assert set(news.annotate_regions) | set(news.context_regions) == set(REGIONS)
    assert "# News" in news.guidelines["en"]


def test_the_json_schema_knows_the_same_words(editors: Any) -> None:
    jsonschema.Draft7Validator.check_schema(editors)
    parts = editors["definitions"]
    assert tuple(editors["properties"]) == SCHEMA_KEYS
    assert tuple(parts["label"]["properties"]) == LABEL_KEYS
    assert tuple(parts["group"]["properties"]) == GROUP_KEYS
    assert tuple(parts["regions"]["items"]["enum"]) == REGIONS
    assert set(parts["group"]["properties"]["id"]["not"]["enum"]) == RESERVED_NAMES


@pytest.mark.parametrize(
    "text",
    [
        "schema: s",
        "schema: S\nentities: [A]",
        "schema: s\nentities: [B-X]",
        "schema: s\nentities: [{id: A, colour: red}]",
        "schema: s\ntopics: [{id: lang, labels: [a]}]",
        "schema: s\nregions: {annotate: [boddy]}\nentities: [A]",
        "schema: s\nversion: 1.0\nentities: [A]",
    ],
)
def test_the_json_schema_refuses_what_check_refuses(text: str, editors: Any) -> None:
    assert errors(text)
    assert not jsonschema.Draft7Validator(editors).is_valid(yaml.safe_load(text))
