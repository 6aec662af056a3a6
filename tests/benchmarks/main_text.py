"""How well the segments of region `body` give back the main text of pages, next to trafilatura if it is installed. Not a test.

    python tests/benchmarks/main_text.py PAGES.jsonl[.gz] [--model MODEL.npz] [--kind news]

A line of PAGES: `{"id","html","body"}`, where `body` is the gold main text; lines without one are left out, as are those of
another `kind` when that is given. Figures are of 4-shingles of words (letters one by one in scripts without spaces), as in the
article extraction benchmark of Scrapinghub (2020): precision and recall are means over the pages, F is made of the two.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from annotate.model import Document, Tiling
from annotate.readers.html import to_document
from annotate.regions import load
from annotate.tiling import Segmenter

SHINGLE = 4
WORD = re.compile(r"\w+")
UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", type=Path)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--kind", default="")
    options = parser.parse_args()
    segmenter = Segmenter(regions=load(options.model))
    extractors: dict[str, Callable[[str, Document], str]] = {
        "HTML": lambda _, document: body(segmenter.tile(document)),
        "plain text": lambda _, document: body(segmenter.tile(Document(document.doc_id, document.text))),
        "keep all": lambda _, document: document.text,
    }
    if find_spec("trafilatura"):
        trafilatura = import_module("trafilatura")
        extractors["trafilatura"] = lambda html, _: trafilatura.extract(html, include_comments=False) or ""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in extractors}
    for page in read(options.pages, options.kind):
        document = to_document(page["id"], page["html"], {})
        gold = shingles(page["body"])
        for name, extract in extractors.items():
            found[name].append(precision_recall(shingles(extract(page["html"], document)), gold))
    if not found["HTML"]:
        raise SystemExit(f"{options.pages}: no page with a body")
    say(f"{len(found['HTML'])} pages")
    for name, pairs in found.items():
        precision, recall = (sum(values) / len(pairs) for values in zip(*pairs, strict=True))
        say(f"{name:<12} F {2 * precision * recall / (precision + recall):.3f}  P {precision:.3f}  R {recall:.3f}")


def read(path: Path, kind: str) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else open(path, encoding="utf-8") as lines:
        for line in lines:
            page = json.loads(line)
            if page.get("body") and kind in ("", page.get("kind")):
                yield page


def body(tiling: Tiling) -> str:
    return "\n".join(segment.text for segment in tiling.segments if segment.region == "body")


def shingles(text: str) -> Counter[tuple[str, ...]]:
    words = [part for word in WORD.findall(text.lower()) for part in (word if UNSPACED.search(word) else [word])]
    if len(words) < SHINGLE:
        return Counter([tuple(words)] if words else [])
    return Counter(zip(*(words[k:] for k in range(SHINGLE)), strict=False))


def precision_recall(found: Counter[tuple[str, ...]], gold: Counter[tuple[str, ...]]) -> tuple[float, float]:
    """Of nothing found, all is right."""
    right = (found & gold).total()
    return right / found.total() if found else 1.0, right / gold.total()


say = partial(print, flush=True)

if __name__ == "__main__":
    main()
