"""The nodes of a schema's YAML into a `LabelSchema`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import yaml

from annotate.errors import Problem, did_you_mean
from annotate.model import REGIONS
from annotate.schema.colors import contrast_with_white, to_hex
from annotate.schema.labels import OVERLAPS, Choice, Example, Label, LabelSchema, Overlap, TopicGroup
from annotate.schema.nodes import NodeReader, line_of
from annotate.schema.rules import Placed, check_brackets, check_colors, check_hotkeys, check_ids, check_parents

SCHEMA_KEYS = (
    "schema",
    "version",
    "languages",
    "ui_languages",
    "regions",
    "guidelines",
    "entities",
    "topics",
    "agreement",
    "tasks",
)
LABEL_KEYS = ("id", "name", "description", "color", "hotkey", "examples", "counterexamples", "aliases", "parent", "deprecated")
GROUP_KEYS = ("id", "name", "description", "choice", "required", "labels")
# the first one is the default
CHOICES: tuple[Choice, ...] = ("multi", "single")
DEFAULT_REGIONS = ("title", "body")

RESERVED_NAMES = frozenset(
    {
        *("segment_id", "doc_id", "text", "lang", "region", "start", "end", "text_sha256", "schema", "schema_sha256"),
        *("context_before", "context_after", "part", "retired", "again"),  # so far the keys of a task's data
        *("entities", "id", "label", "annotator", "created_at", "updated_at", "lead_time", "annotation_id"),
    }
)
"""What a topic group cannot be called: keys of a task's data, the control of the entities, and the columns that Label Studio's
own exports write over."""

RESERVED_HOTKEYS = {
    "u": "unselects a span",
    "enter": "focuses a span",
    "escape": "leaves a span",
    "backspace": "deletes a span",
    "delete": "deletes a span",
    "ctrl+backspace": "deletes all spans",
    "ctrl+d": "duplicates a span",
    "ctrl+enter": "submits",
    "ctrl+space": "skips the task",
    "ctrl+z": "undoes",
    "ctrl+shift+z": "redoes",
    "ctrl+h": "hides all spans",
    "alt+h": "hides a span",
    "alt+l": "locks a span",
    "alt+m": "edits a span's meta",
    "alt+r": "starts a relation",
}
"""Keys that Label Studio 1.23 gives a meaning of its own while a text is annotated."""

_SCHEMA_ID = re.compile(r"[a-z][a-z0-9_-]*")
_GROUP_ID = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_LABEL_ID = re.compile(r"[A-Za-z][A-Za-z0-9_.]*")
_NUMBER = r"(?:0|[1-9][0-9]*)"
_SEMVER = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")
_COUNTRY_FOR_LANGUAGE = {"cn": "zh", "cz": "cs", "dk": "da", "gr": "el", "jp": "ja", "kr": "ko", "ua": "uk", "vn": "vi"}
_HOTKEY = re.compile(r"(?:(?:ctrl|alt|shift|command)\+)*(?:[a-z0-9]|f[1-9]|f1[0-2])")
_GUIDELINE_FILE = re.compile(r"\S+\.(?:md|txt)")
_MIN_CONTRAST = 4.5  # WCAG 2.1, success criterion 1.4.3


class SchemaReader(NodeReader):
    """Reads a schema; each method one part of it."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.ui_languages: tuple[str, ...] = ("en",)

    def identifier(self, node: yaml.Node, what: str, pattern: re.Pattern[str], hint: str) -> str:
        name = self.text(node, what)
        if name.startswith(("B-", "I-")):
            self.error(node, f"{what} {name!r} starts like an IOB tag", f"write {name[2:]!r}")
        elif name and not pattern.fullmatch(name):
            self.error(node, f"{what} {name!r} is not an id", hint)
        elif name in {"true", "false"}:
            self.error(node, f"{what} cannot be {name!r}: Label Studio reads it as a truth value", "choose another word")
        return name

    def languages(self, node: yaml.Node | None, what: str) -> tuple[str, ...]:
        found = self.words(node, what)
        for tag, at in found.items():
            self.language(tag, at)
        return tuple(found)

    def language(self, tag: str, at: yaml.Node) -> None:
        if not _LANGUAGE.fullmatch(tag):
            self.error(at, f"{tag!r} is not a language code", "BCP-47, such as en, fi, ko or zh-Hant")
        elif tag in _COUNTRY_FOR_LANGUAGE:
            self.warn(at, f"{tag!r} is a country, hardly a language", f"did you mean {_COUNTRY_FOR_LANGUAGE[tag]!r}?")

    def translations(self, node: yaml.Node | None, what: str) -> dict[str, str]:
        """Texts by UI language; a plain text is in the first UI language."""
        if node is None:
            return {}
        if isinstance(node, yaml.ScalarNode):
            texts = {self.ui_languages[0]: self.text(node, what)}
        else:
            texts = {}
            for tag, key, value in self.pairs(node, what):
                self.language(tag, key)
                if tag not in self.ui_languages:
                    self.warn(key, f"{what} has the language {tag!r}, which is not among ui_languages", "add it there")
                texts[tag] = self.text(value, f"{what} in {tag!r}")
        missing = [tag for tag in self.ui_languages if tag not in texts]
        if missing and what != "guidelines":  # one language of guidelines is the rule
            self.warn(node, f"{what} is missing in {', '.join(missing)}", "annotators see the first UI language instead")
        return texts

    def schema(self, root: yaml.Node | None) -> LabelSchema | None:
        """The schema, or None when there is an error."""
        if root is None:
            self.problems.append(Problem(self.path, 1, "the file is empty", "a schema needs `schema: NAME` and a label"))
            return None
        keys = self.mapping(root, "a schema", SCHEMA_KEYS)
        self.ui_languages = self.languages(keys.get("ui_languages"), "ui_languages") or ("en",)
        annotate, context = self.regions(keys.get("regions"))
        overlap, entities = self.entities(keys.get("entities"))
        groups = self.topics(keys.get("topics"))
        agreement = self.section(keys.get("agreement"), "agreement", ("overlap",))
        tasks = self.section(keys.get("tasks"), "tasks", ("max_chars", "min_chars"))
        values: dict[str, Any] = {
            "name": self.name(keys.get("schema"), root),
            "version": self.version(keys.get("version")),
            "languages": self.languages(keys.get("languages"), "languages"),
            "ui_languages": self.ui_languages,
            "annotate_regions": annotate,
            "context_regions": context,
            "guidelines": self.guidelines(keys.get("guidelines")),
            "overlap": overlap,
            "entities": tuple(placed.label for placed in entities),
            "topics": tuple(group for group, _ in groups),
            "agreement_overlap": self.number(agreement.get("overlap"), "agreement.overlap", 1, 1),
            "max_chars": self.number(tasks.get("max_chars"), "tasks.max_chars", 5000, 1),
            "min_chars": self.number(tasks.get("min_chars"), "tasks.min_chars", 0, 0),
        }
        if values["max_chars"] <= values["min_chars"]:
            self.error(keys.get("tasks", root), "tasks.max_chars must be greater than tasks.min_chars")
        topic_labels = [placed for _, labels in groups for placed in labels]
        if not entities and not topic_labels and isinstance(root, yaml.MappingNode):
            self.error(root, "the schema has no label", "add `entities: [PERSON, ORG]` or `topics:`")
        check_ids(self, entities, "entity")
        check_ids(self, topic_labels, "topic label")
        check_hotkeys(self, [*entities, *topic_labels])
        for family in (entities, *(labels for _, labels in groups)):
            check_parents(self, family)
        check_colors(self, entities)
        return LabelSchema(**values) if all(problem.level != "error" for problem in self.problems) else None

    def section(self, node: yaml.Node | None, what: str, keys: Sequence[str]) -> dict[str, yaml.Node]:
        return {} if node is None else self.mapping(node, what, keys)

    def name(self, node: yaml.Node | None, root: yaml.Node) -> str:
        if node is not None:
            return self.identifier(node, "schema", _SCHEMA_ID, "small letters, digits, _ and -, a letter first")
        if isinstance(root, yaml.MappingNode):
            self.error(root, "the key `schema` is missing", "name the schema: `schema: news`")
        return ""

    def version(self, node: yaml.Node | None) -> str:
        version = "1.0.0" if node is None else self.text(node, "version")
        if node is not None and version and not _SEMVER.fullmatch(version):
            self.error(node, f"version {version!r} is not a semantic version", "three numbers, such as 1.2.0")
        return version

    def regions(self, node: yaml.Node | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
        keys = self.section(node, "regions", ("annotate", "context"))
        given = self.words(keys.get("annotate"), "regions.annotate")
        context = self.words(keys.get("context"), "regions.context")
        for region, at in [*given.items(), *context.items()]:
            if region not in REGIONS:
                self.error(at, f"there is no region {region!r}", did_you_mean(region, REGIONS))
        if "annotate" in keys and not given:
            self.error(keys["annotate"], "regions.annotate is empty", f"known: {', '.join(REGIONS)}")
        annotate = tuple(given) or DEFAULT_REGIONS
        for region, at in context.items():
            if region in annotate:
                self.error(at, f"region {region!r} is both annotated and context", "name it once")
        rest = (region for region in REGIONS if region not in annotate)
        return annotate, tuple(context if "context" in keys else rest)

    def guidelines(self, node: yaml.Node | None) -> dict[str, str]:
        texts = self.translations(node, "guidelines")
        for tag, text in texts.items():
            if _GUIDELINE_FILE.fullmatch(text) and node is not None:
                try:
                    texts[tag] = (Path(self.path).parent / text).read_text(encoding="utf-8-sig")
                except (OSError, UnicodeDecodeError) as problem:
                    reason = getattr(problem, "strerror", None) or "not UTF-8"
                    self.error(node, f"cannot read the guidelines {text!r}: {reason}", "the path starts at the schema's folder")
        return texts

    def entities(self, node: yaml.Node | None) -> tuple[Overlap, list[Placed]]:
        if isinstance(node, yaml.SequenceNode):
            return OVERLAPS[0], self.labels(node, "entities", is_entity=True)
        keys = self.section(node, "entities", ("overlap", "labels"))
        overlap = cast("Overlap", self.one_of(keys.get("overlap"), "entities.overlap", OVERLAPS))
        if node is not None and "labels" not in keys and isinstance(node, yaml.MappingNode):
            self.error(node, "entities has no labels", "`entities: {labels: [PERSON, ORG]}`, or leave entities out")
        return overlap, self.labels(keys.get("labels"), "entities.labels", is_entity=True)

    def topics(self, node: yaml.Node | None) -> list[tuple[TopicGroup, list[Placed]]]:
        groups = []
        seen: dict[str, yaml.Node] = {}
        for item in self.items(node, "topics"):
            keys = self.mapping(item, "a topic group", GROUP_KEYS)
            if "id" not in keys:
                self.error(item, "a topic group has no id", "`- {id: theme, labels: [politics, sport]}`")
            at = keys.get("id", item)
            name = self.group_id(at) if "id" in keys else ""
            if name and name.lower() in seen:
                self.error(at, f"topic group {name!r} stands twice", f"first on line {line_of(seen[name.lower()])}")
            seen[name.lower()] = at
            what = f"topic group {name!r}"
            labels = self.labels(keys.get("labels"), f"labels of {what}", is_entity=False)
            choice = cast("Choice", self.one_of(keys.get("choice"), f"choice of {what}", CHOICES))
            if not labels:
                self.error(keys.get("labels", item), f"{what} has no labels")
            if choice == "single" and len(labels) == 1:
                self.warn(item, f"{what} offers a single choice of one label", "add a label, or `choice: multi`")
            group = TopicGroup(
                name,
                choice,
                self.flag(keys.get("required"), f"required of {what}"),
                tuple(placed.label for placed in labels),
                self.translations(keys.get("name"), f"name of {what}"),
                self.translations(keys.get("description"), f"description of {what}"),
            )
            groups.append((group, labels))
        return groups

    def group_id(self, node: yaml.Node) -> str:
        name = self.identifier(node, "topic group", _GROUP_ID, "letters, digits and _, a letter first")
        if name.lower() in RESERVED_NAMES:
            self.error(node, f"a topic group cannot be called {name!r}", "the name is taken by task data or Label Studio")
        return name

    def labels(self, node: yaml.Node | None, what: str, *, is_entity: bool) -> list[Placed]:
        return [placed for item in self.items(node, what) if (placed := self.label(item, is_entity=is_entity))]

    def label(self, node: yaml.Node, *, is_entity: bool) -> Placed | None:
        short = isinstance(node, yaml.ScalarNode)
        keys = {"id": node} if short else self.mapping(node, "a label", LABEL_KEYS)
        if "id" not in keys:
            if isinstance(node, yaml.MappingNode):
                self.error(node, "a label has no id", "`- {id: PERSON, name: Person}`, or just `- PERSON`")
            return None
        name = self.identifier(keys["id"], "label", _LABEL_ID, "letters, digits, _ and ., a letter first; no space, - or |")
        aliases = self.words(keys.get("aliases"), f"aliases of {name}")
        brackets = "required" if is_entity else "ignored"
        label = Label(
            id=name,
            name=self.translations(keys.get("name"), f"name of {name}"),
            description=self.translations(keys.get("description"), f"description of {name}"),
            color=self.color(keys.get("color"), name),
            hotkey=self.hotkey(keys.get("hotkey"), name),
            examples=self.examples(keys.get("examples"), f"examples of {name}", brackets),
            counterexamples=self.examples(
                keys.get("counterexamples"), f"counterexamples of {name}", brackets.replace("required", "optional")
            ),
            aliases=tuple(aliases),
            parent=self.text(keys["parent"], f"parent of {name}") if "parent" in keys else "",
            deprecated=self.flag(keys.get("deprecated"), f"deprecated of {name}"),
        )
        return Placed(label, node, keys, aliases) if name else None

    def color(self, node: yaml.Node | None, label: str) -> str:
        if node is None:
            return ""
        what = f"color of {label}"
        word = self.text(node, what)
        color = to_hex(word)
        if word and not color:
            self.error(node, f"{what} is neither #rrggbb nor the name of a colour", "'#1f77b4' in quotes, or teal")
        elif color and (ratio := contrast_with_white(color)) < _MIN_CONTRAST:
            self.warn(
                node, f"{what}: white text on it has a contrast of {ratio:.1f}:1", f"darken it to {_MIN_CONTRAST}:1 or more"
            )
        return color

    def hotkey(self, node: yaml.Node | None, label: str) -> str:
        if node is None:
            return ""
        what = f"hotkey of {label}"
        key = self.text(node, what).lower()
        if key in RESERVED_HOTKEYS:
            self.warn(node, f"{what}: {key!r} {RESERVED_HOTKEYS[key]} in Label Studio", "choose another key")
        elif key and not _HOTKEY.fullmatch(key):
            self.error(node, f"{what}: {key!r} is not a key", "a letter a-z or a digit, with ctrl+, alt+ or shift+ before it")
        return key

    def examples(self, node: yaml.Node | None, what: str, brackets: str) -> tuple[Example, ...]:
        """Examples of one label. `brackets` are `required`, `optional` or `ignored`."""
        found = []
        for item in self.items(node, what):
            if isinstance(item, yaml.MappingNode):
                keys = self.mapping(item, f"an item of {what}", ("text", "lang"))
                if "text" not in keys:
                    self.error(item, f"an item of {what} has no text")
                    continue
                lang = self.text(keys["lang"], f"lang of {what}") if "lang" in keys else ""
                if lang:
                    self.language(lang, keys["lang"])
            else:
                keys, lang = {"text": item}, ""
            text = self.text(keys["text"], f"an item of {what}")
            if text and brackets != "ignored":
                check_brackets(self, text, keys["text"], what, required=brackets == "required")
            found.append(Example(text, lang))
        return tuple(found)
