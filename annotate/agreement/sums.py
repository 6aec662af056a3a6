"""Sums over documents, and their resamples: what all figures of agreement and their intervals are made of."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from annotate.agreement.panels import Panel

FloatArray = npt.NDArray[np.float64]


class Sums:
    """Numbers in named columns, to be added up by document."""

    def __init__(self) -> None:
        self.rows = array("q")
        self.columns = array("l")
        self.values = array("d")

    def add(self, row: int, column: int, value: float) -> None:
        self.rows.append(row)
        self.columns.append(column)
        self.values.append(value)

    def add_row(self, row: int, part: Sums) -> None:
        """All numbers of another, as those of one document."""
        self.rows.extend(array("q", [row]) * len(part.columns))
        self.columns.extend(part.columns)
        self.values.extend(part.values)


class Resamples:
    """How often each document was drawn: row 0 once each (the data as they are), then one row per bootstrap resample."""

    def __init__(self, panels: Sequence[Panel], resamples: int, seed: int) -> None:
        index = {doc_id: row for row, doc_id in enumerate(sorted({panel.segment.doc_id for panel in panels}))}
        self.rows = [index[panel.segment.doc_id] for panel in panels]
        self.documents = len(index)
        random = np.random.default_rng(seed)
        self._draws = np.ones((resamples + 1 if index else 1, self.documents), dtype=np.uint16)
        for row in range(1, len(self._draws)):
            drawn = random.integers(self.documents, size=self.documents)
            self._draws[row] = np.bincount(drawn, minlength=self.documents)

    def totals(self, sums: Sums, width: int) -> FloatArray:
        """The column totals in every resample: one row per resample, `width` columns."""
        documents, local = np.unique(np.array(sums.rows, dtype=np.int64), return_inverse=True)
        cells = local * width + np.array(sums.columns, dtype=np.int64)
        table = np.bincount(cells, weights=np.array(sums.values), minlength=len(documents) * width)
        totals = np.zeros((len(self._draws), width))
        rows_at_once = max(1, 4_000_000 // max(1, len(documents)))
        for at in range(0, len(self._draws), rows_at_once):
            draws = self._draws[at : at + rows_at_once, documents].astype(np.float64)
            totals[at : at + rows_at_once] = draws @ table.reshape(len(documents), width)
        return totals


def corrected(observed: FloatArray, expected: FloatArray) -> FloatArray:
    """1 - observed / expected disagreement."""
    return 1 - ratio(observed, expected)


def ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    """NaN where the whole is 0."""
    result = np.full(np.broadcast_shapes(part.shape, whole.shape), np.nan)
    np.divide(part, whole, out=result, where=whole != 0)
    return result


def mean_defined(figures: Iterable[FloatArray], shape: int | tuple[int, int]) -> FloatArray:
    """The mean of what is not NaN; NaN where nothing is left."""
    total, defined = np.zeros(shape), np.zeros(shape)
    for figure in figures:
        total += np.nan_to_num(figure)
        defined += ~np.isnan(figure)
    return ratio(total, defined)
