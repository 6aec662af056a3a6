"""Gold records as documents of tokens: a tokenizer per language, spans aligned to tokens, the bytes of a DocBin.

The one module that imports spaCy. Of spaCy's own a document is made by the tokenizer alone: its tokens are read into plain
columns once, spans are aligned and stored from there, and tests hold every step against what spaCy does (`char_span`,
`set_ents`, `DocBin.add`, `to_bytes`), which takes several times as long.

spaCy's own defaults for Japanese, Korean, Thai and Vietnamese need packages that are large or do not install everywhere, and
a tokenizer that keeps a Korean particle with its noun cannot represent an entity without the particle. Languages written
without spaces between words, and Korean, are therefore cut into characters: every span aligns, nothing is guessed, and the
tokenizer is rebuilt from the configuration the manifest names.
"""

from __future__ import annotations

import gc
import hashlib
import struct
import zlib
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from operator import attrgetter
from tempfile import TemporaryFile
from typing import IO, Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt
import spacy
from spacy import about
from spacy.language import Language
from spacy.strings import get_string_id
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from annotate.errors import AnnotateError, InvariantError, ReadError
from annotate.model import GoldMeta, GoldRecord, Span

Align = Literal["contract", "strict", "expand"]

SPANS_KEY = "sc"
"""The key of `doc.spans` that spaCy's span categorizer reads by default."""

ATTRS = ("ORTH", "ENT_IOB", "ENT_TYPE")
"""What is stored per token. spaCy's default adds eight columns that gold data leaves empty: twice the size, four times the
time to read."""

MAX_TOKENS = 2**32 // (8 * len(ATTRS)) - 1
"""Tokens one DocBin can hold: eight bytes per stored attribute, and msgpack refuses a value of 2**32 bytes."""

FORGET_AFTER = 200_000
"""Distinct words of all languages after which those seen so far are forgotten: some 60 MB."""

VERSIONS: Mapping[str, str] = {"spacy": about.__version__, "zlib": zlib.ZLIB_RUNTIME_VERSION}
"""The tools that shape the bytes of a `.spacy` file."""

_INSIDE, _OUTSIDE, _BEGIN = 1, 2, 3
"""Values of `ENT_IOB`."""

_MSGPACK = msgspec.msgpack.Encoder()

_VOCABS: list[Vocab] = []
"""Of the tokenizers there are."""

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
    # A vocabulary of its own: in spaCy's some twenty functions look at every new word, half the time of tokenizing.
    nlp = spacy.blank(blank, vocab=Vocab(), config=config)
    _VOCABS.append(nlp.vocab)
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


@dataclass(frozen=True, slots=True)
class Tokens:
    """A text in tokens; every column has one value a token, and all texts and spaces together are the text."""

    words: list[str]
    orths: npt.NDArray[np.uint64]
    """Numbers of the words: spaCy's hashes."""
    spaces: npt.NDArray[np.bool_]
    """Whether a space follows that is no part of a token."""
    starts: list[int]
    ends: list[int]

    def __len__(self) -> int:
        return len(self.words)


def tokenize(text: str, lang: str) -> Tokens:
    """The tokens of a text. `InvariantError` should a tokenizer change the text: add, drop or move a character. Letters are not
    compared again, which takes a fifth of the time: spaCy's tokenizers, and no others are used, keep them.

    Every now and then tokenizers are made anew, or memory would grow with the vocabulary of the corpus. (spaCy's own means for
    that, `memory_zone`, switches the tokenizer's cache off: six times as long.)"""
    if sum(map(len, _VOCABS)) > FORGET_AFTER:
        _VOCABS.clear()
        tokenizer_for.cache_clear()
        gc.collect()  # a pipeline holds itself
    # The tokenizer is called directly: the pipeline's length limit is for parsers, which a blank pipeline has none of.
    doc: Doc = tokenizer_for(lang)[0].tokenizer(text)
    # Words are cut out of the text: no token objects, no look at spaCy's strings, which take longer than the tokenizer.
    columns = np.asarray(doc.to_array(["ORTH", "SPACY", "LENGTH"]), dtype=np.uint64)
    lengths, spaces = columns[:, 2].astype(np.int64), columns[:, 1].astype(np.bool_)
    after = np.cumsum(lengths + spaces)
    total, ends = int(after[-1]) if after.size else 0, after - spaces
    starts, stops = (ends - lengths).tolist(), ends.tolist()
    points = np.frombuffer(text.encode("utf-32-le"), dtype="<u4")
    if points.size != total or not (points[ends[spaces]] == ord(" ")).all():
        raise InvariantError(f"spaCy's tokenizer for {lang!r} changed a text of {len(text)} code points", hint="report this")
    words = [text[start:end] for start, end in zip(starts, stops, strict=True)]
    return Tokens(words, columns[:, 0], spaces, starts, stops)


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
class TokenSpan:
    """A span made of whole tokens, from `first` up to and without `last`."""

    span: Span
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class BuiltDoc:
    """A gold record as a document of tokens, and what alignment to them cost.

    spaCy reads `spans` as `doc.spans["sc"]`, `ents` as `doc.ents`, the record's `cats` as `doc.cats`, its id and `meta` as
    `doc.user_data`."""

    record: GoldRecord
    tokens: Tokens
    spans: tuple[TokenSpan, ...]
    """Every span that aligned, by start, end and label."""
    ents: tuple[TokenSpan, ...]
    """Those of them that do not overlap, in text order."""
    adjusted: tuple[tuple[Span, Span], ...]
    """Spans whose ends moved: as annotated, as stored."""
    misaligned: tuple[Misaligned, ...]

    @property
    def n_nested(self) -> int:
        """Spans that overlap one in `ents` and so are not there."""
        return len(self.spans) - len(self.ents)


