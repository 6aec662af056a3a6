"""Records on disk that read like a list: an export goes over its records many times and never holds them all.

In memory is where each record stands and what records are sorted by, some hundred bytes a record; texts and spans are not.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from tempfile import TemporaryFile
from typing import Any, Generic, TypeVar, overload
from weakref import finalize

from annotate.codec import dumps, loads
from annotate.exporters import Part

T = TypeVar("T")


class Spool(Sequence[T], Generic[T]):
    """Records of one kind in a temporary file that is gone with the object."""

    def __init__(self, kind: type[T], records: Iterable[T] = ()) -> None:
        self._kind = kind
        self._file = TemporaryFile()  # noqa: SIM115  lives as long as the spool
        finalize(self, self._file.close)
        self._starts = array("Q", [0])
        for record in records:
            self.append(record)

    def append(self, record: T) -> None:
        line = dumps(record)
        self._file.seek(self._starts[-1])
        self._file.write(line)
        self._starts.append(self._starts[-1] + len(line))

    def __len__(self) -> int:
        return len(self._starts) - 1

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...
    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        if isinstance(index, slice):
            return Part(self, range(len(self))[index])
        place = range(len(self))[index]
        self._file.seek(self._starts[place])
        return loads(self._file.read(self._starts[place + 1] - self._starts[place]), self._kind)


def sorted_spool(records: Iterable[T], kind: type[T], key: Callable[[T], Any]) -> Sequence[T]:
    """The records by a key; equal ones stay in their order."""
    spool, keys = Spool(kind), list[Any]()
    for record in records:
        spool.append(record)
        keys.append(key(record))
    return Part(spool, array("Q", sorted(range(len(keys)), key=keys.__getitem__)))
