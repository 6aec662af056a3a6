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
from annotate.errors import OK, PARTIAL


@click.command(short_help="Annotations back from Label Studio.")
@click.option("-o", "--output", default="annotations.jsonl", show_default=True, help="Where the annotations go (JSONL), or -.")
@schema_option
@project_option
@click.option("--annotators", metavar="A,B", help="Only these annotators' projects [default: all of the title].")
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
    retired: bool,
    url: str | None,
    rejects: Path | None,
) -> int:
    """Bring annotations home: one row per segment and annotator, every span checked against the text."""
    from annotate import workflow
    from annotate.labelstudio.connection import connect

    config = settings(schema=schema, project=project, url=url)
    labels = label_schema(config)
    names = [name.strip() for name in (annotators or "").split(",") if name.strip()]
    with connect(config, os.environ) as client:
        report = workflow.pull(
            client, labels, project_title(config, labels), output, annotators=names, with_retired=retired, rejects=rejects
        )
    rejected = sum(report.rejected.values())
    console.note(
        f"{report.annotations:,} annotations ({report.empty:,} of them empty), {report.skipped:,} skipped, "
        f"{report.drafts:,} drafts, {report.removed:,} gone since the last pull; by annotator: {counts(report.by_annotator)}"
    )
    if rejected:
        console.note(f"rejected: {counts(report.rejected)}")
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
    return PARTIAL if rejected else OK
