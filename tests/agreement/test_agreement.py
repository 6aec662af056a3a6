"""Agreement, against the public packages where they compute the same, against definitions where they do not."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import krippendorff
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import cohen_kappa_score

from annotate.agreement import (
    Group,
    Score,
    TopicScores,
    agree,
    answer,
    gather,
    infer_groups,
    latest,
    measures,  # its sums are looked at
    newest_schema,
    overlap_matches,
    pseudonyms,
    rehome,
    segment_agreement,
)
from annotate.errors import InvariantError, UsageError
from annotate.model import Annotation, Reject, SchemaRef, Segment, Source, Span, TaskRef

NEWS = SchemaRef("news", "1.2.0", "aa")
KIND = Group("kind", "single", ("report", "opinion", "notice"))
THEME = Group("theme", "multi", ("sport", "health", "money"))
GROUPS = (KIND, THEME)

HARD = (
    "👩‍👩‍👧 perhe muutti  Ouluun",  # ZWJ sequence, two spaces
    "Cafe\u0301 Ma\u0308ki avaa taas",  # NFD
    "서울에서 한글 축제가 열렸다",
    "افتتح المتحف أبوابه اليوم",
    "พิพิธภัณฑ์เปิดวันนี้",
    "first line\r\nsecond <b>&amp;</b>",
)


def segment(number: int = 0, text: str = "Aino met Pekka in Turku.", **other: Any) -> Segment:
    known = {"id": f"s{number:03}", "doc_id": f"d{number:03}", "start": 0, "end": len(text), "text": text, "lang": "fi"}
    known |= {"lang_score": 0.9, "script": "Latn", "region": "body", "region_score": 0.9, "source": Source(0, len(text))}
    return Segment(**(known | other))


def said(
    by: str,
    about: Segment | int = 0,
    spans: Sequence[tuple[int, int, str]] = (),
    kind: str = "",
    theme: Sequence[str] | None = None,
    **other: Any,
) -> Annotation:
    where = about if isinstance(about, Segment) else segment(about)
    marked = tuple(Span(start, end, label, where.text[start:end]) for start, end, label in sorted(spans))
    topics = {"kind": (kind,) if kind else (), "theme": tuple(theme or ())}
    unanswered = tuple(group for group, missing in (("kind", not kind), ("theme", theme is None)) if missing)
    known = {"segment": where, "annotator": by, "status": "submitted", "spans": marked, "topics": topics}
    known |= {"unanswered": unanswered, "created_at": "", "updated_at": "2026-03-01T10:00:00Z", "lead_time": -1.0}
    known |= {"from_prediction": "", "ground_truth": False, "schema": NEWS, "task": TaskRef(1, 1)}
    return Annotation(**(known | other))


def skipped(by: str, about: Segment | int = 0, **other: Any) -> Annotation:
    return said(by, about, status="skipped", **other)


def collected(*annotations: Annotation, groups: Sequence[Group] | None = GROUPS, **other: Any) -> tuple[Any, list[Reject]]:
    rejects: list[Reject] = []
    return gather(annotations, groups, rejects=rejects.append, source="a.jsonl", **other), rejects


# ── against the public packages ──────────────────────────────────────────────────────────────────────────────────────────

cells = st.one_of(st.none(), st.sampled_from(KIND.labels))
tables = st.integers(2, 5).flatmap(lambda people: st.lists(st.lists(cells, min_size=people, max_size=people), max_size=25))
themes = st.one_of(st.none(), st.sets(st.sampled_from(THEME.labels)))
theme_tables = st.lists(st.lists(themes, min_size=3, max_size=3), max_size=25)


def from_kinds(table: Sequence[Sequence[str | None]]) -> list[Annotation]:
    return [
        said(f"annotator {person}", number, kind=cell or "")
        for number, row in enumerate(table)
        for person, cell in enumerate(row)
    ]


def from_themes(table: Sequence[Sequence[set[str] | None]]) -> list[Annotation]:
    return [
        said(f"annotator {person}", number, theme=None if cell is None else sorted(cell))
        for number, row in enumerate(table)
        for person, cell in enumerate(row)
    ]


def oracle_alpha(rows: Sequence[Sequence[int | None]]) -> float | None:
    """By the krippendorff package; None where α is not defined."""
    pairable = [[value for value in row if value is not None] for row in rows]
    values = [value for row in pairable if len(row) > 1 for value in row]
    if len(set(values)) < 2:
        return None
    data = np.array([[np.nan if value is None else value for value in row] for row in rows], dtype=float).T
    return float(krippendorff.alpha(reliability_data=data, level_of_measurement="nominal"))


def oracle_kappa(rows: Sequence[Sequence[int | None]]) -> float | None:
    """By scikit-learn, the mean over pairs of annotators where κ is defined."""
    kappas = []
    for left, right in combinations(range(len(rows[0]) if rows else 0), 2):
        both = [(row[left], row[right]) for row in rows if row[left] is not None and row[right] is not None]
        if len({value for pair in both for value in pair}) > 1:
            kappas.append(cohen_kappa_score(*zip(*both, strict=True)))
    return float(np.mean(kappas)) if kappas else None


def same(score: Score, expected: float | None) -> bool:
    if expected is None:
        return score.value is None and bool(score.reason)
    return score.value == pytest.approx(expected, abs=1e-9) and not score.reason


@given(tables)
def test_single_choice_equals_krippendorff_and_scikit_learn(table: list[list[str | None]]) -> None:
    kind = agree(from_kinds(table), GROUPS, bootstrap=0, by=()).overall.topics["kind"]
    numbers = [[None if cell is None else KIND.labels.index(cell) for cell in row] for row in table]
    assert same(kind.alpha, oracle_alpha(numbers))
    assert same(kind.kappa, oracle_kappa(numbers))
    for at, label in enumerate(KIND.labels):
        against_rest = [[None if value is None else int(value == at) for value in row] for row in numbers]
        assert same(kind.labels[label].alpha, oracle_alpha(against_rest))
        assert same(kind.labels[label].kappa, oracle_kappa(against_rest))


@given(theme_tables)
def test_multiple_choice_is_the_mean_of_its_labels(table: list[list[set[str] | None]]) -> None:
    theme = agree(from_themes(table), GROUPS, bootstrap=0, by=()).overall.topics["theme"]
    alphas, kappas = [], []
    for label in THEME.labels:
        holds = [[None if cell is None else int(label in cell) for cell in row] for row in table]
        alphas.append(oracle_alpha(holds))
        kappas.append(oracle_kappa(holds))
        assert same(theme.labels[label].alpha, alphas[-1])
        assert same(theme.labels[label].kappa, kappas[-1])
    for score, by_label in ((theme.alpha, alphas), (theme.kappa, kappas)):
        defined = [value for value in by_label if value is not None]
        assert same(score, float(np.mean(defined)) if defined else None)


def test_fleiss_kappa_is_its_definition() -> None:
    """Ten segments, five answers each: the share of agreeing pairs of answers by segment, against that of the labels."""
    answers = ("rrrrr", "rrrro", "rrroo", "rroon", "ooooo", "ooonn", "rroon", "rnnnn", "rrrrr", "rrooo")
    letters = {label[0]: label for label in KIND.labels}
    annotations = [
        said(f"p{person}", number, kind=letters[letter])
        for number, row in enumerate(answers)
        for person, letter in enumerate(row)
    ]
    pairs = [sum(a == b for a, b in combinations(row, 2)) / 10 for row in answers]
    shares = [sum(row.count(letter) for row in answers) / 50 for letter in letters]
    chance = sum(share**2 for share in shares)
    fleiss = agree(annotations, GROUPS, bootstrap=0, by=()).overall.topics["kind"].fleiss
    assert fleiss.value == pytest.approx((np.mean(pairs) - chance) / (1 - chance), abs=1e-12)


@given(tables)
def test_fleiss_kappa_is_alpha_without_the_correction_for_few_answers(table: list[list[str | None]]) -> None:
    """1 - α = (1 - κ)(n - 1)/n with n answers (Krippendorff 2011)."""
    kind = agree(from_kinds(table), GROUPS, bootstrap=0, by=()).overall.topics["kind"]
    answers = [[cell for cell in row if cell] for row in table]
    n = sum(len(row) for row in answers if len(row) > 1)
    assert same(kind.fleiss, None if kind.alpha.value is None else 1 - (1 - kind.alpha.value) * n / (n - 1))


@given(tables)
def test_pairs_have_the_kappa_of_those_two(table: list[list[str | None]]) -> None:
    report = agree(from_kinds(table), GROUPS, bootstrap=0, by=("pair",), names=True)
    for left, right in combinations(range(len(table[0]) if table else 0), 2):
        numbers = [[None if row[at] is None else KIND.labels.index(row[at]) for at in (left, right)] for row in table]
        part = report.by["pair"][f"annotator {left} & annotator {right}"]
        assert same(part.topics["kind"].kappa, oracle_kappa(numbers))
        assert part.annotators == 2


def test_krippendorffs_own_example() -> None:
    """The nominal α of the data in Krippendorff 2011, section C: 0.743 (four observers, missing values)."""
    rows = ["1 1 . 1", "2 2 3 2", "3 3 3 3", "3 3 3 3", "2 2 2 2", "1 2 3 4", "4 4 4 4", "1 1 2 1", "2 2 2 2"]
    rows += [". 5 5 5", ". . 1 1", ". 3 . ."]
    group = Group("kind", "single", tuple("12345"))
    annotations = [
        said(f"observer {person}", number, kind="" if value == "." else value)
        for number, row in enumerate(rows)
        for person, value in enumerate(row.split())
    ]
    kind = agree(annotations, (group, THEME), bootstrap=0).overall.topics["kind"]
    assert kind.alpha.value == pytest.approx(0.743, abs=5e-4)
    assert kind.n == 11
    assert kind.left_out == {"unanswered": 7, "unpaired": 1}


# ── spans ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

ranges = st.tuples(st.integers(0, 18), st.integers(1, 6)).map(lambda pair: (pair[0], pair[0] + pair[1]))
span_sets = st.sets(st.tuples(ranges, st.sampled_from(("PER", "LOC"))), max_size=7).map(
    lambda found: [(start, end, label) for (start, end), label in found]
)
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def spans_of(found: Sequence[tuple[int, int, str]]) -> list[Span]:
    return [Span(start, end, label, LETTERS[start:end]) for start, end, label in found]


def oracle_matches(left: Sequence[Span], right: Sequence[Span]) -> int:
    if not left or not right:
        return 0
    overlap = np.array([[max(a.start, b.start) < min(a.end, b.end) for b in right] for a in left], dtype=float)
    return int(overlap[linear_sum_assignment(overlap, maximize=True)].sum())


@given(span_sets, span_sets)
def test_overlap_matches_are_a_maximum(left: list[tuple[int, int, str]], right: list[tuple[int, int, str]]) -> None:
    ours, theirs = spans_of(left), spans_of(right)
    assert overlap_matches(ours, theirs) == overlap_matches(theirs, ours) == oracle_matches(ours, theirs)


def test_a_span_is_matched_once_and_touching_is_not_overlapping() -> None:
    assert overlap_matches(spans_of([(0, 10, "PER")]), spans_of([(0, 3, "PER"), (4, 9, "PER")])) == 1
    assert overlap_matches(spans_of([(0, 3, "PER")]), spans_of([(3, 6, "PER")])) == 0


@given(st.lists(st.tuples(span_sets, span_sets, span_sets), min_size=1, max_size=6))
def test_span_f1_equals_its_definition(table: list[tuple[list[tuple[int, int, str]], ...]]) -> None:
    annotations = [
        said(f"annotator {person}", segment(number, LETTERS), spans)
        for number, row in enumerate(table)
        for person, spans in enumerate(row)
    ]
    found = agree(annotations, GROUPS, bootstrap=0, by=()).overall.spans
    total: dict[str, int] = {}
    exact: dict[str, int] = {}
    relaxed: dict[str, int] = {}
    for row in table:
        for left, right in combinations(map(spans_of, row), 2):
            for label in ("PER", "LOC"):
                ours, theirs = ([span for span in spans if span.label == label] for spans in (left, right))
                total[label] = total.get(label, 0) + len(ours) + len(theirs)
                exact[label] = exact.get(label, 0) + 2 * len(set(ours) & set(theirs))
                relaxed[label] = relaxed.get(label, 0) + 2 * oracle_matches(ours, theirs)
    assert found.n == len(table)
    assert found.uses == sum(len(spans) for row in table for spans in row)
    for label, scores in found.labels.items():
        assert same(scores.exact_f1, exact[label] / total[label])
        assert same(scores.relaxed_f1, relaxed[label] / total[label])
        assert scores.n == sum(any(label == span[2] for spans in row for span in spans) for row in table)
    everything = sum(total.values())
    assert same(found.exact_f1, sum(exact.values()) / everything if everything else None)
    assert same(found.relaxed_f1, sum(relaxed.values()) / everything if everything else None)
    if everything:
        assert 0 <= found.exact_f1.value <= found.relaxed_f1.value <= 1


def test_same_stretch_under_another_label_is_no_match() -> None:
    spans = agree([said("a", 0, [(0, 4, "PER")]), said("b", 0, [(0, 4, "LOC")])], GROUPS, bootstrap=0).overall.spans
    assert spans.exact_f1.value == spans.relaxed_f1.value == 0.0


@pytest.mark.parametrize("text", HARD)
def test_spans_count_code_points(text: str) -> None:
    where = segment(0, text)
    near = [said("a", where, [(0, 8, "PER")]), said("b", where, [(0, 8, "PER")]), said("c", where, [(1, 8, "PER")])]
    spans = agree(near, GROUPS, bootstrap=0).overall.spans
    assert spans.exact_f1.value == pytest.approx(1 / 3)
    assert spans.relaxed_f1.value == 1.0


def test_true_negatives_count_as_segments_but_make_no_f1() -> None:
    empty = agree([said("a"), said("b")], GROUPS, bootstrap=100).overall.spans
    assert (empty.n, empty.uses, empty.exact_f1.value, empty.relaxed_f1.value) == (1, 0, None, None)
    assert empty.exact_f1.reason == "nobody marked a span in these segments"
    mixed = [said(by, 1, [(0, 4, "PER")]) for by in "ab"]
    spans = agree([said("a"), said("b"), *mixed], GROUPS, bootstrap=0).overall.spans
    assert (spans.n, spans.labels["PER"].n, spans.exact_f1.value) == (2, 1, 1.0)


def test_entities_nobody_marked_are_listed_with_the_reason() -> None:
    spans = agree([said("a", 0, [(0, 4, "PER")]), said("b")], GROUPS, entities=("ORG", "PER"), bootstrap=0).overall.spans
    assert list(spans.labels) == ["ORG", "PER"]
    assert spans.labels["ORG"].exact_f1 == Score(None, "nobody marked ORG in these segments")
    assert spans.labels["PER"].exact_f1 == Score(0.0)


# ── what is not defined says so ──────────────────────────────────────────────────────────────────────────────────────────


def kind_scores(*kinds: tuple[str, str]) -> TopicScores:
    annotations = [said(by, n, kind=kind) for n, pair in enumerate(kinds) for by, kind in zip("ab", pair, strict=True)]
    return agree(annotations, GROUPS, bootstrap=0).overall.topics["kind"]


def test_one_label_only_is_not_perfect_agreement() -> None:
    kind = kind_scores(("report", "report"), ("report", "report"))
    assert kind.alpha == Score(None, "fewer than two labels occur: there is no chance agreement to correct for")
    assert kind.kappa.value is None
    assert "always gives the same answer" in kind.kappa.reason
    assert kind.observed == Score(1.0)
    assert kind.labels["report"].alpha.reason == "all 4 answers hold report: there is no chance agreement to correct for"
    assert kind.labels["opinion"].alpha.reason == "nobody chose opinion: there is no chance agreement to correct for"
    assert "says the same about opinion" in kind.labels["opinion"].kappa.reason


def test_no_common_segment_is_not_perfect_agreement() -> None:
    report = agree([said("a", 0, kind="report", theme=[]), said("b", 1, kind="report", theme=[])], GROUPS)
    for group in ("kind", "theme"):
        scores = report.overall.topics[group]
        assert (scores.n, scores.annotators, scores.alpha.value, scores.kappa.value, scores.observed.value) == (
            0,
            0,
            None,
            None,
            None,
        )
        assert scores.alpha.reason == scores.kappa.reason == "no segment has an answer from two annotators"
    assert report.overall.spans.exact_f1.reason == "no segment was submitted by two annotators"
    assert report.left_out["single"] == 2
    assert report.by == {"lang": {}, "region": {}, "pair": {}}


def test_no_annotations_at_all() -> None:
    report = agree([])
    assert (report.overall.segments, report.overall.documents, report.overall.topics) == (0, 0, {})
    assert report.groups_inferred


def test_defined_minus_one_is_told_from_undefined_minus_one() -> None:
    opposed = kind_scores(("report", "opinion"), ("opinion", "report"))
    assert opposed.kappa == Score(-1.0)
    assert opposed.to_json()["kappa"] == -1.0
    assert opposed.to_json()["reasons"] == {}
    undefined = kind_scores(("report", "report")).to_json()
    assert undefined["kappa"] == -1.0
    assert set(undefined["reasons"]) == {"alpha", "kappa", "fleiss"}


def test_a_label_never_chosen_is_left_out_of_the_mean() -> None:
    annotations = [said("a", 0, theme=["sport"]), said("b", 0, theme=["sport"]), said("a", 1, theme=[]), said("b", 1, theme=[])]
    theme = agree(annotations, GROUPS, bootstrap=0).overall.topics["theme"]
    assert (theme.alpha.value, theme.kappa.value, theme.labels["money"].alpha.value) == (1.0, 1.0, None)


@given(tables, theme_tables)
def test_json_has_numbers_only_where_numbers_belong(kinds: Any, topics: Any) -> None:
    annotations = [replace(a, annotator=f"{a.annotator} too") for a in from_themes(topics)] + from_kinds(kinds)
    written = json.dumps(agree(annotations, GROUPS, bootstrap=5).to_json(), allow_nan=False)
    assert "null" not in written


def test_shape_of_the_json() -> None:
    annotations = [said(by, n, [(0, 4, "PER")], kind, ["sport"]) for by in "ab" for n, kind in enumerate(KIND.labels)]
    found = agree(annotations, GROUPS, bootstrap=50).to_json()
    assert list(found["topics"]) == ["kind", "theme"]
    kind = found["topics"]["kind"]
    assert (kind["alpha"], kind["kappa"], kind["n"], list(kind["labels"])) == (1.0, 1.0, 3, list(KIND.labels))
    assert kind["intervals"]["observed"] == [1.0, 1.0]
    spans = found["spans"]
    assert (spans["exact_f1"], spans["relaxed_f1"], spans["n"], list(spans["labels"])) == (1.0, 1.0, 3, ["PER"])
    assert list(found["by"]) == ["lang", "region", "pair"]
    assert list(found["by"]["pair"]) == ["A1 & A2"]
    assert found["by"]["lang"]["fi"]["topics"]["kind"]["alpha"] == 1.0
    assert found["kappa_method"] == "cohen"
    assert found["bootstrap"] == {"resamples": 50, "seed": 0, "confidence": 0.95}


# ── breakdown, and what is left out ──────────────────────────────────────────────────────────────────────────────────────


def test_by_language_region_and_pair() -> None:
    places = [("fi", "body"), ("fi", "title"), ("sv", "body")]
    annotations = [
        said(by, segment(n, lang=lang, region=region), kind=KIND.labels[n if by != "cy" else 0])
        for n, (lang, region) in enumerate(places)
        for by in ("bo", "ann", "cy")
    ]
    report = agree(annotations, GROUPS, bootstrap=0)
    assert {key: part.segments for key, part in report.by["lang"].items()} == {"fi": 2, "sv": 1}
    assert {key: part.segments for key, part in report.by["region"].items()} == {"body": 2, "title": 1}
    assert list(report.by["pair"]) == ["A1 & A2", "A1 & A3", "A2 & A3"]
    assert report.by["pair"]["A1 & A2"].topics["kind"].alpha.value == 1.0
    assert report.by["pair"]["A1 & A3"].topics["kind"].observed.value == pytest.approx(1 / 3)
    assert (report.overall.kappa_method, report.by["pair"]["A1 & A2"].kappa_method) == ("light", "cohen")
    assert next(iter(agree(annotations, GROUPS, bootstrap=0, by=("pair",), names=True).by["pair"])) == "ann & bo"


def test_only_what_counts_again_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three pairs of each segment count once; the segment counts for the whole, its language and its region."""
    made: list[measures._Measure] = []
    real = measures._Measure

    def noted(*settings: Any) -> measures._Measure:
        made.append(real(*settings))
        return made[-1]

    monkeypatch.setattr(measures, "_Measure", noted)
    annotations = [said(by, number, [(0, 4, "PERSON")]) for number in range(5) for by in ("ann", "bo", "cy")]
    report = agree(annotations, GROUPS, bootstrap=0)
    assert report.by["pair"]["A2 & A3"].spans.exact_f1.value == 1.0
    assert len(made[0].known) == 5


