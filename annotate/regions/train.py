"""Fits a region model to labelled documents.

    documents whose blocks are labelled → first pass → its scores on documents it has not seen → second pass → model

The first pass is fitted once on everything, for the model, and once for each of `FOLDS` parts of the documents, so that the
second pass learns from scores such as it will meet (stacking, Wolpert 1992). Documents of one `group`, a site, stay in one
part. Deterministic: equal documents in equal order give an equal model. Needs scikit-learn, the `train` extra.
"""

from __future__ import annotations

import hashlib
import logging
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from annotate.codec import loads
from annotate.errors import InvariantError, MissingExtra, ReadError
from annotate.model import REGIONS, UND, Block, Document
from annotate.regions import CLIP, RegionModel, context_of, cues_of, network, ngrams
from annotate.regions.page import FloatArray, IntArray, Page, read_page

log = logging.getLogger("annotate")

FOLDS = 5
"""Parts of the documents for the first pass's scores."""

FIRST_PENALTY = 1 / 3.0
"""Strength of the first pass's L2 penalty."""

NETWORKS = 4
"""Networks of the second pass; their scores are averaged."""

RECIPE = network.Recipe()

PRIOR = 0.2
"""How much of the regions' frequencies is taken out of the scores: the rare regions are worth as much as the frequent ones."""

TRANSITION = 0.1
"""How much the transitions count: the second pass has seen the neighbours already."""


@dataclass(frozen=True, slots=True)
class Example:
    """A labelled document: a region for each of the blocks that tile its text, and which blocks are foreign to its main
    language.

    Documents of one `group` (a site) are held out together. `weight` is that of each of its blocks."""

    text: str
    blocks: tuple[Block, ...]
    foreign: tuple[bool, ...]
    regions: tuple[str, ...]
    group: str
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not len(self.blocks) == len(self.foreign) == len(self.regions) > 0:
            raise InvariantError(f"example of {self.group!r}: blocks, foreign and regions must be of one length, and not empty")
        if unknown := set(self.regions) - set(REGIONS):
            raise InvariantError(f"example of {self.group!r}: no such region: {', '.join(sorted(unknown))}")


@dataclass(frozen=True, slots=True)
class Gold:
    """A labelled document as it stands in a file: segments tile the text."""

    id: str
    text: str
    segments: tuple[GoldSegment, ...]


@dataclass(frozen=True, slots=True)
class GoldSegment:
    """A stretch in one language and region."""

    start: int
    end: int
    lang: str
    region: str


def examples(path: Path, cut: Callable[[Document], Sequence[Block]], *, weight: float = 1.0) -> Iterator[Example]:
    """The examples of a JSONL file of `{"id","text","segments":[{"start","end","lang","region"}]}`; other keys are not read.

    `cut` makes a document's blocks, as the decoder will. The id up to its last `-` or `/` groups documents. Raises
    `ReadError`."""
    with open(path, "rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                gold = loads(line, Gold)
                yield example(gold, cut(Document(gold.id, gold.text)), weight=weight)
            except (ReadError, InvariantError) as problem:
                raise ReadError(f"{path}:{number}: {problem.message}", hint=problem.hint) from None


def example(gold: Gold, blocks: Sequence[Block], *, weight: float = 1.0, group: str = "") -> Example:
    """Labels blocks by the gold segment that most of their visible characters lie in."""
    visible = np.concatenate(([0], np.cumsum([not c.isspace() for c in gold.text])))
    starts = np.array([s.start for s in gold.segments])
    sizes: Counter[str] = Counter()
    for segment in gold.segments:
        sizes[segment.lang] += int(visible[segment.end] - visible[segment.start])
    sizes.pop(UND, None)
    main = max(sizes, key=lambda tag: sizes[tag]) if sizes else UND
    regions, foreign = [], []
    for block in blocks:
        first = int(np.searchsorted(starts, block.start, side="right")) - 1
        last = int(np.searchsorted(starts, block.end))
        segment = max(
            gold.segments[first:last], key=lambda s: visible[min(s.end, block.end)] - visible[max(s.start, block.start)]
        )
        regions.append(segment.region)
        foreign.append(segment.lang not in (main, UND))
    return Example(gold.text, tuple(blocks), tuple(foreign), tuple(regions), group or gold.id, weight)


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of one example."""

    page: Page
    ngrams: Any
    cues: FloatArray
    labels: IntArray
    weight: float
    weights: FloatArray
    fold: int


def fit(documents: Iterable[Example]) -> RegionModel:
    """The model of labelled documents. Raises `MissingExtra` without scikit-learn, `InvariantError` without documents of two
    groups and two regions."""
    rows = [_rows(document) for document in documents]
    if len({r.fold for r in rows}) < 2 or len({int(k) for r in rows for k in r.labels}) < 2:
        raise InvariantError(
            "too few documents to learn from", hint="documents of several sites and at least two regions are needed"
        )
    log.info("fitting the first pass on %d documents", len(rows))
    held_out: dict[int, FloatArray] = {}
    for fold in sorted({r.fold for r in rows}):
        weights = _first_pass([r for r in rows if r.fold != fold])
        for i, r in enumerate(rows):
            if r.fold == fold:
                held_out[i] = weights.probabilities(r)
    first = _first_pass(rows)
    log.info("fitting the second pass")
    seen = [context_of(r.page, held_out[i], r.cues) for i, r in enumerate(rows)]
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
        fold=hashlib.blake2b(document.group.encode()).digest()[0] % FOLDS,
    )


def _first_pass(rows: Sequence[_Rows]) -> _FirstPass:
    sparse = _sklearn("scipy.sparse")
    matrix = sparse.hstack(
        [sparse.vstack([r.ngrams for r in rows]), sparse.csr_matrix(np.vstack([r.cues for r in rows]))]
    ).tocsr()
    labels, weights = np.concatenate([r.labels for r in rows]), np.concatenate([r.weights for r in rows])
    model = _sklearn("sklearn.linear_model").LogisticRegression(C=1 / FIRST_PENALTY, max_iter=60, tol=1e-3)
    with warnings.catch_warnings():
        # Stopping early is part of the regularisation.
        warnings.simplefilter("ignore", _sklearn("sklearn.exceptions").ConvergenceWarning)
        model.fit(matrix, labels, sample_weight=weights)
    coefficients, bias = np.zeros((matrix.shape[1], len(REGIONS))), np.full(len(REGIONS), -20.0)
    if len(model.classes_) == 2:
        coefficients[:, model.classes_] = np.column_stack([-model.coef_[0] / 2, model.coef_[0] / 2])
        bias[model.classes_] = [-model.intercept_[0] / 2, model.intercept_[0] / 2]
    else:
        coefficients[:, model.classes_], bias[model.classes_] = model.coef_.T, model.intercept_
    return _FirstPass(coefficients[: ngrams.BUCKETS], coefficients[ngrams.BUCKETS :], bias)


def _second_pass(
    seen: FloatArray, labels: IntArray, weights: FloatArray
) -> tuple[FloatArray, FloatArray, list[network.Network]]:
    """What is subtracted from each column and what it is then multiplied by, and the networks."""
    mean = seen.mean(axis=0)
    scale = 1 / np.maximum(seen.std(axis=0), 1e-3)
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
        out_bias=np.mean([n.out_bias for n in networks], axis=0),
        prior=PRIOR * _priors(rows),
    ).rounded()


def _sklearn(module: str) -> Any:
    """A module of scikit-learn or SciPy, which comes with it."""
    try:
        return import_module(module)
    except ImportError:
        raise MissingExtra("scikit-learn", "train") from None
