"""The exception tree: exit codes, hints, and the way home from a worker process."""

from __future__ import annotations

import pickle

import pytest

from annotate import errors
from annotate.errors import AnnotateError, DataFindings, MissingExtra, Problem, ReadError, SchemaError, UnknownName

EXAMPLES = [
    ReadError("cannot read a.txt", hint="check the path"),
    UnknownName("detector", "langdtect", ["langdetect", "py3langid"]),
    MissingExtra("datasets", "hf"),
    SchemaError([Problem("a.yaml", 3, "unknown key", "did you mean 'id'?"), Problem("a.yaml", 0, "empty", level="warning")]),
    DataFindings("two findings", ["one", "two"], hint="mend them"),
]


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_errors_travel_between_processes(error: AnnotateError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert (str(copy), copy.__dict__) == (str(error), error.__dict__)


def test_every_error_has_an_exit_code_of_the_contract() -> None:
    tree = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, AnnotateError)]
    assert len(tree) > 12
    assert {kind.exit_code for kind in tree} == {1, 2, 3, 4}


def test_every_error_is_in_the_tree_of_the_docstring() -> None:
    tree = [name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, AnnotateError)]
    assert [name for name in tree if name not in str(errors.__doc__)] == []


def test_problems_say_where_what_and_what_next() -> None:
    assert str(EXAMPLES[3]) == "a.yaml:3: unknown key (did you mean 'id'?)\na.yaml: warning: empty"
    assert EXAMPLES[1].hint == "did you mean 'langdetect'?"
    assert UnknownName("format", "xyz", ["jsonl", "spacy"]).hint == "known: jsonl, spacy"
