"""The door text comes in by: files, folders and standard input become `Document`s, one at a time.

Formats: plain text, HTML, JSONL; each also compressed by gzip or zstd. What cannot be read becomes a `Reject` and the rest goes
on. Codes: `not_utf8`, `binary`, `nul`, `lone_surrogate`, `empty`, `too_long`, `truncated_archive`, `unreadable`; for lines of
JSONL also `not_json`, `wrong_type`, `no_text`; and `duplicate_id` (the first is kept).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from annotate.model import Document, Reject
from annotate.readers.inputs import Input, find
from annotate.readers.opening import BROKEN_ARCHIVE, Refused, opened
from annotate.registry import Registry
from annotate.store import reject

FORMATS = Registry(
    "input format",
    {
        "txt": "annotate.readers.text:documents",
        "html": "annotate.readers.html:documents",
        "jsonl": "annotate.readers.jsonl:documents",
    },
)


def read(
    inputs: Sequence[str | Path],
    rejects: Callable[[Reject], None],
    *,
    format: str = "",
    step: str = "segment",
    leave_out: Collection[Path] = (),
) -> Iterator[Document]:
    """The documents of files, folders (recursively, sorted by path) and standard input (`-`), as a stream.

    `format` (`txt`, `html`, `jsonl`) says what standard input (otherwise JSONL) and files given by name hold; by default the
    suffix says it. What is left out goes to `rejects` as coming from `step`. A document's id is the one it has, or its path
    relative to the given folder, or to the common parent of the given files. Files in `leave_out` are not looked for in
    folders: the result of an earlier run is no input.

    Raises before anything is read: `UsageError` for an unknown suffix, `UnknownName` for an unknown format, `ReadError`
    for a path that does not exist or a folder with nothing to read."""
    if format:
        FORMATS.get(format)

    def refuse(source: str, problem: Refused, line: int = -1) -> None:
        p = problem
        rejects(reject(step, source, p.code, p.reason, line=line, id=p.id, hint=p.hint, record=p.record))

    return _documents(find(inputs, format, refuse, leave_out), refuse)


def _documents(found: Iterator[Input], refuse: Callable[..., None]) -> Iterator[Document]:
    seen: dict[str, str] = {}
    for item in found:
        for line, outcome in _outcomes(item):
            if isinstance(outcome, Refused):
                refuse(item.source, outcome, line)
                continue
            doc_id, place = outcome.doc_id, item.source if line < 0 else f"{item.source}:{line}"
            if doc_id in seen:
                reason = f"the id {doc_id!r} of {place} is taken by {seen[doc_id]}"
                hint = "ids must differ; of several folders give the one above them instead"
                refuse(item.source, Refused("duplicate_id", reason, hint, id=doc_id), line)
                continue
            seen[doc_id] = place
            yield outcome


def _outcomes(item: Input) -> Iterator[tuple[int, Document | Refused]]:
    """What an input holds, with line numbers (-1 where it is one document); a problem with all of it comes last and ends it."""
    line = -1
    try:
        with opened(item.path) as stream:
            for line, outcome in FORMATS.get(item.format)(stream, item.name):
                yield line, outcome
    except Refused as problem:
        yield -1, problem
    except BROKEN_ARCHIVE as problem:
        after = f" after line {line}" if line > 0 else ""
        yield -1, Refused("truncated_archive", f"the compressed data is damaged or cut off{after}: {problem}", "copy it again")
    except OSError as problem:
        yield -1, Refused("unreadable", f"cannot be read: {problem.strerror or problem}", "check its permissions")
