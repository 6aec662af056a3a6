"""Files that ship with the package: label schemas and the demo corpus. In a wheel the schemas lie in `annotate/schemas/`, in a
checkout in `schemas/`."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def schemas_folder() -> Path:
    """The folder of the shipped label schemas."""
    inside = _PACKAGE / "schemas"
    return inside if inside.is_dir() else _PACKAGE.parent / "schemas"


def demo_corpus() -> Path:
    """The folder of the demo corpus: pages of our own in many languages."""
    return _PACKAGE / "demo" / "corpus"
