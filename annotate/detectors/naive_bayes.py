"""py3langid: naive Bayes over byte n-grams found by one automaton (Lui & Baldwin 2012, langid.py), for many texts at a time.

The automaton is that of Aho and Corasick (1975): its state is the longest end of what it has read that begins an n-gram, so the
last `LONGEST` bytes decide it, and all positions of all texts can be walked side by side, a byte of each at a step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from annotate.detectors import primary

TEMPERATURE = 2.0
"""Naive Bayes counts overlapping n-grams as independent, so its scores are too sure, the more the longer the text. Dividing by
the square root of the bytes (py3langid's own calibration) and multiplying by this made softmax agree with the share of right
answers, for lines of 5 to 200 bytes alike."""

LONGEST = 6
"""Bytes of the longest n-gram of the model."""

_NO_LANGUAGE = frozenset({"zxx"})
_NOWHERE = b"\xff"
"""A byte that no UTF-8 has: it leads the automaton back to its beginning."""
_BATCH = 1 << 13
"""Bytes whose n-grams are held at a time, or one text."""


class Py3langid:
    """About 130 languages; scores in one pass over the bytes."""

    name = "py3langid"

    def __init__(self) -> None:
        self._model = _model()
        self.languages = self._model.languages

    def scores(self, texts: Sequence[str]) -> NDArray[np.float64]:
        out = np.full((len(texts), len(self.languages)), np.nan)
        data = list(map(LanguageIdentifier._encode, texts))
        for first, last in _batches(data):
            self._score(data[first:last], out[first:last])
        return out

    def _score(self, texts: Sequence[bytes], out: NDArray[np.float64]) -> None:
        """Fills the rows of `out` whose texts have a feature."""
        model = self._model
        owners, features, counts = model.visits(texts)
        weights = np.log1p(counts)
        table = model.table[features].astype(np.float64)
        bounds = np.searchsorted(owners, np.arange(len(texts) + 1)).tolist()
        heard = [i for i in range(len(texts)) if bounds[i] < bounds[i + 1]]
        if not heard:
            return
        raw = np.array([weights[bounds[i] : bounds[i + 1]] @ table[bounds[i] : bounds[i + 1]] for i in heard]) + model.prior
        best = np.maximum.reduceat(raw, model.firsts, axis=1)
        best -= best.max(axis=1, keepdims=True)
        scale = np.array([TEMPERATURE / sqrt(len(texts[i])) for i in heard])
        # Rounding removes what the order of summation may differ by between machines.
        out[heard] = np.round(best * scale[:, None], 6)


def _batches(texts: Sequence[bytes]) -> Iterator[tuple[int, int]]:
    """Ranges of texts of about `_BATCH` bytes."""
    first = size = 0
    for i, text in enumerate(texts):
        if size and size + len(text) > _BATCH:
            yield first, i
            first, size = i, 0
        size += len(text)
    if first < len(texts):
        yield first, len(texts)


@dataclass(frozen=True, slots=True)
class _Model:
    """The tables of py3langid. Some of its labels share a tag (nb and nn, sr in two scripts): the best of them speaks for the
    tag. Columns sorted by tag make each tag one run, which `maximum.reduceat` folds."""

    languages: tuple[str, ...]
    firsts: NDArray[np.intp]
    """Where the columns of each language begin."""
    table: NDArray[np.float32]
    """Log-probability of each n-gram (row) under each label (column)."""
    prior: NDArray[np.float64]
    rows: NDArray[np.intp]
    """Where the moves of each state of the automaton begin; states share them."""
    moves: NDArray[np.unsignedinteger]
    """The next state, 256 of them in a row, by byte."""
    found: NDArray[np.int32]
    """The n-gram that ends at each state; -1 for none."""

    def visits(self, texts: Sequence[bytes]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.intp]]:
        """Which text has which n-gram how often, sorted."""
        data = np.frombuffer(_NOWHERE * LONGEST + _NOWHERE.join(texts), dtype=np.uint8).astype(np.intp)
        size = len(data) - LONGEST
        state = self.moves.take(self.rows[0] + data[1 : size + 1])
        for step in range(2, LONGEST + 1):
            state = self.moves.take(self.rows.take(state) + data[step : step + size])
        found = self.found.take(state)
        owner = np.repeat(np.arange(len(texts)), [*(len(text) + 1 for text in texts[:-1]), len(texts[-1])])
        here = np.flatnonzero(found >= 0)
        pairs = owner[here] * len(self.table) + found[here]
        pairs.sort()
        places = np.flatnonzero(np.diff(pairs, prepend=-1))
        owners, features = np.divmod(pairs[places], len(self.table))
        return owners, features, np.diff(places, append=len(pairs))


@cache
def _model() -> _Model:
    """The model that comes with py3langid. Its automaton's row offsets are kept beside the public tables there."""
    model = LanguageIdentifier.from_model_file(MODEL_FILE)
    tags = [primary(label) for label in model.nb_classes]
    order = [i for i, tag in sorted(enumerate(tags), key=lambda column: column[1]) if tag not in _NO_LANGUAGE]
    languages = sorted(set(tags) - _NO_LANGUAGE)
    widths = [tags.count(tag) for tag in languages]
    return _Model(
        languages=tuple(languages),
        firsts=np.array([0, *accumulate(widths[:-1])]),
        table=model.nb_ptc[:, order].astype(np.float32, order="C"),
        prior=model.nb_pc[order].astype(np.float64),
        rows=np.asarray(model.tk_row).astype(np.intp) << 8,
        moves=np.asarray(model.tk_nextmove),
        found=np.array(model.tk_output, dtype=np.int32),
    )
