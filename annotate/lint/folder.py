"""An export folder against its manifest."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from annotate.codec import loads
from annotate.errors import InvariantError, ReadError
from annotate.lint.findings import Finding, Lint
from annotate.store import file_sha256

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class _Manifest:
    """What is read of a manifest."""

    format: Literal["annotate-export/1"]
    files: dict[str, str]
    formats: dict[str, dict[str, Any]] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.files:
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts:
                raise InvariantError(f"the manifest lists {name!r}, which is outside its folder")


def check_export(folder: Path) -> Lint:
    """Compare an export folder with its manifest. A `.spacy` file with other bytes is compared by what it says, because zlib
    versions compress differently."""
    finding = partial(Finding, line=-1)
    try:
        manifest = loads((folder / MANIFEST).read_bytes(), _Manifest)
    except OSError as problem:
        message, hint = f"{folder} has no {MANIFEST} that can be read: {problem.strerror}", "check the path, or export again"
        return Lint("export", 0, (finding("no_manifest", MANIFEST, message, hint),))
    except ReadError as problem:
        message, hint = f"{MANIFEST} is no manifest of an export: {problem.message}", "export again"
        return Lint("export", 0, (finding("no_manifest", MANIFEST, message, hint),))
    payloads = {name: digest for part in manifest.formats.values() for name, digest in part.get("payload_sha256", {}).items()}
    findings = []
    if not manifest.options.get("licence"):
        message, hint = "the card names no licence", "clear the rights of the sources and export again with --licence"
        findings.append(finding("no_licence", "README.md", message, hint))
    for name, sha256 in sorted(manifest.files.items()):
        path = folder / name
        if not path.is_file():
            findings.append(finding("missing_file", name, f"{name} is not there", "export again"))
        elif file_sha256(path) != sha256:
            if _same_payload(path, payloads.get(name)):
                message = f"{name} has other bytes than listed and says the same"
                findings.append(finding("recompressed_file", name, message, "nothing is lost; export again for equal bytes"))
            else:
                message = f"{name} is not what the manifest lists"
                findings.append(finding("changed_file", name, message, "correct the gold records and export again"))
    there = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())
    findings += [
        finding("unlisted_file", name, f"{name} was not written by the export", "fine if you put it there")
        for name in sorted(there)
        if name != MANIFEST and name not in manifest.files
    ]
    return Lint("export", len(manifest.files), tuple(findings))


def _same_payload(path: Path, digest: str | None) -> bool:
    if digest is None:
        return False
    from annotate.spacy_docs import payload_sha256  # spaCy takes seconds to load, and most folders do not need it

    try:
        return payload_sha256(path.read_bytes()) == digest
    except zlib.error:
        return False