def test_an_unknown_breakdown_is_refused() -> None:
    with pytest.raises(UsageError, match="'colour'") as problem:
        agree([said("a"), said("b")], GROUPS, by=("colour",))
    assert problem.value.hint == "known: lang, region, pair"


def test_four_states_stay_apart() -> None:
    annotations = [
        *(said("a", 0, kind="report", theme=["sport"]), said("b", 0, kind="report", theme=["sport"])),
        *(said("a", 1, kind="report"), said("b", 1), skipped("c", 1)),  # b answers nothing, c skips
        *(skipped("a", 2), skipped("b", 2)),
        said("a", 3, kind="opinion"),
    ]
    report = agree(annotations, GROUPS, bootstrap=0)
    assert report.left_out == {"skipped": 3, "only_skipped": 1, "single": 1}
    assert (report.overall.segments, report.overall.annotators) == (2, 2)
    assert report.overall.topics["kind"].left_out == {"unanswered": 1, "unpaired": 1}
    assert report.overall.topics["theme"].left_out == {"unanswered": 2, "unpaired": 1}
    assert report.overall.topics["theme"].labels["health"].observed.value == 1.0


def test_answered_with_nothing_is_an_answer_unanswered_is_none() -> None:
    nothing = said("a", theme=[])
    assert (answer(nothing, THEME), answer(said("a"), THEME)) == (frozenset(), None)
    assert answer(replace(nothing, unanswered=()), KIND) is None  # a single choice without a choice


