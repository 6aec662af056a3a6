"""Fits a region model to labelled documents.

    documents whose blocks are labelled → first pass → its scores on documents it has not seen → second pass → model

The first pass is fitted once on everything, for the model, and once without each of `FOLDS` parts of the documents, so that the
second pass learns from scores such as it will meet (stacking, Wolpert 1992). Documents of one site stay in one part.

Deterministic: equal documents in equal order give an equal model. Needs scikit-learn, the `train` extra.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotate.errors import InvariantError, MissingExtra
from annotate.model import REGIONS
from annotate.regions import GRAIN, RegionModel, cohesion, context_of, cues_of, grains, network, ngrams, words_of
from annotate.regions.augment import augmented
from annotate.regions.examples import Example, sites
from annotate.regions.page import FloatArray, Page, read_page

log = logging.getLogger("annotate")

FOLDS = 3
"""Parts of the documents for the first pass's scores."""

FIRST_PENALTY = 1 / 3.0
"""Strength of the first pass's L2 penalty."""

RECIPE, LONG_RECIPE = network.Recipe(), network.Recipe(epochs=5)
"""How networks are fitted, without and with remixed documents, which are twice as many."""

_FIRST_SHARE = 3
"""The first pass sees one in so many of the remixed documents: they hold no wording of their own."""

_NEVER = -20.0
"""Score of a region that no document has."""

PRIOR = 0.2
"""How much of the regions' frequencies is taken out of the scores: the rare regions are worth as much as the frequent ones."""

NOTICE = 0.5
"""What a consent notice must have over the other regions, in nats: one that is none takes text away from the article."""

TRANSITION = 0.1
"""How much the transitions count: the second pass has seen the neighbours already."""


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of one document."""

    page: Page
    wording: Any
    """(n_blocks, B + F) what the first pass reads: shares of n-grams, then the cues; sparse."""
    cues: FloatArray
    words: cohesion.Words
    targets: FloatArray
    """(n_blocks, R) 1 for the block's region, 0 for the others."""
    weight: float
    weights: FloatArray


def fit(documents: Iterable[Example], *, remixed: float = 0.0) -> RegionModel:
    """The model of labelled documents, and of `augmented` ones with the weight `remixed`. Raises `MissingExtra` without
    scikit-learn, `InvariantError` without documents of two sites and blocks of two regions."""
    examples = list(documents)
    found = sites(examples)
    if len(set(found)) < 2 or len({region for e in examples for region in e.regions}) < 2:
        raise InvariantError("too few documents to learn from", hint="it takes documents of several sites and two regions")
    mixed = list(augmented(examples, weight=remixed)) if remixed else []
    # A remixed page is of the site of the page it was made of, wherever its other parts come from.
    found += [found[k] for k, _ in mixed]
    rows, further = list(map(_rows, examples)), [_rows(e) for _, e in mixed]
    return _fit(rows, further, found, LONG_RECIPE if mixed else RECIPE)


def _fit(documents: Sequence[_Rows], remixed: Sequence[_Rows], found: Sequence[int], recipe: network.Recipe) -> RegionModel:
    """The model of the rows of documents, which say how frequent the regions are, and of remixed ones; `found` are the sites of
    all."""
    number = {site: k for k, site in enumerate(dict.fromkeys(found))}
    folds = [number[site] % FOLDS for site in found]
    everything = [*documents, *remixed]
    wording = [i for i in range(len(everything)) if i < len(documents) or i % _FIRST_SHARE == 0]
    log.info("fitting the first pass to %d documents of %d sites", len(everything), len(number))
    held_out: dict[int, FloatArray] = {}
    for fold in sorted(set(folds)):
        weights = _first_pass([everything[i] for i in wording if folds[i] != fold])
        held_out |= {i: weights.probabilities(everything[i]) for i, f in enumerate(folds) if f == fold}
    first = _first_pass([everything[i] for i in wording])
    log.info("fitting the second pass")
    seen, mean, scale = _views(everything, held_out)
    targets = np.concatenate([r.targets for r in everything]).astype(np.float32)
    weights_of_all = np.concatenate([r.weights for r in everything])
    fitted = network.fit(seen, targets, weights_of_all, recipe, unit=1 / GRAIN)
    return _assemble(documents, first, mean, scale, fitted)


def _views(rows: Sequence[_Rows], probabilities: Mapping[int, FloatArray]) -> tuple[NDArray[np.int8], FloatArray, FloatArray]:
    """What the second pass sees of all blocks, in grains as it will see them; what is subtracted from each column, and what it
    is then multiplied by."""

    def view(i: int) -> FloatArray:
        r = rows[i]
        return context_of(r.page, probabilities[i], r.cues, r.words).rows(0, len(r.page))

    # As floating numbers these would be many gigabytes: every page is looked at twice instead.
    ends = np.cumsum([len(r.page) for r in rows]).tolist()
    total, squares = np.zeros((2, view(0).shape[1]))
    for i in range(len(rows)):
        seen = view(i)
        total += seen.sum(axis=0)
        squares += (seen**2).sum(axis=0)
    mean = total / ends[-1]
    scale = 1 / np.maximum(np.sqrt(np.maximum(squares / ends[-1] - mean**2, 0.0)), 1e-3)
    views = np.empty((ends[-1], len(mean)), dtype=np.int8)
    for i, (start, end) in enumerate(pairwise([0, *ends])):
        views[start:end] = grains(view(i), mean, scale * GRAIN)
    return views, mean, scale


