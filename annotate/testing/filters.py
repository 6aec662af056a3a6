"""The filters and orders of the Data Manager, as `query=` of a list of tasks and as tabs. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Json = Mapping[str, Any]


class FilterProblem(ValueError):
    """A filter that makes Label Studio fail."""


def matches(task: Json, query: Json) -> bool:
    """Whether a task, as the list shows it in full, passes the filters of a query."""
    filters = query.get("filters") or {}
    verdicts = [_passes(task, item) for item in filters.get("items", ())]
    return not verdicts or (any(verdicts) if filters.get("conjunction") == "or" else all(verdicts))


def in_order(tasks: list[Json], query: Json) -> list[Json]:
    """The tasks in the order a query asks for, by id where it does not."""
    for name in reversed(query.get("ordering") or ()):
        column = name.removeprefix("-").removeprefix("tasks:")
        tasks = sorted(tasks, key=lambda task: _sortable(_value(task, column)), reverse=name.startswith("-"))
    return tasks


def _sortable(value: object) -> tuple[bool, bool, Any]:
    return value is not None, isinstance(value, str), value if value is not None else 0


def _passes(task: Json, item: Json) -> bool:
    value, wanted = _value(task, str(item["filter"]).removeprefix("filter:tasks:")), item.get("value")
    operator = str(item.get("operator"))
    if operator == "empty":
        return (value in (None, "", [])) == (str(wanted).lower() == "true")
    if value is None:  # as in SQL: what is not there is neither equal nor different
        return False
    return _OPERATORS.get(operator, _equal)(value, wanted)


def _value(task: Json, column: str) -> Any:
    if column.startswith("data."):
        return task["data"].get(column.removeprefix("data."))
    if column not in task or column in ("data", "meta"):
        raise FilterProblem(f"Cannot resolve keyword '{column}' into field. Choices are: annotations, data, id, updated_at, …")
    return task[column]


def _equal(value: Any, wanted: Any) -> bool:
    return bool(value == wanted and isinstance(value, str) == isinstance(wanted, str))


def _contains(value: Any, wanted: Any) -> bool:
    if isinstance(value, list):
        return wanted in value
    return str(wanted).casefold() in str(value).casefold()


def _compared(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def passes(value: Any, wanted: Any) -> bool:
        return isinstance(value, str) == isinstance(wanted, str) and compare(value, wanted)

    return passes


def _between(value: Any, wanted: Any) -> bool:
    if not isinstance(wanted, dict):
        raise FilterProblem(f"'{type(wanted).__name__}' object has no attribute 'min'")
    return bool(wanted["min"] <= value <= wanted["max"])


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "equal": _equal,
    "not_equal": lambda value, wanted: not _equal(value, wanted),
    "contains": _contains,
    "not_contains": lambda value, wanted: not _contains(value, wanted),
    "regex": lambda value, wanted: re.search(wanted, str(value)) is not None,
    "greater": _compared(lambda value, wanted: value > wanted),
    "greater_or_equal": _compared(lambda value, wanted: value >= wanted),
    "less": _compared(lambda value, wanted: value < wanted),
    "less_or_equal": _compared(lambda value, wanted: value <= wanted),
    "in_list": lambda value, wanted: value in wanted,
    "not_in_list": lambda value, wanted: value not in wanted,
    "in": _between,
    "not_in": lambda value, wanted: not _between(value, wanted),
}