# ── intervals ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def noisy(documents: int = 12, per_document: int = 3) -> list[Annotation]:
    dice = random.Random(7)
    annotations = []
    for number in range(documents * per_document):
        where = segment(number, doc_id=f"d{number // per_document}")
        truth = dice.choice(KIND.labels)
        for by in "abc":
            kind = truth if dice.random() < 0.7 else dice.choice(KIND.labels)
            spans = [(0, 4, "PER")] if dice.random() < 0.8 else [(9, 14, "PER")]
            annotations.append(said(by, where, spans, kind, [t for t in THEME.labels if dice.random() < 0.4]))
    return annotations


def test_intervals_come_from_whole_documents() -> None:
    """The same draws, each resample computed from scratch by the krippendorff package."""
    annotations = noisy()
    documents = sorted({a.segment.doc_id for a in annotations})
    rows: dict[str, list[list[int]]] = {name: [] for name in documents}
    for start in range(0, len(annotations), 3):
        trio = annotations[start : start + 3]
        rows[trio[0].segment.doc_id].append([KIND.labels.index(a.topics["kind"][0]) for a in trio])
    draw = np.random.default_rng(3)
    alphas = []
    for _ in range(60):
        drawn = draw.integers(len(documents), size=len(documents))
        alphas.append(oracle_alpha([row for at in drawn for row in rows[documents[at]]]))
    score = agree(annotations, GROUPS, bootstrap=60, seed=3, confidence=0.9, by=()).overall.topics["kind"].alpha
    assert score.interval == pytest.approx(np.quantile(alphas, (0.05, 0.95)), abs=1e-9)
    assert score.interval[0] < score.value < score.interval[1]


