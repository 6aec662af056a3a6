"""Which part of the page each block plays: blocks → log-scores for every region.

    page      the document as arrays
    shape     lengths, punctuation, place, density, repetition   ┐
    lexicon   cue words of some fifty languages                  │ cue families
    markup    links, landmarks, roles, words of class and id     ┘
    cohesion  words that a block shares with the rest, for the second pass
    ngrams    hashed character n-grams, read by the first pass only
    context   what stands around a block, for the second pass
    train     fits a model to labelled documents (`examples`, and more made of them by `augment`)

The model has two passes. A multinomial logistic regression reads each block by itself; a network with one hidden layer reads
the block's cues together with what the first pass made of its neighbours. A decoder adds `start` and `transitions`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cache, cached_property
from itertools import accumulate
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotate.errors import ReadError
from annotate.model import REGIONS, Block
from annotate.regions import cohesion, context, lexicon, markup, ngrams, shape
from annotate.regions.page import BoolArray, FloatArray, Letters, Page, Source, read_page, read_pages
from annotate.store import replacing

FAMILIES: tuple[ModuleType, ...] = (shape, lexicon, markup)
"""The cue families, in the order of their columns. Each has `NAMES`, `WINDOWED` (those of which the second pass sees the means
around a block) and `features(page, letters)` of shape (n_blocks, len(NAMES)) for a stretch of blocks."""

_ENDS = list(accumulate(len(family.NAMES) for family in FAMILIES))
_COLUMNS = {family: slice(end - len(family.NAMES), end) for family, end in zip(FAMILIES, _ENDS, strict=True)}
_WINDOWED = (
    np.array([_COLUMNS[f].start + f.NAMES.index(name) for f in FAMILIES for name in f.WINDOWED]),
    np.array([cohesion.NAMES.index(name) for name in cohesion.WINDOWED]),
)

SHIPPED = Path(__file__).with_name("model.npz")

_FLOOR = -8.0
"""No block counts for more than this against a region: one odd block must not outvote its neighbours."""
_ROWS = 1 << 9
"""So many rows of the second pass are held at a time."""


def vocabulary() -> list[str]:
    """What a model's weights mean: the names of everything it reads, in order. A model of another vocabulary is of no use."""
    cues = [f"{family.__name__.rsplit('.', 1)[1]}: {name}" for family in FAMILIES for name in family.NAMES]
    return [*cues, *cohesion.NAMES, *shape.PLACE, *lexicon.HEADINGS, *(f"{radius} lines" for radius in context.RADII)]


@dataclass(frozen=True, slots=True)
class _Inputs:
    """How the second pass reads its columns, all or some of them."""

    mean: FloatArray
    scale: FloatArray
    weights: NDArray[np.float32]
    """Whole numbers."""
    always: FloatArray
    """What the other columns add to the sums."""


