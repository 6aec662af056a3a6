"""LabelSchema → labeling config, Label Studio's XML. Pure.

What data holds never changes with words: `alias` is the label's id, `value` its name in the annotators' language, and the
names of the controls are constants. A deprecated label stays in the XML, hidden: Label Studio still draws the annotations
that use it, and accepts the config for a project that has some.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import cycle
from xml.etree import ElementTree

from annotate.schema import ENTITIES, RESERVED_HOTKEYS, Label, LabelSchema, TopicGroup

TEXT = "text"
"""Name of the text control, and the key of the text in a task's data."""

PALETTE = (
    *("#aa22aa", "#008800", "#551100", "#0000ff", "#002255", "#dd2266"),
    *("#0066ff", "#006644", "#000088", "#995588", "#1177cc", "#555511"),
)
"""Colours that stay apart under deutan and protan vision (ΔE 15 or more, Machado et al. 2009) and carry white text at 4.5:1.
In this order the first few are the farthest apart."""

_KEYS = string.digits[1:] + "0" + string.ascii_lowercase
_NO_KEY = "ctrl+alt+shift+f19"  # a label without a key gets one from Label Studio, also when it is hidden
_DATA_FIELD = re.compile(r"\$(?=[\w\[\].{}])")
_WORD_JOINER = "\u2060"

# plaintext lets each paragraph follow its own text, so that one project holds Arabic and Finnish. Label Studio wraps each line
# in an inline block, which would hide the line's direction from the paragraph: those lines flow as plain text.
_STYLE = (
    ".dirauto, .dirauto *{unicode-bidi:plaintext;text-align:start} "
    ".dirauto [class*=richtext__line]{display:inline;padding:0;margin:0} "
    ".dirauto [class*=richtext__line], .dirauto [class*=richtext__line] *{unicode-bidi:normal} "
    ".labels{position:sticky;top:0;z-index:5;padding:4px 0;background:var(--color-neutral-background)} "
    ".context *{opacity:.65;font-size:13px;font-weight:400;white-space:pre-wrap} "
    ".origin *{opacity:.65;font-size:12px;font-weight:400} "
    ".group *{font-size:14px}"
)

Keys = Mapping[tuple[str, str], str]
"""Hotkeys by control and label id."""


def labeling_config(schema: LabelSchema, *, ui_language: str = "") -> str:
    """The XML for annotators who read `ui_language` (BCP-47; default: the schema's first), with fallbacks by `display`.

    Tasks need the data keys text, lang, region, doc_id, part, context_before and context_after."""
    languages = _fallbacks(ui_language, schema.ui_languages)
    keys = hotkeys(schema)
    view = ElementTree.Element("View")
    ElementTree.SubElement(view, "Style").text = _STYLE
    if schema.entities:
        _labels(view, schema.entities, languages, keys)
    _header(view, "origin dirauto", "$lang · $region · $doc_id $part")
    _header(view, "context dirauto", "$context_before")
    text = ElementTree.SubElement(view, "View", {"className": "dirauto"})
    ElementTree.SubElement(text, "Text", {"name": TEXT, "value": f"${TEXT}", "granularity": "symbol"})
    _header(view, "context dirauto", "$context_after")
    for group in schema.topics:
        _choices(view, group, languages, keys)
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode")


def _labels(view: ElementTree.Element, labels: Sequence[Label], languages: Sequence[str], keys: Keys) -> None:
    sticky = ElementTree.SubElement(view, "View", {"className": "labels dirauto"})
    control = ElementTree.SubElement(sticky, "Labels", {"name": ENTITIES, "toName": TEXT, "showInline": "true"})
    backgrounds = colors(labels)
    for label, value in zip(labels, display_names(labels, languages), strict=True):
        attributes = _attributes(ENTITIES, label, value, languages, keys) | {"background": backgrounds[label.id]}
        ElementTree.SubElement(control, "Label", attributes)


