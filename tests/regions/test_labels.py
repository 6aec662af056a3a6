"""The labelled pages that the shipped model is fitted to and tested on."""

from __future__ import annotations

import gzip
import hashlib
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from annotate.codec import dumps
from annotate.errors import AnnotateError, ReadError
from annotate.model import REGIONS, Document
from tests.benchmarks.region_model import build
from tests.benchmarks.region_model.build import Label, Source

LABELS = build.read_labels(build.LABELS)
JUDGES = {"scrapinghub/article-extraction-benchmark"}
SITES = {
    "hhursev/recipe-scrapers": r"([^/]+)/[^/]+$",
    "postlight/parser": r"([^/]+?)(?:--[^/]*)?\.html$",
    "codelucas/newspaper": r"([^/]+?)\d*\.html$",
}
"""Where the paths of a repository tell the site."""


WELL_FORMED: dict[str, Callable[[Label], object]] = {
    "the segments tile": lambda label: (
        [end for _, end, *_ in label.segments[:-1]] == [start for start, *_ in label.segments[1:]]
    ),
    "from the beginning": lambda label: label.segments[0][0] == 0,
    "none is empty": lambda label: all(start < end for start, end, *_ in label.segments),
    "equal neighbours are one": lambda label: all(a[2:] != b[2:] for a, b in pairwise(label.segments)),
    "languages": lambda label: all(re.fullmatch("[a-z]{2,3}", lang) for _, _, lang, _ in label.segments),
    "regions": lambda label: {region for *_, region in label.segments} <= set(REGIONS),
    "hash": lambda label: re.fullmatch("[0-9a-f]{64}", label.sha256),
    "repository": lambda label: re.fullmatch(r"[\w.-]+/[\w.-]+", label.source.repository),
    "commit": lambda label: re.fullmatch("[0-9a-f]{40}", label.source.commit),
    "path": lambda label: label.source.path,
}


@pytest.mark.parametrize("what", WELL_FORMED)
def test_labels_are_well_formed(what: str) -> None:
    assert [label.id for label in LABELS if not WELL_FORMED[what](label)] == []


def test_pages_for_tests_are_apart() -> None:
    fitted, tested = ([label for label in LABELS if label.use == use] for use in ("fit", "test"))
    assert len(tested) >= 20
    assert not {label.source.repository for label in LABELS} & JUDGES
    assert not {named_site(label) for label in fitted} & {named_site(label) for label in tested}
    for what in ("id", "sha256", "source"):
        assert len({getattr(label, what) for label in LABELS}) == len(LABELS)


def named_site(label: Label) -> str:
    """What a path tells of a page's site, where it does; all pages are compared when a model is fitted (`require_apart`)."""
    found = re.search(SITES[label.source.repository], label.source.path) if label.source.repository in SITES else None
    return found[1] if found else label.id


def test_a_page_of_the_site_of_a_test_is_not_fitted_to(clone: tuple[Path, Label]) -> None:
    def page(name: str, *lines: str) -> build.LabelledPage:
        return build.LabelledPage(replace(clone[1], id=name), "", Document(name, "".join(f"{line}\n" for line in lines)))

    own = [f"This stands on all the pages of site {n}." for n in range(4)]
    test = page("test", "About the one ferry.", *own)
    build.require_apart([page("far", "About another ferry.", *own[:3])], [test])
    build.require_apart(
        [page("short", *["Home", "News", "Sport", "Weather"])], [page("test", "Home", "News", "Sport", "Weather")]
    )
    with pytest.raises(AnnotateError, match="near is like test"):
        build.require_apart([page("near", "About another ferry.", *own)], [test])


def test_pages_for_tests_are_in_many_scripts() -> None:
    languages = {lang for label in LABELS if label.use == "test" for *_, lang, _ in label.segments}
    assert languages >= set("ar bg bn el en fa fi hi hu ja ko lt lv my ru th tr zh".split())


PAGE = "<html><body><nav>Menu</nav><p>It rained for a day.</p></body></html>"


@pytest.fixture
def clone(tmp_path: Path) -> tuple[Path, Label]:
    """A repository that holds a page, and the page's label."""
    folder = tmp_path / "clone"
    folder.mkdir()
    (folder / "page.html.gz").write_bytes(gzip.compress(PAGE.encode()))

    def git(*arguments: str) -> str:
        who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        done = subprocess.run(["git", "-C", folder, *who, *arguments], capture_output=True, check=True, text=True)
        return done.stdout.strip()

    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "-m", "A page")
    text = "Menu\nIt rained for a day.\n"
    return (
        folder,
        Label(
            id="p",
            use="fit",
            source=Source("someone/pages", git("rev-parse", "HEAD"), "page.html.gz"),
            sha256=hashlib.sha256(text.encode()).hexdigest(),
            segments=((0, 5, "en", "navigation"), (5, len(text), "en", "body")),
        ),
    )


def test_pages_come_from_clones(tmp_path: Path, clone: tuple[Path, Label]) -> None:
    folder, label = clone
    labels = tmp_path / "labels.jsonl"
    labels.write_bytes(dumps(label) + b"\n" + dumps(replace(label, id="q", use="test")) + b"\n")
    (page,) = build.labelled_pages(labels, [tmp_path / "elsewhere", folder], "fit")
    assert (page.label, page.html) == (label, PAGE)
    data = build.Data([page], None)
    examples = [found for part, weight in build.RECIPE for found in part(data, weight)]
    assert [(e.regions, e.weight) for e in examples] == [(("navigation", "body"), 1.2), (("navigation", "body"), 0.8)]
    assert not examples[0].blocks[0].path
    assert examples[1].blocks[0].path
    assert build.gold(page, as_html=True).html == PAGE
    assert build.gold(page, as_html=False).text == page.document.text


def test_a_page_that_is_another_one_is_no_page(tmp_path: Path, clone: tuple[Path, Label]) -> None:
    folder, label = clone
    labels = tmp_path / "labels.jsonl"
    wrong = [
        replace(label, id="hash", sha256="0" * 64),
        replace(label, id="path", source=replace(label.source, path="none.html")),
        replace(label, id="commit", source=replace(label.source, commit="0" * 40)),
    ]
    labels.write_bytes(b"".join(dumps(one) + b"\n" for one in wrong))
    with pytest.raises(ReadError) as caught:
        build.labelled_pages(labels, [folder], "fit")
    assert "hash: reads differently" in caught.value.message
    assert "path: not found: someone/pages" in caught.value.message
    assert f"commit: not found: someone/pages, commit {'0' * 40}" in caught.value.message
