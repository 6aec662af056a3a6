"""What a careful reader would object to in segments, annotations, gold records and export folders.

Every objection is a `Finding` with a code of `CODES`, which says how grave it is. Files are read twice, record by record: first
for what only the whole file tells (labelled strings, documents, ids), then for what each record shows. So memory grows with the
labelled strings and the number of segments, not with the texts. Findings come in the order of the lines.

    findings   what a finding is
    edges      where a span may end: graphemes, words, punctuation
    folder     an export folder against its manifest
"""

from __future__ import annotations

import sys
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, NamedTuple

import msgspec

from annotate.agreement import task_url
from annotate.codec import dumps, loads
from annotate.errors import ReadError, UsageError
from annotate.lint.edges import (
    cuts_word,
    grapheme_at,
    is_grapheme_boundary,
    loose_punctuation,
    trimmed,
    whole_graphemes,
    whole_words,
    without_punctuation,
    word_at,
)
from annotate.lint.findings import CODES, Finding, Kind, Level, Lint
from annotate.lint.folder import check_export
from annotate.model import Annotation, GoldRecord, Segment, Span, TaskRef
from annotate.schema import LabelSchema
from annotate.store import STDIO, opened, read_records, replacing

__all__ = ["CODES", "Finding", "Fix", "Kind", "Level", "Lint", "check", "check_export", "fix"]

Record = Segment | Annotation | GoldRecord


def check(path: str | Path, schema: LabelSchema | None = None, *, url: str = "", annotations: Path | None = None) -> Lint:
    """Look at a file of segments, annotations or gold records (`-` is standard input), or at an export folder.

    Without a schema nothing is said about labels, overlaps and languages. With the address of a Label Studio, findings in
    annotations carry the URL of their task; findings in gold records, which name no task, that of the first task of their
    segment among `annotations`. `ReadError` when a file cannot be read, `UsageError` when the first record is of no kind that
    is known."""
    if str(path) != STDIO and Path(path).is_dir():
        return check_export(Path(path))
    with _opened(path) as lines:
        kind = _kind(lines, path)
        overview = _Overview()
        findings: list[Finding] = []
        of_segment = _tasks(annotations) if url and annotations and kind == "gold" else {}
        tasks: dict[int, TaskRef] = {}
        for entry in _entries(lines, kind):
            match entry:
                case _Entry(record=Annotation(task=task)):
                    tasks[entry.line] = task
                case _Entry(record=GoldRecord(meta=meta)) if meta.segment_id in of_segment:
                    tasks[entry.line] = of_segment[meta.segment_id]
            if isinstance(entry, Finding):
                findings.append(entry)
            else:
                overview.add(entry)
        findings += overview.findings(schema, tiled=kind == "segments")
        for entry in _entries(lines, kind):
            if isinstance(entry, _Entry):
                findings += _record_findings(entry, overview, schema)
    order = list(CODES)
    findings.sort(key=lambda found: (found.line, order.index(found.code)))  # stable: within a code as found
    if url:
        findings = [replace(f, url=task_url(url, tasks[f.line])) if f.line in tasks else f for f in findings]
    return Lint(kind, overview.records, tuple(findings))


@dataclass(frozen=True, slots=True)
class _Named:
    """What is read of a segment."""

    id: str


@dataclass(frozen=True, slots=True)
class _Placed:
    """What an annotation tells of where its segment is."""

    segment: _Named
    task: TaskRef


def _tasks(annotations: Path) -> dict[str, TaskRef]:
    """Segment → its first task. Lines that are no annotations are findings of that file, not of this one."""
    found: dict[str, TaskRef] = {}
    for placed in read_records(annotations, _Placed, lambda _: None, step="check"):
        known = found.setdefault(placed.segment.id, placed.task)
        found[placed.segment.id] = min(known, placed.task, key=lambda task: (task.project, task.id))
    return found


