"""Language detectors: texts → log-scores per language. One file per detector, interchangeable behind one protocol.

Beside them stands what knows of languages without being a detector: `scripts` (which writing system a text is in, and which
languages use it), `varieties` (telling near-identical languages apart), and `evidence`, which brings all of it on one scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from annotate.registry import Registry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Detector(Protocol):
    """What the decoder asks of a detector. A detector keeps no memory of earlier texts: equal texts get equal scores."""

    name: str
    languages: tuple[str, ...]
    """Primary BCP-47 tags it knows, sorted; `no` stands for Bokmål and Nynorsk, `zh` for all written Chinese."""

    def scores(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """The log-scores of all texts, shape `(len(texts), len(languages))`, relative to the best of each row, which has 0.
        They are calibrated: softmax gives the probability of each language for a text without context. A row of NaN says that
        its text holds no evidence at all."""
        ...


DETECTORS = Registry(
    "detector",
    {
        "py3langid": "annotate.detectors.naive_bayes:Py3langid",
        "langdetect": "annotate.detectors.langdetect:Langdetect",
    },
)
"""Detector classes by name; called without arguments they give a detector."""

DEFAULT = "py3langid"
"""The detector that the benchmark favours."""


def primary(tag: str) -> str:
    """The primary BCP-47 tag this project uses for a detector's own code (`zh-cn` → `zh`, `nb` → `no`)."""
    tag = tag.split("-")[0]
    return _PRIMARY.get(tag, tag)


_PRIMARY = {
    "nb": "no",
    "nn": "no",
    "iw": "he",
    "hbo": "he",
    "grc": "el",
    "arz": "ar",
    "ary": "ar",
    "yue": "zh",
    "wuu": "zh",
    "uzs": "uz",
}
