"""An export folder takes the place of the one before it as a whole, or not at all, and never takes what is not ours."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec

from annotate.codec import dumps, loads
from annotate.errors import ReadError, UsageError

MANIFEST = "manifest.json"
FORMAT: Literal["annotate-export/1"] = "annotate-export/1"
"""What `manifest.json` says it is; without it a folder is not ours."""


@dataclass(frozen=True, slots=True)
class _Manifest:
    """What a later export reads of a manifest."""

    format: Literal["annotate-export/1"]
    files: dict[str, str]


@contextmanager
def replacing_folder(out: Path) -> Iterator[Path]:
    """An empty folder to write into, which becomes `out` when the block ends well; files in `out` that no export wrote (a
    licence, a `.git`) move along. `UsageError` when `out` is not an export of ours, or an exported file was edited since."""
    out = out.resolve()
    foreign = _foreign(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as work:
        new, old = Path(work, "new"), Path(work, "old")
        new.mkdir()
        yield new
        for name in foreign:
            _copy(out / name, new / name)
        if not out.exists():
            new.rename(out)
            return
        out.rename(old)
        try:
            new.rename(out)
        except BaseException:
            old.rename(out)
            raise


def files_of(folder: Path) -> list[str]:
    """Every file below a folder, as sorted POSIX paths."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


def sha256_of(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def write_json(path: Path, value: Any) -> None:
    """Indented JSON, UTF-8, keys in the order given."""
    path.write_bytes(msgspec.json.format(dumps(value), indent=2) + b"\n")


def _foreign(out: Path) -> list[Path]:
    """Files and folders in `out`, relative to it, that no export wrote."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return []
    files = _manifest_files(out / MANIFEST) if out.is_dir() else None
    if files is None:
        raise UsageError(f"{out} is there and is not an export of annotate", hint="choose another folder, or move it away")
    edited = [name for name, sha256 in files.items() if (out / name).is_file() and sha256_of(out / name) != sha256]
    if edited:
        raise UsageError(
            f"{out}: edited since it was exported: {', '.join(edited)}", hint="move the folder away, or export to another one"
        )
    ours = {Path(name) for name in (*files, MANIFEST)}
    return list(_unlisted(out, Path(), ours, {folder for path in ours for folder in path.parents}))


def _unlisted(out: Path, folder: Path, ours: Set[Path], our_folders: Set[Path]) -> Iterator[Path]:
    for path in sorted((out / folder).iterdir()):
        name = path.relative_to(out)
        if name in our_folders and path.is_dir() and not path.is_symlink():
            yield from _unlisted(out, name, ours, our_folders)
        elif name not in ours:
            yield name


def _manifest_files(path: Path) -> dict[str, str] | None:
    """The files an export's manifest lists; None when it is no manifest of an export."""
    try:
        return loads(path.read_bytes(), _Manifest).files
    except (OSError, ReadError):
        return None


def _copy(source: Path, target: Path) -> None:
    if target.exists():
        raise UsageError(f"{source} was not written by an export, and this one writes a file of that name", hint="move it away")
    if source.is_dir() and not source.is_symlink():
        shutil.copytree(source, target, symlinks=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target, follow_symlinks=False)
