"""How fast `annotate segment` is: a program, not a test.

    python tests/benchmarks/segment_speed.py FILE.jsonl [--long]

Whole documents in, segment JSONL out, one process, one thread; every engine reads the same documents in the same run, so the
ratios hold where the figures do not. Then the share of each stage, and with `--long` whether cost grows with length alone: one
line of 20 MB and 200,000 lines, made of the same documents.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import importlib.util
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

STAGES = {
    "cut into units": "cut",
    "language evidence": "Listener.gather",
    "languages of the document": "find_languages",
    "run-ons (with their evidence)": "run_ons",
    "region scores": "RegionModel.score",
    "best path": "viterbi",
    "posteriors": "posteriors",
    "varieties": "decide_varieties",
    "segments": "tiling",
}
"""What of `annotate.tiling` is timed."""
LINE_SIZE, LINES = 20_000_000, 200_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("documents", type=Path, help="JSONL with a text in each line")
    parser.add_argument("--rounds", type=int, default=3, help="the fastest counts")
    parser.add_argument("--long", action="store_true", help="also one long line and one long document")
    options = parser.parse_args()

    begun = time.perf_counter()
    from annotate import readers
    from annotate.model import Document
    from annotate.store import Rejects
    from annotate.tiling import Segmenter

    segmenter = Segmenter()
    segmenter.tile(Document("warm", "Nothing is read before it is needed."))
    say(f"ready after {time.perf_counter() - begun:.2f} s, {peak():.0f} MB")

    documents = list(readers.read([options.documents], Rejects()))
    texts = [document.text for document in documents]
    engines: dict[str, Callable[[], Any]] = {"annotate": lambda: segmented(segmenter, documents)}
    for name, engine in (("langdetect", per_line), ("langdetect_rs", per_line), ("pycld2", vectors)):
        if importlib.util.find_spec(name):
            engines[name] = functools.partial(engine, importlib.import_module(name), texts)
    rates = {}
    for name, run in engines.items():
        seconds = fastest(run, 1 if name == "langdetect" else options.rounds)
        rates[name] = len(texts) / seconds
        say(f"{name:<14} {rates[name]:9.0f} documents/s {sum(map(len, texts)) / seconds:12,.0f} characters/s")
    for name, rate in rates.items():
        if name != "annotate":
            say(f"annotate is {rates['annotate'] / rate:.2f} x {name}")
    say(f"peak {peak():.0f} MB")

    with timed() as spent:
        seconds = fastest(engines["annotate"], 1)
    for name, share in spent.most_common():
        say(f"  {name:<32} {share / len(texts) * 1e6:7.0f} µs a document {share / seconds:6.1%}")
    if options.long:
        for name, text in long_texts(texts):
            seconds = fastest(functools.partial(segmented, segmenter, [Document(name, text)]), 1)
            say(f"{name}: {len(text) / seconds:,.0f} characters/s, peak {peak():.0f} MB")


def segmented(segmenter: Any, documents: Sequence[Any]) -> int:
    """Bytes of segment JSONL."""
    from annotate.codec import dumps

    return sum(len(dumps(segment)) + 1 for document in documents for segment in segmenter.tile(document).segments)


def per_line(engine: Any, texts: Sequence[str]) -> None:
    engine.DetectorFactory.seed = 0
    for text in texts:
        for line in filter(str.strip, text.split("\n")):
            try:
                engine.detect(line)
            except engine.LangDetectException:
                continue


def vectors(engine: Any, texts: Sequence[str]) -> None:
    for text in texts:
        try:
            engine.detect(text, returnVectors=True)
        except engine.error:  # control characters
            continue


def long_texts(texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The same words as one line and as many."""
    lines = [line for text in texts for line in text.split("\n")]
    flat = " ".join(" ".join(lines).split())
    yield "one line of 20 MB", (flat * (LINE_SIZE // len(flat.encode()) + 1))[: LINE_SIZE * len(flat) // len(flat.encode())]
    yield "200,000 lines", "\n".join((lines * (LINES // len(lines) + 1))[:LINES])


def fastest(run: Callable[[], Any], rounds: int) -> float:
    seconds = []
    for _ in range(rounds):
        begun = time.process_time()
        run()
        seconds.append(time.process_time() - begun)
    return min(seconds)


@contextmanager
def timed() -> Iterator[Counter[str]]:
    """The time in each of `STAGES`, without that of stages inside."""
    spent: Counter[str] = Counter()
    running: list[str] = []
    originals: list[tuple[Any, str, Any]] = []

    def wrapped(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            inside = bool(running)
            running.append(name)
            begun = time.process_time()
            try:
                return function(*args, **kwargs)
            finally:
                running.pop()
                if not inside:
                    spent[name] += time.process_time() - begun

        return run

    tiling = importlib.import_module("annotate.tiling")
    for name, path in STAGES.items():
        owner, _, attribute = path.rpartition(".")
        home = getattr(tiling, owner) if owner else tiling
        originals.append((home, attribute, getattr(home, attribute)))
        setattr(home, attribute, wrapped(name, getattr(home, attribute)))
    try:
        yield spent
    finally:
        for home, attribute, original in originals:
            setattr(home, attribute, original)


def peak() -> float:
    """The most memory this process has held, in MB."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
