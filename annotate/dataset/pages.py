"""What splits have to know of each document: what it is about, and which other documents say the same.

Gathered record by record, in any order; texts are not kept. Two documents belong together when

- they are the same page: equal texts throughout, but for case, white space and normal form;
- they are near-duplicates (`minhash`), by the regions that make the page: title, byline, body, caption;
- they share a long text, such as the teaser of a third article, that stands on few pages.

Navigation, consent texts, promotion, advertisements and footers bind no pages, and neither does a text that stands on more than
`FEW_PAGES`: they would pull a whole site into one split. A document without any of the other regions goes by what it has.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Literal

import numpy as np

from annotate.dataset import minhash
from annotate.model import GoldRecord, Segment

Kind = Literal["page", "near", "text"]

PAGE_REGIONS = frozenset({"title", "byline", "body", "caption"})
"""What makes a page the page it is."""
BINDING_REGIONS = PAGE_REGIONS | {"related", "comments"}
"""Where a shared long text binds pages."""
LONG = 40
"""Columns from which a text is long: letters and digits, wide (Chinese, Japanese, Korean) ones as two."""
FEW_PAGES = 10
"""On how many pages a text may stand and still bind them."""

Trait = tuple[str, str]
"""Kind and value: `("language", "fi")`, `("region", "body")`, `("entity", "ORG")`, `("topic", "sport")`."""


@dataclass(frozen=True, slots=True)
class Link:
    """Two documents that must not be in different splits."""

    left: str
    right: str
    kind: Kind
    detail: str
    """For people: how similar, or the text."""

    def __str__(self) -> str:
        match self.kind:
            case "page":
                return "the same page"
            case "near":
                return f"near-duplicate pages, similarity {self.detail}"
            case "text":
                return f"the text {self.detail!r}"


@dataclass(frozen=True, slots=True)
class Shared:
    """A text of several documents."""

    text: str
    """Folded, at most 80 code points."""
    long: bool
    """Of `LONG` columns or more."""
    binds: bool
    """Whether it is long and in a region where that binds."""
    documents: tuple[str, ...]
    """In order of their names."""

    @property
    def pages(self) -> int:
        return len(self.documents)


@dataclass(slots=True)
class _Page:
    traits: set[Trait] = field(default_factory=set)
    of_page: bool = False
    """Whether it has a region that makes the page; else all regions count."""
    shingles: int = 0
    signature: minhash.Signature | None = None
    texts: int = 0
    """Sum of the digests of its folded texts: equal for equal texts in any order."""

    def count(self, region: str, folded_text: str, digest: bytes) -> None:
        makes_page = region in PAGE_REGIONS
        if makes_page and not self.of_page:
            self.of_page, self.shingles, self.signature, self.texts = True, 0, None, 0
        if makes_page == self.of_page:
            self.texts = (self.texts + int.from_bytes(digest, "big")) % (1 << 128)
            hashed = minhash.shingles(folded_text)
            self.shingles += hashed.size
            lowest = minhash.signature(hashed)
            self.signature = lowest if self.signature is None else np.minimum(self.signature, lowest)


@dataclass(slots=True)
class _Text:
    text: str
    long: bool
    binds: bool
    documents: set[str]


class Pages:
    """The documents of a corpus of gold records. Memory: a signature of half a kilobyte for each document, a digest for each
    distinct text."""

    def __init__(self, records: Iterable[GoldRecord] = ()) -> None:
        self._pages: dict[str, _Page] = {}
        self._texts: dict[bytes, tuple[str, bool]] = {}
        """Digest of a folded text → the first document with it, and whether it binds there."""
        self._shared: dict[bytes, _Text] = {}
        for record in records:
            self.add(record)

    def seeing(self, records: Iterable[GoldRecord]) -> Iterator[GoldRecord]:
        """The records, each added on its way."""
        for record in records:
            self.add(record)
            yield record

    def add(self, record: GoldRecord) -> None:
        meta = record.meta
        page = self._add(meta.doc_id, meta.lang, meta.region, record.text)
        page.traits |= {("entity", span.label) for span in record.spans}
        page.traits |= {("topic", topic) for topic in record.accept}

    def add_segment(self, segment: Segment) -> None:
        """Of a document without gold records."""
        self._add(segment.doc_id, segment.lang, segment.region, segment.text)

    def _add(self, doc_id: str, lang: str, region: str, raw_text: str) -> _Page:
        page = self._pages.setdefault(doc_id, _Page())
        page.traits |= {("language", lang), ("region", region)}
        text = folded(raw_text)
        if any(map(str.isalnum, text)):
            digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
            page.count(region, text, digest)
            self._share(doc_id, region, text, digest)
        return page

    def _share(self, doc_id: str, region: str, text: str, digest: bytes) -> None:
        long = is_long(text)
        binds = long and region in BINDING_REGIONS
        first, bound = self._texts.setdefault(digest, (doc_id, binds))
        if first != doc_id:
            shared = self._shared.setdefault(digest, _Text(text[:80], long, bound, {first}))
            shared.binds |= binds
            shared.documents.add(doc_id)
        elif binds and not bound:
            self._texts[digest] = (first, True)
            if digest in self._shared:
                self._shared[digest].binds = True

    def __len__(self) -> int:
        return len(self._pages)

    def __contains__(self, doc_id: object) -> bool:
        return doc_id in self._pages

    def __iter__(self) -> Iterator[str]:
        return iter(self._pages)

    @property
    def traits(self) -> Mapping[str, frozenset[Trait]]:
        """Document → its languages, regions and labels."""
        return {doc_id: frozenset(page.traits) for doc_id, page in self._pages.items()}

    def shared(self) -> Iterator[Shared]:
        """Texts of several documents, in order of text."""
        found = [Shared(entry.text, entry.long, entry.binds, tuple(sorted(entry.documents))) for entry in self._shared.values()]
        yield from sorted(found, key=lambda shared: (shared.text, shared.documents))

    def links(self, splits: Mapping[str, str]) -> list[Link]:
        """Enough links to connect all documents that belong together, and each of them with one in every split that holds
        something like it. `splits` maps documents to the split they are in already. Independent of the order of records."""
        names = sorted(self._pages, key=lambda doc_id: (doc_id not in splits, doc_id))
        found: dict[tuple[str, str], Link] = {}

        def link(left: str, right: str, kind: Kind, detail: str) -> None:
            found.setdefault((left, right), Link(left, right, kind, detail))

        same: dict[int, list[str]] = {}
        for name in names:
            if texts := self._pages[name].texts:
                same.setdefault(texts, []).append(name)
        for alike in same.values():
            for left, right in _star(alike, splits):
                link(left, right, "page", "")
        compared = {
            name: page.signature
            for name in names
            if (page := self._pages[name]).signature is not None and page.shingles >= minhash.MIN_SHINGLES
        }
        order, tags = list(compared), [splits.get(name, "") for name in compared]
        for left_at, right_at, alike_by in minhash.near_duplicates([s for s in compared.values() if s is not None], tags):
            link(order[left_at], order[right_at], "near", f"{alike_by:.2f}")
        for shared in self.shared():
            if shared.binds and shared.pages <= FEW_PAGES:
                for left, right in _star(shared.documents, splits):
                    link(left, right, "text", shared.text)
        return [found[pair] for pair in sorted(found)]


def _star(names: Iterable[str], splits: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Each name with the first of every split, and with the first in none."""
    first: dict[str, str] = {}
    for name in sorted(names, key=lambda name: (name not in splits, name)):
        for leader in first.values():
            yield leader, name
        first.setdefault(splits.get(name, ""), name)


def folded(text: str) -> str:
    """The text without what a copy may change: case, white space, and the normal form (NFKC)."""
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).split())


def is_long(text: str) -> bool:
    """Whether a text has `LONG` columns or more."""
    if sum(map(str.isalnum, text[: 2 * LONG])) >= LONG:
        return True  # as nearly always, and quicker
    wide = (2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text if char.isalnum())
    return any(count >= LONG for count in accumulate(wide))
