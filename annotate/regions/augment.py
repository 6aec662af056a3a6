"""Further examples made of those there are: pages with parts left out, and with parts of other pages put in.

A model fitted to whole pages of some hundred sites takes their order of parts for a law. Pages whose menu is gone, that begin
with the article or end with it, that have a stranger's consent notice at their end or an advertisement between two paragraphs,
teach it to look at the parts themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from random import Random

from annotate.model import Block
from annotate.regions.examples import Example

NOTICE_GONE, PART_GONE = 0.6, 0.2
"""How often a consent notice, and another part that is not the article, is left out."""

NOTICE = 0.55
"""How often a notice of another page is put in: mostly at the end, else at the beginning or anywhere."""

PUT_IN = {"ad": 0.3, "promo": 0.3, "caption": 0.15, "related": 0.15, "byline": 0.1}
"""How often a part of another page is put in somewhere."""

INTO_BODY, LONGEST = 0.4, 30
"""How often a part of at most so many blocks is put between two lines of a long body."""

IN_FULL = 0.2
"""How often a page without markup gets a list of related articles that gives them in full: a heading, and of each article its
title, a line of its source, and its text, on lines of its own or all on one."""

_ARTICLE = ("title", "body")
_LEFT_OUT = ("navigation", "footer", "related", "comments", "promo")
_INTERRUPTS = ("ad", "promo", "related", "caption")
_LONG_BODY = 8
_TELLING = 8
"""Parts of fewer characters are put nowhere."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A block cut out of its page."""

    text: str
    block: Block
    foreign: bool


@dataclass(frozen=True, slots=True)
class _Part:
    """Neighbouring blocks of one region."""

    region: str
    pieces: tuple[_Piece, ...]


_Bank = dict[tuple[bool, str], list[tuple[str, _Part]]]
"""Parts to put in, with the main language of their page, by whether the page is marked up, and by region."""


@dataclass(frozen=True, slots=True)
class _Article:
    """The title and the text of a page without markup."""

    lang: str
    title: tuple[_Piece, ...]
    body: tuple[_Piece, ...]


def augmented(examples: Sequence[Example], *, weight: float, seed: int = 7) -> Iterator[tuple[int, Example]]:
    """One new example of each that leaves parts of two regions or more, with the number of the one it is made of; its blocks
    are `weight` times as heavy. Parts come from pages with markup if the page has some, else from plain ones. Deterministic."""
    random = Random(seed)
    parts = [_parts(example) for example in examples]
    bank: _Bank = {}
    for example, found in zip(examples, parts, strict=True):
        for part in found:
            if sum(len(piece.text) for piece in part.pieces) >= _TELLING:
                bank.setdefault((_marked_up(example), part.region), []).append((example.lang, part))
    articles = [_article(example, found) for example, found in zip(examples, parts, strict=True) if not _marked_up(example)]
    complete = [article for article in articles if article.title and article.body]
    for k, (example, found) in enumerate(zip(examples, parts, strict=True)):
        donor = _Donor(bank, complete, _marked_up(example), example.lang, random)
        made = _joined(_varied(found, donor, random), example)
        if made is not None:
            yield k, replace(made, weight=example.weight * weight)


@dataclass(frozen=True, slots=True)
class _Donor:
    """What may be put into one page."""

    bank: _Bank
    articles: Sequence[_Article]
    marked_up: bool
    lang: str
    random: Random

    def part(self, region: str) -> _Part | None:
        """A part of another page, foreign if that page is in another language."""
        offers = self.bank.get((self.marked_up, region))
        if not offers:
            return None
        lang, part = self.random.choice(offers)
        return replace(part, pieces=self._here(lang, part.pieces))

    def related(self) -> _Part | None:
        """A list of some other articles in full."""
        heading, source = self.part("related"), self.part("byline")
        if heading is None or source is None or not self.articles:
            return None
        pieces = list(heading.pieces[:1])
        for article in self.random.choices(self.articles, k=self.random.randint(1, 4)):
            length = self.random.randint(2, 30)
            text = article.body[:length]
            if self.random.random() < 0.6:
                text = (*(replace(piece, text=piece.text.rstrip() + " ") for piece in text[:-1]), *text[-1:])
            pieces += [*self._here(article.lang, article.title), *source.pieces[:2], *self._here(article.lang, text)]
        return _Part("related", tuple(map(_ended, pieces)))

    def _here(self, lang: str, pieces: Sequence[_Piece]) -> tuple[_Piece, ...]:
        return tuple(replace(piece, foreign=lang != self.lang) for piece in pieces)