@dataclass(frozen=True)
class RegionModel:
    """Weights. R regions in the order of `annotate.model.REGIONS`, B n-gram buckets, F cues, G columns of context, H hidden
    units."""

    start: FloatArray
    """(R,) log weights of the first block's region, scaled for the decoder."""
    transitions: FloatArray
    """(R, R) log weights of a region (row) being followed by a region (column), scaled for the decoder."""
    ngram_steps: FloatArray
    """(R,) size of one step of the n-gram weights."""
    ngram_weights: NDArray[np.int8]
    """(B, R) first pass: n-gram weights in steps."""
    cue_weights: FloatArray
    """(F, R) first pass: weights of the cues."""
    bias: FloatArray
    """(R,) first pass."""
    mean: FloatArray
    """(G,) second pass: what is subtracted from each column,"""
    scale: FloatArray
    """(G,) and what it is then multiplied by."""
    hidden_steps: FloatArray
    """(H,) size of one step of the hidden units' weights."""
    hidden_weights: NDArray[np.int8]
    """(G, H) in steps."""
    hidden_bias: FloatArray
    """(H,)"""
    out_weights: FloatArray
    """(H, R)"""
    out_bias: FloatArray
    """(R,)"""
    prior: FloatArray
    """(R,) what is taken off the scores because a region is frequent, or dear to get wrong."""

    def score(self, text: str, blocks: Sequence[Block], foreign: Sequence[bool]) -> FloatArray:
        """Log-scores of `blocks`, which tile `text`, for every region: shape (n_blocks, R), columns in the order of `REGIONS`,
        best near 0. `foreign` says which blocks are not in the document's main language. The same input gives the same
        scores."""
        (scores,) = self.score_all([(text, blocks, foreign)])
        return scores

    def score_all(self, documents: Sequence[Source]) -> list[FloatArray]:
        """What `score` makes of each document. Many short ones are read together, which takes half of the time."""
        ends = list(accumulate(len(blocks) for _, blocks, _ in documents))
        scores = np.maximum(self._log_odds([one for one in documents if one[1]]), _FLOOR) - self.prior
        # Matrix products differ between machines in the last bits; what a decoder compares must not.
        return np.split(scores.round(6), ends[:-1])

    def _log_odds(self, documents: Sequence[Source]) -> FloatArray:
        """Log-probabilities of the regions, a row for each block of all documents; each document has blocks."""
        if not documents:
            return np.zeros((0, len(REGIONS)))
        page = read_pages(documents)
        n = len(page)
        inputs = self._inputs if page.marked else self._unmarked_inputs
        probabilities = np.empty((n, len(REGIONS)))
        cues = np.empty((n, _ENDS[-1] if page.marked else _COLUMNS[markup].start))
        words = []
        for first, last in page.stretches():
            letters = page.letters(first, last)
            some = _cues(page, letters)
            probabilities[first:last] = _softmax(self._ngram_scores(letters) + some @ self.cue_weights + self.bias)
            cues[first:last] = some[:, : cues.shape[1]]
            words.append(cohesion.words(letters))
        seen = context_of(page, probabilities, cues, cohesion.joined(words))
        if not page.marked:
            seen = seen.unmarked()
        return np.vstack([self._second_pass(inputs, seen.rows(first, min(first + _ROWS, n))) for first in range(0, n, _ROWS)])

    @cached_property
    def _inputs(self) -> _Inputs:
        weights = self.hidden_weights.astype(np.float32)
        return _Inputs(self.mean, self.scale * GRAIN, weights, np.zeros(weights.shape[1]))

    @cached_property
    def _unmarked_inputs(self) -> _Inputs:
        """The inputs of pages without markup: what the missing columns, all zero, add is always the same."""
        missing = _missing_without_markup()
        scale, weights = self.scale * GRAIN, self.hidden_weights.astype(np.float32)
        always = grains(np.zeros((1, int(missing.sum()))), self.mean[missing], scale[missing]) @ weights[missing]
        return _Inputs(self.mean[~missing], scale[~missing], weights[~missing], always[0].astype(np.float64))

    def hidden_units(self, seen: FloatArray) -> FloatArray:
        """What the hidden units make of rows of `context_of`: (n, H)."""
        return self._hidden_units(self._inputs, seen)

    def _hidden_units(self, inputs: _Inputs, seen: FloatArray) -> FloatArray:
        # All are whole numbers, and their sums stay below 2 ** 24: single precision is exact, in whatever order it adds.
        sums = (grains(seen, inputs.mean, inputs.scale) @ inputs.weights).astype(np.float64)
        sums += inputs.always
        sums *= self.hidden_steps / GRAIN
        sums += self.hidden_bias
        return np.maximum(sums, 0.0, out=sums)

    def _second_pass(self, inputs: _Inputs, seen: FloatArray) -> FloatArray:
        return log_softmax(self._hidden_units(inputs, seen) @ self.out_weights + self.out_bias)

    def _ngram_scores(self, letters: Letters) -> FloatArray:
        buckets, owners = ngrams.of_letters(letters)
        begins = owners.searchsorted(np.arange(len(letters.starts)))
        sums, counts = ngrams.sums(self._packed_ngrams, len(REGIONS), buckets, begins)
        scores: FloatArray = sums / np.sqrt(counts)[:, None] * self.ngram_steps
        return scores

    @cached_property
    def _packed_ngrams(self) -> NDArray[np.int64]:
        return ngrams.packed(self.ngram_weights)

    def rounded(self) -> RegionModel:
        """The model as it comes back from a file, which holds single precision."""
        return RegionModel(**{f.name: _unpacked(_packed(getattr(self, f.name))) for f in fields(self)})

    def save(self, path: Path) -> None:
        """Write the model; equal models give equal bytes."""
        arrays: dict[str, Any] = {f.name: _packed(getattr(self, f.name)) for f in fields(self)}
        with replacing(path) as out:
            np.savez_compressed(out, regions=np.array(REGIONS), vocabulary=np.array(vocabulary()), **arrays)


