"""`annotate import`."""

from __future__ import annotations

from pathlib import Path

import click

from annotate.cli.console import Console, common_options, counts
from annotate.cli.options import label_schema, rejects_option, schema_option, settings_near
from annotate.errors import OK, PARTIAL


@click.command("import", short_help="Other tools' data into gold records or annotations.")
@click.argument("files", nargs=-1, required=True)
@click.option("--format", "format_", required=True, metavar="F", help="prodigy, doccano, spacy, iob2 or label-studio.")
@click.option("-o", "--output", help="Where the records go (JSONL), or - [default: gold.jsonl or annotations.jsonl].")
@click.option("--as", "kind", metavar="KIND", help="gold or annotations [default: gold; annotations from Label Studio].")
@click.option("--lang", default="und", show_default=True, metavar="TAG", help="Language of texts that name none.")
@click.option("--region", default="body", show_default=True, metavar="R", help="Page region of texts that name none.")
@click.option("--annotator", default="", metavar="NAME", help="Annotator of answers that name none [default: the format].")
@schema_option
@rejects_option
@common_options
@click.pass_obj
def import_(
    console: Console,
    files: tuple[str, ...],
    format_: str,
    output: str | None,
    kind: str | None,
    lang: str,
    region: str,
    annotator: str,
    schema: str | None,
    rejects: Path | None,
) -> int:
    """Read FILES (or all files of the format in folders) that another tool or `annotate export` wrote.

    The labels are those of the schema and their aliases. Splits that the files carry are kept in gold.splits.jsonl.
    """
    from annotate import importers, workflow

    wanted = importers.kind_of(format_, kind)
    labels = label_schema(settings_near(files[0], schema=schema))
    target = output or f"{wanted}.jsonl"
    assumed = importers.Settings(labels, lang, region, annotator)
    report = workflow.import_(files, target, format=format_, settings=assumed, kind=wanted, rejects=rejects)
    console.note(f"{report.records:,} {wanted} records; spans: {report.spans_in:,} in, {report.spans_out:,} out")
    if report.splits:
        console.note(f"splits of {report.splits:,} documents: {report.splits_file}")
    if report.rejected:
        console.note(f"rejected: {counts(report.rejected)} (of spans: {counts(report.rejected_spans)})")
    if target != "-":
        console.document(
            {
                "path": target,
                "kind": wanted,
                "records": report.records,
                "spans_in": report.spans_in,
                "spans_out": report.spans_out,
                "rejected": sum(report.rejected.values()),
                "splits": report.splits,
            }
        )
    return PARTIAL if report.rejected else OK
