"""Samples and copies."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.errors import UsageError
from annotate.selection import Candidate, Sample, originals, text_key

CANDIDATES = st.lists(
    st.builds(Candidate, st.text("abcdef", min_size=1), st.sampled_from("xyz"), st.sampled_from(["en", "fi"]), st.just("body")),
    unique_by=lambda candidate: candidate.id,
    max_size=30,
)


def numbered(number: int, lang: str = "en") -> list[Candidate]:
    return [Candidate(f"{lang}{n}", f"{n % 3}.txt", lang, "body" if n % 2 else "title") for n in range(number)]


@given(CANDIDATES, st.integers(1, 8), st.randoms())
def test_the_order_of_the_file_does_not_matter(candidates: list[Candidate], size: int, shuffler: object) -> None:
    mixed = list(candidates)
    shuffler.shuffle(mixed)
    sample = Sample(size, ("language",), seed=3)
    assert sample.draw(mixed) == sample.draw(candidates)


@given(CANDIDATES, CANDIDATES, st.integers(1, 8))
def test_larger_samples_hold_smaller_ones_and_appended_segments_change_little(
    candidates: list[Candidate], more: list[Candidate], size: int
) -> None:
    known = {candidate.id for candidate in candidates}
    more = [candidate for candidate in more if candidate.id not in known]
    drawn = Sample(size).draw(candidates)
    assert drawn <= Sample(size + 1).draw(candidates)
    assert len(drawn) == min(size, len(candidates))
    # What falls out is replaced, one for one, by what was appended: nothing old comes in.
    assert Sample(size).draw([*candidates, *more]) & known <= drawn


def test_each_stratum_gets_its_share() -> None:
    candidates = [*numbered(100), *numbered(4, "fi")]
    by_id = {candidate.id: candidate for candidate in candidates}
    drawn = [by_id[identity] for identity in Sample(5, ("language", "region")).draw(candidates)]
    assert Counter((c.lang, c.region) for c in drawn) == {
        ("en", "body"): 5,
        ("en", "title"): 5,
        ("fi", "body"): 2,
        ("fi", "title"): 2,
    }
    assert len(Sample(1, ("document",)).draw(candidates)) == 3


def test_another_seed_is_another_sample() -> None:
    candidates = numbered(100)
    assert Sample(10, seed=1).draw(candidates) != Sample(10, seed=2).draw(candidates)
    # Pinned: a sample must be the same for years.
    assert sorted(Sample(3, seed=1).draw(candidates)) == ["en15", "en83", "en92"]


def test_options_that_make_no_sense() -> None:
    with pytest.raises(UsageError, match="per 'lang'") as problem:
        Sample(3, ("lang",))
    assert "language" in problem.value.hint
    with pytest.raises(UsageError, match="none"):
        Sample(0)


def test_the_first_of_equal_texts_stands_for_all() -> None:
    texts = [("a", "Hello \n", "en"), ("b", "\nHello", "en"), ("c", "Hello", "fi"), ("d", "Hell o", "en"), ("e", "Hello", "en")]
    keys = [(identity, text_key(text, lang, "body")) for identity, text, lang in texts]
    assert originals(keys) == {"b": "a", "e": "a"}
    assert originals(keys[:2]) == {"b": "a"}  # appending changes nothing
