"""`annotate evaluate`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from annotate.cli.console import Console, common_options, counts
from annotate.cli.options import rejects_option
from annotate.errors import FINDINGS, OK, PARTIAL

if TYPE_CHECKING:
    from annotate.evaluation import Evaluation, Figures, LabelScores

LINES = (
    ("language", ("lang_acc", "lang_acc_close", "lang_doc", "lang_macro_f1")),
    ("language boundaries", ("boundaries", "boundary_p", "boundary_r", "boundary_f1")),
    ("documents in one language", ("mono_docs", "false_split", "mono_wrong")),
    ("documents in several", ("multi_docs", "multi_allfound")),
    ("region", ("region_acc", "region_macro_f1")),
    ("language and region", ("joint_acc", "joint_doc")),
    ("cookie notices", ("cookies", "cookie_exact", "cookie_exact_lang", "cookie_iou", "cookie_false")),
    ("body", ("body_p", "body_r", "body_f1", "body_purity", "body_recall")),
)
COLUMNS = ("documents", "lang_acc", "boundary_f1", "false_split", "region_acc", "joint_acc", "cookie_exact", "body_f1")
NAMED_MISSING = 8
"""Missing documents a person is told by name; `--json` lists all."""


@click.command(short_help="Measure a segmentation against a gold one.")
@click.argument("gold")
@click.argument("pred")
@click.option("--html", "words", is_flag=True, help="Align words [default: when the texts differ, as HTML readers make them].")
@click.option("--by", metavar="FIELD", default="", help="Figures by a field of the gold documents too, such as kind.")
@rejects_option
@common_options
@click.pass_obj
def evaluate(console: Console, gold: str, pred: str, words: bool, by: str, rejects: Path | None) -> int:
    """Measure the segmentation PRED against GOLD: languages, their boundaries, regions, cookie notices, body.

    Both are JSONL: segments as `annotate segment` writes them, or one document a line,
    {"id", "text", "segments": [{"start", "end", "lang", "region"}]}. By character; white space is not scored, text in no
    language (und) not for language. A boundary may be 5 characters off; a notice is found from an intersection over union
    of 0.9 on.

    Ends with 3 when gold documents have no prediction, with 5 when documents were rejected.
    """
    from annotate import evaluation

    result, rejected = evaluation.evaluate_files(gold, pred, words=words, by=by, rejects=rejects)
    for line in _report(result, by):
        console.data(line)
    if result.extra:
        console.note(f"{result.extra:,} predicted documents have no gold")
    if rejected:
        console.note(f"{sum(rejected.values()):,} rejected: {counts(rejected)}")
    if result.missing:
        named = ", ".join(result.missing[:NAMED_MISSING]) + (" …" if len(result.missing) > NAMED_MISSING else "")
        console.note(f"{len(result.missing):,} gold documents have no prediction and are not in the figures: {named}")
    console.document(result.to_json() | {"rejected": sum(rejected.values())})
    if result.missing:
        return FINDINGS
    return PARTIAL if rejected else OK


def _report(result: Evaluation, by: str) -> list[str]:
    figures = result.figures
    how = "by character" if result.method == "characters" else f"by aligned words, {_text(figures.coverage)} of them found"
    lines = [f"{figures.documents:,} documents, {figures.characters:,} characters, {how}", ""]
    lines += [f"{head:<26}" + "   ".join(f"{name} {_figure(figures, name)}" for name in names) for head, names in LINES]
    lines += _labels("region", result.by_region) + _labels("language", result.by_lang)
    if result.by:
        width = max(16, *(len(value) for value in result.by)) + 2
        lines += ["", f"{by:<{width}}" + "".join(f"{name:>13}" for name in COLUMNS)]
        lines += [f"{key:<{width}}" + "".join(f"{_figure(part, n):>13}" for n in COLUMNS) for key, part in result.by.items()]
    return lines


def _labels(what: str, scores: Mapping[str, LabelScores]) -> list[str]:
    lines = ["", f"{what:<16}{'precision':>10}{'recall':>10}{'f1':>10}{'characters':>12}  taken for"]
    for label, score in scores.items():
        taken = "  ".join(f"{other or '(not there)'} {share:.1%}" for other, share in score.taken_for.items())
        cells = "".join(f"{_text(value):>10}" for value in (score.precision, score.recall, score.f1))
        lines.append(f"{label:<16}{cells}{score.characters:>12,}  {taken}".rstrip())
    return lines


def _figure(figures: Figures, name: str) -> str:
    return _text(getattr(figures, name))


def _text(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"
