"""Fits a region model to labelled documents.

    documents whose blocks are labelled → first pass → its scores on documents it has not seen → second pass → model

The first pass is fitted once on everything, for the model, and once without each of `FOLDS` parts of the documents, so that the
second pass learns from scores such as it will meet (stacking, Wolpert 1992). Documents of one site stay in one part.
Deterministic: equal documents in equal order give an equal model. Needs scikit-learn, the `train` extra.
"""

from __future__ import annotations

import logging
import warnings
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotate.codec import loads
from annotate.errors import InvariantError, MissingExtra, ReadError
from annotate.model import REGIONS, UND, Block, Document
from annotate.regions import CLIP, RegionModel, context_of, cues_of, network, ngrams
from annotate.regions.page import FloatArray, IntArray, Page, read_page

log = logging.getLogger("annotate")

FOLDS = 5
"""Parts of the documents for the first pass's scores."""

_TELLING_LINE, _FEW_HOLDERS, _SHARED_LINES = 4, 6, 12
"""Documents that share `_SHARED_LINES` lines of `_TELLING_LINE` characters and more, lines that no more than `_FEW_HOLDERS`
documents have, are of one site."""

FIRST_PENALTY = 1 / 3.0
"""Strength of the first pass's L2 penalty."""

NETWORKS = 4
"""Networks of the second pass; their scores are averaged."""

RECIPE = network.Recipe()

_NEVER = -20.0
"""Score of a region that no document has."""

PRIOR = 0.2
"""How much of the regions' frequencies is taken out of the scores: the rare regions are worth as much as the frequent ones."""

NOTICE = 1.0
"""What a consent notice must have over the other regions, in nats: one that is none takes text away from the article."""

TRANSITION = 0.1
"""How much the transitions count: the second pass has seen the neighbours already."""


@dataclass(frozen=True, slots=True)
class Example:
    """A labelled document: a region for each of the blocks that tile its text, and which blocks are foreign to its main
    language. `weight` is that of each of its blocks."""

    text: str
    blocks: tuple[Block, ...]
    foreign: tuple[bool, ...]
    regions: tuple[str, ...]
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not len(self.blocks) == len(self.foreign) == len(self.regions) > 0:
            raise InvariantError("an example needs blocks, and foreign and regions for each of them")
        if unknown := set(self.regions) - set(REGIONS):
            raise InvariantError(f"no such region: {', '.join(sorted(unknown))}", hint=f"regions: {', '.join(REGIONS)}")


@dataclass(frozen=True, slots=True)
class GoldSegment:
    """A stretch of a labelled document in one language and region."""

    start: int
    end: int
    lang: str
    region: str


@dataclass(frozen=True, slots=True)
class Gold:
    """A labelled document as it stands in a file: as text, or as HTML, whose extracted text the segments then tile."""

    id: str
    segments: tuple[GoldSegment, ...]
    text: str = ""
    html: str = ""


