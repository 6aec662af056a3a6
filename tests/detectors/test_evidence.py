from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.detectors import scripts, varieties
from annotate.detectors.evidence import CAP, HAN, MISMATCH_CAP, Listener, clean, looks_named


class Fake:
    """Knows three languages and answers from a table; remembers what it was asked."""

    name = "fake"
    languages = ("en", "fi", "hr", "id", "ja", "zh")

    def __init__(self, answers: Mapping[str, Mapping[str, float]] | None = None) -> None:
        self.answers = answers or {}
        self.asked: list[str] = []

    def scores(self, texts: Sequence[str]) -> np.ndarray:
        self.asked += texts
        return np.array(
            [
                [self.answers[text].get(tag, -99.0) if text in self.answers else np.nan for tag in self.languages]
                for text in texts
            ]
        )


TAGS = tuple(sorted({*Fake.languages, *scripts.NOT_LATIN, *varieties.GROUP_OF}))
MEMBERS = [tag for group in varieties.GROUPS for tag in group]


def gather(pieces: Sequence[str], detector: Fake):
    return Listener(detector, TAGS).gather(pieces)


def score(evidence, row: int, tag: str) -> float:
    return float(evidence.scores[row, TAGS.index(tag)])


def test_a_script_of_one_language_decides_without_the_detector():
    detector = Fake()
    evidence = gather(["สวัสดีครับ", "ありがとう"], detector)
    assert score(evidence, 0, "th") == 0.0
    assert score(evidence, 1, "ja") == 0.0
    assert score(evidence, 0, "en") < -10
    assert detector.asked == []
    assert evidence.speaks.all()


def test_the_detector_decides_among_the_languages_of_the_script():
    evidence = gather(["hello there"], Fake({"hello there": {"ja": 0.0, "en": -1.0, "fi": -3.0}}))
    assert score(evidence, 0, "en") == 0.0
    assert score(evidence, 0, "fi") == pytest.approx(-2.0)
    assert score(evidence, 0, "ja") < -1


def test_pieces_without_letters_or_answer_say_nothing():
    evidence = gather(["123 ", "\u200d\U0001f600 ", "qqq"], Fake())
    assert not evidence.speaks.any()
    assert not evidence.of([k for k, tag in enumerate(TAGS) if tag not in varieties.GROUP_OF]).any()


def test_one_piece_is_capped():
    evidence = gather(["hello", "Привет " * 50], Fake({"hello": {"en": 0.0, "fi": -500.0}}))
    assert score(evidence, 0, "fi") == -CAP
    assert score(evidence, 1, "en") == -MISMATCH_CAP


def test_han_alone_says_little_against_japanese():
    sentence = "老灯塔看守人走到港口看着渔船在暴风雨来临之前回家"
    answers = {"会社概要": {"zh": 0.0, "ja": -9.0}, sentence: {"zh": 0.0, "ja": -9.0}}
    evidence = gather(["会社概要", sentence], Fake(answers))
    assert score(evidence, 1, "ja") == -9.0
    assert score(evidence, 0, "ja") == pytest.approx(-((4 / HAN) ** 2))


def test_mixed_scripts_say_less_than_pure_ones():
    evidence = gather(["приветпривет", "приветabcdef"], Fake())
    assert score(evidence, 0, "en") < score(evidence, 1, "en") <= 0


def test_equal_texts_are_asked_about_once():
    detector = Fake()
    evidence = gather(["same\n", "same\n", "same ", "other\n"], detector)
    assert detector.asked == ["same", "other"]
    assert len(evidence) == 4


@given(st.lists(st.text(max_size=30), min_size=1, max_size=6))
def test_evidence_depends_on_each_piece_alone(pieces):
    detector = Fake({"abc": {"en": 0.0, "fi": -1.0}})
    together = gather(pieces, detector)
    for i, piece in enumerate(pieces):
        alone = gather([piece], detector)
        assert (together.scores[i] == alone.scores[0]).all()
        assert together.speaks[i] == alone.speaks[0]
        assert together.letters[i] == alone.letters[0]


def test_taking_and_putting():
    first, second = gather(["abc", "где"], Fake()), gather(["ありがとう"], Fake())
    both = first.empty(3)
    both.put(np.array([0, 2]), first)
    both.put(np.array([1]), second)
    assert both.letters.tolist() == [first.letters[0], second.letters[0], first.letters[1]]
    assert both.take(np.array([1, 0])).letters.tolist() == [second.letters[0], first.letters[0]]


def test_many_pieces_are_as_each_alone():
    """More than are listened to at a time, some of them again and again."""
    pieces = [f"{word} {number % 700}" for number in range(1500) for word in ("abc", "где")[: 1 + number % 2]]
    detector = Fake({"abc": {"en": -1.0}})
    together, alone = gather(pieces, detector), [gather([piece], detector) for piece in pieces]
    for name in ("scores", "varieties", "speaks", "letters", "histogram"):
        assert np.array_equal(getattr(together, name), np.concatenate([getattr(one, name) for one in alone])), name


def test_a_group_of_varieties_counts_as_its_first():
    evidence = gather(["dobar dan"], Fake({"dobar dan": {"hr": -1.0, "id": -3.0, "en": 0.0}}))
    hr, sr, indonesian = evidence.of([TAGS.index("hr"), TAGS.index("sr"), TAGS.index("id")])[0]
    assert (hr, indonesian) == (-1.0, -3.0)
    assert sr < -1000


def test_a_variety_the_detector_does_not_know_gets_the_score_of_its_group():
    evidence = gather(["dobar dan"], Fake({"dobar dan": {"hr": -1.0, "id": -3.0, "en": 0.0}}))
    own = dict(zip(MEMBERS, evidence.varieties[0].tolist(), strict=True))
    assert own == {"hr": -1.0, "sr": -1.0, "bs": -1.0, "id": -3.0, "ms": -3.0}


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("See https://example.org/a?b=c now", "See now"),
        ("Write to a.b@example.org today", "Write to today"),
        ("Visit example.co.uk/page soon", "Visit soon"),
        ("ALL CAPS", "all caps"),
        ("so\u00adft hy\u00adphen\u200b", "soft hyphen"),
        ("in 2024, 17 times", "in , times"),
        ("x" * 60 + " word", "word"),
        ("naïve — ok", "naïve — ok"),
        ("www.é and x:/y... www.", "and x:/y... www."),
        ("می\u200cخواهم", "می\u200cخواهم"),
    ],
)
def test_clean(text, cleaned):
    assert clean(text) == cleaned


@given(st.text())
def test_clean_is_safe(text):
    assert clean(text).strip() == clean(text)


def test_names():
    assert looks_named("Maria Lopez")
    assert looks_named("Maria 12 Lopez")
    assert not looks_named("Maria and Lopez")
    assert not looks_named("日本語")
    assert not looks_named("")
