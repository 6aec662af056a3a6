"""The best sequence of labels, and how sure each of them is.

A state is a pair of a language and a region. A language changes rarely, more easily at a line end, at a blank line, and where
the region changes too, so that a notice in another language is found by both at once.

A step from unit to unit is little work, so many documents take it side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from annotate.tiling.units import Floats, Ints

SWITCH = np.array([[10.0, 6.0], [5.5, 3.5], [6.0, 3.0], [5.0, 2.0]])
"""Cost of a change of language, in nats: rows by what lies before the unit, columns by whether the region stays or changes."""

REGION_INLINE = np.array([4.0, 2.0, 0.0, 0.0])
"""Extra cost of a change of region by what lies before the unit; the region model is about lines."""

_WAIT = 8
"""Units after which probabilities are brought back to a sum of 1; until then they shrink, but far from vanishing."""

_ROWS = 1 << 10
"""Units looked back from at a time."""


@dataclass(frozen=True, slots=True)
class Scored:
    """What is known of the n units of a document."""

    langs: Floats
    """`(n, L)` log-scores for the document's languages."""
    regions: Floats
    """`(n, R)` log-scores for the regions."""
    gaps: Ints
    """`(n,)` what lies before each unit."""


T = TypeVar("T", bound=np.generic)
Path = tuple[Ints, Ints]
"""The language and the region of each unit of a document, as numbers of columns."""


def decode_languages(emissions: Floats, gaps: Ints) -> Ints:
    """The best sequence of languages, regions left out; `emissions` are `(n, L)` log-scores of the units."""
    n, width = emissions.shape
    if width == 1:
        return np.zeros(n, dtype=np.intp)
    # Few states, many steps: plain numbers beat arrays. A move is worth while from the best language alone.
    best = emissions[0].tolist()
    origins = bytearray()
    for first in range(1, n, _ROWS):
        rows, costs = emissions[first : first + _ROWS].tolist(), SWITCH[gaps[first : first + _ROWS], 0].tolist()
        for row, cost in zip(rows, costs, strict=True):
            top = max(best)
            source, moved = best.index(top), top - cost
            origins += bytes([source if moved > stayed else label for label, stayed in enumerate(best)])
            best = [max(moved, stayed) + score for stayed, score in zip(best, row, strict=True)]
    label = best.index(max(best))
    path = np.empty(n, dtype=np.intp)
    path[-1] = label
    for at in range(n - 2, -1, -1):
        label = path[at] = origins[at * width + label]
    return path


def viterbi(documents: Sequence[Scored], start: Floats, transitions: Floats) -> list[Path]:
    """The best sequence of joint states (Viterbi 1967) of each document. `start` `(R,)` and `transitions` `(R, R)` are
    log-weights of regions."""
    stay, leave = _moves(transitions)
    found: dict[int, Path] = {}
    for lanes in _side_by_side(documents):
        best = lanes.in_line(_forward(lanes, start, stay, leave))
        origins = _origins(best, lanes.in_line(lanes.gaps), stay, leave)
        states = origins.shape[1]
        for number, rows in zip(lanes.numbers, lanes.rows, strict=True):
            state = int(best[rows.stop - 1].argmax())
            path = [state]
            origin = origins[rows.start : rows.stop - 1].tobytes()
            for first in range(len(origin) - states, -1, -states):
                state = origin[first + state]
                path.append(state)
            found[number] = np.divmod(np.array(path[::-1], dtype=np.intp), len(start))
    return [found[number] for number in range(len(documents))]


def _forward(lanes: _Lanes, start: Floats, stay: Floats, leave: Floats) -> Floats:
    """The weight of the best path to each state of each unit, `(N, L, R)`."""
    best: Floats = lanes.langs[:, :, None] + lanes.regions[:, None]
    best[lanes.steps[0]] += start
    for last, step in pairwise(lanes.steps):
        before, gaps = best[last.start : last.start + step.stop - step.start], lanes.gaps[step]
        state = np.maximum.reduce(before[:, :, :, None] + stay.take(gaps, axis=0)[:, None], axis=2)
        if before.shape[1] > 1:
            moved = before.max(axis=1)[:, :, None] + leave.take(gaps, axis=0)
            np.maximum(state, moved.max(axis=1)[:, None], out=state)
        state += lanes.langs[step, :, None]
        state += lanes.regions[step, None]
        best[step] = state
    return best


def _origins(best: Floats, gaps: Ints, stay: Floats, leave: Floats) -> NDArray[np.uint8]:
    """The state that the best path to each state of each unit but the first comes from, `(N - 1, L R)`; where another document
    begins it means nothing."""
    n, width, parts = best.shape
    origins = np.empty((n - 1, width, parts), dtype=np.uint8)
    into, out_of = stay.transpose(0, 2, 1), leave.transpose(0, 2, 1)
    for first in range(0, n - 1, _ROWS):
        rows = slice(first, min(first + _ROWS, n - 1))
        before, gap = best[rows], gaps[1:][rows]
        stayed = before[:, :, None] + into.take(gap, axis=0)[:, None]
        origin = stayed.argmax(axis=3)
        if width > 1:
            moved = before.max(axis=1)[:, None] + out_of.take(gap, axis=0)
            other = moved.argmax(axis=2)
            source = np.take_along_axis(before.argmax(axis=1), other, axis=1) * parts + other
            origin += np.arange(width)[:, None] * parts
            origin = np.where(moved.max(axis=2)[:, None] > stayed.max(axis=3), source[:, None], origin)
        origins[rows] = origin
    return origins.reshape(n - 1, width * parts)