def build_doc(record: GoldRecord, align: Align = "contract") -> BuiltDoc:
    """The record's document.

    `align` says what happens to a span that cuts a token: `contract` keeps the whole tokens inside it, `expand` takes every
    token it touches, `strict` gives it up. In all three a span loses white space at its ends, which spaCy's training refuses.
    Of overlapping spans the longest is in `ents`, then the earliest, then the first by label. Tokens outside entities are
    marked outside, not unknown: a record without spans is a true negative."""
    tokens = tokenize(record.text, record.meta.lang)
    aligned: dict[Span, TokenSpan] = {}
    adjusted, misaligned = [], []
    for span in record.spans:
        found = _align(tokens, record.text, span, align)
        if found is None:
            misaligned.append(Misaligned(span, _tokens_around(tokens, span)))
        elif found.span in aligned:
            misaligned.append(Misaligned(span, _tokens_around(tokens, span), merged=True))
        else:
            aligned[found.span] = found
            if found.span != span:
                adjusted.append((span, found.span))
    spans = tuple(aligned[stored] for stored in (sorted(aligned) if adjusted else aligned))
    return BuiltDoc(record, tokens, spans, without_overlaps(spans), tuple(adjusted), tuple(misaligned))


def _align(tokens: Tokens, text: str, span: Span, align: Align) -> TokenSpan | None:
    """What `doc.char_span` gives, without white space at the ends."""
    starts, ends, words = tokens.starts, tokens.ends, tokens.words
    start = span.start + len(span.text) - len(span.text.lstrip())
    end = span.end - len(span.text) + len(span.text.rstrip())
    first, last = bisect_right(starts, start) - 1, bisect_left(ends, end)
    whole = starts[first] == start and ends[last] == end
    if align == "strict" and not (whole and (start, end) == (span.start, span.end)):
        return None
    if align == "contract" and not whole:
        first += starts[first] < start
        last -= ends[last] > end
    while first <= last and words[first].isspace():
        first += 1
    while first <= last and words[last].isspace():
        last -= 1
    if first > last:
        return None
    if (starts[first], ends[last]) != (span.start, span.end):
        span = Span(starts[first], ends[last], span.label, text[starts[first] : ends[last]])
    return TokenSpan(span, first, last + 1)


def _tokens_around(tokens: Tokens, span: Span) -> tuple[str, ...]:
    first, last = bisect_right(tokens.ends, span.start), bisect_left(tokens.starts, span.end)
    return tuple(tokens.words[max(0, first - 1) : last + 1])


def without_overlaps(spans: Iterable[TokenSpan]) -> tuple[TokenSpan, ...]:
    """The spans that can all be entities at once: the longest first, then the earliest, then by label; in text order."""
    taken: set[int] = set()
    kept = []
    for item in sorted(spans, key=lambda item: (item.first - item.last, item.first, item.span.label)):
        covered = range(item.first, item.last)
        if taken.isdisjoint(covered):
            taken.update(covered)
            kept.append(item)
    return tuple(sorted(kept, key=lambda item: item.first))


def write_docbin(built: Iterable[BuiltDoc], out: IO[bytes]) -> str:
    """Write the documents as a `.spacy` file, the bytes that spaCy's `DocBin.to_bytes` gives: equal documents, spaCy and zlib
    give equal bytes. The SHA-256 of what it says, as `payload_sha256` has it.

    The columns wait in temporary files: in memory are the distinct words. `AnnotateError` when there are more tokens than a
    DocBin can hold."""
    with _Columns() as columns:
        for item in built:
            columns.add(item)
        digest, packer = hashlib.sha256(), zlib.compressobj()
        for piece in columns.content():
            digest.update(piece)
            out.write(packer.compress(piece))
        out.write(packer.flush())
    return digest.hexdigest()


