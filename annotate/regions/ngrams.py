"""Hashed character n-grams: the wording of a block, as rows of a weight table.

The n-grams of two to five lower-cased characters of a block, its edges marked, digits folded, each hashed into one of `BUCKETS`
rows (the hashing trick, Weinberger et al. 2009; fastText does the same with words). A block's value is the sum of its rows
divided by the square root of their number.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from annotate.regions.page import DIGIT, SPACE, IntArray, Page

BITS = 16
BUCKETS = 1 << BITS
ORDERS = range(2, 6)
LONGEST = 400
"""Characters of a block that are read: the first half of it and as many of its end."""

_EDGE = 2
_MULTIPLIER = np.uint32(0x9E3779B1)
_STEP = np.uint32(0x01000193)


def hashed(page: Page, first: int, last: int) -> tuple[NDArray[np.uint32], IntArray]:
    """Buckets of the n-grams of the blocks `first` to `last` (exclusive), and the block each belongs to, counted from `first`,
    in order; every block has some."""
    codes, owner = _characters(page, first, last)
    n = len(codes)
    buckets = np.zeros((n, len(ORDERS)), dtype=np.uint32)
    inside = np.zeros((n, len(ORDERS)), dtype=np.bool_)
    value = codes
    for column, order in enumerate(ORDERS):
        value = value[:-1] * _STEP ^ codes[order - 1 :]
        mixed = (value + np.uint32(order)) * _MULTIPLIER
        buckets[: len(value), column] = (mixed ^ (mixed >> np.uint32(15))) * _MULTIPLIER >> np.uint32(32 - BITS)
        inside[: len(value), column] = owner[: len(value)] == owner[order - 1 :]
    return buckets[inside], np.broadcast_to(owner[:, None], inside.shape)[inside]


def _characters(page: Page, first: int, last: int) -> tuple[NDArray[np.uint32], IntArray]:
    """The characters the n-grams are made of, block after block, each block between two edge marks."""
    starts, ends = page.starts[first:last], page.ends[first:last]
    lengths = np.minimum(ends - starts, LONGEST)
    offsets = np.concatenate(([0], np.cumsum(lengths + 2)))
    owner = np.repeat(np.arange(last - first), lengths + 2)
    within = np.arange(offsets[-1]) - offsets[owner] - 1
    # Of a long block the first and the last half of what is read.
    source = np.where(
        (within < LONGEST // 2) | (lengths[owner] < LONGEST), starts[owner] + within, ends[owner] - lengths[owner] + within
    )
    edge = (within < 0) | (within >= lengths[owner])
    source = np.where(edge, 0, source)
    codes = page.lowered[source]
    classes = page.classes[source]
    codes[classes == DIGIT] = ord("0")
    codes[classes == SPACE] = ord(" ")
    codes[edge] = _EDGE
    return codes, owner
