"""Labeling config → labels: the way back, for what the schema file no longer says. Pure.

A project keeps the config it was given, not the schema it came from. Ids, choice and what is hidden can be read off it; words
only in the language it was made for."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from xml.etree import ElementTree

from annotate.errors import ConfigRefused
from annotate.schema import ENTITIES, Label, TopicGroup
from annotate.schema.diff import Key, Routes


@dataclass(frozen=True, slots=True)
class ConfigLabels:
    """The labels of a labeling config; names and descriptions under the language tag ''."""

    entities: tuple[Label, ...]
    topics: tuple[TopicGroup, ...]


def read_config(config: str) -> ConfigLabels:
    """The labels a config has, hidden ones as deprecated. `ConfigRefused` when it is not XML."""
    root = _parsed(config)
    entities = [_label(child) for control in _controls(root, "Labels") for child in control.iter("Label")]
    topics = [
        TopicGroup(
            id=control.attrib["name"],
            choice="multi" if control.get("choice", "single") == "multiple" else "single",
            required=control.get("required") == "true",
            labels=tuple(_label(child) for child in control.iter("Choice")),
        )
        for control in _controls(root, "Choices")
    ]
    return ConfigLabels(tuple(entities), tuple(topics))


def transition(config: str, wanted: str, routes: Routes) -> str:
    """The config a project has while its answers are rewritten: labels that go are hidden but valid, those they become are
    offered. What else is new in the wanted config stays out, so that an interrupted migration still sees it is new."""
    root, after = _parsed(config), _parsed(wanted)
    for key, element in _placed(root).items():
        if key in routes:
            element.set("visible", "false")
    for key in dict.fromkeys(target for target in routes.values() if target):
        if key not in _placed(root):
            _control(root, after, key[0]).append(_placed(after)[key])
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode")


def _parsed(config: str) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(config)
    except ElementTree.ParseError as problem:
        raise ConfigRefused(f"the project's labeling config is not XML: {problem}", hint="annotate push sets it anew") from None


def _controls(root: ElementTree.Element, tag: str) -> Iterable[ElementTree.Element]:
    return (control for control in root.iter(tag) if control.get("name") and control.get("toName"))


def _placed(root: ElementTree.Element) -> dict[Key, ElementTree.Element]:
    return {
        (control.attrib["name"], _id(child)): child
        for tag, child_tag in (("Labels", "Label"), ("Choices", "Choice"))
        for control in _controls(root, tag)
        for child in control.iter(child_tag)
    }


def _control(root: ElementTree.Element, after: ElementTree.Element, name: str) -> ElementTree.Element:
    """The control of a name; copied without its labels when the config does not have it yet."""
    tag = "Labels" if name == ENTITIES else "Choices"
    for control in _controls(root, tag):
        if control.get("name") == name:
            return control
    control = deepcopy(next(control for control in _controls(after, tag) if control.get("name") == name))
    for child in list(control):
        control.remove(child)
    control.set("required", "false")
    if tag == "Labels":
        root.insert(0, control)
    else:
        root.append(control)
    return control


def _label(element: ElementTree.Element) -> Label:
    return Label(
        id=_id(element),
        name={"": element.get("value", "")},
        description={"": element.get("hint", "")},
        color=element.get("background", ""),
        hotkey=element.get("hotkey", ""),
        deprecated=element.get("visible") == "false",
    )


def _id(element: ElementTree.Element) -> str:
    return element.get("alias") or element.get("value") or ""
