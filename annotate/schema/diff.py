"""From one version of a label schema to the next: what changes, where each label goes, what it means for what people have
annotated. Pure.

A label keeps its identity by its id. Where an id goes, the new schema's `aliases` say what it is called from now on, or the
caller does (`Choices`). A target is always a label that the new schema offers, a source never is one: so following the
routes twice is the same as following them once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from annotate.errors import UsageError, did_you_mean
from annotate.schema.labels import ENTITIES, OVERLAPS, Label, LabelSchema, Overlap, TopicGroup

Key = tuple[str, str]
"""Where a label stands in stored results: the control (`entities` or a topic group) and the id."""

Routes = Mapping[Key, Key | None]
"""Where labels go that change: None when they are deleted. What is not in it stays as it is."""

Kind = Literal[
    "words",
    "label_added",
    "label_removed",
    "label_deleted",
    "label_renamed",
    "label_merged",
    "label_moved",
    "label_deprecated",
    "label_restored",
    "group_added",
    "group_removed",
    "single_to_multi",
    "multi_to_single",
    "group_required",
    "group_optional",
    "overlap_wider",
    "overlap_narrower",
    "regions",
    "settings",
    "version",
]

EFFECTS: Mapping[Kind, str] = {
    "words": "touches no data",
    "label_added": "older answers never had the choice: push --requeue-before asks again",
    "label_removed": "where it is in use, say where it goes: --rename OLD=NEW or --delete OLD",
    "label_deleted": "schema migrate removes it from stored answers",
    "label_renamed": "schema migrate rewrites stored answers",
    "label_merged": "schema migrate rewrites stored answers; the distinction is lost",
    "label_moved": "schema migrate rewrites stored answers",
    "label_deprecated": "stays valid in stored answers, is no longer offered",
    "label_restored": "answers given meanwhile did not have the choice",
    "group_added": "older answers leave it unanswered: push --requeue-before asks again",
    "group_removed": "its labels go, each as said",
    "single_to_multi": "older answers could name one label only",
    "multi_to_single": "answers with several labels become invalid: annotators must choose",
    "group_required": "older answers may leave it unanswered",
    "group_optional": "touches no data",
    "overlap_wider": "older answers could not overlap so far",
    "overlap_narrower": "answers with such overlaps stay as they are; exports keep them in the span groups",
    "regions": "the next push creates and retires tasks",
    "settings": "concerns the next push, not stored answers",
    "version": "touches no data",
}
"""What each kind of change means for stored answers."""

_INCOMPLETE: frozenset[Kind] = frozenset(
    {"label_added", "label_restored", "group_added", "single_to_multi", "group_required", "overlap_wider"}
)
_REWRITTEN: frozenset[Kind] = frozenset({"label_deleted", "label_renamed", "label_merged", "label_moved"})


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two versions of a schema."""

    kind: Kind
    control: str
    """`entities`, or a topic group; empty for the schema as a whole."""
    label: str
    """Id in the old schema (in the new one when it is added); empty when it is about the control."""
    to: str
    """Where the label goes: `control/label`; else empty."""
    message: str

    @property
    def effect(self) -> str:
        """What it means for stored answers."""
        return EFFECTS[self.kind]

    @property
    def rewrites(self) -> bool:
        """Whether stored answers that hold the label are rewritten."""
        return self.kind in _REWRITTEN

    @property
    def undecided(self) -> bool:
        """Whether somebody must say where the label goes before answers that hold it can follow."""
        return self.kind == "label_removed"

    @property
    def incomplete(self) -> bool:
        """Whether answers given before it say less than answers given after it."""
        return self.kind in _INCOMPLETE


class HasLabels(Protocol):
    """A schema, as far as its labels go."""

    @property
    def entities(self) -> tuple[Label, ...]: ...

    @property
    def topics(self) -> tuple[TopicGroup, ...]: ...


@dataclass(frozen=True, slots=True)
class Choices:
    """What the caller decides about labels: the new id by the old one, and those to delete. An old label may be named with
    its control before it, `theme/sport`."""

    renames: Mapping[str, str]
    deletes: Collection[str] = ()


NO_CHOICES = Choices({})


def keys(schema: HasLabels) -> dict[Key, Label]:
    """All labels by where they stand, deprecated ones included."""
    found = {(ENTITIES, label.id): label for label in schema.entities}
    return found | {(group.id, label.id): label for group in schema.topics for label in group.labels}


