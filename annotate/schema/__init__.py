"""Label schemas: YAML → a validated, frozen `LabelSchema`.

The YAML is read as a tree of marked nodes, not as Python values: so every problem has its line, all of them come at once, and a
label called `NO` stays the word it is. `schemas/schema.json` describes the same shape to editors.

    labels   the data
    nodes    YAML nodes → plain values, and problems with their line
    rules    labels against each other
    reading  nodes → LabelSchema
    diff     what changes from one schema to the next, and where each label goes
"""

from __future__ import annotations

from pathlib import Path

import yaml

from annotate.errors import Problem, ReadError, SchemaError, UnknownName
from annotate.resources import schemas_folder
from annotate.schema.labels import (
    ENTITIES,
    OVERLAPS,
    Choice,
    Example,
    Label,
    LabelSchema,
    Overlap,
    TopicGroup,
    iob_tag,
    marked_spans,
)
from annotate.schema.reading import RESERVED_HOTKEYS, RESERVED_NAMES, SchemaReader

__all__ = [
    "ENTITIES",
    "OVERLAPS",
    "RESERVED_HOTKEYS",
    "RESERVED_NAMES",
    "Choice",
    "Example",
    "Label",
    "LabelSchema",
    "Overlap",
    "TopicGroup",
    "check",
    "find",
    "iob_tag",
    "load",
    "marked_spans",
    "parse",
]


def find(name_or_path: str, folder: Path) -> Path:
    """The file of a schema: a path when it ends in .yaml or .yml, else `folder/schemas/NAME.yaml`, else the shipped NAME.
    `UnknownName` when there is none of that name."""
    if name_or_path.endswith((".yaml", ".yml")):
        return Path(name_or_path)
    known = {path.stem: path for place in (schemas_folder(), folder / "schemas") for path in sorted(place.glob("*.yaml"))}
    if name_or_path not in known:
        raise UnknownName("label schema", name_or_path, known)
    return known[name_or_path]


def load(path: Path) -> LabelSchema:
    """The schema in a file. `ReadError` when it cannot be opened, `SchemaError` with all problems when it is not valid."""
    try:
        raw = path.read_bytes()
    except OSError as problem:
        raise ReadError(f"cannot read {path}: {problem.strerror}", hint="check the path") from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = raw.count(b"\n", 0, problem.start) + 1
        raise SchemaError([Problem(str(path), line, "not UTF-8", "save the file as UTF-8")]) from None
    return parse(text, str(path))


def parse(text: str, path: str) -> LabelSchema:
    """The schema a YAML text holds; guideline files are looked for beside `path`. `SchemaError` lists every problem."""
    schema, problems = _read(text, path)
    if schema is None:
        raise SchemaError([problem for problem in problems if problem.level == "error"])
    return schema


def check(text: str, path: str) -> list[Problem]:
    """All errors and warnings of a YAML text, by line."""
    return _read(text, path)[1]


def _read(text: str, path: str) -> tuple[LabelSchema | None, list[Problem]]:
    reader = SchemaReader(path)
    schema = None
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        schema = reader.schema(root)
    except yaml.YAMLError as problem:
        reader.problems.append(_syntax_problem(problem, text, path))
    except RecursionError:
        reader.problems.append(Problem(path, 1, "the YAML is nested too deeply"))
    return schema, sorted(reader.problems, key=lambda problem: problem.line)


def _syntax_problem(problem: yaml.YAMLError, text: str, path: str) -> Problem:
    if isinstance(problem, yaml.reader.ReaderError):
        line = text.count("\n", 0, problem.position) + 1
        return Problem(path, line, f"YAML cannot hold the character U+{ord(text[problem.position]):04X}", "remove it")
    assert isinstance(problem, yaml.MarkedYAMLError)  # the only other kind that compose raises
    mark = problem.problem_mark or problem.context_mark
    message = f"not YAML: {problem.problem or problem.context}"
    hint = "put texts that hold : # [ ] { } & * ! | > ' \" % @ or ` into quotes"
    if "'\\t'" in message:
        hint = "indent with spaces, not with tabs"
    elif "single document" in str(problem.context):
        message, hint = "more than one YAML document", "a schema file holds one; remove the second ---"
    return Problem(path, mark.line + 1 if mark else 0, message, hint)
