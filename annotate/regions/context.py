"""What stands around a block: the scores and shapes of its neighbours, of the lines around, of its like, and of the page.

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
"""How many lines above and below the window means take in. A line counts once, be it a word or a whole article."""

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
    common: FloatArray
    """What the blocks have in common with the rest: `cohesion.features`."""
    windows: FloatArray
    """What the windows take in, summed up from the first line of the page down to each: (n_lines + 1, W)."""
    plain: int
    """So many columns of the windows are not of the markup."""
    ends: tuple[IntArray, IntArray]
    """The first line of each line's document, and the one after its last."""
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
            self.common[some],
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
        rows = np.zeros((last - first, values.shape[1]))
        low, high = max(first + step, 0), min(last + step, len(values))
        rows[low - step - first : high - step - first] = values[low:high]
        at = np.arange(first, last) + step
        rows[(at < self.page.top[first:last]) | (at >= self.page.bottom[first:last])] = 0.0
        return rows

    def _windows(self, first: int, last: int) -> FloatArray:
        """Means over the lines above and below."""
        line = self.page.line[first:last]
        top, bottom = (end[line] for end in self.ends)
        sums = self.windows
        means = np.empty((last - first, len(RADII), 2, sums.shape[1]))
        here, below = sums[line], sums[line + 1]
        # Sums are divided by the radius, not by the number of lines there are: beyond the page's edges all is zero.
        for k, radius in enumerate(RADII):
            np.subtract(here, sums[np.maximum(line - radius, top)], out=means[:, k, 0])
            np.subtract(sums[np.minimum(line + 1 + radius, bottom)], below, out=means[:, k, 1])
            means[:, k] /= radius
        return means.reshape(last - first, -1)

    def unmarked(self) -> Surroundings:
        """The page without the parts that are zero where there is no markup."""
        return replace(self, cues=self.cues[:, : self.near], like=self.like[:, :0], windows=self.windows[:, : self.plain])


def surroundings(
    page: Page,
    probabilities: FloatArray,
    cues: FloatArray,
    common: FloatArray,
    place: Callable[[int, int], FloatArray],
    windowed: tuple[IntArray, IntArray],
    near: int,
) -> Surroundings:
    """What stands around the blocks of a page. `windowed` are the columns of `cues` and of `common` in the windows."""
    tops = page.bounds[:-1]
    means = np.add.reduceat(probabilities, tops, axis=0) / np.diff(page.bounds)[:, None]
    of_cues, of_common = windowed
    line = _line_means(page, probabilities)
    seen = np.hstack([line, _line_means(page, common[:, of_common]), _line_means(page, cues[:, of_cues])])
    windows = np.zeros((len(seen) + 1, seen.shape[1]))
    np.cumsum(seen, axis=0, out=windows[1:])
    heights = np.diff(page.line[tops], append=len(seen))
    return Surroundings(
        page=page,
        probabilities=probabilities,
        cues=cues,
        near=near,
        common=common,
        windows=windows,
        plain=seen.shape[1] - int((of_cues >= near).sum()),
        ends=(np.repeat(page.line[tops], heights), np.repeat(page.line[tops] + heights, heights)),
        place=place,
        line=line[page.line],
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
    groups = np.array(kinds)
    counts = np.maximum(np.bincount(groups), 1)[:, None]
    sums = np.empty((len(counts), values.shape[1]))
    for column, weights in enumerate(values.T):
        sums[:, column] = np.bincount(groups, weights=weights)
    means: FloatArray = (sums / counts)[groups]
    means[[not page.blocks[top].path for top in page.top.tolist()]] = 0.0
    return means


def _line_means(page: Page, values: FloatArray) -> FloatArray:
    """The mean of the rows of each line: one row a line."""
    begins = np.flatnonzero(~page.continued)
    means: FloatArray = np.add.reduceat(values, begins, axis=0) / np.diff(begins, append=len(page))[:, None]
    return means
