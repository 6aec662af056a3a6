"""Who is A1: the private list of annotators and their pseudonyms.

It lies in the workspace's `.annotate/`, beside no data that anybody publishes, readable by its owner only and ignored by git. A
person keeps their pseudonym whoever joins later; without the list pseudonyms are given anew, by sorted names, and it is the
only way back from A1 to a person. (A salted hash beside the gold would not be: addresses can be guessed.)
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from filelock import FileLock

from annotate.codec import dumps, loads
from annotate.config import find_file
from annotate.errors import AnnotateError, ReadError
from annotate.store import STDIO, replacing

FOLDER = ".annotate"
FILE = "annotators.json"


def list_near(source: str | Path) -> Path:
    """The list for a file: in the workspace, the folder of the nearest `annotate.yaml`, else in the file's own folder; for a
    stream seen from the current folder."""
    folder = Path.cwd() if str(source) == STDIO else Path(source).resolve().parent
    config = find_file(folder)
    return (config.parent if config else folder) / FOLDER / FILE


def read(path: Path) -> dict[str, str]:
    """Annotator → pseudonym; empty when there is no list. `ReadError` when it is damaged or names two people alike."""
    try:
        known = loads(path.read_bytes(), dict[str, str])
    except FileNotFoundError:
        return {}
    except OSError as problem:
        raise ReadError(f"cannot read {path}: {problem.strerror}", hint="check its permissions") from None
    except ReadError as problem:
        raise ReadError(f"{path} is damaged: {problem}", hint="mend it, or remove it to give pseudonyms anew") from None
    if len(set(known.values())) < len(known):
        raise ReadError(f"{path} gives two annotators the same pseudonym", hint="each must have one of their own")
    return known


def keep(path: Path, given: Mapping[str, str]) -> None:
    """Add people to the list; writes only when somebody is new. `AnnotateError` when another run has given a pseudonym away."""
    if given.items() <= read(path).items():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    ignore = path.with_name(".gitignore")
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    with FileLock(path.with_suffix(".lock")):
        known = {**given, **read(path)}
        if len(set(known.values())) < len(known) or any(known[name] != alias for name, alias in given.items()):
            raise AnnotateError("another run has just given annotators their pseudonyms", hint="run the same command again")
        with replacing(path, mode=0o600) as out:
            out.write(dumps(known) + b"\n")
