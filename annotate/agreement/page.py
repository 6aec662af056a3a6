"""A report of agreement to look at: one HTML page, complete in itself, without script. The same report gives the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

from annotate.agreement.confusion import MISSED, Confused, Costly, Difference
from annotate.agreement.scores import Agreement, Report, Score, SpanScores, TopicScores

LONGEST = 1200
"""Characters of a segment that are shown."""

NOBODY = "∅"
"""Stands for the label of who said nothing."""

_STYLE = Path(__file__).with_name("page.css")

_SPAN_FIGURES = {
    "alpha_u": ("α<sub>u</sub>", "the same stretches marked with the label (Krippendorff's α for unitizing)"),
    "alpha_cu": ("<sub>cu</sub>α", "the same label where two have marked (Krippendorff's α for coding)"),
    "exact_f1": ("exact F1", "same start, end and label"),
    "relaxed_f1": ("relaxed F1", "same label, at least one character in common"),
}
_TOPIC_FIGURES = {
    "alpha": ("α", "Krippendorff's α, nominal"),
    "kappa": ("κ", "Cohen's κ; with more than two annotators the mean over pairs"),
    "fleiss": ("Fleiss' κ", "whose answer is whose is not asked"),
    "observed": ("observed", "share of agreeing pairs of answers, not corrected for chance"),
}


def page(report: Report, *, title: str) -> str:
    """The HTML page of a report. Texts come from the web and are not to be trusted: all of them are escaped, and the content
    security policy lets nothing be loaded or run."""
    overall = report.overall
    body = [
        f"<h1>Agreement <small>{escape(title)}</small></h1>",
        _summary(report),
        _spans(overall),
        *(_topic(group, topic) for group, topic in overall.topics.items()),
        *(_breakdown(dimension, parts) for dimension, parts in report.by.items() if parts),
        _costliest(report.costliest),
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Agreement · {escape(title)}</title>\n<style>\n{_STYLE.read_text(encoding='utf-8')}</style>\n</head>\n"
        f"<body>\n{''.join(body)}</body>\n</html>\n"
    )


def _summary(report: Report) -> str:
    overall = report.overall
    facts = [
        f"<b>{overall.segments:,}</b> segments by two annotators or more",
        f"<b>{overall.documents:,}</b> documents",
        f"<b>{overall.annotators}</b> annotators",
    ]
    left_out = ", ".join(f"{count:,} {escape(code.replace('_', ' '))}" for code, count in report.left_out.items() if count)
    how = (
        f"In brackets: {report.confidence:.0%} intervals from {report.bootstrap:,} resamples of whole documents."
        if report.bootstrap
        else "No intervals were asked for."
    )
    return f'<p class="facts">{" · ".join(facts)}</p>\n<p class="note">{how} Left out: {left_out or "nothing"}.</p>\n'


# ── figures ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _spans(overall: Agreement) -> str:
    spans = overall.spans
    rows = [_row("all labels", spans, _SPAN_FIGURES, spans.n, spans.uses, "total")]
    rows += [_row(label, one, _SPAN_FIGURES, one.n, one.uses) for label, one in spans.labels.items() if one.uses]
    unused = [label for label, one in spans.labels.items() if not one.uses]
    whatever = ""
    if spans.alpha_any:
        whatever = f'<p class="note">Marked or not, whatever the label: <sub>|u</sub>α = {_inline(spans.alpha_any)}.</p>'
    return (
        f"<h2>Spans</h2>\n{_table(('', *_heads(_SPAN_FIGURES), 'segments', 'spans'), rows)}{whatever}{_unused(unused)}"
        f"{_confusion(spans.confusion, [*spans.labels], places=True)}"
    )


def _topic(group: str, topic: TopicScores) -> str:
    rows = [_row("all labels", topic, _TOPIC_FIGURES, topic.n, topic.uses, "total")]
    rows += [_row(label, one, _TOPIC_FIGURES, one.n, one.uses) for label, one in topic.labels.items() if one.uses]
    unused = [label for label, one in topic.labels.items() if not one.uses]
    return (
        f"<h2>Topic <code>{escape(group)}</code></h2>\n"
        f"{_table(('', *_heads(_TOPIC_FIGURES), 'segments', 'answers'), rows)}{_unused(unused)}"
        f"{_confusion(topic.confusion, [*topic.labels], places=False)}"
    )


def _breakdown(dimension: str, parts: Mapping[str, Agreement]) -> str:
    topics = list(next(iter(parts.values())).topics)
    heads = ["", *_heads({key: _SPAN_FIGURES[key] for key in ("alpha_u", "exact_f1")})]
    heads += [f"α {escape(group)}" for group in topics] + ["segments", "documents"]
    rows = []
    for key, part in parts.items():
        cells = [part.spans.alpha_u, part.spans.exact_f1, *(part.topics[group].alpha for group in topics)]
        numbers = f"<td class=n>{part.segments:,}</td><td class=n>{part.documents:,}</td>"
        rows.append(f"<tr><th>{escape(key)}</th>{''.join(map(_cell, cells))}{numbers}</tr>")
    names = {"lang": "language", "region": "region", "pair": "pair of annotators"}
    return f"<h2>By {names.get(dimension, escape(dimension))}</h2>\n{_table(heads, rows)}"


def _heads(figures: Mapping[str, tuple[str, str]]) -> list[str]:
    return [f'<span title="{escape(meaning)}">{name}</span>' for name, meaning in figures.values()]


def _row(
    name: str, scores: SpanScores | TopicScores, figures: Mapping[str, tuple[str, str]], n: int, uses: int, kind: str = ""
) -> str:
    cells = "".join(_cell(getattr(scores, figure)) for figure in figures)
    return f'<tr class="{kind}"><th>{escape(name)}</th>{cells}<td class=n>{n:,}</td><td class=n>{uses:,}</td></tr>'


def _cell(score: Score) -> str:
    """A figure as a bar from 0 to 1, its interval as a line on it."""
    if score.value is None:
        return f'<td class=undefined title="{escape(score.reason)}">not defined<small>{escape(score.reason)}</small></td>'
    width = max(0.0, min(1.0, score.value))
    line, bracket = "", ""
    if score.interval:
        low, high = (max(0.0, min(1.0, end)) for end in score.interval)
        line = f'<i class=interval style="left:{low:.1%};width:{high - low:.1%}"></i>'
        bracket = f"<small>[{score.interval[0]:.2f}, {score.interval[1]:.2f}]</small>"
    elif score.interval_reason:
        bracket = f'<small title="{escape(score.interval_reason)}">no interval</small>'
    bar = f'<span class=bar><i style="width:{width:.1%}"></i>{line}</span>'
    return f"<td>{bar}<b>{score.value:.3f}</b>{bracket}</td>"


def _inline(score: Score) -> str:
    if score.value is None:
        return f"not defined ({escape(score.reason)})"
    return f"{score.value:.3f}" + (f" [{score.interval[0]:.2f}, {score.interval[1]:.2f}]" if score.interval else "")


def _table(heads: Iterable[str], rows: Iterable[str]) -> str:
    head = "".join(f"<th>{name}</th>" for name in heads)
    return f"<div class=wide><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{chr(10).join(rows)}\n</tbody></table></div>\n"


def _unused(labels: Sequence[str]) -> str:
    return f'<p class="note">Never used: {", ".join(map(escape, labels))}.</p>\n' if labels else ""


# ── confusion ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _confusion(confusion: Sequence[Confused], labels: Sequence[str], *, places: bool) -> str:
    """Labels against labels; both halves of the table say the same, since no annotator is the reference."""
    counts: dict[tuple[str, str], Confused] = {}
    for one in confusion:
        counts[one.one, one.other] = counts[one.other, one.one] = one
    used = [label for label in [*labels, MISSED] if any(label in key for key in counts)]
    if not used:
        return ""
    most = max((one.count for key, one in counts.items() if key[0] != key[1]), default=0)
    rows = []
    for row in used:
        cells = "".join(_confused(counts.get((row, column)), most, same=row == column, places=places) for column in used)
        rows.append(f"<tr><th>{escape(row) or NOBODY}</th>{cells}</tr>")
    heads = ["", *(escape(label) or NOBODY for label in used)]
    small = " Small: of them at the same place." if places else ""
    note = f"Pairs of annotators: what one said where the other said something else; {NOBODY} for nothing.{small}"
    return f'<h3>Taken for</h3>\n<p class="note">{note}</p>\n<div class=confusion>{_table(heads, rows)}</div>'


def _confused(one: Confused | None, most: int, *, same: bool, places: bool) -> str:
    if one is None:
        return "<td class=none></td>"
    shade = "" if same or not most else f' style="--heat:{one.count / most:.2f}"'
    small = f"<small>{one.same_place:,}</small>" if places and MISSED not in (one.one, one.other) else ""
    return f"<td class={'same' if same else 'other'}{shade}>{one.count:,}{small}</td>"


# ── segments ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _costliest(segments: Sequence[Costly]) -> str:
    if not segments:
        return ""
    note = (
        "The segments that cost most agreement: spans and topic labels that one of two annotators gives and the other does not."
    )
    if not any(one.urls for one in segments):
        note += " Where Label Studio is was not known: the tasks have no addresses."
    return f'<h2>Where agreement is lost</h2>\n<p class="note">{note}</p>\n' + "".join(map(_segment, segments))


def _segment(one: Costly) -> str:
    tasks = []
    for at, annotator in enumerate(one.annotators):
        task = f"task {one.tasks[at].id}"
        where = f'<a href="{escape(one.urls[at])}">{task}</a>' if one.urls else task
        tasks.append(f"{escape(annotator)}: {where}")
    rows = "".join(_difference(difference) for difference in one.differences)
    cut = f" … ({len(one.text) - LONGEST:,} more characters)" if len(one.text) > LONGEST else ""
    return (
        f"<section><p class=facts><b>{one.cost:g}</b> differences · agreement {one.agreement:.2f} · "
        f"<code>{escape(one.doc_id)}</code> · {escape(one.lang)} · {escape(one.region)} · {' · '.join(tasks)}</p>\n"
        f'<p class=text dir=auto lang="{escape(one.lang)}">{_marked(one)}{cut}</p>\n'
        f"<table class=differences>{rows}</table></section>\n"
    )


def _difference(difference: Difference) -> str:
    what = (
        f"<q dir=auto>{escape(difference.text)}</q>" if difference.what == "span" else f"<code>{escape(difference.what)}</code>"
    )
    said = " ".join(
        f"<span class=said><b>{escape(label) or NOBODY}</b> {escape(', '.join(names))}</span>"
        for label, names in difference.said.items()
    )
    return f"<tr><th>{what}</th><td>{said}</td></tr>"


def _marked(one: Costly) -> str:
    """The text with the stretches marked that annotators see differently."""
    text = one.text[:LONGEST]
    open_places = sorted(
        {(d.start, min(d.end, len(text))) for d in one.differences if d.what == "span" and d.start < len(text)}
    )
    pieces, at = [], 0
    for start, end in open_places:
        start = max(start, at)
        if start < end:
            pieces += [escape(text[at:start]), f"<mark>{escape(text[start:end])}</mark>"]
            at = end
    return "".join([*pieces, escape(text[at:])])
