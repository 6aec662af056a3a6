"""How fast `annotate export` is, and in how much memory: a program, not a test.

    python tests/benchmarks/export_speed.py [--records 10000] [--long]

Against the loop everybody writes first, in the same run and over the same gold records: tokenize, `char_span`, `doc.spans`,
`doc.ents`, `doc.cats`, `doc.user_data`, `DocBin.add`, `to_disk`. Ours reads, checks, splits, writes shards, card and manifest,
hashes it all, and has to be 2.5 times as fast. Each runs in a process of its own, so that peaks of memory are its own, and its
CPU time counts, after imports; `--long` exports ten times the records as well, to see whether memory grows.

Records are synthetic: words drawn by Zipf's law from a vocabulary of 50,000 per language, about 1.2 kB and 10 spans each.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SCHEMA = "schema: speed\nentities: {overlap: any, labels: [ORG, LOC]}\ntopics: [{id: theme, labels: [sport, culture]}]\n"
LANGUAGES, WORDS, SPANS = ("en", "fi", "de", "ar"), 200, 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--long", action="store_true", help="also ten times the records, ours only")
    parser.add_argument("--run", nargs=2, metavar=("WHAT", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        what, folder = options.run
        nothing(Path(folder))
        begun = time.process_time()
        {"naive": naive, "ours": ours, "nothing": nothing}[what](Path(folder))
        seconds = time.process_time() - begun
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        sys.stdout.write(json.dumps([seconds, peak]))
        return
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder), options.records)
        _, base = measured("nothing", folder)
        slow, slow_peak = measured("naive", folder)
        fast, peak = measured("ours", folder)
        say(f"{options.records:,} records; after loading spaCy: {base:.0f} MB")
        say(f"naive loop:      {slow:7.1f} s, peak {slow_peak:5.0f} MB")
        say(f"annotate export: {fast:7.1f} s, peak {peak:5.0f} MB")
        say(f"ratio:           {slow / fast:7.2f}")
        if options.long:
            generate(Path(folder), options.records * 10)
            fast, peak = measured("ours", folder)
            say(f"{options.records * 10:,} records: {fast:.1f} s, peak {peak:.0f} MB")


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def measured(what: str, folder: str) -> tuple[float, float]:
    """Seconds and peak MB of one run in a process of its own."""
    command = [sys.executable, __file__, "--run", what, folder]
    seconds, peak = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return seconds, peak


def nothing(folder: Path) -> None:
    import annotate.spacy_docs
    import annotate.workflow  # noqa: F401  what both sides import, and nothing else, is what is measured


def ours(folder: Path) -> None:
    from annotate.schema import load
    from annotate.workflow import export

    schema = folder / "schema.yaml"
    out = folder / "ours"
    export(folder / "gold.jsonl", out, schema=load(schema), schema_file=schema, formats=["spacy"], splits="100/0/0")


def naive(folder: Path) -> None:
    import spacy
    from spacy.tokens import DocBin

    pipelines = {lang: spacy.blank(lang) for lang in LANGUAGES}
    bins = {lang: DocBin(store_user_data=True) for lang in LANGUAGES}
    with (folder / "gold.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            lang = record["meta"]["lang"]
            doc = pipelines[lang](record["text"])
            found = [
                doc.char_span(span["start"], span["end"], label=span["label"], alignment_mode="contract")
                for span in record["spans"]
            ]
            spans = [span for span in found if span is not None]
            doc.spans["sc"] = spans
            doc.ents = spacy.util.filter_spans(spans)
            doc.cats = record["cats"]
            doc.user_data.update(id=record["id"], **record["meta"])
            bins[lang].add(doc)
    for lang, docbin in bins.items():
        docbin.to_disk(folder / f"naive.{lang}.spacy")


def generate(folder: Path, count: int) -> None:
    """Write `gold.jsonl` and its schema."""
    from annotate.schema import parse

    (folder / "schema.yaml").write_text(SCHEMA, encoding="utf-8")
    sha256 = parse(SCHEMA, "schema.yaml").sha256
    rng = random.Random(0)
    letters = {lang: "ابتثجحخدذرزسشصضطظعغفقكلمنهوي" if lang == "ar" else "abcdefghijklmnoprstuvy" for lang in LANGUAGES}
    vocabulary = {lang: ["".join(rng.choices(letters[lang], k=rng.randint(2, 9))) for _ in range(50_000)] for lang in LANGUAGES}
    weights = list(itertools.accumulate(1 / rank for rank in range(1, 50_001)))
    with (folder / "gold.jsonl").open("w", encoding="utf-8") as out:
        for number in range(count):
            lang = LANGUAGES[number // 5 % len(LANGUAGES)]
            words = rng.choices(vocabulary[lang], cum_weights=weights, k=WORDS)
            out.write(json.dumps(_record(number, lang, words, rng, sha256), ensure_ascii=False) + "\n")


def _record(number: int, lang: str, words: list[str], rng: random.Random, sha256: str) -> dict[str, Any]:
    starts = list(itertools.accumulate((len(word) + 1 for word in words), initial=0))
    text = " ".join(words)
    spans = []
    for first in sorted(rng.sample(range(WORDS - 3), SPANS)):
        start, end = starts[first], starts[first + rng.randint(1, 3)] - 1
        spans.append({"start": start, "end": end, "label": rng.choice(["ORG", "LOC"]), "text": text[start:end]})
    doc = f"doc-{number // 5:06}"
    meta = {"doc_id": doc, "segment_id": f"{number:032x}", "lang": lang, "region": "body", "start": 0, "end": len(text)}
    meta |= {"split": "", "cluster": "", "schema": "speed@1.0.0", "schema_sha256": sha256, "decided_by": "single"}
    meta |= {"n_annotators": 1, "annotators": ["A1"], "agreement": -1.0}
    cats = {"sport": float(number % 2), "culture": 0.0}
    accept = [topic for topic, value in cats.items() if value]
    id = f"{number:032x}"
    return {"id": id, "text": text, "spans": spans, "cats": cats, "accept": accept, "answer": "accept", "meta": meta}


if __name__ == "__main__":
    main()
