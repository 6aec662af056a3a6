"""`annotate pull`."""

from __future__ import annotations

import os
from pathlib import Path

import click

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
from annotate.errors import FINDINGS, OK, PARTIAL


@click.command(short_help="Annotations back from Label Studio.")
@click.option("-o", "--output", default="annotations.jsonl", show_default=True, help="Where the annotations go (JSONL), or -.")
@schema_option
@project_option
@click.option("--annotators", metavar="A,B", help="Only these annotators' projects [default: all of the title].")
@click.option("--all", "fresh", is_flag=True, help="Read everything from the server again; the outcome is the same.")
@click.option("--strict", is_flag=True, help="Exit with 3 when anything is rejected.")
@click.option("--retired", is_flag=True, help="Also annotations of retired tasks.")
@url_option
@rejects_option
@common_options
@click.pass_obj
def pull(
    console: Console,
    output: str,
    schema: str | None,
    project: str | None,
    annotators: str | None,
    fresh: bool,
    strict: bool,
    retired: bool,
    url: str | None,
    rejects: Path | None,
) -> int:
    """Bring annotations home: one row per segment and annotator, every span checked against the text."""
    from annotate import workflow
    from annotate.labelstudio.connection import connect
    from annotate.store import rejects_beside

    config = settings(schema=schema, project=project, url=url)
    labels = label_schema(config)
    names = [name.strip() for name in (annotators or "").split(",") if name.strip()]
    with connect(config, os.environ) as client, console.progress("pull") as progress:
        report = workflow.pull(
            client,
            labels,
            project_title(config, labels),
            output,
            annotators=names,
            with_retired=retired,
            fresh=fresh,
            rejects=rejects,
            workspace=config.workspace,
            progress=progress,
        )
    rejected = sum(report.rejected.values())
    console.note(
        f"{report.annotations:,} annotations ({report.empty:,} of them empty), {report.skipped:,} skipped, "
        f"{report.drafts:,} drafts, {report.removed:,} gone since the last pull; by annotator: {counts(report.by_annotator)}"
    )
    if rejected:
        console.note(f"rejected: {counts(report.rejected)}")
    if rejected or report.drafts or report.removed:
        console.note(f"see {rejects or rejects_beside(output, 'pull')}")
    if output != "-":
        console.document(
            {
                "annotations": report.annotations,
                "skipped": report.skipped,
                "empty": report.empty,
                "drafts": report.drafts,
                "rejected": rejected,
                "removed": report.removed,
            }
        )
    if rejected and strict:
        return FINDINGS
    return PARTIAL if rejected else OK