def routes(old: Iterable[Key], new: LabelSchema, choices: Choices = NO_CHOICES) -> tuple[Routes, tuple[Key, ...]]:
    """Where the old labels go, and those of which nobody says it. `UsageError` for a choice that names no label that goes, or
    a target that the new schema does not offer."""
    there, old_keys = keys(new), list(dict.fromkeys(old))
    offered = {key for key, label in there.items() if not label.deprecated}
    chosen: dict[Key, Key | None] = {_source(name, old_keys, offered): None for name in choices.deletes}
    for name, target in choices.renames.items():
        source = _source(name, old_keys, offered)
        if source in chosen:
            raise UsageError(f"label {name!r} is both renamed and deleted", hint="decide for one")
        chosen[source] = _target(source, target, offered, new)
    aliases = {(key[0] == ENTITIES, alias): key for key, label in there.items() for alias in label.aliases}
    ids = {(key[0] == ENTITIES, key[1]): key for key in offered}
    found: dict[Key, Key | None] = {}
    undecided = []
    for key in old_keys:
        name_of_kind = (key[0] == ENTITIES, key[1])
        if key in chosen:
            found[key] = chosen[key]
        elif key in there:
            continue
        elif place := ids.get(name_of_kind) or aliases.get(name_of_kind):
            found[key] = place
        else:
            undecided.append(key)
    return found, tuple(undecided)


def _source(name: str, old: Sequence[Key], offered: Collection[Key]) -> Key:
    control, _, label = name.rpartition("/")
    fitting = [key for key in old if key[1] == label and control in ("", key[0])]
    if not fitting:
        raise UsageError(f"there is no label {name!r} to rename or delete", hint=did_you_mean(label, [key[1] for key in old]))
    going = [key for key in fitting if key not in offered]
    if not going:
        raise UsageError(f"label {name!r} stays: the new schema offers it", hint="remove or deprecate it there first")
    if len(going) > 1:
        told = " or ".join(f"{control}/{label}" for control, label in going)
        raise UsageError(f"label {name!r} stands in several places", hint=f"write {told}")
    return going[0]


def _target(source: Key, name: str, offered: Collection[Key], new: LabelSchema) -> Key:
    control, _, label = name.rpartition("/")
    is_entity = source[0] == ENTITIES
    fitting = [key for key in offered if key[1] == label and control in ("", key[0]) and (key[0] == ENTITIES) == is_entity]
    if not fitting:
        kind = "entity" if is_entity else "topic label"
        known = [key[1] for key in offered if (key[0] == ENTITIES) == is_entity]
        raise UsageError(f"{new.ref} offers no {kind} {name!r}", hint=did_you_mean(label, sorted(known)))
    return fitting[0]


# -- changes -----------------------------------------------------------------------------------------------------------


def compare(old: LabelSchema, new: LabelSchema, choices: Choices = NO_CHOICES) -> list[Change]:
    """Everything that changes from one schema file to the other."""
    return [*compare_rules(old, new), *compare_labels(old, new, choices), *compare_words(old, new), *_group_words(old, new)]


def compare_labels(old: HasLabels, new: LabelSchema, choices: Choices = NO_CHOICES) -> list[Change]:
    """Which labels and topic groups come, go and change their rules."""
    before, after = keys(old), keys(new)
    going, undecided = routes(before, new, choices)
    sources = Counter(target for target in going.values() if target)
    changes = []
    for key in before:
        if key in undecided:
            changes.append(_change("label_removed", key, "is gone"))
        elif key in going:
            changes.append(_routed(key, going[key], before, sources))
        elif after[key].deprecated != before[key].deprecated:
            word = "is deprecated" if after[key].deprecated else "is offered again"
            changes.append(_change("label_deprecated" if after[key].deprecated else "label_restored", key, word))
    for key, label in after.items():
        if key not in before and key not in sources and not label.deprecated:
            changes.append(_change("label_added", key, "is new"))
    return [*changes, *_group_changes(old, new, sources)]


