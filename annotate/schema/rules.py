"""Rules that need more than one value: labels against each other, brackets against themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import yaml

from annotate.errors import did_you_mean
from annotate.schema.labels import Label, iob_tag, marked_spans
from annotate.schema.nodes import NodeReader, line_of


@dataclass(frozen=True, slots=True)
class Placed:
    """A label, and where each part of it stands."""

    label: Label
    node: yaml.Node
    keys: Mapping[str, yaml.Node]
    aliases: Mapping[str, yaml.Node]

    def at(self, key: str) -> yaml.Node:
        return self.keys.get(key, self.node)


def check_brackets(reader: NodeReader, text: str, at: yaml.Node, what: str, *, required: bool) -> None:
    """The brackets of an entity example pair up; where they are required, there are some."""
    try:
        _, spans = marked_spans(text)
    except ValueError as problem:
        reader.error(at, f"{what}: {problem} in {text!r}", "write \\[ for a bracket that belongs to the text")
        return
    if required and not spans:
        reader.error(
            at, f"{what}: no [brackets] in {text!r}", "put what the label covers into brackets, and the text into quotes"
        )


def check_ids(reader: NodeReader, labels: Iterable[Placed], kind: str) -> None:
    """No id or alias stands for two labels, not even in another case or after the change to an IOB tag."""
    seen: dict[str, tuple[str, yaml.Node]] = {}
    for placed in labels:
        own = placed.label.id
        for name, at in [(own, placed.at("id")), *placed.aliases.items()]:
            first, place = seen.setdefault(iob_tag(name).casefold(), (name, at))
            if place is at:
                continue
            who = f"{kind} {name!r}" if name == own else f"alias {name!r} of {own}"
            if first == name:
                message = f"{who} stands twice"
            elif first.casefold() == name.casefold():
                message = f"{who} and {first!r} differ only in case"
            else:
                message = f"{who} and {first!r} become the same IOB tag"
            reader.error(at, message, f"the other is on line {line_of(place)}")


def check_hotkeys(reader: NodeReader, labels: Iterable[Placed]) -> None:
    """No key stands for two labels, be they entities or topics."""
    for placed, other in _repeats(labels, "hotkey"):
        message = f"hotkey {placed.label.hotkey!r} of {placed.label.id} is also that of {other.label.id}"
        reader.error(placed.at("hotkey"), message, f"the other is on line {line_of(other.at('hotkey'))}")


def check_colors(reader: NodeReader, labels: Iterable[Placed]) -> None:
    """Two labels of one colour cannot be told apart in a text."""
    for placed, other in _repeats(labels, "color"):
        message = f"{placed.label.id} and {other.label.id} have the same color {placed.label.color}"
        reader.warn(placed.at("color"), message, f"the other is on line {line_of(other.at('color'))}")


def _repeats(labels: Iterable[Placed], key: str) -> list[tuple[Placed, Placed]]:
    """Each label whose value for the key stands before it already, with the first label that has it."""
    seen: dict[str, Placed] = {}
    pairs = [(placed, seen.setdefault(getattr(placed.label, key), placed)) for placed in labels]
    return [(placed, other) for placed, other in pairs if getattr(placed.label, key) and other is not placed]


def check_parents(reader: NodeReader, family: Sequence[Placed]) -> None:
    """A parent is a label of the same family, and nobody is their own ancestor."""
    parents = {placed.label.id: placed.label.parent for placed in family}
    for placed in family:
        own, parent = placed.label.id, placed.label.parent
        if parent and parent not in parents:
            reader.error(placed.at("parent"), f"parent of {own}: no label {parent!r}", did_you_mean(parent, list(parents)))
        path = [own]
        while parent in parents and parent not in path:
            path.append(parent)
            parent = parents[parent]
        if parent == own:
            reader.error(placed.at("parent"), f"parents go in a circle: {' → '.join([*path, parent])}")
