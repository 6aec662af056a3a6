"""Normalised once at the door, and every offset finds its way back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.model import Source
from annotate.offsets import normalise, to_source
from tests.builders import HARD_TEXTS


@given(st.text(st.sampled_from("ab\r\n\ufeff字👍🏽"), max_size=40), st.data())
def test_every_range_finds_its_source(raw: str, data: st.DataObject) -> None:
    text, shifts = normalise(raw)
    assert "\r" not in text
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    source = to_source(shifts, start, end)
    assert normalise("." + raw[source.start : source.end])[0][1:] == text[start:end]


@pytest.mark.parametrize("text", HARD_TEXTS)
def test_nothing_else_is_touched(text: str) -> None:
    assert normalise(text) == (text, ())


def test_a_bom_and_line_ends_shift_what_follows() -> None:
    text, shifts = normalise("\ufeffone\r\ntwo\rthree")
    assert text == "one\ntwo\nthree"
    assert to_source(shifts, 0, 3) == Source(1, 4)
    assert to_source(shifts, 4, 7) == Source(6, 9)
    assert to_source(shifts, 8, 13, "html/body") == Source(10, 15, "html/body")
