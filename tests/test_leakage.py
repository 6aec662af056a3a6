"""Documents that belong together, and leaks between splits."""

from __future__ import annotations

import random
import tracemalloc
import unicodedata
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotate.dataset import assign_pages, minhash
from annotate.dataset.leakage import Repeats, found_leaks, repeats
from annotate.dataset.pages import FEW_PAGES, LONG, Pages, folded, is_long
from annotate.dataset.splits import SplitRow
from annotate.model import GoldMeta, GoldRecord, Span
from tests.builders import HARD_TEXTS

RATIOS = (60, 20, 20)
WORDS = "harbour bridge mayor ferry choir market winter library tram island school river cup museum council".split()
TEASER = "The museum on the island opens its doors again after seven winters"


def gold(id: str, text: str, doc: str, *, region: str = "body", lang: str = "en", label: str = "") -> GoldRecord:
    spans = (Span(0, 1, label, text[:1]),) if label else ()
    meta = GoldMeta(doc, id, lang, region, 0, len(text), "", "", "t@1.0.0", "0", "single", 1, (), -1.0)
    return GoldRecord(id, text, spans, {}, (), "accept", meta)


def article(seed: int, words: int = 120) -> str:
    rng = random.Random(seed)
    return " ".join(rng.choice(WORDS) + str(rng.randrange(1000)) for _ in range(words))


def edited(text: str, seed: int, share: float) -> str:
    rng, words = random.Random(seed), text.split()
    for _ in range(round(share * len(words))):
        words[rng.randrange(len(words))] = f"other{rng.randrange(1000)}"
    return " ".join(words)


def pairs(records: Sequence[GoldRecord]) -> list[tuple[str, str, str]]:
    return [(link.left, link.right, link.kind) for link in Pages(records).links({})]


# -- what belongs together -------------------------------------------------------------------------------------------------


def test_the_same_page_whatever_the_order_of_its_segments() -> None:
    records = [
        gold("1", "One", "a"),
        gold("2", "Two", "a"),
        gold("3", "TWO ", "b"),
        gold("4", "one", "b"),
        gold("5", "One", "c"),
    ]
    assert pairs(records) == [("a", "b", "page")]


def test_furniture_makes_no_page_but_where_there_is_nothing_else() -> None:
    consent = "We and our partners use cookies to show you news that you like"
    menu = [gold(doc + "m", consent, doc, region="cookie_notice") for doc in "ab"]
    assert pairs([*menu, gold("1", article(1), "a"), gold("2", article(2), "b")]) == []
    assert pairs(menu) == [("a", "b", "page")]


@pytest.mark.parametrize(("share", "met"), [(0.02, True), (0.05, True), (0.6, False)])
def test_near_duplicates(share: float, met: bool) -> None:
    records = [gold("1", article(1), "a"), gold("2", edited(article(1), 7, share), "b")]
    assert pairs(records) == [("a", "b", "near")] * met


@pytest.mark.parametrize(
    "text", ["서울에서 열린 축제에 많은 시민이 모였다. ", "في بيروت افتتح المتحف أبوابه أمس. ", "市長は新しい橋を見に来た。"]
)
def test_near_duplicates_in_any_script(text: str) -> None:
    page = "".join(f"{text}{number} " for number in range(40))
    assert pairs([gold("1", page, "a"), gold("2", page + text, "b")]) == [("a", "b", "near")]


def test_an_added_segment_is_still_a_near_duplicate() -> None:
    parts = [article(seed, 40) for seed in range(6)]
    records = [gold(f"{doc}{i}", part, doc) for doc in "ab" for i, part in enumerate(parts)]
    assert pairs([*records, gold("x", "An added line", "b")]) == [("a", "b", "near")]


@pytest.mark.parametrize(
    ("text", "region", "copies", "bound"),
    [
        (TEASER, "related", 2, True),
        (TEASER, "comments", FEW_PAGES, True),
        (TEASER, "related", FEW_PAGES + 1, False),
        (TEASER, "promo", 2, False),
        ("Read more", "related", 2, False),
        ("博物館は七年ぶりに再び扉を開きます今年の冬から", "related", 2, True),
    ],
)
def test_a_long_text_on_few_pages_binds_them(text: str, region: str, copies: int, bound: bool) -> None:
    records = [gold(f"{i}", article(i), f"d{i:02}") for i in range(copies)]
    records += [gold(f"t{i}", text, f"d{i:02}", region=region) for i in range(copies)]
    assert pairs(records) == [("d00", f"d{i:02}", "text") for i in range(1, copies)] * bound


def test_texts_without_letters_bind_nothing() -> None:
    assert pairs([gold("1", "* * * " * 30, "a"), gold("2", "* * * " * 30, "b")]) == []


