"""Near-duplicate texts: MinHash over shingles, found by locality-sensitive hashing.

Broder 1997, "On the resemblance and containment of documents"; Leskovec, Rajaraman & Ullman, "Mining of Massive Datasets",
chapter 3. A shingle is eight bytes of folded UTF-8: about eight Latin letters, four Cyrillic or Arabic ones, not quite three
Chinese characters, so that an edited word costs about as much in every script and no tokenizer is needed.

Six hash functions each sort the shingles into 21 bins and keep the least of every bin: one permutation hashing (Li, Owen &
Zhang 2012), six times, which is 20 times quicker than 126 permutations and leaves few bins of short texts empty. The signature
of a document is the elementwise minimum of those of its segments, in any order, and nothing else of a text has to be kept. Two
signatures agree in a position with the probability of the Jaccard similarity of their sets; the share of positions they agree
in, without those empty in both, estimates it with a standard error below 0.045. Bin by bin the six values make a band; texts
that agree in a whole band are compared: a pair of similarity 0.7 is met with probability 0.93, one of 0.8 with 0.998, one of
0.1 with 0.00002.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

Signature = npt.NDArray[np.uint32]
"""(126,) minima, band after band; `EMPTY` where a bin is empty."""

SIMILAR = 0.7
"""Estimated Jaccard similarity from which two texts are near-duplicates."""
SHINGLE = 8
"""Bytes in a shingle."""
BANDS, ROWS = 21, 6
MIN_SHINGLES = 40
"""Of shorter texts a word is too large a part: they are compared as a whole, not by signature."""

EMPTY = np.uint32(0xFFFFFFFF)

_AT_ONCE = 1 << 14
"""Shingles hashed at a time; bounds the memory a long text takes."""
_LEADERS = 8
"""Texts of a bucket that others are compared with; bounds the work per text."""


def _mixed(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The finisher of splitmix64: a bijection whose every output bit depends on every input bit."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


_SEEDS = _mixed(np.arange(1, ROWS + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15))
_EDGES = np.array([(bin << 64) // BANDS for bin in range(BANDS)], dtype=np.uint64)


def shingles(text: str) -> npt.NDArray[np.uint64]:
    """The distinct shingles of a text, hashed: (n,), sorted; empty below eight bytes."""
    data = text.encode()
    if len(data) < SHINGLE:
        return np.empty(0, dtype=np.uint64)
    windows: npt.NDArray[np.uint64] = np.ndarray(len(data) - SHINGLE + 1, "<u8", data, strides=(1,))
    ordered = np.sort(_mixed(windows.astype(np.uint64)))
    first = np.ones(ordered.size, dtype=np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return ordered[first]


def signature(hashed: npt.NDArray[np.uint64]) -> Signature:
    """The signature of a set of shingles; all `EMPTY`, which is neutral under the minimum, for the empty set."""
    if hashed.size <= _AT_ONCE:
        return _signature(hashed)
    parts = (_signature(hashed[at : at + _AT_ONCE]) for at in range(0, hashed.size, _AT_ONCE))
    return functools.reduce(np.minimum, parts)


def _signature(hashed: npt.NDArray[np.uint64]) -> Signature:
    ordered = np.sort(_mixed(hashed ^ _SEEDS[:, np.newaxis]))
    starts = np.array([values.searchsorted(_EDGES) for values in ordered])
    ends = np.column_stack((starts[:, 1:], np.full(ROWS, hashed.size)))
    padded = np.column_stack((ordered >> np.uint64(32), np.full(ROWS, EMPTY, dtype=np.uint64)))
    lowest = np.where(starts < ends, np.take_along_axis(padded, starts, axis=1), EMPTY)
    return lowest.T.astype(np.uint32).ravel()


def similarity(left: Signature, right: Signature) -> float:
    """Estimated Jaccard similarity of two shingle sets."""
    filled = np.count_nonzero(np.minimum(left, right) != EMPTY)
    return float(np.count_nonzero((left == right) & (left != EMPTY)) / max(filled, 1))


def near_duplicates(signatures: Sequence[Signature], tags: Sequence[Hashable]) -> Iterator[tuple[int, int, float]]:
    """Pairs of positions whose texts are near-duplicates, with their similarity; a pair may come twice. Time and memory are
    linear in the number of texts.

    Not every pair of a large family comes: in each bucket a text meets the first few that are unlike each other, of every tag
    apart, which connects the family, and connects each text with every tag that holds something like it. The pairs depend on
    the order of `signatures`; sort them."""
    if not signatures:
        return
    table = np.stack(signatures)
    for band in range(BANDS):
        rows = np.ascontiguousarray(table[:, band * ROWS : (band + 1) * ROWS])
        buckets: dict[bytes, list[int]] = {}
        for position, row in enumerate(rows):
            buckets.setdefault(row.tobytes(), []).append(position)
        for bucket in buckets.values():
            if len(bucket) > 1:
                yield from _pairs(bucket, table, tags)


def _pairs(bucket: Sequence[int], table: npt.NDArray[np.uint32], tags: Sequence[Hashable]) -> Iterator[tuple[int, int, float]]:
    leaders: dict[Hashable, list[int]] = defaultdict(list)
    for position in bucket:
        alone = True
        for tag, positions in leaders.items():
            for leader in positions:
                if (alike := similarity(table[leader], table[position])) >= SIMILAR:
                    yield leader, position, alike
                    alone &= tag != tags[position]
        if alone and len(leaders[tags[position]]) < _LEADERS:
            leaders[tags[position]].append(position)
