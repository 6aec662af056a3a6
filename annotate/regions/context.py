"""What stands around a block: the scores and shapes of its neighbours, of its line, of its like, and of the page.

Two passes over the blocks (stacked sequential learning, Cohen and Carvalho 2005): the first reads each block by itself, the
second sees what the first made of the blocks around. Windows reach far, because a page's parts are long.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from annotate.regions.page import FloatArray, IntArray, Page

RADII = (2, 5, 12, 40, 150)
"""How many blocks before and after the window means take in."""

_ORDINAL = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A page as the second pass sees it: the parts from which the rows of the blocks are put together."""

    probabilities: FloatArray
    """(n_blocks, R) of the first pass."""
    cues: FloatArray
    """Those of the families."""
    near: int
    """So many columns of the cues are also seen of the blocks next to each: all but the markup's."""
    place: FloatArray
    """The block's place on its page."""
    line: FloatArray
    """(n_blocks, R) means of the probabilities over the block's line."""
    like: FloatArray
    """(n_blocks, R) means of the probabilities over the blocks of its like."""
    sums: FloatArray
    """Running sums of what is seen in windows, from zero."""
    plain: int
    """So many columns of the sums are not of the markup."""
    marked: bool
    """Whether the page has markup."""

    def rows(self, first: int, last: int) -> FloatArray:
        """The blocks `first` to `last` (exclusive), one row each."""
        row = np.arange(first, last)
        n = len(self.cues)
        # Sums are divided by the radius, not by the number of blocks there are: beyond the page's edges all is zero.
        above = self.sums[row] - self.sums[np.maximum(row - _RADII[:, None], 0)]
        below = self.sums[np.minimum(row + 1 + _RADII[:, None], n)] - self.sums[row + 1]
        windows = np.stack([above, below], axis=1) / _RADII[:, None, None, None]
        whole = np.concatenate([self.probabilities.mean(axis=0), self.probabilities.max(axis=0)])
        probabilities, beside = _padded(self.probabilities), _padded(self.cues[:, : self.near])
        return np.hstack(
            [
                np.log(np.maximum(self.probabilities[first:last], 1e-4)) / 4,
                *(part[first:last] for part in (self.cues, self.place, self.line, self.like)),
                *(part[first + step : last + step] for step in (1, 3) for part in (probabilities, beside)),
                *(probabilities[first + step : last + step] for step in (0, 4)),
                windows.transpose(2, 0, 1, 3).reshape(len(row), -1),
                np.broadcast_to(whole, (len(row), len(whole))),
            ]
        )

    def unmarked(self) -> Surroundings:
        """The page without the parts that are zero where there is no markup."""
        plain = self.sums[:, : self.plain]
        return replace(self, cues=self.cues[:, : self.near], like=self.like[:, :0], sums=plain)


_RADII = np.array(RADII)


def _padded(values: FloatArray) -> FloatArray:
    """The rows of a page between two rows of zeros on either side."""
    padded = np.zeros((len(values) + 4, values.shape[1]))
    padded[2:-2] = values
    return padded


def surroundings(
    page: Page, probabilities: FloatArray, cues: FloatArray, place: FloatArray, windowed: IntArray, near: int
) -> Surroundings:
    """What stands around the blocks of a page; `windowed` are the columns of the cues that the windows take in."""
    wide = np.hstack([probabilities, cues[:, windowed]])
    sums = np.zeros((len(wide) + 1, wide.shape[1]))
    np.cumsum(wide, axis=0, out=sums[1:])
    return Surroundings(
        probabilities=probabilities,
        cues=cues,
        near=near,
        place=place,
        line=_group_means(page.line, probabilities),
        like=_of_its_like(page, probabilities),
        sums=sums,
        plain=probabilities.shape[1] + int((windowed < near).sum()),
        marked=bool(page.blocks[0].path or cues[:, near:].any()),
    )


def _of_its_like(page: Page, values: FloatArray) -> FloatArray:
    """Means over the blocks that stand in the same place of the page's template: whose DOM paths differ in ordinals only, such
    as all teasers of a list. Zeros for plain text."""
    if not page.blocks[0].path:
        return np.zeros_like(values)
    number: dict[str, int] = {}
    kinds = [number.setdefault(_ORDINAL.sub("", block.path), len(number)) for block in page.blocks]
    return _group_means(np.array(kinds), values)


def _group_means(groups: IntArray, values: FloatArray) -> FloatArray:
    """The mean of the rows of each group, at each of its rows."""
    width = values.shape[1]
    sums = np.bincount((groups[:, None] * width + np.arange(width)).ravel(), weights=values.ravel()).reshape(-1, width)
    means: FloatArray = (sums / np.bincount(groups)[:, None])[groups]
    return means
