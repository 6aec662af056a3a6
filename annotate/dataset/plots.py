"""The plots of a dataset card, as SVG written here: the same bytes on every run, no fonts or libraries to depend on.

One hue, light to dark, for counts; a dot with its interval for each figure of agreement. Numbers stand beside the shapes, so
nothing has to be read off a colour.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

ROW, CELL = 24, 72
"""Pixels: height of a row, width of a column."""
_CHAR, _CAPITAL, _WIDE = 7.2, 9.6, 13.0
"""Widths of letters at 13 pixels, on the generous side."""
_INK, _FAINT, _HUE, _GRID = "#1a1a1a", "#5f6368", "#1f5f99", "#d7dbe0"


def label_plot(manifest: Mapping[str, Any]) -> str:
    """Labels by language: how often each entity label and topic occurs, all splits together."""
    languages = sorted({lang for part in manifest["counts"].values() for lang in part})
    found: dict[str, dict[str, int]] = {}
    for part in manifest["counts"].values():
        for lang, numbers in part.items():
            for family in ("labels", "topics"):
                for label, count in numbers[family].items():
                    row = found.setdefault(label, dict.fromkeys(languages, 0))
                    row[lang] += count
    return _table_plot("Labels by language", found, languages)


def agreement_plot(manifest: Mapping[str, Any]) -> str:
    """Agreement by label with its interval: F1 of the same ends for entity labels, Krippendorff's α for topic groups and their
    labels. Empty when there is none."""
    agreement = manifest["agreement"]
    if not agreement:
        return ""
    figures = [(f"entity {label}", "F1", scores, "exact_f1") for label, scores in agreement["spans"]["labels"].items()]
    for group, scores in agreement["topics"].items():
        figures.append((f"topic {group}", "α", scores, "alpha"))
        figures += [(f"{group}: {label}", "α", part, "alpha") for label, part in scores.get("labels", {}).items()]
    rows = [
        (what, title, float(scores[key]), tuple(scores["intervals"].get(key) or ()), int(scores["n"]))
        for what, title, scores, key in figures
        if scores["n"] and key not in scores["reasons"]
    ]
    return _dot_plot("Agreement by label", rows) if rows else ""


def _table_plot(title: str, rows: Mapping[str, Mapping[str, int]], columns: Sequence[str]) -> str:
    left, top = _margin(rows), 64
    most = max((count for row in rows.values() for count in row.values()), default=0)
    shapes = [_text(left + CELL * i + CELL / 2, top - 10, name, anchor="middle", fill=_FAINT) for i, name in enumerate(columns)]
    for line, (label, row) in enumerate(rows.items()):
        y = top + ROW * line
        shapes.append(_text(left - 10, y + 16, label, anchor="end"))
        for i, name in enumerate(columns):
            share = math.sqrt(row[name] / most) if most else 0.0  # by area, so that rare labels are still seen
            x = left + CELL * i
            shapes.append(
                f'<rect x="{_px(x + 1)}" y="{_px(y + 1)}" width="{CELL - 2}" height="{ROW - 2}" rx="2" '
                f'fill="{_HUE if row[name] else _GRID}" fill-opacity="{_px(0.08 + 0.92 * share if row[name] else 0.35)}"/>'
            )
            fill = "#ffffff" if share > 0.55 else _INK if row[name] else _FAINT
            shapes.append(_text(x + CELL / 2, y + 16, str(row[name]), anchor="middle", fill=fill))
    return _page(title, left + CELL * len(columns) + 16, top + ROW * len(rows) + 16, shapes)


def _dot_plot(title: str, rows: Sequence[tuple[str, str, float, tuple[float, ...], int]]) -> str:
    left, top, width = _margin([what for what, *_ in rows]), 64, 360
    lowest = min([0.0, *(value for _, _, value, interval, _ in rows for value in (value, *interval))])
    low = math.floor(lowest * 5) / 5  # α can be below 0

    def across(value: float) -> float:
        return left + width * (value - low) / (1 - low)

    bottom = top + ROW * len(rows)
    shapes = []
    for step in range(round(low * 5), 6):
        x = across(step / 5)
        shapes.append(f'<path d="M{_px(x)} {top}V{bottom}" stroke="{_GRID}"/>')
        shapes.append(_text(x, top - 10, f"{step / 5:.1f}", anchor="middle", fill=_FAINT))
    for line, (what, figure, value, interval, n) in enumerate(rows):
        y = top + ROW * line + ROW / 2
        shapes.append(_text(left - 10, y + 4, what, anchor="end"))
        if interval:
            shapes.append(
                f'<path d="M{_px(across(interval[0]))} {_px(y)}H{_px(across(interval[1]))}" stroke="{_HUE}" stroke-width="3"/>'
            )
        shapes.append(f'<circle cx="{_px(across(value))}" cy="{_px(y)}" r="5" fill="{_HUE}"/>')
        told = f"{figure} {value:.2f}" + (f" ({interval[0]:.2f} to {interval[1]:.2f})" if interval else "") + f", n = {n}"
        shapes.append(_text(left + width + 16, y + 4, told, fill=_FAINT))
    return _page(title, left + width + 260, bottom + 16, shapes)


def _margin(labels: Sequence[str] | Mapping[str, object]) -> float:
    def width(char: str) -> float:
        return _WIDE if not char.isascii() else _CAPITAL if char.isupper() else _CHAR

    return 26 + max((sum(map(width, label)) for label in labels), default=0)


def _text(x: float, y: float, content: str, *, anchor: str = "start", fill: str = _INK) -> str:
    return f'<text x="{_px(x)}" y="{_px(y)}" text-anchor="{anchor}" fill="{fill}">{escape(content)}</text>'


def _px(value: float) -> str:
    """At most two decimals, no trailing zeros."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _page(title: str, width: float, height: float, shapes: Sequence[str]) -> str:
    width = max(width, 32 + _CHAR * 1.3 * len(title))
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_px(width)} {_px(height)}" width="{_px(width)}" '
        f'height="{_px(height)}" font-family="system-ui, sans-serif" font-size="13" role="img">'
    )
    ground = '<rect width="100%" height="100%" fill="#ffffff"/>'
    named = f"<title>{escape(title)}</title>"
    heading = f'<text x="16" y="26" font-size="16" font-weight="600" fill="{_INK}">{escape(title)}</text>'
    return "\n".join([head, named, ground, heading, *shapes, "</svg>"]) + "\n"