def _varied(parts: Sequence[_Part], donor: _Donor, random: Random) -> list[_Part]:
    found = [part for part in parts if part.region != "cookie_notice" or random.random() >= NOTICE_GONE]
    article = [k for k, part in enumerate(found) if part.region in _ARTICLE]
    if article:
        chance = random.random()
        begins, ends = chance < 0.18 or 0.36 <= chance < 0.46, 0.18 <= chance < 0.46
        found = found[article[0] if begins else 0 : article[-1] + 1 if ends else len(found)]
    found = [part for part in found if part.region not in _LEFT_OUT or random.random() >= PART_GONE]

    def put_in(region: str, place: Callable[[], int]) -> None:
        if (part := donor.part(region)) is not None:
            found.insert(place(), part)

    def anywhere() -> int:
        return random.randrange(len(found) + 1)

    if random.random() < NOTICE:
        chance = random.random()
        put_in("cookie_notice", (lambda: len(found)) if chance < 0.55 else (lambda: 0) if chance < 0.75 else anywhere)
    for region, share in PUT_IN.items():
        if random.random() < share:
            put_in(region, anywhere)
    if not donor.marked_up and random.random() < IN_FULL and (part := donor.related()) is not None:
        last = max((k for k, part in enumerate(found) if part.region == "body"), default=len(found) - 1)
        found.insert(last + 1, part)
    bodies = [k for k, part in enumerate(found) if part.region == "body" and len(part.pieces) > _LONG_BODY]
    if bodies and random.random() < INTO_BODY:
        k = random.choice(bodies)
        found[k : k + 1] = _interrupted(found[k], donor, random)
    return found


def _interrupted(body: _Part, donor: _Donor, random: Random) -> list[_Part]:
    """A body with a part put between two of its lines, if it has some."""
    ends = [k for k in range(2, len(body.pieces) - 1) if body.pieces[k - 1].text.endswith("\n")]
    part = donor.part(random.choice(_INTERRUPTS))
    if not ends or part is None or len(part.pieces) > LONGEST:
        return [body]
    k = random.choice(ends)
    return [replace(body, pieces=body.pieces[:k]), part, replace(body, pieces=body.pieces[k:])]


def _ended(piece: _Piece) -> _Piece:
    """The piece, followed by something: the end of its line unless it goes on."""
    return piece if piece.text[-1:].isspace() else replace(piece, text=piece.text + "\n")


def _article(example: Example, parts: Sequence[_Part]) -> _Article:
    title = next((part.pieces for part in parts if part.region == "title"), ())
    body = max((part.pieces for part in parts if part.region == "body"), key=len, default=())
    return _Article(example.lang, title[:3], body)


def _parts(example: Example) -> list[_Part]:
    rows = zip(example.regions, example.blocks, example.foreign, strict=True)
    return [
        _Part(region, tuple(_Piece(example.text[b.start : b.end], b, foreign) for _, b, foreign in run))
        for region, run in groupby(rows, key=lambda row: row[0])
    ]


def _joined(parts: Sequence[_Part], example: Example) -> Example | None:
    """The page of the parts, each on lines of its own; None if they are of fewer than two regions."""
    texts: list[str] = []
    blocks, foreign, regions = [], [], []
    end = 0
    for part in parts:
        for k, piece in enumerate(part.pieces, start=1):
            text = piece.text
            if k == len(part.pieces) and not text.endswith("\n"):
                text = text.rstrip(" ") + "\n"
            if text.isspace():
                continue
            texts.append(text)
            blocks.append(replace(piece.block, start=end, end=end + len(text)))
            foreign.append(piece.foreign)
            regions.append(part.region)
            end += len(text)
    if len(set(regions)) < 2:
        return None
    return replace(example, text="".join(texts), blocks=tuple(blocks), foreign=tuple(foreign), regions=tuple(regions))


def _marked_up(example: Example) -> bool:
    return bool(example.blocks[0].path)
