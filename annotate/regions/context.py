"""What stands around a block: the scores and shapes of its neighbours, of its line, of its like, and of the page.

Two passes over the blocks (stacked sequential learning, Cohen and Carvalho 2005): the first reads each block by itself, the
second sees what the first made of the blocks around. Windows reach far, because a page's parts are long.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from annotate.regions.page import FloatArray, IntArray, Page

RADII = (2, 5, 12, 40, 150)
"""How many blocks before and after the window means take in."""

_ORDINAL = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A page as the second pass sees it: the parts from which the rows of the blocks are put together."""

    page: Page
    probabilities: FloatArray
    """(n_blocks, R) of the first pass."""
    cues: FloatArray
    """Those of the families."""
    near: int
    """So many columns of the cues are also seen of the blocks next to each: all but the markup's."""
    windowed: IntArray
    """The columns of the cues that the windows take in."""
    place: Callable[[int, int], FloatArray]
    """The places of some blocks, from and to, on their page."""
    line: FloatArray
    """(n_blocks, R) means of the probabilities over the block's line."""
    like: FloatArray
    """(n_blocks, R) means of the probabilities over the blocks of its like."""
    whole: FloatArray
    """(n_documents, 2 R) means and maxima of the probabilities over the document."""

    def rows(self, first: int, last: int) -> FloatArray:
        """The blocks `first` to `last` (exclusive), one row each."""
        some = slice(first, last)
        probabilities, cues = self.probabilities, self.cues[:, : self.near]
        parts = [
            np.log(np.maximum(probabilities[some], 1e-4)) / 4,
            self.cues[some],
            self.place(first, last),
            self.line[some],
            self.like[some],
            *(self._beside(values, first, last, step) for step in (-1, 1) for values in (probabilities, cues)),
            *(self._beside(probabilities, first, last, step) for step in (-2, 2)),
            self._windows(first, last),
            self.whole[self.page.bounds.searchsorted(np.arange(first, last), side="right") - 1],
        ]
        return np.concatenate(parts, axis=1)

    def _beside(self, values: FloatArray, first: int, last: int, step: int) -> FloatArray:
        """The rows so many steps below those asked for; zeros beyond the document."""
        at = np.arange(first, last) + step
        beyond = (at < self.page.top[first:last]) | (at >= self.page.bottom[first:last])
        rows = values.take(at, axis=0, mode="clip")
        rows[beyond] = 0.0
        return rows

    def _windows(self, first: int, last: int) -> FloatArray:
        """Means over the blocks above and below."""
        low, high = max(first - RADII[-1], 0), min(last + RADII[-1], len(self.page))
        seen = np.hstack([self.probabilities[low:high], self.cues[low:high, self.windowed]])
        sums = np.zeros((high - low + 1, seen.shape[1]))
        np.cumsum(seen, axis=0, out=sums[1:])
        row, top, bottom = (
            part - low for part in (np.arange(first, last), self.page.top[first:last], self.page.bottom[first:last])
        )
        means = np.empty((last - first, len(RADII), 2, seen.shape[1]))
        here, below = sums[row], sums[row + 1]
        # Sums are divided by the radius, not by the number of blocks there are: beyond the page's edges all is zero.
        for k, radius in enumerate(RADII):
            np.subtract(here, sums[np.maximum(row - radius, top)], out=means[:, k, 0])
            np.subtract(sums[np.minimum(row + 1 + radius, bottom)], below, out=means[:, k, 1])
            means[:, k] /= radius
        return means.reshape(last - first, -1)

    def unmarked(self) -> Surroundings:
        """The page without the parts that are zero where there is no markup."""
        windowed = self.windowed[self.windowed < self.near]
        return replace(self, cues=self.cues[:, : self.near], like=self.like[:, :0], windowed=windowed)


def surroundings(
    page: Page,
    probabilities: FloatArray,
    cues: FloatArray,
    place: Callable[[int, int], FloatArray],
    windowed: IntArray,
    near: int,
) -> Surroundings:
    """What stands around the blocks of a page."""
    tops = page.bounds[:-1]
    means = np.add.reduceat(probabilities, tops, axis=0) / np.diff(page.bounds)[:, None]
    return Surroundings(
        page=page,
        probabilities=probabilities,
        cues=cues,
        near=near,
        windowed=windowed,
        place=place,
        line=_group_means(page.line, probabilities),
        like=_of_its_like(page, probabilities),
        whole=np.hstack([means, np.maximum.reduceat(probabilities, tops, axis=0)]),
    )


def _of_its_like(page: Page, values: FloatArray) -> FloatArray:
    """Means over the blocks that stand in the same place of the page's template: whose DOM paths differ in ordinals only, such
    as all teasers of a list. Zeros for plain text."""
    if not page.marked:
        return np.zeros_like(values)
    kinds: list[int] = []
    for first, last in pairwise(page.bounds.tolist()):
        number: dict[str, int] = {}
        kinds += [
            number.setdefault(_ORDINAL.sub("", block.path), row) for row, block in enumerate(page.blocks[first:last], first)
        ]
    means = _group_means(np.array(kinds), values)
    means[[not page.blocks[top].path for top in page.top.tolist()]] = 0.0
    return means


def _group_means(groups: IntArray, values: FloatArray) -> FloatArray:
    """The mean of the rows of each group, at each of its rows."""
    means = np.empty_like(values)
    counts = np.bincount(groups)
    for column, weights in enumerate(values.T):
        means[:, column] = (np.bincount(groups, weights=weights) / np.maximum(counts, 1))[groups]
    return means
