"""Browser truth: what annotators see and mark is what is in the data, character for character."""

from __future__ import annotations

import pytest

from annotate.model import Span
from tests.browser.conftest import PERSON, TRADE, Work
from tests.browser.hard_texts import HARD_TEXTS, PAGE, HardText

pytestmark = [pytest.mark.live, pytest.mark.browser]

each_text = pytest.mark.parametrize("one", HARD_TEXTS, ids=[one.kind for one in HARD_TEXTS])


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@each_text
def test_what_the_mouse_selects_comes_home(one: HardText, work: Work) -> None:
    annotation = work.pulled[one.text]
    assert annotation.annotator == "lumi@example.com"
    marked, predicted = (*one.selected_at, "PERSON", one.selected), (*one.predicted_at, "PLACE", one.predicted)
    assert annotation.spans == tuple(sorted([Span(*marked), Span(*predicted)]))
    assert annotation.from_prediction == "guess-1"
    assert annotation.topics["theme"] in {("trade",), ("sport",)}


@each_text
def test_predictions_are_drawn_on_the_right_characters(one: HardText, work: Work) -> None:
    start, _ = one.predicted_at
    assert work.seen[one.text].highlights == [(utf16(one.text[:start]), one.predicted)]


@each_text
def test_each_text_runs_in_its_own_direction(one: HardText, work: Work) -> None:
    assert work.seen[one.text].direction == ("rtl" if one.lang in {"ar", "he"} else "ltr")


def test_hotkeys_and_clicks_choose_topics(work: Work) -> None:
    assert {annotation.topics["theme"] for annotation in work.pulled.values()} == {("trade",), ("sport",)}


def test_language_region_and_document_are_shown(work: Work) -> None:
    for one in work.segments:
        if one.text in work.seen:
            assert work.seen[one.text].origin.strip() == f"{one.lang} · {one.region} · {one.doc_id}"


def test_the_page_around_a_segment_is_shown_and_cannot_be_marked(work: Work) -> None:
    assert [" ".join(text.split()) for text in work.context] == [" ".join(text.split()) for text in (PAGE[0], PAGE[2])]
    assert work.marked_in_context == work.seen[PAGE[1]].highlights


def test_labels_stay_in_sight_of_a_long_text(work: Work) -> None:
    assert work.labels_in_sight


def test_hints_are_the_descriptions_in_the_annotators_language(work: Work) -> None:
    assert " ".join(work.hints[PERSON].split()) == '<i>설명</i> & "따옴표" 🎈 ✓ [홍길동]은 <b>웃었다</b> & 갔다'
    assert work.hints[TRADE] == "사고 <b>팔기</b> & $text"


def test_guidelines_are_set_as_a_page(work: Work) -> None:
    for part in (
        '<h2 dir="auto">지침 &lt;1&gt;</h2>',
        '<strong>표시</strong>하세요: <code>&lt;b&gt;&amp;amp;</code> &amp; "따옴표".',
        "1. 처음부터",
        "2. 끝까지",
        "• 하나",
    ):
        assert part in work.instructions


def test_there_is_a_tab_for_each_region_and_language(work: Work) -> None:
    languages = sorted({one.lang for one in HARD_TEXTS})
    assert work.tabs[-len(languages) - 3 :] == ["all", "body", "title", *languages]
