"""Settings and where they come from: flag > environment > `annotate.yaml` (searched upwards) > default.

The workspace is the folder of `annotate.yaml`, else the current one. Tokens are never settings: they come from the environment
or from a file that `label_studio.token_file` names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from annotate.errors import Problem, ReadError, SchemaError, did_you_mean

FILE = "annotate.yaml"

ENVIRONMENT = {
    "project": "ANNOTATE_PROJECT",
    "schema": "ANNOTATE_SCHEMA",
    "annotators": "ANNOTATE_ANNOTATORS",
    "ui_language": "ANNOTATE_UI_LANGUAGE",
    "label_studio.url": "LABEL_STUDIO_URL",
    "label_studio.token_file": "ANNOTATE_TOKEN_FILE",
}
"""Settings by name, and the environment variable of each."""

TOKEN = "LABEL_STUDIO_API_KEY"

DEFAULTS = dict.fromkeys(ENVIRONMENT, "") | {"schema": "default"}


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and its origin, such as `flag`, `LABEL_STUDIO_URL`, `annotate.yaml:3` or `default`."""

    value: str
    origin: str


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of one run."""

    workspace: Path
    settings: Mapping[str, Setting]

    def __getitem__(self, name: str) -> str:
        return self.settings[name].value

    def folder_of(self, name: str) -> Path:
        """What a path in a setting is relative to: the workspace when `annotate.yaml` says it, else the current folder."""
        return self.workspace if self.settings[name].origin.startswith(FILE) else Path.cwd()

    @property
    def annotators(self) -> tuple[str, ...]:
        """Names of the annotators, each with a project of their own; empty: one project for all."""
        return tuple(name.strip() for name in self["annotators"].split(",") if name.strip())

    @property
    def ui_languages(self) -> dict[str, str]:
        """In which language annotators read labels and guidelines, by name; under an empty name the others: `fi` for all, or
        `aino=fi, ben=ko, en`."""
        given = (part.strip() for part in self["ui_language"].split(",") if part.strip())
        pairs = (part.rpartition("=") for part in given)
        return {name.strip(): language.strip() for name, _, language in pairs}


def load(start: Path, flags: Mapping[str, str | None], environment: Mapping[str, str]) -> Config:
    """The settings seen from a folder. `SchemaError` lists what is wrong in `annotate.yaml`, with lines."""
    path = find_file(start)
    written = read_file(path) if path else {}
    settings = {}
    for name, default in DEFAULTS.items():
        variable = ENVIRONMENT[name]
        if flags.get(name) is not None:
            settings[name] = Setting(str(flags[name]), "flag")
        elif environment.get(variable):
            settings[name] = Setting(environment[variable], variable)
        else:
            settings[name] = written.get(name, Setting(default, "default"))
    return Config(path.parent if path else start, settings)


def find_file(start: Path) -> Path | None:
    """The nearest `annotate.yaml` in a folder or above it."""
    folder = start.resolve()
    return next((f / FILE for f in (folder, *folder.parents) if (f / FILE).is_file()), None)


def read_file(path: Path) -> dict[str, Setting]:
    """The settings in an `annotate.yaml`. Lists become comma-separated values; paths are relative to the file."""
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
        raise ReadError(f"cannot read {path}: {problem}", hint="a valid one has lines such as: project: harbour news") from None
    settings: dict[str, Setting] = {}
    problems = []
    for name, node, line in _flat(root, "") if root else ():
        if name not in DEFAULTS:
            problems.append(Problem(path.name, line, f"unknown setting {name!r}", did_you_mean(name, list(DEFAULTS))))
        elif (value := _text(node)) is None:
            problems.append(Problem(path.name, line, f"{name} must be a text or a list of texts"))
        else:
            settings[name] = Setting(value, f"{path.name}:{line}")
    if problems:
        raise SchemaError(problems)
    return settings


def _flat(node: Any, prefix: str) -> Iterator[tuple[str, Any, int]]:
    if not isinstance(node, yaml.MappingNode):
        yield prefix.rstrip("."), node, node.start_mark.line + 1
        return
    for key, value in node.value:
        yield from _flat(value, f"{prefix}{key.value}.")


def _text(node: Any) -> str | None:
    if isinstance(node, yaml.ScalarNode):
        return str(node.value)
    if isinstance(node, yaml.SequenceNode) and all(isinstance(item, yaml.ScalarNode) for item in node.value):
        return ",".join(item.value for item in node.value)
    return None