def test_intervals_are_seeded_and_can_be_switched_off() -> None:
    annotations = noisy()
    assert agree(annotations, GROUPS, bootstrap=40) == agree(annotations, GROUPS, bootstrap=40)
    one, other = (agree(annotations, GROUPS, bootstrap=40, seed=seed).overall.topics["kind"].kappa for seed in (1, 2))
    assert one.value == other.value
    assert one.interval != other.interval
    off = agree(annotations, GROUPS, bootstrap=0).overall.spans.relaxed_f1
    assert (off.interval, off.interval_reason) == (None, "")


def test_a_higher_confidence_gives_a_wider_interval() -> None:
    narrow, wide = (
        agree(noisy(), GROUPS, bootstrap=200, confidence=level, by=()).overall.spans.exact_f1.interval for level in (0.5, 0.99)
    )
    assert wide[0] <= narrow[0] < narrow[1] <= wide[1]
    assert wide != narrow


def test_documents_that_are_all_alike_leave_no_doubt() -> None:
    annotations = [
        said(by, segment(10 * d + n, doc_id=f"d{d}"), kind=KIND.labels[(n + (by == "b")) % 3 if n else 0])
        for d in range(5)
        for n in range(4)
        for by in "ab"
    ]
    kappa = agree(annotations, GROUPS, bootstrap=30, by=()).overall.topics["kind"].kappa
    assert kappa.interval == pytest.approx((kappa.value, kappa.value))


