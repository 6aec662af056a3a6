"""YAML nodes into plain values. What is wrong becomes a problem with its line and a harmless value, so that reading goes on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import cast

import yaml

from annotate.errors import Problem, did_you_mean


class NodeReader:
    """Reads the nodes of one file; `problems` collects every finding."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.problems: list[Problem] = []

    def error(self, at: yaml.Node, message: str, hint: str = "") -> None:
        self.problems.append(Problem(self.path, line_of(at), message, hint))

    def warn(self, at: yaml.Node, message: str, hint: str = "") -> None:
        self.problems.append(Problem(self.path, line_of(at), message, hint, "warning"))

    def pairs(self, node: yaml.Node, what: str) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
        """Key, its node and the value's node; a key that stands twice is reported and passed over."""
        if not isinstance(node, yaml.MappingNode):
            self.error(node, f"{what} must be `key: value` pairs, not {_kind(node)}")
            return
        seen: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = self.text(key, f"a key of {what}")
            if name in seen:
                self.error(key, f"{what} has the key {name!r} twice", f"first on line {line_of(seen[name])}")
            elif name:
                seen[name] = key
                yield name, key, value

    def mapping(self, node: yaml.Node, what: str, keys: Sequence[str]) -> dict[str, yaml.Node]:
        """The values of the known keys; null counts as absent, and nothing at all gets a warning."""
        found = {}
        for name, key, value in self.pairs(node, what):
            if name not in keys:
                self.error(key, f"{what} has no key {name!r}", did_you_mean(name, keys))
            elif not _is_null(value):
                found[name] = value
            elif not value.value:
                self.warn(key, f"{name!r} has no value", "remove the key; a value that starts with # needs quotes")
        return found

    def items(self, node: yaml.Node | None, what: str) -> list[yaml.Node]:
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            self.error(node, f"{what} must be a list, not {_kind(node)}", "write [one, two], or one `- item` a line")
            return []
        return cast("list[yaml.Node]", node.value)

    def text(self, node: yaml.Node, what: str) -> str:
        """The scalar as it is written, whatever YAML would make of it; empty when it is none."""
        if not isinstance(node, yaml.ScalarNode):
            self.error(node, f"{what} must be text, not {_kind(node)}")
            return ""
        text = cast("str", node.value).strip()
        if not text:
            self.error(node, f"{what} is empty")
        return text

    def words(self, node: yaml.Node | None, what: str) -> dict[str, yaml.Node]:
        """The distinct texts of a list, each with its place."""
        found: dict[str, yaml.Node] = {}
        for item in self.items(node, what):
            word = self.text(item, f"an item of {what}")
            if word in found:
                self.error(item, f"{what} lists {word!r} twice")
            elif word:
                found[word] = item
        return found

    def number(self, node: yaml.Node | None, what: str, default: int, least: int) -> int:
        if node is None:
            return default
        value = node.value if isinstance(node, yaml.ScalarNode) else ""
        if not re.fullmatch(r"-?[0-9]{1,12}", value) or int(value) < least:
            self.error(node, f"{what} must be a whole number, {least} or more")
            return default
        return int(value)

    def flag(self, node: yaml.Node | None, what: str) -> bool:
        if node is None:
            return False
        if not isinstance(node, yaml.ScalarNode) or node.tag != "tag:yaml.org,2002:bool":
            self.error(node, f"{what} must be true or false")
            return False
        return cast("str", node.value).lower() in {"true", "yes", "on"}

    def one_of(self, node: yaml.Node | None, what: str, known: Sequence[str]) -> str:
        """One of the known words, the first when absent."""
        word = known[0] if node is None else self.text(node, what)
        if node is not None and word and word not in known:
            self.error(node, f"{what} cannot be {word!r}", did_you_mean(word, known))
        return word if word in known else known[0]


def line_of(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _is_null(node: yaml.Node) -> bool:
    """Whether nothing was written there, or a null; the word NULL may be an id."""
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null" and node.value in {"", "~", "null"}


def _kind(node: yaml.Node) -> str:
    if isinstance(node, yaml.MappingNode):
        return "`key: value` pairs"
    return "a list" if isinstance(node, yaml.SequenceNode) else f"the text {node.value!r}"
