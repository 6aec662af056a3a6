"""α for unitizing: published figures, and the definition computed character by character."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.agreement import Score, SpanScores, agree
from annotate.agreement.unitizing import joined
from annotate.model import Annotation
from tests.agreement.test_agreement import GROUPS, LETTERS, ranges, said, same, segment, spans_of

Marks = tuple[int, int, str]

GAP = ""


def scores(table: Sequence[Sequence[Sequence[Marks]]], length: int) -> SpanScores:
    """Of segments of one length, one row each, one cell per annotator."""
    text = ("abcdefghijklmnopqrstuvwxyz" * (length // 26 + 1))[:length]
    annotations = [
        said(f"annotator {person}", segment(number, text), cell)
        for number, row in enumerate(table)
        for person, cell in enumerate(row)
    ]
    return agree(annotations, GROUPS, bootstrap=0, by=()).overall.spans


# ── the definition, by character ─────────────────────────────────────────────────────────────────────────────────────────

Partition = Sequence[tuple[int, int, Hashable]]
"""Units of one annotator in one text, without overlap; what is left is gap."""


def oracle_alpha(texts: Sequence[tuple[int, Sequence[Partition]]], *, binary: bool = False) -> float | None:
    """uα for any values (for `binary` |uα): each text has a length and a partition per annotator."""
    pairs: Mapping[tuple[Hashable, Hashable], float] = defaultdict(float)
    squares: Mapping[Hashable, float] = defaultdict(float)
    for length, partitions in texts:
        values = [[GAP for _ in range(length)] for _ in partitions]
        for own, units in zip(values, partitions, strict=True):
            for start, end, value in units:
                own[start:end] = [value] * (end - start)
                squares[value] += (end - start) ** 2
            squares[GAP] += own.count(GAP)
        for left, right in permutations(values, 2):
            for one, other in zip(left, right, strict=True):
                pairs[one, other] += 1 / (len(partitions) - 1)
    observed, expected = disagreements(pairs, squares, binary)
    return None if expected == 0 else 1 - observed / expected


def disagreements(
    pairs: Mapping[tuple[Hashable, Hashable], float], squares: Mapping[Hashable, float], binary: bool = False
) -> tuple[float, float]:
    marginal: dict[Hashable, float] = defaultdict(float)
    for (one, _), count in pairs.items():
        marginal[one] += count
    total = sum(marginal.values())
    square = sum(squares.values())
    observed = expected = 0.0
    for one in marginal:
        for other in marginal:
            if one != other and (not binary or GAP in (one, other)):
                observed += pairs.get((one, other), 0.0)
                expected += marginal[one] * marginal[other] / (total - square / total)
    return observed, expected


def layer(cell: Sequence[Marks], label: str) -> Partition:
    """One label's units: overlapping spans are one, by brute force over characters and the edges between them."""
    own = [(start, end) for start, end, name in cell if not label or name == label]
    covered = {at for start, end in own for at in range(start, end)}
    inside = {at for start, end in own for at in range(start + 1, end)}  # positions with a span on both sides
    starts = sorted(at for at in covered if at not in inside)
    units = []
    for start in starts:
        end = start + 1
        while end in inside:
            end += 1
        units.append((start, end, label or "any"))
    return units


def oracle_layers(table: Sequence[Sequence[Sequence[Marks]]], length: int, labels: Sequence[str]) -> float | None:
    observed = expected = 0.0
    for label in labels:
        texts = [(length, [layer(cell, label) for cell in row]) for row in table]
        marked = sum(end - start for _, partitions in texts for units in partitions for start, end, _ in units)
        if not marked:
            continue
        total = sum(length * len(row) for row in table)
        gaps = total - marked
        square = gaps + sum((e - s) ** 2 for _, partitions in texts for units in partitions for s, e, _ in units)
        chance = marked * gaps / (total - square / total)
        alpha = oracle_alpha(texts)
        observed += 0.0 if alpha is None else (1 - alpha) * chance
        expected += chance
    return None if expected == 0 else 1 - observed / expected


