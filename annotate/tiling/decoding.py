"""The best sequence of labels, and how sure each of them is.

A state is a pair of a language and a region. A language changes rarely, more easily at a line end, at a blank line, and where
the region changes too, so that a notice in another language is found by both at once.
"""

from __future__ import annotations

import numpy as np

from annotate.tiling.units import Floats, Ints

SWITCH = np.array([[10.0, 6.0], [5.5, 3.5], [6.0, 3.0], [5.0, 2.0]])
"""Cost of a change of language, in nats: rows by what lies before the unit, columns by whether the region stays or changes."""

REGION_INLINE = np.array([4.0, 2.0, 0.0, 0.0])
"""Extra cost of a change of region by what lies before the unit; the region model is about lines."""

_WAIT = 8
"""Units after which probabilities are brought back to a sum of 1; until then they shrink, but far from vanishing."""


def decode_languages(emissions: Floats, gaps: Ints) -> Ints:
    """The best sequence of languages, regions left out; `emissions` are `(n, L)` log-scores of the units."""
    n, width = emissions.shape
    if width == 1:
        return np.zeros(n, dtype=np.intp)
    # Few states, many steps: plain numbers beat arrays. A move is worth while from the best language alone.
    rows, costs = emissions.tolist(), SWITCH[gaps, 0].tolist()
    best = rows[0]
    origins = []
    for row, cost in zip(rows[1:], costs[1:], strict=True):
        top = max(best)
        source, moved = best.index(top), top - cost
        origins.append([source if moved > stayed else label for label, stayed in enumerate(best)])
        best = [max(moved, stayed) + score for stayed, score in zip(best, row, strict=True)]
    label = best.index(max(best))
    path = [label]
    for origin in reversed(origins):
        label = origin[label]
        path.append(label)
    return np.array(path[::-1], dtype=np.intp)


def viterbi(langs: Floats, regions: Floats, gaps: Ints, start: Floats, transitions: Floats) -> tuple[Ints, Ints]:
    """The best sequence of joint states (Viterbi 1967): `langs` `(n, L)` and `regions` `(n, R)` are log-scores of the units,
    `start` `(R,)` and `transitions` `(R, R)` log-weights of regions. Returns the language and the region of each unit."""
    (n, width), parts = langs.shape, regions.shape[1]
    stay, leave = _moves(transitions)
    moves = list(_joint(stay, leave, width))
    steps = gaps.tolist()
    said, seen = np.repeat(langs, parts, axis=1), np.tile(regions, width)
    best = np.empty((n, width * parts))
    best[0] = said[0] + seen[0] + np.tile(start, width)
    ways = np.empty((width * parts, width * parts))
    for i in range(1, n):
        np.add(best[i - 1, :, None], moves[steps[i]], out=ways)
        state = np.maximum.reduce(ways, axis=0, out=best[i])
        state += said[i]
        state += seen[i]
    path = np.empty((2, n), dtype=np.intp)
    lang, region = divmod(int(best[-1].argmax()), parts)
    for i in range(n - 1, 0, -1):
        path[:, i] = lang, region
        before, gap = best[i - 1].reshape(width, parts), steps[i]
        stayed = before[lang] + stay[gap, :, region]
        moved = before.max(axis=0) + leave[gap, :, region]
        origin, other = int(stayed.argmax()), int(moved.argmax())
        if width > 1 and moved[other] > stayed[origin]:
            lang, region = int(before[:, other].argmax()), other
        else:
            region = origin
    path[:, 0] = lang, region
    return path[0], path[1]


def posteriors(
    langs: Floats, regions: Floats, gaps: Ints, start: Floats, transitions: Floats, chosen: Ints, parts: Ints
) -> tuple[Floats, Floats]:
    """The posterior of each unit's chosen language and region, `(n,)` each, by the forward-backward algorithm (Baum & others
    1970) over the states of `viterbi`."""
    n, width = langs.shape
    moves = list(np.exp(_joint(*_moves(transitions), width)))
    steps = gaps.tolist()
    emit = np.repeat(np.exp(langs - langs.max(axis=1, keepdims=True)), regions.shape[1], axis=1)
    emit *= np.tile(np.exp(regions - regions.max(axis=1, keepdims=True)), width)
    joint = np.empty_like(emit)
    joint[0] = emit[0] * np.tile(np.exp(start - start.max()), width)
    for i in range(1, n):
        state = np.matmul(joint[i - 1], moves[steps[i]], out=joint[i])
        state *= emit[i]
        if i % _WAIT == 0:
            state /= state.sum()
    backward = np.ones(emit.shape[1])
    for i in range(n - 1, 0, -1):
        joint[i] *= backward
        backward = moves[steps[i]] @ (emit[i] * backward)
        if i % _WAIT == 0:
            backward /= backward.sum()
    joint[0] *= backward
    joint /= joint.sum(axis=1, keepdims=True)
    shares = joint.reshape(n, width, -1)
    rows = np.arange(n)
    return shares[rows, chosen].sum(axis=1), shares[rows, :, parts].sum(axis=1)


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