def test_no_interval_from_one_document() -> None:
    together = [replace(a, segment=replace(a.segment, doc_id="one")) for a in noisy()]
    kind = agree(together, GROUPS, bootstrap=20).overall.topics["kind"]
    assert kind.alpha.interval is None
    assert kind.to_json()["reasons"]["alpha_interval"] == "all of it is one document: there is nothing to resample"


def test_an_interval_undefined_in_most_resamples_is_not_given() -> None:
    """The label occurs in one of three documents: a resample without that one has no α."""
    rare = [said("a", 0, theme=["money"]), said("b", 0, theme=[])]
    rare += [said(by, n, theme=[]) for n in (1, 2) for by in "ab"]
    found = [
        agree(rare, GROUPS, bootstrap=1, seed=seed, by=()).overall.topics["theme"].labels["money"].alpha for seed in range(20)
    ]
    assert {score.value for score in found} == {0.0}
    assert {score.interval_reason for score in found} == {"", "not defined in most resamples: too few documents use the label"}
    assert all((score.interval is None) == bool(score.interval_reason) for score in found)


# ── laws ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.randoms(use_true_random=False))
def test_the_order_of_the_input_makes_no_difference(dice: random.Random) -> None:
    annotations = noisy(4, 2)
    expected = agree(annotations, bootstrap=10)
    dice.shuffle(annotations)
    assert agree(annotations, bootstrap=10) == expected


