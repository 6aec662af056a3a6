"""`annotate train-segmenter`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from annotate.cli.console import Console, common_options, counts
from annotate.cli.options import rejects_option
from annotate.errors import OK, PARTIAL

if TYPE_CHECKING:
    from annotate.evaluation import Figures
    from annotate.training import TrainingReport

FIGURES = ("region_acc", "region_macro_f1", "body_f1", "cookie_exact", "cookie_false")


@click.command(short_help="Fit the region model to documents whose tiling was corrected.")
@click.argument("gold")
@click.option(
    "-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Where the model goes (.npz)."
)
@click.option(
    "--model", type=click.Path(dir_okay=False, path_type=Path), help="Begin with this model [default: the shipped one]."
)
@rejects_option
@common_options
@click.pass_obj
def train_segmenter(console: Console, gold: str, output: Path, model: Path | None, rejects: Path | None) -> int:
    """Adapt the shipped region model to corrected documents, for `annotate segment --model`.

    GOLD is JSONL: segments as `annotate segment` writes them, with regions and offsets corrected, or one document a line,
    {"id", "text", "segments": [{"start", "end", "lang", "region"}]}, or with "html" instead of "text".

    The report is of documents that were held back. When the change shows no gain on them, the model that was there is written
    unchanged.
    """
    for library in ("OPENBLAS", "OMP", "MKL"):
        # Sums come out the same with any number of threads only when there is one. Read when numpy is loaded, below.
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    from annotate import training

    with console.progress("train") as progress:
        report = training.train_segmenter(gold, output, model=model, rejects=rejects, progress=progress)
    for line in _lines(report):
        console.data(line)
    rejected = sum(report.rejected.values())
    if rejected:
        console.note(f"{rejected:,} rejected: {counts(report.rejected)}")
    console.document(
        {
            "documents": report.documents,
            "sites": report.sites,
            "held_back": report.documents if report.parts else 0,
            "parts": report.parts,
            "by_site": report.by_site,
            "changed": report.changed,
            "pull": report.pull,
            "before": report.before.to_json() if report.before else {},
            "after": report.after.to_json() if report.after else {},
            "rejected": rejected,
        }
    )
    return PARTIAL if rejected else OK


def _lines(report: TrainingReport) -> list[str]:
    lines = [f"{report.documents:,} documents of {report.sites:,} sites"]
    if not (report.before and report.after):
        return [*lines, "too few to hold any back: the model is written unchanged"]
    whole = "whole sites" if report.by_site else "documents, not of whole sites: the figures hold for these sites only"
    lines += [f"all held back once, in {report.parts} parts of {whole}", "", f"{'':<18}{'before':>10}{'after':>10}"]
    lines += [_row(name, report.before.figures, report.after.figures) for name in FIGURES]
    lines += ["", f"{'F1 of region':<18}{'before':>10}{'after':>10}{'characters':>12}"]
    for label, was in report.before.by_region.items():
        now = report.after.by_region[label]
        lines.append(f"{label:<18}{_text(was.f1):>10}{_text(now.f1):>10}{was.characters:>12,}")
    if report.changed:
        return [*lines, "", f"the model is changed, pulled back with a penalty of {report.pull:g}"]
    return [*lines, "", "no gain that shows: the model is written unchanged"]


def _row(name: str, before: Figures, after: Figures) -> str:
    return f"{name:<18}{_text(getattr(before, name)):>10}{_text(getattr(after, name)):>10}"


def _text(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"
