"""`annotate agree`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from annotate.cli.console import Console, common_options, counts
from annotate.cli.options import given_schema, label_studio_url, rejects_option, schema_option, settings
from annotate.errors import OK, PARTIAL

if TYPE_CHECKING:
    from annotate.agreement import Agreement, Confused, Costly, Report, Score, SpanScores, TopicScores

S = TypeVar("S", "SpanScores", "TopicScores")

CONFUSED = 10
"""Pairs of labels that are listed; `--json` and `--html` have all."""


@click.command(short_help="Agreement between annotators.")
@click.argument("file", default="annotations.jsonl")
@schema_option
@click.option(
    "--bootstrap", type=click.IntRange(0), default=1000, show_default=True, help="Resamples behind the intervals; 0 for none."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the resampling.")
@click.option(
    "--worst", type=click.IntRange(0), default=10, show_default=True, help="List that many segments agreement is lost in."
)
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Also write the report as one HTML page.")
@click.option("--names", is_flag=True, help="Show the annotators' names; otherwise they are A1, A2 …")
@rejects_option
@common_options
@click.pass_obj
def agree(
    console: Console,
    file: str,
    schema: str | None,
    bootstrap: int,
    seed: int,
    worst: int,
    html: Path | None,
    names: bool,
    rejects: Path | None,
) -> int:
    """Agreement between the annotators in FILE: α and κ for topics, α and F1 for spans, by language, region and pair; labels
    taken for each other, and the segments that cost most agreement."""
    from annotate import workflow

    report, rejected = workflow.agree(
        file,
        schema=given_schema(schema),
        bootstrap=bootstrap,
        seed=seed,
        names=names,
        worst=worst,
        url=label_studio_url(settings()),
        html=html,
        rejects=rejects,
    )
    for line in _lines(report):
        console.data(line)
    if report.costliest and not report.costliest[0].urls:
        console.note("tasks have no addresses: no Label Studio is named, and the embedded one does not run")
    console.note(f"left out: {counts(report.left_out)}")
    if html:
        console.note(f"written: {html}")
    console.document(report.to_json() | {"rejected": sum(rejected.values())})
    return PARTIAL if rejected else OK


def _lines(report: Report) -> Iterable[str]:
    yield from _table(report.overall)
    for dimension, parts in report.by.items():
        yield "\n" + _head(f"by {dimension}", "alpha_u", "exact F1", *(f"alpha {group}" for group in report.overall.topics))
        for key, part in parts.items():
            figures = [part.spans.alpha_u, part.spans.exact_f1, *(topic.alpha for topic in part.topics.values())]
            yield _row(f"  {key}", figures, part.segments)
    yield from _confused("spans", report.overall.spans.confusion)
    for group, topic in report.overall.topics.items():
        yield from _confused(group, topic.confusion)
    if report.costliest:
        yield "\nwhere agreement is lost"
        for one in report.costliest:
            yield from _costly(one)


def _table(overall: Agreement) -> list[str]:
    annotators = f"{overall.annotators} annotators, {overall.documents:,} documents"
    lines = [f"{overall.segments:,} segments by two annotators or more ({annotators})", ""]
    lines.append(_head("spans", "alpha_u", "alpha_cu", "exact F1", "relaxed F1"))
    lines.append(_row("all", _span_scores(overall.spans), overall.spans.n))
    lines += _by_label(overall.spans.labels, _span_scores)
    for group, topic in overall.topics.items():
        lines += ["", _head(group, "alpha", f"kappa ({overall.kappa_method})", "Fleiss' kappa")]
        lines += [_row("all", _topic_scores(topic), topic.n), *_by_label(topic.labels, _topic_scores)]
    return lines


def _span_scores(scores: SpanScores) -> list[Score]:
    return [scores.alpha_u, scores.alpha_cu, scores.exact_f1, scores.relaxed_f1]


def _topic_scores(scores: TopicScores) -> list[Score]:
    return [scores.alpha, scores.kappa, scores.fleiss]


def _by_label(labels: Mapping[str, S], pick: Callable[[S], list[Score]]) -> list[str]:
    return [_row(f"  {label}", pick(scores), scores.n) for label, scores in labels.items() if scores.uses]


def _confused(what: str, confusion: Sequence[Confused]) -> Iterable[str]:
    apart = sorted((one for one in confusion if one.one != one.other), key=lambda one: -one.count)
    if apart:
        yield f"\ntaken for each other: {what}"
    for one in apart[:CONFUSED]:
        pair = f"{one.one or one.other} where another says {one.other}" if one.one and one.other else None
        text = pair or f"{one.one or one.other} where another says nothing"
        places = f"  ({one.same_place:,} at the same place)" if what == "spans" and one.one and one.other else ""
        yield f"  {one.count:>8,}  {text}{places}"
    if len(apart) > CONFUSED:
        yield f"  … and {len(apart) - CONFUSED} more pairs of labels (--html, --json)"


def _costly(one: Costly) -> Iterable[str]:
    yield f"  {one.cost:g} differences in {one.doc_id} ({one.lang}, {one.region}): {_short(one.text)}"
    for difference in one.differences:
        said = ", ".join(f"{label or 'nothing'} ({', '.join(names)})" for label, names in difference.said.items())
        yield f"      {_short(difference.text) if difference.what == 'span' else difference.what}: {said}"
    for annotator, url in zip(one.annotators, one.urls, strict=False):  # without addresses there are none
        yield f"      {annotator}: {url}"


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 60 else flat[:59] + "…"


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
