"""Adapts a region model to a few corrected documents. Needs numpy alone.

    corrected documents ─┬─ folds → how strong a change pays on documents it was not made from, if any does
                         └─ all → the change of that strength

Only the last layer of the second pass changes, and it is pulled back to what it was: a ridge penalty on the change, as in the
regularised adaptation of a maximum-entropy model (Chelba and Acero 2004). Beside the corrected documents stand rehearsed ones,
on which the scores are to stay what they are (Li and Hoiem 2016, learning without forgetting). The problem is convex: no chance
enters. Folds, the strengths tried and what is asked of them: `choose`.

More to change (a linear term over all that the second pass reads, the n-grams of the first) was tried on pages of kinds that a
model had not seen: it learns no more from 20 documents and does as much harm elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any

import numpy as np

from annotate.model import REGIONS
from annotate.regions import RegionModel, context_of, cues_of, log_softmax, ngrams, words_of
from annotate.regions.examples import Example
from annotate.regions.page import FloatArray, IntArray, read_page

FOLDS = 5
"""Parts of the documents, each held back once. Needs as many sites, else documents of one site may stand on both sides."""

PULLS = (10_000.0, 3_000.0, 1_000.0)
"""Ridge penalties that are tried, the strongest first; the unit is one block of evidence for a change of one."""

_STEPS, _CLOSE_ENOUGH = 200, 1e-4
_STEP = 1e-3
"""Weights change in steps of this size: the last bits of a matrix product, which differ between machines, are not kept."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A labelled document as the last layer sees it."""

    hidden: FloatArray
    """(n_blocks, H + 1) the hidden units, and 1 for the bias."""
    scores: FloatArray
    """(n_blocks, R) what the unchanged layer makes of them."""
    labels: IntArray
    weights: FloatArray
    sizes: IntArray
    """Characters of each block."""


def seen(model: RegionModel, document: Example) -> Seen:
    """What the model's last layer gets to see of a document."""
    page = read_page(document.text, document.blocks, document.foreign)
    cues = cues_of(page)
    buckets, owners = ngrams.hashed(page, 0, len(page))
    begins = np.searchsorted(owners, np.arange(len(page)))
    words = np.add.reduceat(model.ngram_weights.take(buckets, axis=0), begins, axis=0, dtype=np.float64)
    words *= model.ngram_steps / np.sqrt(np.diff(begins, append=len(buckets)))[:, None]
    first = np.exp(log_softmax(words + cues @ model.cue_weights + model.bias))
    hidden = model.hidden_units(context_of(page, first, cues, words_of(page)).rows(0, len(page)))
    sizes = page.ends - page.starts
    return Seen(
        hidden=np.hstack([hidden, np.ones((len(page), 1))]),
        scores=hidden @ model.out_weights + model.out_bias,
        labels=np.array([REGIONS.index(region) for region in document.regions]),
        # As in training: characters matter, and a long paragraph says little more than a short one.
        weights=np.clip(np.sqrt(sizes + 1) / 5, 0.3, 3.0) * document.weight,
        sizes=sizes,
    )


def changed(model: RegionModel, change: FloatArray) -> RegionModel:
    """The model with a change, (H + 1, R), of its last layer."""
    return replace(model, out_weights=model.out_weights + change[:-1], out_bias=model.out_bias + change[-1]).rounded()


