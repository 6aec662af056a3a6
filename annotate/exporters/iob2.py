"""`iob2/LANG/SPLIT.conll`: the four columns of CoNLL-2003, `TOKEN POS CHUNK NER`, with tags in IOB2 (`B-` begins every entity).

A segment is one block of lines, blank lines between; `-DOCSTART- -X- O O` begins each source document. Tokens come from the
language's own tokenizer (the manifest names it); parts of speech and chunks are not annotated and are `_`. Lines of the shape
`# key = value` before a block name the segment, its accepted topics and its text as it was (`# text`, as in CoNLL-U; values are
written as inside a JSON string); no token's line looks like one, its second column is `_`.

Lossy: a token has one tag, so of overlapping spans the longest stays, as in `doc.ents`, and the others are rejects. Topics are
comments only.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from annotate.exporters import Exported, Options, unsettled
from annotate.exporters.aligned import Aligner, by_language, tokenizers_of
from annotate.exporters.tags import OUTSIDE, tagged
from annotate.model import GoldRecord
from annotate.spacy_docs import VERSIONS
from annotate.store import replacing, write_records

DOCUMENT = "-DOCSTART- -X- O O\n\n"


def write(splits: Mapping[str, Sequence[GoldRecord]], folder: Path, options: Options) -> Exported:
    """Write one file per language and split."""
    aligner = Aligner("iob2", options, flat=True)
    names = []
    for split, records in splits.items():
        for lang, group in by_language(records):
            names.append(f"iob2/{lang}/{split}.conll")
            with replacing(folder / names[-1]) as out:
                out.writelines(block.encode() for block in _blocks(group, aligner))
    if aligner.adjusted:
        write_records(folder / "iob2" / "adjusted.jsonl", aligner.adjusted)
    tokenizers = tokenizers_of(splits)
    topics = sum(len(record.accept) for records in splits.values() for record in records)
    return Exported(
        spans_out=aligner.spans_out,
        rejects=tuple(aligner.rejects),
        adjusted=len(aligner.adjusted),
        manifest={"tokenizers": tokenizers, "topics_in_comments": topics},
        tools={"spacy": VERSIONS["spacy"]},
        usage=_usage(min(names)),
        limits=(
            "IOB2 files: a segment is one block whatever sentences it has; white space is in the `# text` comments only.",
            *([f"IOB2 files: topics are in comments only: {topics}."] if topics else []),
            *unsettled("IOB2 files", splits, options.schema),
            *aligner.limits("IOB2 files", tokenizers, "iob2/adjusted.jsonl"),
        ),
    )


def _blocks(records: Sequence[GoldRecord], aligner: Aligner) -> Iterator[str]:
    document = None
    for record, built in zip(records, aligner.docs(records), strict=True):
        if record.meta.doc_id != document:
            document = record.meta.doc_id
            yield DOCUMENT
        comments = {
            "id": record.id,
            "doc_id": document,
            "start": str(record.meta.start),
            "lang": record.meta.lang,
            "region": record.meta.region,
            "split": record.meta.split,
            "topics": ", ".join(record.accept),
            "text": record.text,
        }
        yield "".join(f"# {key} = {_one_line(value)}\n" for key, value in comments.items() if value)
        yield "".join(f"{token} _ _ {tag}\n" for token, tag in tagged(built)) + "\n"


def _one_line(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1]


def _usage(example: str) -> str:
    return f"""```python
import re

with open("{example}", encoding="utf-8", newline="\\n") as file:
    lines = [line for line in file.read().split("\\n") if not re.match("# [a-z_]+ = ", line)]
blocks = [[line.split(" ") for line in block.split("\\n") if line] for block in "\\n".join(lines).split("\\n\\n")]
sentences = [[(row[0], row[3]) for row in rows] for rows in blocks if rows and rows[0][:2] != ["-DOCSTART-", "-X-"]]
```

Readers that know no comments (`spacy convert -c ner` among them) want them taken out: `grep -vE '^# [a-z_]+ = '`. Tokens
outside entities have `{OUTSIDE}`; a dot in a label is an underscore in its tag."""
