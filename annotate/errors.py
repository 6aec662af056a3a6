"""Everything annotate raises on purpose.

    AnnotateError
    ├── InvariantError       a record that cannot exist: a tiling with a hole, a span past the end
    ├── UsageError           options that contradict each other or name nothing
    ├── SchemaError          a label schema with problems, all of them listed with file:line
    ├── UnknownName          a detector, format, schema … that does not exist (did you mean …)
    ├── MissingExtra         an optional package is not installed
    ├── ReadError            an input that cannot be read at all
    ├── DataFindings         the data breaks a rule the caller asked to be strict about
    └── LabelStudioError     the server
        ├── ServerUnreachable   nothing answers
        ├── NotAuthorised       the token is missing, wrong or switched off
        ├── ProjectNotFound     no such project, or more than one that could be meant
        ├── UnexpectedAnswer    an answer that is not Label Studio's (proxy, login page, 5xx)
        ├── ConfigRefused       the labeling config was not accepted
        └── EditionLimit        only the Enterprise edition has it

Each carries what went wrong, a hint that says what to do next, and the exit code the command line ends with.
Anything else that escapes is a bug and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

OK, FAILURE, USAGE, FINDINGS, SERVER, PARTIAL, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130
"""The exit codes of the command line (DESIGN: fine, failed, usage, data findings, Label Studio, some rejected, Ctrl-C)."""


class AnnotateError(Exception):
    """Base of all errors annotate raises on purpose."""

    exit_code: int = FAILURE

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[object, ...]:
        # Subclasses have arguments of their own; a worker process must still be able to send any of them home.
        return _rebuilt, (type(self), self.args, self.__dict__)


def _rebuilt(kind: type[AnnotateError], arguments: tuple[object, ...], state: dict[str, object]) -> AnnotateError:
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(state)
    return error


class InvariantError(AnnotateError):
    """A value that breaks a rule of the data model."""


class UsageError(AnnotateError):
    """The caller's options do not fit together."""

    exit_code = USAGE


class ReadError(AnnotateError):
    """An input that cannot be read at all."""


class MissingExtra(AnnotateError):
    """An optional package is needed."""

    exit_code = USAGE

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"this needs the package {package}", hint=f"pip install 'corpus-annotate[{extra}]'")


class UnknownName(AnnotateError):
    """A name that is in none of the lists it could be in."""

    exit_code = USAGE

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        super().__init__(f"there is no {kind} {name!r}", hint=did_you_mean(name, names))


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding in a file: where (1-based line, 0 when unknown), what, and what to do."""

    path: str
    line: int
    message: str
    hint: str = ""
    level: str = "error"
    """`error`, or `warning` for what does not stop anything."""

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}" if self.line else self.path
        level = "" if self.level == "error" else f"{self.level}: "
        return f"{where}: {level}{self.message}" + (f" ({self.hint})" if self.hint else "")


class SchemaError(AnnotateError):
    """A label schema with problems; `problems` lists every one of them."""

    exit_code = FINDINGS

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)), hint="annotate schema check FILE lists all problems")


class DataFindings(AnnotateError):
    """The data breaks a rule; `findings` says where."""

    exit_code = FINDINGS

    def __init__(self, message: str, findings: Sequence[str] = (), *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.findings = tuple(findings)


class LabelStudioError(AnnotateError):
    """Label Studio did not do what was asked."""

    exit_code = SERVER


class ServerUnreachable(LabelStudioError):
    """Nothing answers at the URL."""


class NotAuthorised(LabelStudioError):
    """The token is missing, wrong, or of a kind the server has switched off."""


class ProjectNotFound(LabelStudioError):
    """No project, or no single project, fits."""


class UnexpectedAnswer(LabelStudioError):
    """The answer is not one Label Studio gives."""


class ConfigRefused(LabelStudioError):
    """Label Studio refused a labeling config."""


class EditionLimit(LabelStudioError):
    """The Community edition does not have it."""


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """A hint: the nearest known name, else the list of them."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known) or 'none'}"