def oracle_coding(table: Sequence[Sequence[Sequence[Marks]]], length: int) -> float | None:
    """cuα, where one character pairs the labels both gave with themselves and the others with each other."""
    pairs: Mapping[tuple[Hashable, Hashable], float] = defaultdict(float)
    squares: Mapping[Hashable, float] = defaultdict(float)
    for row in table:
        parts: Mapping[tuple[int, str, tuple[int, int]], float] = defaultdict(float)
        units = [[(s, e, label) for label in ("PER", "LOC", "ORG") for s, e, _ in layer(cell, label)] for cell in row]
        for at in range(length):
            for left, right in permutations(range(len(row)), 2):
                ours = {label: (s, e) for s, e, label in units[left] if s <= at < e}
                theirs = {label for s, e, label in units[right] if s <= at < e}
                rest, other = sorted(set(ours) - theirs), sorted(theirs - set(ours))
                linked = [(label, label, 1.0) for label in set(ours) & theirs]
                linked += [(a, b, 1 / max(len(rest), len(other))) for a in rest for b in other]
                for one, another, weight in linked:
                    pairs[one, another] += weight / (len(row) - 1)
                    parts[left, one, ours[one]] += weight / (len(row) - 1)
        for (_, label, _), part in parts.items():
            squares[label] += part**2
    observed, expected = disagreements(pairs, squares) if pairs else (0.0, 0.0)
    return None if expected == 0 else 1 - observed / expected


# ── published figures ────────────────────────────────────────────────────────────────────────────────────────────────────

BOOK = (
    [(0, 7, "1"), (7, 13, "2"), (30, 32, "5"), (32, 37, "6"), (37, 44, "6"), (44, 60, "7")],
    [(0, 7, "1"), (7, 13, "3"), (13, 21, "5"), (32, 44, "6")],
    [(0, 7, "1"), (7, 13, "4"), (13, 21, "5"), (32, 37, "6"), (37, 41, "6"), (41, 44, "6")],
)
"""Three observers and 60 places: Krippendorff 2019, figure 12.11."""


def test_the_oracle_gives_the_published_figures() -> None:
    assert oracle_alpha([(60, BOOK)]) == pytest.approx(0.510, abs=5e-4)
    assert oracle_alpha([(60, BOOK)], binary=True) == pytest.approx(0.413, abs=1e-3)


def test_published_figures() -> None:
    found = scores([BOOK], 60)
    assert found.alpha_any is not None
    assert found.alpha_any.value == pytest.approx(0.413, abs=1e-3)
    assert found.alpha_cu.value == pytest.approx(0.724, abs=5e-4)
    by_label = {label: one.alpha_cu.value for label, one in found.labels.items()}
    # Where marked twice, 1, 5 and 6 are never taken for another, 2, 3 and 4 always; nobody else marked where 7 stands.
    assert [by_label[label] for label in "156"] == pytest.approx([1.0, 1.0, 1.0])
    assert [by_label[label] for label in "234"] == pytest.approx([0.0, 0.0, 0.0], abs=0.01)
    assert by_label["7"] is None


def test_by_hand() -> None:
    """Twelve places, X and Y mark four each, two of them the same: ℓ = 24, ℓ_c = 8, ℓ_∅ = 16, S = 16 + 16 + 16 = 48; observed
    8 - 4 = 4, expected 8 · 16 / (24 - 48 / 24) = 64/11; α = 1 - 44/64."""
    found = scores([[[(2, 6, "PER")], [(4, 8, "PER")]]], 12)
    assert found.labels["PER"].alpha_u == Score(pytest.approx(1 - 44 / 64))
    assert found.alpha_u.value == found.alpha_any.value == found.labels["PER"].alpha_u.value


# ── against the definition ───────────────────────────────────────────────────────────────────────────────────────────────

cells = st.sets(st.tuples(ranges, st.sampled_from(("PER", "LOC", "ORG"))), max_size=6).map(
    lambda found: sorted((start, end, label) for (start, end), label in found)
)
rows = st.integers(2, 4).flatmap(lambda people: st.lists(cells, min_size=people, max_size=people))


@given(st.lists(rows, min_size=1, max_size=4))
def test_figures_equal_their_definition(table: list[list[list[Marks]]]) -> None:
    """Overlapping and nested spans, and segments of different numbers of annotators."""
    length = len(LETTERS)
    found = scores(table, length)
    for label, one in found.labels.items():
        assert same(one.alpha_u, oracle_alpha([(length, [layer(cell, label) for cell in row]) for row in table]))
    assert same(found.alpha_u, oracle_layers(table, length, list(found.labels)))
    assert found.alpha_any is not None
    assert same(found.alpha_any, oracle_alpha([(length, [layer(cell, "") for cell in row]) for row in table]))
    assert same(found.alpha_cu, oracle_coding(table, length))


@given(st.lists(rows, min_size=1, max_size=3))
def test_who_is_who_makes_no_difference(table: list[list[list[Marks]]]) -> None:
    one, other = scores(table, 26), scores([row[::-1] for row in table], 26)
    for figure in ("alpha_u", "alpha_cu", "alpha_any"):
        ours, theirs = getattr(one, figure), getattr(other, figure)
        assert (ours.value is None) == (theirs.value is None)
        assert ours.value == pytest.approx(theirs.value, abs=1e-9)


