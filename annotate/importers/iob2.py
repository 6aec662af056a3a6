"""Columns of tokens and tags (CoNLL-2003, CoNLL-2002 and their kin): the token first, its tag last; and our own `iob2`.

Blank lines end a sentence, `-DOCSTART-` begins a document. Tags may be IOB2, IOB1 or one of the schemes with an end
(BIOES, BILOU): an entity begins at `B`, `S`, `U`, at any tag after `O`, and where the label changes. Our own files keep each
text in a comment, `# text = …`; without one the text is its tokens with a space between, or with none in languages that write
none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from annotate.importers import Bad, Item, Settings
from annotate.importers.rows import settled
from annotate.schema import LabelSchema, iob_tag
from annotate.store import opened

_COMMENT = re.compile(r"# ([a-z_]+) = (.*)")
_SPACELESS = frozenset({"bo", "dz", "ja", "km", "lo", "lzh", "my", "th", "wuu", "yue", "zh"})


@dataclass(slots=True)
class _Block:
    """A sentence: the line it begins in, its comments, its rows with their lines."""

    line: int
    comments: dict[str, str] = field(default_factory=dict)
    rows: list[tuple[int, list[str]]] = field(default_factory=list)


def read(path: Path, settings: Settings) -> Iterator[Item | Bad]:
    """The sentences of a file."""
    labels = {iob_tag(name): name for entity in settings.schema.entities for name in (*entity.aliases, entity.id)}
    document = 0
    for block in _blocks(path):
        if isinstance(block, Bad):
            yield block
            continue
        if block.rows[0][1][0] == "-DOCSTART-" and len(block.rows) == 1 and block.rows[0][1][1:2] != ["_"]:
            document += 1
            continue
        try:
            yield _item(block, labels, settings, f"{path.name}#{document}" if document else "")
        except ValueError as problem:
            yield Bad(block.line, "invalid", str(problem), record="\n".join(" ".join(row) for _, row in block.rows))


def _blocks(path: Path) -> Iterator[_Block | Bad]:
    block = _Block(1)
    with opened(path) as lines:
        for number, raw in enumerate(lines, 1):
            try:
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
            except UnicodeDecodeError as problem:
                yield Bad(number, "unreadable", f"not UTF-8: {problem}", record=raw)
                continue
            if comment := _COMMENT.fullmatch(line):
                block.comments[comment[1]] = _plain(comment[2])
            elif line.strip(" \t"):
                block.rows.append((number, line.split("\t") if "\t" in line else line.split(" ")))
            elif block.rows:
                yield block
                block = _Block(number + 1)
    if block.rows:
        yield block


def _plain(value: str) -> str:
    """A comment's value; ours are written as the inside of a JSON string."""
    try:
        return str(json.loads(f'"{value}"'))
    except ValueError:
        return value


def _item(block: _Block, labels: Mapping[str, str], settings: Settings, document: str) -> Item:
    for number, row in block.rows:
        if len(row) < 2 or not row[0]:
            raise ValueError(f"line {number}: a token and a tag were expected")
    own, tokens = block.comments, [row[0] for _, row in block.rows]
    lang = own.get("lang") or settings.lang
    text = own.get("text") or ("" if lang in _SPACELESS else " ").join(tokens)
    places = list(_places(tokens, text))
    spans = tuple(
        (places[first][0], places[last][1], labels.get(name, name))
        for first, last, name in _entities([(number, row[-1]) for number, row in block.rows])
    )
    meta: dict[str, Any] = {key: own[key] for key in ("doc_id", "region", "split") if key in own} | {"lang": lang}
    if document and "doc_id" not in meta:
        meta["doc_id"] = document
    if own.get("start", "").isdecimal():
        meta["start"] = int(own["start"])
    if "id" in own:
        meta["segment_id"] = own["id"]
    return Item(block.line, text, spans, cats=_cats(own, settings.schema), id=own.get("id", ""), meta=meta)


def _cats(comments: Mapping[str, str], schema: LabelSchema) -> dict[str, float]:
    return settled([topic for topic in comments.get("topics", "").split(", ") if topic], schema)


def _places(tokens: list[str], text: str) -> Iterator[tuple[int, int]]:
    """Where each token stands in the text; `ValueError` when there is more between two than white space."""
    end = 0
    for token in tokens:
        start = text.find(token, end)
        if start < 0 or text[end:start].strip():
            raise ValueError(f"token {token!r} does not follow at {end} in {text!r}")
        end = start + len(token)
        yield start, end
    if text[end:].strip():
        raise ValueError(f"{text[end:]!r} has no token")


def _entities(tags: list[tuple[int, str]]) -> Iterator[tuple[int, int, str]]:
    """First token, last token and label of each entity. `ValueError` for what is no tag."""
    first, open_label = 0, ""
    for i, (number, tag) in enumerate(tags):
        prefix, _, label = tag.partition("-")
        if tag in ("O", "_") or (tag and prefix not in (*"BIESLU",)):
            if tag not in ("O", "_"):
                raise ValueError(f"line {number}: {tag!r} is no tag such as O, B-ORG or I-ORG")
            label = ""
        elif not label:
            raise ValueError(f"line {number}: tag {tag!r} has no label")
        if open_label and (label != open_label or prefix in "BSU"):
            yield first, i - 1, open_label
            open_label = ""
        if label and not open_label:
            first, open_label = i, label
        if open_label and prefix in "ESLU":
            yield first, i, open_label
            open_label = ""
    if open_label:
        yield first, len(tags) - 1, open_label