class _Columns:
    """What a DocBin holds, as its columns in msgpack."""

    def __init__(self) -> None:
        self._files = [TemporaryFile() for _ in range(5)]  # noqa: SIM115  closed by __exit__
        self._tokens, self._spaces, self._cats, self._groups, self._user_data = self._files
        self._lengths = array("i")
        self._total = 0
        self._strings: set[str] = set()

    def __enter__(self) -> _Columns:
        return self

    def __exit__(self, *problem: object) -> None:
        for file in self._files:
            file.close()

    def add(self, item: BuiltDoc) -> None:
        """What `DocBin.add` does: that method has srsly look for extensions in every installed package, twice a document, and
        stores the strings of columns that are not there."""
        self._total += len(item.tokens)
        if self._total > MAX_TOKENS:
            raise AnnotateError(
                f"a .spacy file holds at most {MAX_TOKENS:,} tokens, there are more",
                hint="export fewer languages or regions at once",
            )
        self._lengths.append(len(item.tokens))
        self._tokens.write(_attributes(item).tobytes())
        self._spaces.write(item.tokens.spaces.tobytes())
        self._cats.write(_MSGPACK.encode(item.record.cats))
        self._groups.write(_MSGPACK.encode(_span_groups(item)))
        self._user_data.write(_MSGPACK.encode(_MSGPACK.encode(_user_data(item.record))))
        self._strings.update(item.tokens.words)
        self._strings.update(placed.span.label for placed in item.spans)

    def content(self) -> Iterator[bytes]:
        """The message, piece by piece: keys in the order of `DocBin.to_bytes`."""
        store, count = DocBin(attrs=ATTRS), len(self._lengths)
        yield b"\x8a" + _pack("version", store.version, "attrs", store.attrs)
        yield _pack("tokens") + _head(_BIN, self._total * 8 * len(ATTRS))
        yield from _pieces(self._tokens)
        yield _pack("spaces") + _head(_BIN, self._total)
        yield from _pieces(self._spaces)
        yield _pack("lengths", np.array(self._lengths, dtype="int32").tobytes(), "strings")
        yield _head(_ARRAY, len(self._strings)) + b"".join(map(_MSGPACK.encode, sorted(self._strings)))
        yield _pack("cats") + _head(_ARRAY, count)
        yield from _pieces(self._cats)
        yield _pack("flags") + _head(_ARRAY, count) + _MSGPACK.encode({"has_unknown_spaces": False}) * count
        yield _pack("span_groups") + _head(_ARRAY, count)
        yield from _pieces(self._groups)
        yield _pack("user_data") + _head(_ARRAY, count)
        yield from _pieces(self._user_data)


_BIN, _ARRAY = (0xC4, 0xC5, 0xC6), (None, 0xDC, 0xDD)
"""Types of a msgpack value by the bytes its length takes: one, two, four."""


def _head(kinds: tuple[int | None, int, int], length: int) -> bytes:
    """How a msgpack value of such a length begins."""
    one, two, four = kinds
    if one is None and length < 16:
        return struct.pack(">B", 0x90 | length)
    if one is not None and length < 2**8:
        return struct.pack(">BB", one, length)
    return struct.pack(">BH", two, length) if length < 2**16 else struct.pack(">BI", four, length)


def _pack(*values: object) -> bytes:
    return b"".join(map(_MSGPACK.encode, values))


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while piece := file.read(1 << 20):
        yield piece


def _attributes(item: BuiltDoc) -> npt.NDArray[np.uint64]:
    """(tokens, attributes), as `doc.to_array(ATTRS)`."""
    table = np.zeros((len(item.tokens), len(ATTRS)), dtype=np.uint64)
    table[:, 0] = item.tokens.orths
    table[:, 1] = _OUTSIDE
    for ent in item.ents:
        table[ent.first : ent.last, 1] = _INSIDE
        table[ent.first, 1] = _BEGIN
        table[ent.first : ent.last, 2] = _label(ent.span.label)
    return table


@cache
def _label(label: str) -> int:
    return int(get_string_id(label))


def _span_groups(item: BuiltDoc) -> bytes:
    """What `doc.spans.to_bytes()` gives."""
    spans = [struct.pack(">QQQllll", 0, 0, _label(s.span.label), s.first, s.last, s.span.start, s.span.end) for s in item.spans]
    group = _MSGPACK.encode({"name": SPANS_KEY, "attrs": {}, "spans": spans})
    return _MSGPACK.encode({group: [SPANS_KEY]})


_PROVENANCE = tuple(field.name for field in fields(GoldMeta))
_provenance_of = attrgetter(*_PROVENANCE)


def _user_data(record: GoldRecord) -> dict[str, Any]:
    return {"id": record.id, **dict(zip(_PROVENANCE, _provenance_of(record.meta), strict=True))}


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