def posteriors(
    documents: Sequence[Scored], paths: Sequence[Path], start: Floats, transitions: Floats
) -> list[tuple[Floats, Floats]]:
    """The posterior of each unit's language and region in `paths`, `(n,)` each, by the forward-backward algorithm (Baum &
    others 1970) over the states of `viterbi`."""
    stay, leave = _moves(transitions)
    found: dict[int, tuple[Floats, Floats]] = {}
    for lanes in _side_by_side(documents):
        width, parts = lanes.langs.shape[1], len(start)
        moves = np.exp(_joint(stay, leave, width))
        shares = lanes.in_line(_both_ways(lanes, start, moves)).reshape(-1, width, parts)
        langs, regions = np.hstack([paths[number] for number in lanes.numbers])
        at = np.arange(len(shares))
        sure = shares[at, langs].sum(axis=1), shares[at, :, regions].sum(axis=1)
        for number, rows in zip(lanes.numbers, lanes.rows, strict=True):
            found[number] = sure[0][rows], sure[1][rows]
    return [found[number] for number in range(len(documents))]


def _both_ways(lanes: _Lanes, start: Floats, moves: Floats) -> Floats:
    """The posteriors of all states of each unit, `(N, L R)`."""
    langs = np.exp(lanes.langs - lanes.langs.max(axis=1, keepdims=True))
    regions = np.exp(lanes.regions - lanes.regions.max(axis=1, keepdims=True))
    joint: Floats = (langs[:, :, None] * regions[:, None]).reshape(len(langs), -1)
    joint[lanes.steps[0]] *= np.tile(np.exp(start - start.max()), langs.shape[1])
    for i, (last, step) in enumerate(pairwise(lanes.steps), start=1):
        before = joint[last.start : last.start + step.stop - step.start, None]
        state = np.matmul(before, moves.take(lanes.gaps[step], axis=0))[:, 0]
        state *= joint[step]
        if i % _WAIT == 0:
            state /= state.sum(axis=1, keepdims=True)
        joint[step] = state
    behind = np.ones((len(lanes.numbers), joint.shape[1]))
    for i in range(len(lanes.steps) - 1, 0, -1):
        step = lanes.steps[i]
        here = behind[: step.stop - step.start]
        joint[step] *= here
        emit = (langs[step, :, None] * regions[step, None]).reshape(len(here), -1)
        here[:] = np.matmul(moves.take(lanes.gaps[step], axis=0), (emit * here)[:, :, None])[:, :, 0]
        if i % _WAIT == 0:
            here /= here.sum(axis=1, keepdims=True)
    joint[lanes.steps[0]] *= behind
    joint /= joint.sum(axis=1, keepdims=True)
    return joint


class _Lanes:
    """Documents of equally many languages, the longest first. Arrays have a row for each unit: the first units of all
    documents, then the second ones, and so on."""

    def __init__(self, documents: Sequence[Scored], numbers: Sequence[int]) -> None:
        self.numbers = sorted(numbers, key=lambda number: -len(documents[number].gaps))
        """Which documents they are."""
        lengths = [len(documents[number].gaps) for number in self.numbers]
        self.rows = [slice(*span) for span in pairwise(accumulate(lengths, initial=0))]
        """The rows of each of them when they stand in line."""
        within = np.concatenate([np.arange(length) for length in lengths])
        self._order = np.argsort(within, kind="stable")
        self.steps = [slice(*span) for span in pairwise(accumulate(np.bincount(within).tolist(), initial=0))]
        """The rows of each step."""
        self.langs = np.concatenate([documents[number].langs for number in self.numbers])[self._order]
        self.regions = np.concatenate([documents[number].regions for number in self.numbers])[self._order]
        self.gaps = np.concatenate([documents[number].gaps for number in self.numbers])[self._order]

    def in_line(self, values: NDArray[T]) -> NDArray[T]:
        """The rows with each document's together."""
        if len(self.numbers) == 1:
            return values
        line = np.empty_like(values)
        line[self._order] = values
        return line


def _side_by_side(documents: Sequence[Scored]) -> Iterator[_Lanes]:
    widths: dict[int, list[int]] = {}
    for number, document in enumerate(documents):
        widths.setdefault(document.langs.shape[1], []).append(number)
    return (_Lanes(documents, numbers) for numbers in widths.values())


def _moves(transitions: Floats) -> tuple[Floats, Floats]:
    """Log-weights of a step within a language and into another, each `(4, R, R)` by what lies before the unit."""
    changes = ~np.eye(len(transitions), dtype=bool)
    stay = transitions - REGION_INLINE[:, None, None] * changes
    return stay, stay - SWITCH[:, changes.astype(np.intp)]


def _joint(stay: Floats, leave: Floats, width: int) -> Floats:
    """Log-weights of all steps between joint states, `(4, L R, L R)`, languages outermost."""
    same = np.eye(width, dtype=bool)[:, None, :, None]
    steps = np.where(same, stay[:, None, :, None, :], leave[:, None, :, None, :])
    return steps.reshape(len(stay), width * stay.shape[1], -1)
