"""JSONL: one document a line, `{"id", "text", …}` or `{"id", "html", …}`. All other keys come back in `meta`.

A line without an id is called `NAME#LINE`; an id that is a number becomes a string. Where a line has text and HTML, the text is
the document and the HTML is left out. Blank lines are passed over."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec

from annotate.errors import did_you_mean
from annotate.model import Document
from annotate.readers import html, text
from annotate.readers.opening import LIMIT, UTF16, Refused, lines, lone_surrogate, refuse_magic, refuse_nul, utf8

_LIKE_TEXT = ("content", "body", "raw_content", "document", "article", "txt", "raw", "page_content", "maintext", "markdown")
_BOM = b"\xef\xbb\xbf"
_decode = msgspec.json.Decoder().decode
_log = logging.getLogger("annotate")


def documents(stream: BinaryIO, name: str) -> Iterator[tuple[int, Document | Refused]]:
    """The documents of a JSONL stream with their line numbers, or why a line is none."""
    for number, line, is_whole in lines(stream):
        if number == 1:
            line = line.removeprefix(_BOM)
            refuse_magic(line)
            if line.startswith(UTF16):
                utf8(line)
        if not line.strip():
            continue
        try:
            if not is_whole:
                raise Refused("too_long", f"the line has more than {LIMIT:,} bytes", "split the document")
            yield number, _document(_record(line), f"{name}#{number}")
        except Refused as problem:
            problem.record = line
            yield number, problem


def _document(record: Any, default_id: str) -> Document:
    if not isinstance(record, dict):
        raise Refused(
            "wrong_type", f"the line holds {_kind(record)}, not an object", 'a line looks like {"id": "…", "text": "…"}'
        )
    doc_id = _id(record.pop("id", None)) or default_id
    plain, page = _string(record, "text", doc_id), _string(record, "html", doc_id)
    if plain is None and page is None:
        raise Refused("no_text", "neither text nor html", _rename_hint(record), id=doc_id)
    if page is None or (plain is not None and plain.strip()):
        if page is not None:
            _log.info("%s has text and html: the text is taken", doc_id)
        return text.to_document(doc_id, plain or "", record)
    return html.to_document(doc_id, page, record)


def _id(value: object) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise Refused("wrong_type", f"id is {_kind(value)}, not a string", "give every document an id that is a string, or none")


def _string(record: dict[str, Any], key: str, doc_id: str) -> str | None:
    value = record.pop(key, None)
    if value is None or isinstance(value, str):
        return value
    raise Refused("wrong_type", f"{key} is {_kind(value)}, not a string", "join lists of paragraphs with \\n", id=doc_id)


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(value), "null")


def _rename_hint(record: dict[str, Any]) -> str:
    meant = [key for key in record if key.strip().lower() in ("text", "html", *_LIKE_TEXT)]
    if meant:
        return f'did you mean {meant[0]!r}? rename it to "text" (or "html")'
    near = [did_you_mean(word, sorted(record)) for word in ("text", "html")]
    return min(near, key=lambda hint: not hint.startswith("did you mean"))


def _record(line: bytes) -> Any:
    try:
        return _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise _why_not_json(line, problem) from None


def _why_not_json(line: bytes, problem: Exception) -> Refused:
    """The parser is fast and terse; the standard library's, once more over a bad line, says the column and tells apart."""
    hint = "one JSON object a line; jq -c . FILE shows where it breaks"
    try:
        characters = utf8(line).rstrip("\r\n")
        refuse_nul(line)
        value = json.loads(characters)
    except Refused as refused:
        return refused
    except json.JSONDecodeError as error:
        return Refused("not_json", f"{error.msg.removesuffix(' at')} at column {error.colno}", hint)
    except RecursionError:
        return Refused("not_json", "nested too deep", hint)
    if surrogate := lone_surrogate(json.dumps(value, ensure_ascii=False)):
        doc_id = value.get("id") if isinstance(value, dict) else ""
        reason = f"half a character ({surrogate}) escaped in a string"
        return Refused(
            "lone_surrogate", reason, "the text was cut inside an emoji", id=doc_id if isinstance(doc_id, str) else ""
        )
    return Refused("not_json", str(problem), hint)