def _routed(key: Key, target: Key | None, before: Collection[Key], sources: Mapping[Key, int]) -> Change:
    if target is None:
        return _change("label_deleted", key, "is deleted")
    told = "/".join(target)
    if sources[target] > 1 or target in before:
        return _change("label_merged", key, f"is merged into {told}", told)
    if key[0] != target[0]:
        return _change("label_moved", key, f"moves to {told}", told)
    return _change("label_renamed", key, f"is called {target[1]} now", told)


def _change(kind: Kind, key: Key, message: str, to: str = "") -> Change:
    return Change(kind, *key, to, message)


def _group_changes(old: HasLabels, new: HasLabels, sources: Mapping[Key, int]) -> list[Change]:
    before, after = ({group.id: group for group in schema.topics} for schema in (old, new))
    changes = [_change("group_removed", (name, ""), "is gone") for name in before if name not in after]
    for name, group in after.items():
        if name not in before:
            if not any((name, label.id) in sources for label in group.labels):  # else it is an old one's new name
                changes.append(_change("group_added", (name, ""), "is new"))
            continue
        was = before[name]
        if was.choice != group.choice:
            kind: Kind = "single_to_multi" if group.choice == "multi" else "multi_to_single"
            changes.append(
                _change(kind, (name, ""), f"takes {'several labels' if group.choice == 'multi' else 'one label'} now")
            )
        if was.required != group.required:
            kind = "group_required" if group.required else "group_optional"
            changes.append(_change(kind, (name, ""), f"is {'required' if group.required else 'optional'} now"))
    return changes


def compare_words(old: HasLabels, new: HasLabels) -> list[Change]:
    """Labels that stay where they are and look different: name, description, examples, colour, hotkey, parent."""
    after = keys(new)
    return [
        _change("words", key, "has other words, colour, key or examples")
        for key, label in keys(old).items()
        if key in after and _words(label) != _words(after[key])
    ]


def _words(label: Label) -> tuple[object, ...]:
    texts = (dict(label.name), dict(label.description), label.examples, label.counterexamples)
    return (*texts, label.color, label.hotkey, label.parent)


def _group_words(old: HasLabels, new: HasLabels) -> list[Change]:
    after = {group.id: group for group in new.topics}
    return [
        _change("words", (group.id, ""), "has other words")
        for group in old.topics
        if group.id in after and _texts(group) != _texts(after[group.id])
    ]


def _texts(group: TopicGroup) -> tuple[object, ...]:
    return dict(group.name), dict(group.description)


def compare_rules(old: LabelSchema, new: LabelSchema) -> list[Change]:
    """What changes about the schema as a whole."""
    changes = []
    if old.version != new.version:
        changes.append(_change("version", ("", ""), f"version {old.version} becomes {new.version}"))
    elif old.sha256 != new.sha256:
        changes.append(
            _change("version", ("", ""), f"both are called {new.version}, yet their labels or rules differ: raise it")
        )
    changes += compare_overlap(old.overlap, new.overlap)
    for what, was, now in (
        ("regions.annotate", old.annotate_regions, new.annotate_regions),
        ("regions.context", old.context_regions, new.context_regions),
    ):
        if set(was) != set(now):
            changes.append(_change("regions", ("", ""), f"{what}: {_listed(was)} becomes {_listed(now)}"))
    for what, was_value, now_value in (
        ("languages", old.languages, new.languages),
        ("agreement.overlap", old.agreement_overlap, new.agreement_overlap),
        ("tasks.max_chars", old.max_chars, new.max_chars),
        ("tasks.min_chars", old.min_chars, new.min_chars),
    ):
        if was_value != now_value:
            changes.append(_change("settings", ("", ""), f"{what}: {_listed(was_value)} becomes {_listed(now_value)}"))
    if (old.ui_languages, dict(old.guidelines)) != (new.ui_languages, dict(new.guidelines)):
        changes.append(_change("words", ("", ""), "guidelines or their languages change"))
    return changes


def compare_overlap(old: Overlap, new: Overlap) -> list[Change]:
    """Whether entities may overlap more than before, or less."""
    if old == new:
        return []
    wider = OVERLAPS.index(new) > OVERLAPS.index(old)
    kind: Kind = "overlap_wider" if wider else "overlap_narrower"
    return [_change(kind, (ENTITIES, ""), f"overlap {old} becomes {new}")]


def _listed(value: object) -> str:
    return (", ".join(value) or "any") if isinstance(value, tuple) else str(value)
