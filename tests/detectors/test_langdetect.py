from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from annotate.detectors import primary
from annotate.detectors.langdetect import Langdetect, engine

TEXTS = [
    "The harbour was quiet when the first boats came in.",
    "Satama oli hiljainen, kun ensimmäiset veneet tulivat.",
    "Порт был тих, когда пришли первые лодки.",
    "حين وصلت القوارب الأولى كان الميناء هادئا",
    "港口很安静，第一批船来了。",
    "Havnen lå stille da de første båtene kom inn.",
    "menu",
    "",
    "123 456",
    "👩‍👩‍👧 🎉",
]


@pytest.mark.parametrize("text", TEXTS)
def test_the_rust_engine_says_what_langdetect_says(text, monkeypatch):
    pytest.importorskip("langdetect_rs")
    fast = Langdetect()
    plain = Langdetect()
    plain._engine = engine("langdetect")
    assert fast._engine.__name__ == "langdetect_rs"
    np.testing.assert_array_equal(fast.scores([text]), plain.scores([text]))


def test_langdetect_alone_is_enough(monkeypatch):
    monkeypatch.setattr("annotate.detectors.langdetect.find_spec", lambda name: None)
    detector = Langdetect()
    assert detector._engine.__name__ == "langdetect"
    (scores,) = detector.scores(["Satama oli hiljainen, kun ensimmäiset veneet tulivat."])
    assert scores[detector.languages.index("fi")] == 0.0 == scores.max()


def test_texts_without_features_give_no_evidence():
    assert np.isnan(Langdetect().scores(["", "123", "🎉"])).all()


def test_equal_texts_get_equal_scores():
    detector = Langdetect()
    short = "menu radio total"
    first = detector.scores([short])
    detector.scores(TEXTS)
    np.testing.assert_array_equal(detector.scores([short]), first)


def test_its_languages_are_its_profiles():
    import langdetect

    profiles = Path(langdetect.__file__).parent / "profiles"
    assert Langdetect.languages == tuple(sorted({primary(profile.name) for profile in profiles.iterdir()}))
