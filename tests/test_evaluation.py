"""The figures of a segmentation, counted by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.codec import dumps, loads
from annotate.errors import DataFindings, ReadError
from annotate.evaluation import Figures, evaluate, evaluate_files
from annotate.model import REGIONS, Document, Reject, Segment, Tiling
from tests.builders import HARD_TEXTS, segment

Part = tuple[str, str, str]
"""Text, language, region."""


def tiling(*parts: Part, doc_id: str = "a", **meta: Any) -> Tiling:
    segments, at = [], 0
    for number, (text, lang, region) in enumerate(parts):
        segments.append(segment(text, doc_id=doc_id, start=at, id=f"{doc_id}{number}", lang=lang, region=region))
        at += len(text)
    return Tiling(Document(doc_id, "".join(text for text, _, _ in parts), meta), tuple(segments))


def figures(gold: Sequence[Part], predicted: Sequence[Part], **options: Any) -> Figures:
    return evaluate({"a": tiling(*gold)}, {"a": tiling(*predicted)}, **options).figures


def test_a_perfect_segmentation() -> None:
    parts = [("The kiln is lit.\n", "en", "body"), ("Me käytämme evästeitä.", "fi", "cookie_notice")]
    result = evaluate({"a": tiling(*parts)}, {"a": tiling(*parts)})
    assert result.method == "characters"
    counts = {
        "documents": 1,
        "characters": 33,
        "boundaries": 1,
        "mono_docs": 0,
        "multi_docs": 1,
        "cookies": 1,
        "cookie_false": 0,
    }
    for name in Figures.__dataclass_fields__:
        expected = counts.get(name, None if name in ("false_split", "mono_wrong") else 1.0)
        assert getattr(result.figures, name) == expected, name
    assert list(result.by_lang) == ["fi", "en"]
    assert result.by_region["body"].characters == 13


def test_white_space_is_not_scored() -> None:
    gold = [("abc \u00a0\n\n", "en", "body"), ("def", "en", "title")]
    predicted = [("abc", "en", "body"), (" \u00a0\n\ndef", "en", "title")]
    found = figures(gold, predicted)
    assert (found.characters, found.region_acc, found.lang_acc) == (6, 1.0, 1.0)


def test_text_in_no_language_is_scored_for_its_region_only() -> None:
    gold = [("2026 ", "und", "byline"), ("words", "en", "body")]
    found = figures(gold, [("2026 ", "fi", "byline"), ("words", "en", "title")])
    assert found.lang_acc == 1.0
    assert found.region_acc == 4 / 9
    assert found.joint_acc == 4 / 9
    assert (found.mono_docs, found.false_split, found.mono_wrong) == (1, 0.0, 0.0)
    nothing = figures([("2026", "und", "byline")], [("2026", "en", "byline")])
    assert nothing.lang_acc is nothing.lang_doc is nothing.lang_macro_f1 is None
    assert (nothing.mono_docs, nothing.multi_docs, nothing.multi_allfound) == (0, 0, None)


def test_predicting_no_language_is_wrong_but_no_boundary() -> None:
    gold = [("abcdefghij", "en", "body")]
    found = figures(gold, [("abcd", "und", "body"), ("efghij", "en", "body")])
    assert found.lang_acc == 0.6
    assert (found.boundary_p, found.false_split, found.mono_wrong) == (None, 0.0, 0.0)


@pytest.mark.parametrize(("off", "hits"), [(0, 1.0), (5, 1.0), (-5, 1.0), (6, 0.0), (-6, 0.0)])
def test_a_boundary_may_be_five_characters_off(off: int, hits: float) -> None:
    text = "x" * 20
    found = figures(
        [(text[:10], "en", "body"), (text[10:], "fi", "body")],
        [(text[: 10 + off], "en", "body"), (text[10 + off :], "fi", "body")],
    )
    assert (found.boundary_p, found.boundary_r, found.boundary_f1) == (hits, hits, hits)


def test_one_predicted_boundary_serves_one_gold_boundary() -> None:
    gold = [("xxxxxxxx", "en", "body"), ("xxx", "fi", "body"), ("xxxxxxxx", "en", "body")]
    found = figures(gold, [("xxxxxxxxx", "en", "body"), ("xxxxxxxxxx", "fi", "body")])
    assert (found.boundaries, found.boundary_p, found.boundary_r) == (2, 1.0, 0.5)
    assert found.boundary_f1 == pytest.approx(2 / 3)


def test_close_varieties_and_other_tags_of_a_language() -> None:
    found = figures([("abcd", "hr", "body"), ("efgh", "nb", "body")], [("abcd", "sr-Latn", "body"), ("efgh", "NN", "body")])
    assert (found.lang_acc, found.lang_acc_close) == (0.5, 1.0)


def test_averages_over_documents_weigh_them_alike() -> None:
    gold = {"a": tiling(("x" * 90, "en", "body")), "b": tiling(("x" * 10, "fi", "title"), doc_id="b")}
    predicted = {"a": gold["a"], "b": tiling(("x" * 10, "sv", "body"), doc_id="b")}
    found = evaluate(gold, predicted).figures
    assert (found.lang_acc, found.lang_doc) == (0.9, 0.5)
    assert (found.joint_acc, found.joint_doc) == (0.9, 0.5)
    assert (found.mono_docs, found.false_split, found.mono_wrong) == (2, 0.0, 0.5)


def test_scores_by_label() -> None:
    gold = [("x" * 60, "en", "body"), ("x" * 40, "fi", "title")]
    result = evaluate({"a": tiling(*gold)}, {"a": tiling(("x" * 70, "en", "body"), ("x" * 30, "sv", "ad"))})
    english = result.by_lang["en"]
    assert (english.precision, english.recall, english.characters) == (60 / 70, 1.0, 60)
    assert english.f1 == pytest.approx(120 / 130)
    finnish = result.by_lang["fi"]
    assert (finnish.precision, finnish.recall, finnish.f1) == (None, 0.0, 0.0)
    assert finnish.taken_for == {"sv": 0.75, "en": 0.25}
    assert list(result.by_region) == ["body", "title"], "what the gold does not have is no row"
    assert result.figures.lang_macro_f1 == pytest.approx(60 / 130)


@pytest.mark.parametrize(("overlap", "found"), [(90, 1.0), (89, 0.0)])
def test_a_notice_is_found_from_an_intersection_over_union_of_nine_tenths(overlap: int, found: float) -> None:
    gold = [("x" * 50, "en", "body"), ("x" * 100, "fi", "cookie_notice")]
    miss = 100 - overlap
    result = figures(gold, [("x" * (50 + miss), "en", "body"), ("x" * overlap, "fi", "cookie_notice")])
    assert result.cookie_iou == pytest.approx(overlap / 100)
    assert (result.cookie_exact, result.cookie_exact_lang, result.cookie_false) == (found, found, 0)


def test_a_notice_in_two_pieces_and_one_out_of_nothing() -> None:
    gold = [("x" * 10, "en", "cookie_notice"), ("y" * 50, "en", "body")]
    predicted = [
        ("x" * 4, "en", "cookie_notice"),
        ("x", "en", "body"),
        ("x" * 5, "en", "cookie_notice"),
        ("y" * 40, "en", "body"),
        ("y" * 10, "en", "cookie_notice"),
    ]
    found = figures(gold, predicted)
    assert (found.cookies, found.cookie_iou, found.cookie_exact, found.cookie_false) == (1, 0.9, 1.0, 1)


def test_a_notice_in_the_wrong_language_is_found_all_the_same() -> None:
    gold = [("x" * 10, "fi", "cookie_notice"), ("y" * 10, "en", "body")]
    found = figures(gold, [("x" * 10, "et", "cookie_notice"), ("y" * 10, "en", "body")])
    assert (found.cookie_exact, found.cookie_exact_lang) == (1.0, 0.0)


def test_a_notice_in_two_languages_is_one_notice() -> None:
    parts = [("x" * 10, "fi", "cookie_notice"), ("y" * 10, "sv", "cookie_notice")]
    assert figures(parts, parts).cookies == 1


def test_body() -> None:
    gold = [("a" * 60, "en", "body"), ("b" * 20, "fi", "body"), ("c" * 20, "en", "promo")]
    found = figures(gold, [("a" * 50, "en", "body"), ("a" * 10 + "b" * 20, "fi", "title"), ("c" * 20, "en", "body")])
    assert (found.body_p, found.body_r) == (50 / 70, 50 / 80)
    assert found.body_f1 == pytest.approx(100 / 150)
    assert (found.body_purity, found.body_recall) == (50 / 70, 50 / 60)
    none = figures([("a", "en", "title")], [("a", "en", "title")])
    assert none.body_p is none.body_r is none.body_f1 is none.body_purity is none.body_recall is None


def test_words_are_aligned_when_the_texts_differ() -> None:
    gold = [("One two three\n", "en", "body"), ("neljä viisi", "fi", "cookie_notice")]
    predicted = [("Menu ", "en", "navigation"), ("One  two\n\n", "en", "body"), ("neljä new viisi", "fi", "cookie_notice")]
    result = evaluate({"a": tiling(*gold)}, {"a": tiling(*predicted)})
    found = result.figures
    assert result.method == "words"
    assert (found.characters, found.coverage) == (21, 16 / 21)
    assert (found.lang_acc, found.region_acc, found.joint_acc) == (16 / 21, 16 / 21, 16 / 21)
    assert (found.cookie_iou, found.cookie_exact, found.cookie_false) == (1.0, 1.0, 0)
    assert result.by_lang["en"].taken_for == {"": 5 / 11}
    assert (found.boundary_p, found.boundary_r) == (1.0, 1.0)


def test_words_of_scripts_without_spaces_are_characters() -> None:
    gold = [("本日は晴天", "ja", "body")]
    found = figures(gold, [("本日", "ja", "body"), ("も雨天", "ja", "title")])
    assert (found.characters, found.coverage) == (5, 3 / 5), "the characters 本, 日 and 天"
    assert found.region_acc == 2 / 5


def test_words_can_be_asked_for() -> None:
    parts = [("x" * 10, "fi", "cookie_notice"), (" yy", "sv", "cookie_notice")]
    result = evaluate({"a": tiling(*parts)}, {"a": tiling(*parts)}, words=True)
    assert result.method == "words"
    assert (result.figures.cookies, result.figures.characters, result.figures.lang_acc) == (2, 12, 1.0)


def test_figures_by_a_field() -> None:
    gold = {
        "a": tiling(("abcd", "en", "body"), kind="news"),
        "b": tiling(("abcd", "en", "body"), doc_id="b", kind="forum"),
        "c": tiling(("abcd", "en", "body"), doc_id="c"),
    }
    predicted = {**gold, "b": tiling(("abcd", "fi", "body"), doc_id="b")}
    by = evaluate(gold, predicted, by="kind").by
    assert {value: part.lang_acc for value, part in by.items()} == {"": 1.0, "forum": 0.0, "news": 1.0}
    assert list(by) == sorted(by)
    assert evaluate(gold, predicted).by == {}


def test_missing_and_extra_documents() -> None:
    one = tiling(("abcd", "en", "body"))
    result = evaluate({"a": one, "b": one}, {"a": one, "z": one})
    assert (result.missing, result.extra, result.figures.documents) == (("b",), 1, 1)
    with pytest.raises(DataFindings) as problem:
        evaluate({"b": one}, {"z": one})
    assert problem.value.findings == ("b",)
    assert "'b'" in problem.value.hint


TEXTS = st.lists(
    st.tuples(st.sampled_from(HARD_TEXTS), st.sampled_from(["en", "fi", "ar", "und"]), st.sampled_from(REGIONS)),
    min_size=1,
    max_size=6,
)


@given(TEXTS, st.data())
def test_any_two_tilings_of_a_text_can_be_compared(parts: list[Part], data: st.DataObject) -> None:
    gold = tiling(*parts)
    text = gold.document.text
    cuts = sorted(data.draw(st.sets(st.integers(1, len(text) - 1), max_size=5)) | {len(text)})
    labels = st.tuples(st.sampled_from(["en", "sv", "und"]), st.sampled_from(REGIONS))
    other = tiling(*((text[a:b], *data.draw(labels)) for a, b in zip([0, *cuts], cuts, strict=False)))
    found = evaluate({"a": gold}, {"a": other}).figures
    assert found.characters == sum(not character.isspace() for character in text)
    shares = [value for name in Figures.__dataclass_fields__ if isinstance(value := getattr(found, name), float)]
    assert all(0 <= share <= 1 for share in shares)
    assert found.region_acc is not None
    # Character by character, as the definition says.
    labelled = {at: part for part in gold.segments for at in range(part.start, part.end)}
    said = {at: part for part in other.segments for at in range(part.start, part.end)}
    scored = [at for at, character in enumerate(text) if not character.isspace()]
    assert found.region_acc == sum(labelled[at].region == said[at].region for at in scored) / len(scored)
    known = [at for at in scored if labelled[at].lang != "und"]
    right = sum(labelled[at].lang == said[at].lang for at in known)
    assert found.lang_acc == (right / len(known) if known else None)


@given(TEXTS)
def test_a_segmentation_agrees_with_itself_either_way(parts: list[Part]) -> None:
    gold = {"a": tiling(*parts)}
    for words in (False, True):
        found = evaluate(gold, gold, words=words).figures
        assert found.coverage == found.region_acc == found.joint_acc == 1.0
        assert found.lang_acc in (1.0, None)
        assert found.cookie_exact in (1.0, None)


# -- files -------------------------------------------------------------------------------------------------------------


def bench(doc_id: str, *parts: Part, text: bool = True, **fields: Any) -> dict[str, Any]:
    """A document on one line."""
    one = tiling(*parts, doc_id=doc_id)
    segments = [{"start": s.start, "end": s.end, "lang": s.lang, "region": s.region} for s in one.segments]
    return {"id": doc_id} | ({"text": one.document.text} if text else {}) | {"segments": segments} | fields


def write(path: Path, rows: Sequence[object]) -> Path:
    path.write_bytes(b"".join(dumps(row) + b"\n" for row in rows))
    return path


PARTS: tuple[Part, ...] = (("Käsi ylös\n", "fi", "title"), ("👨‍👩‍👧 family", "en", "body"))


def read_rejects(path: Path) -> list[Reject]:
    return [loads(line, Reject) for line in path.read_bytes().splitlines()]


def test_both_forms_of_both_files(tmp_path: Path) -> None:
    lines = write(tmp_path / "lines.jsonl", [bench("a", *PARTS, kind="news", meta={"site": "x"})])
    # Segments of several documents in any order.
    ours = write(tmp_path / "segments.jsonl", list(reversed(tiling(*PARTS).segments)))
    bare = write(tmp_path / "bare.jsonl", [bench("a", *PARTS, text=False)])
    for gold in (lines, ours):
        for predicted in (lines, ours, bare):
            result, rejected = evaluate_files(gold, predicted)
            assert (result.figures.joint_acc, result.method, rejected) == (1.0, "characters", {})
    assert set(evaluate_files(lines, ours, by="kind")[0].by) == {"news"}
    assert set(evaluate_files(lines, ours, by="site")[0].by) == {"x"}
    assert not list(tmp_path.glob("*rejects*"))


def test_pages_and_their_files_are_one(tmp_path: Path) -> None:
    gold = write(tmp_path / "gold.jsonl", [bench(name, *PARTS) for name in ("a", "b", "c.txt")])
    predicted = write(tmp_path / "p.jsonl", [bench(name, *PARTS) for name in ("a.html", "b.htm", "c.txt", "d.html")])
    result, _ = evaluate_files(gold, predicted)
    assert (result.figures.documents, result.missing, result.extra) == (3, (), 1)


def row(start: int, end: int, **fields: Any) -> dict[str, Any]:
    return {"start": start, "end": end, "lang": "en", "region": "body"} | fields


@pytest.mark.parametrize(
    ("segments", "code", "words"),
    [
        ([row(0, 5), row(6, 10)], "badly_tiled", "gap at 5"),
        ([row(0, 5), row(4, 10)], "badly_tiled", "overlap at 5"),
        ([row(0, 9)], "badly_tiled", "end at 9"),
        ([row(0, 11)], "badly_tiled", "11"),
        ([row(-2, 10)], "badly_tiled", "-2"),
        ([row(3, 3), row(3, 10)], "badly_tiled", "(3, 3)"),
        ([], "badly_tiled", "there are none"),
        ([row(0, 10, region="sidebar")], "badly_tiled", "sidebar"),
        ([row(0, 10, lang=3)], "unreadable", "$[0].lang"),
        ([{"start": 0, "end": 10}], "unreadable", "lang"),
        ("none", "unreadable", "array"),
    ],
)
def test_a_document_that_is_badly_tiled_is_rejected(tmp_path: Path, segments: object, code: str, words: str) -> None:
    good, text = bench("a", *PARTS), "ten chars."
    bad = {"id": "b", "text": text, "segments": segments}
    gold = write(tmp_path / "gold.jsonl", [good, bench("b", (text, "en", "body"))])
    result, rejected = evaluate_files(gold, write(tmp_path / "pred.jsonl", [bad, good]))
    assert (result.figures.documents, result.missing, rejected) == (1, (), {code: 1})
    (item,) = read_rejects(tmp_path / "pred.evaluate.rejects.jsonl")
    assert (item.id, item.code) == ("b", code)
    assert words in item.reason
    assert item.hint
    # The same in the gold: then its prediction is none too many.
    result, rejected = evaluate_files(write(tmp_path / "gold2.jsonl", [bad, good]), gold, rejects=tmp_path / "r.jsonl")
    assert (result.figures.documents, result.extra, rejected) == (1, 0, {code: 1})


def test_segments_that_leave_a_hole_are_rejected(tmp_path: Path) -> None:
    first, second, third = tiling(("one ", "en", "body"), ("two ", "en", "title"), ("three", "en", "ad"), doc_id="b").segments
    gold = write(tmp_path / "gold.jsonl", [bench("a", *PARTS), first, second, third])
    broken = {**json.loads(dumps(third)), "region": "sidebar"}
    for rows in ([first, third], [first, second, broken]):
        result, rejected = evaluate_files(gold, write(tmp_path / "pred.jsonl", [*rows, *tiling(*PARTS).segments]))
        assert result.figures.documents == 1
        assert sum(rejected.values()) == 1
        assert read_rejects(tmp_path / "pred.evaluate.rejects.jsonl")[0].id == "b"


def test_what_is_no_document_is_rejected(tmp_path: Path) -> None:
    good = bench("a", *PARTS)
    gold = write(tmp_path / "gold.jsonl", [good, {**good, "text": 3, "id": "n"}, good, {"id": "x"}, 7, {"segments": []}])
    result, rejected = evaluate_files(gold, write(tmp_path / "pred.jsonl", [good, {}]), rejects=tmp_path / "r.jsonl")
    assert result.figures.documents == 1
    assert rejected == {"unreadable": 4, "badly_tiled": 1, "duplicate_id": 1}
    assert [item.code for item in read_rejects(tmp_path / "r.jsonl")].count("duplicate_id") == 1


def test_files_without_anything_to_use(tmp_path: Path) -> None:
    good = write(tmp_path / "good.jsonl", [bench("a", *PARTS)])
    bad = write(tmp_path / "bad.jsonl", [{"id": "a", "text": "abc", "segments": [row(0, 2)]}])
    empty = write(tmp_path / "empty.jsonl", [])
    for gold, predicted in ((bad, good), (good, bad), (empty, good)):
        with pytest.raises(ReadError):
            evaluate_files(gold, predicted)
    with pytest.raises(DataFindings):
        evaluate_files(good, empty)


def test_the_json_holds_plain_values(tmp_path: Path) -> None:
    one = {"a": tiling(*PARTS, kind="news")}
    content = json.loads(json.dumps(evaluate(one, one, by="kind").to_json()))
    assert content["figures"]["cookie_exact"] is None
    assert content["by"]["news"]["joint_acc"] == 1.0
    assert content["by_lang"]["en"]["taken_for"] == {}


def test_segments_are_what_segment_writes(tmp_path: Path) -> None:
    from annotate.workflow import segment as run

    (tmp_path / "page.txt").write_text("The potters of Mill Lane lit their new kiln.\n\nMenu\n", encoding="utf-8")
    run([tmp_path / "page.txt"], tmp_path / "s.jsonl")
    assert all(isinstance(loads(line, Segment), Segment) for line in (tmp_path / "s.jsonl").read_bytes().splitlines())
    result, _ = evaluate_files(tmp_path / "s.jsonl", tmp_path / "s.jsonl")
    assert result.figures.joint_acc == 1.0
