"""How the shipped region model is made, from data anyone can get: a program, not a test.

    python tests/benchmarks/region_model/build.py fit MODEL.npz --clone DIR… [--composed FILE.jsonl]
    python tests/benchmarks/region_model/build.py pages GOLD.jsonl --clone DIR… [--test] [--html]

`labels.jsonl` says for each page where it stands (repository, commit, path), the SHA-256 of its text as `annotate.readers.html`
reads it, and the segments that tile that text; the text itself is not here. The pages come from clones of those repositories
(`git clone URL DIR`; a bare one will do). A page that is not there, or reads differently, stops the program: a model of other
data would be another model. Pages for tests (`use: test`) are never fitted to, nor are pages that share lines with one of
them.

`fit` says how the result compares with the shipped model. The same bytes come out where numpy, SciPy and BLAS do the same
arithmetic; elsewhere the last bits differ, and fitting carries them on. `pages` writes the labelled pages as
`annotate evaluate` and `annotate train-segmenter` read them.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from annotate.codec import loads
from annotate.errors import AnnotateError, ReadError
from annotate.model import Document
from annotate.readers.charset import decode_page
from annotate.readers.html import to_document
from annotate.regions import SHIPPED, RegionModel, examples, load, train
from annotate.regions.examples import Example, Gold, GoldSegment
from annotate.store import write_records
from annotate.tiling import units

LABELS = Path(__file__).with_name("labels.jsonl")


@dataclass(frozen=True, slots=True)
class Source:
    """A file of a public repository."""

    repository: str
    """OWNER/NAME on GitHub."""
    commit: str
    path: str


@dataclass(frozen=True, slots=True)
class Label:
    """A labelled page without its text."""

    id: str
    use: Literal["fit", "test"]
    source: Source
    sha256: str
    """Of the text in UTF-8."""
    segments: tuple[tuple[int, int, str, str], ...]
    """Start, end, language and region of each; they tile the text."""

    def gold(self) -> tuple[GoldSegment, ...]:
        return tuple(GoldSegment(*segment) for segment in self.segments)


@dataclass(frozen=True, slots=True)
class LabelledPage:
    """A labelled page with its HTML and the document it reads as."""

    label: Label
    html: str
    document: Document


@dataclass(frozen=True, slots=True)
class Data:
    """All there is to fit to."""

    pages: Sequence[LabelledPage]
    composed: Path | None


def as_text(data: Data, weight: float) -> Iterator[Example]:
    """The pages as plain text: users have text without markup."""
    for page in data.pages:
        yield example(Document(page.label.id, page.document.text), page.label.gold(), weight)


def as_html(data: Data, weight: float) -> Iterator[Example]:
    """The same pages with their markup."""
    for page in data.pages:
        yield example(page.document, page.label.gold(), weight)


def as_composed(data: Data, weight: float) -> Iterator[Example]:
    """Pages put together from sentences of Universal Dependencies and the like, for breadth of languages (CC BY-SA 4.0)."""
    if data.composed is not None:
        yield from examples.examples(data.composed, lambda gold: cut(Document(gold.id, gold.text)), weight=weight)


RECIPE: tuple[tuple[Callable[[Data, float], Iterator[Example]], float], ...] = (
    (as_text, 1.2),
    (as_composed, 1.0),
    (as_html, 0.8),
)
"""What the model is fitted to, in this order, and the weight of each block."""

REMIXED = 0.5
"""Weight of a page remixed of labelled ones, to that of the page."""


LONGER, SHARED = 25, 4
"""Characters of a line that pages of different sites do not share, and how many of them pages of one site do. (Forums that run
on the same software share three.)"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=("fit", "pages"))
    parser.add_argument("output", type=Path)
    parser.add_argument("--clone", type=Path, action="append", required=True, help="a git directory (repeatable)")
    parser.add_argument("--labels", type=Path, default=LABELS)
    parser.add_argument("--composed", type=Path, help="fit: JSONL of composed pages")
    parser.add_argument("--test", action="store_true", help="pages: those for tests")
    parser.add_argument("--html", action="store_true", help="pages: as HTML")
    options = parser.parse_args()
    logging.basicConfig(format="%(message)s", level=logging.INFO, stream=sys.stderr)
    try:
        use = "test" if options.verb == "pages" and options.test else "fit"
        pages = labelled_pages(options.labels, options.clone, use)
        say(f"{len(pages)} pages, all as they were labelled")
        if options.verb == "pages":
            write_records(options.output, (gold(page, as_html=options.html) for page in pages))
            return 0
        require_apart(pages, labelled_pages(options.labels, options.clone, "test"))
        fitted(Data(pages, options.composed)).save(options.output)
        say(compared(options.output, SHIPPED, pages))
    except AnnotateError as problem:
        say(f"{problem.message}\n{problem.hint}".strip())
        return problem.exit_code
    return 0


