"""How fast `annotate segment` is, and how much memory it takes: a program, not a test.

    python tests/benchmarks/segment_speed.py DOCUMENTS.jsonl [PAGES.jsonl.gz] [--only PART …]

Parts:
    start    import, models, first document, each in a process of its own
    text     plain text against langdetect, langdetect_rs and pycld2, as far as they are installed; then stage by stage
    html     pages against trafilatura, if it is installed; reading and tiling apart
    long     one line of 20 MB, 200,000 lines and one line of 50 MB, each in a process of its own
    flat     memory after 1,000, 10,000 and 100,000 documents, in one process and in two
    hard     what is no prose, against prose: characters a second and memory, each in a process of its own
    workers  two processes against one

Whole documents in, segment JSONL out. CPU seconds of one process and one thread (`workers`: seconds by the clock), the fastest
of several rounds; every engine reads the same documents in the same run, so the ratios hold where the figures do not.
"""

from __future__ import annotations

import argparse
import base64
import functools
import gzip
import importlib
import importlib.util
import io
import json
import multiprocessing
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import cycle, islice
from pathlib import Path
from typing import Any

for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

STAGES = {
    "cut into units": "cut",
    "language evidence": "Listener.gather",
    "languages of the document": "find_languages",
    "languages alone": "decode_languages",
    "run-ons": "suspects",
    "region scores": "RegionModel.score_all",
    "best path": "viterbi",
    "posteriors": "posteriors",
    "varieties": "decide_varieties",
    "segments": "tiling",
}
"""What of `annotate.tiling` is timed."""
LONG = {"one line of 20 MB": 20_000_000, "200,000 lines": 0, "one line of 50 MB": 50_000_000}
LINES = 200_000
MANY = (1_000, 10_000, 100_000)
HARD_SIZE = 300_000
LONG_LINE = 5_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("documents", type=Path, help="JSONL with a text in each line")
    parser.add_argument("pages", type=Path, nargs="?", help="JSONL with html in each line, may be packed by gzip")
    parser.add_argument("--only", action="append", choices=PARTS, help="repeatable; by default all")
    parser.add_argument("--rounds", type=int, default=3, help="the fastest counts")
    parser.add_argument("--child", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        CHILDREN[options.child.partition(":")[0]](options)
        return
    for part in options.only or PARTS:
        if part != "html" or options.pages:
            say(f"-- {part}")
            PARTS[part](options)


# -- parts -------------------------------------------------------------------------------------------------------------


def start(options: argparse.Namespace) -> None:
    runs = [in_a_child(options, "first") for _ in range(max(5, options.rounds))]
    best = min(runs, key=lambda run: run["seconds"])
    say(f"first document after {best['seconds']:.2f} s (imports {best['imports']:.2f} s), {best['peak']:.0f} MB")


def text(options: argparse.Namespace) -> None:
    documents = list(read(options.documents))
    texts = [document.text for document in documents]
    segmenter = ready()
    engines: dict[str, Callable[[], Any]] = {"annotate": lambda: segmented(segmenter, documents)}
    for name, engine in (("langdetect", per_line), ("langdetect_rs", per_line), ("pycld2", vectors)):
        if importlib.util.find_spec(name):
            engines[name] = functools.partial(engine, importlib.import_module(name), texts)
    compare(engines, {"documents": len(texts), "characters": sum(map(len, texts))}, options.rounds, {"langdetect"})
    stages(segmenter, documents)
    alone = fastest(lambda: sum(len(segmenter.tile(document).segments) for document in documents), 1)
    say(f"one document at a time: {len(texts) / alone:.0f} documents/s")


def html(options: argparse.Namespace) -> None:
    pages = [record["html"] for record in records(options.pages)][:148]
    segmenter = ready()
    from annotate.readers.html import to_document

    def read_all() -> list[Any]:
        return [to_document(f"{number}.html", page, {}) for number, page in enumerate(pages)]

    engines: dict[str, Callable[[], Any]] = {"annotate": lambda: segmented(segmenter, read_all()), "only read": read_all}
    if importlib.util.find_spec("trafilatura"):
        extract = importlib.import_module("trafilatura").extract
        engines["trafilatura"] = lambda: [extract(page) for page in pages]
        engines["trafilatura, fast"] = lambda: [extract(page, fast=True) for page in pages]
    compare(engines, {"pages": len(pages), "bytes": sum(map(len, pages))}, options.rounds, {"trafilatura", "trafilatura, fast"})
    stages(segmenter, read_all())


def long(options: argparse.Namespace) -> None:
    rates = {}
    for name in LONG:
        run = in_a_child(options, f"long:{name}")
        rates[name] = run["rate"]
        say(f"{name:<20} {run['rate']:12,.0f} characters/s {run['seconds']:7.1f} s {run['peak']:7.0f} MB")
    say(f"the slowest of them is {max(rates.values()) / min(rates.values()):.2f} x slower than the fastest")


def flat(options: argparse.Namespace) -> None:
    for workers in (1, 2):
        for count in MANY:
            run = in_a_child(options, f"many:{count}:{workers}")
            also = f", a worker {run['worker']:.0f} MB" if workers > 1 else ""
            say(f"{count:>7,} documents, {workers} process{'es' * (workers > 1)}: {run['peak']:7.0f} MB{also}")


def hard(options: argparse.Namespace) -> None:
    prose = in_a_child(options, "hard:prose")["rate"]
    for name in hard_cases(options.documents):
        run = in_a_child(options, f"hard:{name}")
        say(f"{name:<24} {run['rate']:12,.0f} characters/s {run['rate'] / prose:6.2f} x prose {run['peak']:6.0f} MB")


def workers(options: argparse.Namespace) -> None:
    from annotate import workflow

    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "documents.jsonl"), Path(folder, "segments.jsonl")
        lines = [json.dumps({"text": document.text}) for document in islice(cycle(read(options.documents)), 4_000)]
        source.write_text("\n".join(lines), encoding="utf-8")
        spent, results = [], []
        for count in (1, 2):
            begun = time.perf_counter()
            workflow.segment([source], target, workers=count, resegment=True)
            spent.append(time.perf_counter() - begun)
            results.append(target.read_bytes())
            say(f"{count} process{'es' * (count > 1)}: {len(lines) / spent[-1]:.0f} documents/s")
    say(f"{spent[0] / spent[1]:.2f} x, {'the same bytes' if results[0] == results[1] else 'OTHER BYTES'}")