def _choices(view: ElementTree.Element, group: TopicGroup, languages: Sequence[str], keys: Keys) -> None:
    _header(view, "group", _literal(display(group.name, languages) or group.id))
    attributes = {
        "name": group.id,
        "toName": TEXT,
        "choice": "single" if group.choice == "single" else "multiple",
        "required": "true" if group.required else "false",
        "showInline": "true",
    }
    control = ElementTree.SubElement(ElementTree.SubElement(view, "View", {"className": "dirauto"}), "Choices", attributes)
    for label, value in zip(group.labels, display_names(group.labels, languages), strict=True):
        ElementTree.SubElement(control, "Choice", _attributes(group.id, label, value, languages, keys))


def _header(view: ElementTree.Element, css_class: str, value: str) -> None:
    box = ElementTree.SubElement(view, "View", {"className": css_class})
    ElementTree.SubElement(box, "Header", {"value": value, "size": "5", "style": "margin: 4px 0"})


def _attributes(control: str, label: Label, value: str, languages: Sequence[str], keys: Keys) -> dict[str, str]:
    attributes = {"value": _literal(value), "alias": label.id}
    hint = _hint(label, languages)
    if hint:
        attributes["hint"] = hint
    if label.deprecated:
        return attributes | {"visible": "false", "hotkey": _NO_KEY}
    key = keys.get((control, label.id))
    return attributes | ({"hotkey": key} if key else {})


def _hint(label: Label, languages: Sequence[str]) -> str:
    """The description with an example and a counterexample."""
    parts = [display(label.description, languages)]
    for sign, examples in (("✓", label.examples), ("✗", label.counterexamples)):
        best = min(examples, key=lambda example: _rank(example.lang, languages), default=None)
        if best is not None:
            parts.append(f"{sign} {best.text}")
    return "  ".join(filter(None, parts))


def _literal(text: str) -> str:
    """Text in which Label Studio finds no field of the task: it takes `$word` for one."""
    return _DATA_FIELD.sub("$" + _WORD_JOINER, text)


def _fallbacks(ui_language: str, ui_languages: Sequence[str]) -> tuple[str, ...]:
    return tuple(filter(None, (ui_language, ui_language.split("-")[0], *ui_languages)))


def _rank(language: str, languages: Sequence[str]) -> int:
    return languages.index(language) if language in languages else len(languages)


def display(texts: Mapping[str, str], languages: Sequence[str]) -> str:
    """The text in the first of the languages that has one, else any, else empty."""
    return min(texts.items(), key=lambda item: _rank(item[0], languages), default=("", ""))[1]


def display_names(labels: Sequence[Label], languages: Sequence[str]) -> list[str]:
    """One name a label, all different as Label Studio needs them: names that coincide get their ids appended."""
    names = [display(label.name, languages) or label.id for label in labels]
    counts = Counter(name.casefold() for name in names)
    told_apart = [f"{n} ({label.id})" if counts[n.casefold()] > 1 else n for n, label in zip(names, labels, strict=True)]
    if len({name.casefold() for name in told_apart}) == len(labels):
        return told_apart
    return [f"{name} ({label.id})" for name, label in zip(names, labels, strict=True)]


def colors(labels: Sequence[Label]) -> dict[str, str]:
    """`#rrggbb` by label id: the schema's own, and for the others the free ones of the palette in order, over and over."""
    taken = {label.color for label in labels}
    free = cycle([color for color in PALETTE if color not in taken] or PALETTE)
    return {label.id: label.color or next(free) for label in labels}


def hotkeys(schema: LabelSchema) -> dict[tuple[str, str], str]:
    """Keys of the labels that are offered, by control and label id: the schema's own, and for the others a letter of the id,
    else the next free key. When the keyboard is full, the remaining labels have none."""
    controls = [(ENTITIES, schema.entities), *((group.id, group.labels) for group in schema.topics)]
    offered = [(control, label) for control, labels in controls for label in labels if not label.deprecated]
    taken = {label.hotkey for _, label in offered} | set(RESERVED_HOTKEYS)
    keys = {}
    for control, label in offered:
        wanted = (*(c for c in label.id.lower() if c in _KEYS), *_KEYS)
        key = label.hotkey or next((key for key in wanted if key not in taken), "")
        if key:
            taken.add(key)
            keys[control, label.id] = key
    return keys
