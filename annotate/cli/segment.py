"""`annotate segment`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from annotate.cli.console import Console, common_options, counts
from annotate.cli.options import rejects_option
from annotate.errors import FAILURE, OK, PARTIAL, UsageError

if TYPE_CHECKING:
    from annotate.tiling import UnitExplanation


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
@click.option("--explain", is_flag=True, help="Print instead, unit by unit, the scores that decide language and region.")
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
    explain: bool,
    workers: int,
    rejects: Path | None,
) -> int:
    """Tile documents into segments of one language and one page region.

    Documents that OUTPUT holds already, unchanged, keep their tiling: what is annotated stays where it is.

    INPUTS are .txt, .html and .jsonl files (also .gz, .zst), folders of them, or - for JSONL on standard input.
    """
    for library in ("OPENBLAS", "OMP", "MKL"):
        # A document is too small a job for several threads: they wait for each other. Read when numpy is loaded, below.
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    from annotate import workflow
    from annotate.detectors import DEFAULT

    if explain:
        if output != "-":
            raise UsageError("--explain prints and writes no segments", hint="leave out --output")
        options = {"format": format, "detector": detector or DEFAULT, "languages": languages, "model": model}
        return _explain(console, inputs, rejects, corpus_cues=corpus_cues, **options)
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


def _explain(console: Console, inputs: Sequence[str], rejects: Path | None, **options: Any) -> int:
    from annotate import workflow
    from annotate.store import STDIO, Rejects, rejects_beside

    told = []
    count = 0
    with Rejects(rejects or rejects_beside(STDIO, "segment")) as rejected:
        for document, units in workflow.explain(inputs, rejected, **options):
            count += 1
            console.data("\n\n".join([f"# {document.doc_id}", *map(_block, units)]) + "\n")
            if console.json:
                told.append({"doc_id": document.doc_id, "units": [asdict(unit) for unit in units]})
    console.document({"documents": told, "rejected": rejected.total})
    if rejected.total:
        console.note(f"{rejected.total:,} rejected: {counts(rejected.counts)}")
    if rejected.total and not count:
        return FAILURE
    return PARTIAL if rejected.total else OK


def _block(unit: UnitExplanation) -> str:
    langs, regions = (
        ", ".join(f"{name} {score:.2f}" for name, score in scores) or "says nothing" for scores in (unit.langs, unit.regions)
    )
    return "\n".join(
        [
            f"{unit.start}–{unit.end} ({unit.gap}) {' '.join(unit.text.split())}",
            f"  language  {unit.lang:<14} {langs}",
            f"  region    {unit.region:<14} {regions}",
        ]
    )
