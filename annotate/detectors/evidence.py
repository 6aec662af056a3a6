"""What the pieces of a document say about its languages: script first, then the detector, on one scale of log-scores.

A letter outside Latin nearly decides by itself, so a detector is asked only among the languages written in a piece's script.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from annotate.detectors import Detector, scripts, varieties

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

CAP = 16.0
"""No piece counts for more than this against a language of its script: one odd line must not outvote the document."""

MISMATCH, MISMATCH_LATIN, MISMATCH_CAP = 1.5, 0.4, 40.0
"""What each letter says against the languages not written in its script; Latin letters stand in texts of all languages."""

HAN = 8.0
"""A line in n Han letters alone says at most (n / HAN)² against Japanese: headlines and menus there often have no kana,
sentences always have some."""

NAMED = 0.5
"""Weight of a piece in which every word has a capital: names, titles and menus keep the words of other languages."""

UNLIKELY = np.float32(-1e4)
"""The score of a near-identical language for which the first of its group speaks."""

_NOISE = re.compile(r"https?://\S+|www\.\S+|\S+@\S+|[\w-]+(?:\.[a-z0-9-]{2,})+(?:/\S*)?|[!-~]{41,}|\d+")
_LONGEST_WORD = 40
_MAYBE_NOISE = re.compile(r"[\d@.:](?:(?<=[\d@])|(?<=\.)\S|(?<=:)/)")
"""What all noise but overlong words holds: quick to look for, where `_NOISE` tries all its branches at every letter."""
_INVISIBLE = re.compile("[\xad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_SMALL = re.compile(r"(?:^|\s)[a-z]")
"""The beginning of most words that are not names."""
_BATCH = 512

_LATIN, _HAN = scripts.SCRIPTS.index("Latn"), scripts.SCRIPTS.index("Hani")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What n pieces of a text say about languages: T of them, of which the V near-identical ones have scores of their own."""

    scores: NDArray[np.float32]
    """`(n, T)` log-scores, 0 for a piece's best language, and 0 for all of a piece that says nothing. The first of a group of
    near-identical languages has the best score of the group, the others `UNLIKELY`."""
    varieties: NDArray[np.float32]
    """`(n, V)` the scores of the members of all `varieties.GROUPS`, in their order."""
    speaks: NDArray[np.bool_]
    """`(n,)` whether a piece says anything."""
    letters: NDArray[np.int64]
    """`(n,)` how much text a piece holds, in letters of an alphabet."""
    histogram: NDArray[np.int32]
    """`(n, len(scripts.SCRIPTS))` letters by script."""

    def __len__(self) -> int:
        return len(self.scores)

    def of(self, columns: Sequence[int]) -> Floats:
        """The scores for some languages, `(n, len(columns))`; near-identical ones count as the first of their group."""
        return self.scores[:, list(columns)].astype(np.float64)

    def take(self, rows: Ints | slice) -> Evidence:
        """The pieces with these numbers."""
        return Evidence(*(getattr(self, field.name)[rows] for field in fields(self)))

    def without_scores(self) -> Evidence:
        """The pieces without what takes most of the memory, once it has been read."""
        return replace(self, scores=np.empty((len(self), 0), dtype=np.float32))

    def empty(self, n: int) -> Evidence:
        """Room for n pieces, to be filled by `put`."""
        arrays = (getattr(self, field.name) for field in fields(self))
        return Evidence(*(np.empty((n, *array.shape[1:]), dtype=array.dtype) for array in arrays))

    def put(self, rows: Ints, pieces: Evidence) -> None:
        """Write the pieces into these rows."""
        for field in fields(self):
            getattr(self, field.name)[rows] = getattr(pieces, field.name)