# -- reading ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Entry:
    """A record, where it stands, and what all kinds have."""

    line: int
    record: Record
    id: str
    doc_id: str
    lang: str
    text: str
    spans: tuple[Span, ...]
    topics: tuple[str, ...]
    annotator: str = ""
    task: str = ""

    @classmethod
    def of(cls, line: int, record: Record) -> _Entry:
        match record:
            case Segment():
                return cls(line, record, record.id, record.doc_id, record.lang, record.text, (), ())
            case GoldRecord(meta=meta):
                topics = tuple(record.cats)
                return cls(line, record, record.id, meta.doc_id, meta.lang, record.text, record.spans, topics)
            case Annotation(segment=segment, task=task):
                topics = tuple(label for labels in record.topics.values() for label in labels)
                common = (segment.id, segment.doc_id, segment.lang, segment.text, record.spans, topics)
                return cls(line, record, *common, record.annotator, f"project {task.project}, task {task.id}")

    @property
    def by(self) -> str:
        """Whose span it is, for messages."""
        return f" (by {self.annotator}, {self.task})" if self.annotator else ""

    def finding(self, code: str, message: str, hint: str) -> Finding:
        return Finding(code, self.id, message + self.by, hint, self.line)


@contextmanager
def _opened(path: str | Path) -> Iterator[IO[bytes]]:
    """The file, which can be read twice; standard input is copied for that."""
    if str(path) == STDIO:
        with TemporaryFile() as copy:
            copy.writelines(sys.stdin.buffer)
            yield copy
        return
    with opened(path) as handle:
        yield handle


_KINDS: Mapping[Kind, tuple[type[Record], frozenset[str]]] = {
    "annotations": (Annotation, frozenset({"segment", "annotator"})),
    "gold": (GoldRecord, frozenset({"text", "spans", "answer"})),
    "segments": (Segment, frozenset({"id", "doc_id", "text", "region"})),
}


def _kind(lines: IO[bytes], path: str | Path) -> Kind:
    lines.seek(0)
    if not any(map(bytes.strip, lines)):
        raise UsageError(f"{path} holds no record", hint="pull, adjudicate or export first")
    lines.seek(0)
    for line in lines:
        try:
            first = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        for kind, (_, keys) in _KINDS.items():
            if isinstance(first, dict) and keys <= first.keys():
                return kind
        break
    hint = "check reads segments.jsonl, annotations.jsonl, gold.jsonl and export folders"
    raise UsageError(f"{path}: its first record is no segment, annotation or gold record", hint=hint)


def _entries(lines: IO[bytes], kind: Kind) -> Iterator[_Entry | Finding]:
    """The records from the start on, and a finding for each line that is none."""
    lines.seek(0)
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield _Entry.of(number, _load(line, kind))
            except ReadError as problem:
                yield Finding("unreadable", "", problem.message, problem.hint or "correct or delete the line", number)


def _load(line: bytes, kind: Kind) -> Record:
    return loads(line, _KINDS[kind][0])


# -- the file as a whole ---------------------------------------------------------------------------------------------------


class _Place(NamedTuple):
    line: int
    id: str
    by: str


