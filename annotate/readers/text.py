"""Plain text: a `.txt` file is one document. UTF-8 only, with or without a byte order mark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from annotate.model import Document
from annotate.offsets import normalise
from annotate.readers.opening import Refused, refuse_nul, utf8, whole


def documents(stream: BinaryIO, name: str) -> Iterator[tuple[int, Document]]:
    """The one document of a text file. Raises `Refused`."""
    data = whole(stream)
    raw = utf8(data)
    refuse_nul(data)
    yield -1, to_document(name, raw, {})


def to_document(doc_id: str, raw: str, meta: Mapping[str, Any]) -> Document:
    """A document of plain text, normalised. Raises `Refused` when it is blank or has a NUL."""
    if (at := raw.find("\0")) >= 0:
        raise Refused("nul", f"a NUL character at offset {at}", "remove it", id=doc_id)
    text, shifts = normalise(raw)
    if not text.strip():
        raise Refused("empty", "nothing but white space", "remove it, or fetch the document again", id=doc_id)
    return Document(doc_id, text, meta, shifts=shifts)
