"""Graphemes, words and punctuation at the ends of spans, in hard scripts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.lint.edges import cuts_word, grapheme_at, is_grapheme_boundary, loose_punctuation, trimmed
from annotate.model import Span
from tests.builders import HARD_TEXTS


@pytest.mark.parametrize(
    "cluster",
    [
        "e\u0301",
        "a\u0308\u0323",
        "👨‍👩‍👧‍👦",
        "👍🏽",
        "❤\ufe0f",
        "👩🏽‍🚀",
        "🇫🇮",
        "1\ufe0f\u20e3",
        "🏴\U000e0067\U000e0062\U000e007f",
        "\r\n",
        "ᄒ\u1161\u11ab",
        "하\u11ab",
        "กำ",
        "नि",
        "か\u3099",
        "بَ",
    ],
)
def test_what_readers_see_as_one_is_not_cut(cluster: str) -> None:
    text = f"x{cluster}y"
    inside = range(2, 1 + len(cluster))
    assert not any(is_grapheme_boundary(text, at) for at in inside)
    assert all(is_grapheme_boundary(text, at) for at in (0, 1, 1 + len(cluster), len(text)))
    assert {grapheme_at(text, at) for at in inside} == {cluster}


@pytest.mark.parametrize("text", ["ab", "한국", "中文", "👩👧", "a\nb", "a\u200bb", "日e", "ㄱㄴ"])
def test_two_characters_are_two(text: str) -> None:
    assert all(is_grapheme_boundary(text, at) for at in range(len(text)))


def test_flags_come_in_pairs() -> None:
    text = "🇫🇮🇸🇪🇩"
    assert [is_grapheme_boundary(text, at) for at in range(1, 5)] == [False, True, False, True]


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("Tur|ku", True),
        ("Turku|-born", False),
        ("Turku|’s", False),
        ("Ma\u0308|kela\u0308", True),
        ("1|9", True),
        ("5|km", False),
        ("부산|대학교에서", False),
        ("北|京", False),
        ("東京|タワー", False),
        ("เชียง|ใหม่", False),
        ("Sam|sung이", True),
        ("Samsung|이", False),
        ("طن|جة", True),
        ("Мос|ква", True),
        ("कल|कत्ता", True),
        ("|Turku|", False),
    ],
)
def test_words_are_cut_where_words_are_written_apart(text: str, cut: bool) -> None:
    plain = text.replace("|", "")
    assert cuts_word(plain, text.index("|")) is cut


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("Turku", []),
        ("Turku,", [","]),
        ("“Kalevala”", []),
        ("„Faust“", []),
        ("«Война и мир»", []),
        ("「坊っちゃん」", []),
        ("Turku)", [")"]),
        ("(Turku", ["("]),
        ("Turku (Åbo)", []),
        ('"Faust"', []),
        ('Faust"', ['"']),
        ("Acme Inc.", []),
        ("S.p.A.", []),
        ("Helsinki.", ["."]),
        ("طنجة،", ["،"]),
        ("東京。", ["。"]),
        ("–Turku–", ["–", "–"]),
        ("’s-Hertogenbosch", []),
        (",", [","]),
    ],
)
def test_punctuation_of_the_sentence(text: str, marks: list[str]) -> None:
    assert loose_punctuation(text) == marks


@given(st.sampled_from(HARD_TEXTS), st.data())
def test_a_trimmed_span_covers_its_text(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    if not text[start:end].strip():
        return
    now = trimmed(Span(start, end, "X", text[start:end]))
    assert text[now.start : now.end] == now.text == text[start:end].strip()
    assert trimmed(now) == now
