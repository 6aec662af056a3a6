"""k-fold overlap: who gets which segment."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from annotate.sync import WantedTask, share

NAMES = ("aino", "ben", "chloé", "дарья")


def tasks(cells: list[tuple[str, str]], first: int = 0) -> dict[str, WantedTask]:
    made = [WantedTask(f"s{n}", "d", lang, region, "", 10, b"", n) for n, (lang, region) in enumerate(cells, first)]
    return {task.segment_id: task for task in made}


def loads_by_cell(wanted: dict[str, WantedTask], shares: dict[str, set[str]]) -> dict[tuple[str, str], Counter[str]]:
    loads = {(t.lang, t.region): Counter(dict.fromkeys(shares, 0)) for t in wanted.values()}
    for name, ids in shares.items():
        for identity in ids:
            loads[wanted[identity].lang, wanted[identity].region][name] += 1
    return loads


def holders(shares: dict[str, set[str]]) -> dict[str, list[str]]:
    return {identity: [n for n in shares if identity in shares[n]] for ids in shares.values() for identity in ids}


cell = st.tuples(st.sampled_from(["fi", "ko", "ar"]), st.sampled_from(["title", "body"]))


@given(st.lists(cell, max_size=60), st.integers(1, 4), st.integers(1, 4))
def test_each_segment_goes_to_exactly_k_and_every_cell_is_even(cells: list[tuple[str, str]], k: int, people: int) -> None:
    names, wanted = NAMES[:people], tasks(cells)
    shares = share(wanted, names, k, {}, {})
    assert Counter(i for ids in shares.values() for i in ids) == dict.fromkeys(wanted, min(k, people))
    for loads in loads_by_cell(wanted, shares).values():
        assert max(loads.values()) - min(loads.values()) <= 1


@given(st.lists(cell, max_size=40), st.lists(cell, max_size=40), st.integers(1, 3))
def test_appending_segments_moves_nothing_and_stays_even(
    before: list[tuple[str, str]], after: list[tuple[str, str]], k: int
) -> None:
    old = tasks(before)
    first = share(old, NAMES, k, {}, {})
    wanted = old | tasks(after, len(before))
    second = share(wanted, NAMES, k, holders(first), {})
    assert all(first[name] <= second[name] for name in NAMES)
    for loads in loads_by_cell(wanted, second).values():
        assert max(loads.values()) - min(loads.values()) <= 1


def test_work_that_was_begun_stays_even_when_the_overlap_shrinks() -> None:
    wanted = tasks([("fi", "body")] * 6)
    everybody = dict.fromkeys(wanted, NAMES[:3])
    begun = {"s0": ["aino", "ben", "chloé"], "s1": ["ben"]}
    shares = share(wanted, NAMES[:3], 1, everybody, begun)
    assert {name for name in shares if "s0" in shares[name]} == set(NAMES[:3])
    assert [name for name in shares if "s1" in shares[name]] == ["ben"]
    assert all(sum(f"s{n}" in ids for ids in shares.values()) == 1 for n in range(1, 6))


def test_every_pair_of_annotators_meets() -> None:
    shares = share(tasks([("fi", "body")] * 120), NAMES, 2, {}, {})
    met = {pair: len(shares[pair[0]] & shares[pair[1]]) for pair in combinations(NAMES, 2)}
    assert sum(met.values()) == 120
    assert max(met.values()) - min(met.values()) <= 4


def test_it_is_the_same_on_every_machine() -> None:
    shares = share(tasks([("fi", "body"), ("ko", "title")] * 3), NAMES[:3], 2, {}, {})
    assert {name: sorted(ids) for name, ids in shares.items()} == {
        "aino": ["s0", "s1", "s4", "s5"],
        "ben": ["s1", "s2", "s3", "s4"],
        "chloé": ["s0", "s2", "s3", "s5"],
    }
