"""`annotate agree`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from annotate.cli.console import Console, common_options, counts
from annotate.cli.options import given_schema, rejects_option, schema_option
from annotate.errors import OK, PARTIAL

if TYPE_CHECKING:
    from annotate.agreement import Agreement, Score, SpanScores, TopicScores

S = TypeVar("S", "SpanScores", "TopicScores")


@click.command(short_help="Agreement between annotators.")
@click.argument("file", default="annotations.jsonl")
@schema_option
@click.option(
    "--bootstrap", type=click.IntRange(0), default=1000, show_default=True, help="Resamples behind the intervals; 0 for none."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the resampling.")
@click.option("--names", is_flag=True, help="Show the annotators' names; otherwise they are A1, A2 …")
@rejects_option
@common_options
@click.pass_obj
def agree(console: Console, file: str, schema: str | None, bootstrap: int, seed: int, names: bool, rejects: Path | None) -> int:
    """Agreement between the annotators in FILE: α and κ for topics, F1 for spans, by language, region and pair."""
    from annotate import workflow

    report, rejected = workflow.agree(
        file, schema=given_schema(schema), bootstrap=bootstrap, seed=seed, names=names, rejects=rejects
    )
    for line in _table(report.overall):
        console.data(line)
    for dimension, parts in report.by.items():
        console.data("\n" + _head(f"by {dimension}", "exact F1", *(f"alpha {group}" for group in report.overall.topics)))
        for key, part in parts.items():
            figures = [part.spans.exact_f1, *(topic.alpha for topic in part.topics.values())]
            console.data(_row(f"  {key}", figures, part.segments))
    console.note(f"left out: {counts(report.left_out)}")
    console.document(report.to_json() | {"rejected": sum(rejected.values())})
    return PARTIAL if rejected else OK


def _table(overall: Agreement) -> list[str]:
    annotators = f"{overall.annotators} annotators, {overall.documents:,} documents"
    lines = [f"{overall.segments:,} segments by two annotators or more ({annotators})", ""]
    lines += [_head("spans", "exact F1", "relaxed F1"), _row("all", _span_scores(overall.spans), overall.spans.n)]
    lines += _by_label(overall.spans.labels, _span_scores)
    for group, topic in overall.topics.items():
        lines += ["", _head(group, "alpha", f"kappa ({overall.kappa_method})"), _row("all", _topic_scores(topic), topic.n)]
        lines += _by_label(topic.labels, _topic_scores)
    return lines


def _span_scores(scores: SpanScores) -> list[Score]:
    return [scores.exact_f1, scores.relaxed_f1]


def _topic_scores(scores: TopicScores) -> list[Score]:
    return [scores.alpha, scores.kappa]


def _by_label(labels: Mapping[str, S], pick: Callable[[S], list[Score]]) -> list[str]:
    return [_row(f"  {label}", pick(scores), scores.n) for label, scores in labels.items() if scores.uses]


def _head(what: str, *figures: str) -> str:
    return f"{what:<24}" + "".join(f"{figure:>24}" for figure in figures) + f"{'segments':>10}"


def _row(name: str, scores: Sequence[Score], segments: int) -> str:
    reasons = "; ".join(dict.fromkeys(score.reason for score in scores if score.reason))
    return (
        f"{name:<24}"
        + "".join(f"{_figure(score):>24}" for score in scores)
        + f"{segments:>10}"
        + (f"  {reasons}" if reasons else "")
    )


def _figure(score: Score) -> str:
    if score.value is None:
        return "undefined"
    interval = f" [{score.interval[0]:.2f}, {score.interval[1]:.2f}]" if score.interval else ""
    return f"{score.value:.3f}{interval}"
