"""py3langid: naive Bayes over byte n-grams found by one automaton (Lui & Baldwin 2012, langid.py)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from math import log1p, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from py3langid.langid import MODEL_FILE, LanguageIdentifier, visit_counts

from annotate.detectors import primary

TEMPERATURE = 2.0
"""Naive Bayes counts overlapping n-grams as independent, so its scores are too sure, the more the longer the text. Dividing by
the square root of the bytes (py3langid's own calibration) and multiplying by this made softmax agree with the share of right
answers, for lines of 5 to 200 bytes alike."""

_NO_LANGUAGE = frozenset({"zxx"})


class Py3langid:
    """About 130 languages; scores in one pass over the bytes."""

    name = "py3langid"

    def __init__(self) -> None:
        self._model = _model()
        columns = [primary(label) for label in self._model.nb_classes]
        self._labels = sorted(set(columns) - _NO_LANGUAGE)
        self.languages = frozenset(self._labels)
        # Some labels share a tag (nb and nn, sr in two scripts): the best of them speaks for the tag. Columns sorted by tag
        # make each tag one run, which `maximum.reduceat` folds.
        self._order = np.array([i for i, tag in sorted(enumerate(columns), key=lambda c: c[1]) if tag in self.languages])
        ordered = [columns[i] for i in self._order]
        self._starts = np.array([ordered.index(tag) for tag in self._labels])

    def scores(self, texts: Sequence[str]) -> list[Mapping[str, float]]:
        return [self._scores(text) for text in texts]

    def raw(self, data: bytes) -> NDArray[np.float64] | None:
        """The model's log-posterior for each of its own labels, unscaled; None when no feature occurs."""
        model = self._model
        # The automaton's row offsets are what `visit_counts` walks; py3langid keeps them beside the public tables.
        visits = visit_counts(model.tk_nextmove, model._rowbase, model.tk_output, data)
        if not visits:
            return None
        weights = np.array([log1p(count) for count in visits.values()])
        table = model.nb_ptc[list(visits)].astype(np.float64)
        return np.asarray(weights @ table + model.nb_pc, dtype=np.float64)

    def _scores(self, text: str) -> Mapping[str, float]:
        data = self._model._encode(text)
        raw = self.raw(data)
        if raw is None:
            return {}
        best = np.maximum.reduceat(raw[self._order], self._starts)
        best -= best.max()
        # Rounding removes what the order of summation may differ by between machines.
        scaled = np.round(best * (TEMPERATURE / sqrt(len(data))), 6)
        return dict(zip(self._labels, scaled.tolist(), strict=True))


@cache
def _model() -> Any:
    return LanguageIdentifier.from_model_file(MODEL_FILE)
