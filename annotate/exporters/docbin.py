"""`spacy/LANG/SPLIT.spacy`: spaCy DocBin files, one folder per language because a DocBin stores none.

Every span that aligns to tokens is in `doc.spans["sc"]`; those that do not overlap are in `doc.ents` as well. A span that does
not align is a reject; those whose ends moved are counted and listed in `spacy/adjusted.jsonl`, if there are any.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from annotate.codec import dumps
from annotate.exporters import Adjusted, Exported, Options
from annotate.model import GoldRecord, Reject
from annotate.spacy_docs import (
    SPANS_KEY,
    VERSIONS,
    BuiltDoc,
    build_doc,
    docbin_bytes,
    payload_sha256,
    tokenizer_config,
)
from annotate.store import reject, write_records

_HINTS = {
    "strict": "--align contract keeps the whole tokens inside a span",
    "contract": "correct the span, or keep it with --align expand; jsonl holds it as annotated",
    "expand": "jsonl holds the span as annotated",
}


def write(splits: Mapping[str, Sequence[GoldRecord]], folder: Path, options: Options) -> Exported:
    """Write one file per language and split."""
    bins = _Bins(options)
    payloads = {}
    for split, records in splits.items():
        by_lang = defaultdict(list)
        for record in records:
            by_lang[record.meta.lang].append(record)
        for lang, group in sorted(by_lang.items()):
            name = f"spacy/{lang}/{split}.spacy"
            content = docbin_bytes(bins.docs(group))
            payloads[name] = payload_sha256(content)
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
    if bins.adjusted:
        write_records(folder / "spacy" / "adjusted.jsonl", bins.adjusted)
    languages = sorted({record.meta.lang for records in splits.values() for record in records})
    tokenizers = {lang: tokenizer_config(lang) for lang in languages}
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
        limits=tuple(_limits(bins, tokenizers)),
    )


class _Bins:
    """Builds documents and keeps what that costs."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self.spans_out = 0
        self.nested = 0
        self.rejects: list[Reject] = []
        self.adjusted: list[Adjusted] = []

    def docs(self, records: Sequence[GoldRecord]) -> Iterator[BuiltDoc]:
        align, source = self._options.align, self._options.source
        for record in records:
            built = build_doc(record, align)
            self.spans_out += len(built.doc.spans[SPANS_KEY])
            self.nested += built.n_nested
            self.adjusted += [Adjusted.of(record, was, now) for was, now in built.adjusted]
            self.rejects += [
                reject("export", source, "misaligned", str(lost), id=record.id, hint=_HINTS[align], record=dumps(record))
                for lost in built.misaligned
            ]
            yield built


def _usage(example: str, tokenizers: Mapping[str, Mapping[str, Any]]) -> str:
    lang = example.split("/")[1]
    blank, tokenizer = tokenizers[lang]["blank"], dict(tokenizers[lang]["tokenizer"])
    return f"""```python
import spacy
from spacy.tokens import DocBin

nlp = spacy.blank("{blank}", config={{"nlp": {{"tokenizer": {json.dumps(tokenizer)}}}}})
docs = list(DocBin().from_disk("{example}").get_docs(nlp.vocab))
```

`manifest.json` names the blank pipeline and the tokenizer of every language (`formats.spacy.tokenizers`). Entities that may
overlap are in `doc.spans["{SPANS_KEY}"]`, entities without overlap in `doc.ents`, topics in `doc.cats`, provenance in
`doc.user_data`."""


def _limits(bins: _Bins, tokenizers: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    if bins.rejects:
        yield f"spaCy files: spans missing because they do not fall on whole tokens (`rejects.jsonl`): {len(bins.rejects)}."
    if bins.adjusted:
        yield f"spaCy files: spans moved to token boundaries (`spacy/adjusted.jsonl`): {len(bins.adjusted)}."
    if bins.nested:
        yield f'spaCy files: spans only in `doc.spans["{SPANS_KEY}"]`, not in `doc.ents`, where a longer one is: {bins.nested}.'
    characters = [lang for lang, config in tokenizers.items() if config["tokenizer"].get("segmenter") == "char"]
    if characters:
        yield f"spaCy files: languages whose tokens are single characters: {', '.join(characters)}."
    multilingual = [lang for lang, config in tokenizers.items() if config["blank"] == "xx"]
    if multilingual:
        yield f"spaCy files: languages tokenized by spaCy's multilingual rules (`xx`): {', '.join(multilingual)}."