@given(cells.filter(bool), st.integers(2, 4))
def test_who_says_the_same_agrees(cell: list[Marks], people: int) -> None:
    found = scores([[cell] * people], 30)
    assert found.alpha_u.value == pytest.approx(1.0)
    assert found.alpha_any.value == pytest.approx(1.0)
    assert found.alpha_cu.value is None or found.alpha_cu.value == pytest.approx(1.0)


def test_nothing_in_common_is_worse_than_chance() -> None:
    assert scores([[[(0, 5, "PER")], [(5, 10, "PER")]]], 10).alpha_u.value < 0


def test_nearer_edges_agree_better() -> None:
    near, far, apart = (scores([[[(10, 20, "PER")], [(10 + off, 20 + off, "PER")]]], 40).alpha_u.value for off in (1, 5, 10))
    assert 1 > near > far > apart


def test_the_label_is_a_matter_of_coding_the_stretch_of_unitizing() -> None:
    """Same stretches, other labels: unitizing without looking at labels is perfect, coding is not."""
    found = scores([[[(0, 4, "PER"), (9, 14, "LOC")], [(0, 4, "PER"), (9, 14, "ORG")]]], 24)
    assert found.alpha_any.value == pytest.approx(1.0)
    assert found.alpha_cu.value < 1.0
    assert found.labels["PER"].alpha_cu.value == pytest.approx(1.0)
    assert found.labels["LOC"].alpha_u.value < found.labels["PER"].alpha_u.value == pytest.approx(1.0)


def test_nested_labels_are_layers_of_their_own() -> None:
    nested = [(0, 14, "ORG"), (9, 14, "LOC")]
    found = scores([[nested, nested[:1]]], 24)
    assert found.labels["ORG"].alpha_u.value == pytest.approx(1.0)
    assert found.labels["LOC"].alpha_u.value < 0.1
    assert found.alpha_any.value == pytest.approx(1.0)
    assert found.alpha_cu.value is None  # all that both marked is ORG


def test_spans_that_overlap_are_one_unit_spans_that_touch_are_two() -> None:
    assert joined(spans_of([(0, 4, "PER"), (4, 6, "PER"), (5, 9, "PER"), (12, 13, "PER")])) == [(0, 4), (4, 9), (12, 13)]


# ── what is not defined says so ──────────────────────────────────────────────────────────────────────────────────────────


def test_undefined_unitizing_is_explained() -> None:
    nothing = scores([[[], []]], 10)
    assert nothing.alpha_u == nothing.alpha_cu == nothing.alpha_any == Score(None, "nobody marked a span in these segments")
    everything = scores([[[(0, 10, "PER")], [(0, 10, "PER")]]], 10)
    assert everything.alpha_u.reason == "everybody marked everything: there is no chance agreement to correct for"
    assert everything.labels["PER"].alpha_u.reason == (
        "everybody marked everything as PER: there is no chance agreement to correct for"
    )
    one = scores([[[(0, 4, "PER")], [(0, 4, "PER")]]], 10)
    assert one.alpha_cu.reason == "where two annotators marked the same, there are fewer than two labels to take for each other"
    assert "PER is all or nothing of it" in one.labels["PER"].alpha_cu.reason


def test_nobody_to_compare_with() -> None:
    spans = agree([said("a", 0, [(0, 4, "PER")])], GROUPS).overall.spans
    assert spans.alpha_u == spans.alpha_cu == Score(None, "no segment was submitted by two annotators")


def test_the_json_has_them() -> None:
    found = scores([BOOK], 60).to_json()
    assert (found["alpha_any"], found["alpha_cu"]) == (pytest.approx(0.4136, abs=1e-4), pytest.approx(0.7242, abs=1e-4))
    assert found["labels"]["7"]["alpha_cu"] == -1.0
    assert "alpha_cu" in found["labels"]["7"]["reasons"]
    assert "alpha_any" not in found["labels"]["7"]


def test_intervals_come_from_whole_documents() -> None:
    """A document drawn twice is two documents with the same spans: the interval of many resamples covers the value."""
    annotations: list[Annotation] = []
    for number in range(30):
        where = segment(number, LETTERS)
        off = (0, 0, 1, 3)[number % 4]
        annotations += [said("a", where, [(5, 10, "PER")]), said("b", where, [(5 + off, 10 + off, "PER")])]
    score = agree(annotations, GROUPS, bootstrap=300, by=()).overall.spans.alpha_u
    assert score.interval is not None
    assert score.interval[0] < score.value < score.interval[1] < 1
    doubled = annotations + [replace(a, segment=replace(a.segment, id=a.segment.id + "'")) for a in annotations]
    again = agree(doubled, GROUPS, bootstrap=300, by=()).overall.spans.alpha_u
    assert again.value == pytest.approx(score.value, abs=0.02)
