"""What a label schema holds, as frozen data."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from annotate.errors import InvariantError, UnknownName
from annotate.model import SchemaRef

ENTITIES = "entities"
"""Name of the control of the entities. The control of a topic group is called as the group."""

Overlap = Literal["none", "nested", "any"]
Choice = Literal["single", "multi"]
OVERLAPS: tuple[Overlap, ...] = ("none", "nested", "any")
"""How far entities may overlap, from least to most; the first one is the default."""


@dataclass(frozen=True, slots=True)
class Example:
    """A text that shows a label at work. For an entity the spans stand in brackets: `[Turku] is old`."""

    text: str
    lang: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """An entity or topic label. `id` is what data holds; every human word is a display text by UI language."""

    id: str
    name: Mapping[str, str] = field(default_factory=dict)
    description: Mapping[str, str] = field(default_factory=dict)
    color: str = ""
    """`#rrggbb`; empty when the labeling config may pick one."""
    hotkey: str = ""
    """Lower case; empty when the labeling config may pick one."""
    examples: tuple[Example, ...] = ()
    counterexamples: tuple[Example, ...] = ()
    aliases: tuple[str, ...] = ()
    """Ids the label had before, or has elsewhere: import and migration read them as this label."""
    parent: str = ""
    deprecated: bool = False
    """Still valid in data, no longer offered to annotators."""


@dataclass(frozen=True, slots=True)
class TopicGroup:
    """One question about a whole segment. `id` is the name of its control in Label Studio."""

    id: str
    choice: Choice
    required: bool
    labels: tuple[Label, ...]
    name: Mapping[str, str] = field(default_factory=dict)
    description: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LabelSchema:
    """What is annotated: labels, topics, regions, guidelines."""

    name: str
    version: str
    languages: tuple[str, ...]
    """BCP-47 tags of the data; empty: any."""
    ui_languages: tuple[str, ...]
    """BCP-47 tags of the display texts, the first one the fallback."""
    annotate_regions: tuple[str, ...]
    context_regions: tuple[str, ...]
    guidelines: Mapping[str, str]
    """Markdown by UI language."""
    overlap: Overlap
    entities: tuple[Label, ...]
    topics: tuple[TopicGroup, ...]
    agreement_overlap: int
    """Annotators per segment."""
    max_chars: int
    """Longer segments are cut into several tasks (code points)."""
    min_chars: int
    """Shorter segments are not annotated (code points)."""
    sha256: str = field(init=False)
    """Hash of the ids and the structure. Names, colours, hotkeys, texts, order and version are no part of it."""

    def __post_init__(self) -> None:
        for kind, ids in (("entity", self.entity_ids), ("topic label", self.topic_ids), ("topic group", self.group_ids)):
            if len(set(ids)) < len(ids):
                raise InvariantError(f"schema {self.name!r}: {kind} ids stand twice among {', '.join(ids)}")
        if not (self.entities or any(group.labels for group in self.topics)):
            raise InvariantError(f"schema {self.name!r} has no label")
        structure = {
            "overlap": self.overlap,
            "entities": sorted(self.entity_ids),
            "topics": [
                {"id": g.id, "choice": g.choice, "required": g.required, "labels": sorted(label.id for label in g.labels)}
                for g in sorted(self.topics, key=lambda group: group.id)
            ],
            "regions": {"annotate": sorted(self.annotate_regions), "context": sorted(self.context_regions)},
        }
        digest = hashlib.sha256(json.dumps(structure, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
        object.__setattr__(self, "sha256", digest)

    @property
    def ref(self) -> SchemaRef:
        return SchemaRef(self.name, self.version, self.sha256)

    @property
    def entity_ids(self) -> tuple[str, ...]:
        """Ids of all entity labels, deprecated ones included."""
        return tuple(label.id for label in self.entities)

    @property
    def topic_ids(self) -> tuple[str, ...]:
        """Ids of the labels of all topic groups, deprecated ones included."""
        return tuple(label.id for group in self.topics for label in group.labels)

    @property
    def group_ids(self) -> tuple[str, ...]:
        return tuple(group.id for group in self.topics)

    def group_of(self, label_id: str) -> TopicGroup:
        """The group a topic label belongs to; `UnknownName` when none has it."""
        for group in self.topics:
            if any(label.id == label_id for label in group.labels):
                return group
        raise UnknownName("topic label", label_id, self.topic_ids)


def iob_tag(label_id: str) -> str:
    """The label's name in an IOB tag, where a dot would be read as a separator by some tools."""
    return label_id.replace(".", "_")


def marked_spans(text: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The text of an entity example without its brackets, and the ranges they enclosed, outer before inner.

    Brackets may nest; `\\[` and `\\]` are literal. `ValueError` when they do not pair up or enclose nothing."""
    plain: list[str] = []
    opened: list[int] = []
    spans: list[tuple[int, int]] = []
    for token in re.findall(r"\\[\[\]]|.", text, re.DOTALL):
        if token == "[":
            opened.append(len(plain))
        elif token == "]":
            if not opened:
                raise ValueError("a ] without its [")
            start = opened.pop()
            if not "".join(plain[start:]).strip():
                raise ValueError("brackets around nothing")
            spans.append((start, len(plain)))
        else:
            plain.append(token[-1])
    if opened:
        raise ValueError("a [ without its ]")
    return "".join(plain), tuple(sorted(spans, key=lambda span: (span[0], -span[1])))
