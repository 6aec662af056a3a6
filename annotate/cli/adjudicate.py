"""`annotate adjudicate`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import click

from annotate.cli.console import Console, common_options, counts
from annotate.cli.options import given_schema, rejects_option, schema_option
from annotate.errors import OK, PARTIAL


@click.command(short_help="Annotations into gold records and conflicts.")
@click.argument("file")
@click.option("-o", "--output", default="gold.jsonl", show_default=True, help="Where the gold records go (JSONL), or -.")
@click.option(
    "--rule",
    "rules",
    multiple=True,
    default=["unanimous"],
    show_default=True,
    help="unanimous, majority, threshold=SHARE, ground-truth or annotator=NAME; each further one (repeatable) is asked what is "
    "left open.",
)
@click.option("--names", is_flag=True, help="Keep the annotators' names; otherwise they are A1, A2 …")
@schema_option
@rejects_option
@common_options
@click.pass_obj
def adjudicate(
    console: Console,
    file: str,
    output: str,
    rules: tuple[str, ...],
    names: bool,
    schema: str | None,
    rejects: Path | None,
) -> int:
    """Settle the annotations in FILE: one gold record per segment, or one conflict that says what is open.

    A majority is more than half; a tie is left open. What adjudicators have decided (annotate review) is never decided anew.
    """
    from annotate import workflow

    report = workflow.adjudicate(file, output, rules=rules, schema=given_schema(schema), names=names, rejects=rejects)
    console.note(f"{report.gold:,} gold records, {report.conflicts:,} conflicts ({report.conflicts_file})")
    for line in judges(report.adjudicators):
        console.note(line)
    if report.rejected:
        console.note(f"rejected: {counts(report.rejected)}")
    if output != "-":
        console.document(asdict(report) | {"rejected": sum(report.rejected.values())})
    return PARTIAL if report.rejected else OK


def judges(adjudicators: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    """Who decided how much, and who was judge in their own cause."""
    for name, numbers in adjudicators.items():
        own = f"; {numbers['own']:,} of them about segments they annotated themselves" if numbers["own"] else ""
        yield f"{name} decided {numbers['decisions']:,}{own}"