PARTS = {part.__name__: part for part in (start, text, html, long, flat, hard, workers)}


# -- in processes of their own -----------------------------------------------------------------------------------------


def in_a_child(options: argparse.Namespace, name: str) -> dict[str, float]:
    command = [sys.executable, __file__, str(options.documents), "--child", name]
    result: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return result


def first(_: argparse.Namespace) -> None:
    ready()
    tell(seconds=time.process_time(), imports=IMPORTED, peak=peak())


def one_long(options: argparse.Namespace) -> None:
    from annotate.model import Document

    document = Document("long", long_text(options.documents, options.child.partition(":")[2]))
    segmenter = ready()
    seconds = fastest(lambda: segmented(segmenter, [document]), 1)
    tell(seconds=seconds, rate=len(document.text) / seconds, peak=peak())


def many(options: argparse.Namespace) -> None:
    from annotate import workflow

    count, workers = map(int, options.child.split(":")[1:])
    lines = [json.dumps({"text": document.text[:300]}) for document in read(options.documents)]
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "documents.jsonl")
        with source.open("w", encoding="utf-8") as out:
            out.writelines(f"{line}\n" for line in islice(cycle(lines), count))
        workflow.segment([source], Path(folder, "segments.jsonl"), workers=workers)
        for child in multiprocessing.active_children():  # the memory of those that are waited for is known
            child.join()
    tell(peak=peak(), worker=peak(resource.RUSAGE_CHILDREN))


def one_hard(options: argparse.Namespace) -> None:
    """Seconds are those of reading, where it is a page, and of tiling."""
    content = hard_cases(options.documents)[options.child.partition(":")[2]]()
    segmenter = ready()
    seconds = fastest(lambda: segmented(segmenter, documents_of(content)), options.rounds)
    tell(rate=sum(map(len, content)) / seconds, peak=peak())


CHILDREN = {"first": first, "long": one_long, "many": many, "hard": one_hard}


# -- what is timed -----------------------------------------------------------------------------------------------------


def ready() -> Any:
    """A segmenter that has tiled a document: nothing is read before it is needed."""
    global IMPORTED
    from annotate.model import Document
    from annotate.tiling import Segmenter

    IMPORTED = time.process_time()
    segmenter = Segmenter()
    segmenter.tile(Document("first", "The ferry leaves at nine.\n\nLautta lähtee yhdeksältä."))
    return segmenter


IMPORTED = 0.0


def read(path: Path) -> Iterator[Any]:
    from annotate import readers
    from annotate.store import Rejects

    return readers.read([path], Rejects())


def records(path: Path) -> Iterator[Any]:
    with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as lines:
        yield from map(json.loads, lines)


def segmented(segmenter: Any, documents: Any) -> int:
    """Bytes of segment JSONL."""
    from annotate.codec import dumps

    return sum(len(dumps(segment)) + 1 for tiling in segmenter.tile_all(documents) for segment in tiling.segments)


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


