"""What stands around a block: the scores and shapes of its neighbours, of its line, of its like, and of the page.

Two passes over the blocks (stacked sequential learning, Cohen and Carvalho 2005): the first reads each block by itself, the
second sees what the first made of the blocks around. Windows reach far, because a page's parts are long.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from annotate.regions.page import FloatArray, IntArray, Page

RADII = (2, 5, 12, 40, 150)
"""How many blocks before and after the window means take in."""

_ORDINAL = re.compile(r"\[\d+\]")


def features(
    page: Page, probabilities: FloatArray, cues: FloatArray, place: FloatArray, windowed: IntArray, near: int
) -> FloatArray:
    """The second pass's view of each block, one row each.

    `probabilities` are the first pass's, (n_blocks, R); `cues` those of the families, `place` that of the block on its page.
    `windowed` are the columns of the cues that the windows take in; the first `near` columns are seen of the blocks next to
    it."""
    beside = np.hstack([probabilities, cues[:, :near]])
    ones = np.ones((len(page), 1))
    return np.hstack(
        [
            np.log(np.maximum(probabilities, 1e-4)) / 4,
            cues,
            place,
            _group_means(page.line, probabilities),
            _of_its_like(page, probabilities),
            *(_shifted(beside, step) for step in (1, -1)),
            *(_shifted(probabilities, step) for step in (2, -2)),
            *_windows(np.hstack([probabilities, cues[:, windowed]]), RADII),
            ones * probabilities.mean(axis=0),
            ones * probabilities.max(axis=0),
        ]
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
    sums = np.zeros((int(groups.max()) + 1, values.shape[1]))
    np.add.at(sums, groups, values)
    means: FloatArray = (sums / np.bincount(groups)[:, None])[groups]
    return means


def _shifted(values: FloatArray, step: int) -> FloatArray:
    """The rows `step` blocks before each (after, when negative); zeros beyond the page's edges."""
    out = np.zeros_like(values)
    if step > 0:
        out[step:] = values[:-step]
    else:
        out[:step] = values[-step:]
    return out


def _windows(values: FloatArray, radii: Sequence[int]) -> list[FloatArray]:
    """Means of the rows before and after each row, for each radius: shape (n, k) each.

    The sums are divided by the radius, not by the number of rows there are: the edge of the page counts as emptiness."""
    n = len(values)
    sums = np.zeros((n + 1, values.shape[1]))
    np.cumsum(values, axis=0, out=sums[1:])
    row = np.arange(n)
    out = []
    for radius in radii:
        out.append((sums[:-1] - sums[np.maximum(row - radius, 0)]) / radius)
        out.append((sums[np.minimum(row + 1 + radius, n)] - sums[1:]) / radius)
    return out
