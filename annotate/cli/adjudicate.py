"""`annotate adjudicate`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from annotate.cli.console import Console, common_options, counts
from annotate.cli.options import given_schema, rejects_option, schema_option
from annotate.errors import OK, PARTIAL


@click.command(short_help="Annotations into gold records and conflicts.")
@click.argument("file")
@click.option("-o", "--output", default="gold.jsonl", show_default=True, help="Where the gold records go (JSONL), or -.")
@click.option("--rule", default="unanimous", show_default=True, help="unanimous, majority, ground-truth or annotator=NAME.")
@click.option("--names", is_flag=True, help="Keep the annotators' names; otherwise they are A1, A2 …")
@schema_option
@rejects_option
@common_options
@click.pass_obj
def adjudicate(
    console: Console, file: str, output: str, rule: str, names: bool, schema: str | None, rejects: Path | None
) -> int:
    """Settle the annotations in FILE: one gold record per segment, or one conflict that says what is open."""
    from annotate import workflow

    report = workflow.adjudicate(file, output, rule=rule, schema=given_schema(schema), names=names, rejects=rejects)
    console.note(f"{report.gold:,} gold records, {report.conflicts:,} conflicts ({report.conflicts_file})")
    if report.rejected:
        console.note(f"rejected: {counts(report.rejected)}")
    if output != "-":
        console.document(asdict(report) | {"rejected": sum(report.rejected.values())})
    return PARTIAL if report.rejected else OK
