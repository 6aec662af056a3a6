"""What blocks have in common with the rest of their page."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotate.regions import cohesion, page, shape, words_of
from annotate.regions.page import Page, read_page, read_pages
from tests.regions.pages import blocks_of

ARTICLE = (
    "The harbour council voted on Monday to rebuild the northern breakwater before the autumn storms arrive.",
    "Engineers told the council that the breakwater had lost a third of its granite blocks since the storms of last autumn.",
    "Rebuilding the northern breakwater will close the harbour to ferries for eleven weeks, the engineers added.",
)
TEASER = "Bakers across the region swap sourdough recipes at a festival that draws visitors from many countries."

HARD = "👩‍👩‍👧 e\u0301te\u0301 한국어 ไทยไทยไทย\r\n\u200b\n<b>&amp;</b>  x\n港港港 12:30 العربية\n"


def page_of(text: str) -> Page:
    blocks = blocks_of(text)
    return read_page(text, blocks, [False] * len(blocks))


def features(found: Page) -> np.ndarray:
    return cohesion.features(found, words_of(found), *shape.main_lines(found, shape.core(found)))


def column(found: Page, name: str) -> list[float]:
    return [round(value, 3) for value in features(found)[:, cohesion.NAMES.index(name)].tolist()]


def test_a_stranger_among_the_paragraphs_shares_little_with_them() -> None:
    found = page_of("\n".join([*ARTICLE, TEASER]) + "\n")
    for name in ("line elsewhere", "line in core", "line like core", "line above", "elsewhere", "like core"):
        *article, teaser = column(found, name)
        assert teaser < max(article[1:]) / 3, name


@pytest.mark.parametrize(
    ("lines", "stranger"),
    [
        (
            ("港の防波堤を秋までに再建すると町議会が決めた。", "町議会によると防波堤の再建で港は閉まる。"),
            "パン職人が春の祭りで腕を競う。",
        ),
        (("เทศบาลเมืองท่าจะสร้างเขื่อนกันคลื่นใหม่", "เขื่อนกันคลื่นของเมืองท่าเสียหายหนัก"), "ช่างทำขนมปังแลกสูตรกัน"),
        (("Порт закроют на ремонт волнореза.", "Ремонт волнореза закроет порт надолго."), "Пекари меняются рецептами хлеба."),
        (("بلدية الميناء تعيد بناء حاجز الأمواج", "حاجز الأمواج في الميناء يعاد بناؤه"), "الخبازون يتبادلون وصفات كثيرة"),
    ],
)
def test_words_are_told_apart_in_every_script(lines: tuple[str, ...], stranger: str) -> None:
    *own, other = column(page_of("\n".join([*lines, stranger]) + "\n"), "line elsewhere")
    assert min(own) > 0.1
    assert other == 0


def test_inflected_words_are_the_same_and_short_words_are_none() -> None:
    assert column(page_of("Hafenbehörde\nHafenbehörden\n"), "elsewhere") == [1, 1]
    assert column(page_of("to the sea\nto the sea\n"), "words") == [0, 0]


def test_a_line_is_not_compared_with_itself() -> None:
    assert column(page_of("granite granite granite\nsourdough\n"), "elsewhere") == [0, 0]


def test_documents_read_together_have_nothing_in_common() -> None:
    texts = ["\n".join(ARTICLE) + "\n", ARTICLE[1] + "\n" + TEASER + "\n", HARD]
    together = read_pages([(text, blocks_of(text), [False] * len(blocks_of(text))) for text in texts])
    alone = np.vstack([features(page_of(text)) for text in texts])
    assert np.allclose(features(together), alone, atol=1e-12)


@settings(max_examples=80, deadline=None)
@given(st.text(min_size=1).filter(str.strip))
def test_any_text_has_shares(text: str) -> None:
    found = page_of(text)
    columns = features(found)
    assert columns.shape == (len(found), len(cohesion.NAMES))
    assert np.isfinite(columns).all()
    assert columns[:, 2:].min() >= 0
    assert columns[:, 2:].max() <= 1 + 1e-9


def test_words_do_not_depend_on_how_much_is_read_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\n".join([*ARTICLE, TEASER, HARD]) * 3
    whole = features(page_of(text))
    monkeypatch.setattr(page, "_CHARACTERS", 60)
    monkeypatch.setattr(page, "_BLOCKS", 2)
    assert np.allclose(features(page_of(text)), whole, atol=1e-12)
