"""A network with one hidden layer, fitted with numpy alone: rectified units, softmax, dropout, Adam (Kingma and Ba 2015) with
decoupled weight decay (Loshchilov and Hutter 2019)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotate.regions.page import FloatArray

Float32Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network is fitted."""

    hidden: int = 320
    epochs: int = 8
    steps: int = 400
    """At least so many steps are taken, in more epochs when there is little data."""
    batch: int = 256
    rate: float = 2e-3
    """Learning rate of the first step; it falls to zero along a cosine."""
    decay: float = 0.2
    drop_inputs: float = 0.3
    drop_hidden: float = 0.4


@dataclass(frozen=True, slots=True)
class Network:
    """Scores of inputs x: `max(x @ hidden_weights + hidden_bias, 0) @ out_weights + out_bias`."""

    hidden_weights: FloatArray
    hidden_bias: FloatArray
    out_weights: FloatArray
    out_bias: FloatArray


def fit(
    inputs: NDArray[Any], targets: Float32Array, weights: FloatArray, recipe: Recipe, *, unit: float = 1.0, seed: int = 0
) -> Network:
    """The network that gives each row of `inputs`, (n, G), standardised and in parts of `unit`, the probabilities of its row of
    `targets`, (n, R), by weighted cross-entropy."""
    random = np.random.default_rng(seed)
    (n, width), classes = inputs.shape, targets.shape[1]
    values = [
        random.normal(0, np.sqrt(2 / width), (width, recipe.hidden)).astype(np.float32),
        np.zeros(recipe.hidden, dtype=np.float32),
        random.normal(0, np.sqrt(1 / recipe.hidden), (recipe.hidden, classes)).astype(np.float32),
        np.zeros(classes, dtype=np.float32),
    ]
    means = [np.zeros_like(v) for v in values]
    squares = [np.zeros_like(v) for v in values]
    share = (weights / weights.mean()).astype(np.float32)
    batches = -(-n // recipe.batch)
    epochs = max(recipe.epochs, -(-recipe.steps // batches))
    steps = epochs * batches
    step = 0
    for _ in range(epochs):
        order = random.permutation(n)
        for first in range(0, n, recipe.batch):
            rows = order[first : first + recipe.batch]
            slopes = _slopes(values, inputs[rows] * np.float32(unit), targets[rows], share[rows], recipe, random)
            step += 1
            rate = recipe.rate * 0.5 * (1 + np.cos(np.pi * step / steps))
            for k, slope in enumerate(slopes):
                means[k] += 0.1 * (slope - means[k])
                squares[k] += 0.001 * (slope * slope - squares[k])
                move = means[k] / (1 - 0.9**step) / (np.sqrt(squares[k] / (1 - 0.999**step)) + 1e-8)
                if values[k].ndim == 2:
                    move += recipe.decay * values[k]
                values[k] -= np.float32(rate) * move
    return Network(*(v.astype(np.float64) for v in values))


def _slopes(
    values: list[Float32Array],
    x: Float32Array,
    targets: Float32Array,
    share: Float32Array,
    recipe: Recipe,
    random: np.random.Generator,
) -> list[Float32Array]:
    """Gradients of the loss of one batch."""
    hidden_weights, hidden_bias, out_weights, out_bias = values
    x = x * _mask(x.shape, recipe.drop_inputs, random)
    hidden = x @ hidden_weights + hidden_bias
    mask = _mask(hidden.shape, recipe.drop_hidden, random) * (hidden > 0)
    hidden = hidden * mask
    scores = hidden @ out_weights + out_bias
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    error = odds / odds.sum(axis=1, keepdims=True) - targets
    error *= (share / len(targets))[:, None]
    back = (error @ out_weights.T) * mask
    return [x.T @ back, back.sum(axis=0), hidden.T @ error, error.sum(axis=0)]


def _mask(shape: tuple[int, ...], drop: float, random: np.random.Generator) -> Any:
    """Zero for what is dropped; the rest is scaled up, so that sums stay what they were."""
    return (random.random(shape, dtype=np.float32) >= drop) / np.float32(1 - drop)
