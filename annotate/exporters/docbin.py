"""`spacy/LANG/SPLIT.spacy`: spaCy DocBin files, one folder per language because a DocBin stores none.

Every span that aligns to tokens is in `doc.spans["sc"]`; those that do not overlap are in `doc.ents` as well. A span that does
not align is a reject; those whose ends moved are counted and listed in `spacy/adjusted.jsonl`, if there are any.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from annotate.exporters import Exported, Options
from annotate.exporters.aligned import Aligner, by_language, tokenizers_of
from annotate.model import GoldRecord
from annotate.spacy_docs import SPANS_KEY, VERSIONS, docbin_bytes, payload_sha256
from annotate.store import write_records


def write(splits: Mapping[str, Sequence[GoldRecord]], folder: Path, options: Options) -> Exported:
    """Write one file per language and split."""
    bins = Aligner("spacy", options)
    payloads = {}
    for split, records in splits.items():
        for lang, group in by_language(records):
            name = f"spacy/{lang}/{split}.spacy"
            content = docbin_bytes(bins.docs(group))
            payloads[name] = payload_sha256(content)
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
    if bins.adjusted:
        write_records(folder / "spacy" / "adjusted.jsonl", bins.adjusted)
    tokenizers = tokenizers_of(splits)
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
        limits=tuple(bins.limits("spaCy files", tokenizers, "spacy/adjusted.jsonl")),
    )


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
