"""The demo corpus as read, its labelled lines, and the segments these lines make."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import pytest

from annotate.demo import corpus_folder
from annotate.model import Document, Reject
from annotate.readers import read


@dataclass(frozen=True)
class Line:
    """A line of `expected.jsonl`: how a person labelled it."""

    doc_id: str
    line: str
    lang: str
    region: str


@dataclass(frozen=True)
class Piece:
    """A run of lines of one language and region: what a perfect segmenter makes of a document."""

    doc_id: str
    lang: str
    region: str
    text: str


@pytest.fixture(scope="session")
def documents() -> dict[str, Document]:
    rejects: list[Reject] = []
    found = {document.doc_id: document for document in read([corpus_folder()], rejects.append)}
    assert rejects == []
    return found


@pytest.fixture(scope="session")
def expected() -> dict[str, list[Line]]:
    """By document, in the order of the text; `line` is the start of a line that is not blank."""
    rows = Path(__file__).with_name("expected.jsonl").read_text("utf-8").splitlines()
    lines = [Line(**json.loads(row)) for row in rows]
    return {doc_id: list(group) for doc_id, group in groupby(lines, key=lambda line: line.doc_id)}


@pytest.fixture(scope="session")
def pieces(documents: dict[str, Document], expected: dict[str, list[Line]]) -> list[Piece]:
    made = []
    for doc_id, labels in expected.items():
        texts = [line for line in documents[doc_id].text.split("\n") if line.strip()]
        pairs = zip(labels, texts, strict=True)
        for (lang, region), run in groupby(pairs, key=lambda pair: (pair[0].lang, pair[0].region)):
            made.append(Piece(doc_id, lang, region, "\n".join(text for _, text in run) + "\n"))
    return made
