"""Writing systems: which script each letter of a text belongs to, and which languages are written in a script.

Scripts are ISO 15924 codes. The ranges hold letters only and are written down here, so that the answer does not depend on the
Unicode version of the Python that runs it. Kana count as `Jpan`, since nothing but Japanese is written in them; `Zyyy` is
everything that is no letter of a listed script.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

_RANGES: dict[str, str] = {
    "Latn": "41-5A 61-7A AA BA C0-D6 D8-F6 F8-24F 250-2AF 1D00-1D25 1E00-1EFF 2C60-2C7F A722-A787 A78B-A7CA AB30-AB64 "
    "FB00-FB06 FF21-FF3A FF41-FF5A",
    "Grek": "370-373 376-377 37B-37D 37F 386 388-3E1 3F0-3FF 1F00-1FFC",
    "Cyrl": "400-481 48A-52F 1C80-1C8F 2DE0-2DFF A640-A66E A680-A69F",
    "Armn": "531-556 560-588 FB13-FB17",
    "Hebr": "5D0-5F2 FB1D-FB4F",
    "Arab": "620-64A 66E-6D3 6D5 6EE-6EF 6FA-6FF 750-77F 8A0-8C9 FB50-FDFB FE70-FEFC",
    "Syrc": "710-74F",
    "Thaa": "780-7B1",
    "Nkoo": "7CA-7EA",
    "Deva": "900-963 971-97F A8E0-A8FF",
    "Beng": "980-9E3 9F0-9FE",
    "Guru": "A01-A4D A59-A75",
    "Gujr": "A81-AE3 AF9-AFF",
    "Orya": "B01-B63 B71",
    "Taml": "B82-BD7",
    "Telu": "C00-C63",
    "Knda": "C80-CE3 CF1-CF2",
    "Mlym": "D00-D63 D7A-D7F",
    "Sinh": "D81-DDF",
    "Thai": "E01-E3A E40-E4E",
    "Laoo": "E81-ECD EDC-EDF",
    "Tibt": "F00-F03 F40-FBC",
    "Mymr": "1000-103F 1050-109D A9E0-A9FE AA60-AA7F",
    "Geor": "10A0-10FF 1C90-1CBF 2D00-2D2D",
    "Hang": "1100-11FF 3131-318E A960-A97C AC00-D7A3 D7B0-D7FB",
    "Ethi": "1200-135A 1380-138F 2D80-2DDE AB01-AB2E",
    "Cher": "13A0-13FD AB70-ABBF",
    "Cans": "1401-167F 18B0-18F5",
    "Khmr": "1780-17D3",
    "Mong": "1820-18AA",
    "Tfng": "2D30-2D67",
    "Jpan": "3041-3096 309D-309F 30A1-30FA 30FC-30FF 31F0-31FF FF66-FF9D",
    "Bopo": "3105-312F",
    "Hani": "3005-3007 3400-4DBF 4E00-9FFF F900-FAD9 20000-323AF",
}

SCRIPTS = ("Zyyy", *_RANGES)
"""Script codes; a letter's script is an index into this."""

_DENSE = frozenset({"Hang", "Jpan", "Hani", "Bopo"})
"""Scripts whose letters carry about as much as two or three of an alphabet's."""

_WINDOW = 1 << 20
"""Code points looked up at a time."""

LANGUAGES: dict[str, tuple[str, ...]] = {
    "Grek": ("el",),
    "Cyrl": ("ru", "uk", "bg", "sr", "mk", "be", "kk", "ky", "mn", "tg", "tt", "ba"),
    "Armn": ("hy",),
    "Hebr": ("he", "yi"),
    "Arab": ("ar", "fa", "ur", "ps", "ku", "ug", "sd"),
    "Thaa": ("dv",),
    "Deva": ("hi", "mr", "ne", "sa"),
    "Beng": ("bn", "as"),
    "Guru": ("pa",),
    "Gujr": ("gu",),
    "Orya": ("or",),
    "Taml": ("ta",),
    "Telu": ("te",),
    "Knda": ("kn",),
    "Mlym": ("ml",),
    "Sinh": ("si",),
    "Thai": ("th",),
    "Laoo": ("lo",),
    "Tibt": ("bo", "dz"),
    "Mymr": ("my",),
    "Geor": ("ka",),
    "Hang": ("ko",),
    "Ethi": ("am", "ti"),
    "Khmr": ("km",),
    "Jpan": ("ja",),
    "Bopo": ("zh",),
    "Hani": ("zh", "ja"),
}
"""The languages written in a script other than Latin, the usual one first. What is in none of these is written in Latin."""

