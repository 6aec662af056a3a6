"""Hashed character n-grams: the wording of a block, as rows of a weight table.

The n-grams of two to five lower-cased characters of a block, its edges marked, digits folded, each hashed into one of `BUCKETS`
rows (the hashing trick, Weinberger et al. 2009; fastText does the same with words). A block's value is the sum of its rows
divided by the square root of their number.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from annotate.regions.page import DIGIT, SPACE, IntArray, Letters, Page

BITS = 16
BUCKETS = 1 << BITS
ORDERS = range(2, 6)
LONGEST = 400
"""Characters of a block that are read: the first half of it and as many of its end."""

_EDGE = 2
_MULTIPLIER = np.uint32(0x9E3779B1)
_STEP = np.uint32(0x01000193)


FIELD = 21
"""Bits in which the weights of an n-gram and their sum over a block find room: 1,600 n-grams of less than 256."""
_FIELDS = 3
_ZERO = 128


def packed(weights: NDArray[np.int8]) -> NDArray[np.int64]:
    """A weight table (B, R) with `_FIELDS` columns side by side in one number, so that one addition adds them all:
    (B, R / `_FIELDS`), rounded up. No weight is below zero in it."""
    rows, width = weights.shape
    columns = np.zeros((rows, -(-width // _FIELDS) * _FIELDS), dtype=np.int64)
    columns[:, :width] = weights
    columns += _ZERO
    table: NDArray[np.int64] = (columns.reshape(rows, -1, _FIELDS) << FIELD * np.arange(_FIELDS)).sum(axis=2)
    return table


def sums(table: NDArray[np.int64], width: int, buckets: NDArray[np.uint32], begins: IntArray) -> tuple[IntArray, IntArray]:
    """Sums of the rows of a packed table of `width` columns over stretches of buckets, shape (len(begins), width), and how long
    the stretches are."""
    counts = np.diff(begins, append=len(buckets))
    added = np.add.reduceat(table.take(buckets, axis=0), begins, axis=0)
    fields = added[:, :, None] >> FIELD * np.arange(_FIELDS) & (1 << FIELD) - 1
    return fields.reshape(len(begins), -1)[:, :width] - _ZERO * counts[:, None], counts


def hashed(page: Page, first: int, last: int) -> tuple[NDArray[np.uint32], IntArray]:
    """Buckets of the n-grams of the blocks `first` to `last` (exclusive), and the block each belongs to, counted from `first`,
    in order; every block has some."""
    return of_letters(page.letters(first, last))


def of_letters(letters: Letters) -> tuple[NDArray[np.uint32], IntArray]:
    """What `hashed` finds, in a stretch of blocks."""
    codes, owner = _characters(letters)
    n = len(codes)
    values = np.zeros((n, len(ORDERS)), dtype=np.uint32)
    inside = np.zeros((n, len(ORDERS)), dtype=np.bool_)
    value = codes
    for column, order in enumerate(ORDERS):
        value = value[:-1] * _STEP ^ codes[order - 1 :]
        values[: len(value), column] = value + np.uint32(order)
        inside[: len(value), column] = owner[: len(value)] == owner[order - 1 :]
    mixed = values[inside] * _MULTIPLIER
    buckets: NDArray[np.uint32] = (mixed ^ (mixed >> np.uint32(15))) * _MULTIPLIER >> np.uint32(32 - BITS)
    return buckets, np.repeat(owner, inside.sum(axis=1))


def _characters(letters: Letters) -> tuple[NDArray[np.uint32], IntArray]:
    """The characters the n-grams are made of, block after block, each block between two edge marks."""
    starts, ends = letters.starts, letters.ends
    lengths = np.minimum(ends - starts, LONGEST)
    offsets = np.concatenate(([0], np.cumsum(lengths + 2)))
    owner = np.repeat(np.arange(len(starts)), lengths + 2)
    within = np.arange(offsets[-1]) - offsets[owner] - 1
    # Of a long block the first and the last half of what is read.
    source = np.where(
        (within < LONGEST // 2) | (lengths[owner] < LONGEST), starts[owner] + within, ends[owner] - lengths[owner] + within
    )
    edge = (within < 0) | (within >= lengths[owner])
    source = np.where(edge, 0, source)
    codes = letters.lowered[source]
    classes = letters.classes[source]
    codes[classes == DIGIT] = ord("0")
    codes[classes == SPACE] = ord(" ")
    codes[edge] = _EDGE
    return codes, owner
