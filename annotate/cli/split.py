"""`annotate split`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from annotate.cli.console import Console, common_options, counts
from annotate.cli.options import rejects_option
from annotate.errors import FINDINGS, OK, PARTIAL, ReadError

if TYPE_CHECKING:
    from annotate.dataset import SplitRow
    from annotate.model import GoldRecord

NAMES = ("train", "dev", "test")
NAMED_LEAKS = 20
"""Leaks a person is told one by one; `--json` lists all."""
KINDS = ("documents", "records", "entity", "topic")

Table = Mapping[tuple[str, str, str, str], Mapping[str, int]]
"""(kind, label, language, region) → split → how often."""


@click.command(short_help="Assign documents to train, dev and test, or look for leaks between them.")
@click.argument("gold")
@click.option("--splits", default="80/10/10", show_default=True, help="Train/dev/test shares, by source document.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the splits.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 3 when a page, one like it or a text is in two splits.")
@rejects_option
@common_options
@click.pass_obj
def split(console: Console, gold: str, splits: str, seed: int, check: bool, rejects: Path | None) -> int:
    """Assign the documents of the gold records in GOLD to train, dev and test, and freeze that in gold.splits.jsonl beside it.

    Near-duplicate documents, and documents that share a long text, stay together. A document keeps the split it has; a new one
    goes to the split of what is like it, else where its rarest label, language or region is missing most. One that is like
    documents of two splits is rejected (bridges_splits). Export uses the same file.

    --check looks for leaks instead: a document or a cluster in two splits, in gold.splits.jsonl or by what the records say;
    near-duplicate documents, and long texts, in two splits.
    """
    from annotate import dataset, goldfiles
    from annotate.dataset import leakage
    from annotate.dataset.pages import Pages
    from annotate.model import GoldRecord
    from annotate.store import STDIO, Rejects, read_records, rejects_beside, write_records

    ratios = dataset.parse_splits(splits)
    file = goldfiles.beside(gold, "splits.jsonl")
    with Rejects(rejects or rejects_beside(gold, "split", of_input=str(gold) != STDIO)) as rejected:
        records = list(read_records(gold, GoldRecord, rejected, step="split"))
        if rejected.total and not records:
            raise ReadError(f"no record of {gold} can be used", hint=f"see {rejected.path}")
        pages = Pages(records)
        frozen = _rows(file) if check else dataset.read_splits(file)
        said = _said(records)
        done = dataset.assign_pages(pages, ratios, seed=seed, frozen=[*frozen, *_first_said(said, frozen)] if check else frozen)
        bridges = {bridge.doc_id: bridge for bridge in done.bridges}
        records_bridging = [record for record in records if record.meta.doc_id in bridges]
        for record in records_bridging:
            rejected(dataset.bridging(bridges[record.meta.doc_id], record, str(gold)))
    place = {row.doc_id: str(row.split) for row in done.rows}
    leaks = [*dataset.leaks([*done.rows, *said]), *leakage.found_leaks(pages, place)]
    repeated = leakage.repeats(pages, place)
    if not check:
        write_records(file, done.rows)
    table = _table([record for record in records if record.meta.doc_id in place], place)
    for line in _lines(table):
        console.data(line)
    documents = Counter(place[doc_id] for doc_id in pages if doc_id in place)
    clusters = {row.cluster for row in done.rows if row.doc_id in pages}
    new = len(done.rows) - len(frozen)
    numbers = {name: documents[name] for name in NAMES}
    console.note(f"documents: {counts(numbers)}; {len(clusters):,} clusters; {new:,} new")
    if repeated.furniture or repeated.short:
        what = counts({"parts of sites": repeated.furniture, "short texts": repeated.short})
        console.note(f"in several splits, and no leak: {what}")
    if rejected.total:
        console.note(f"{rejected.total:,} rejected: {counts(rejected.counts)}; see {rejected.path}")
    for leak in leaks[:NAMED_LEAKS]:
        console.note(f"leak: {leak}")
    if leaks:
        console.note(f"{len(leaks):,} leaks: give the documents one cluster and split in {file}, or leave one of them out")
    console.document(
        {
            "path": str(file),
            "records": len(records),
            "documents": numbers,
            "clusters": len(clusters),
            "new": new,
            "table": list(_cells(table)),
            "leaks": leaks,
            "bridges": [{"document": b.doc_id, "splits": b.splits, "because": b.because} for b in done.bridges],
            "repeats": {"furniture": repeated.furniture, "short": repeated.short},
            "rejected": rejected.total,
        }
    )
    if check and leaks:
        return FINDINGS
    return PARTIAL if rejected.total else OK


def _rows(file: Path) -> tuple[SplitRow, ...]:
    """The frozen rows with all their leaks, which `read_splits` refuses."""
    from annotate.dataset import SplitRow
    from annotate.model import Reject
    from annotate.store import read_records

    def refuse(item: Reject) -> None:
        raise ReadError(f"{file}:{item.line}: {item.reason}", hint="restore the file; without it splits could change")

    return tuple(read_records(file, SplitRow, refuse, step="split")) if file.exists() else ()


def _said(records: Sequence[GoldRecord]) -> list[SplitRow]:
    """The splits that records carry themselves, as exported ones do."""
    from annotate.dataset.splits import SPLITS, SplitRow

    said = sorted({(r.meta.doc_id, r.meta.cluster or r.meta.doc_id, r.meta.split) for r in records})
    return [SplitRow(doc_id, cluster, name) for doc_id, cluster, found in said for name in SPLITS if name == found]


def _first_said(said: Sequence[SplitRow], frozen: Sequence[SplitRow]) -> list[SplitRow]:
    """Where documents are that no file tells of, by their records; one row each."""
    known = {row.doc_id for row in frozen}
    return list({row.doc_id: row for row in reversed(said) if row.doc_id not in known}.values())


def _table(records: Sequence[GoldRecord], place: Mapping[str, str]) -> Table:
    found: dict[tuple[str, str, str, str], Counter[str]] = defaultdict(Counter)
    seen: set[tuple[str, str, str]] = set()
    for record in records:
        doc_id, where = record.meta.doc_id, (record.meta.lang, record.meta.region)
        name = place[doc_id]
        found["records", "", *where][name] += 1
        if (doc_id, *where) not in seen:
            seen.add((doc_id, *where))
            found["documents", "", *where][name] += 1
        for span in record.spans:
            found["entity", span.label, *where][name] += 1
        for topic in record.accept:
            found["topic", topic, *where][name] += 1
    return {key: found[key] for key in sorted(found, key=lambda key: (KINDS.index(key[0]), *key[1:]))}


def _lines(table: Table) -> list[str]:
    heads = ("kind", "label", "language", "region")
    widths = [max(len(head), *(len(key[i]) for key in table)) + 2 for i, head in enumerate(heads)]

    def line(cells: Sequence[str], numbers: Sequence[str]) -> str:
        left = "".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True))
        return left + "".join(f"{number:>9}" for number in numbers)

    return [line(heads, NAMES), *(line(key, [f"{found[name]:,}" for name in NAMES]) for key, found in table.items())]


def _cells(table: Table) -> Iterator[dict[str, Any]]:
    for (kind, label, lang, region), found in table.items():
        yield {"kind": kind, "label": label, "language": lang, "region": region, **{name: found[name] for name in NAMES}}