def long_text(path: Path, name: str) -> str:
    """The same words as one line and as many."""
    if LONG[name]:
        return one_line(path, LONG[name])
    return "\n".join(islice(cycle(line for document in read(path) for line in document.text.split("\n")), LINES))


def one_line(path: Path, size: int) -> str:
    """The documents as one line of so many bytes."""
    flat = " ".join(" ".join(document.text for document in read(path)).split())
    size = size * len(flat) // len(flat.encode())
    return (flat * (size // len(flat) + 1))[:size]


def hard_cases(path: Path) -> dict[str, Callable[[], list[str] | list[bytes]]]:
    """What makes the texts, or the pages as bytes, of each case."""
    noise = random.Random(5).randbytes(HARD_SIZE)
    record = [{"id": number, "tags": ["a", "b"], "at": number / 7} for number in range(6_000)]
    texts = {
        "empty lines": f"one{chr(10) * 100_000}two",
        "emoji": "😀👍🏽👨‍👩‍👧‍👦🇫🇮" * (HARD_SIZE // 15),
        "digits": "123 456\n789 " * (HARD_SIZE // 12),
        "zero-width characters": "\u200b\u200d." * (HARD_SIZE // 3),
        "mixed scripts in a word": "pаypаl Αpple тest " * (HARD_SIZE // 18),
        "base64": base64.b64encode(noise).decode(),
        "minified JSON": json.dumps(record, separators=(",", ":")),
        "private use": "\ue000 \uf8ff \U000f0000" * (HARD_SIZE // 5),
        "right-to-left marks": "\u200fمرحبا بالعالم\u200f abc " * (HARD_SIZE // 20),
        "no spaces": "字" * HARD_SIZE,
        "a word a line": "word\n" * (HARD_SIZE // 5),
    }
    russian = "".join(f"<p>Паром отходит в {hour} часов, и обратно он идёт через {hour} минут." for hour in range(4_000))
    pages = {
        "page of JavaScript": b"<body><div id=root></div><script>" + b"render({a: '<p>'});" * 50_000 + b"</script>",
        "page in cp1251, declared": b"<meta charset=windows-1251>" + russian.encode("cp1251"),
        "page in cp1251": russian.encode("cp1251"),
        "page in UTF-16": b"\xff\xfe" + russian.encode("utf-16-le"),
        "nested elements": b"<div><b>" * 20_000 + b"text",
    }
    return {
        "prose": lambda: [document.text for document in read(path)],
        "one line of 5 MB": lambda: [one_line(path, LONG_LINE)],
        **{name: functools.partial(list, [content]) for name, content in (texts | pages).items()},
    }


def documents_of(contents: Sequence[str | bytes]) -> Iterator[Any]:
    """A document for each text, and one for each page that shows any text."""
    from annotate.model import Document
    from annotate.readers import html
    from annotate.readers.opening import Refused

    for number, content in enumerate(contents):
        if isinstance(content, str):
            yield Document(f"{number}", content)
        else:
            with suppress(Refused):
                yield from (document for _, document in html.documents(io.BytesIO(content), f"{number}.html"))


# -- figures -----------------------------------------------------------------------------------------------------------


def compare(engines: dict[str, Callable[[], Any]], amounts: dict[str, int], rounds: int, slow: set[str]) -> None:
    seconds = {name: fastest(run, 1 if name in slow else rounds) for name, run in engines.items()}
    for name, spent in seconds.items():
        rates = " ".join(f"{amount / spent:12,.0f} {what}/s" for what, amount in amounts.items())
        ratio = "" if name == "annotate" else f"   annotate is {spent / seconds['annotate']:.2f} x {name}"
        say(f"{name:<18} {rates}{ratio}")
    say(f"peak {peak():.0f} MB")


def fastest(run: Callable[[], Any], rounds: int) -> float:
    seconds = []
    for _ in range(rounds):
        begun = time.process_time()
        run()
        seconds.append(time.process_time() - begun)
    return min(seconds)


def stages(segmenter: Any, documents: Sequence[Any]) -> None:
    """The time in each of `STAGES`, without that of stages inside."""
    with timed() as spent:
        seconds = fastest(lambda: segmented(segmenter, documents), 1)
    spent["the rest"] = seconds - sum(spent.values())
    for name, share in spent.most_common():
        say(f"  {name:<28} {share / len(documents) * 1e6:7.0f} µs a document {share / seconds:6.1%}")


@contextmanager
def timed() -> Iterator[Counter[str]]:
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


def peak(whose: int = resource.RUSAGE_SELF) -> float:
    """The most memory this process, or the largest of its children, has held, in MB."""
    used = resource.getrusage(whose).ru_maxrss
    return used / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def tell(**figures: float) -> None:
    sys.stdout.write(json.dumps(figures))


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
