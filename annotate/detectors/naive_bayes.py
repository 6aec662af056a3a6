"""py3langid: naive Bayes over byte n-grams found by one automaton (Lui & Baldwin 2012, langid.py), for many texts at a time.

The automaton is that of Aho and Corasick (1975): its state is the longest end of what it has read that begins an n-gram, so the
last `LONGEST` bytes decide it: texts can be cut into short lanes that are walked side by side, a byte of each at a step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from math import log
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from py3langid.langid import MODEL_DIR, MODEL_FILE, LanguageIdentifier

from annotate.detectors import primary
from annotate.detectors.unpacked import Arrays, unpacked

T = TypeVar("T", bound=np.unsignedinteger)

TEMPERATURE = 2.0
"""Naive Bayes counts overlapping n-grams as independent, so its scores are too sure, the more the longer the text. Dividing by
the square root of the bytes (py3langid's own calibration) and multiplying by this made softmax agree with the share of right
answers, for lines of 5 to 200 bytes alike."""

LONGEST = 6
"""Bytes of the longest n-gram of the model."""

STEPS = 512
"""The model holds numbers of half precision between -16 and -2: whole multiples of 1 / 512."""
_ZERO = 16 * STEPS
"""What is added to them in the table, so that none is below zero,"""
_FOLD = 8
"""and of how many the sum then fits in 16 bits."""

_ONCE = log(2)
"""The weight of an n-gram that stands in a text once."""
_NO_LANGUAGE = frozenset({"zxx"})
_FEATURE = 32
"""Bits in which the number of an n-gram finds room."""
_NOWHERE = b"\xff"
"""A byte that no UTF-8 has: it leads the automaton back to its beginning."""
_ROWS = 1 << 12
_LANE = 32
"""Bytes of a lane, beside the `LONGEST` before it that lead to its first state."""
_BATCH = 1 << 14
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
        starts = np.flatnonzero(np.diff(owners, prepend=-1))
        if not len(starts):
            return
        raw = model.sums(features, starts)
        raw *= _ONCE
        often = np.flatnonzero(counts > 1)
        if len(often):
            more = (model.table[features[often]] - float(_ZERO)) * (np.log1p(counts[often]) - _ONCE)[:, None]
            runs = np.flatnonzero(np.diff(owners[often], prepend=-1))
            raw[np.searchsorted(owners[starts], owners[often[runs]])] += np.add.reduceat(more, runs, axis=0)
        raw /= STEPS
        raw += model.prior
        best = raw[:, : len(self.languages)]
        for column, other in model.others:
            np.maximum(best[:, column], raw[:, other], out=best[:, column])
        best -= best.max(axis=1, keepdims=True)
        heard = owners[starts]
        best *= TEMPERATURE / np.sqrt(_lengths(texts)[heard])[:, None]
        # Rounding removes what the order of summation may differ by between machines.
        out[heard] = np.round(best, 6)


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
    tag. One column of each tag comes first, in the order of `languages`, then the others."""

    languages: tuple[str, ...]
    others: tuple[tuple[int, int], ...]
    """Columns beyond the first one of each language: whose they are, and where they stand."""
    table: NDArray[np.uint16]
    """Log-probability of each n-gram (row) under each label (column), in `1 / STEPS` nats above `-_ZERO`; then a row of
    zeros."""
    prior: NDArray[np.float64]
    rows: NDArray[np.intp]
    """Where the moves of each state of the automaton begin; states share them."""
    moves: NDArray[np.unsignedinteger]
    """The next state, 256 of them in a row, by byte."""
    found: NDArray[np.int32]
    """The n-gram that ends at each state; -1 for none."""

    def visits(self, texts: Sequence[bytes]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.intp]]:
        """Which text has which n-gram how often, sorted."""
        found = self.found.take(self._walk(_NOWHERE.join(texts)))
        owner = np.repeat(np.arange(len(texts)), _lengths(texts) + 1)[:-1]  # nothing stands behind the last
        here = np.flatnonzero(found >= 0)
        pairs = owner[here] << _FEATURE | found[here]
        pairs.sort()
        places = np.flatnonzero(np.diff(pairs, prepend=-1))
        pair = pairs[places]
        return pair >> _FEATURE, pair & (1 << _FEATURE) - 1, np.diff(places, append=len(pairs))

    def _walk(self, data: bytes) -> NDArray[np.unsignedinteger]:
        """The state of the automaton after each byte."""
        lanes = len(data) // _LANE + 1
        padded = np.frombuffer(_NOWHERE * LONGEST + data + _NOWHERE * (lanes * _LANE - len(data)), dtype=np.uint8)
        columns = sliding_window_view(padded, LONGEST + _LANE)[::_LANE].T.astype(np.intp)
        states = np.empty((_LANE, lanes), dtype=self.moves.dtype)
        row = self.rows[0]
        for step, column in enumerate(columns, start=-LONGEST):
            state = self.moves.take(row + column, out=states[max(step, 0)], mode="clip")
            row = self.rows.take(state)
        return states.T.reshape(-1)[: len(data)]

    def sums(self, features: NDArray[np.int64], starts: NDArray[np.intp]) -> NDArray[np.float64]:
        """Sums of the rows of stretches of n-grams, in steps. They are whole numbers, so they have no error."""
        counts = np.diff(starts, append=len(features))
        few, left = _folded(self.table, features, counts)
        added = few.astype(np.uint32)
        while left.max() > 1:
            rows = np.vstack([added, np.zeros_like(added[:1])])
            added, left = _folded(rows, np.arange(len(added)), left)
        return added - float(_ZERO) * counts[:, None]


