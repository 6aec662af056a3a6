"""Gold records → a dataset folder under `exports/`: checked, split, written in the formats asked for, described, accounted for.

    exports/NAME/
      README.md                      dataset card (`card`); its YAML head makes `datasets.load_dataset` work on the folder
      manifest.json                  hashes, options, counts, versions
      schema.yaml                    the label schema, as it is
      jsonl/SPLIT.jsonl              one folder per format (`annotate.exporters`)
      spacy/LANG/SPLIT.spacy
      rejects.jsonl                  only when something was left out

Nothing in the folder tells when, where or by which command it was made: the same records and options give the same bytes.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from annotate._version import __version__
from annotate.codec import dumps
from annotate.dataset.card import dataset_card
from annotate.dataset.folder import FORMAT, MANIFEST, files_of, replacing_folder, sha256_of, write_json
from annotate.dataset.splits import SPLITS, SplitRow, assign, leaks, parse_splits, read_splits
from annotate.errors import FINDINGS, OK, PARTIAL, AnnotateError, DataFindings, ReadError, UnknownName, UsageError
from annotate.exporters import ALIGNMENTS, EXPORTERS, Exported, Options
from annotate.exporters.jsonl import Row, rows
from annotate.model import GoldRecord, Reject
from annotate.schema import LabelSchema
from annotate.store import reject, write_records

if TYPE_CHECKING:  # spaCy takes seconds to load
    from annotate.spacy_docs import Align

__all__ = ["ExportReport", "SplitRow", "assign", "export", "keep_splits", "leaks", "parse_splits", "read_splits", "stream"]

_LANG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export did."""

    path: Path
    records: int
    """Records written."""
    spans_in: int
    """Spans of the selected records."""
    spans_out: int
    """Spans that are in every format."""
    rejected: int
    """Records and spans left out of all formats or of one; as many as `rejects.jsonl` has lines."""
    adjusted: int
    """Spans whose ends a format of tokens moved."""
    not_selected: int
    """Records the filters passed over."""
    files: tuple[str, ...]
    """Every file written, relative to `path`."""
    counts: Mapping[str, Any]
    """Split → language → `documents, records, empty, labels, topics`."""
    formats: Mapping[str, Mapping[str, int]]
    """Format → `spans_in, spans_out, rejected, adjusted`."""
    exit_code: int
    """3 when `align` was strict and a span did not align, else 5 when something was rejected, else 0."""


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
    clusters: Mapping[str, str] | None = None,
    name: str = "",
    summary: Mapping[str, Any] | None = None,
    languages: Collection[str] = (),
    regions: Collection[str] = (),
    tokens: bool = False,
    licence: str = "",
    source: str = "gold.jsonl",
    rejects: Callable[[Reject], None] | None = None,
) -> ExportReport:
    """Write gold records as a dataset folder; an earlier export at `out` is replaced as a whole.

    `schema_bytes` is the schema's file, `summary` what `adjudicate` wrote beside the gold records. `languages` and `regions`
    select records (empty: all). `frozen` is the file of split assignments, read when it is there and written at the end.
    `clusters` maps documents to near-duplicate clusters. `source` is what rejects name as their source; they are also handed to
    `rejects` one by one.

    `UsageError` for options that make no sense and for an `out` that is not ours, `DataFindings` for frozen splits that leak,
    `AnnotateError` when no record is left or spans get lost uncounted."""
    writers = {kind: EXPORTERS.get(kind) for kind in sorted(set(formats))}
    if not writers:
        raise UsageError("no export format was named", hint=f"known: {', '.join(EXPORTERS)}")
    if align not in ALIGNMENTS:
        raise UnknownName("alignment", align, ALIGNMENTS)
    chosen = _select(gold, schema, languages, regions, source)
    selected, assigned = _split(chosen, splits, seed, frozen, clusters)
    by_split = {split: part for split in SPLITS if (part := [r for r in selected if r.meta.split == split])}
    options = Options(schema, align, tokens, source)
    with replacing_folder(out) as folder:
        (folder / "schema.yaml").write_bytes(schema_bytes)
        done = {kind: write(by_split, folder, options) for kind, write in writers.items()}
        spans = sum(len(record.spans) for record in selected)
        _account(done, spans)
        left_out = [*chosen.rejects, *(item for exported in done.values() for item in exported.rejects)]
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
            "options": {
                "align": align,
                "formats": list(writers),
                "languages": sorted(languages),
                "licence": licence,
                "regions": sorted(regions),
                "seed": seed,
                "splits": splits,
                "tokens": tokens,
            },
            **_composition(selected, schema),
            "spans": {"in": chosen.spans, "selected": spans},
            "not_selected": chosen.not_selected,
            "rejected": dict(sorted(Counter(item.code for item in left_out).items())),
            "formats": {kind: _tally(exported, spans) | dict(exported.manifest) for kind, exported in done.items()},
            "adjudication": {key: value for key, value in (summary or {}).items() if key != "agreement"},
            "agreement": (summary or {}).get("agreement", {}),
            "tools": {"annotate": __version__} | {k: v for e in done.values() for k, v in sorted(e.tools.items())},
        }
        (folder / "README.md").write_bytes(dataset_card(manifest, schema, done, clustered=bool(clusters)).encode())
        manifest["files"] = {path: sha256_of(folder / path) for path in files_of(folder)}
        write_json(folder / MANIFEST, manifest)
        files = tuple(files_of(folder))
    if frozen is not None:
        write_records(frozen, assigned)
    if rejects is not None:
        for item in left_out:
            rejects(item)
    strict_findings = align == "strict" and any(item.code == "misaligned" for item in left_out)
    return ExportReport(
        path=out,
        records=len(selected),
        spans_in=chosen.spans,
        spans_out=min(exported.spans_out for exported in done.values()),
        rejected=len(left_out),
        adjusted=sum(exported.adjusted for exported in done.values()),
        not_selected=chosen.not_selected,
        files=files,
        counts=manifest["counts"],
        formats={kind: _tally(exported, spans) for kind, exported in done.items()},
        exit_code=FINDINGS if strict_findings else PARTIAL if left_out else OK,
    )


