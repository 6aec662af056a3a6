"""What Label Studio checks of a labeling config, and of predictions against one. Pure.

Deliberately no stricter than the original: duplicate labels, unknown tags and configs without any control are accepted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

Json = dict[str, Any]

_CHILDREN = {"Labels": "Label", "Choices": "Choice"}
_VALUE_KEYS = {"labels": "labels", "choices": "choices"}


class ConfigProblem(ValueError):
    """A config that Label Studio refuses, in its words."""


@dataclass(frozen=True, slots=True)
class Control:
    """A tag that annotators work with: its type in results (`labels`), what it is about, and its labels by their aliases."""

    kind: str
    to_name: str
    labels: frozenset[str]


@dataclass(frozen=True, slots=True)
class LabelingConfig:
    """The parts of a config that something depends on."""

    controls: dict[str, Control]
    keys: dict[str, str]
    """Data key → the object tag that shows it: every task needs it."""


def parse(xml: str) -> LabelingConfig:
    """The config's controls and data keys. `ConfigProblem` where Label Studio refuses it."""
    try:
        root = ElementTree.fromstring(xml)
    except ElementTree.ParseError as problem:
        raise ConfigProblem(str(problem)) from None
    named = [element for element in root.iter() if element.get("name")]
    names = [element.attrib["name"] for element in named]
    if len(set(names)) < len(names):
        raise ConfigProblem("Label config contains non-unique names")
    controls, keys = {}, {}
    for element in named:
        target = element.get("toName")
        if target:
            controls[element.attrib["name"]] = _control(element, target, names)
        elif (value := element.get("value", "")).startswith("$"):
            keys[value[1:]] = element.tag
    return LabelingConfig(controls, keys)


def _control(element: ElementTree.Element, target: str, names: Sequence[str]) -> Control:
    for name in target.split(","):
        if name not in names:
            raise ConfigProblem(f'toName="{name}" not found in names: {sorted(names)}')
    wanted = _CHILDREN.get(element.tag, "")
    children = [child for child in element.iter() if child.tag == wanted]
    if wanted and not children:
        raise ConfigProblem(f"Validation failed on : '{wanted}' is a required property")
    labels = frozenset(child.get("alias") or child.get("value") or "" for child in children)
    return Control(element.tag.lower(), target, labels)


def task_problem(config: LabelingConfig, data: object) -> str:
    """Why a task with this data is refused; empty when it is not. White space, numbers and lists pass as text."""
    if not isinstance(data, dict):
        return "Data is empty" if not data else "Task data must be a dict"
    for key, tag in config.keys.items():
        if key not in data:
            return f'"{key}" key is expected in task data'
        if not isinstance(data[key], str | int | float | list):
            return (
                f"data['{key}']={data[key]!r} is of type '{type(data[key]).__name__}', "
                f"but the object tag {tag} expects the following types: ['str', 'int', 'float', 'list']"
            )
    return ""


def is_valid_prediction(config: LabelingConfig, result: object) -> bool:
    """Whether a prediction is kept. Offsets may lie anywhere, but must be there."""
    return isinstance(result, list) and all(_is_valid_region(config, region) for region in result)


def _is_valid_region(config: LabelingConfig, region: object) -> bool:
    if not isinstance(region, dict) or not isinstance(region.get("value"), dict):
        return False
    control = config.controls.get(str(region.get("from_name")))
    if control is None or region.get("to_name") != control.to_name or region.get("type") != control.kind:
        return False
    value = region["value"]
    if control.kind == "labels" and not {"start", "end"} <= value.keys():
        return False
    key = _VALUE_KEYS.get(control.kind)
    return key is None or (isinstance(value.get(key), list) and set(map(str, value[key])) <= control.labels)


def tuples_in_use(results: Iterable[object]) -> Counter[tuple[str, str, str]]:
    """How often each (from_name, to_name, type) occurs in results."""
    return Counter((str(r["from_name"]), str(r["to_name"]), str(r["type"])) for r in _regions(results) if "to_name" in r)


def labels_in_use(results: Iterable[object]) -> Counter[tuple[str, str]]:
    """In how many results each (from_name, label) occurs."""
    seen: Counter[tuple[str, str]] = Counter()
    for result in results:
        seen.update({(str(r["from_name"]), str(label)) for r in _regions([result]) for label in _labels(r)})
    return seen


def _regions(results: Iterable[object]) -> Iterable[Json]:
    for result in results:
        for region in result if isinstance(result, list) else ():
            if isinstance(region, dict) and {"from_name", "type"} <= region.keys():
                yield region


def _labels(region: Json) -> Iterable[object]:
    value = region.get("value")
    labels = value.get(_VALUE_KEYS.get(str(region["type"]), "")) if isinstance(value, dict) else None
    return labels if isinstance(labels, list) else ()
