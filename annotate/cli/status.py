"""`annotate status`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, replace
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
    sample_options,
    schema_option,
    settings,
    ui_languages,
    url_option,
)
from annotate.errors import FAILURE, OK, UsageError

if TYPE_CHECKING:
    from annotate.schema import LabelSchema
    from annotate.sync import Selection, Wanted

DEFAULT_FILE = "segments.jsonl"


@click.command(short_help="How far annotators are, and whether corpus and server are in step.")
@click.argument("file", required=False)
@schema_option
@project_option
@click.option("--region", "regions", multiple=True, metavar="R", help="As for push.")
@click.option("--language", "languages", multiple=True, metavar="TAG", help="As for push.")
@click.option("--min-chars", type=click.IntRange(0), help="As for push.")
@sample_options
@click.option("--annotators", metavar="A,B", help="As for push.")
@overlap_option
@click.option("--prune", is_flag=True, help="As for push.")
@url_option
@common_options
@click.pass_obj
def status(
    console: Console,
    file: str | None,
    schema: str | None,
    project: str | None,
    regions: tuple[str, ...],
    languages: tuple[str, ...],
    min_chars: int | None,
    sample: int | None,
    per: str | None,
    seed: int,
    dedupe: bool,
    annotators: str | None,
    overlap: int | None,
    prune: bool,
    url: str | None,
) -> int:
    """How far annotators are, by project, language and region, and what a push of FILE would change. Writes nothing.

    FILE is compared with the same options as for push [default: segments.jsonl in the workspace, if there]. With -q the answer
    is the exit code: 1 when a push would change something.
    """
    from annotate import sync
    from annotate.labelstudio.connection import connect

    config = settings(schema=schema, project=project, annotators=annotators, url=url)
    labels = label_schema(config)
    source = file or (DEFAULT_FILE if (config.workspace / DEFAULT_FILE).is_file() else "")
    selection = sync.select(labels, regions=regions, languages=languages, min_chars=min_chars)
    wanted = _wanted(Path(file) if file else config.workspace / source, labels, selection) if source else None
    if wanted:
        wanted = sync.narrowed(wanted, sample=given_sample(sample, per, seed), dedupe=dedupe)
    with connect(config, os.environ) as client:
        found = sync.status(
            client,
            labels,
            project_title(config, labels),
            wanted=wanted,
            selection=selection,
            annotators=config.annotators,
            overlap=agreement_overlap(overlap, labels, config),
            prune=prune,
            ui_languages=ui_languages(config, labels),
            workspace=config.workspace,
        )
    in_step = all(one.in_step for one in found)
    if not console.quiet:
        for one in found:
            console.data(f"{one.annotator or 'project'}: {_told(one.counts)}  {one.url or '(not made yet)'}")
            for title, groups in (("language", one.by_lang), ("region", one.by_region)):
                for name, numbers in groups.items():
                    console.data(f"  {title} {name}: {_told(numbers)}")
            if one.url and one.filled and not one.schema_in_step:
                console.data(f"  schema: the project has another than {labels.ref}, or other words")
            if any(one.out_of_step.values()):
                console.data(f"  a push now: {counts(one.out_of_step)}")
        if wanted and wanted.not_selected:
            console.note(f"{wanted.not_selected:,} segments not selected")
        if wanted and wanted.copies:
            console.note(f"{len(wanted.copies):,} segments have a text that is asked elsewhere")
        if not source:
            console.note(f"there is no {DEFAULT_FILE} in {config.workspace}: nothing to compare with")
        console.data("in step" if in_step else "out of step: annotate push")
    console.document(
        {
            "compared_with": source,
            "in_step": in_step,
            "not_selected": wanted.not_selected if wanted else 0,
            "copies": len(wanted.copies) if wanted else 0,
            "projects": [asdict(one) | {"in_step": one.in_step} for one in found],
        }
    )
    return FAILURE if console.quiet and not in_step else OK


def _wanted(source: Path, labels: LabelSchema, selection: Selection) -> Wanted:
    from annotate import sync
    from annotate.model import Segment
    from annotate.purged import kept
    from annotate.store import STDIO, Rejects, read_records

    if str(source) == STDIO:
        raise UsageError("status compares with a file, not with standard input", hint="annotate status segments.jsonl")
    with Rejects() as rejected:
        segments = read_records(source, Segment, rejected, step="status")
        segments = kept(segments, lambda segment: segment.doc_id, source, "status", rejected)  # as push does
        wanted = sync.wanted_tasks(segments, labels, selection, rejected, str(source))
    return replace(wanted, complete=not rejected.counts["unreadable"])


def _told(numbers: Mapping[str, int]) -> str:
    return ", ".join(f"{value:,} {name}" for name, value in numbers.items() if value or name != "retired")
