"""`annotate segment`."""

from __future__ import annotations

from pathlib import Path

import click

from annotate.cli.console import Console, common_options, counts
from annotate.cli.options import rejects_option
from annotate.errors import FAILURE, OK, PARTIAL


@click.command(short_help="Documents into segments of one language and region.")
@click.argument("inputs", nargs=-1, required=True)
@click.option("-o", "--output", default="-", show_default="stdout", help="Where the segments go (JSONL).")
@click.option(
    "--format", metavar="txt|html|jsonl", default="", help="Format of standard input and of files without a known suffix."
)
@click.option("--lang", "languages", multiple=True, metavar="TAG", help="Languages to choose from (repeatable) [default: all].")
@click.option("--detector", default="", help="Language detector: py3langid (default) or langdetect.")
@click.option("--model", type=click.Path(dir_okay=False, path_type=Path), help="Region model [default: the shipped one].")
@click.option("--resegment", is_flag=True, help="Also redo unchanged documents that OUTPUT holds already.")
@click.option("--corpus-cues", is_flag=True, help="Take lines that recur across a site's documents for boilerplate.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes; the output is the same.")
@rejects_option
@common_options
@click.pass_obj
def segment(
    console: Console,
    inputs: tuple[str, ...],
    output: str,
    format: str,
    languages: tuple[str, ...],
    detector: str,
    model: Path | None,
    resegment: bool,
    corpus_cues: bool,
    workers: int,
    rejects: Path | None,
) -> int:
    """Tile documents into segments of one language and one page region.

    Documents that OUTPUT holds already, unchanged, keep their tiling: what is annotated stays where it is.

    INPUTS are .txt, .html and .jsonl files (also .gz, .zst), folders of them, or - for JSONL on standard input.
    """
    from annotate import workflow
    from annotate.detectors import DEFAULT

    with console.progress("segment") as progress:
        report = workflow.segment(
            inputs,
            output,
            format=format,
            detector=detector or DEFAULT,
            languages=languages,
            model=model,
            corpus_cues=corpus_cues,
            resegment=resegment,
            workers=workers,
            rejects=rejects,
            progress=progress,
        )
    rejected = sum(report.rejected.values())
    console.note(
        f"{report.documents:,} documents, {report.segments:,} segments ({counts(report.by_lang)}; {counts(report.by_region)})"
    )
    if rejected:
        console.note(f"{rejected:,} rejected: {counts(report.rejected)}")
    if output != "-":
        console.document(
            {
                "documents": report.documents,
                "segments": report.segments,
                "rejected": rejected,
                "by_lang": report.by_lang,
                "by_region": report.by_region,
            }
        )
    if rejected and not report.documents:
        return FAILURE
    return PARTIAL if rejected else OK
