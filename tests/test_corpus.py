"""Lines that recur across the documents of a site."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from annotate.corpus import TOP, learn, site
from annotate.model import Document

lines = st.sampled_from(["Home", "Contact us", "A story", "Käyttöehdot", "메뉴", "© 2026"])
corpora = st.lists(st.lists(lines, min_size=1, max_size=5), min_size=1, max_size=6)


def page(number: int, *text: str, **meta: str) -> Document:
    return Document(f"{number}.txt", "\n".join(text), meta)


@given(corpora, st.randoms())
def test_counts_are_right_and_do_not_depend_on_the_order(corpus: list[list[str]], random: object) -> None:
    documents = [page(number, *text) for number, text in enumerate(corpus)]
    recurrence = learn(documents)
    for document, text in zip(documents, corpus, strict=True):
        assert list(recurrence.of(document, text)) == [sum(line in other for other in corpus) for line in text]
    random.shuffle(documents)
    assert np.array_equal(learn(documents).counts, recurrence.counts)


def test_sites_are_counted_apart() -> None:
    documents = [
        page(1, "Home", site="a.example"),
        page(2, "Home", url="https://b.example/x"),
        page(3, "Home", url="https://b.example/y"),
        page(4, "Home"),
    ]
    recurrence = learn(documents)
    assert [int(recurrence.of(document, ["Home"])[0]) for document in documents] == [1, 2, 2, 1]


def test_what_a_site_is() -> None:
    assert site(page(1, "x", site="s", url="https://b.example")) == "s"
    assert site(page(1, "x", url="https://B.example:80/p?q")) == "b.example"
    assert site(page(1, "x", url="http://[broken")) == ""
    assert site(Document("1", "x", {"url": 5, "site": None})) == ""


def test_a_line_counts_once_a_document_and_blank_lines_never() -> None:
    document = page(1, "Home", "", "Home ", "  ")
    assert list(learn([document]).of(document, ["Home", " Home", "", "unseen"])) == [1, 1, 0, 0]


def test_counts_end_at_the_top() -> None:
    documents = [page(number, "Home") for number in range(TOP + 20)]
    assert list(learn(documents).of(documents[0], ["Home"])) == [TOP]