@dataclass(frozen=True, slots=True)
class _FirstPass:
    weights: FloatArray
    """(B + F, R)"""
    bias: FloatArray

    def probabilities(self, rows: _Rows) -> FloatArray:
        scores = rows.wording @ self.weights + self.bias
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        share: FloatArray = odds / odds.sum(axis=1, keepdims=True)
        return share


def _rows(document: Example) -> _Rows:
    sparse = _sklearn("scipy.sparse")
    page = read_page(document.text, document.blocks, document.foreign)
    buckets, owners = ngrams.hashed(page, 0, len(page))
    counts = np.bincount(owners, minlength=len(page))
    matrix = sparse.csr_matrix(
        (1 / np.sqrt(counts[owners]), (owners, buckets.astype(np.int64))), shape=(len(page), ngrams.BUCKETS)
    )
    matrix.sum_duplicates()
    cues = cues_of(page)
    # A block counts by the root of its length: characters matter, and a long paragraph says little more than a short one.
    weights = np.clip(np.sqrt(page.ends - page.starts + 1) / 5, 0.3, 3.0) * document.weight
    return _Rows(
        page=page,
        wording=sparse.hstack([matrix, sparse.csr_matrix(cues)], format="csr"),
        cues=cues,
        words=words_of(page),
        targets=np.eye(len(REGIONS))[[REGIONS.index(region) for region in document.regions]],
        weight=document.weight,
        weights=weights,
    )


def _first_pass(rows: Sequence[_Rows]) -> _FirstPass:
    sparse = _sklearn("scipy.sparse")
    matrix = sparse.vstack([r.wording for r in rows], format="csr")
    targets = np.concatenate([r.targets for r in rows])
    labels, weights = targets.argmax(axis=1), np.concatenate([r.weights for r in rows])
    coefficients, bias = np.zeros((matrix.shape[1], len(REGIONS))), np.full(len(REGIONS), _NEVER)
    classes = np.unique(labels)
    if len(classes) == 1:
        bias[classes] = 0.0
        return _FirstPass(coefficients, bias)
    model = _sklearn("sklearn.linear_model").LogisticRegression(C=1 / FIRST_PENALTY, max_iter=60, tol=1e-3)
    with warnings.catch_warnings():
        # Stopping early is part of the regularisation.
        warnings.simplefilter("ignore", _sklearn("sklearn.exceptions").ConvergenceWarning)
        model.fit(matrix, labels, sample_weight=weights)
    # Of two classes scikit-learn gives the weights of the second against the first.
    signs = np.array([[-0.5], [0.5]]) if len(classes) == 2 else 1.0
    coefficients[:, classes], bias[classes] = (signs * model.coef_).T, np.ravel(signs * model.intercept_)
    return _FirstPass(coefficients, bias)


def _priors(rows: Sequence[_Rows]) -> FloatArray:
    """Log-frequencies of the regions, (R,)."""
    counts = np.ones(len(REGIONS))
    for r in rows:
        counts += r.weights @ r.targets
    return np.asarray(np.log(counts / counts.sum()), dtype=np.float64)


def _chain(rows: Sequence[_Rows]) -> tuple[FloatArray, FloatArray]:
    """Scaled log-frequencies of the first region, (R,), and of each region after each other, (R, R)."""
    first, steps = np.full(len(REGIONS), 0.5), np.full((len(REGIONS), len(REGIONS)), 0.05)
    for r in rows:
        first += r.targets[0] * r.weight
        steps += r.targets[:-1].T @ r.targets[1:] * r.weight
    return TRANSITION * np.log(first / first.sum()), TRANSITION * np.log(steps / steps.sum(axis=1, keepdims=True))


def _assemble(
    rows: Sequence[_Rows], first: _FirstPass, mean: FloatArray, scale: FloatArray, second: network.Network
) -> RegionModel:
    start, transitions = _chain(rows)
    steps = np.maximum(np.abs(second.hidden_weights).max(axis=0), 1e-6) / 127
    ngram_weights, cue_weights = np.split(first.weights, [ngrams.BUCKETS])
    largest = np.maximum(np.abs(ngram_weights).max(axis=0), 1e-6)
    return RegionModel(
        start=start,
        transitions=transitions,
        ngram_steps=largest / 127,
        ngram_weights=np.round(ngram_weights / largest * 127).astype(np.int8),
        cue_weights=cue_weights,
        bias=first.bias,
        mean=mean,
        scale=scale,
        hidden_steps=steps,
        hidden_weights=np.round(second.hidden_weights / steps).astype(np.int8),
        hidden_bias=second.hidden_bias,
        out_weights=second.out_weights,
        out_bias=np.where(_seen(rows), second.out_bias, _NEVER),
        prior=PRIOR * _priors(rows) + NOTICE * (np.array(REGIONS) == "cookie_notice"),
    ).rounded()


def _seen(rows: Sequence[_Rows]) -> NDArray[np.bool_]:
    """Which regions some block has, (R,)."""
    seen: NDArray[np.bool_] = np.any([r.targets.any(axis=0) for r in rows], axis=0)
    return seen


def _sklearn(module: str) -> Any:
    """A module of scikit-learn or SciPy, which comes with it."""
    try:
        return import_module(module)
    except ImportError:
        raise MissingExtra("scikit-learn", "train") from None