@dataclass(frozen=True)
class Listener:
    """A detector and the scale its scores are brought on. `tags`, the columns of the evidence, holds the detector's languages
    and all members of `varieties.GROUPS`; a member that the detector does not know gets the best score of its group."""

    detector: Detector
    tags: tuple[str, ...]

    def gather(self, pieces: Sequence[str]) -> Evidence:
        """The evidence of pieces of text. It depends on each piece alone; equal ones are listened to once."""
        number = {piece: row for row, piece in enumerate(dict.fromkeys(pieces))}
        distinct = list(number)
        heard = self._listen(distinct[:_BATCH])
        if len(pieces) == len(heard):
            return heard
        rows = np.fromiter(map(number.__getitem__, pieces), dtype=np.intp, count=len(pieces))
        order = np.argsort(rows, kind="stable")
        ends = rows[order].searchsorted(np.arange(0, len(distinct) + _BATCH, _BATCH))
        # One array, filled part by part: those of long documents must not stand in memory twice.
        evidence = heard.empty(len(pieces))
        for first, span in zip(range(0, len(distinct), _BATCH), pairwise(ends.tolist()), strict=True):
            if first:
                heard = self._listen(distinct[first : first + _BATCH])
            here = order[slice(*span)]
            evidence.put(here, heard.take(rows[here] - first))
        return evidence

    def gather_all(self, lists: Sequence[Sequence[str]]) -> list[Evidence]:
        """The evidence of each list of pieces."""
        evidence = self.gather([piece for pieces in lists for piece in pieces])
        return [evidence.take(slice(*span)) for span in pairwise(accumulate(map(len, lists), initial=0))]

    def _listen(self, pieces: Sequence[str]) -> Evidence:
        starts = np.cumsum([0, *map(len, pieces)])[:-1]
        histogram = scripts.histogram(scripts.letters("".join(pieces)), starts)
        script, letters = scripts.dominant(histogram), scripts.mass(histogram)
        latin, han = script == _LATIN, script == _HAN
        allowed = self._written[script]
        heard = self._heard(pieces, self._contested[script])
        answered = ~np.isnan(heard[:, 0])
        speaks = np.where(latin, answered, allowed.any(axis=1))
        trust = np.where([looks_named(piece) for piece in pieces], NAMED, 1.0)
        scores = np.where(answered[:, None], heard, 0)
        scores -= np.where(allowed, scores, -np.inf).max(axis=1, initial=-1e9, keepdims=True)
        scores *= trust[:, None].astype(np.float32)
        np.maximum(scores, -CAP, out=scores)
        if han.any():
            ja = self.tags.index("ja")
            scores[han, ja] = np.maximum(scores[han, ja], -np.square(histogram[han, _HAN] / HAN))
        own = scripts.weighted(histogram, script)
        rate = np.where(latin, MISMATCH_LATIN * trust, MISMATCH)
        against = np.clip((2 * own - letters) * rate, 0.0, MISMATCH_CAP)  # a mixed piece says less
        scores = np.where(allowed, scores, -against[:, None].astype(np.float32))
        scores[~speaks] = 0
        members = scores[:, np.concatenate(self._groups)]
        for group in self._groups:
            scores[:, group[0]] = scores[:, group].max(axis=1)
            scores[:, group[1:]] = UNLIKELY
        return Evidence(scores, members, speaks, letters, histogram)

    def _heard(self, pieces: Sequence[str], contested: NDArray[np.bool_]) -> NDArray[np.float32]:
        """What the detector says of the contested pieces, `(len(pieces), len(tags))`; rows of NaN where it says nothing."""
        cleaned = [clean(piece) if ask else "" for piece, ask in zip(pieces, contested.tolist(), strict=True)]
        number = {text: row for row, text in enumerate(dict.fromkeys(filter(None, cleaned)), start=1)}
        said = np.full((len(number) + 1, len(self.tags)), np.nan, dtype=np.float32)
        if number:
            found = self.detector.scores(list(number))
            said[1:] = np.where(np.isnan(found[:, :1]), np.nan, -2 * CAP)
            said[1:, self._columns] = found
        for known, unknown in self._unheard:
            said[:, unknown] = said[:, known].max(axis=1)
        return said[[number.get(text, 0) for text in cleaned]]

    @cached_property
    def _columns(self) -> list[int]:
        """Where the detector's languages are."""
        return [self.tags.index(tag) for tag in self.detector.languages]

    @cached_property
    def _unheard(self) -> list[tuple[list[int], int]]:
        """The near-identical languages that the detector does not know, and those of their group that it knows."""
        known = self.detector.languages
        return [
            ([self.tags.index(tag) for tag in group if tag in known], self.tags.index(member))
            for member, group in varieties.GROUP_OF.items()
            if member not in known
        ]

    @cached_property
    def _groups(self) -> list[list[int]]:
        return [[self.tags.index(tag) for tag in group] for group in varieties.GROUPS]

    @cached_property
    def _written(self) -> NDArray[np.bool_]:
        """Whether each language is written in each script; shape `(len(SCRIPTS), len(tags))`."""
        latin = [tag not in scripts.NOT_LATIN for tag in self.tags]
        others = [[tag in scripts.LANGUAGES.get(code, ()) for tag in self.tags] for code in scripts.SCRIPTS]
        return np.array([latin if code == "Latn" else row for code, row in zip(scripts.SCRIPTS, others, strict=True)])

    @cached_property
    def _contested(self) -> NDArray[np.bool_]:
        """Whether several languages are written in each script."""
        return np.asarray(self._written.sum(axis=1) > 1)


def clean(text: str) -> str:
    """What of a piece speaks for a language: no addresses, numbers, invisible characters; capitals made small."""
    if not text.isascii():
        text = _INVISIBLE.sub("", text)
    words = text.split()
    text = " ".join(words)
    if _MAYBE_NOISE.search(text) or (len(text) > _LONGEST_WORD and max(map(len, words)) > _LONGEST_WORD):
        text = " ".join(" ".join([_NOISE.sub(" ", word) if _maybe_noisy(word) else word for word in words]).split())
    return text.lower() if text.isupper() else text


def _maybe_noisy(word: str) -> bool:
    return len(word) > _LONGEST_WORD or _MAYBE_NOISE.search(word) is not None


def looks_named(text: str) -> bool:
    """Whether every word that has a case begins with a capital."""
    if _SMALL.search(text):
        return False
    words = text.split()
    return not any(word[0].islower() for word in words) and any(word[0].isupper() for word in words)