CLIP = 5.0
"""Standardised columns are cut off at this many standard deviations,"""
GRAIN = 8
"""and rounded to this part of one."""


def load(path: Path | None = None) -> RegionModel:
    """The model in a file; the shipped one by default. `ReadError` when the file is no model, or one of other cues or
    regions."""
    return _load(SHIPPED if path is None else path)


@cache
def _load(path: Path) -> RegionModel:
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = dict(stored)
    except (OSError, ValueError, EOFError) as problem:
        raise ReadError(f"{path}: not a region model: {problem}", hint="make one with annotate train-segmenter") from None
    means = [arrays.pop(name, np.array([])).tolist() for name in ("regions", "vocabulary")]
    if means != [list(REGIONS), vocabulary()]:
        raise ReadError(
            f"{path}: a region model of other cues or regions than this version of annotate knows",
            hint="train it again with annotate train-segmenter",
        )
    return RegionModel(**{name: _unpacked(array) for name, array in arrays.items()})


def cues_of(page: Page) -> FloatArray:
    """All families' cues of each block: shape (n_blocks, F)."""
    return np.vstack([_cues(page, page.letters(first, last)) for first, last in page.stretches()])


def _cues(page: Page, letters: Letters) -> FloatArray:
    return np.hstack([family.features(page, letters) for family in FAMILIES])


def words_of(page: Page) -> cohesion.Words:
    """The words of all blocks."""
    return cohesion.joined([cohesion.words(page.letters(first, last)) for first, last in page.stretches()])


def context_of(page: Page, probabilities: FloatArray, cues: FloatArray, words: cohesion.Words) -> context.Surroundings:
    """The second pass's view of each block."""
    core, opened = shape.core(page), lexicon.opened(page, cues[:, _COLUMNS[lexicon]])

    def place(first: int, last: int) -> FloatArray:
        return np.hstack([shape.place(page, core, first, last), lexicon.headings(page, opened, first, last)])

    of_cues, of_common = _WINDOWED
    common = cohesion.features(page, words, *shape.main_lines(page, core))
    # Of the neighbours' markup the windows and the block itself tell enough.
    seen = (of_cues[of_cues < cues.shape[1]], of_common)
    return context.surroundings(page, probabilities, cues, common, place, seen, _COLUMNS[markup].start)


@cache
def _missing_without_markup() -> BoolArray:
    """Which columns of the second pass a page without markup does not have, (G,)."""
    # Made visible on a page whose markup is no number.
    page = read_page("-\n-\n-", [Block(0, 2), Block(2, 4), Block(4, 5)], [False] * 3)
    cues = cues_of(page)
    cues[:, _COLUMNS[markup]] = np.nan
    seen = context_of(page, np.zeros((3, len(REGIONS))), cues, words_of(page))
    missing: BoolArray = np.isnan(replace(seen, like=np.full_like(seen.like, np.nan)).rows(1, 2)[0])
    return missing


def log_softmax(scores: FloatArray) -> FloatArray:
    """Rows normalised to log-probabilities."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    normal: FloatArray = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return normal


def grains(seen: FloatArray, mean: FloatArray, scale: FloatArray) -> NDArray[np.float32]:
    """Columns standardised, cut off and rounded; `scale` is in grains to a unit. Done in place."""
    seen -= mean
    seen *= scale
    np.clip(seen, -CLIP * GRAIN, CLIP * GRAIN, out=seen)
    return np.rint(seen, out=seen).astype(np.float32)


def _softmax(scores: FloatArray) -> FloatArray:
    return np.exp(log_softmax(scores))


def _packed(array: NDArray[Any]) -> NDArray[Any]:
    return array if array.dtype == np.int8 else array.astype(np.float32)


def _unpacked(array: NDArray[Any]) -> NDArray[Any]:
    return array if array.dtype == np.int8 else array.astype(np.float64)
