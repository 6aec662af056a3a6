"""`annotate export`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from annotate.cli.console import Console, common_options, counts
from annotate.cli.options import rejects_option, schema_option, schema_path, settings_near
from annotate.errors import OK, PARTIAL, UsageError


@click.command(short_help="Gold records into a dataset (spaCy, JSONL).")
@click.argument("gold")
@click.argument("out", required=False)
@schema_option
@click.option(
    "--format",
    "formats",
    multiple=True,
    metavar="F",
    help="spacy, jsonl, spacy-json, doccano, iob2, hf or webanno (repeatable) [default: spacy, jsonl].",
)
@click.option("--align", default="contract", show_default=True, help="Spans off token boundaries: contract, strict or expand.")
@click.option("--splits", default="80/10/10", show_default=True, help="Train/dev/test shares, by source document.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the splits.")
@click.option("--name", default="", help="Name of the dataset [default: the schema's].")
@click.option("--language", "languages", multiple=True, metavar="TAG", help="Only these languages (repeatable).")
@click.option("--region", "regions", multiple=True, metavar="R", help="Only these regions (repeatable).")
@click.option("--tokens", is_flag=True, help="Add tokens to the JSONL, and token offsets to its spans.")
@click.option("--licence", default="", help="Licence for the dataset card.")
@rejects_option
@common_options
@click.pass_obj
def export(
    console: Console,
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
    licence: str,
    rejects: Path | None,
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
        licence=licence,
        rejects=rejects,
    )
    console.data(str(report.path))
    console.note(
        f"{report.records:,} records in {len(report.files)} files; spans: {report.spans_in:,} in, {report.spans_out:,} out"
    )
    for kind, numbers in report.formats.items():
        console.note(f"{kind}: {counts(numbers)}")
    if report.rejected:
        console.note(f"{report.rejected:,} rejected: see {report.path / 'rejects.jsonl'}")
    console.document(asdict(report) | {"path": str(report.path)})
    return report.exit_code
