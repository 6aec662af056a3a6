from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from py3langid.langid import MODEL_FILE, LanguageIdentifier, visit_counts

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
    assert scores.tolist() == pytest.approx([expected[tag] for tag in DETECTOR.languages], abs=1e-3)


def test_the_best_language_has_zero_and_the_rest_less():
    for text, lang in zip(TEXTS, ["en", "fi", "ru", "ar", "en"], strict=False):
        (scores,) = DETECTOR.scores([text])
        assert scores[DETECTOR.languages.index(lang)] == 0.0 == scores.max()


@pytest.mark.parametrize("text", ["", "   ", "12 34"])
def test_a_text_without_features_gives_no_evidence(text):
    assert np.isnan(DETECTOR.scores([text])).all()


def test_no_language_is_no_language():
    known = set(DETECTOR.languages)
    assert {"no", "zh", "he"} <= known
    assert not {"zxx", "nb", "nn", "yue", "hbo"} & known
    assert sorted(known) == list(DETECTOR.languages)


ALPHABET = st.sampled_from("aeinst éäяж字 的カабв\U0001f600\U0010ffff") | st.characters()


@given(st.lists(st.text(ALPHABET, max_size=60), min_size=1, max_size=5))
def test_all_texts_are_walked_at_once_as_one_by_one(texts):
    data = [text.encode("utf-8", "surrogatepass") for text in texts]
    owners, features, counts = DETECTOR._model.visits(data)
    found = sorted(zip(owners.tolist(), features.tolist(), counts.tolist(), strict=True))
    walked = [visit_counts(REFERENCE.tk_nextmove, REFERENCE._rowbase, REFERENCE.tk_output, text) or {} for text in data]
    assert found == sorted((i, feature, count) for i, visits in enumerate(walked) for feature, count in visits.items())


@given(st.lists(st.text(max_size=40), max_size=4))
def test_scores_do_not_depend_on_the_company(texts):
    together = DETECTOR.scores(texts)
    assert together.shape == (len(texts), len(DETECTOR.languages))
    for row, text in zip(together, texts, strict=True):
        np.testing.assert_array_equal(row, DETECTOR.scores([text])[0])


def test_a_text_longer_than_a_batch_is_one_text():
    (once,) = DETECTOR.scores([" ".join(TEXTS[:2]) * 100])
    assert DETECTOR.languages[int(once.argmax())] in ("en", "fi")
    np.testing.assert_array_equal(DETECTOR.scores([*TEXTS, " ".join(TEXTS[:2]) * 100, *TEXTS])[len(TEXTS)], once)


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
