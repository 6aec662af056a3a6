"""What stands around a block: the scores and shapes of its neighbours, of its line, and of the page.

Two passes over the blocks (stacked sequential learning, Cohen and Carvalho 2005): the first reads each block by itself, the second
sees what the first made of the blocks around. Windows reach far, because a page's parts are long.
"""

from __future__ import annotations

import numpy as np

from annotate.regions.page import FloatArray, Page, windows

RADII = (3, 8, 25, 100)
"""How many blocks before and after the window means take in."""


def features(page: Page, probabilities: FloatArray, own: FloatArray, place: FloatArray) -> FloatArray:
    """The second pass's view of each block: shape (n_blocks, `width(...)`).

    `probabilities` are the first pass's, (n_blocks, R); `own` and `place` the cues of the families."""
    n = len(page)
    around = np.hstack([probabilities, own])
    line = _line_means(page, probabilities)
    return np.hstack(
        [
            np.log(np.maximum(probabilities, 1e-4)) / 4,
            own,
            place,
            line,
            *(_shifted(around, step) for step in (1, -1)),
            *(_shifted(probabilities, step) for step in (2, -2)),
            *windows(around, RADII),
            np.broadcast_to(probabilities.mean(axis=0), (n, probabilities.shape[1])),
            np.broadcast_to(probabilities.max(axis=0), (n, probabilities.shape[1])),
        ]
    )


def _line_means(page: Page, values: FloatArray) -> FloatArray:
    """The mean of the rows of each line, at each of its rows."""
    firsts = np.flatnonzero(~page.continued)
    sums = np.add.reduceat(values, firsts, axis=0)
    counts = np.diff(np.append(firsts, len(page)))
    means: FloatArray = (sums / counts[:, None])[page.line]
    return means


def _shifted(values: FloatArray, step: int) -> FloatArray:
    """The rows `step` blocks before each (after, when negative); zeros beyond the page's edges."""
    out = np.zeros_like(values)
    if step > 0:
        out[step:] = values[:-step]
    else:
        out[:step] = values[-step:]
    return out
