"""Files of records: JSONL that is whole or absent, standard input and output by `-`, and the rejects beside a result."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, TypeVar

from annotate.codec import dumps, loads
from annotate.errors import AnnotateError, ReadError
from annotate.model import Reject

T = TypeVar("T")

STDIO = "-"
_RECORD_LIMIT = 2048


@contextmanager
def replacing(path: Path, *, mode: int | None = None) -> Iterator[BinaryIO]:
    """A file that takes its name only when it is complete; on an error nothing is left behind. `mode`: its permissions,
    default what the umask leaves (until then only its owner can read it)."""
    path = Path(os.path.realpath(path))  # a link stays one; what it points to is replaced
    if path.exists() and not path.is_file():  # a pipe or a device: nothing to replace
        with _writing(path):
            stream = open(path, "wb")  # noqa: SIM115  closed below; only the opening is ours to explain
        with stream:
            yield stream
        return
    with _writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        with _writing(path):
            os.chmod(name, 0o666 & ~_umask() if mode is None else mode)
            os.replace(name, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(name)
        raise


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as problem:
        raise AnnotateError(f"cannot write {path}: {problem.strerror}", hint="check the path and its permissions") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_records(target: str | Path, records: Iterable[object]) -> int:
    """Write records as JSONL to a file, or to standard output for `-`; the number written."""
    count = 0
    if str(target) == STDIO:
        for record in records:
            sys.stdout.buffer.write(dumps(record) + b"\n")
            count += 1
        sys.stdout.buffer.flush()
        return count
    with replacing(Path(target)) as out:
        for record in records:
            out.write(dumps(record) + b"\n")
            count += 1
    return count


def read_records(source: str | Path, kind: type[T], rejects: Callable[[Reject], None], *, step: str) -> Iterator[T]:
    """Records of one kind from a JSONL file, or from standard input for `-`. A line that is none goes to `rejects` with its
    line number; blank lines are passed over. `ReadError` when the file cannot be opened."""
    name = "<stdin>" if str(source) == STDIO else str(source)
    with opened(source) as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                yield loads(line, kind)
            except ReadError as problem:
                rejects(reject(step, name, "unreadable", problem.message, line=number, hint=problem.hint, record=line))


@contextmanager
def opened(source: str | Path) -> Iterator[BinaryIO]:
    """A file to read, or standard input for `-`. `ReadError` when the file cannot be opened."""
    if str(source) == STDIO:
        yield sys.stdin.buffer
        return
    try:
        handle = open(source, "rb")  # noqa: SIM115  closed below; an error on opening gets its own message
    except OSError as problem:
        raise ReadError(f"cannot read {source}: {problem.strerror}", hint="check the path") from None
    with handle:
        yield handle


def reject(
    step: str,
    source: str,
    code: str,
    reason: str,
    *,
    line: int = -1,
    id: str = "",
    hint: str = "",
    url: str = "",
    record: bytes | str = b"",
) -> Reject:
    """A reject whose record is cut to 2 kB of UTF-8."""
    raw = record.encode("utf-8", "backslashreplace") if isinstance(record, str) else record
    kept = raw[:_RECORD_LIMIT].decode("utf-8", "replace").rstrip("\n")
    return Reject(step, source, line, id, code, reason, hint, url, kept)


class Rejects:
    """Collects what a step leaves out: written as it comes, to a file that exists only when there is something in it.

    Call it with a `Reject`; `counts` holds the numbers by code."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.counts: Counter[str] = Counter()
        self._file: BinaryIO | None = None

    @property
    def total(self) -> int:
        return self.counts.total()

    def __call__(self, item: Reject) -> None:
        self.counts[item.code] += 1
        if self.path is None:
            return
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(self.path, "wb")  # noqa: SIM115  closed by __exit__
        self._file.write(dumps(item) + b"\n")

    def __enter__(self) -> Rejects:
        if self.path is not None:  # rejects of an earlier run are not this run's
            with _writing(self.path):
                self.path.unlink(missing_ok=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()


def file_sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def rejects_beside(file: str | Path, verb: str, *, of_input: bool = False) -> Path:
    """Where rejects go by default: beside the output, `segments.rejects.jsonl`; for a verb without one beside its input, under
    the verb's name, `segments.push.rejects.jsonl`; in the current folder when the file is a stream."""
    if str(file) == STDIO:
        return Path(f"annotate-{verb}.rejects.jsonl")
    path = Path(file)
    if not path.name:
        raise AnnotateError(f"{file} is a folder, not a file", hint="name a file in it")
    return path.with_name(path.name.removesuffix(".jsonl") + (f".{verb}" if of_input else "") + ".rejects.jsonl")
