"""`spacy/LANG/SPLIT.spacy`: spaCy DocBin files, one folder per language because a DocBin stores none.

More than `SHARD` records (or `SHARD_TOKENS`) of a split make a folder of files, `spacy/LANG/SPLIT/SPLIT-00001.spacy` …: spaCy's
corpus reader takes a folder where it takes a file. So memory holds one file at a time, for us and for whoever loads them.
With configurations there is a `spacy/LANG/config.cfg` for `spacy train`, and for several languages `spacy/mul/` with
all of them.

Every span that aligns to tokens is in `doc.spans["sc"]`; those that do not overlap are in `doc.ents` as well. A span that does
not align is a reject; those whose ends moved are counted and listed in `spacy/adjusted.jsonl`, if there are any.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any

from annotate.exporters import Exported, Options
from annotate.exporters.aligned import Aligner, by_language
from annotate.model import GoldRecord
from annotate.spacy_docs import SPANS_KEY, VERSIONS, BuiltDoc, tokenizer_config, training_config, write_docbin
from annotate.store import write_records

SHARD, SHARD_TOKENS = 10_000, 5_000_000
"""Records and tokens that one file holds at most; more tokens only of a single record."""

ALL = "mul"
"""The folder of all languages together: ISO 639-2's code for several."""


def write(splits: Mapping[str, Sequence[GoldRecord]], folder: Path, options: Options) -> Exported:
    """Write one file per language and split, or several."""
    bins = Aligner("spacy", options)
    payloads: dict[str, str] = {}
    needs: dict[str, Needs] = {}
    for split, records in splits.items():
        for lang, group in by_language(records):
            need = needs.setdefault(lang, Needs())
            built = bins.docs(group) if not options.spacy_config else need.watched(split, bins.docs(group))
            payloads |= _write(folder, f"spacy/{lang}", split, built)
    tokenizers = {lang: tokenizer_config(lang) for lang in sorted(needs)}
    unwritten: list[str] = []
    if options.spacy_config:
        if len(needs) > 1:
            payloads |= _together(folder, payloads)
            needs[ALL] = reduce(Needs.__or__, needs.values())
        unwritten = list(_configure(folder, needs, tokenizers))
    if bins.adjusted:
        write_records(folder / "spacy" / "adjusted.jsonl", bins.adjusted)
    return Exported(
        spans_out=bins.spans_out,
        rejects=tuple(bins.rejects),
        adjusted=len(bins.adjusted),
        manifest={
            "spans_key": SPANS_KEY,
            "spans_not_in_ents": bins.nested,
            "tokenizers": tokenizers,
            "payload_sha256": dict(sorted(payloads.items())),
        },
        tools=VERSIONS,
        usage=_usage(min(payloads), tokenizers),
        limits=(*bins.limits("spaCy files", tokenizers, "spacy/adjusted.jsonl"), *unwritten),
    )


def _write(folder: Path, place: str, split: str, built: Iterable[BuiltDoc]) -> dict[str, str]:
    """Write some documents; file → hash of what it says."""
    payloads: dict[str, str] = {}
    alone, numbered = f"{place}/{split}.spacy", f"{place}/{split}/{split}-{{:05}}.spacy"
    for number, shard in enumerate(_shards(built), 1):
        if number == 2:  # the first was not the only one
            (folder / place / split).mkdir()
            (folder / alone).rename(folder / numbered.format(1))
            payloads[numbered.format(1)] = payloads.pop(alone)
        name = alone if number == 1 else numbered.format(number)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        with (folder / name).open("wb") as out:
            payloads[name] = write_docbin(shard, out)
    return payloads


def _shards(built: Iterable[BuiltDoc]) -> Iterator[Iterator[BuiltDoc]]:
    """The documents of each file."""
    number = documents = tokens = 0

    def shard_of(item: BuiltDoc) -> int:
        nonlocal number, documents, tokens
        if documents and (documents == SHARD or tokens + len(item.tokens) > SHARD_TOKENS):
            number, documents, tokens = number + 1, 0, 0
        documents, tokens = documents + 1, tokens + len(item.tokens)
        return number

    for _, shard in groupby(built, shard_of):
        yield shard


