"""Gold records → a dataset folder under `exports/`: checked, split, written in the formats asked for, described, accounted for.

    exports/NAME/
      README.md                      dataset card (`card`); its YAML head makes `datasets.load_dataset` work on the folder
      manifest.json                  hashes, options, counts, versions
      schema.yaml                    the label schema, as it is
      plots/labels.svg               label × language; plots/agreement.svg where agreement is known
      jsonl/SPLIT.jsonl              one folder per format (`annotate.exporters`)
      spacy/LANG/SPLIT.spacy
      rejects.jsonl                  only when something was left out

Nothing in the folder tells when, where or by which command it was made: the same records and options give the same bytes.
"""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from annotate._version import __version__
from annotate.agreement import pseudonyms
from annotate.codec import dumps
from annotate.dataset.card import dataset_card, write_plots
from annotate.dataset.folder import FORMAT, MANIFEST, files_of, replacing_folder, sha256_of, write_json
from annotate.dataset.pages import Pages
from annotate.dataset.selection import Filters, Rules, Tally, corpus_of, select, select_annotations
from annotate.dataset.splits import SPLITS, Assignment, Bridge, Ratios, SplitRow, assign, leaks, parse_splits, read_splits
from annotate.dataset.spool import Spool, sorted_spool
from annotate.errors import FINDINGS, OK, PARTIAL, AnnotateError, DataFindings, ReadError, UnknownName, UsageError
from annotate.exporters import ALIGNMENTS, EXPORTERS, FROM_ANNOTATIONS, Exported, Options, parts
from annotate.exporters.jsonl import Row, rows
from annotate.model import Annotation, GoldRecord, Reject, Segment
from annotate.schema import LabelSchema
from annotate.store import reject, write_records

if TYPE_CHECKING:  # spaCy takes seconds to load
    from annotate.spacy_docs import Align

__all__ = [
    "Answers",
    "ExportReport",
    "SplitRow",
    "assign",
    "export",
    "keep_splits",
    "leaks",
    "parse_splits",
    "read_splits",
    "stream",
]


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export did."""

    path: Path
    records: int
    """Records written."""
    spans_in: int
    """Spans of the selected records: those that went to the formats, and `rejected_spans`."""
    rejected_spans: Mapping[str, int]
    """Code → spans that went to no format."""
    spans_out: int
    """Spans that are in every format of gold records."""
    rejected: int
    """Records and spans left out of all formats or of one: as many as `rejects.jsonl` has lines, and `taken_down`."""
    adjusted: int
    """Spans whose ends a format of tokens moved."""
    not_selected: Mapping[str, int]
    """Filter → records it passed over."""
    files: tuple[str, ...]
    """Every file written, relative to `path`."""
    counts: Mapping[str, Any]
    """Split → language → `documents, records, empty, labels, topics`."""
    formats: Mapping[str, Mapping[str, Any]]
    """Format → `spans_in, spans_out, rejected, rejected_by, adjusted`."""
    exit_code: int
    """3 when `align` was strict and a span did not align, else 5 when something was rejected, else 0."""
    taken_down: int = 0
    """Of `rejected`, records of documents on the purge list: they are not in `rejects.jsonl`."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The annotations gold records were made from, for the formats made of them and for dates."""

    read: Callable[[], Iterable[Annotation]]
    """They are gone over several times."""
    names: bool = False
    """Keep the annotators' names; otherwise they are A1, A2 … as in the gold records."""
    source: str = "annotations.jsonl"


