"""`annotate push`."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from annotate.cli.console import Console, common_options, counts
from annotate.cli.options import (
    agreement_overlap,
    given_sample,
    label_schema,
    overlap_option,
    project_option,
    project_title,
    rejects_option,
    sample_options,
    schema_option,
    settings,
    ui_languages,
    url_option,
)
from annotate.errors import OK, PARTIAL

if TYPE_CHECKING:
    from annotate.config import Config
    from annotate.labelstudio.client import Client
    from annotate.requeue import Progress, Requeue
    from annotate.schema import LabelSchema

SHOWN = 10
"""Annotated segments that are named one by one when a push retires them."""


@click.command(short_help="Segments to annotators in Label Studio.")
@click.argument("file")
@schema_option
@project_option
@click.option(
    "--region", "regions", multiple=True, metavar="R", help="Region to annotate (repeatable), or all [default: the schema's]."
)
@click.option("--language", "languages", multiple=True, metavar="TAG", help="Language to annotate (repeatable) [default: all].")
@click.option("--min-chars", type=click.IntRange(0), help="Leave out shorter segments [default: the schema's].")
@sample_options
@click.option("--requeue-before", metavar="VERSION", help="Ask again what was answered under an older schema version.")
@click.option("--annotators", metavar="A,B", help="Names; each gets a project of their own.")
@overlap_option
@click.option("--ui-language", metavar="TAG", help="Which of the schema's ui_languages annotators read [default: the first].")
@click.option(
    "--predictions",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="What a model says about the segments (JSONL), for annotators to begin from.",
)
@click.option("--prune", is_flag=True, help="Also retire tasks of documents that are not in FILE.")
@click.option("-n", "--dry-run", is_flag=True, help="Say what would be done; write nothing.")
@url_option
@rejects_option
@common_options
@click.pass_obj
def push(
    console: Console,
    file: str,
    schema: str | None,
    project: str | None,
    regions: tuple[str, ...],
    languages: tuple[str, ...],
    min_chars: int | None,
    annotators: str | None,
    sample: int | None,
    per: str | None,
    seed: int,
    dedupe: bool,
    requeue_before: str | None,
    overlap: int | None,
    ui_language: str | None,
    predictions: Path | None,
    prune: bool,
    dry_run: bool,
    url: str | None,
    rejects: Path | None,
) -> int:
    """Put the segments in FILE (- for standard input) to annotators in Label Studio. Repeating it changes nothing."""
    from annotate import workflow
    from annotate.labelstudio.connection import connect

    config = settings(schema=schema, project=project, annotators=annotators, ui_language=ui_language, url=url)
    labels = label_schema(config)
    with connect(config, os.environ) as client, console.progress("push") as progress:
        report, rejected = workflow.push(
            client,
            file,
            labels,
            project_title(config, labels),
            annotators=config.annotators,
            regions=regions,
            languages=languages,
            min_chars=min_chars,
            sample=given_sample(sample, per, seed),
            dedupe=dedupe,
            overlap=agreement_overlap(overlap, labels, config),
            prune=prune,
            dry_run=dry_run,
            ui_languages=ui_languages(config, labels),
            predictions=predictions,
            rejects=rejects,
            workspace=config.workspace,
            progress=progress,
        )
        again = _requeued(client, config, labels, requeue_before, dry_run, progress)
    for one in report.projects:
        guessed = f", {one.predictions:,} predictions" if one.predictions else ""
        reading = f", {one.characters:,} characters to read" if one.characters else ""
        console.note(f"{one.annotator or 'project'}: {counts(one.counts)}{reading}{guessed}  {one.url}")
        if one.refreshed:
            console.note(
                f"  {' and '.join(one.refreshed)}{' to be' if dry_run else ''} brought in step with the schema's words"
            )
        for gone in one.retires[:SHOWN]:
            console.note(f"  annotated, {'to be ' if dry_run else ''}retired: {gone.doc_id}  {gone.url}")
        if len(one.retires) > SHOWN:
            console.note(f"  and {len(one.retires) - SHOWN:,} more annotated ones (--json lists all)")
    if report.not_selected:
        console.note(f"{report.not_selected:,} segments not selected")
    for asked in again:
        console.note(f"{asked.annotator or 'project'}: {asked.marked:,} to look at again (tab: again), {asked.cleared:,} done")
    if report.copies:
        console.note(f"{report.copies:,} segments have a text that is asked elsewhere: pull gives them its answer")
    if rejected:
        console.note(f"rejected: {counts(rejected)}")
    if dry_run:
        console.note("dry run: nothing was written")
    console.document(
        report.totals
        | {
            "rejected": sum(rejected.values()),
            "not_selected": report.not_selected,
            "copies": report.copies,
            "again": sum(asked.marked for asked in again),
            "predictions": sum(one.predictions for one in report.projects),
            "projects": [{k: v for k, v in asdict(one).items() if k != "counts"} | dict(one.counts) for one in report.projects],
        }
    )
    return PARTIAL if rejected else OK


def _requeued(
    client: Client, config: Config, labels: LabelSchema, before: str | None, dry_run: bool, progress: Progress
) -> list[Requeue]:
    from annotate.requeue import requeue

    if before is None:
        return []
    return requeue(client, project_title(config, labels), before, dry_run=dry_run, progress=progress)
