"""Which of the segments are put to annotators: a sample, and of equal texts one. Pure, and the same on every machine.

A sample is drawn by a hash of seed and segment id, not by a generator that walks the file: whether a segment is in it depends
on itself and on the few others of its stratum with smaller hashes. So the order of the file does not matter, a larger sample
holds the smaller one, and segments that are appended change the sample only where they belong into it."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from heapq import nsmallest

from annotate.errors import UsageError, did_you_mean

STRATA = ("language", "region", "document")
"""What a sample can be spread over evenly."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A segment that could be put to annotators."""

    id: str
    doc_id: str
    lang: str
    region: str


@dataclass(frozen=True, slots=True)
class Sample:
    """How many segments to draw, of each combination of values of `per` (in all without any)."""

    size: int
    per: tuple[str, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        for name in self.per:
            if name not in STRATA:
                raise UsageError(f"a sample cannot be drawn per {name!r}", hint=did_you_mean(name, STRATA))
        if self.size < 1:
            raise UsageError(f"a sample of {self.size} segments is none", hint="--sample takes a number from 1")

    def draw(self, candidates: Iterable[Candidate]) -> frozenset[str]:
        """The ids of the sample; of a stratum with fewer segments than `size` all."""
        strata: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for candidate in candidates:
            strata[self._stratum(candidate)].append(candidate.id)
        chosen = (nsmallest(self.size, ids, key=lambda identity: lot(self.seed, identity)) for ids in strata.values())
        return frozenset(identity for ids in chosen for identity in ids)

    def _stratum(self, candidate: Candidate) -> tuple[str, ...]:
        values = {"language": candidate.lang, "region": candidate.region, "document": candidate.doc_id}
        return tuple(values[name] for name in self.per)


def lot(seed: int, identity: str) -> bytes:
    """A segment's place in the draw: 128-bit blake2b of seed and id."""
    return hashlib.blake2b(f"{seed}\0{identity}".encode(), digest_size=16).digest()


def text_key(text: str, lang: str, region: str) -> bytes:
    """What makes two segments the same question: equal text but for white space at the edges, language and region."""
    return hashlib.blake2b(f"{lang}\0{region}\0{text.strip()}".encode(), digest_size=16).digest()


def originals(keys: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    """Of segments with one key the first stands for all: the id of the original by the id of each copy.

    `keys`: id and `text_key` of each segment, in the order of the file. Segments that are appended become copies and change
    nothing."""
    first: dict[bytes, str] = {}
    return {identity: original for identity, key in keys if (original := first.setdefault(key, identity)) != identity}