def export(
    gold: Iterable[GoldRecord],
    out: Path,
    *,
    schema: LabelSchema,
    schema_bytes: bytes,
    formats: Collection[str] = ("spacy", "jsonl"),
    align: Align = "contract",
    splits: str = "80/10/10",
    seed: int = 0,
    frozen: Path | None = None,
    name: str = "",
    summary: Mapping[str, Any] | None = None,
    languages: Collection[str] = (),
    regions: Collection[str] = (),
    annotators: Collection[str] = (),
    decisions: Collection[str] = (),
    schema_versions: Collection[str] = (),
    since: str = "",
    until: str = "",
    accept_schemas: Collection[str] = (),
    answers: Answers | None = None,
    segments: Iterable[Segment] | None = None,
    tokens: bool = False,
    spacy_config: bool = False,
    licence: str = "",
    source: str = "gold.jsonl",
    inputs: Mapping[str, str] | None = None,
    unread: Sequence[Reject] = (),
    rejects: Callable[[Reject], None] | None = None,
) -> ExportReport:
    """Write gold records as a dataset folder; an earlier export at `out` is replaced as a whole.

    `schema_bytes` is the schema's file, `summary` what `adjudicate` wrote beside the gold records. `languages` to `until`
    select records (empty: all, see `Filters`). Records made under another schema are rejected, except versions in
    `accept_schemas`. `answers` is needed for dates and for formats of annotations; with `segments` records must be in
    that corpus. `frozen` is the file of split assignments, read when it is there and written at the end; every document
    of `gold` is assigned, also those that are not selected, and records of one that bridges splits are rejected. `source`
    is what rejects name as their source, `inputs` maps what was read to its SHA-256, for the manifest. `unread` is a list that
    reading fills with what is no record, as the dataset is to tell of it. The other rejects are also handed to `rejects` one by
    one. Records are kept on disk on their way: memory does not grow with their texts.

    `UsageError` for options that make no sense and for an `out` that is not ours, `DataFindings` for frozen splits that leak,
    `AnnotateError` when no record is left or spans get lost uncounted."""
    writers = {kind: EXPORTERS.get(kind) for kind in sorted(set(formats))}
    if not writers:
        raise UsageError("no export format was named", hint=f"known: {', '.join(EXPORTERS)}")
    if align not in ALIGNMENTS:
        raise UnknownName("alignment", align, ALIGNMENTS)
    if spacy_config and "spacy" not in writers:
        raise UsageError("a training configuration is for the spacy format", hint="add --format spacy")
    filters = Filters(languages, regions, annotators, decisions, schema_versions, since, until)
    rules = Rules(schema, accept_schemas, None if segments is None else corpus_of(segments), source)
    answers = _needed(answers, writers, filters)
    with_annotations = not FROM_ANNOTATIONS.isdisjoint(writers)
    pages = Pages()
    chosen = _gather(pages.seeing(gold), rules, filters, answers, with_annotations=with_annotations, unread=unread)
    composition = _Composition(schema)
    by_split, said, assigned = _split(chosen, pages, parse_splits(splits), seed, frozen, composition)
    del pages  # what splits needed of each document is not kept while formats are written
    options = Options(schema, align, tokens, source, spacy_config, said)
    with replacing_folder(out) as folder:
        (folder / "schema.yaml").write_bytes(schema_bytes)
        done = {kind: write(by_split, folder, options) for kind, write in writers.items()}
        spans = {kind: (chosen.answered if kind in FROM_ANNOTATIONS else chosen.tally).spans_kept for kind in writers}
        _account(chosen, done, spans)
        of_records = [*chosen.rejects, *(item for exported in done.values() for item in exported.rejects)]
        left_out = [*unread, *of_records]
        if left_out:
            write_records(folder / "rejects.jsonl", left_out)
        manifest: dict[str, Any] = {
            "format": FORMAT,
            "name": name or schema.name,
            "schema": {
                "name": schema.name,
                "version": schema.version,
                "sha256": schema.sha256,
                "file_sha256": hashlib.sha256(schema_bytes).hexdigest(),
            },
            "inputs": dict(sorted((inputs or {}).items())) | {"splits": _sha256(assigned)},
            "options": {
                "accept_schemas": sorted(accept_schemas),
                "align": align,
                "annotators": sorted(annotators),
                "decisions": sorted(decisions),
                "formats": list(writers),
                "languages": sorted(languages),
                "licence": licence,
                "names": bool(answers and answers.names),
                "regions": sorted(regions),
                "schema_versions": sorted(schema_versions),
                "seed": seed,
                "since": since,
                "spacy_config": spacy_config,
                "splits": splits,
                "tokens": tokens,
                "until": until,
            },
            **composition.shown(),
            "spans": {
                "in": chosen.tally.spans_in,
                "selected": chosen.tally.spans_kept,
                "rejected": dict(sorted(chosen.tally.spans_lost.items())),
            },
            "not_selected": dict(sorted(chosen.tally.not_selected.items())),
            "rejected": dict(sorted(Counter(item.code for item in left_out).items())),
            "formats": {kind: _tally(exported, spans[kind]) | dict(exported.manifest) for kind, exported in done.items()},
            "adjudication": {key: value for key, value in (summary or {}).items() if key != "agreement"},
            "agreement": (summary or {}).get("agreement", {}),
            "tools": {"annotate": __version__} | {k: v for e in done.values() for k, v in sorted(e.tools.items())},
        }
        (folder / "README.md").write_bytes(dataset_card(manifest, schema, done).encode())
        write_plots(manifest, folder)
        manifest["files"] = {path: sha256_of(folder / path) for path in files_of(folder)}
        write_json(folder / MANIFEST, manifest)
        files = tuple(files_of(folder))
    if frozen is not None:
        write_records(frozen, assigned)
    if rejects is not None:
        for item in of_records:
            rejects(item)
    strict_findings = align == "strict" and any(item.code == "misaligned" for item in left_out)
    of_gold = [exported.spans_out for kind, exported in done.items() if kind not in FROM_ANNOTATIONS]
    return ExportReport(
        path=out,
        records=composition.records,
        spans_in=chosen.tally.spans_in,
        rejected_spans=manifest["spans"]["rejected"],
        spans_out=min(of_gold, default=0),
        rejected=len(left_out),
        adjusted=sum(exported.adjusted for exported in done.values()),
        not_selected=manifest["not_selected"],
        files=files,
        counts=manifest["counts"],
        formats={kind: _tally(exported, spans[kind]) for kind, exported in done.items()},
        exit_code=FINDINGS if strict_findings else PARTIAL if left_out else OK,
    )


