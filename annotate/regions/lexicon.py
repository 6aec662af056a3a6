"""Cue words of page furniture in some fifty languages: what the labels, buttons and headings of each region say.

The words are data, one file for each family in `cues/`: a line for each language, cues separated by `|`. A cue matches where a
word begins, whatever follows (`kommentar` finds `Kommentare`); with `_` at its end, the word must end there too. The language
before the colon is for the reader: all cues are looked for in all texts, since furniture is often in another language than the
article. A word added to a file takes effect at once, a new file after training.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from annotate.regions import page as p
from annotate.regions.page import UNSPACED, BoolArray, FloatArray, IntArray, Letters, Page, nearness

FAMILIES = (
    "consent",
    "choice",
    "purpose",
    "embed",
    "gate",
    "privacy",
    "legal",
    "promo",
    "comments",
    "related",
    "share",
    "menu",
    "ad",
    "byline",
    "date",
    "caption",
)
_MEASURES = ("present", "leading", "covered")
NAMES = tuple(f"{family} {measure}" for measure in _MEASURES for family in FAMILIES)
WINDOWED = tuple(f"{family} present" for family in FAMILIES)

SECTIONS = ("consent", "legal", "promo", "comments", "related", "share", "menu", "ad")
"""Families whose headings open a part of the page."""
_SECTIONS = [FAMILIES.index(family) for family in SECTIONS]

HEADINGS = (
    *(f"{family} heading {where}" for where in ("above", "below") for family in FAMILIES),
    *(f"{family} heading is the last" for family in SECTIONS),
)

_LOOK = 6
_MULTIPLIER, _SHIFT = np.uint32(0x9E3779B1), np.uint32(16)

_HEADING = 40
"""Headings are shorter than this."""

_FOLDER = Path(__file__).with_name("cues")


def features(page: Page, letters: Letters) -> FloatArray:
    """Whether cues of each family are in the blocks of a stretch, whether one begins them, and what share of them they cover:
    shape (n_blocks, len(NAMES))."""
    where, lengths, families = _matches(letters)
    block = letters.owner[where - letters.core.start]
    cells = block * len(FAMILIES) + families
    shape = (len(letters.starts), len(FAMILIES))
    covered = np.bincount(cells, weights=lengths, minlength=shape[0] * shape[1]).reshape(shape)
    leading = np.bincount(cells[where - letters.starts[block] <= 2], minlength=shape[0] * shape[1]).reshape(shape)
    rows = slice(letters.first, letters.last)
    size = np.maximum(page.ends[rows] - page.starts[rows], 1)[:, None]
    return np.hstack([covered > 0, leading > 0, np.minimum(covered / size, 1.0)], dtype=np.float64)


_OF_WORDS = np.zeros(9, dtype=np.bool_)
_OF_WORDS[[p.LOWER, p.UPPER, p.LETTER, p.WIDE, p.DIGIT, p.MARK]] = True


def opened(page: Page, cues: FloatArray) -> list[IntArray]:
    """The headings of each family, as numbers of blocks. `cues` are the columns of `features` for all blocks."""
    leading = cues[:, len(FAMILIES) : 2 * len(FAMILIES)] > 0
    leading &= ((page.ends - page.starts < _HEADING) & ~page.continued)[:, None]
    return [np.flatnonzero(column) for column in leading.T]


def headings(page: Page, opened: Sequence[IntArray], first: int, last: int) -> FloatArray:
    """How near the last heading of each family is above the blocks `first` to `last` (exclusive), and the next below them, in
    lines; and of which family the last heading is that opens a part. Shape (n_blocks, len(HEADINGS)).

    What a heading such as "Related" opens goes on until another heading, however long its texts are."""
    above, below = (np.array(side).T for side in zip(*(nearness(page, found, first, last) for found in opened), strict=True))
    opening = above[:, _SECTIONS]
    foremost = (opening > 0) & (opening == opening.max(axis=1, keepdims=True))
    return np.hstack([above, below, foremost])


def _matches(letters: Letters) -> tuple[IntArray, IntArray, IntArray]:
    """Where cues stand, how long they are, and the index of their family. A hash of the first letters leaves few places to look
    at: for each short cue one, for the long ones a walk down the trie."""
    inside = _inside_word(letters)
    endings = _endings()
    goes_on = inside.tobytes()
    # The sign at the end is in no cue: no walk leads beyond the text.
    text = letters.lowered.tobytes().decode("utf-32-le", "surrogatepass") + "\0"
    found: list[tuple[int, int, int]] = []
    begins = np.flatnonzero(~inside[letters.core]) + letters.core.start
    *short, long = _promising(letters.lowered, begins)
    for size, places in enumerate(short, 1):
        for at in places.tolist():
            if families := endings.get(text[at : at + size]):
                found += [(at, size, family) for family in families[goes_on[at + size]]]
    for at in long.tolist():
        size = _LOOK
        while (families := endings.get(text[at : at + size])) is not None:
            if families:
                found += [(at, size, family) for family in families[goes_on[at + size]]]
            size += 1
    where, lengths, numbers = np.array(found, dtype=np.int64).reshape(-1, 3).T
    return where, lengths, numbers


def _inside_word(letters: Letters) -> BoolArray:
    """Whether each character goes on with a word, and, last, whether the end of the text would: false."""
    letter = _OF_WORDS[letters.classes]
    inside = np.zeros(len(letter) + 1, dtype=np.bool_)
    inside[1:-1] = letter[1:] & letter[:-1]
    inside[:-1] &= letters.classes != p.WIDE
    if letters.codes.max(initial=0) >= UNSPACED[0][0]:
        for first, last in UNSPACED:
            inside[:-1] &= (letters.codes < first) | (letters.codes > last)
    return inside


@cache
def _endings() -> dict[str, tuple[tuple[int, ...], ...]]:
    """All beginnings of cues; for those that are whole cues the families that have them, where the word ends there and where it
    goes on."""
    _, lower = p.character_tables()
    whole: dict[str, tuple[set[int], set[int]]] = {}
    for number, family in enumerate(FAMILIES):
        for cue in cues(family):
            word = "".join(chr(lower[ord(letter)]) for letter in cue.removesuffix("_"))
            ended, going_on = whole.setdefault(word, (set(), set()))
            ended.add(number)
            if not cue.endswith("_"):
                going_on.add(number)
    endings: dict[str, tuple[tuple[int, ...], ...]] = {}
    for word, (ended, going_on) in whole.items():
        endings |= {word[:size]: () for size in range(1, len(word)) if word[:size] not in endings}
        endings[word] = tuple(ended), tuple(going_on)
    return endings


def _promising(letters: NDArray[np.uint32], places: IntArray) -> list[IntArray]:
    """The places where a cue of one letter may stand, of two, and so on, and where one of `_LOOK` or more may begin, by a hash
    of the letters; what it lets through by chance does no harm."""
    padded = np.append(letters, np.zeros(_LOOK, dtype=np.uint32))
    value = np.zeros(len(places), dtype=np.uint32)
    found = []
    for depth, known in enumerate(_first_letters()):
        value = (value ^ padded[places + depth]) * _MULTIPLIER
        found.append(places[known.take(value >> _SHIFT)])
    return found


@cache
def _first_letters() -> BoolArray:
    """The hashes of all cues shorter than `_LOOK` letters and of the first `_LOOK` of the others: row n for n + 1 letters."""
    table = np.zeros((_LOOK, 1 << 32 - int(_SHIFT)), dtype=np.bool_)
    for beginning, families in _endings().items():
        if len(beginning) == _LOOK or (len(beginning) < _LOOK and families):
            value = 0
            for letter in beginning:
                value = (value ^ ord(letter)) * int(_MULTIPLIER) & 0xFFFFFFFF
            table[len(beginning) - 1, value >> int(_SHIFT)] = True
    return table


def cues(family: str) -> list[str]:
    """The cues of a family in all languages, in the order of the file."""
    found: dict[str, None] = {}
    for line in (_FOLDER / f"{family}.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            found |= dict.fromkeys(filter(None, map(str.strip, line.partition(":")[2].split("|"))))
    return list(found)