def stream(
    gold: Iterable[GoldRecord],
    *,
    schema: LabelSchema,
    splits: str = "80/10/10",
    seed: int = 0,
    frozen: Path | None = None,
    clusters: Mapping[str, str] | None = None,
    languages: Collection[str] = (),
    regions: Collection[str] = (),
    tokens: bool = False,
    source: str = "gold.jsonl",
    rejects: Callable[[Reject], None] | None = None,
) -> Iterator[Row]:
    """The records `export` would write as JSONL, all splits together, sorted by document and position. `frozen` is read and
    not written. Errors as with `export`, on the call."""
    chosen = _select(gold, schema, languages, regions, source)
    selected, _ = _split(chosen, splits, seed, frozen, clusters)
    if rejects is not None:
        for item in chosen.rejects:
            rejects(item)
    return rows(selected, tokens=tokens)


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
class _Selection:
    records: Sequence[GoldRecord]
    rejects: Sequence[Reject]
    not_selected: int
    """How many the filters passed over."""
    spans: int
    """Spans of the selected records before any was rejected."""


def _select(
    gold: Iterable[GoldRecord], schema: LabelSchema, languages: Collection[str], regions: Collection[str], source: str
) -> _Selection:
    """The records that go out, their labels all in the schema, sorted by document and position."""
    kept: dict[str, GoldRecord] = {}
    rejects: list[Reject] = []
    not_selected = spans = 0
    for record in gold:
        meta = record.meta
        if (languages and meta.lang not in languages) or (regions and meta.region not in regions):
            not_selected += 1
            continue
        spans += len(record.spans)
        problem = _problem(record, schema, kept)
        if problem is not None:
            code, reason, hint = problem
            rejects.append(reject("export", source, code, reason, id=record.id, hint=hint, record=dumps(record)))
        else:
            kept[record.id] = _known_labels(record, schema, source, rejects)
    if not kept:
        codes = ", ".join(f"{count} {code}" for code, count in Counter(item.code for item in rejects).items())
        raise AnnotateError(
            f"nothing to export: {not_selected} records not selected, {len(rejects)} rejected"
            + (f" ({codes})" if codes else ""),
            hint=rejects[0].hint if rejects else "adjudicate first, or widen the filters",
        )
    records = sorted(kept.values(), key=lambda r: (r.meta.doc_id, r.meta.start, r.id))
    return _Selection(records, rejects, not_selected, spans)


