"""Which records go out: what the caller asked for is chosen, what cannot go out is rejected, and both are counted by reason."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from annotate.codec import dumps
from annotate.errors import UsageError
from annotate.model import Annotation, GoldRecord, Reject, Segment, Span
from annotate.schema import LabelSchema
from annotate.store import reject

_LANG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?)?")


@dataclass(frozen=True, slots=True)
class Filters:
    """What is asked for; an empty field lets everything through. Dates are ISO 8601 in UTC, a day or a moment, both included:
    a record has the date of the last answer to its segment."""

    languages: Collection[str] = ()
    regions: Collection[str] = ()
    annotators: Collection[str] = ()
    """As the records name them. Of gold records those that one of them had a part in."""
    decisions: Collection[str] = ()
    schema_versions: Collection[str] = ()
    since: str = ""
    until: str = ""

    def __post_init__(self) -> None:
        for moment in (self.since, self.until):
            if moment and not _MOMENT.fullmatch(moment):
                raise UsageError(f"{moment!r} is no date", hint="write 2026-01-31 or 2026-01-31T18:00, in UTC")

    @property
    def by_date(self) -> bool:
        return bool(self.since or self.until)

    def passes_over(
        self, *, lang: str, region: str, annotators: Collection[str], schema: str, decision: str = "", date: str = ""
    ) -> str:
        """The name of the first filter that a record does not meet; empty when it meets all."""
        misses = {
            "language": self.languages and lang not in self.languages,
            "region": self.regions and region not in self.regions,
            "annotator": self.annotators and not set(annotators) & set(self.annotators),
            "decision": self.decisions and decision and decision not in self.decisions,
            "schema_version": self.schema_versions and schema.rpartition("@")[2] not in self.schema_versions,
            "date": self.by_date and not self._in_time(date),
        }
        return next((name for name, missed in misses.items() if missed), "")

    def _in_time(self, date: str) -> bool:
        return (
            bool(date) and date[: len(self.since)] >= self.since and (not self.until or date[: len(self.until)] <= self.until)
        )


@dataclass(frozen=True, slots=True)
class Rules:
    """What a record must be to go out."""

    schema: LabelSchema
    accepted: Collection[str] = ()
    """Versions of the schema whose records go out although their labels may not be those of `schema`."""
    corpus: Mapping[str, tuple[bytes, bytes]] | None = None
    """What `corpus_of` gives; None: records are not compared with a corpus."""
    source: str = "gold.jsonl"


@dataclass(slots=True)
class Tally:
    """What became of the records and spans that came in. `spans_in` is `spans_kept` and all `spans_lost`."""

    spans_in: int = 0
    spans_kept: int = 0
    spans_lost: Counter[str] = field(default_factory=Counter)
    """Code → spans, those of records that were rejected as a whole included."""
    not_selected: Counter[str] = field(default_factory=Counter)
    """Filter → records it passed over."""
    rejects: list[Reject] = field(default_factory=list)

    def take_back(self, spans: int, item: Reject) -> None:
        """Reject a record of so many spans that was kept."""
        self.spans_kept -= spans
        self.spans_lost[item.code] += spans
        self.rejects.append(item)


def corpus_of(segments: Iterable[Segment]) -> dict[str, tuple[bytes, bytes]]:
    """Segment → digests of its text as it is and in NFC, white space at the edges aside."""
    return {segment.id: _digests(segment.text) for segment in segments}


def _digests(text: str) -> tuple[bytes, bytes]:
    core = text.strip()
    one, two = (hashlib.blake2b(t.encode(), digest_size=16).digest() for t in (core, unicodedata.normalize("NFC", core)))
    return one, two


def select(
    gold: Iterable[GoldRecord], rules: Rules, filters: Filters, tally: Tally, dates: Mapping[str, str] | None = None
) -> Iterator[GoldRecord]:
    """The gold records that go out, with the labels their schema has. `dates`: segment → date of the last answer."""
    seen: set[str] = set()
    for record in gold:
        meta = record.meta
        missed = filters.passes_over(
            lang=meta.lang,
            region=meta.region,
            annotators=meta.annotators,
            schema=meta.schema,
            decision=meta.decided_by,
            date=(dates or {}).get(meta.segment_id, ""),
        )
        if missed:
            tally.not_selected[missed] += 1
            continue
        tally.spans_in += len(record.spans)
        problem = _problem(record, rules, seen)
        if problem is not None:
            code, reason, hint = problem
            tally.spans_lost[code] += len(record.spans)
            tally.rejects.append(reject("export", rules.source, code, reason, id=record.id, hint=hint, record=dumps(record)))
            continue
        seen.add(record.id)
        known = _known_labels(record, rules, tally)
        tally.spans_kept += len(known.spans)
        yield known


def _problem(record: GoldRecord, rules: Rules, seen: Collection[str]) -> tuple[str, str, str] | None:
    """Code, reason and hint when a record as a whole cannot go out."""
    meta, schema = record.meta, rules.schema
    if (problem := _other_schema(meta.schema, meta.schema_sha256, rules, record.cats)) is not None:
        return problem
    if not _LANG.fullmatch(meta.lang):
        return "bad_lang", f"{meta.lang!r} is no BCP-47 tag", "write 'und' when the language is not known"
    if record.id in seen:
        return "duplicate", f"the id {record.id!r} stands before", "the first record is kept"
    if rules.corpus is not None:
        if meta.segment_id not in rules.corpus:
            hint = "it was segmented anew or taken out; leave --segments away to export it all the same"
            return "no_segment", f"segment {meta.segment_id} of {meta.doc_id!r} is not in the corpus", hint
        exact, composed = rules.corpus[meta.segment_id]
        own_exact, own_composed = _digests(record.text)
        if exact != own_exact:
            form = ": the same in another normal form (NFC, NFD)" if composed == own_composed else ""
            hint = f"its offsets count another text; annotate it again under {schema.ref}, or correct the corpus"
            return "other_text", f"the corpus has another text for segment {meta.segment_id} of {meta.doc_id!r}{form}", hint
    return None


def _other_schema(ref: str, sha256: str, rules: Rules, cats: Mapping[str, float] | None = None) -> tuple[str, str, str] | None:
    """Why a record made under another schema cannot go out: where a label did not exist, its absence says nothing."""
    schema = rules.schema
    name, _, version = ref.rpartition("@")
    if sha256 == schema.sha256 or (name == schema.name and version in rules.accepted):
        return None
    reason = f"made under schema {ref} ({sha256[:12]}), not {schema.ref} ({schema.sha256[:12]})"
    missing = [
        label.id
        for group in schema.topics
        for label in group.labels
        if cats and label.id not in cats and any(other.id in cats for other in group.labels)
    ]
    if missing:
        reason += f", and was never asked for {', '.join(missing)}: that it lacks them says nothing"
    hint = "export with the schema the records were made under, or migrate them"
    if name == schema.name:
        hint += f"; --accept-schema {version} takes what they lack for a no"
    return "schema_mismatch", reason, hint


def _known_labels(record: GoldRecord, rules: Rules, tally: Tally) -> GoldRecord:
    """The record with the labels its schema has, topics in the schema's order."""
    schema = rules.schema
    topics = tuple(topic for topic in schema.topic_ids if topic in record.cats)
    if topics == tuple(record.cats) and {span.label for span in record.spans} <= set(schema.entity_ids):
        return record
    spans = _known_spans(record.spans, record.id, dumps(record), rules, tally)
    for topic in record.cats:
        if topic not in topics:
            _unknown(f"topic {topic}", record.id, dumps(record), rules, tally)
    return replace(
        record,
        spans=spans,
        cats={topic: record.cats[topic] for topic in topics},
        accept=tuple(topic for topic in topics if record.cats[topic]),
    )


