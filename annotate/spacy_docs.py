"""Gold records as spaCy documents: a tokenizer per language, spans aligned to tokens, DocBin bytes.

The one module that imports spaCy.

spaCy's own defaults for Japanese, Korean, Thai and Vietnamese need packages that are large or do not install everywhere, and
a tokenizer that keeps a Korean particle with its noun cannot represent an entity without the particle. Languages written
without spaces between words, and Korean, are therefore cut into characters: every span aligns, nothing is guessed, and the
tokenizer is rebuilt from the configuration the manifest names.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Literal

import msgspec
import spacy
from spacy import about
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.tokens import Span as DocSpan

from annotate.errors import AnnotateError, InvariantError, ReadError
from annotate.model import GoldRecord, Span

Align = Literal["contract", "strict", "expand"]

SPANS_KEY = "sc"
"""The key of `doc.spans` that spaCy's span categorizer reads by default."""

ATTRS = ("ORTH", "ENT_IOB", "ENT_TYPE")
"""What is stored per token. spaCy's default adds eight columns that gold data leaves empty: twice the size, four times the
time to read."""

MAX_TOKENS = 2**32 // (8 * len(ATTRS)) - 1
"""Tokens one DocBin can hold: eight bytes per stored attribute, and msgpack refuses a value of 2**32 bytes."""

FORGET_AFTER = 10_000
"""Documents after which the words seen so far are forgotten."""

VERSIONS: Mapping[str, str] = {"spacy": about.__version__, "zlib": zlib.ZLIB_RUNTIME_VERSION}
"""The tools that shape the bytes of a `.spacy` file."""

_MSGPACK = msgspec.msgpack.Encoder()

_WORDS: dict[int, str] = {}
"""Number of a word (its hash) → the word, as far as met."""

_CHARACTERS = {"@tokenizers": "spacy.zh.ChineseTokenizer", "segmenter": "char"}
_UNSPACED = frozenset({"bo", "dz", "ja", "km", "ko", "lo", "lzh", "my", "th", "wuu", "yue", "zh"})
_BLANKS = {"no": "nb", "fil": "tl", "ku": "kmr"}


@cache
def tokenizer_for(lang: str) -> tuple[Language, str]:
    """The blank spaCy pipeline that tokenizes a language (a BCP-47 tag), and the registered name of its tokenizer.

    Languages spaCy does not know, `und` among them, get the multilingual `xx`."""
    primary = lang.split("-")[0].lower()
    blank = _BLANKS.get(primary, primary)
    if not _has_blank(blank):
        blank = "xx"
    config: dict[str, Any] = {}
    if primary in _UNSPACED:
        config = {"nlp": {"tokenizer": _CHARACTERS}}
    elif blank == "vi":
        config = {"nlp": {"tokenizer": {"use_pyvi": False}}}
    nlp = spacy.blank(blank, config=config)
    return nlp, str(nlp.config["nlp"]["tokenizer"]["@tokenizers"])


def _has_blank(name: str) -> bool:
    try:
        spacy.util.get_lang_class(name)
    except ImportError:
        return False
    return True


def tokenizer_config(lang: str) -> dict[str, Any]:
    """How to rebuild a language's tokenizer: `{"blank": …, "tokenizer": {"@tokenizers": …}}` for
    `spacy.blank(blank, config={"nlp": {"tokenizer": tokenizer}})`."""
    nlp, _ = tokenizer_for(lang)
    return {"blank": nlp.lang, "tokenizer": dict(sorted(nlp.config["nlp"]["tokenizer"].items()))}


def tokenize(text: str, lang: str) -> Doc:
    """The text as a spaCy document. `InvariantError` should a tokenizer change the text."""
    # The tokenizer is called directly: the pipeline's length limit is for parsers, which a blank pipeline has none of.
    doc: Doc = tokenizer_for(lang)[0].tokenizer(text)
    spaces = doc.to_array(["ORTH", "SPACY"])[:, 1].tolist()
    if "".join([word + " " if space else word for word, space in zip(_words(doc), spaces, strict=True)]) != text:
        raise InvariantError(f"spaCy's tokenizer for {lang!r} changed a text of {len(text)} code points", hint="report this")
    return doc


def _words(doc: Doc) -> list[str]:
    """The texts of the tokens, without making token objects, which would be a good part of an export's time."""
    orths: list[int] = doc.to_array(["ORTH", "SPACY"])[:, 0].tolist()
    try:
        return [_WORDS[orth] for orth in orths]
    except KeyError:
        _WORDS.update((orth, doc.vocab.strings[orth]) for orth in orths if orth not in _WORDS)
        return [_WORDS[orth] for orth in orths]


