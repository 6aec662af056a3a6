"""The shipped region model, and models as files."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotate import regions
from annotate.errors import ReadError
from annotate.model import REGIONS, Block
from annotate.regions import RegionModel, page
from tests.regions.pages import ALL, ENGLISH, Page, blocks_of, text_of

HARD = (
    "\ufeff\U0001f469\u200d\U0001f469\u200d\U0001f467 e\u0301te\u0301\r\n\n한국어 \u1112\u1161\u11ab <b>&amp;  \u200f שלום"
    " \u2028 ไทยไม่มีช่องว่าง \U0001f1eb\U0001f1ee 12:30 ©İSTANBUL\U00020000\U000118a0"
)


LINES = ["Share\n", "Related\n", "9:30 1999\n", "\n", " \n", "No line end", "19", HARD, *(f"{line}\n" for _, line in ENGLISH)]
"""Among them such as would go on in another document."""


@pytest.fixture(scope="module")
def model() -> RegionModel:
    return regions.load()


def scored(model: RegionModel, text: str, foreign: bool = False) -> np.ndarray:
    blocks = blocks_of(text)
    return model.score(text, blocks, [foreign] * len(blocks))


def labels(model: RegionModel, text: str) -> list[str]:
    """The best sequence of regions (Viterbi)."""
    scores = scored(model, text)
    best, back = scores[0] + model.start, []
    for row in scores[1:]:
        step = best[:, None] + model.transitions
        back.append(step.argmax(axis=0))
        best = step.max(axis=0) + row
    path = [int(best.argmax())]
    for choice in reversed(back):
        path.append(int(choice[path[-1]]))
    return [REGIONS[k] for k in reversed(path)]


def test_the_shipped_model_has_a_score_for_every_block_and_region(model: RegionModel) -> None:
    text = text_of(ENGLISH)
    assert scored(model, text).shape == (len(ENGLISH), len(REGIONS))
    assert model.start.shape == (len(REGIONS),)
    assert model.transitions.shape == (len(REGIONS), len(REGIONS))
    assert model.score("", (), ()).shape == (0, len(REGIONS))


def test_the_shipped_model_is_small() -> None:
    assert regions.SHIPPED.stat().st_size < 3_000_000


@pytest.mark.parametrize("page", ALL.values(), ids=list(ALL))
def test_the_obvious_parts_of_a_page_are_told(model: RegionModel, page: Page) -> None:
    found = labels(model, text_of(page))
    for region in ("title", "byline", "body", "cookie_notice", "footer"):
        assert [i for i, r in enumerate(found) if r == region] == [i for i, (r, _) in enumerate(page) if r == region]
    right = sum(a == b for a, (b, _) in zip(found, page, strict=True))
    assert right >= len(page) - 1


def test_an_article_about_cookies_is_no_notice(model: RegionModel) -> None:
    story = (
        "Cookies are older than most people think\n"
        "The first cookie was written by a programmer who wanted a shop to remember what lay in the basket. He told the story "
        "last week, to a full hall, with many jokes about biscuits. Few of the listeners had been born when it happened.\n"
        "Since then the little files have been praised, feared and regulated. Historians of the web say that none of this was "
        "planned, and that the name came from an older habit of programmers to pass small packets between machines.\n"
    )
    assert "cookie_notice" not in labels(model, story)


def test_markup_is_heard(model: RegionModel) -> None:
    text = "Old mill turns again\nVillage\nMarkets\nGardens\nThe wheel by the river turns again after years of silence.\n"
    plain = blocks_of(text)
    hints = (("h1",), ("nav", "li"), ("nav", "li"), ("nav", "li"), ("article", "p"))
    marked = [
        replace(block, path=f"html/body/div[{i}]", link_density=float("nav" in cues), cues=cues)
        for i, (block, cues) in enumerate(zip(plain, hints, strict=True))
    ]
    navigation = REGIONS.index("navigation")
    without = model.score(text, plain, [False] * 5)
    with_ = model.score(text, marked, [False] * 5)
    assert (with_[1:4, navigation] > without[1:4, navigation]).all()
    assert [REGIONS[k] for k in with_.argmax(axis=1)] == ["title", *["navigation"] * 3, "body"]


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1), st.data())
def test_any_text_in_any_blocks_has_finite_scores(text: str, data: st.DataObject) -> None:
    model = regions.load()
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(text) - 1)), max_size=6)) - {len(text)})
    bounds = [0, *cuts, len(text)]
    blocks = [Block(a, b) for a, b in pairwise(bounds)]
    scores = model.score(text, blocks, [False] * len(blocks))
    assert np.isfinite(scores).all()
    assert np.array_equal(scores, model.score(text, blocks, [False] * len(blocks)))


def test_hard_text_has_finite_scores(model: RegionModel) -> None:
    for text in (HARD, HARD * 50, " ", "\n\n", "a" * 20_000):
        assert np.isfinite(scored(model, text)).all()


def test_a_long_document_scores_as_its_blocks_are_counted(model: RegionModel, monkeypatch: pytest.MonkeyPatch) -> None:
    text = text_of(ENGLISH) * 20
    whole = scored(model, text)
    monkeypatch.setattr(regions, "_ROWS", 7)
    monkeypatch.setattr(page, "_BLOCKS", 5)
    monkeypatch.setattr(page, "_CHARACTERS", 100)
    assert np.allclose(scored(model, text), whole, atol=2e-6)


def test_a_page_without_markup_is_read_with_the_columns_it_has(model: RegionModel) -> None:
    text = text_of(ENGLISH)
    blocks = blocks_of(text)
    plain = page.read_page(text, blocks, [False] * len(blocks))
    cues = regions.cues_of(plain)
    seen = regions.context_of(plain, np.full((len(blocks), len(REGIONS)), 1 / len(REGIONS)), cues, regions.words_of(plain))
    assert not plain.marked
    n = len(blocks)
    assert seen.unmarked().rows(0, n).shape[1] < 0.75 * seen.rows(0, n).shape[1]
    some = model._second_pass(model._unmarked_inputs, seen.unmarked().rows(0, n))
    assert np.allclose(some, model._second_pass(model._inputs, seen.rows(0, n)), atol=1e-12)


def test_a_model_comes_back_from_its_file(model: RegionModel, tmp_path: Path) -> None:
    first, second = tmp_path / "a.npz", tmp_path / "b.npz"
    model.save(first)
    again = regions.load(first)
    again.save(second)
    assert first.read_bytes() == second.read_bytes() == regions.SHIPPED.read_bytes()
    text = text_of(ENGLISH)
    assert np.array_equal(scored(again, text), scored(model, text))


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="nowhere"):
        regions.load(tmp_path / "nowhere.npz")
    garbage = tmp_path / "garbage.npz"
    garbage.write_bytes(b"no model at all")
    with pytest.raises(ReadError, match="not a region model"):
        regions.load(garbage)
    other = tmp_path / "other.npz"
    np.savez(other, regions=np.array(["head", "foot"]), vocabulary=np.array(["length"]))
    with pytest.raises(ReadError, match="of other cues or regions"):
        regions.load(other)
