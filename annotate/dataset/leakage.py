"""Texts that are in more than one split although no document is."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from annotate.model import GoldRecord


@dataclass(frozen=True, slots=True)
class SharedText:
    """A text that records of several splits have, after folding."""

    text: str
    """Folded, at most 80 code points."""
    records: Mapping[str, str]
    """Split → id of the first record that has it there."""
    documents: tuple[str, ...]
    """Of those records, in the order of the splits."""

    def __str__(self) -> str:
        places = " and ".join(f"{split} ({doc_id})" for split, doc_id in zip(self.records, self.documents, strict=True))
        return f"text {self.text!r} is in {places}"


def folded(text: str) -> str:
    """The text without what a copy may change: case, white space, and the normal form (NFKC)."""
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).split())


def shared_texts(records: Iterable[GoldRecord], split_of: Mapping[str, str]) -> list[SharedText]:
    """Folded texts that are in more than one split, in the order of their first record. `split_of` maps documents to splits;
    texts without any letter or digit are passed over. Memory: one digest a record."""
    first: dict[bytes, tuple[str, dict[str, tuple[str, str]]]] = {}
    for record in records:
        text = folded(record.text)
        if not any(map(str.isalnum, text)):
            continue
        digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
        place = (record.id, record.meta.doc_id)
        first.setdefault(digest, (text[:80], {}))[1].setdefault(split_of[record.meta.doc_id], place)
    return [
        SharedText(text, {split: places[split][0] for split in sorted(places)}, tuple(places[s][1] for s in sorted(places)))
        for text, places in first.values()
        if len(places) > 1
    ]
