"""Languages so near each other that a detector confuses them: told apart by the few words and spellings in which they differ.

Such a group is decoded as one language first; which member it is comes last, on all of its text together (Ljubešić & Kranjčić
2015 on Bosnian, Croatian, Serbian; Ranaivo-Malançon 2006 on Malay and Indonesian). The words are in `varieties.txt`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

GROUPS: tuple[tuple[str, ...], ...] = (("hr", "sr", "bs"), ("id", "ms"))
"""The groups; the first member stands for the group until it is decided."""

GROUP_OF: Mapping[str, tuple[str, ...]] = {lang: group for group in GROUPS for lang in group}
"""The group of each of their members."""

HIT = 2.5
"""Log-odds of one tell-tale word for each language that uses it against one that does not."""

PRIOR: Mapping[str, float] = {"bs": -3.0, "ms": -1.0}
"""Log-odds before any evidence: the less written a language is, the more it must show; Bosnian shares nearly every word with
one neighbour or the other, so it must be seen to use both."""

_WORDS = Path(__file__).with_suffix(".txt")


def cues(text: str) -> Mapping[str, float]:
    """Log-scores of the members of all groups, from tell-tale words in `text`; a language without a hit is left out."""
    scores: dict[str, float] = {}
    lowered = text.lower()
    for languages, pattern in _patterns().items():
        hits = len(pattern.findall(lowered))
        if hits:
            for lang in languages:
                scores[lang] = scores.get(lang, 0.0) + HIT * hits
    return scores


@cache
def _patterns() -> Mapping[tuple[str, ...], re.Pattern[str]]:
    words: dict[tuple[str, ...], list[str]] = {}
    for line in _WORDS.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            languages, _, listed = line.partition(":")
            words.setdefault(tuple(languages.split()), []).extend(listed.split())
    return {languages: re.compile(rf"\b(?:{'|'.join(map(_expression, listed))})\b") for languages, listed in words.items()}


def _expression(word: str) -> str:
    return word.replace("*", r"\w*").replace("_", r"\s")
