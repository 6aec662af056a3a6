"""`annotate export`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from annotate.cli.console import Console, common_options, counts
from annotate.cli.options import rejects_option, schema_option, schema_path, settings_near
from annotate.errors import OK, PARTIAL, UsageError

_FILE = click.Path(dir_okay=False, exists=True, path_type=Path)


@click.command(short_help="Gold records into a dataset (spaCy, JSONL).")
@click.argument("gold")
@click.argument("out", required=False)
@schema_option
@click.option(
    "--format",
    "formats",
    multiple=True,
    metavar="F",
    help="spacy, jsonl, spacy-json, doccano, iob2, hf, webanno or raw (repeatable) [default: spacy, jsonl].",
)
@click.option("--align", default="contract", show_default=True, help="Spans off token boundaries: contract, strict or expand.")
@click.option("--splits", default="80/10/10", show_default=True, help="Train/dev/test shares, by source document.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the splits.")
@click.option("--name", default="", help="Name of the dataset [default: the schema's].")
@click.option("--language", "languages", multiple=True, metavar="TAG", help="Only these languages (repeatable).")
@click.option("--region", "regions", multiple=True, metavar="R", help="Only these regions (repeatable).")
@click.option("--annotator", "annotators", multiple=True, metavar="A", help="Only records this annotator had a part in.")
@click.option("--decision", "decisions", multiple=True, metavar="D", help="Only records decided so: unanimous, majority …")
@click.option("--schema-version", "schema_versions", multiple=True, metavar="V", help="Only records of this schema version.")
@click.option("--since", default="", metavar="DATE", help="Only records last answered on this day (UTC) or later.")
@click.option("--until", default="", metavar="DATE", help="Only records last answered on this day (UTC) or earlier.")
@click.option(
    "--accept-schema",
    "accept_schemas",
    multiple=True,
    metavar="V",
    help="Also records of this version of the schema; labels it did not have count as absent.",
)
@click.option("--annotations", type=_FILE, help="For dates and raw [default: annotations.jsonl beside GOLD].")
@click.option("--segments", type=_FILE, help="Reject records that are not in this corpus, or have another text there.")
@click.option("--names", is_flag=True, help="Keep the annotators' names in raw; otherwise they are A1, A2 …")
@click.option("--spacy-config", is_flag=True, help="Add a configuration for `spacy train` to each language.")
@click.option("--tokens", is_flag=True, help="Add tokens to the JSONL, and token offsets to its spans.")
@click.option("--licence", default="", help="Licence for the dataset card.")
@rejects_option
@common_options
@click.pass_obj
def export(
    console: Console,
    /,
    gold: str,
    out: str | None,
    schema: str | None,
    formats: tuple[str, ...],
    align: str,
    splits: str,
    seed: int,
    name: str,
    languages: tuple[str, ...],
    regions: tuple[str, ...],
    tokens: bool,
    rejects: Path | None,
    **options: Any,
) -> int:
    """Write the gold records in GOLD as a dataset: spaCy DocBins, JSONL, card and manifest.

    OUT defaults to exports/NAME in the workspace; - prints the JSONL instead.
    """
    from annotate import schema as schemas
    from annotate import workflow

    config = settings_near(gold, schema=schema)
    file = schema_path(config)
    labels = schemas.load(file)
    if out == "-":
        if set(formats) != {"jsonl"}:
            raise UsageError("only JSONL goes to standard output", hint="add --format jsonl")
        if given := [f"--{name.replace('_', '-')}" for name, value in options.items() if value]:
            raise UsageError(f"{', '.join(given)}: not for standard output", hint="name a folder")
        _, rejected = workflow.stream_jsonl(
            gold,
            schema=labels,
            splits=splits,
            seed=seed,
            languages=languages,
            regions=regions,
            tokens=tokens,
            rejects=rejects,
        )
        return PARTIAL if rejected else OK
    report = workflow.export(
        gold,
        Path(out) if out else config.workspace / "exports" / (name or labels.name),
        schema=labels,
        schema_file=file,
        formats=formats or ("spacy", "jsonl"),
        align=workflow.alignment(align),
        splits=splits,
        seed=seed,
        name=name,
        languages=languages,
        regions=regions,
        tokens=tokens,
        rejects=rejects,
        **options,
    )
    console.data(str(report.path))
    console.note(f"{report.records:,} records in {len(report.files)} files; not selected: {counts(report.not_selected)}")
    kept = report.spans_in - sum(report.rejected_spans.values())
    console.note(_balance("spans", report.spans_in, kept, report.rejected_spans))
    for kind, numbers in report.formats.items():
        moved = f"; {numbers['adjusted']:,} moved to tokens" if numbers["adjusted"] else ""
        console.note(_balance(kind, numbers["spans_in"], numbers["spans_out"], numbers["rejected_by"]) + moved)
    if align == "strict":
        _list_misaligned(console, report.path / "rejects.jsonl")
    if report.rejected:
        console.note(_where(report.rejected, report.taken_down, rejects, report.path / "rejects.jsonl"))
    console.document(asdict(report) | {"path": str(report.path)})
    return report.exit_code


def _where(rejected: int, taken_down: int, asked: Path | None, listed: Path) -> str:
    """Where rejects can be read. The dataset does not name documents taken down: they are written only where `--rejects` asks
    for it."""
    where = asked or (listed if rejected > taken_down else None)
    told = f"{rejected:,} rejected" + (f": see {where}" if where else "")
    if asked or not taken_down:
        return told
    return f"{told}; {taken_down:,} taken down: --rejects FILE writes them down"


def _balance(what: str, spans_in: int, spans_out: int, rejected: Mapping[str, int]) -> str:
    lost = f" ({counts(rejected)})" if rejected else ""
    return f"{what}: {spans_in:,} in = {spans_out:,} out + {sum(rejected.values()):,} rejected{lost}"


def _list_misaligned(console: Console, file: Path) -> None:
    """Every span that is not made of whole tokens, with its text and the tokens there."""
    from annotate.model import Reject
    from annotate.store import read_records

    if file.exists():
        for item in read_records(file, Reject, lambda _: None, step="export"):
            if item.code == "misaligned":
                console.note(f"{item.id}: {item.reason}")
