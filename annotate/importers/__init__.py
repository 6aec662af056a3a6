"""Other tools' files → gold records or annotations, one module per format: a function that follows `Importer`, in `IMPORTERS`.

An importer reads what a format says into an `Item` and decides nothing. Here, once for all formats, texts are normalised as
readers do it, offsets follow, labels are looked up in the schema (its aliases too), and an identity is found: the one the item
carries when annotate exported it, else one made of the file's name and the item's id or line, the same every time.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec

from annotate.errors import InvariantError, ReadError, UsageError
from annotate.model import (
    REGIONS,
    UND,
    Annotation,
    GoldMeta,
    GoldRecord,
    Reject,
    Segment,
    Source,
    Span,
    TaskRef,
    segment_ids,
)
from annotate.offsets import normalise
from annotate.registry import Registry
from annotate.schema import LabelSchema
from annotate.store import STDIO, reject

Kind = Literal["gold", "annotations"]

IMPORTERS = Registry(
    "import format",
    {
        "doccano": "annotate.importers.doccano:read",
        "iob2": "annotate.importers.iob2:read",
        "label-studio": "annotate.importers.label_studio:read",
        "prodigy": "annotate.importers.prodigy:read",
        "spacy": "annotate.importers.spacy_files:read",
    },
)

SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "doccano": (".jsonl",),
    "iob2": (".conll", ".iob2", ".iob"),
    "label-studio": (".json", ".jsonl"),
    "prodigy": (".jsonl",),
    "spacy": (".spacy",),
}
"""Which files of a folder a format takes."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What files do not say: the labels there are, and what to assume."""

    schema: LabelSchema
    lang: str = UND
    region: str = "body"
    annotator: str = ""
    """Who is named where a file names nobody; empty: the format."""


@dataclass(frozen=True, slots=True)
class Item:
    """One example of a file, as it is written there."""

    line: int
    """1-based; in files without lines the number of the example."""
    text: str
    spans: tuple[tuple[int, int, str], ...] = ()
    """`start, end, label`, code points."""
    quotes: Mapping[tuple[int, int], str] = field(default_factory=dict)
    """The text the file says a span covers, where it does."""
    cats: Mapping[str, float] = field(default_factory=dict)
    """The topics that were asked, and whether they hold: 1.0 or 0.0."""
    id: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)
    """Of `GoldMeta`'s keys those that the file has."""
    status: Literal["submitted", "skipped"] = "submitted"
    annotator: str = ""
    created_at: str = ""
    updated_at: str = ""
    lead_time: float = -1.0
    ground_truth: bool = False
    task: TaskRef = field(default_factory=lambda: TaskRef(-1, -1))


@dataclass(frozen=True, slots=True)
class Bad:
    """What of a file cannot be used."""

    line: int
    code: str
    reason: str
    hint: str = ""
    record: bytes | str = b""
    id: str = ""


class Importer(Protocol):
    """What stands in a file, in its order. An annotation is one of our own that came back whole."""

    def __call__(self, path: Path, settings: Settings) -> Iterator[Item | Annotation | Bad]: ...