class _Overview:
    """What the first reading keeps. Strings are looked at by document and annotator: what two annotators say differently is
    disagreement, not carelessness."""

    def __init__(self) -> None:
        self.records = 0
        self.labelled: dict[tuple[str, str], dict[str, tuple[str, _Place]]] = defaultdict(dict)
        """(document, annotator) → labelled string → its label and first place."""
        self._ids: dict[tuple[str, str], int] = {}
        self._duplicates: list[tuple[_Entry, int]] = []
        self._tiles: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
        self._languages: dict[str, list[_Place]] = defaultdict(list)
        self._labels: dict[tuple[str, str, str], dict[str, list[_Place]]] = defaultdict(dict)
        self._forms: dict[tuple[str, str], dict[str, _Place]] = defaultdict(dict)

    def add(self, entry: _Entry) -> None:
        self.records += 1
        place = _Place(entry.line, entry.id, entry.by)
        first = self._ids.setdefault((entry.id, entry.annotator), entry.line)
        if first != entry.line:
            self._duplicates.append((replace(entry, text="", spans=()), first))
        elif isinstance(entry.record, Segment):
            self._tiles[entry.doc_id].append((entry.record.start, entry.record.end, entry.line))
        self._languages[entry.lang].append(place)
        for span in entry.spans:
            string = span.text.strip()
            self.labelled[entry.doc_id, entry.annotator].setdefault(string, (span.label, place))
            composed = unicodedata.normalize("NFC", string)
            self._labels[composed, entry.lang, entry.annotator].setdefault(span.label, []).append(place)
            self._forms[composed, entry.lang].setdefault(string, place)

    def findings(self, schema: LabelSchema | None, *, tiled: bool) -> Iterator[Finding]:
        for entry, first in self._duplicates:
            yield entry.finding("duplicate_id", f"{entry.id} stands before, in line {first}", "keep one of the two")
        if tiled:
            for doc_id, tiles in self._tiles.items():
                yield from _tiling(doc_id, sorted(tiles))
        if schema is not None and schema.languages:
            yield from self._unlisted(schema)
        yield from self._two_labels()
        for (_, lang), forms in self._forms.items():
            (string, first_place), *others = forms.items()
            for other, place in others:
                yield Finding(
                    "mixed_normal_forms",
                    place.id,
                    f"{other!r} ({lang}) looks like {string!r} in line {first_place.line} and has other code points"
                    f" ({_code_points(other, string)}){place.by}",
                    "bring the documents into one normal form before they are segmented",
                    place.line,
                )

    def _unlisted(self, schema: LabelSchema) -> Iterator[Finding]:
        listed = {*schema.languages, *(tag.split("-")[0] for tag in schema.languages)}
        for lang, places in self._languages.items():
            if lang not in listed and lang.split("-")[0] not in listed:
                yield Finding(
                    "unlisted_language",
                    places[0].id,
                    f"{lang} is no language of schema {schema.name}: {len(places)} records, this is the first",
                    f"add it to languages ({', '.join(schema.languages)}), or leave the records out with --language",
                    places[0].line,
                )

    def _two_labels(self) -> Iterator[Finding]:
        for (string, lang, _), labels in self._labels.items():
            if len(labels) < 2:
                continue
            usual, *others = sorted(labels, key=lambda label: (-len(labels[label]), label))
            for label in others:
                places, model = labels[label], labels[usual]
                yield Finding(
                    "two_labels",
                    places[0].id,
                    f"{string!r} ({lang}) is {label} {_times(places)}, and {usual} {_times(model)}, first in line "
                    f"{model[0].line}{places[0].by}",
                    "one of the two may be a slip; if both are meant, the guidelines should say when",
                    places[0].line,
                )


def _times(places: Sequence[_Place]) -> str:
    return "once" if len(places) == 1 else f"{len(places)} times"


