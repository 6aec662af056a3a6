"""Pages made of pages."""

from __future__ import annotations

from dataclasses import replace

from annotate.regions.augment import augmented
from annotate.regions.examples import Example
from tests.regions.pages import blocks_of

REGIONS = ("navigation", "title", "body", "body", "footer", "cookie_notice")


def page(lang: str, name: str) -> Example:
    text = "".join(f"The {region} of {name}, which is line {k}.\n" for k, region in enumerate(REGIONS))
    return Example(text, blocks_of(text), (False,) * len(REGIONS), REGIONS, lang=lang)


PAGES = [page(lang, f"{lang}-{k}") for k in range(12) for lang in ("en", "fi")]


def test_every_line_keeps_its_region_and_blocks_tile_the_page() -> None:
    known = {
        text: region
        for example in PAGES
        for text, region in zip(example.text.splitlines(keepends=True), example.regions, strict=True)
    }
    made = [example for _, example in augmented(PAGES, weight=0.5)]
    assert len(made) > len(PAGES) / 2
    for example in made:
        assert "".join(example.text[b.start : b.end] for b in example.blocks) == example.text
        for block, region in zip(example.blocks, example.regions, strict=True):
            line = example.text[block.start : block.end].rstrip() + "\n"
            assert region in (known[line], "related")
        assert example.weight == 0.5
    assert {example.text for example in made} - {example.text for example in PAGES}


def test_what_comes_from_a_page_of_another_language_is_foreign() -> None:
    seen = set()
    for _, example in augmented(PAGES, weight=1.0):
        for block, foreign in zip(example.blocks, example.foreign, strict=True):
            donor = "en" if " en-" in example.text[block.start : block.end] else "fi"
            assert foreign == (donor != example.lang)
            seen.add(foreign)
    assert seen == {False, True}


def test_a_page_with_markup_gets_no_plain_parts() -> None:
    marked = [
        replace(example, blocks=tuple(replace(b, path="/html[1]/body[1]") for b in example.blocks)) for example in PAGES[:6]
    ]
    for _, example in augmented([*marked, *PAGES[6:]], weight=1.0):
        assert len({bool(block.path) for block in example.blocks}) == 1


def test_the_same_pages_make_the_same_pages() -> None:
    assert list(augmented(PAGES, weight=1.0)) == list(augmented(PAGES, weight=1.0))


def test_articles_given_in_full_in_a_list_are_related() -> None:
    text = "Related\nSomebody, today\n" + PAGES[0].text
    regions = ("related", "byline", *REGIONS)
    page = Example(text, blocks_of(text), (False,) * len(regions), regions, lang="en")
    bodies = {line for line in PAGES[0].text.splitlines(keepends=True) if "The body" in line}
    seen = set()
    for _, example in augmented([page] * 40, weight=1.0):
        for block, region in zip(example.blocks, example.regions, strict=True):
            if example.text[block.start : block.end].rstrip() + "\n" in bodies:
                seen.add(region)
    assert seen == {"body", "related"}