@given(st.permutations("abc"))
def test_annotators_may_swap_names(names: list[str]) -> None:
    annotations = noisy(4, 2)
    renamed = [replace(a, annotator=names["abc".index(a.annotator)]) for a in annotations]
    one, other = (agree(said_, GROUPS, bootstrap=10, by=()).overall for said_ in (annotations, renamed))
    for group in one.topics:
        for figure in ("alpha", "kappa", "observed"):
            ours, theirs = (getattr(part.topics[group], figure) for part in (one, other))
            assert ours.value == pytest.approx(theirs.value, abs=1e-12)
            assert ours.interval == pytest.approx(theirs.interval, abs=1e-12)
    assert one.spans == other.spans


@given(tables)
def test_figures_stay_in_range(table: list[list[str | None]]) -> None:
    kind = agree(from_kinds(table), GROUPS, bootstrap=0, by=()).overall.topics["kind"]
    for scores in (kind, *kind.labels.values()):
        for score, low in ((scores.alpha, -1.0), (scores.kappa, -1.0), (scores.observed, 0.0)):
            assert score.value is None or low - 1e-9 <= score.value <= 1.0
        assert scores.n <= len(table)


# ── gathering ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("2026-03-01T10:00:00Z", "2026-03-01T10:00:00.250000Z"),  # as strings the other way round
        ("2026-03-01T13:30:00+03:00", "2026-03-01T10:31:00Z"),
        ("2026-03-01T10:00:00", "2026-03-01T10:00:01Z"),
        ("", "2026-03-01T10:00:00Z"),
        ("yesterday", "1999-01-01"),
    ],
)
def test_the_later_annotation_of_one_annotator_counts(earlier: str, later: str) -> None:
    old, new = said("a", kind="report", updated_at=earlier, task=TaskRef(1, 9)), said("a", kind="opinion", updated_at=later)
    for order in ((old, new), (new, old)):
        panels, rejects = collected(*order)
        assert panels.panels[0].submitted == (new,)
        assert [(r.code, r.id, r.source, r.step) for r in rejects] == [("superseded", "s000", "a.jsonl", "agree")]
        assert '"report"' in rejects[0].record
        assert panels.left_out == {"superseded": 1}


