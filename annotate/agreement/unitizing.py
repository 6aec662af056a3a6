"""Krippendorff's α for unitizing: do annotators mark the same stretches, and call them the same?

The family of Krippendorff, Mathet, Bouvry & Widlöcher 2016, *On the reliability of unitizing textual continua: Further
developments* (Quality & Quantity 50; also Krippendorff 2019, *Content Analysis*, 4th ed., §12.6). It mends the α_u of 1995 and
2004, which misbehaves with more than two annotators, and it is made of sums of lengths, as the bootstrap here wants it. The
text is a continuum of characters that each annotator cuts into units (with a label) and gaps ∅. Every character is paired with
itself as other annotators cut it: the coincidence of c and k is

    ℓ_ck = Σ_i Σ_{j≠i} length(marked c by i and k by j) / (m - 1)          m annotators; ℓ_c = Σ_k ℓ_ck, ℓ = Σ_c ℓ_c

and by chance, where characters of one unit are not paired with each other, only with all the rest,

    ε_ck = (ℓ_c ℓ_k - [c = k] S_c) · ℓ / (ℓ² - S)          S_c = Σ length² of the units labelled c; S_∅ = ℓ_∅; S = Σ_c S_c

so that α = 1 - Σ_{c≠k} ℓ_ck / Σ_{c≠k} ε_ck. Here

- `alpha_u` of a label looks at the layer of that label alone, c against ∅. That is right for labels that overlap or nest, of
  which one continuum has no place. For all labels, observed and expected disagreement are summed over the layers first, as
  Krippendorff 2004 (*Content Analysis*, 2nd ed., §11.6) sums them over categories.
- `alpha_any` (written |uα) is the same for the layer of all labels together: marked or not, whatever the label.
- `alpha_cu` (cuα, for one label (k)cuα) asks of the stretches that both have marked whether they call them the same: only
  coincidences of labels count, and the squares in S are of the parts of units that take part in them.

Segments are laid end to end; one that fewer annotators submitted has a smaller m and weighs by its own. Spans of one annotator
and label that overlap each other are one unit; spans that touch are two. Where annotators put several labels on a character,
labels that both gave are paired with themselves, and the rest of the one with the rest of the other, in equal parts that add up
to the shorter of the two; what is left belongs to unitizing.

γ (Mathet, Widlöcher & Métivier 2015) is not computed: its value comes out of an alignment by integer programming and of random
continua, so it is neither a sum over documents, which intervals and breakdowns here rest on, nor exact, and its package needs a
solver and a compiler.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, permutations

import numpy as np

from annotate.agreement.panels import Panel
from annotate.agreement.sums import FloatArray, Sums, corrected, ratio
from annotate.model import Span

Unit = tuple[int, int]
"""Where a unit starts and ends."""


@dataclass(slots=True)
class UnitSums:
    """What units add up to. Columns of `layers`: ℓ, then for each label, and last for all labels together, ℓ_c, ℓ_cc and S_c.
    Columns of `coding`: for each label ℓ_c, ℓ_cc and S_c among coincidences of labels."""

    layers: Sums = field(default_factory=Sums)
    coding: Sums = field(default_factory=Sums)


def unit_sums(panel: Panel, column: Mapping[str, int]) -> UnitSums:
    """The sums of a panel of two annotators or more, all in row 0; `column` numbers the labels."""
    found = UnitSums()
    found.layers.add(0, 0, len(panel.submitted) * len(panel.segment.text))
    marked = [_units(annotation.spans) for annotation in panel.submitted]
    for label in sorted({label for units in marked for label in units}):
        _add_layer(found.layers, 0, 1 + 3 * column[label], [units.get(label, []) for units in marked])
    if any(marked):
        everything = [joined(annotation.spans) for annotation in panel.submitted]
        _add_layer(found.layers, 0, 1 + 3 * len(column), everything)
    if sum(map(bool, marked)) > 1:
        _add_coding(found.coding, 0, column, marked)
    return found


def joined(spans: Iterable[Span]) -> list[Unit]:
    """The units that spans make, in order: those that overlap are one, those that touch are not."""
    units: list[Unit] = []
    for span in sorted(spans):
        if units and span.start < units[-1][1]:
            units[-1] = (units[-1][0], max(units[-1][1], span.end))
        else:
            units.append((span.start, span.end))
    return units


def _units(spans: Iterable[Span]) -> dict[str, list[Unit]]:
    by_label: dict[str, list[Span]] = {}
    for span in spans:
        by_label.setdefault(span.label, []).append(span)
    return {label: joined(group) for label, group in by_label.items()}


def _add_layer(sums: Sums, row: int, column: int, units: Sequence[Sequence[Unit]]) -> None:
    """Add the lengths, coincidences and squares of one layer."""
    lengths = [end - start for own in units for start, end in own]
    sums.add(row, column, sum(lengths))
    sums.add(row, column + 2, sum(length**2 for length in lengths))
    steps = sorted([(start, 1) for own in units for start, _ in own] + [(end, -1) for own in units for _, end in own])
    coincidences, marking = 0, 0
    for (here, step), (there, _) in pairwise(steps):
        marking += step
        coincidences += (there - here) * marking * (marking - 1)
    sums.add(row, column + 1, coincidences / (len(units) - 1))


def _add_coding(sums: Sums, row: int, column: Mapping[str, int], marked: Sequence[dict[str, list[Unit]]]) -> None:
    """Add the coincidences of labels, stretch by stretch from edge to edge of the units."""
    events = sorted(
        (edge, edge == unit[0], who, label, unit)
        for who, units in enumerate(marked)
        for label, own in units.items()
        for unit in own
        for edge in unit
    )  # where one unit ends and another of the same label starts, the end comes first
    active: list[dict[str, Unit]] = [{} for _ in marked]
    parts: dict[tuple[int, str, Unit], float] = {}
    here = 0
    for there, starts, who, label, unit in events:
        if there > here and sum(map(bool, active)) > 1:
            share = (there - here) / (len(marked) - 1)
            for (left, ours), (_, theirs) in permutations(enumerate(active), 2):
                for own, weight in _paired(ours, theirs) if theirs else ():
                    key = (left, own, ours[own])
                    parts[key] = parts.get(key, 0.0) + weight * share
                    if own in theirs:
                        sums.add(row, 3 * column[own] + 1, share)
        here = there
        if starts:
            active[who][label] = unit
        else:
            del active[who][label]
    for (_, label, _), length in parts.items():
        sums.add(row, 3 * column[label], length)
        sums.add(row, 3 * column[label] + 2, length**2)


def _paired(ours: Mapping[str, Unit], theirs: Mapping[str, Unit]) -> Iterator[tuple[str, float]]:
    """Our labels of a stretch, and how much of each is paired with a label of theirs."""
    rest = len(ours.keys() - theirs.keys())
    other_rest = len(theirs.keys() - ours.keys())
    for label in ours:
        yield label, 1.0 if label in theirs else min(rest, other_rest) / rest


def layer_alphas(totals: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """α of each label's layer (one column each), of the layers together, and of the layer of all labels, per resample."""
    length, columns = totals[:, :1], totals[:, 1:]
    marked, together, squares = columns[:, 0::3], columns[:, 1::3], columns[:, 2::3]
    gaps = length - marked
    observed = marked - together
    expected = ratio(marked * gaps * length, length**2 - gaps - squares)
    alphas = corrected(observed, expected)
    layers = slice(None, -1)
    total = corrected(observed[:, layers].sum(axis=1), np.nan_to_num(expected[:, layers]).sum(axis=1))
    return alphas[:, layers], total, alphas[:, -1]


def coding_alphas(totals: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(k)cuα of each label (one column each), and cuα, per resample."""
    marked, together, squares = totals[:, 0::3], totals[:, 1::3], totals[:, 2::3]
    length = marked.sum(axis=1, keepdims=True)
    chance = ratio(length, length**2 - squares.sum(axis=1, keepdims=True))
    by_label = corrected(marked - together, marked * (length - marked) * chance)
    expected = (length[:, 0] ** 2 - (marked**2).sum(axis=1)) * chance[:, 0]
    return by_label, corrected(length[:, 0] - together.sum(axis=1), expected)