def _lengths(texts: Sequence[bytes]) -> NDArray[np.intp]:
    return np.fromiter(map(len, texts), dtype=np.intp, count=len(texts))


def _folded(table: NDArray[T], rows: NDArray[np.int64], counts: NDArray[np.intp]) -> tuple[NDArray[T], NDArray[np.intp]]:
    """Stretches of rows of a table, of `counts` rows each, with every `_FOLD` rows added up to one; and how many each stretch
    has then. The last row of the table, all zero, fills up. Sums of short stretches are slow, those of long arrays fast."""
    left = -(-counts // _FOLD)
    shifts = (np.cumsum(left) - left) * _FOLD - (np.cumsum(counts) - counts)
    filled = np.full(int(left.sum()) * _FOLD, len(table) - 1)
    filled[np.arange(len(rows)) + np.repeat(shifts, counts)] = rows
    first, *others = np.ascontiguousarray(filled.reshape(-1, _FOLD).T)
    added = table.take(first, axis=0)
    for some in others:
        added += table.take(some, axis=0)
    return added, left


@cache
def _model() -> _Model:
    """The model that comes with py3langid."""
    code = [Path(__file__), Path(__file__).with_name("__init__.py"), *sorted(MODEL_DIR.glob("*.py"))]  # `primary`; py3langid
    arrays = unpacked("py3langid", [MODEL_DIR / MODEL_FILE, *code], _unpack)
    return _Model(
        languages=tuple(arrays["languages"].tolist()),
        others=tuple(map(tuple, arrays["others"].tolist())),
        table=arrays["table"],
        prior=arrays["prior"],
        rows=arrays["rows"],
        moves=arrays["moves"],
        found=arrays["found"],
    )


def _unpack() -> Arrays:
    """The arrays of `_Model`. py3langid keeps its automaton's row offsets beside its public tables."""
    model = LanguageIdentifier.from_model_file(MODEL_FILE)
    columns: dict[str, list[int]] = {}
    for column, label in enumerate(model.nb_classes):
        columns.setdefault(primary(label), []).append(column)
    languages = sorted(columns.keys() - _NO_LANGUAGE)
    spare = [(k, column) for k, tag in enumerate(languages) for column in columns[tag][1:]]
    order = [*(columns[tag][0] for tag in languages), *(column for _, column in spare)]
    return {
        "languages": np.array(languages),
        "others": np.array([(k, place) for place, (k, _) in enumerate(spare, start=len(languages))]),
        "table": _in_steps(model.nb_ptc, order),
        "prior": model.nb_pc[order].astype(np.float64),
        "rows": np.asarray(model.tk_row).astype(np.intp) << 8,
        "moves": np.asarray(model.tk_nextmove),
        "found": np.array(model.tk_output, dtype=np.int32),
    }


def _in_steps(table: NDArray[np.float16], order: Sequence[int]) -> NDArray[np.uint16]:
    """Columns of half-precision numbers, none nearer to zero than 2, as whole numbers of steps above the least; then zeros."""
    steps = np.zeros((len(table) + 1, len(order)), dtype=np.uint16)
    for first in range(0, len(table), _ROWS):  # in parts, or more memory is wanted here than ever after
        some = slice(first, min(first + _ROWS, len(table)))
        steps[some] = table[some, order].astype(np.float32) * STEPS + _ZERO
    return steps
