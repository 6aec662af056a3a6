"""langdetect: naive Bayes over character n-grams, sampled (Nakatani 2010). Its seed is fixed, so equal texts get equal answers.

`langdetect_rs` computes the same numbers much faster and is used when it is installed (a test compares the two).
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from importlib.util import find_spec
from math import log, nan
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from annotate.detectors import primary

FLOOR = 1e-5
"""Probability of the languages that langdetect leaves out."""

SURE = 100
"""Its probabilities are near 1 for texts of any length, right or wrong (of lines of 10 characters 54 % are right, of 60 94 %):
below this many characters, log-scores shrink in proportion."""

LANGUAGES = tuple(
    """af ar bg bn ca cs cy da de el en es et fa fi fr gu he hi hr hu id it ja kn ko lt lv mk ml mr ne nl no pa pl pt ro ru sk
    sl so sq sv sw ta te th tl tr uk ur vi zh""".split()
)


class Langdetect:
    """The 55 profiles of langdetect; it has no Serbian, Bosnian, Malay, Galician or Basque."""

    name = "langdetect"
    languages = LANGUAGES

    def __init__(self) -> None:
        self._engine = engine()

    def scores(self, texts: Sequence[str]) -> NDArray[np.float64]:
        return np.array([self._scores(text) for text in texts], dtype=np.float64).reshape(-1, len(self.languages))

    def _scores(self, text: str) -> list[float]:
        try:
            found = self._engine.detect_langs(text)
        except self._engine.LangDetectException:  # its way of saying that the text holds no feature
            return [nan] * len(self.languages)
        probabilities: dict[str, float] = {}
        for item in found:
            tag = primary(item.lang)
            probabilities[tag] = probabilities.get(tag, 0.0) + item.prob
        best = max(probabilities.values())
        weight = min(1.0, len(text) / SURE)
        return [weight * log(max(probabilities.get(tag, 0.0), FLOOR) / best) for tag in self.languages]


def engine(name: str = "") -> ModuleType:
    """`langdetect_rs` when installed, else `langdetect`, with the seed fixed; `name` asks for one of them."""
    name = name or ("langdetect_rs" if find_spec("langdetect_rs") else "langdetect")
    module = importlib.import_module(name)
    module.DetectorFactory.seed = 0
    return module