def test_equally_late_annotations_go_by_task() -> None:
    one, two = said("a", kind="report", task=TaskRef(1, 2)), said("a", kind="opinion", task=TaskRef(1, 10))
    assert latest([two, one]) == latest([one, two]) == two
    assert latest([one]) is one
    assert collected(two, one)[0].panels[0].submitted == (two,)


def test_a_later_skip_takes_the_answer_back() -> None:
    panels, rejects = collected(said("a", kind="report"), skipped("a", updated_at="2026-03-02T10:00:00Z"))
    assert (len(panels.panels[0].submitted), len(panels.panels[0].skipped), len(rejects)) == (0, 1, 1)


def test_panels_are_sorted_by_document_and_position() -> None:
    wide = "x" * 30
    places = [("b", 0), ("a", 40), ("a", 5)]
    segments = [segment(n, wide, doc_id=doc, start=at, end=at + 30) for n, (doc, at) in enumerate(places)]
    panels, _ = collected(*(said("z", where) for where in segments), *(said("y", where) for where in segments))
    assert [panel.segment.id for panel in panels.panels] == ["s002", "s001", "s000"]
    assert [a.annotator for a in panels.panels[0].submitted] == ["y", "z"]


def test_a_segment_that_moved_in_its_document_is_still_the_same() -> None:
    old = segment(0, "Oulu kasvaa. ")
    new = segment(0, "Oulu kasvaa.\n\n", start=100, end=114)
    first, second = said("a", old, [(0, 4, "LOC")]), said("b", new, [(0, 4, "LOC")], updated_at="2026-04-01T10:00:00Z")
    panels, rejects = collected(first, second)
    assert not rejects
    assert panels.panels[0].segment == new
    assert [a.segment for a in panels.panels[0].submitted] == [new, new]
    assert agree([first, second], GROUPS, bootstrap=0).overall.spans.exact_f1.value == 1.0


@pytest.mark.parametrize("text", ["Vaasa kasvaa.", "  Oulu kasvaa.", "Oulu kasvaa"])
def test_spans_on_another_text_are_rejected(text: str) -> None:
    first = said("a", segment(0, "Oulu kasvaa."), [(0, 4, "LOC")])
    second = said("b", segment(0, text), updated_at="2026-04-01T10:00:00Z")
    panels, rejects = collected(first, second)
    assert [(r.code, r.hint) for r in rejects] == [("text_mismatch", "bring it to the new text with: annotate carry")]
    assert "a, task 1 of project 1" in rejects[0].reason
    assert [a.annotator for a in panels.panels[0].submitted] == ["b"]


def test_rehome_keeps_what_it_can() -> None:
    here = said("a", segment(0, "Oulu."), [(0, 4, "LOC")])
    assert rehome(here, here.segment) is here
    assert rehome(here, segment(0, "Oulu.  ")).spans == here.spans
    with pytest.raises(InvariantError, match="has changed"):
        rehome(here, segment(0, "Oulu!"))
    with pytest.raises(InvariantError, match="the text there is"):
        rehome(here, segment(0, " Oulu."))


def test_annotations_of_an_older_schema_count_when_the_groups_are_the_same() -> None:
    older = SchemaRef("news", "1.1.0", "bb")
    panels, rejects = collected(said("a", kind="report", schema=older), said("b", kind="report"), said("c", 1), groups=None)
    assert not rejects
    assert panels.schemas == {older: 1, NEWS: 2}
    assert len(panels.panels[0].submitted) == 2


@pytest.mark.parametrize("newest", ["1.10.0", "2.0.0-rc.1", "2.0.0"])
def test_annotations_with_other_groups_than_the_newest_schema_are_rejected(newest: str) -> None:
    kinds = {"topics": {"kind": ("report",)}, "unanswered": ()}
    old = said("a", schema=SchemaRef("news", "1.9.0", "bb"), **kinds)
    oldest = replace(old, annotator="b", segment=segment(1))
    new = said("c", schema=SchemaRef("news", newest, "cc"))
    panels, rejects = collected(old, new, oldest, groups=None)
    assert [(r.code, r.id) for r in rejects] == [("schema_mismatch", "s000"), ("schema_mismatch", "s001")]
    assert "news@1.9.0 with the topic groups [kind], expected are [kind, theme]" in rejects[0].reason
    assert (len(panels.panels), panels.segments) == (1, 2)


