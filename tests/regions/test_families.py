"""The cue families, one by one."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotate.model import Block
from annotate.regions import FAMILIES, cues_of, lexicon, markup, ngrams, shape
from annotate.regions.page import Page, character_tables, read_page
from tests.regions.pages import blocks_of


def page_of(text: str, blocks: tuple[Block, ...] = ()) -> Page:
    blocks = blocks or blocks_of(text)
    return read_page(text, blocks, [False] * len(blocks))


def headings_of(page: Page) -> np.ndarray:
    opened = lexicon.opened(page, lexicon.features(page, page.letters()))
    return lexicon.headings(page, opened, 0, len(page))


def cue(page: Page, name: str) -> list[float]:
    for family in FAMILIES:
        if name in family.NAMES:
            return [round(value, 3) for value in family.features(page, page.letters())[:, family.NAMES.index(name)].tolist()]
    raise AssertionError(name)


def test_every_family_keeps_to_its_names() -> None:
    page = page_of("One line.\n\nAnd another, 12:30, in 1999\n")
    for family in FAMILIES:
        columns = family.features(page, page.letters())
        assert columns.shape == (len(page), len(family.NAMES))
        assert set(family.WINDOWED) <= set(family.NAMES)
        assert len(set(family.NAMES)) == len(family.NAMES)
        assert np.isfinite(columns).all()
        assert columns.min() >= 0
        assert columns.max() <= 1
    assert shape.place(page, shape.core(page), 0, len(page)).shape == (len(page), len(shape.PLACE))
    assert headings_of(page).shape == (len(page), len(lexicon.HEADINGS))


@pytest.mark.parametrize(
    ("name", "yes", "no"),
    [
        ("ends sentence", "It rains.", "It rains"),
        ("ends sentence", "「雨です。」", "「雨です」"),
        ("ends sentence", "هل تمطر؟", "هل تمطر"),
        ("ends colon", "See also:", "See also"),
        ("ends ellipsis", "To be continued…", "The end."),
        ("year", "Spring 1984", "Spring 19845"),
        ("year", "2031", "3031"),
        ("clock", "at 9:05", "at 9.05"),
        ("digit run", "No 123456", "No 1234"),
        ("all caps", "LATEST NEWS", "Latest news"),
        ("first bullet", "• milk", "milk •"),
        ("first copyright", "© Nobody", "Nobody ©"),
        ("has at", "a@b", "a at b"),
        ("first lower", "and then", "And then"),
        ("blank", "  ", " x "),
        ("long", "word " * 30, "word"),
    ],
)
def test_shapes(name: str, yes: str, no: str) -> None:
    assert cue(page_of(f"{yes}\n{no}\n"), name) == [1.0, 0.0]


def test_repetition_and_blank_lines() -> None:
    page = page_of("Share\nA story\n\nShare\n", (Block(0, 6), Block(6, 15), Block(15, 21)))
    assert cue(page, "repeated") == [1.0, 0.0, 1.0]
    assert cue(page, "repeats earlier") == [0.0, 0.0, 1.0]
    assert cue(page, "blank line before") == [0.0, 0.0, 1.0]
    assert cue(page, "blank line after") == [0.0, 1.0, 0.0]


def test_pieces_of_a_line_know_that_they_are() -> None:
    page = page_of("One. Two.\nThree.\n", (Block(0, 5), Block(5, 10), Block(10, 17)))
    assert cue(page, "continued") == [0.0, 1.0, 0.0]
    assert cue(page, "unfinished") == [1.0, 0.0, 0.0]
    widths = cue(page, "line width")
    assert widths[0] == widths[1] > widths[2]


def test_wide_letters_count_twice() -> None:
    japanese, latin = cue(page_of("東京都庁\nabcdefgh\n"), "width")
    assert japanese == latin


def test_the_core_is_the_run_of_long_lines() -> None:
    text = "Menu\nNews\n" + ("word " * 40 + "\n") * 3 + "Print\nShare\n"
    page = page_of(text)
    place = shape.place(page, shape.core(page), 0, len(page))
    assert place[:, shape.PLACE.index("in core")].tolist() == [0, 0, 1, 1, 1, 0, 0]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("consent present", "This site uses COOKIES"),
        ("choice present", "Hylkää"),
        ("choice present", "ΑΠΟΔΟΧΗ ΟΛΩΝ"),
        ("choice present", "すべて許可する"),
        ("legal present", "Все права защищены"),
        ("comments present", "12 Kommentare"),
        ("related present", "บทความที่เกี่ยวข้อง"),
        ("share present", "공유하기"),
        ("ad leading", "Publicité"),
        ("menu leading", "- Home"),
        ("byline present", "מאת דנה"),
        ("date present", "14 พฤษภาคม"),
    ],
)
def test_cue_words_are_found(name: str, line: str) -> None:
    assert cue(page_of(f"{line}\nzzz\n"), name) == [1.0, 0.0]


@pytest.mark.parametrize(
    ("name", "line"), [("byline present", "Byzantium"), ("ad present", "salad"), ("choice present", "unacceptable")]
)
def test_cue_words_are_words(name: str, line: str) -> None:
    assert cue(page_of(f"{line}\n"), name) == [0.0]


CUES = [(number, cue) for number, family in enumerate(lexicon.FAMILIES) for cue in lexicon.cues(family)]
SOME_CUES = [cue.removesuffix("_") for _, cue in CUES[::29]]
CRUMBS = [" ", "-", "s", "\n", "©", "字", "ไทย", "é"]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from([*SOME_CUES, *CRUMBS]) | st.characters(), min_size=1, max_size=12))
def test_cues_are_found_where_a_plain_search_finds_them(parts: list[str]) -> None:
    page = page_of("".join(parts) + "x\n")
    text = "".join(map(chr, page.letters().lowered.tolist()))
    inside = lexicon._inside_word(page.letters())
    lower = dict(enumerate(map(chr, character_tables()[1].tolist())))
    expected = set()
    for number, cue in CUES:
        word = cue.removesuffix("_").translate(lower)
        at = text.find(word)
        while at >= 0:
            if not inside[at] and not (cue.endswith("_") and inside[at + len(word)]):
                expected.add((at, len(word), number))
            at = text.find(word, at + 1)
    found = list(zip(*(part.tolist() for part in lexicon._matches(page.letters())), strict=True))
    assert sorted(found) == sorted(expected)


def test_coverage_is_the_share_of_the_line() -> None:
    share, sentence = cue(page_of("Share\nShare of the northern fishing grounds\n"), "share covered")
    assert share == 1.0
    assert 0 < sentence < 0.2


def test_cue_files_are_well_formed() -> None:
    for family in lexicon.FAMILIES:
        cues = lexicon.cues(family)
        assert len(cues) > 50
        for word in cues:
            assert word == unicodedata.normalize("NFC", word.lower()).strip()
            assert len(word.removesuffix("_")) >= 1


def test_headings_reach_down_and_up() -> None:
    page = page_of("Related\nA\nB\nComments\n")
    near = headings_of(page)
    above = near[:, lexicon.HEADINGS.index("related heading above")]
    below = near[:, lexicon.HEADINGS.index("comments heading below")]
    assert above[0] == below[3] == 1.0
    assert list(above) == sorted(above, reverse=True)
    assert list(below) == sorted(below)


def test_markup_is_silent_on_plain_text() -> None:
    page = page_of("Plain\ntext\n")
    assert not markup.features(page, page.letters()).any()


def test_markup_columns() -> None:
    blocks = (Block(0, 5, "html/body/nav[1]", 0.9, ("nav", "class:unheard-of")), Block(5, 10, "html/body/p[1]", 0.0, ("p",)))
    page = page_of("Menu\nText\n", blocks)
    assert cue(page, "marked up") == [1.0, 1.0]
    assert cue(page, "link density") == [0.9, 0.0]
    assert cue(page, "mostly links") == [1.0, 0.0]
    assert cue(page, "nav") == [1.0, 0.0]
    assert cue(page, "p") == [0.0, 1.0]


def test_ngrams_stay_inside_their_block_and_do_not_depend_on_the_others() -> None:
    whole, first = ngrams.hashed(page_of("alpha\nbeta\n"), 0, 2)
    alone, _ = ngrams.hashed(page_of("beta\n"), 0, 1)
    second, _ = ngrams.hashed(page_of("alpha\nbeta\n"), 1, 2)
    assert list(whole[first == 1]) == list(alone) == list(second)
    assert whole.max() < ngrams.BUCKETS


@given(st.integers(0, 2**32 - 1), st.integers(1, 11), st.lists(st.integers(1, 1600), min_size=1, max_size=4))
def test_packed_weights_add_up(seed: int, width: int, lengths: list[int]) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.choice(np.array([-127, 0, 1, 127], dtype=np.int8), (64, width))
    buckets = rng.integers(0, 64, sum(lengths)).astype(np.uint32)
    begins = np.cumsum([0, *lengths[:-1]])
    sums, counts = ngrams.sums(ngrams.packed(weights), width, buckets, begins)
    assert counts.tolist() == lengths
    assert (sums == np.add.reduceat(weights[buckets].astype(np.int64), begins, axis=0)).all()


def test_a_block_has_fewer_ngrams_than_the_packed_weights_have_room_for() -> None:
    buckets, _ = ngrams.hashed(page_of("x" * 5000 + "\n"), 0, 1)
    assert len(buckets) * 255 < 1 << ngrams.FIELD


def test_ngrams_fold_case_and_digits() -> None:
    assert list(ngrams.hashed(page_of("Room 12\n"), 0, 1)[0]) == list(ngrams.hashed(page_of("ROOM 98\n"), 0, 1)[0])


def test_of_a_long_block_both_ends_are_read() -> None:
    middle = "x" * 5000
    one, _ = ngrams.hashed(page_of(f"start {middle} end\n"), 0, 1)
    other, _ = ngrams.hashed(page_of(f"start {middle}x end\n"), 0, 1)
    assert len(one) == len(other) < 4 * (ngrams.LONGEST + 2)
    assert list(one) == list(other)


def test_cues_of_all_families_stand_side_by_side() -> None:
    page = page_of("One\n")
    assert cues_of(page).shape == (1, sum(len(family.NAMES) for family in FAMILIES))
