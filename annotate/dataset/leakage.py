"""What is in two splits although it must not be, and what may be and is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from annotate.dataset.pages import FEW_PAGES, Pages


@dataclass(frozen=True, slots=True)
class Repeats:
    """Texts in several splits that are no leak: the parts of a site that its pages share, and short ones."""

    furniture: int
    """Long texts, in a region that is no content, or on more than `FEW_PAGES` pages."""
    short: int


def found_leaks(pages: Pages, split_of: Mapping[str, str]) -> list[str]:
    """A sentence for each pair of documents that are in different splits and belong together, naming both. `split_of` maps
    documents to their splits; others are in none."""
    return [
        f"{link} in {link.left!r} ({split_of[link.left]}) and {link.right!r} ({split_of[link.right]})"
        for link in pages.links(split_of)
        if link.left in split_of and link.right in split_of and split_of[link.left] != split_of[link.right]
    ]


def repeats(pages: Pages, split_of: Mapping[str, str]) -> Repeats:
    """How many texts are in several splits without being a leak."""
    across = [shared for shared in pages.shared() if len({split_of[name] for name in shared.documents if name in split_of}) > 1]
    furniture = sum(shared.long and not (shared.binds and shared.pages <= FEW_PAGES) for shared in across)
    return Repeats(furniture, sum(not shared.long for shared in across))