def _code_points(left: str, right: str) -> str:
    """Where two strings differ first."""
    at = next((i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
    return " and ".join("+".join(f"U+{ord(char):04X}" for char in string[at : at + 2]) or "nothing" for string in (left, right))


def _tiling(doc_id: str, tiles: Sequence[tuple[int, int, int]]) -> Iterator[Finding]:
    hint = "segment the document again; segments edited by hand must stay a cover of its text"
    if tiles[0][0]:
        yield Finding("broken_tiling", doc_id, f"{doc_id} begins at {tiles[0][0]}, not at 0", hint, tiles[0][2])
    for (_, end, before), (start, _, line) in pairwise(tiles):
        if start != end:
            what = f"a gap of {start - end}" if start > end else f"an overlap of {end - start}"
            message = f"{doc_id}: {what} code points after the segment in line {before}, at {min(start, end)}"
            yield Finding("broken_tiling", doc_id, message, hint, line)


# -- one record ------------------------------------------------------------------------------------------------------------


def _record_findings(entry: _Entry, overview: _Overview, schema: LabelSchema | None) -> Iterator[Finding]:
    yield from _normal_forms(entry)
    if isinstance(entry.record, Segment):
        return
    for span in entry.spans:
        yield from _span_findings(entry, span)
    yield from _repeats(entry, overview)
    if schema is not None:
        yield from _against(entry, schema)


def _normal_forms(entry: _Entry) -> Iterator[Finding]:
    text = entry.text
    if unicodedata.is_normalized("NFC", text) or unicodedata.is_normalized("NFD", text):
        return
    composed = next((char for char in text if _is_composed(char)), "")
    pairs = (text[at : at + 2] for at in range(len(text) - 1))
    decomposed = next((pair for pair in pairs if len(unicodedata.normalize("NFC", pair)) == 1), "")
    if composed and decomposed:
        message = f"the text holds {composed!r} as one code point and {decomposed!r} as two"
        yield entry.finding("mixed_normal_forms", message, "bring the document into one normal form before it is segmented")


def _is_composed(char: str) -> bool:
    parts = unicodedata.normalize("NFD", char)
    return len(parts) > 1 and unicodedata.normalize("NFC", parts) == char


def _span_findings(entry: _Entry, span: Span) -> Iterator[Finding]:
    text, what = entry.text, _named(span)
    if span.text != span.text.strip():
        now = trimmed(span)
        yield entry.finding("edge_space", f"{what} has white space at its edge", f"[{now.start}, {now.end}); --fix trims it")
    for at in (span.start, span.end):
        if not is_grapheme_boundary(text, at):
            where = f"{what} cuts {grapheme_at(text, at)!r} at {at}, which readers see as one character"
            yield entry.finding("half_grapheme", where, "move the end to the next character that is whole")
        elif cuts_word(text, at):
            yield entry.finding("half_word", f"{what} cuts the word {word_at(text, at)!r}", "take the whole word, if it is one")
    if edges := loose_punctuation(span.text.strip()):
        marks = " and ".join(repr(mark) for mark in edges)
        yield entry.finding("edge_punctuation", f"{what}: {marks} at the edge", "leave it outside unless the name has it")


def _named(span: Span) -> str:
    return f"{span.label} {span.text!r} [{span.start}, {span.end})"


def _repeats(entry: _Entry, overview: _Overview) -> Iterator[Finding]:
    """Strings labelled in this document by this annotator that this record has without any label. Single
    characters are passed over: in scripts without spaces they are everywhere."""
    labelled = overview.labelled.get((entry.doc_id, entry.annotator), {})
    skipped = isinstance(entry.record, Annotation) and entry.record.status == "skipped"
    if not labelled or skipped:
        return
    here = [string for string in labelled if len(string) > 1 and string in entry.text and any(map(str.isalnum, string))]
    for string in sorted(here, key=lambda string: (entry.text.index(string), string)):
        bare = [at for at in _occurrences(entry.text, string) if not _covered(entry.spans, at, at + len(string))]
        if bare:
            label, place = labelled[string]
            where = f"[{bare[0]}, {bare[0] + len(string)})" + (f" and {len(bare) - 1} times more" if len(bare) > 1 else "")
            own = any(span.text.strip() == string for span in entry.spans)
            there = "in this segment" if own else f"in line {place.line}"
            message = f"{string!r} {where} has no label, and is {label} {there}"
            yield entry.finding("unlabelled_repeat", message, "label it too, unless it means something else here")


def _occurrences(text: str, string: str) -> Iterator[int]:
    """Where the string stands as whole words."""
    at = text.find(string)
    while at >= 0:
        end = at + len(string)
        whole = not (cuts_word(text, at) or cuts_word(text, end))
        if whole and is_grapheme_boundary(text, at) and is_grapheme_boundary(text, end):
            yield at
            at = text.find(string, end)
        else:
            at = text.find(string, at + 1)


def _covered(spans: Iterable[Span], start: int, end: int) -> bool:
    return any(span.start < end and start < span.end for span in spans)


def _against(entry: _Entry, schema: LabelSchema) -> Iterator[Finding]:
    entities, topics = frozenset(schema.entity_ids), frozenset(schema.topic_ids)
    hint = f"correct the label, or add it to schema {schema.ref}"
    for span in entry.spans:
        if span.label not in entities:
            yield entry.finding("unknown_label", f"{_named(span)}: the schema has no such entity label", hint)
    for topic in entry.topics:
        if topic not in topics:
            yield entry.finding("unknown_label", f"the schema has no topic {topic!r}", hint)
    if schema.overlap == "any":
        return
    for left, right in combinations(entry.spans, 2):
        if right.start >= left.end:
            continue
        inside = right.end <= left.end or left.start == right.start
        if schema.overlap == "none" or not inside:
            how = "overlaps" if inside else "crosses"
            message = f"{_named(left)} {how} {_named(right)}"
            yield entry.finding("forbidden_overlap", message, f"keep one; the schema says overlap: {schema.overlap}")


# -- fixing ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fix:
    """A span that `fix` moved: where it was and where it is now."""

    id: str
    line: int
    label: str
    codes: tuple[str, ...]
    """The findings this answers."""
    was: tuple[int, int]
    now: tuple[int, int]
    text: str


def fix(path: str | Path, out: Path) -> tuple[Fix, ...]:
    """Copy a file of annotations or gold records to `out` with the ends of spans put right where that is safe; what was done.

    White space and punctuation that is part of no name go; half graphemes become whole. Half words, and punctuation that a name
    may have, are put right only where the file has the outcome with that label and language elsewhere. Ids, texts and every
    other line stay byte for byte; so does a record where spans would become one or come to overlap, or which has keys that are
    not ours (they could hold offsets). A second time there is nothing left to do. Errors as with `check`."""
    fixes: list[Fix] = []
    with _opened(path) as lines:
        kind = _kind(lines, path)
        usual = {
            (span.label, entry.lang, span.text)
            for entry in _entries(lines, kind)
            if isinstance(entry, _Entry)
            for span in (_tidied(entry.text, span) for span in entry.spans)
            if _settled(entry.text, span) == span
        }
        lines.seek(0)
        with replacing(out) as copy:
            for number, line in enumerate(lines, 1):
                copy.write(_fixed(line, number, kind, usual, fixes.append))
    return tuple(fixes)


def _fixed(line: bytes, number: int, kind: Kind, usual: Set[tuple[str, str, str]], note: Callable[[Fix], None]) -> bytes:
    try:
        entry = _Entry.of(number, _load(line, kind))
    except ReadError:
        return line  # `check` reports it
    record = entry.record
    if isinstance(record, Segment):
        return line
    spans = [_right(entry, span, usual) for span in record.spans]
    moved = [(was, now) for was, now in zip(record.spans, spans, strict=True) if was != now]
    if not moved or _meet(record.spans, spans) or msgspec.json.decode(line) != msgspec.json.decode(dumps(record)):
        return line
    for was, now in moved:
        codes = tuple(dict.fromkeys(found.code for found in _span_findings(entry, was)))
        note(Fix(entry.id, number, now.label, codes, (was.start, was.end), (now.start, now.end), now.text))
    return dumps(replace(record, spans=tuple(sorted(spans)))) + b"\n"


def _right(entry: _Entry, span: Span, usual: Set[tuple[str, str, str]]) -> Span:
    tidied = _tidied(entry.text, span)
    settled = _settled(entry.text, tidied)
    return settled if (settled.label, entry.lang, settled.text) in usual else tidied


_ROUNDS = 8
"""How often the ends of a span may move on; more are needed only where the rules chase each other."""


def _tidied(text: str, span: Span) -> Span:
    """The span without white space and punctuation at its ends, of whole graphemes; where these rules chase each other (a mark
    combined with a space), without white space only."""
    first = now = trimmed(span)
    for _ in range(_ROUNDS):
        before, now = now, without_punctuation(trimmed(whole_graphemes(text, now)))
        if now == before:
            return now
    return first


def _settled(text: str, span: Span) -> Span:
    """The span as whole words without any loose punctuation."""
    return without_punctuation(whole_words(text, span), any_mark=True)


def _meet(before: Sequence[Span], after: Sequence[Span]) -> bool:
    """Whether two spans have become one, or overlap that did not."""
    pairs = combinations(zip(before, after, strict=True), 2)
    return any(
        left == right or (left.start < right.end and right.start < left.end and not (a.start < b.end and b.start < a.end))
        for (a, left), (b, right) in pairs
    )