_ALSO_LATIN = frozenset({"sr", "ku", "tt"})
NOT_LATIN = frozenset(lang for langs in LANGUAGES.values() for lang in langs) - _ALSO_LATIN


def letters(text: str) -> NDArray[np.uint8]:
    """For each code point of the text the index of its script in `SCRIPTS`; shape `(len(text),)`."""
    table = _table()
    kinds = np.empty(len(text), dtype=np.uint8)
    for first in range(0, len(text), _WINDOW):
        encoded = text[first : first + _WINDOW].encode("utf-32-le", "surrogatepass")
        table.take(np.frombuffer(encoded, dtype=np.uint32), out=kinds[first : first + _WINDOW], mode="clip")
    return kinds


def systems(text: str) -> NDArray[np.uint8]:
    """As `letters`, with the scripts that stand together in one text as one (Han, kana, Hangul)."""
    return _together().take(letters(text))


def histogram(kinds: NDArray[np.uint8], starts: NDArray[np.intp]) -> NDArray[np.int32]:
    """Letters of each script in each stretch of a text, from `letters` of it and the offsets where its stretches start (the
    first 0); shape `(len(starts), len(SCRIPTS))`, the column of `Zyyy` zero."""
    cells = np.repeat(np.arange(len(starts)) * len(SCRIPTS), np.diff(starts, append=len(kinds))) + kinds
    counts = np.bincount(cells, minlength=len(starts) * len(SCRIPTS)).reshape(len(starts), len(SCRIPTS))
    counts[:, 0] = 0
    return counts.astype(np.int32)


def mass(counts: NDArray[np.integer]) -> NDArray[np.int64]:
    """How much each stretch says, in letters of an alphabet; shape `(len(counts),)`."""
    return np.asarray(counts @ _weights())


def weighted(counts: NDArray[np.integer], script: NDArray[np.intp]) -> NDArray[np.int64]:
    """How much each stretch says in one script of its own, `(len(counts),)`."""
    return np.asarray(counts[np.arange(len(counts)), script] * _weights()[script])


def dominant(counts: NDArray[np.integer]) -> NDArray[np.intp]:
    """The script that carries most of each stretch, an index into `SCRIPTS` (0 where there is no letter). Han beside a share
    of kana or Hangul is Japanese or Korean."""
    weighted = counts * _weights()
    han, kana, hangul = (weighted[:, SCRIPTS.index(code)] for code in ("Hani", "Jpan", "Hang"))
    kana += np.where(kana * 20 > kana + han, han, 0)
    hangul += np.where(hangul * 5 > hangul + han, han, 0)
    return np.asarray(weighted.argmax(axis=1), dtype=np.intp)


@cache
def _together() -> NDArray[np.uint8]:
    together = np.arange(len(SCRIPTS), dtype=np.uint8)
    together[[SCRIPTS.index(code) for code in _DENSE]] = SCRIPTS.index("Hani")
    return together


@cache
def _weights() -> NDArray[np.int64]:
    return np.array([2 if code in _DENSE else 1 for code in SCRIPTS], dtype=np.int64)


@cache
def _table() -> NDArray[np.uint8]:
    table = np.zeros(0x323B1, dtype=np.uint8)
    for index, ranges in enumerate(_RANGES.values(), 1):
        for span in ranges.split():
            first, _, last = span.partition("-")
            table[int(first, 16) : int(last or first, 16) + 1] = index
    return table
