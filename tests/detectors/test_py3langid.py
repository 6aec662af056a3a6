from __future__ import annotations

from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from annotate.detectors import DEFAULT, DETECTORS, primary
from annotate.detectors.naive_bayes import TEMPERATURE, Py3langid
from annotate.errors import UnknownName

DETECTOR = Py3langid()
REFERENCE = LanguageIdentifier.from_model_file(MODEL_FILE)

TEXTS = [
    "The harbour was quiet when the first boats came in.",
    "Satama oli hiljainen, kun ensimmäiset veneet tulivat.",
    "Порт был тих, когда пришли первые лодки.",
    "حين وصلت القوارب الأولى كان الميناء هادئا",
    "ALL OF THIS IS WRITTEN IN CAPITALS",
    "A\u0308iti",  # NFD
    "two words",
]


@pytest.mark.parametrize("text", TEXTS)
def test_scores_are_py3langids_own_ranking_rescaled(text):
    (scores,) = DETECTOR.scores([text])
    expected: dict[str, float] = {}
    ranking = REFERENCE.rank(text)
    best = max(score for label, score in ranking if primary(label) in DETECTOR.languages)
    scale = TEMPERATURE / sqrt(len(REFERENCE._encode(text)))
    for label, score in ranking:
        if primary(label) in DETECTOR.languages:
            expected[primary(label)] = max(expected.get(primary(label), -1e9), (score - best) * scale)
    assert scores == pytest.approx(expected, abs=1e-3)


def test_the_best_language_has_zero_and_the_rest_less():
    for text, lang in zip(TEXTS, ["en", "fi", "ru", "ar", "en"], strict=False):
        (scores,) = DETECTOR.scores([text])
        assert scores[lang] == 0.0 == max(scores.values())


@pytest.mark.parametrize("text", ["", "   ", "12 34"])
def test_a_text_without_features_gives_no_evidence(text):
    assert DETECTOR.scores([text]) == [{}]


def test_no_language_is_no_language():
    assert "zxx" not in DETECTOR.languages
    assert {"no", "zh", "he"} <= DETECTOR.languages
    assert not {"nb", "nn", "yue", "hbo"} & DETECTOR.languages


@given(st.lists(st.text(max_size=40), max_size=4))
def test_scores_do_not_depend_on_the_company(texts):
    together = DETECTOR.scores(texts)
    assert together == [DETECTOR.scores([text])[0] for text in texts]
    assert all(set(found) <= DETECTOR.languages for found in together)


def test_detectors_go_by_name():
    assert DEFAULT in DETECTORS
    assert {name: DETECTORS.get(name)().name for name in DETECTORS} == {name: name for name in DETECTORS}
    with pytest.raises(UnknownName) as caught:
        DETECTORS.get("langdetec")
    assert "langdetect" in caught.value.hint


def test_primary_tags():
    assert [primary(tag) for tag in ("zh-cn", "zh-TW", "nb", "nn", "iw", "sr", "en")] == [
        "zh",
        "zh",
        "no",
        "no",
        "he",
        "sr",
        "en",
    ]
