"""The data of annotate and its invariants.

Frozen records, nothing else: no file, no network, no configuration. A record that breaks a rule cannot be built; it raises
`InvariantError`. Offsets are Unicode code points, half-open `[start, end)`, relative to the text of the record that carries
them. Field order is the order of the keys in JSONL.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

from annotate.errors import InvariantError

REGIONS = (
    "title",
    "byline",
    "body",
    "caption",
    "cookie_notice",
    "navigation",
    "promo",
    "related",
    "comments",
    "ad",
    "footer",
)
"""The parts of a page, in the order reports list them."""

UND = "und"
"""BCP-47 tag of text whose language is undetermined."""


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise InvariantError(message)


@dataclass(frozen=True, slots=True)
class Block:
    """A run of a document's text that its reader kept together, with what the markup says about it."""

    start: int
    end: int
    path: str = ""
    """DOM path, such as `html/body/main[1]/p[3]`; empty for plain text."""
    link_density: float = -1.0
    """Share of the characters that stand in links; -1 for plain text."""
    cues: tuple[str, ...] = ()
    """What the markup votes for: landmark elements, ARIA roles, words of class and id, heading level."""


@dataclass(frozen=True, slots=True)
class Document:
    """One source text. `blocks`, when given, tile the text; `shifts` maps offsets back to the text before normalisation
    (pairs of position in `text`, and how far the source runs ahead from there on)."""

    doc_id: str
    text: str
    meta: Mapping[str, Any] = field(default_factory=dict)
    blocks: tuple[Block, ...] = ()
    shifts: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        _require(bool(self.doc_id), "a document needs an id")
        _require(bool(self.text.strip()), f"document {self.doc_id!r} is empty")
        if self.blocks:
            _require_tiling([(b.start, b.end) for b in self.blocks], len(self.text), f"blocks of {self.doc_id!r}")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a segment stood before normalisation: offsets, and for HTML the DOM path of its first block."""

    start: int
    end: int
    path: str = ""


@dataclass(frozen=True, slots=True)
class Segment:
    """A contiguous stretch of one document in one language and one page region; the unit of annotation."""

    id: str
    doc_id: str
    start: int
    end: int
    text: str
    lang: str
    lang_score: float
    script: str
    region: str
    region_score: float
    source: Source
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        where = f"segment {self.id or '(no id)'} of {self.doc_id!r}"
        _require(bool(self.id) and bool(self.doc_id), f"{where}: id and doc_id must not be empty")
        _require(0 <= self.start < self.end, f"{where}: 0 <= start < end does not hold ({self.start}, {self.end})")
        _require(
            len(self.text) == self.end - self.start,
            f"{where}: text has {len(self.text)} code points, its offsets say {self.end - self.start}",
        )
        _require(self.region in REGIONS, f"{where}: region {self.region!r} is none of {', '.join(REGIONS)}")
        _require(bool(self.lang), f"{where}: lang must be a BCP-47 tag, 'und' when undetermined")


@dataclass(frozen=True, slots=True)
class Tiling:
    """A document and the segments that cover it exactly: no gap, no overlap."""

    document: Document
    segments: tuple[Segment, ...]

    def __post_init__(self) -> None:
        name = self.document.doc_id
        _require_tiling([(s.start, s.end) for s in self.segments], len(self.document.text), f"segments of {name!r}")
        for segment in self.segments:
            _require(segment.doc_id == name, f"segment {segment.id} belongs to {segment.doc_id!r}, not to {name!r}")
            _require(
                self.document.text[segment.start : segment.end] == segment.text,
                f"segment {segment.id}: its text is not what {name!r} holds at {segment.start}",
            )


def _require_tiling(ranges: Sequence[tuple[int, int]], length: int, what: str) -> None:
    _require(bool(ranges), f"{what}: there are none")
    _require(ranges[0][0] == 0, f"{what}: the first starts at {ranges[0][0]}, not at 0")
    for (start, end), (following, _) in pairwise(ranges):
        _require(start < end, f"{what}: one is empty at {start}")
        _require(end == following, f"{what}: {'gap' if end < following else 'overlap'} at {end}")
    _require(ranges[-1][0] < ranges[-1][1] == length, f"{what}: they end at {ranges[-1][1]}, the text at {length}")


def segment_ids(doc_id: str, texts: Iterable[str]) -> list[str]:
    """The ids of a document's segments, from their texts in order: 128-bit blake2b of the document, the stripped text, and
    which of the document's segments with that text it is. Editing one paragraph leaves all other ids as they are."""
    seen: Counter[str] = Counter()
    ids = []
    for text in texts:
        core = text.strip()
        parts = (doc_id, core, str(seen[core]))
        seen[core] += 1
        framed = b"".join(len(p.encode()).to_bytes(8, "big") + p.encode() for p in parts)
        ids.append(hashlib.blake2b(framed, digest_size=16).hexdigest())
    return ids


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A labelled stretch of a segment; `text` is the slice it covers."""

    start: int
    end: int
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class SchemaRef:
    """Which label schema a record was made under."""

    name: str
    version: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True)
class TaskRef:
    """Where an annotation lives in Label Studio."""

    project: int
    id: int


@dataclass(frozen=True, slots=True)
class Annotation:
    """What one annotator said about one segment. `submitted` without spans and topics is a true negative; never-annotated
    segments have no record at all. Every topic group of the schema is a key of `topics`; an unanswered one is listed."""

    segment: Segment
    annotator: str
    status: Literal["submitted", "skipped"]
    spans: tuple[Span, ...]
    topics: Mapping[str, tuple[str, ...]]
    unanswered: tuple[str, ...]
    created_at: str
    updated_at: str
    lead_time: float
    """Seconds the annotator spent; -1 when not known."""
    from_prediction: str
    """Model version of the prediction the annotator started from; empty when from nothing."""
    ground_truth: bool
    schema: SchemaRef
    task: TaskRef

    def __post_init__(self) -> None:
        where = f"annotation of {self.segment.id} by {self.annotator!r}"
        _require(bool(self.annotator), f"{where}: annotator must not be empty")
        require_spans(self.spans, self.segment.text, where)
        _require(set(self.unanswered) <= set(self.topics), f"{where}: an unanswered group is missing from topics")
        for group in self.unanswered:
            _require(not self.topics[group], f"{where}: topic group {group!r} is answered and listed as unanswered")
        if self.status == "skipped":
            _require(not self.spans and not any(self.topics.values()), f"{where}: skipped, yet it holds labels")


def require_spans(spans: Sequence[Span], text: str, where: str) -> None:
    """Raise `InvariantError` unless spans are sorted, distinct, inside `text`, not blank, and carry the slice they cover."""
    for span in spans:
        if problem := _problem(span, text):
            raise InvariantError(f"{where}: span {span.label} [{span.start}, {span.end}){problem}")
    for left, right in pairwise(spans):
        if not left < right:
            raise InvariantError(f"{where}: spans are not sorted by start, end, label, or one stands twice")


def _problem(span: Span, text: str) -> str:
    """What is wrong with a span of a text; empty when nothing is."""
    if not span.label:
        return " has no label"
    if not 0 <= span.start < span.end <= len(text):
        return f" does not lie in a text of {len(text)} code points"
    if text[span.start : span.end] != span.text:
        return f": the text there is {text[span.start : span.end]!r}"
    return " covers white space only" if span.text.isspace() else ""


DecidedBy = Literal["single", "unanimous", "majority", "ground_truth", "annotator", "adjudicator"]


@dataclass(frozen=True, slots=True)
class GoldMeta:
    """Where a gold record comes from and how it was settled."""

    doc_id: str
    segment_id: str
    lang: str
    region: str
    start: int
    end: int
    split: str
    """`train`, `dev` or `test`; empty until export assigns it."""
    cluster: str
    """Near-duplicate cluster the split was assigned by; empty until export."""
    schema: str
    schema_sha256: str
    decided_by: DecidedBy
    n_annotators: int
    annotators: tuple[str, ...]
    agreement: float
    """Mean agreement on this segment in [0, 1]; -1.0 below two annotators."""


@dataclass(frozen=True, slots=True)
class GoldRecord:
    """A segment with one settled answer and how it was settled (Prodigy's documented keys, a superset)."""

    id: str
    text: str
    spans: tuple[Span, ...]
    cats: Mapping[str, float]
    """Every topic label of the schema whose group was settled, 0.0 included."""
    accept: tuple[str, ...]
    answer: Literal["accept"]
    meta: GoldMeta

    def __post_init__(self) -> None:
        where = f"gold record {self.id}"
        if not self.id:
            raise InvariantError(f"{where}: id must not be empty")
        require_spans(self.spans, self.text, where)
        if not {0.0, 1.0}.issuperset(self.cats.values()):
            raise InvariantError(f"{where}: cats must be 0.0 or 1.0")
        if set(self.accept) != {label for label, value in self.cats.items() if value}:
            raise InvariantError(f"{where}: accept and cats do not say the same")


@dataclass(frozen=True, slots=True)
class Reject:
    """What was left out, with the reason and what to do about it."""

    step: str
    """The verb that rejected it."""
    source: str
    """The file, or the project URL."""
    line: int
    """1-based line in `source`; -1 where there are no lines."""
    id: str
    code: str
    """One word a script can switch on."""
    reason: str
    hint: str = ""
    url: str = ""
    record: str = ""
    """The start of the record, at most 2 kB."""
