"""Equal texts in several splits."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from annotate.dataset.leakage import folded, shared_texts
from annotate.model import GoldMeta, GoldRecord
from tests.builders import HARD_TEXTS


def gold(id: str, text: str, doc: str) -> GoldRecord:
    meta = GoldMeta(doc, id, "en", "body", 0, len(text), "", "", "t@1.0.0", "0", "single", 1, (), -1.0)
    return GoldRecord(id, text, (), {}, (), "accept", meta)


def test_the_first_record_of_each_split_is_named() -> None:
    records = [
        gold("1", "Same  text", "a"),
        gold("2", "same text\n", "b"),
        gold("3", "SAME TEXT", "c"),
        gold("4", "Other", "c"),
    ]
    (found,) = shared_texts(records, {"a": "train", "b": "train", "c": "dev"})
    assert (found.text, found.records, found.documents) == ("same text", {"dev": "3", "train": "1"}, ("c", "a"))
    assert shared_texts(records, dict.fromkeys("abc", "train")) == []


def test_long_texts_are_cut_in_the_report_only() -> None:
    records = [gold("1", "x" * 100, "a"), gold("2", "x" * 100, "b"), gold("3", "x" * 101, "b")]
    (found,) = shared_texts(records, {"a": "train", "b": "dev"})
    assert found.text == "x" * 80


@given(st.sampled_from(HARD_TEXTS), st.sampled_from(["upper", "lower", "NFC", "NFD", "spaces"]))
def test_a_copy_is_found_whatever_its_case_spaces_and_form(text: str, change: str) -> None:
    changes: dict[str, Callable[[str], str]] = {
        "upper": str.upper,
        "lower": str.lower,
        "NFC": lambda text: unicodedata.normalize("NFC", text),
        "NFD": lambda text: unicodedata.normalize("NFD", text),
        "spaces": lambda text: f" {text}\n\u00a0".replace(" ", "\u2003 "),
    }
    copy = gold("2", changes[change](text), "b")
    assert len(shared_texts([gold("1", text, "a"), copy], {"a": "train", "b": "test"})) == 1


def test_folding() -> None:
    assert folded("  Straße\u00a0 ﬁn\r\n") == folded("STRASSE fin") == "strasse fin"
    assert folded("Oulu") != folded("Oulun")