def examples(path: Path, document: Callable[[Gold], Document], *, weight: float = 1.0) -> Iterator[Example]:
    """The examples of a JSONL file of `{"id","text","segments":[{"start","end","lang","region"}]}`, or with `html` for `text`;
    other keys are not read.

    `document` makes a document with blocks of a record, cut as the decoder will cut it. Pages that are given as text and again
    as HTML make a model that does with and without markup. Raises `ReadError` with the line number."""
    with open(path, "rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                gold = loads(line, Gold)
                yield example(document(gold), gold.segments, weight=weight)
            except (ReadError, InvariantError) as problem:
                raise ReadError(f"{path}:{number}: {problem.message}", hint=problem.hint) from None


def example(document: Document, segments: Sequence[GoldSegment], *, weight: float = 1.0) -> Example:
    """Labels the blocks of `document` by the segment that most of their visible characters lie in. Raises `InvariantError` when
    the segments do not tile the text."""
    text = document.text
    bounds = [0, *(s.end for s in segments)]
    if [s.start for s in segments] != bounds[:-1] or bounds[-1] != len(text) or bounds != sorted(set(bounds)):
        raise InvariantError(f"the segments of {document.doc_id!r} do not tile its text of {len(text)} code points")
    visible = np.concatenate(([0], np.cumsum([not c.isspace() for c in text])))
    sizes: Counter[str] = Counter()
    for segment in segments:
        sizes[segment.lang] += int(visible[segment.end] - visible[segment.start])
    sizes.pop(UND, None)
    main = max(sizes, key=lambda tag: sizes[tag]) if sizes else UND
    labels = []
    for block in document.blocks:
        first, last = bisect_right(bounds, block.start) - 1, bisect_left(bounds, block.end)
        shared = [visible[min(s.end, block.end)] - visible[max(s.start, block.start)] for s in segments[first:last]]
        labels.append(segments[first + int(np.argmax(shared))])
    foreign = tuple(s.lang not in (main, UND) for s in labels)
    return Example(text, document.blocks, foreign, tuple(s.region for s in labels), weight)


def sites(documents: Sequence[Example]) -> list[int]:
    """Which documents are of one site, by number: those that share lines which few others have, a menu or a footer."""
    holders: dict[str, list[int]] = {}
    for i, document in enumerate(documents):
        for line in {line for line in document.text.split("\n") if len(line) >= _TELLING_LINE}:
            holders.setdefault(line, []).append(i)
    shared: Counter[tuple[int, int]] = Counter()
    for found in holders.values():
        if len(found) <= _FEW_HOLDERS:
            shared.update(combinations(found, 2))
    site = list(range(len(documents)))
    for (left, right), lines in sorted(shared.items()):
        enough = lines >= _SHARED_LINES or documents[left].text == documents[right].text
        if enough and site[left] != site[right]:
            kept, gone = sorted((site[left], site[right]))
            site = [kept if s == gone else s for s in site]
    return site


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of one example."""

    page: Page
    ngrams: Any
    cues: FloatArray
    labels: IntArray
    weight: float
    weights: FloatArray


def fit(documents: Iterable[Example]) -> RegionModel:
    """The model of labelled documents. Raises `MissingExtra` without scikit-learn, `InvariantError` without documents of two
    sites and blocks of two regions."""
    examples = list(documents)
    found = sites(examples)
    number = {site: k for k, site in enumerate(dict.fromkeys(found))}
    folds = [number[site] % FOLDS for site in found]
    if len(number) < 2 or len({region for e in examples for region in e.regions}) < 2:
        raise InvariantError("too few documents to learn from", hint="it takes documents of several sites and two regions")
    rows = [_rows(e) for e in examples]
    log.info("fitting the first pass to %d documents of %d sites", len(rows), len(number))
    held_out: dict[int, FloatArray] = {}
    for fold in sorted(set(folds)):
        weights = _first_pass([r for r, f in zip(rows, folds, strict=True) if f != fold])
        held_out |= {i: weights.probabilities(rows[i]) for i, f in enumerate(folds) if f == fold}
    first = _first_pass(rows)
    log.info("fitting the second pass")
    seen = [context_of(r.page, held_out[i], r.cues).rows(0, len(r.page)).astype(np.float32) for i, r in enumerate(rows)]
    labels = np.concatenate([r.labels for r in rows])
    mean, scale, networks = _second_pass(np.vstack(seen), labels, np.concatenate([r.weights for r in rows]))
    return _assemble(rows, first, mean, scale, networks)


@dataclass(frozen=True, slots=True)
class _FirstPass:
    ngram_weights: FloatArray
    cue_weights: FloatArray
    bias: FloatArray

    def probabilities(self, rows: _Rows) -> FloatArray:
        scores = rows.ngrams @ self.ngram_weights + rows.cues @ self.cue_weights + self.bias
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
    sizes = page.ends - page.starts
    return _Rows(
        page=page,
        ngrams=matrix,
        cues=cues_of(page),
        labels=np.array([REGIONS.index(r) for r in document.regions]),
        weight=document.weight,
        # A block counts by the root of its length: characters matter, and a long paragraph says little more than a short one.
        weights=np.clip(np.sqrt(sizes + 1) / 5, 0.3, 3.0) * document.weight,
    )


def _first_pass(rows: Sequence[_Rows]) -> _FirstPass:
    sparse = _sklearn("scipy.sparse")
    matrix = sparse.hstack(
        [sparse.vstack([r.ngrams for r in rows]), sparse.csr_matrix(np.vstack([r.cues for r in rows]))]
    ).tocsr()
    labels, weights = np.concatenate([r.labels for r in rows]), np.concatenate([r.weights for r in rows])
    coefficients, bias = np.zeros((matrix.shape[1], len(REGIONS))), np.full(len(REGIONS), _NEVER)
    classes = np.unique(labels)
    if len(classes) == 1:
        bias[classes] = 0.0
        return _FirstPass(coefficients[: ngrams.BUCKETS], coefficients[ngrams.BUCKETS :], bias)
    model = _sklearn("sklearn.linear_model").LogisticRegression(C=1 / FIRST_PENALTY, max_iter=60, tol=1e-3)
    with warnings.catch_warnings():
        # Stopping early is part of the regularisation.
        warnings.simplefilter("ignore", _sklearn("sklearn.exceptions").ConvergenceWarning)
        model.fit(matrix, labels, sample_weight=weights)
    # Of two classes scikit-learn gives the weights of the second against the first.
    signs = np.array([[-0.5], [0.5]]) if len(classes) == 2 else 1.0
    coefficients[:, classes], bias[classes] = (signs * model.coef_).T, np.ravel(signs * model.intercept_)
    return _FirstPass(coefficients[: ngrams.BUCKETS], coefficients[ngrams.BUCKETS :], bias)


def _second_pass(
    seen: FloatArray, labels: IntArray, weights: FloatArray
) -> tuple[FloatArray, FloatArray, list[network.Network]]:
    """What is subtracted from each column and what it is then multiplied by, and the networks."""
    mean = seen.mean(axis=0, dtype=np.float64)
    scale = 1 / np.maximum(seen.std(axis=0, dtype=np.float64), 1e-3)
    inputs = np.clip((seen - mean) * scale, -CLIP, CLIP).astype(np.float32)
    return mean, scale, [network.fit(inputs, labels, weights, len(REGIONS), RECIPE, seed) for seed in range(NETWORKS)]


def _priors(rows: Sequence[_Rows]) -> FloatArray:
    """Log-frequencies of the regions, (R,)."""
    counts = np.ones(len(REGIONS))
    for r in rows:
        counts += np.bincount(r.labels, weights=r.weights, minlength=len(REGIONS))
    return np.asarray(np.log(counts / counts.sum()), dtype=np.float64)


def _chain(rows: Sequence[_Rows]) -> tuple[FloatArray, FloatArray]:
    """Scaled log-frequencies of the first region, (R,), and of each region after each other, (R, R)."""
    first, steps = np.full(len(REGIONS), 0.5), np.full((len(REGIONS), len(REGIONS)), 0.05)
    for r in rows:
        first[r.labels[0]] += r.weight
        np.add.at(steps, (r.labels[:-1], r.labels[1:]), r.weight)
    return TRANSITION * np.log(first / first.sum()), TRANSITION * np.log(steps / steps.sum(axis=1, keepdims=True))


def _assemble(
    rows: Sequence[_Rows], first: _FirstPass, mean: FloatArray, scale: FloatArray, networks: Sequence[network.Network]
) -> RegionModel:
    start, transitions = _chain(rows)
    largest = np.maximum(np.abs(first.ngram_weights).max(axis=0), 1e-6)
    return RegionModel(
        start=start,
        transitions=transitions,
        ngram_steps=largest / 127,
        ngram_weights=np.round(first.ngram_weights / largest * 127).astype(np.int8),
        cue_weights=first.cue_weights,
        bias=first.bias,
        mean=mean,
        scale=scale,
        # Averaging the scores of several networks is one network with all their hidden units.
        hidden_weights=np.hstack([n.hidden_weights for n in networks]),
        hidden_bias=np.concatenate([n.hidden_bias for n in networks]),
        out_weights=np.vstack([n.out_weights for n in networks]) / len(networks),
        out_bias=np.where(_seen(rows), np.mean([n.out_bias for n in networks], axis=0), _NEVER),
        prior=PRIOR * _priors(rows) + NOTICE * (np.array(REGIONS) == "cookie_notice"),
    ).rounded()


def _seen(rows: Sequence[_Rows]) -> NDArray[np.bool_]:
    """Which regions some block has, (R,)."""
    return np.isin(np.arange(len(REGIONS)), np.concatenate([r.labels for r in rows]))


def _sklearn(module: str) -> Any:
    """A module of scikit-learn or SciPy, which comes with it."""
    try:
        return import_module(module)
    except ImportError:
        raise MissingExtra("scikit-learn", "train") from None
