"""`annotate carry`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from annotate.cli.console import Console, common_options, counts
from annotate.cli.options import rejects_option
from annotate.errors import OK, PARTIAL

_file = click.Path(dir_okay=False, path_type=Path)


@click.command(short_help="Annotations moved to a new segmentation.")
@click.argument("old", type=_file)
@click.argument("new", type=_file)
@click.argument("annotations", type=_file)
@click.option("-o", "--output", default="carried.jsonl", show_default=True, help="Where the annotations go (JSONL), or -.")
@rejects_option
@common_options
@click.pass_obj
def carry(console: Console, old: Path, new: Path, annotations: Path, output: str, rejects: Path | None) -> int:
    """Move ANNOTATIONS from the segments in OLD to those in NEW, by their place in the documents.

    A span moves when one new segment holds it; topics when a new segment holds almost the text they were given for; a new
    segment counts as annotated when almost all of it was. The rest is rejected, with the reason.
    """
    from annotate.carry import carry_files

    report = carry_files(old, new, annotations, output, rejects=rejects)
    console.note(
        f"{report.annotations_in:,} annotations in, {report.annotations_out:,} out ({report.unchanged:,} unchanged); "
        f"spans: {report.spans_in:,} in, {report.spans_out:,} out"
    )
    if report.rejected:
        console.note(f"rejected: {counts(report.rejected)}")
    if output != "-":
        console.document(asdict(report) | {"rejected": sum(report.rejected.values())})
    return PARTIAL if report.rejected else OK
