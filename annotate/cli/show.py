"""`annotate show`."""

from __future__ import annotations

from pathlib import Path

import click

from annotate.cli.console import Console, common_options, counts
from annotate.cli.options import rejects_option
from annotate.errors import OK, PARTIAL


@click.command(short_help="A page to look at a segmentation.")
@click.argument("segments")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True),
    default="-",
    show_default="stdout",
    help="Where the page goes (HTML).",
)
@click.option("--sample", type=click.IntRange(1), default=200, show_default=True, help="Documents on the page.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the sample.")
@rejects_option
@common_options
@click.pass_obj
def show(console: Console, segments: str, output: str, sample: int, seed: int, rejects: Path | None) -> int:
    """Make one HTML page of SEGMENTS: the segments of a sample of documents, coloured by region, with language and scores, to
    filter and search, and what the whole corpus holds. The page is complete in itself and loads nothing."""
    from annotate import report

    done = report.show(segments, output, sample=sample, seed=seed, rejects=rejects)
    rejected = sum(done.rejected.values())
    console.note(f"{done.shown:,} of {done.documents:,} documents on the page, {done.segments:,} segments in all")
    if rejected:
        console.note(f"{rejected:,} rejected: {counts(done.rejected)}")
    if output != "-":
        numbers = {"documents": done.documents, "shown": done.shown, "segments": done.segments, "characters": done.characters}
        console.document({"path": output, **numbers, "rejected": rejected})
    return PARTIAL if rejected else OK
