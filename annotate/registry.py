"""Interchangeable parts by name: detectors, readers, exporters. A part is imported when it is asked for, not before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from annotate.errors import UnknownName


class Registry:
    """Names of one kind of part, each mapped to `package.module:attribute`."""

    def __init__(self, kind: str, parts: Mapping[str, str]) -> None:
        self.kind = kind
        self._parts = dict(parts)

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def get(self, name: str) -> Any:
        """The part called `name`; `UnknownName` with the nearest name when there is none."""
        try:
            module, attribute = self._parts[name].split(":")
        except KeyError:
            raise UnknownName(self.kind, name, self._parts) from None
        return getattr(import_module(module), attribute)