def fit(documents: Sequence[Seen], rehearsed: Sequence[Seen], pull: float) -> FloatArray:
    """The change, (H + 1, R), that suits the labels of `documents` and leaves the scores of `rehearsed`, which weigh as much
    together, as they are; held by the penalty `pull`."""
    every = [*documents, *rehearsed]
    # Twice as fast in single precision; the steps of the result are coarser.
    hidden = np.concatenate([d.hidden for d in every], dtype=np.float32)
    scores = np.concatenate([d.scores for d in every], dtype=np.float32)
    weights = np.concatenate([*(d.weights for d in documents), *_balanced(documents, rehearsed)])
    wanted = np.concatenate([*(np.eye(len(REGIONS))[d.labels] for d in documents), *(_odds(d.scores) for d in rehearsed)])
    weights, wanted = weights[:, None].astype(np.float32), wanted.astype(np.float32)
    # The slope changes no faster than this (Böhning 1992), so that each step goes down, and none is too long.
    curve = (hidden.T @ (hidden * weights)).astype(np.float64) / 2 + pull * np.eye(hidden.shape[1])
    inverse = np.linalg.inv(curve)
    change = ahead = np.zeros((hidden.shape[1], len(REGIONS)))
    for step in range(_STEPS):
        slope = hidden.T @ ((_odds(scores + hidden @ ahead.astype(np.float32)) - wanted) * weights) + pull * ahead
        before, change = change, ahead - inverse @ slope
        ahead = change + step / (step + 3) * (change - before)  # Nesterov's acceleration
        if np.abs(change - before).max() < _CLOSE_ENOUGH:
            break
    return np.asarray(np.round(change / _STEP) * _STEP, dtype=np.float64)


def parts_of(sites: Sequence[int]) -> tuple[tuple[int, ...], bool]:
    """The part each document is held back with, and whether the sites stay together: they do when there are enough of them."""
    number = {site: k for k, site in enumerate(dict.fromkeys(sites))}
    if len(number) >= FOLDS:
        return tuple(number[site] % FOLDS for site in sites), True
    return tuple(k % FOLDS for k in range(len(sites))), False


def choose(model: RegionModel, documents: Sequence[Seen], rehearsed: Sequence[Seen], sites: Sequence[int]) -> float:
    """How strongly to pull, by the share of characters that get the right region on held-back documents: the strongest penalty
    that is not clearly worse than the best one (by more than a standard error over the documents). `inf`, for no change, unless
    both that share and the loss are better than without, and one of them clearly."""
    parts, _ = parts_of(sites)
    if len(set(parts)) < 2:
        return inf
    losses = np.zeros((len(PULLS), len(documents)))
    rights = np.zeros((len(PULLS), len(documents)))
    for part in sorted(set(parts)):
        rest = [d for d, p in zip(documents, parts, strict=True) if p != part]
        held = [k for k, p in enumerate(parts) if p == part]
        for row, pull in enumerate(PULLS):
            change = fit(rest, rehearsed, pull)
            for k in held:
                losses[row, k], rights[row, k] = _judged(model, documents[k], change)
    nothing = np.zeros((documents[0].hidden.shape[1], len(REGIONS)))
    loss, right = np.array([_judged(model, d, nothing) for d in documents]).T
    best = rights[rights.mean(axis=1).argmax()]
    row = next(row for row in range(len(PULLS)) if np.less_equal(*_mean_and_error(best - rights[row])))
    gains = [_mean_and_error(rights[row] - right), _mean_and_error(loss - losses[row])]
    pays = all(gain > 0 for gain, _ in gains) and any(gain > error for gain, error in gains)
    return PULLS[row] if pays else inf


def _judged(model: RegionModel, document: Seen, change: FloatArray) -> tuple[float, float]:
    """A document's mean loss a block, and the share of its characters whose best region is right."""
    scores = document.scores + document.hidden @ change
    logs = log_softmax(scores)[np.arange(len(scores)), document.labels]
    right = (scores - model.prior).argmax(axis=1) == document.labels
    return -float(document.weights @ logs / document.weights.sum()), float(document.sizes @ right / document.sizes.sum())


def _mean_and_error(values: FloatArray) -> tuple[float, float]:
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def _balanced(documents: Sequence[Seen], rehearsed: Sequence[Seen]) -> list[FloatArray]:
    """The weights of the rehearsed documents, scaled to the total of the others."""
    theirs = sum(float(d.weights.sum()) for d in rehearsed)
    ours = sum(float(d.weights.sum()) for d in documents)
    return [d.weights * (ours / theirs) for d in rehearsed]


def _odds(scores: Any) -> Any:
    return np.exp(log_softmax(scores))