def test_a_text_is_long_by_letters_and_digits_and_wide_ones_count_twice() -> None:
    assert is_long("a" * LONG)
    assert is_long("--- 北京 " + "ab " * (LONG // 2 - 2))
    assert not is_long("--- 北京 " + "ab " * (LONG // 2 - 3) + "a!")
    assert not is_long("ab! " * (LONG // 2 - 1) + "1")


@given(st.sampled_from(HARD_TEXTS), st.sampled_from(["upper", "lower", "NFC", "NFD", "spaces"]))
def test_a_copy_is_found_whatever_its_case_spaces_and_form(text: str, change: str) -> None:
    changes: dict[str, Callable[[str], str]] = {
        "upper": str.upper,
        "lower": str.lower,
        "NFC": lambda text: unicodedata.normalize("NFC", text),
        "NFD": lambda text: unicodedata.normalize("NFD", text),
        "spaces": lambda text: f" {text}\n\u00a0".replace(" ", "\u2003 "),
    }
    assert pairs([gold("1", text, "a"), gold("2", changes[change](text), "b")]) == [("a", "b", "page")]


def test_folding() -> None:
    assert folded("  Straße\u00a0 ﬁn\r\n") == folded("STRASSE fin") == "strasse fin"
    assert folded("Oulu") != folded("Oulun")


# -- signatures ------------------------------------------------------------------------------------------------------------


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_signature_of_two_texts_is_the_minimum_of_theirs(left: str, right: str) -> None:
    import numpy as np

    one, two = minhash.shingles(left), minhash.shingles(right)
    both = minhash.signature(np.union1d(one, two))
    assert (both == np.minimum(minhash.signature(one), minhash.signature(two))).all()


def test_signatures_estimate_the_jaccard_similarity() -> None:
    import numpy as np

    for share in (0.01, 0.05, 0.15, 0.4):
        one, two = (minhash.shingles(text) for text in (article(3, 400), edited(article(3, 400), 5, share)))
        true = np.intersect1d(one, two).size / np.union1d(one, two).size
        assert minhash.similarity(minhash.signature(one), minhash.signature(two)) == pytest.approx(true, abs=0.15)
    assert minhash.similarity(minhash.signature(minhash.shingles("")), minhash.signature(one)) == 0.0


def test_a_long_text_takes_little_more_memory_than_its_shingles(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = minhash.shingles(article(7, 40_000))
    assert hashed.size > 150_000
    tracemalloc.start()
    try:
        found = minhash.signature(hashed)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * hashed.nbytes
    monkeypatch.setattr(minhash, "_AT_ONCE", hashed.size)
    assert (minhash.signature(hashed) == found).all()


def test_signatures_are_what_they_were() -> None:
    """They decide on clusters, which are frozen."""
    found = minhash.signature(minhash.shingles(article(1)))
    assert [int(value) for value in found[:3]] == PINNED


PINNED = [6982170, 4232407, 2499703]


def test_a_large_family_is_connected_and_found_in_every_split() -> None:
    texts = [article(1)] * 30
    found = list(
        minhash.near_duplicates([minhash.signature(minhash.shingles(text)) for text in texts], [i % 3 for i in range(30)])
    )
    assert {(0, i) for i in range(1, 30)} <= {(left, right) for left, right, _ in found}
    assert {left for left, _, _ in found} == {0, 1, 2}


# -- splits ----------------------------------------------------------------------------------------------------------------

corpora = st.lists(
    st.tuples(
        st.integers(0, 5), st.sampled_from([0.0, 0.0, 0.04]), st.sampled_from(["", "", TEASER]), st.sampled_from(["en", "fi"])
    ),
    min_size=1,
    max_size=14,
)


def corpus(drawn: Sequence[tuple[int, float, str, str]]) -> list[GoldRecord]:
    records = []
    for number, (seed, share, teaser, lang) in enumerate(drawn):
        records.append(
            gold(f"{number}", edited(article(seed), number, share), f"d{number:02}", lang=lang, label="ORG" * (seed > 3))
        )
        if teaser:
            records.append(gold(f"{number}t", teaser, f"d{number:02}", region="related", lang=lang))
    return records


@settings(max_examples=25)
@given(corpora, st.randoms(use_true_random=False))
def test_the_order_of_records_does_not_matter_and_no_cluster_is_in_two_splits(
    drawn: list[tuple[int, float, str, str]], rng: random.Random
) -> None:
    records = corpus(drawn)
    done = assign_pages(Pages(records), RATIOS)
    assert not done.bridges
    assert found_leaks(Pages(records), {row.doc_id: row.split for row in done.rows}) == []
    assert len({(row.cluster, row.split) for row in done.rows}) == len({row.cluster for row in done.rows})
    rng.shuffle(records)
    assert assign_pages(Pages(records), RATIOS) == done


@settings(max_examples=25)
@given(corpora, corpora)
def test_new_documents_move_no_old_ones_and_leak_nothing(
    early: list[tuple[int, float, str, str]], late: list[tuple[int, float, str, str]]
) -> None:
    records = corpus([*early, *late])
    first = [record for record in records if int(record.meta.doc_id[1:]) < len(early)]
    before = assign_pages(Pages(first), RATIOS).rows
    after = assign_pages(Pages(records), RATIOS, frozen=before)
    assert after.rows[: len(before)] == before
    assert len(after.rows) + len(after.bridges) == len({record.meta.doc_id for record in records})
    assert found_leaks(Pages(records), {row.doc_id: row.split for row in after.rows}) == []


def test_a_page_close_to_two_splits_bridges_them() -> None:
    frozen = (SplitRow("a", "a", "train"), SplitRow("b", "b", "test"))
    both = [gold("3", article(1), "new"), gold("4", TEASER, "new", region="related")]
    records = [gold("1", article(1), "a"), gold("2", article(2), "b"), gold("t", TEASER, "b", region="related"), *both]
    (bridge,) = assign_pages(Pages(records), RATIOS, frozen=frozen).bridges
    assert (bridge.doc_id, bridge.splits) == ("new", ("train", "test"))
    assert bridge.because.startswith("a (train): the same page; b (test): the text 'the museum")


def test_new_pages_that_bridge_only_together_are_bridges_all() -> None:
    frozen = (SplitRow("a", "a", "train"), SplitRow("b", "b", "test"))
    records = [gold("1", article(1), "a"), gold("2", article(2), "b"), gold("3", article(1), "x"), gold("4", article(2), "y")]
    joined = [gold("5", TEASER, "x", region="related"), gold("6", TEASER, "y", region="related")]
    assert [row.split for row in assign_pages(Pages(records), RATIOS, frozen=frozen).rows[2:]] == ["train", "test"]
    bridges = assign_pages(Pages([*records, *joined]), RATIOS, frozen=frozen).bridges
    assert [bridge.doc_id for bridge in bridges] == ["x", "y"]


def test_languages_regions_and_labels_are_spread() -> None:
    records = [
        gold(f"{i}", article(i), f"d{i:03}", lang="ko" if i % 10 == 0 else "en", label="LOC" if i % 20 == 1 else "")
        for i in range(200)
    ]
    rows = assign_pages(Pages(records), (50, 25, 25)).rows
    place = {row.doc_id: row.split for row in rows}
    for chosen, expected in (
        ([r for r in records if r.meta.lang == "ko"], (10, 5, 5)),
        ([r for r in records if r.spans], (5, 2.5, 2.5)),
        (records, (100, 50, 50)),
    ):
        found = [sum(place[r.meta.doc_id] == split for r in chosen) for split in ("train", "dev", "test")]
        assert all(abs(n - want) < 1 for n, want in zip(found, expected, strict=True)), found


def test_later_documents_even_out_what_is_frozen() -> None:
    records = [gold(f"{i}", article(i), f"d{i:02}") for i in range(20)]
    frozen = tuple(SplitRow(f"d{i:02}", f"d{i:02}", "train") for i in range(10))
    rows = assign_pages(Pages(records), (50, 25, 25), frozen=frozen).rows
    assert [sum(row.split == split for row in rows) for split in ("train", "dev", "test")] == [10, 5, 5]
    assert {row.split for row in assign_pages(Pages(records), (0, 0, 100), frozen=frozen).rows[10:]} == {"test"}


# -- leaks -----------------------------------------------------------------------------------------------------------------


def test_planted_leaks_are_named_and_furniture_is_told_apart() -> None:
    menu = "Front page News Sport Culture Weather Jobs Cars Homes Search"
    records = [
        *(gold(f"m{doc}", menu, doc, region="navigation") for doc in "abcd"),
        *(gold(f"s{doc}", "Read more", doc, region="related") for doc in "abcd"),
        gold("1", article(1), "a"),
        gold("2", edited(article(1), 3, 0.03), "b"),
        gold("3", article(3), "c"),
        gold("4", article(4), "d"),
        gold("5", TEASER, "c", region="related"),
        gold("6", TEASER.upper(), "d", region="related"),
    ]
    place = {"a": "train", "b": "dev", "c": "train", "d": "test"}
    near, teaser = found_leaks(Pages(records), place)
    assert near.startswith("near-duplicate pages, similarity 0.")
    assert near.endswith("in 'a' (train) and 'b' (dev)")
    assert teaser == f"the text {folded(TEASER)!r} in 'c' (train) and 'd' (test)"
    assert repeats(Pages(records), place) == Repeats(furniture=1, short=1)
    assert is_long(folded(menu))
    assert found_leaks(Pages(records), {"a": "train", "c": "train"}) == []
