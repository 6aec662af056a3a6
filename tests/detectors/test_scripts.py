from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.detectors import scripts


def dominant(text: str) -> str:
    counts = scripts.histogram(scripts.letters(text), np.array([0]))
    return scripts.SCRIPTS[int(scripts.dominant(counts)[0])]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Hello", "Latn"),
        ("Ａｂｃ ŵ ạ", "Latn"),
        ("Здравствуйте", "Cyrl"),
        ("Γειά ἀρχή", "Grek"),
        ("שלום", "Hebr"),
        ("سلام ﷲ", "Arab"),
        ("नमस्ते", "Deva"),
        ("สวัสดี", "Thai"),
        ("გამარჯობა", "Geor"),
        ("Բարև", "Armn"),
        ("ሰላም", "Ethi"),
        ("한국어", "Hang"),
        (unicodedata.normalize("NFD", "한국어"), "Hang"),
        ("中文网站", "Hani"),
        ("𠀀𠀁", "Hani"),
        ("日本語の文", "Jpan"),
        ("ｶﾀｶﾅ", "Jpan"),
        ("大韓民國 한글", "Hang"),
        ("新竹 abc", "Hani"),
        ("12 — 👩‍👩‍👧 \ue000 ×÷", "Zyyy"),
        ("", "Zyyy"),
    ],
)
def test_dominant_script(text, code):
    assert dominant(text) == code


@given(st.text())
def test_every_code_point_has_one_script_and_only_letters_have_one(text):
    kinds = scripts.letters(text)
    assert len(kinds) == len(text)
    for char, kind in zip(text, kinds, strict=True):
        if char.isspace() or (char.isdigit() and char.isascii()):
            assert kind == 0


@given(st.text(min_size=1), st.data())
def test_histograms_of_pieces_add_up(text, data):
    cuts = data.draw(st.sets(st.integers(1, len(text)).filter(lambda n: n < len(text)))) if len(text) > 1 else set()
    starts = np.array([0, *sorted(cuts)])
    kinds = scripts.letters(text)
    pieces = scripts.histogram(kinds, starts)
    assert pieces.shape == (len(starts), len(scripts.SCRIPTS))
    assert (pieces.sum(axis=0) == scripts.histogram(kinds, np.array([0]))[0]).all()


def test_lone_surrogates_have_no_script():
    assert scripts.letters("\ud800a").tolist() == [0, scripts.SCRIPTS.index("Latn")]


def test_languages_of_scripts_are_known_scripts():
    assert set(scripts.LANGUAGES) < set(scripts.SCRIPTS)
    assert "sr" not in scripts.NOT_LATIN
    assert "ru" in scripts.NOT_LATIN
