"""`annotate review push|pull`."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import click

from annotate.cli.adjudicate import judges
from annotate.cli.console import Console, common_options, counts
from annotate.cli.options import (
    label_schema,
    project_option,
    project_title,
    rejects_option,
    schema_option,
    settings,
    url_option,
)
from annotate.errors import OK, PARTIAL


@click.group(short_help="Conflicts to a reviewer in Label Studio, decisions back.")
@common_options
def review() -> None:
    """Settle by hand what no rule settles: conflicts go to a project of their own, `TITLE · review`, decisions come back."""


@review.command()
@click.argument("file", default="gold.conflicts.jsonl")
@click.option("--named", is_flag=True, help="Say whose reading is whose; otherwise they are numbered, anew in each segment.")
@click.option("-n", "--dry-run", is_flag=True, help="Say what would be done; write nothing.")
@schema_option
@project_option
@url_option
@rejects_option
@common_options
@click.pass_obj
def push(
    console: Console,
    file: str,
    named: bool,
    dry_run: bool,
    schema: str | None,
    project: str | None,
    url: str | None,
    rejects: Path | None,
) -> int:
    """Send the conflicts in FILE to the review project, every reading as a prediction. Repeating it doubles nothing; what a
    reviewer has touched stays as it is."""
    from annotate import workflow
    from annotate.labelstudio.connection import connect

    config = settings(schema=schema, project=project, url=url)
    labels = label_schema(config)
    with connect(config, os.environ) as client, console.progress("review push") as progress:
        report, rejected = workflow.review_push(
            client,
            file,
            labels,
            project_title(config, labels),
            named=named,
            dry_run=dry_run,
            rejects=rejects,
            progress=progress,
        )
    numbers = {key: value for key, value in asdict(report).items() if key != "url"}
    console.note(f"review: {counts(numbers)}  {report.url}")
    if rejected:
        console.note(f"rejected: {counts(rejected)}")
    if dry_run:
        console.note("dry run: nothing was written")
    console.document(asdict(report) | {"rejected": sum(rejected.values())})
    return PARTIAL if rejected else OK


@review.command()
@click.argument("file", default="annotations.jsonl")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default="gold.jsonl",
    show_default=True,
    help="The gold records to make again with the decisions.",
)
@click.option("--rule", "rules", multiple=True, help="As of adjudicate [default: the rules the gold records were made by].")
@schema_option
@project_option
@url_option
@rejects_option
@common_options
@click.pass_obj
def pull(
    console: Console,
    file: str,
    output: Path,
    rules: tuple[str, ...],
    schema: str | None,
    project: str | None,
    url: str | None,
    rejects: Path | None,
) -> int:
    """Bring the decisions home, and adjudicate the annotations in FILE again with them. They are kept beside the gold records,
    in gold.decisions.jsonl, and no later adjudicate decides otherwise; to take one back, skip its task and pull again."""
    from annotate import workflow
    from annotate.labelstudio.connection import connect

    config = settings(schema=schema, project=project, url=url)
    labels = label_schema(config)
    with connect(config, os.environ) as client:
        report = workflow.review_pull(client, labels, project_title(config, labels), file, output, rules=rules, rejects=rejects)
    gold, rejected = report.gold, sum(report.rejected.values()) + sum(report.gold.rejected.values())
    console.note(
        f"{report.decisions:,} decisions ({report.new:,} new), {report.skipped:,} skipped, {report.drafts:,} drafts "
        f"({report.decisions_file})"
    )
    for line in judges(gold.adjudicators):
        console.note(line)
    console.note(f"{gold.gold:,} gold records, {gold.conflicts:,} conflicts ({gold.conflicts_file})")
    if rejected:
        console.note(f"rejected: {counts(report.rejected)}; {counts(gold.rejected)}")
    console.document(asdict(report) | {"rejected": rejected, "gold": asdict(gold) | {"rejected": sum(gold.rejected.values())}})
    return PARTIAL if rejected else OK