def test_the_newest_schema_is_the_highest_version_then_the_last_used() -> None:
    release, candidate = SchemaRef("news", "2.0.0", "bb"), SchemaRef("news", "2.0.0-rc.1", "aa")
    twin = SchemaRef("news", "2.0.0", "aa")
    assert newest_schema([said("a", schema=release), said("b", schema=candidate, updated_at="2027-01-01")]) == release
    assert newest_schema([said("a", schema=twin, updated_at="2027-01-01"), said("b", schema=release)]) == twin


def test_labels_the_schema_does_not_have_are_rejected() -> None:
    odd = said("a", kind="poem")
    two = said("b", topics={"kind": ("report", "opinion"), "theme": ()}, unanswered=("theme",))
    span = said("c", spans=[(0, 4, "DRAGON")])
    panels, rejects = collected(odd, two, span, said("d"), entities=("PER",))
    assert [r.code for r in rejects] == ["schema_mismatch", "not_single", "schema_mismatch"]
    assert "has no label poem" in rejects[0].reason
    assert "takes one label, there are report, opinion" in rejects[1].reason
    assert "no span label DRAGON" in rejects[2].reason
    assert panels.left_out == {"not_single": 1, "schema_mismatch": 2}
    assert [a.annotator for a in panels.panels[0].submitted] == ["d"]


def test_one_schema_at_a_time() -> None:
    with pytest.raises(UsageError, match="2 schemas: law, news"):
        collected(said("a"), said("b", schema=SchemaRef("law", "1.0.0", "cc")))


def test_a_label_in_two_groups_is_refused() -> None:
    with pytest.raises(UsageError, match="'sport' stands twice, in 'kind' and in 'theme'"):
        collected(said("a", kind="sport", theme=["sport"]), groups=None)


def test_groups_read_off_the_annotations() -> None:
    annotations = [said("a", kind="report", theme=["sport"]), said("b", kind="opinion", theme=["sport", "money"]), said("c")]
    assert infer_groups(annotations) == (
        Group("kind", "single", ("opinion", "report")),
        Group("theme", "multi", ("money", "sport")),
    )
    assert infer_groups([]) == ()
    assert gather(annotations).groups_inferred
    assert not gather(annotations, GROUPS).groups_inferred
    assert agree(annotations).groups_inferred


def test_pseudonyms_go_by_the_sorted_names() -> None:
    names = ["Zoë", "aino@example.org", "李", "aino@example.org"]
    assert pseudonyms(names) == pseudonyms(reversed(names)) == {"Zoë": "A1", "aino@example.org": "A2", "李": "A3"}


# ── one segment ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_agreement_on_one_segment() -> None:
    full = said("a", 0, [(0, 4, "PER"), (9, 14, "PER")], "report", ["sport", "money"])
    half = said("b", 0, [(0, 4, "PER")], "opinion", ["sport"])
    assert segment_agreement([full, replace(full, annotator="b")], GROUPS) == 1.0
    assert segment_agreement([full, half], GROUPS) == pytest.approx((2 / 3 + 0 + 2 / 3) / 3)
    assert segment_agreement([full, half], GROUPS, spans=False) == pytest.approx((0 + 2 / 3) / 2)
    assert segment_agreement([full, half, skipped("c")], GROUPS) == segment_agreement([half, full], GROUPS)
    trio = [full, half, replace(full, annotator="c")]
    assert segment_agreement(trio, GROUPS) == pytest.approx((2 * (4 / 9) + 1) / 3)


def test_agreement_on_one_segment_where_there_is_little_to_compare() -> None:
    assert segment_agreement([said("a")], GROUPS) == -1.0
    assert segment_agreement([said("a"), skipped("b")], GROUPS) == -1.0
    assert segment_agreement([said("a"), said("b")], GROUPS) == 1.0  # two true negatives
    assert segment_agreement([said("a"), said("b", kind="report")], GROUPS, spans=False) == -1.0
    assert segment_agreement([said("a", theme=[]), said("b", theme=[])], GROUPS, spans=False) == 1.0


@given(st.lists(st.tuples(span_sets, st.sampled_from(("", *KIND.labels)), themes), min_size=2, max_size=4))
def test_agreement_on_one_segment_is_symmetric_and_in_range(people: list[Any]) -> None:
    where = segment(0, LETTERS)
    annotations = [
        said(f"p{n}", where, spans, kind, None if theme is None else sorted(theme))
        for n, (spans, kind, theme) in enumerate(people)
    ]
    value = segment_agreement(annotations, GROUPS)
    assert 0.0 <= value <= 1.0
    turned = [replace(a, annotator=f"p{len(people) - n}") for n, a in enumerate(annotations)]
    assert segment_agreement(turned, GROUPS) == pytest.approx(value)
    same = len({(a.spans, *a.topics.values()) for a in annotations}) == 1
    assert value == 1.0 if same else value < 1.0 or any(a.unanswered for a in annotations)