@dataclass(frozen=True, slots=True)
class Misaligned:
    """A span that no run of whole tokens can stand for, and the tokens it touches with a neighbour on each side."""

    span: Span
    tokens: tuple[str, ...]
    merged: bool = False
    """The alignment made it equal to another span of the same label."""

    def __str__(self) -> str:
        what = f"{self.span.label} {self.span.text!r} [{self.span.start}, {self.span.end})"
        if self.merged:
            return f"{what} aligns to the same tokens as another {self.span.label}: {' '.join(map(repr, self.tokens))}"
        return f"{what} does not fall on whole tokens: {' '.join(map(repr, self.tokens))}"


@dataclass(frozen=True, slots=True)
class BuiltDoc:
    """A gold record as a spaCy document, and what alignment to tokens cost."""

    doc: Doc
    adjusted: tuple[tuple[Span, Span], ...]
    """Spans whose ends moved: as annotated, as stored."""
    misaligned: tuple[Misaligned, ...]

    @property
    def n_nested(self) -> int:
        """Spans in `doc.spans` that overlap one in `doc.ents` and so are not there."""
        return len(self.doc.spans[SPANS_KEY]) - len(self.doc.ents)


def build_doc(record: GoldRecord, align: Align = "contract") -> BuiltDoc:
    """The record's document: every aligned span in `doc.spans["sc"]`, those that do not overlap in `doc.ents`, topics in
    `doc.cats`, provenance in `doc.user_data`.

    `align` says what happens to a span that cuts a token: `contract` keeps the whole tokens inside it, `expand` takes every
    token it touches, `strict` gives it up. In all three a span loses white space at its ends, which spaCy's training refuses.
    Of overlapping spans the longest is in `doc.ents`, then the earliest, then the first by label. Tokens outside entities are
    marked outside, not unknown: a record without spans is a true negative."""
    doc = tokenize(record.text, record.meta.lang)
    aligned: dict[Span, DocSpan] = {}
    adjusted, misaligned = [], []
    for span in record.spans:
        found = _align(doc, span, align)
        if found is None:
            misaligned.append(Misaligned(span, _tokens_around(doc, span)))
            continue
        stored = Span(found.start_char, found.end_char, span.label, found.text)
        if stored in aligned:
            misaligned.append(Misaligned(span, _tokens_around(doc, span), merged=True))
            continue
        aligned[stored] = found
        if stored != span:
            adjusted.append((span, stored))
    ordered = [aligned[stored] for stored in sorted(aligned)]
    doc.spans[SPANS_KEY] = ordered
    doc.set_ents(without_overlaps(ordered), default="outside")
    doc.cats = dict(record.cats)
    doc.user_data.update(id=record.id, **asdict(record.meta))
    return BuiltDoc(doc, tuple(adjusted), tuple(misaligned))


def build_docs(records: Iterable[GoldRecord], align: Align = "contract") -> Iterator[tuple[GoldRecord, BuiltDoc]]:
    """Each record with its document. Every now and then tokenizers are made anew, or memory would grow with the vocabulary of
    the corpus. (spaCy's own means for that, `memory_zone`, switches the tokenizer's cache off: six times as long.)"""
    for number, record in enumerate(records, 1):
        yield record, build_doc(record, align)
        if number % FORGET_AFTER == 0:
            tokenizer_for.cache_clear()
            _WORDS.clear()


def _align(doc: Doc, span: Span, align: Align) -> DocSpan | None:
    start = span.start + len(span.text) - len(span.text.lstrip())
    end = span.end - len(span.text) + len(span.text.rstrip())
    if align == "strict" and (start, end) != (span.start, span.end):
        return None
    found: DocSpan | None = doc.char_span(start, end, label=span.label, alignment_mode=align)
    if found is None:
        return None
    first, last = found.start, found.end
    while first < last and doc[first].is_space:
        first += 1
    while first < last and doc[last - 1].is_space:
        last -= 1
    return DocSpan(doc, first, last, label=span.label) if first < last else None


def _tokens_around(doc: Doc, span: Span) -> tuple[str, ...]:
    touched = [token.i for token in doc if token.idx < span.end and token.idx + len(token) > span.start]
    return tuple(token.text for token in doc[max(0, touched[0] - 1) : touched[-1] + 2])