@dataclass(slots=True)
class Needs:
    """What can be learned from the documents of a language: seen in its training split."""

    splits: set[str] = field(default_factory=set)
    entities: bool = False
    overlaps: bool = False
    topics: bool = False
    lengths: Counter[int] = field(default_factory=Counter)
    """Length in tokens → spans."""

    def watched(self, split: str, built: Iterable[BuiltDoc]) -> Iterator[BuiltDoc]:
        """The documents of a split, noted on their way."""
        self.splits.add(split)
        for item in built:
            if split == "train":
                self.entities = self.entities or bool(item.ents)
                self.overlaps = self.overlaps or item.n_nested > 0
                self.topics = self.topics or bool(item.record.cats)
                self.lengths.update(placed.last - placed.first for placed in item.spans)
            yield item

    def __or__(self, other: Needs) -> Needs:
        return Needs(
            self.splits | other.splits,
            self.entities or other.entities,
            self.overlaps or other.overlaps,
            self.topics or other.topics,
            self.lengths + other.lengths,
        )

    @property
    def components(self) -> list[str]:
        wanted = {"ner": self.entities, "spancat": self.overlaps, "textcat_multilabel": self.topics}
        return [name for name, needed in wanted.items() if needed]

    @property
    def longest(self) -> int:
        """Tokens that all but one in a hundred spans do not exceed: what a span categorizer should consider."""
        seen, total = 0, self.lengths.total()
        for length in sorted(self.lengths):
            seen += self.lengths[length]
            if seen * 100 >= total * 99:
                return length
        return 1


def _together(folder: Path, payloads: Mapping[str, str]) -> dict[str, str]:
    """Copy the files of all languages into one folder per split; file → hash of what it says."""
    copies = {}
    for name, digest in payloads.items():
        _, lang, rest = name.split("/", 2)
        split = rest.partition("/")[0].removesuffix(".spacy")
        target = f"spacy/{ALL}/{split}/{lang}-{PurePosixPath(rest).name}"
        (folder / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, folder / target)
        copies[target] = digest
    return copies


def _configure(folder: Path, needs: Mapping[str, Needs], tokenizers: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Write a training configuration for each language that something can be learned of; sentences about the others."""
    for lang, need in sorted(needs.items()):
        place = folder / "spacy" / lang
        if not need.components:
            yield f"`spacy/{lang}/` has no configuration: its training split holds no span and no topic."
            continue
        paths = {s: f"{s}.spacy" if (place / f"{s}.spacy").exists() else s for s in ("train", "dev") if s in need.splits}
        if "dev" not in paths:
            yield f"`spacy/{lang}/config.cfg` evaluates on the training split: there is no dev split."
        config = training_config(
            tokenizers.get(lang) or {"blank": "xx"},
            need.components,
            train=paths["train"],
            dev=paths.get("dev", paths["train"]),
            longest=need.longest,
            own_tokens=lang == ALL,
        )
        (place / "config.cfg").write_bytes(config.encode())


def _usage(example: str, tokenizers: Mapping[str, Mapping[str, Any]]) -> str:
    lang = example.split("/")[1]
    blank, tokenizer = tokenizers[lang]["blank"], dict(tokenizers[lang]["tokenizer"])
    return f"""```python
import spacy
from spacy.tokens import DocBin

nlp = spacy.blank("{blank}", config={{"nlp": {{"tokenizer": {json.dumps(tokenizer)}}}}})
docs = list(DocBin().from_disk("{example}").get_docs(nlp.vocab))
```

A split of more than one file is a folder, here and for `spacy train`. `manifest.json` names the blank pipeline and the
tokenizer of every language (`formats.spacy.tokenizers`). Entities that may overlap are in `doc.spans["{SPANS_KEY}"]`,
entities without overlap in `doc.ents`, topics in `doc.cats`, provenance in `doc.user_data`."""
