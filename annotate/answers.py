"""The file of annotations that a pull writes: what it had before and has no more is told."""

from __future__ import annotations

import logging
import shutil
import sys
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryFile

from annotate.codec import dumps, loads
from annotate.errors import ReadError
from annotate.model import Annotation, Reject
from annotate.store import STDIO, reject, replacing

log = logging.getLogger("annotate")


def write(output: str | Path, lines: Iterable[bytes]) -> list[Annotation]:
    """Write lines of annotations; the annotations that the file had before and has no more."""
    if str(output) == STDIO:
        with TemporaryFile() as whole:  # what is on its way to a reader cannot be taken back
            whole.writelines(line + b"\n" for line in lines)
            whole.seek(0)
            shutil.copyfileobj(whole, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return []
    path = Path(output)
    before = {_digest(line) for line in _lines_of(path)}
    added: set[tuple[str, str, str]] = set()
    with replacing(path) as out:
        for line in lines:
            out.write(line + b"\n")
            if (digest := _digest(line)) in before:
                before.discard(digest)
            elif before:
                added.add(_answer(loads(line, Annotation)))
        left = _annotations(line for line in _lines_of(path) if before and _digest(line) in before)
        return [annotation for annotation in left if _answer(annotation) not in added]


def removed(gone: Annotation) -> Reject:
    """What tells of an annotation that is gone."""
    reason = f"the answer of {gone.annotator} is no more on the server, or its segment was retired"
    return reject("pull", f"project {gone.task.project}", "removed", reason, id=gone.segment.id, record=dumps(gone))


def _lines_of(path: Path) -> Iterator[bytes]:
    if path.is_file():
        with path.open("rb") as file:
            yield from (line.rstrip(b"\n") for line in file)


def _annotations(lines: Iterable[bytes]) -> Iterator[Annotation]:
    for line in lines:
        try:
            yield loads(line, Annotation)
        except ReadError:  # the file before was not ours, or edited
            log.debug("a line of the earlier file is no annotation")


def _digest(line: bytes) -> bytes:
    return blake2b(line, digest_size=16).digest()


def _answer(annotation: Annotation) -> tuple[str, str, str]:
    return annotation.segment.id, annotation.annotator, annotation.created_at
