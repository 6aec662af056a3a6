"""`annotate split`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

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

Table = Mapping[tuple[str, str, str], Mapping[str, int]]
"""(kind, label, language) → split → how often."""


@click.command(short_help="Assign documents to train, dev and test, or look for leaks between them.")
@click.argument("gold")
@click.option("--splits", default="80/10/10", show_default=True, help="Train/dev/test shares, by source document.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the splits.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 3 when a document or a text is in two splits.")
@rejects_option
@common_options
@click.pass_obj
def split(console: Console, gold: str, splits: str, seed: int, check: bool, rejects: Path | None) -> int:
    """Assign the documents of the gold records in GOLD to train, dev and test, and freeze that in gold.splits.jsonl beside it.

    A document keeps the split it has there; a new one goes where the hash of its id says. Export uses the same file.

    --check looks for leaks instead: a document or a cluster in two splits, in gold.splits.jsonl or by what the records say, and
    texts that are equal but for case and white space in two splits.
    """
    from annotate import dataset, workflow
    from annotate.dataset.leakage import shared_texts
    from annotate.model import GoldRecord
    from annotate.store import STDIO, Rejects, read_records, rejects_beside, write_records

    ratios = dataset.parse_splits(splits)
    file = workflow.beside(gold, "splits.jsonl")
    with Rejects(rejects or rejects_beside(gold, "split", of_input=str(gold) != STDIO)) as rejected:
        records = list(read_records(gold, GoldRecord, rejected, step="split"))
    if rejected.total and not records:
        raise ReadError(f"no record of {gold} can be used", hint=f"see {rejected.path}")
    frozen = _rows(file) if check else dataset.read_splits(file)
    rows = dataset.assign((record.meta.doc_id for record in records), ratios, seed=seed, frozen=frozen)
    place = {row.doc_id: str(row.split) for row in rows}
    leaks = [*dataset.leaks([*rows, *_said(records)]), *map(str, shared_texts(records, place))]
    if not check:
        write_records(file, rows)
    table = _table(records, place)
    for line in _lines(table):
        console.data(line)
    documents = Counter(place[doc_id] for doc_id in {record.meta.doc_id for record in records})
    console.note(f"documents: {counts({name: documents[name] for name in NAMES})}; {len(rows) - len(frozen):,} new")
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
            "documents": {name: documents[name] for name in NAMES},
            "new": len(rows) - len(frozen),
            "table": [
                {"kind": kind, "label": label, "language": lang, **{name: found[name] for name in NAMES}}
                for (kind, label, lang), found in table.items()
            ],
            "leaks": leaks,
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


def _table(records: Sequence[GoldRecord], place: Mapping[str, str]) -> Table:
    found: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    for record in records:
        lang, name = record.meta.lang, place[record.meta.doc_id]
        found["records", "", lang][name] += 1
        for span in record.spans:
            found["entity", span.label, lang][name] += 1
        for topic in record.accept:
            found["topic", topic, lang][name] += 1
    order = ("records", "entity", "topic")
    return {key: found[key] for key in sorted(found, key=lambda key: (order.index(key[0]), *key[1:]))}


def _lines(table: Table) -> list[str]:
    width = max((len(label) for _, label, _ in table), default=0) + 2
    lines = [f"{'kind':<9}{'label':<{max(width, 7)}}{'language':<12}" + "".join(f"{name:>9}" for name in NAMES)]
    lines += [
        f"{kind:<9}{label:<{max(width, 7)}}{lang:<12}" + "".join(f"{found[name]:>9,}" for name in NAMES)
        for (kind, label, lang), found in table.items()
    ]
    return lines