def stream(
    gold: Iterable[GoldRecord],
    *,
    schema: LabelSchema,
    splits: str = "80/10/10",
    seed: int = 0,
    frozen: Path | None = None,
    languages: Collection[str] = (),
    regions: Collection[str] = (),
    tokens: bool = False,
    source: str = "gold.jsonl",
    rejects: Callable[[Reject], None] | None = None,
) -> Iterator[Row]:
    """The records `export` would write as JSONL, all splits together, sorted by document and position. `frozen` is read and
    not written. Errors as with `export`, on the call."""
    pages = Pages()
    chosen = _gather(pages.seeing(gold), Rules(schema, source=source), Filters(languages, regions), None)
    by_split, *_ = _split(chosen, pages, parse_splits(splits), seed, frozen, _Composition(schema))
    if rejects is not None:
        for item in chosen.rejects:
            rejects(item)
    return rows(heapq.merge(*by_split.values(), key=_gold_place), tokens=tokens)


def keep_splits(path: Path, splits: Mapping[str, tuple[str, str]]) -> None:
    """Add documents with their split and cluster to a `gold.splits.jsonl`; what stands there stays. `ReadError` for a split
    that is none, `DataFindings` when a document or a cluster would be in two splits."""
    rows = list(read_splits(path))
    known = {(row.doc_id, row.split) for row in rows}
    for doc_id, (split, cluster) in splits.items():
        if split not in SPLITS:
            raise ReadError(f"{split!r} of document {doc_id!r} is no split", hint=f"known: {', '.join(SPLITS)}")
        if (doc_id, split) not in known:
            rows.append(SplitRow(doc_id, cluster, split))
    if found := leaks(rows):
        raise DataFindings(f"{path} and the imported files put {found[0]}", found, hint="import into another folder")
    write_records(path, rows)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What goes out, on disk, sorted by document and position."""

    records: Sequence[GoldRecord]
    source: str
    tally: Tally
    annotations: Sequence[Annotation] = ()
    answers_source: str = ""
    answered: Tally = field(default_factory=Tally)
    """What became of the annotations."""

    @property
    def rejects(self) -> Sequence[Reject]:
        return [*self.tally.rejects, *self.answered.rejects]


T = TypeVar("T")


def _in_order(by_split: Mapping[str, Sequence[T]]) -> dict[str, Sequence[T]]:
    return {split: by_split[split] for split in SPLITS if split in by_split}


def _needed(answers: Answers | None, writers: Collection[str], filters: Filters) -> Answers | None:
    """The annotations, if anything is to be made of them; `UsageError` when they are missing."""
    for_formats = sorted(FROM_ANNOTATIONS & set(writers))
    if not (for_formats or filters.by_date):
        return None
    if answers is None:
        what = f"format {for_formats[0]} is made" if for_formats else "dates are those"
        raise UsageError(f"{what} of annotations, and there are none", hint="name the file with --annotations")
    return answers


def _gather(
    gold: Iterable[GoldRecord],
    rules: Rules,
    filters: Filters,
    answers: Answers | None,
    *,
    with_annotations: bool = False,
    unread: Sequence[Reject] = (),
) -> _Chosen:
    tally, answered = Tally(), Tally()
    dates = dict[str, str]()
    said: Sequence[Annotation] = ()
    if answers is not None and filters.by_date:
        for annotation in answers.read():
            known = dates.get(annotation.segment.id, "")
            dates[annotation.segment.id] = max(known, annotation.updated_at)

    def answer_place(answer: Annotation) -> tuple[str, int, str, str]:
        return answer.segment.doc_id, answer.segment.start, answer.segment.id, answer.annotator

    records = sorted_spool(select(gold, rules, filters, tally, dates), GoldRecord, _gold_place)
    if answers is not None and with_annotations:
        who = {annotation.annotator for annotation in answers.read()}
        names = {name: name for name in who} if answers.names else pseudonyms(who)
        of_answers = replace(rules, source=answers.source)
        chosen = select_annotations(answers.read(), of_answers, filters, answered, names.__getitem__)
        said = sorted_spool(chosen, Annotation, answer_place)
    if not records:
        rejects = [*unread, *tally.rejects]
        codes = ", ".join(f"{count} {code}" for code, count in Counter(item.code for item in rejects).items())
        raise AnnotateError(
            f"nothing to export: {tally.not_selected.total()} records not selected, {len(rejects)} rejected"
            + (f" ({codes})" if codes else ""),
            hint=rejects[0].hint if rejects else "adjudicate first, or widen the filters",
        )
    return _Chosen(records, rules.source, tally, said, answers.source if answers else "", answered)


def _gold_place(record: GoldRecord) -> tuple[str, int, str]:
    return record.meta.doc_id, record.meta.start, record.id


def _split(
    chosen: _Chosen, pages: Pages, ratios: Ratios, seed: int, frozen: Path | None, composition: _Composition
) -> tuple[dict[str, Sequence[GoldRecord]], dict[str, Sequence[Annotation]], tuple[SplitRow, ...]]:
    """The records with split and cluster filled in and the annotations, both by split, and the assignments to freeze. What is
    of a bridging document is in none of them, but among the rejects of `chosen`. `composition` sees every record that goes."""
    done = assign_pages(pages, ratios, seed=seed, frozen=read_splits(frozen) if frozen else ())
    if _add_undecided(pages, chosen.annotations):  # after the others: formats do not decide where gold records go
        done = assign_pages(pages, ratios, seed=seed, frozen=done.rows)
    place = {row.doc_id: row for row in done.rows}
    bridges = {bridge.doc_id: bridge for bridge in done.bridges}

    def placed() -> Iterator[GoldRecord]:
        for record in chosen.records:
            if bridge := bridges.get(record.meta.doc_id):
                chosen.tally.take_back(len(record.spans), bridging(bridge, record, chosen.source))
            else:
                row = place[record.meta.doc_id]
                yield replace(record, meta=replace(record.meta, split=row.split, cluster=row.cluster))

    spools: dict[str, Spool[GoldRecord]] = {}
    for record in placed():
        composition.add(record)
        if record.meta.split not in spools:
            spools[record.meta.split] = Spool(GoldRecord)
        spools[record.meta.split].append(record)
    if not spools:
        raise AnnotateError("nothing to export: every document bridges splits", hint=BRIDGE_HINT)
    said = parts(chosen.annotations, lambda a: "" if a.segment.doc_id in bridges else place[a.segment.doc_id].split)
    for annotation in said.get("", ()):
        item = bridging(bridges[annotation.segment.doc_id], annotation, chosen.answers_source)
        chosen.answered.take_back(len(annotation.spans), item)
    return _in_order(spools), _in_order(said), done.rows


def _add_undecided(pages: Pages, annotations: Sequence[Annotation]) -> bool:
    """Add the documents that have annotations and no gold record; whether there are any."""
    decided = frozenset(pages)
    for _, of_segment in groupby(annotations, key=lambda annotation: annotation.segment.id):
        segment = next(of_segment).segment
        if segment.doc_id not in decided:
            pages.add_segment(segment)
    return len(pages) > len(decided)


def assign_pages(pages: Pages, ratios: Ratios, *, seed: int = 0, frozen: Sequence[SplitRow] = ()) -> Assignment:
    """Every document of `pages` in a split: with what is like it, stratified by language, region and label."""
    links = pages.links({row.doc_id: row.split for row in frozen})
    return assign(pages, ratios, seed=seed, frozen=frozen, links=links, traits=pages.traits)


BRIDGE_HINT = "leave the document out, or one of those it is close to; no place for it is free of leaks"


def bridging(bridge: Bridge, record: GoldRecord | Annotation, source: str) -> Reject:
    """The reject of a record whose document is close to documents of several splits."""
    reason = f"its document {bridge.doc_id!r} is close to {bridge.because}"
    if isinstance(record, Annotation):
        reason = f"{record.annotator}: {reason}"
    id = record.segment.id if isinstance(record, Annotation) else record.id
    return reject("export", source, "bridges_splits", reason, id=id, hint=BRIDGE_HINT, record=dumps(record))


def _sha256(rows: Iterable[SplitRow]) -> str:
    """Of the file the rows are frozen in."""
    return hashlib.sha256(b"".join(dumps(row) + b"\n" for row in rows)).hexdigest()


def _account(chosen: _Chosen, done: Mapping[str, Exported], spans: Mapping[str, int]) -> None:
    """Spans in = spans out + rejects: once for what was chosen, once for every format."""
    for what, tally in (("records", chosen.tally), ("annotations", chosen.answered)):
        if tally.spans_in != tally.spans_kept + tally.spans_lost.total():
            raise AnnotateError(f"{what}: spans {tally}", hint="this is a bug in the selection; nothing was written")
    for kind, exported in done.items():
        lost = len(exported.rejects)
        if spans[kind] != exported.spans_out + lost:
            raise AnnotateError(
                f"format {kind}: {spans[kind]} spans went in, {exported.spans_out} came out and {lost} were rejected",
                hint="this is a bug in the format; nothing was written",
            )


def _tally(exported: Exported, spans: int) -> dict[str, Any]:
    return {
        "spans_in": spans,
        "spans_out": exported.spans_out,
        "rejected": len(exported.rejects),
        "rejected_by": dict(sorted(Counter(item.code for item in exported.rejects).items())),
        "adjusted": exported.adjusted,
    }


class _Composition:
    """What the records consist of: totals, and split × language × label."""

    def __init__(self, schema: LabelSchema) -> None:
        self.records = 0
        self._schema = schema
        self._counts: dict[tuple[str, str], _Count] = {}
        self._documents: set[str] = set()
        self._regions, self._decided_by, self._other_schemas = Counter[str](), Counter[str](), Counter[str]()
        self._texts: dict[bytes, str] = {}
        self._repeated: set[bytes] = set()
        self._unsettled = 0

    def add(self, record: GoldRecord) -> None:
        meta, schema = record.meta, self._schema
        self.records += 1
        self._counts.setdefault((meta.split, meta.lang), _Count()).add(record)
        self._documents.add(meta.doc_id)
        self._regions[meta.region] += 1
        self._decided_by[meta.decided_by] += 1
        self._other_schemas.update([meta.schema] * (meta.schema_sha256 != schema.sha256))
        self._unsettled += len(record.cats) < len(schema.topic_ids)
        digest = hashlib.blake2b(record.text.strip().encode(), digest_size=16).digest()
        if self._texts.setdefault(digest, meta.split) != meta.split:
            self._repeated.add(digest)

    def shown(self) -> dict[str, Any]:
        """As the manifest has it."""
        return {
            "documents": len(self._documents),
            "records": self.records,
            "counts": {
                split: {
                    lang: self._counts[split, lang].shown(self._schema)
                    for lang in sorted(lang for place, lang in self._counts if place == split)
                }
                for split in SPLITS
                if any(place == split for place, _ in self._counts)
            },
            "regions": dict(sorted(self._regions.items())),
            "decided_by": dict(sorted(self._decided_by.items())),
            "other_schemas": dict(sorted(self._other_schemas.items())),
            "unsettled_topics": self._unsettled,
            "texts_in_several_splits": len(self._repeated),
        }


@dataclass(slots=True)
class _Count:
    """What the records of one split and language consist of."""

    documents: set[str] = field(default_factory=set)
    records: int = 0
    empty: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    topics: Counter[str] = field(default_factory=Counter)

    def add(self, record: GoldRecord) -> None:
        self.documents.add(record.meta.doc_id)
        self.records += 1
        self.empty += not record.spans and not record.accept
        self.labels.update(span.label for span in record.spans)
        self.topics.update(record.accept)

    def shown(self, schema: LabelSchema) -> dict[str, Any]:
        return {
            "documents": len(self.documents),
            "records": self.records,
            "empty": self.empty,
            "labels": {label: self.labels[label] for label in schema.entity_ids},
            "topics": {topic: self.topics[topic] for topic in schema.topic_ids},
        }