def fitted(data: Data) -> RegionModel:
    """The model of the recipe."""
    from threadpoolctl import threadpool_limits  # comes with scikit-learn

    with threadpool_limits(limits=1):  # the order of additions depends on their number
        return train.fit([found for part, weight in RECIPE for found in part(data, weight)], remixed=REMIXED)


def labelled_pages(labels: Path, clones: Sequence[Path], use: str) -> list[LabelledPage]:
    """The pages of a use, in the order of the labels. Raises `ReadError` that lists all that cannot be made as it was."""
    pages, problems = [], []
    where: dict[str, Path] = {}
    for label in read_labels(labels):
        if label.use != use:
            continue
        try:
            pages.append(labelled_page(label, where, clones))
        except ReadError as problem:
            problems.append(problem.message)
    if problems:
        raise ReadError(
            "\n".join([*problems[:5], f"{len(problems)} pages are missing"]),
            hint="clone the repositories named, at a commit not older than the one named",
        )
    return pages


def require_apart(learnt: Sequence[LabelledPage], tested: Sequence[LabelledPage]) -> None:
    """`AnnotateError` when a page to fit to is of the site of a page for tests: when they share `SHARED` longer lines."""
    tests = [(page.label.id, longer_lines(page)) for page in tested]
    alike = [
        f"{page.label.id} is like {name}, a page for tests"
        for page, lines in ((page, longer_lines(page)) for page in learnt)
        for name, others in tests
        if len(lines & others) >= SHARED
    ]
    if alike:
        raise AnnotateError("\n".join(alike), hint="fit to one of its site, or test with it, not both")


def longer_lines(page: LabelledPage) -> set[str]:
    return {line for line in page.document.text.splitlines() if len(line) >= LONGER}


def read_labels(path: Path) -> list[Label]:
    return [loads(line, Label) for line in path.read_bytes().splitlines()]


def labelled_page(label: Label, where: dict[str, Path], clones: Sequence[Path]) -> LabelledPage:
    return LabelledPage(label, *read_page(label, where, clones))


def read_page(label: Label, where: dict[str, Path], clones: Sequence[Path]) -> tuple[str, Document]:
    """The page and its document. `where` keeps the clone that holds a commit."""
    source = label.source
    if source.commit not in where:
        holders = (clone for clone in clones if git(clone, "cat-file", "-e", f"{source.commit}^{{commit}}") is not None)
        where[source.commit] = next(holders, Path())
    clone = where[source.commit]
    data = git(clone, "cat-file", "blob", f"{source.commit}:{source.path}") if clone != Path() else None
    if data is None:
        raise ReadError(f"{label.id}: not found: {source.repository}, commit {source.commit}, {source.path}")
    html = decode_page(gzip.decompress(data) if source.path.endswith(".gz") else data)
    document = to_document(label.id, html, {})
    if hashlib.sha256(document.text.encode()).hexdigest() != label.sha256:
        raise ReadError(f"{label.id}: reads differently than when it was labelled")
    return html, document


def git(clone: Path, *arguments: str) -> bytes | None:
    """What git says, None when it fails."""
    done = subprocess.run(["git", "-C", clone, *arguments], capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


def gold(page: LabelledPage, *, as_html: bool) -> Gold:
    content = {"html": page.html} if as_html else {"text": page.document.text}
    return Gold(page.label.id, page.label.gold(), **content)


def example(document: Document, segments: Sequence[GoldSegment], weight: float) -> Example:
    return examples.example(cut(document), segments, weight=weight)


def cut(document: Document) -> Document:
    """The document with the blocks that the decoder labels."""
    return replace(document, blocks=units.cut(document).blocks)


def compared(made: Path, shipped: Path, pages: Sequence[LabelledPage]) -> str:
    """How a model differs from the shipped one: not at all, or by how much in what."""
    if made.read_bytes() == shipped.read_bytes():
        return "the same bytes as the shipped model"
    try:
        ours, theirs = load(made), load(shipped)
    except ReadError as problem:
        return f"not comparable with the shipped model: {problem.message}"
    names = list(RegionModel.__dataclass_fields__)
    if any(getattr(ours, name).shape != getattr(theirs, name).shape for name in names):
        return "not comparable with the shipped model: it has other dimensions"
    lines = ["differs from the shipped model (largest difference; largest value):"]
    for name in names:
        one, other = (np.asarray(getattr(model, name), dtype=np.float64) for model in (ours, theirs))
        lines.append(f"  {name:<16} {np.abs(one - other).max():>10.3g} {np.abs(other).max():>10.3g}")
    same = np.concatenate([best(ours, page) == best(theirs, page) for page in pages])
    return "\n".join([*lines, f"the same best region for {same.mean():.2%} of {len(same):,} blocks"])


def best(model: RegionModel, page: LabelledPage) -> Any:
    found = example(Document(page.label.id, page.document.text), page.label.gold(), 1.0)
    return np.asarray(model.score(found.text, found.blocks, found.foreign)).argmax(axis=1)


say = partial(print, file=sys.stderr)

if __name__ == "__main__":
    raise SystemExit(main())
