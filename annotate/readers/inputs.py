"""Which files to read, in which order, as what, and what their documents are called."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from annotate.errors import ReadError, UsageError
from annotate.readers.opening import PACKED, Refused, unpacked_name
from annotate.store import STDIO

SUFFIXES = {".txt": "txt", ".html": "html", ".htm": "html", ".xhtml": "html", ".jsonl": "jsonl", ".ndjson": "jsonl"}
"""Format by suffix; each also with `.gz` and `.zst` after it."""

STDIN_NAME = "stdin"
"""What a document from standard input is called when it has no id."""


@dataclass(frozen=True, slots=True)
class Input:
    """One file, or standard input (no path)."""

    source: str
    """As reports name it."""
    name: str
    """Its document's id, or the start of its documents' ids."""
    format: str
    path: Path | None


def find(
    inputs: Sequence[str | Path],
    format: str,
    refuse: Callable[[str, Refused], None],
    leave_out: Collection[Path] = (),
) -> Iterator[Input]:
    """The files behind `inputs`, checked at once, listed lazily. Files in `leave_out` are passed over in folders.

    `format` (may be empty) says what standard input and files given by name hold, whatever they are called; in folders the
    suffix decides. Raises `UsageError`, and `ReadError` for a path that does not exist or a folder with nothing to read."""
    if not inputs:
        raise UsageError("nothing to read", hint="give files, folders, or - for standard input")
    if sum(str(item) == STDIO for item in inputs) > 1:
        raise UsageError("standard input can be read only once", hint="give - once")
    files = [Path(item) for item in inputs if str(item) != STDIO and not Path(item).is_dir()]
    for path in files:
        _check_file(path, format)
    for item in inputs:
        if str(item) != STDIO and Path(item).is_dir():
            _check_folder(Path(item))
    return _listed(inputs, format, _common_parent(files), refuse, {_absolute(path) for path in leave_out})


def _listed(
    inputs: Sequence[str | Path],
    format: str,
    parent: tuple[str, ...],
    refuse: Callable[[str, Refused], None],
    left_out: Collection[Path],
) -> Iterator[Input]:
    for item in inputs:
        path = Path(item)
        if str(item) == STDIO:
            yield Input("<stdin>", STDIN_NAME, format or "jsonl", None)
        elif path.is_dir():
            for file in _walk(path, refuse):
                if _absolute(file) in left_out:
                    continue
                yield Input(_shown(file), _name(file.relative_to(path).parts), _format(file), file)
        else:
            yield Input(_shown(path), _name(_absolute(path).parts[len(parent) :]), format or _format(path), path)


def _check_file(path: Path, format: str) -> None:
    if not path.exists():
        raise ReadError(f"there is no {_shown(path)}", hint="check the path")
    if not format and not _format(path):
        known = ", ".join(SUFFIXES)
        raise UsageError(
            f"{_shown(path)}: cannot tell the format by the suffix {path.suffix!r}",
            hint=f"known: {known} (each also {' or '.join(PACKED)}); say --format txt, html or jsonl",
        )


def _check_folder(folder: Path) -> None:
    if next(_walk(folder, lambda _source, _problem: None), None) is None:
        hint = f"read are {', '.join(SUFFIXES)}, each also {' or '.join(PACKED)}; hidden files are not"
        raise ReadError(f"{_shown(folder)} has no file to read", hint=hint)


def _walk(folder: Path, refuse: Callable[[str, Refused], None]) -> Iterator[Path]:
    """The readable files below a folder, sorted by POSIX path; hidden ones and links to folders are passed over."""
    pending = [(folder, True)]
    while pending:
        path, is_folder = pending.pop()
        if not is_folder:
            yield path
            continue
        try:
            with os.scandir(path) as entries:
                found = [(path / e.name, e.is_dir(follow_symlinks=False)) for e in entries if _is_wanted(e)]
        except OSError as problem:
            refuse(_shown(path), Refused("unreadable", f"cannot list the folder: {problem.strerror}", "check its permissions"))
            continue
        # a folder sorts as `name/`: that is the order of the whole paths as strings
        pending += sorted(found, key=lambda item: item[0].name + "/" * item[1], reverse=True)


def _is_wanted(entry: os.DirEntry[str]) -> bool:
    if entry.name.startswith("."):
        return False
    return entry.is_dir(follow_symlinks=False) or (bool(_format(Path(entry.name))) and entry.is_file())


def _format(path: Path) -> str:
    return SUFFIXES.get(Path(unpacked_name(path.name)).suffix.lower(), "")


def _common_parent(files: Sequence[Path]) -> tuple[str, ...]:
    levels = zip(*(_absolute(path).parent.parts for path in files), strict=False)
    return tuple(names[0] for names in takewhile(lambda names: len(set(names)) == 1, levels))


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100  resolve() would follow links and change the name


def _name(parts: Sequence[str]) -> str:
    return _readable(unpacked_name("/".join(parts)))


def _shown(path: Path) -> str:
    return _readable(str(path))


def _readable(name: str) -> str:
    """A name whose bytes are no UTF-8 with these escaped, so that it can be written to a file."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
