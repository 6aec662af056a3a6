"""What the pieces of a document say about its languages: script first, then the detector, on one scale of log-scores.

A letter outside Latin nearly decides by itself, so a detector is asked only among the languages written in a piece's script.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from annotate.detectors import Detector, scripts, varieties

Floats = NDArray[np.float64]

CAP = 16.0
"""No piece counts for more than this against a language of its script: one odd line must not outvote the document."""

MISMATCH, MISMATCH_LATIN, MISMATCH_CAP = 1.5, 0.4, 40.0
"""What each letter says against the languages not written in its script; Latin letters stand in texts of all languages."""

HAN = 8.0
"""A line in n Han letters alone says at most (n / HAN)² against Japanese: headlines and menus there often have no kana,
sentences always have some."""

NAMED = 0.5
"""Weight of a piece in which every word has a capital: names, titles and menus keep the words of other languages."""

_NOISE = re.compile(r"https?://\S+|www\.\S+|\S+@\S+|[\w-]+(?:\.[a-z0-9-]{2,})+(?:/\S*)?|[!-~]{41,}|\d+")
_INVISIBLE = dict.fromkeys([0xAD, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF])
_BATCH = 512


@dataclass(frozen=True, slots=True)
class Evidence:
    """What n pieces of a text say about languages."""

    tags: tuple[str, ...]
    scores: NDArray[np.float32]
    """`(n, len(tags))` log-scores, 0 for a piece's best language, and 0 all over for a piece that says nothing."""
    speaks: NDArray[np.bool_]
    """`(n,)` whether a piece says anything."""
    letters: NDArray[np.int64]
    """`(n,)` how much text a piece holds, in letters of an alphabet."""
    histogram: NDArray[np.int64]
    """`(n, len(scripts.SCRIPTS))` letters by script."""

    def of(self, columns: Sequence[int]) -> Floats:
        """The scores for some languages, `(n, len(columns))`; near-identical ones count as the first of their group."""
        return np.asarray(self.grouped()[:, list(columns)], dtype=np.float64)

    def grouped(self) -> NDArray[np.float32]:
        """The scores with the members of each group of near-identical languages folded into its first."""
        scores = self.scores.copy()
        for group in varieties.GROUPS:
            columns = [self.tags.index(tag) for tag in group]
            scores[:, columns[0]] = scores[:, columns].max(axis=1)
            scores[:, columns[1:]] = -1e4
        return scores


@dataclass(slots=True)
class Listener:
    """A detector and what it has said about the texts of one document, so that no text is asked about twice. `tags` holds the
    detector's languages and all members of `varieties.GROUPS`; a member that the detector does not know gets the best score of
    its group."""

    detector: Detector
    tags: tuple[str, ...]
    _heard: dict[str, NDArray[np.float32] | None] = field(default_factory=dict)

    def gather(self, text: str, starts: Sequence[int]) -> Evidence:
        """The evidence of the pieces of `text` that begin at `starts` (the first at 0)."""
        histogram = scripts.histogram(scripts.letters(text), np.asarray(starts, dtype=np.intp))
        script, letters = scripts.dominant(histogram), scripts.mass(histogram)
        written = _written(self.tags)
        contested = written.sum(axis=1) > 1
        pieces = [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
        cleaned = [clean(piece) if contested[s] else "" for piece, s in zip(pieces, script, strict=True)]
        self._ask([piece for piece in dict.fromkeys(cleaned) if piece and piece not in self._heard])
        scores: NDArray[np.float32] = np.zeros((len(pieces), len(self.tags)), dtype=np.float32)
        heard = np.zeros(len(pieces), dtype=bool)
        for i, piece in enumerate(cleaned):
            row = self._heard.get(piece)
            if row is not None:
                scores[i], heard[i] = row, True
        latin = script == scripts.SCRIPTS.index("Latn")
        allowed = written[script]
        speaks = np.where(latin, heard, allowed.any(axis=1))
        trust = np.where([looks_named(piece) for piece in pieces], NAMED, 1.0)
        scores -= np.where(allowed, scores, -np.inf).max(axis=1, initial=-1e9, keepdims=True)
        scores = np.maximum(scores * trust[:, None].astype(np.float32), -CAP)
        own = scripts.mass(np.where(np.arange(len(scripts.SCRIPTS)) == script[:, None], histogram, 0))
        han, ja = script == scripts.SCRIPTS.index("Hani"), self.tags.index("ja")
        scores[han, ja] = np.maximum(scores[han, ja], -np.square(histogram[han, scripts.SCRIPTS.index("Hani")] / HAN))
        rate = np.where(latin, MISMATCH_LATIN * trust, MISMATCH)
        against = np.clip((2 * own - letters) * rate, 0.0, MISMATCH_CAP)  # a mixed piece says less
        scores = np.where(allowed, scores, -against[:, None].astype(np.float32))
        scores[~speaks] = 0
        return Evidence(self.tags, scores, speaks, letters, histogram)

    def _ask(self, texts: Sequence[str]) -> None:
        column = {tag: k for k, tag in enumerate(self.tags)}
        unheard = [
            ([column[tag] for tag in group if tag in self.detector.languages], column[member])
            for member, group in varieties.GROUP_OF.items()
            if member not in self.detector.languages
        ]
        columns: dict[tuple[str, ...], list[int]] = {}  # most detectors name the same languages in the same order each time
        for first in range(0, len(texts), _BATCH):
            batch = texts[first : first + _BATCH]
            for text, found in zip(batch, self.detector.scores(batch), strict=True):
                row = None
                if found:
                    row = np.full(len(self.tags), -2 * CAP, dtype=np.float32)
                    named = tuple(found)
                    if named not in columns:
                        columns[named] = [column[tag] for tag in named]
                    row[columns[named]] = list(found.values())
                    for known, unknown in unheard:
                        row[unknown] = row[known].max()
                self._heard[text] = row


def clean(text: str) -> str:
    """What of a piece speaks for a language: no addresses, numbers, invisible characters; capitals made small."""
    text = " ".join(_NOISE.sub(" ", text.translate(_INVISIBLE)).split())
    return text.lower() if text.isupper() else text


def looks_named(text: str) -> bool:
    """Whether every word that has a case begins with a capital."""
    initials = [word[0] for word in text.split()]
    return any(map(str.isupper, initials)) and not any(map(str.islower, initials))


@cache
def _written(tags: tuple[str, ...]) -> NDArray[np.bool_]:
    """Whether each language is written in each script; shape `(len(SCRIPTS), len(tags))`."""
    latin = [tag not in scripts.NOT_LATIN for tag in tags]
    return np.array(
        [latin if code == "Latn" else [tag in scripts.LANGUAGES.get(code, ()) for tag in tags] for code in scripts.SCRIPTS]
    )