def _known_spans(spans: tuple[Span, ...], id: str, line: bytes, rules: Rules, tally: Tally) -> tuple[Span, ...]:
    entities = frozenset(rules.schema.entity_ids)
    for span in spans:
        if span.label not in entities:
            tally.spans_lost["unknown_label"] += 1
            _unknown(f"span {span.label} {span.text!r} [{span.start}, {span.end})", id, line, rules, tally)
    return tuple(span for span in spans if span.label in entities)


def _unknown(what: str, id: str, line: bytes, rules: Rules, tally: Tally) -> None:
    reason, hint = f"{what}: the label is not in schema {rules.schema.ref}", "correct the label, or add it to the schema"
    tally.rejects.append(reject("export", rules.source, "unknown_label", reason, id=id, hint=hint, record=line))


def select_annotations(
    annotations: Iterable[Annotation], rules: Rules, filters: Filters, tally: Tally, name: Callable[[str], str]
) -> Iterator[Annotation]:
    """The annotations that go out one by one, under the names `name` gives their annotators. How a segment was decided does not
    matter here: what every annotator said is not a decision."""
    for annotation in annotations:
        segment, who, ref = annotation.segment, name(annotation.annotator), annotation.schema
        missed = filters.passes_over(
            lang=segment.lang,
            region=segment.region,
            annotators=(who, annotation.annotator),
            schema=str(ref),
            date=annotation.updated_at,
        )
        if missed:
            tally.not_selected[missed] += 1
            continue
        tally.spans_in += len(annotation.spans)
        if (problem := _other_schema(str(ref), ref.sha256, rules)) is not None:
            code, reason, hint = problem
            tally.spans_lost[code] += len(annotation.spans)
            reason = f"{who}: {reason}"
            tally.rejects.append(reject("export", rules.source, code, reason, id=segment.id, hint=hint))
            continue
        spans = _known_spans(annotation.spans, segment.id, dumps(segment), rules, tally)
        tally.spans_kept += len(spans)
        yield replace(annotation, annotator=who, spans=spans)