def _problem(record: GoldRecord, schema: LabelSchema, kept: Mapping[str, GoldRecord]) -> tuple[str, str, str] | None:
    """Code, reason and hint when a record as a whole cannot go out."""
    meta = record.meta
    if meta.schema_sha256 != schema.sha256:
        reason = f"made under schema {meta.schema} ({meta.schema_sha256[:12]}), not {schema.ref} ({schema.sha256[:12]})"
        return "schema_mismatch", reason, "export with the schema the records were made under, or migrate them"
    if not _LANG.fullmatch(meta.lang):
        return "bad_lang", f"{meta.lang!r} is no BCP-47 tag", "write 'und' when the language is not known"
    if record.id in kept:
        return "duplicate", f"the id {record.id!r} stands before", "the first record is kept"
    return None


def _known_labels(record: GoldRecord, schema: LabelSchema, source: str, rejects: list[Reject]) -> GoldRecord:
    """The record with the labels its schema has, topics in the schema's order."""
    entities = frozenset(schema.entity_ids)
    topics = tuple(topic for topic in schema.topic_ids if topic in record.cats)
    unknown = [f"span {s.label} {s.text!r} [{s.start}, {s.end})" for s in record.spans if s.label not in entities]
    unknown += [f"topic {topic}" for topic in record.cats if topic not in topics]
    for what in unknown:
        reason, hint = f"{what}: the label is not in schema {schema.ref}", "correct the label, or add it to the schema"
        rejects.append(reject("export", source, "unknown_label", reason, id=record.id, hint=hint, record=dumps(record)))
    return replace(
        record,
        spans=tuple(span for span in record.spans if span.label in entities),
        cats={topic: record.cats[topic] for topic in topics},
        accept=tuple(topic for topic in topics if record.cats[topic]),
    )


def _split(
    chosen: _Selection, splits: str, seed: int, frozen: Path | None, clusters: Mapping[str, str] | None
) -> tuple[list[GoldRecord], tuple[SplitRow, ...]]:
    """The records with split and cluster filled in, and the assignments to freeze."""
    ratios = parse_splits(splits)
    assigned = assign(
        (record.meta.doc_id for record in chosen.records),
        ratios,
        seed=seed,
        frozen=read_splits(frozen) if frozen else (),
        clusters=clusters,
    )
    place = {row.doc_id: row for row in assigned}
    return [
        replace(r, meta=replace(r.meta, split=(row := place[r.meta.doc_id]).split, cluster=row.cluster)) for r in chosen.records
    ], assigned


def _account(done: Mapping[str, Exported], spans: int) -> None:
    for kind, exported in done.items():
        lost = len(exported.rejects)
        if spans != exported.spans_out + lost:
            raise AnnotateError(
                f"format {kind}: {spans} spans went in, {exported.spans_out} came out and {lost} were rejected",
                hint="this is a bug in the format; nothing was written",
            )


def _tally(exported: Exported, spans: int) -> dict[str, int]:
    return {
        "spans_in": spans,
        "spans_out": exported.spans_out,
        "rejected": len(exported.rejects),
        "adjusted": exported.adjusted,
    }


def _composition(records: Sequence[GoldRecord], schema: LabelSchema) -> dict[str, Any]:
    """What the records consist of: totals, and split × language × label."""
    groups: dict[tuple[str, str], list[GoldRecord]] = {}
    for record in records:
        groups.setdefault((record.meta.split, record.meta.lang), []).append(record)
    counts: dict[str, dict[str, Any]] = {}
    for split in SPLITS:
        for lang in sorted(lang for place, lang in groups if place == split):
            counts.setdefault(split, {})[lang] = _count(groups[split, lang], schema)
    places: dict[str, set[str]] = {}
    for record in records:
        places.setdefault(record.text.strip(), set()).add(record.meta.split)
    return {
        "documents": len({record.meta.doc_id for record in records}),
        "records": len(records),
        "counts": counts,
        "regions": dict(sorted(Counter(record.meta.region for record in records).items())),
        "decided_by": dict(sorted(Counter(record.meta.decided_by for record in records).items())),
        "unsettled_topics": sum(len(record.cats) < len(schema.topic_ids) for record in records),
        "texts_in_several_splits": sum(len(found) > 1 for found in places.values()),
    }


def _count(records: Sequence[GoldRecord], schema: LabelSchema) -> dict[str, Any]:
    labels = Counter(span.label for record in records for span in record.spans)
    topics = Counter(topic for record in records for topic in record.accept)
    return {
        "documents": len({record.meta.doc_id for record in records}),
        "records": len(records),
        "empty": sum(not record.spans and not record.accept for record in records),
        "labels": {label: labels[label] for label in schema.entity_ids},
        "topics": {topic: topics[topic] for topic in schema.topic_ids},
    }