@dataclass(slots=True)
class Imported:
    """What an import brought, filled while it runs."""

    records: int = 0
    spans_in: int = 0
    spans_out: int = 0
    rejected_spans: Counter[str] = field(default_factory=Counter)
    """By code, those of rejected examples included; `spans_in` is the sum of it and `spans_out`."""
    splits: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Document → its split and cluster, where a file says so."""


def import_files(
    inputs: Sequence[str | Path],
    format: str,
    settings: Settings,
    rejects: Callable[[Reject], None],
    *,
    kind: str | None = None,
    report: Imported | None = None,
) -> Iterator[GoldRecord | Annotation]:
    """The records of files, or of all files of the format in folders, in order. Default `kind`: annotations from Label Studio,
    whose answers have an author and a date; gold records from the others.

    `UnknownName` for a format there is none of, `UsageError` for what a format does not hold, `ReadError` for a path that
    cannot be read; what is not valid goes to `rejects` with its line."""
    read: Importer = IMPORTERS.get(format)
    if settings.region not in REGIONS:
        raise UsageError(f"region {settings.region!r} is none of {', '.join(REGIONS)}")
    files = list(_files(inputs, SUFFIXES[format]))
    return _Import(format, kind_of(format, kind), settings, rejects, report or Imported()).run(read, files)


def kind_of(format: str, kind: str | None = None) -> Kind:
    """What a format becomes, if it can become what is asked for; else `UsageError`."""
    match kind:
        case None:
            return "annotations" if format == "label-studio" else "gold"
        case "gold" if format == "label-studio":
            raise UsageError("Label Studio's answers are several per text", hint="import annotations, then annotate adjudicate")
        case "gold" | "annotations":
            return kind
    raise UsageError(f"{kind!r} is neither gold nor annotations", hint="gold is one settled answer per text")


def _files(inputs: Sequence[str | Path], suffixes: tuple[str, ...]) -> Iterator[Path]:
    for given in inputs:
        path = Path(given)
        if str(given) != STDIO and path.is_dir():
            found = sorted(file for file in path.rglob("*") if file.suffix in suffixes and file.stem != "adjusted")
            if not found:
                raise ReadError(f"{path} has no file that ends in {' or '.join(suffixes)}", hint="check path and --format")
            yield from found
        else:
            yield path


class _Unusable(Exception):
    """An example that is left out: code, reason, hint."""

    def __init__(self, code: str, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.code, self.reason, self.hint = code, reason, hint


class _Import:
    def __init__(
        self, format: str, kind: Kind, settings: Settings, rejects: Callable[[Reject], None], report: Imported
    ) -> None:
        self._format, self._kind, self._settings, self._rejects, self._report = format, kind, settings, rejects, report
        schema = settings.schema
        self._entities = _names(schema.entities)
        self._topics = _names(label for group in schema.topics for label in group.labels)
        self._ends: Counter[tuple[str, str]] = Counter()
        """Document and annotator → where the last segment ended."""
        self._repeats: Counter[tuple[str, str, str]] = Counter()
        """Document, annotator and text → how many there were."""
        self._seen: dict[tuple[str, str], str] = {}
        """Segment and annotator → where it stood."""

    def run(self, read: Importer, files: Iterable[Path]) -> Iterator[GoldRecord | Annotation]:
        for path in files:
            for found in read(path, self._settings):
                source = "<stdin>" if str(path) == STDIO else str(path)
                record = self._usable(found, source)
                if record is not None:
                    self._report.records += 1
                    self._report.spans_out += len(record.spans)
                    yield record

    def _usable(self, found: Item | Annotation | Bad, source: str) -> GoldRecord | Annotation | None:
        if isinstance(found, Bad):
            self._refuse(source, found.line, found.id, found.code, found.reason, found.hint, found.record)
            return None
        if isinstance(found, Annotation):
            self._report.spans_in += len(found.spans)
            return found
        self._report.spans_in += len(found.spans)
        try:
            return self._record(found, source)
        except _Unusable as problem:
            self._report.rejected_spans[problem.code] += len(found.spans)
            self._refuse(source, found.line, found.id, problem.code, problem.reason, problem.hint, found.text)
        except InvariantError as problem:
            self._report.rejected_spans["invalid"] += len(found.spans)
            self._refuse(source, found.line, found.id, "invalid", problem.message, problem.hint, found.text)
        return None

    def _refuse(self, source: str, line: int, id: str, code: str, reason: str, hint: str, record: bytes | str) -> None:
        self._rejects(reject("import", source, code, reason, line=line, id=id, hint=hint, record=record))

    def _record(self, item: Item, source: str) -> GoldRecord | Annotation:
        if not item.text.strip():
            raise _Unusable("empty", "the text is empty")
        if "\0" in item.text:
            raise _Unusable("nul", "the text holds a NUL character", "remove it")
        if item.status == "skipped" and self._kind == "gold":
            raise _Unusable("skipped", "nobody answered it", "import it with --as annotations to keep that it was skipped")
        item, lost = self._spans_in_place(item)
        known = [(start, end, self._entities[label]) for start, end, label in item.spans if label in self._entities]
        spans = tuple(sorted({Span(start, end, label, item.text[start:end]) for start, end, label in known}))
        lost += [("duplicate_span", f"span {s} stands twice") for s, n in Counter(known).items() for _ in range(n - 1)]
        lost += [
            ("unknown_label", f"span {label} {item.text[start:end]!r} [{start}, {end}): the label is not in the schema")
            for start, end, label in item.spans
            if label not in self._entities
        ]
        lost_topics = [topic for topic in item.cats if topic not in self._topics]
        given = {self._topics[topic]: value for topic, value in item.cats.items() if topic in self._topics}
        cats = {topic: float(given[topic]) for topic in self._settings.schema.topic_ids if topic in given}
        if not set(cats.values()) <= {0.0, 1.0}:
            raise _Unusable("invalid", f"topics must be 1 or 0, not {cats}", "decide at which score a topic holds")
        meta = self._meta(item, source)
        record = self._gold(item, spans, cats, meta) if self._kind == "gold" else self._annotation(item, spans, cats, meta)
        self._only_once(record, meta, f"{source}:{item.line}")
        for code, reason in lost:
            self._report.rejected_spans[code] += 1
            self._refuse(source, item.line, meta.segment_id, code, reason, _HINTS[code], item.text)
        for topic in lost_topics:
            reason = f"topic {topic}: the label is not in the schema"
            self._refuse(source, item.line, meta.segment_id, "unknown_label", reason, _HINTS["unknown_label"], item.text)
        if meta.split:
            self._report.splits.setdefault(meta.doc_id, (meta.split, meta.cluster))
        return record

    def _spans_in_place(self, item: Item) -> tuple[Item, list[tuple[str, str]]]:
        """The item with its text normalised and its offsets moved along; `_Unusable` when a span does not fit the text, because
        then none can be trusted."""
        raw, lost = item.text, list[tuple[str, str]]()
        for start, end, label in item.spans:
            where = f"span {label} [{start}, {end})"
            if not 0 <= start < end <= len(raw):
                hint = "offsets are code points, half-open; bytes and UTF-16 units differ"
                raise _Unusable("invalid_span", f"{where} does not lie in a text of {len(raw)} code points", hint)
            quote = item.quotes.get((start, end), raw[start:end])
            if quote != raw[start:end]:
                raise _Unusable(
                    "other_text", f"{where} is {raw[start:end]!r}, the file says {quote!r}", _why(quote, raw[start:end])
                )
        text, _ = normalise(raw)
        moved = item.spans
        if text != raw:
            moved = tuple((len(normalise(raw[:s])[0]), len(normalise(raw[:e])[0]), label) for s, e, label in item.spans)
        kept = tuple(span for span in moved if text[span[0] : span[1]].strip())
        lost += [
            ("blank_span", f"span {label} [{s}, {e}) covers white space only") for s, e, label in moved if not text[s:e].strip()
        ]
        return replace(item, text=text, spans=kept), lost

    def _meta(self, item: Item, source: str) -> GoldMeta:
        """The item's own identity and provenance, else what can be known of it."""
        schema, given = self._settings.schema, item.meta
        if "decided_by" in given:
            try:
                return msgspec.convert(dict(given), GoldMeta)
            except msgspec.ValidationError as problem:
                raise _Unusable(
                    "invalid", f"meta is not as exported: {problem}", "import the file as it was exported"
                ) from None
        doc_id = str(given.get("doc_id") or f"{Path(source).name}#{item.id or item.line}")
        start = given["start"] if isinstance(given.get("start"), int) else self._ends[doc_id, item.annotator]
        segment_id = str(given.get("segment_id") or self._segment_id(doc_id, item))
        self._ends[doc_id, item.annotator] = start + len(item.text)
        return GoldMeta(
            doc_id=doc_id,
            segment_id=segment_id,
            lang=str(given.get("lang") or self._settings.lang),
            region=str(given.get("region") or self._settings.region),
            start=start,
            end=start + len(item.text),
            split=str(given.get("split") or ""),
            cluster=str(given.get("cluster") or (doc_id if given.get("split") else "")),
            schema=str(schema.ref),
            schema_sha256=schema.sha256,
            decided_by="single",
            n_annotators=1,
            annotators=(item.annotator or self._settings.annotator or self._format,),
            agreement=-1.0,
        )

    def _segment_id(self, doc_id: str, item: Item) -> str:
        core = item.text.strip()
        self._repeats[doc_id, item.annotator, core] += 1
        return segment_ids(doc_id, [core] * self._repeats[doc_id, item.annotator, core])[-1]

    def _gold(self, item: Item, spans: tuple[Span, ...], cats: Mapping[str, float], meta: GoldMeta) -> GoldRecord:
        return GoldRecord(
            id=item.id if "decided_by" in item.meta else meta.segment_id,
            text=item.text,
            spans=spans,
            cats=cats,
            accept=tuple(topic for topic, value in cats.items() if value),
            answer="accept",
            meta=replace(meta, split="", cluster=""),
        )

    def _annotation(self, item: Item, spans: tuple[Span, ...], cats: Mapping[str, float], meta: GoldMeta) -> Annotation:
        schema, skipped = self._settings.schema, item.status == "skipped"
        topics = {
            group.id: () if skipped else tuple(label.id for label in group.labels if cats.get(label.id))
            for group in schema.topics
        }
        source = Source(meta.start, meta.end)
        segment = Segment(
            meta.segment_id, meta.doc_id, meta.start, meta.end, item.text, meta.lang, -1.0, "", meta.region, -1.0, source
        )
        return Annotation(
            segment=segment,
            annotator=item.annotator or self._settings.annotator or self._format,
            status=item.status,
            spans=() if skipped else spans,
            topics=topics,
            unanswered=tuple(group for group, labels in topics.items() if not labels),
            created_at=item.created_at,
            updated_at=item.updated_at,
            lead_time=item.lead_time,
            from_prediction="",
            ground_truth=item.ground_truth,
            schema=schema.ref,
            task=item.task,
        )

    def _only_once(self, record: GoldRecord | Annotation, meta: GoldMeta, place: str) -> None:
        who = record.annotator if isinstance(record, Annotation) else ""
        first = self._seen.setdefault((meta.segment_id, who), place)
        if first != place:
            hint = "several answers to one text are annotations: --as annotations" if not who else "keep one of the two"
            raise _Unusable("duplicate", f"segment {meta.segment_id} stands before, at {first}", hint)


_HINTS = {
    "unknown_label": "add the label to the schema, or as an alias of one of its labels",
    "duplicate_span": "nothing is lost: the first is kept",
    "blank_span": "nothing is lost: white space is no entity",
}


def _names(labels: Iterable[Any]) -> dict[str, str]:
    """Id and aliases → id."""
    found: dict[str, str] = {}
    for label in labels:
        found |= dict.fromkeys((label.id, *label.aliases), label.id)
    return found


def _why(quote: str, there: str) -> str:
    if unicodedata.normalize("NFC", quote) == unicodedata.normalize("NFC", there):
        return "the same in another normal form: bring text and spans into one (NFC or NFD)"
    if unicodedata.normalize("NFC", quote).strip() == unicodedata.normalize("NFC", there).strip():
        return "white space at the edges differs"
    return "the offsets count another text: code points, not bytes or UTF-16 units; another normal form; \\r\\n as one"