def without_overlaps(spans: Sequence[DocSpan]) -> list[DocSpan]:
    """The spans that can all be entities at once: the longest first, then the earliest, then by label; in text order."""
    taken: set[int] = set()
    kept = []
    for span in sorted(spans, key=lambda s: (s.start - s.end, s.start, s.label_)):
        if taken.isdisjoint(range(span.start, span.end)):
            taken.update(range(span.start, span.end))
            kept.append(span)
    return sorted(kept, key=lambda s: s.start)


def docbin_bytes(built: Iterable[BuiltDoc]) -> bytes:
    """The documents as the content of a `.spacy` file: equal documents, spaCy and zlib give equal bytes.

    `AnnotateError` when there are more tokens than a DocBin can hold."""
    store, tokens = DocBin(attrs=ATTRS, store_user_data=True), 0
    for item in built:
        tokens += len(item.doc)
        if tokens > MAX_TOKENS:
            raise AnnotateError(
                f"a .spacy file holds at most {MAX_TOKENS:,} tokens, there are more",
                hint="export fewer languages or regions at once",
            )
        _add(store, item.doc)
    return store.to_bytes()


def _add(store: DocBin, doc: Doc) -> None:
    """What `store.add(doc)` does for documents as `build_doc` makes them, in a fifth of the time: that method has srsly look
    for extensions in every installed package, twice a document, and stores the strings of columns that are not there."""
    store.tokens.append(doc.to_array([*store.attrs]))
    store.spaces.append(doc.to_array("SPACY").astype(bool).reshape(-1, 1))
    store.flags.append({"has_unknown_spaces": False})
    store.cats.append(doc.cats)
    store.user_data.append(_MSGPACK.encode(doc.user_data))
    store.span_groups.append(_span_groups(doc))
    store.strings.update(_words(doc))
    store.strings.update(span.label_ for span in doc.spans[SPANS_KEY])


def _span_groups(doc: Doc) -> bytes:
    """What `doc.spans.to_bytes()` gives."""
    spans = [
        struct.pack(">QQQllll", 0, 0, span.label, span.start, span.end, span.start_char, span.end_char)
        for span in doc.spans[SPANS_KEY]
    ]
    group = _MSGPACK.encode({"name": SPANS_KEY, "attrs": {}, "spans": spans})
    return _MSGPACK.encode({group: [SPANS_KEY]})


def payload_sha256(content: bytes) -> str:
    """SHA-256 of what a `.spacy` file says, without its compression: equal where zlib versions compress differently."""
    return hashlib.sha256(zlib.decompress(content)).hexdigest()


def read_docbin(content: bytes, lang: str = "und") -> Iterator[Doc]:
    """The documents of a `.spacy` file's content. `ReadError` when it is none."""
    try:
        yield from DocBin().from_bytes(content).get_docs(tokenizer_for(lang)[0].vocab)
    except (ValueError, KeyError, TypeError, struct.error) as problem:
        raise ReadError(f"not a DocBin that this spaCy reads: {problem}", hint="check that it is a whole .spacy file") from None


def training_config(
    tokenizer: Mapping[str, Any], components: Sequence[str], *, train: str, dev: str, longest: int, own_tokens: bool = False
) -> str:
    """A configuration for `spacy train` on files of ours: spaCy's own recommendation for a small pipeline on CPU.

    `tokenizer` is what `tokenizer_config` gives. `components` are of ner, spancat and textcat_multilabel. `train` and `dev`
    are files or folders relative to the folder the command runs in, `longest` the tokens of the longest span that spancat
    considers. With `own_tokens` documents keep the tokens they come with, as those of several languages must."""
    from spacy.cli.init_config import init_config  # with typer and wasabi, which nothing else needs

    # The language goes in afterwards: a pipeline is built on the way, and Korean's own tokenizer may not be installed.
    config = init_config(lang="xx", pipeline=list(components), optimize="efficiency", gpu=False)
    config["nlp"]["lang"] = tokenizer["blank"]
    if "tokenizer" in tokenizer:
        config["nlp"]["tokenizer"] = dict(tokenizer["tokenizer"])
    config["paths"] |= {"train": train, "dev": dev}
    for part in ("train", "dev"):
        config["corpora"][part]["gold_preproc"] = own_tokens
    if "spancat" in components:
        suggester = {"@misc": "spacy.ngram_range_suggester.v1", "min_size": 1, "max_size": longest}
        config["components"]["spancat"]["suggester"] = suggester
    return str(config.to_str()).rstrip("\n") + "\n"
