"""Two scripted annotators for the demo corpus.

What there is to find stands in `answers.json`, by document: topics, entities, and where somebody sees things differently. How
people annotate stands here: they look for what they know, overlook some of it, take a title into a name, and now and then skip.
Everything follows from the texts: what is found in a sentence does not depend on where the segment around it was cut.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from annotate.codec import loads
from annotate.errors import UnknownName
from annotate.model import Span
from annotate.resources import demo_corpus

_HERE = Path(__file__).parent

_TOPICAL = frozenset(("title", "body"))
"""Regions that are about what the page is about."""

_ABOUT_NOTHING: Mapping[str, tuple[str, ...]] = {"topic": ("other_topic",), "genre": ("other",)}
"""The topics of a menu or a consent text, whatever page it stands on."""

_UNSPACED = (
    ("\u0e00", "\u0eff"),  # Thai, Lao
    ("\u3040", "\u30ff"),  # Kana
    ("\u3400", "\u9fff"),  # Han
    ("\uac00", "\ud7af"),  # Hangul: words have spaces between them, but particles are written on to the name
)
_CLITICS = frozenset("ובלמהשכ" + "وفبلك")
"""Hebrew and Arabic one-letter words (and, in, to, from …) that are written on to the word after them."""


@dataclass(frozen=True, slots=True)
class DemoAnnotator:
    """A person who annotates the demo corpus."""

    name: str
    email: str
    misses: int
    """One in so many entities is overlooked."""
    widens: int
    """One in so many times that a title stands before a name, it is taken for a part of it; 0 for never."""
    pace: float
    """Reading time relative to the average reader's."""


ANNOTATORS: tuple[DemoAnnotator, ...] = (
    DemoAnnotator("aino", "aino@example.com", misses=80, widens=0, pace=1.0),
    DemoAnnotator("ben", "ben@example.com", misses=24, widens=5, pace=0.8),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an annotator says about a segment. `topics` has every group of the news schema, each `()` when the segment is
    skipped; `lead_time` is in seconds."""

    skipped: bool
    spans: tuple[Span, ...]
    topics: Mapping[str, tuple[str, ...]]
    lead_time: float


@dataclass(frozen=True, slots=True)
class _View:
    """Where one annotator departs from what `answers.json` says about a document."""

    topics: dict[str, tuple[str, ...]] = field(default_factory=dict)
    relabels: dict[str, str] = field(default_factory=dict)
    """Entity → the label this annotator gives it."""
    widens: dict[str, str] = field(default_factory=dict)
    """Entity → the same with the words before it that might belong to it."""
    skips: str = ""
    """Words that stand once in the document: the segment with them is skipped."""


@dataclass(frozen=True, slots=True)
class _Page:
    """What there is to say about a document."""

    topics: dict[str, tuple[str, ...]]
    entities: dict[str, tuple[str, ...]]
    """Label → the entities as they are written in the text, inflected forms each."""
    differs: dict[str, _View] = field(default_factory=dict)


def corpus_folder() -> Path:
    """The shipped demo documents: `.html`, `.txt` and one `.jsonl`."""
    return demo_corpus()


def answer(annotator: str, *, doc_id: str, segment_id: str, text: str, lang: str, region: str) -> Answer | None:
    """What `annotator` says about a segment; None when nothing is known about its document.

    `doc_id` is the document's path relative to `corpus_folder()`, for JSONL the record's id. Raises `UnknownName`."""
    person = _people().get(annotator)
    if person is None:
        raise UnknownName("demo annotator", annotator, _people())
    page = _pages().get(doc_id)
    if page is None:
        return None
    view = page.differs.get(annotator, _View())
    seconds = _seconds(text, lang) * person.pace * (0.8 + _draw(40, annotator, segment_id) / 100)
    if region in _TOPICAL and view.skips and view.skips in text:
        return Answer(True, (), dict.fromkeys(page.topics, ()), round(seconds / 2, 1))
    spans = tuple(sorted(_spans(text, _seen(person, doc_id, page, view))))
    topics = {**page.topics, **view.topics} if region in _TOPICAL else _ABOUT_NOTHING
    return Answer(False, spans, topics, round(seconds + 2.5 * len(spans), 1))


@cache
def _people() -> Mapping[str, DemoAnnotator]:
    return {person.name: person for person in ANNOTATORS}


@cache
def _pages() -> Mapping[str, _Page]:
    return loads((_HERE / "answers.json").read_bytes(), dict[str, _Page])


def _seen(person: DemoAnnotator, doc_id: str, page: _Page, view: _View) -> Iterator[tuple[str, str]]:
    """The (entity, label) pairs this annotator looks for in the document."""
    for label, entities in page.entities.items():
        for entity in entities:
            if _draw(person.misses, "misses", person.name, doc_id, entity) == 0:
                continue
            given = view.relabels.get(entity, label)
            yield entity, given
            if entity in view.widens and person.widens and _draw(person.widens, "widens", person.name, doc_id, entity) == 0:
                yield view.widens[entity], given


def _draw(sides: int, *about: str) -> int:
    """A number in [0, sides) that depends on the words alone: chance without a random generator."""
    return int.from_bytes(hashlib.blake2b("\0".join(about).encode(), digest_size=8).digest()) % sides


def _spans(text: str, entities: Iterable[tuple[str, str]]) -> list[Span]:
    """All occurrences of the entities, the longest first; one inside another counts only under another label (a university is
    an organisation, the city in its name a place), one across the edge of another never."""
    taken: list[Span] = []
    for entity, label in sorted(set(entities), key=lambda item: (-len(item[0]), item)):
        for start, end in _occurrences(text, entity):
            found = Span(start, end, label, text[start:end])
            if all(_go_together(found, other) for other in taken):
                taken.append(found)
    return taken


def _go_together(inner: Span, other: Span) -> bool:
    if inner.end <= other.start or other.end <= inner.start:
        return True
    return other.start <= inner.start and inner.end <= other.end and inner.text != other.text and inner.label != other.label


def _occurrences(text: str, entity: str) -> Iterator[tuple[int, int]]:
    at = text.find(entity)
    while at >= 0:
        start, end = _word_start(text, at), at + len(entity)
        if start is not None and not _joined(text, end):
            yield start, end
        at = text.find(entity, at + 1)


def _word_start(text: str, at: int) -> int | None:
    """Where the word begins that a name stands in, clitics included: like an inflected name it is marked as it is written,
    and a tokenizer without morphology can hold it. None when the name stands inside another word."""
    start = at
    while _joined(text, start) and at - start < 2 and text[start - 1] in _CLITICS:
        start -= 1
    return None if _joined(text, start) else start


def _joined(text: str, at: int) -> bool:
    """Whether the characters on both sides of `at` belong to one word."""
    if at == 0 or at == len(text):
        return False
    left, right = text[at - 1], text[at]
    if unicodedata.category(right).startswith("M"):  # a mark belongs to the letter before it, in every script
        return True
    return _of_word(left) and _of_word(right) and not (_is_unspaced(left) or _is_unspaced(right))


def _of_word(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character).startswith("M")


def _is_unspaced(character: str) -> bool:
    return any(low <= character <= high for low, high in _UNSPACED)


_CHARACTERS_A_SECOND = {"zh": 7.0, "ja": 8.0, "ko": 9.0}
"""Silent reading by language; alphabets are read at about 20 characters a second, at four words."""


def _seconds(text: str, lang: str) -> float:
    return 4.0 + len(text.strip()) / _CHARACTERS_A_SECOND.get(lang, 20.0)
