"""`hf/`: a Hugging Face data set for token classification: `load_dataset("exports/NAME/hf")`. It is the configuration `tokens`
of the whole data set too, `load_dataset("exports/NAME", "tokens")`; its only one, then `default`, without the JSONL format.

Rows are those of `transformers`' token classification scripts: `tokens`, and `ner_tags` as numbers of a `ClassLabel`; `topics`
are the accepted ones, numbers too. The cards declare all their names, so a file without any entity, or with the first one late,
loads all the same. Tokens come from the language's own tokenizer, without white space.

Lossy like every format of one tag a token: of overlapping spans the longest stays, the others are rejects.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from annotate.exporters import Exported, Options, unsettled
from annotate.exporters.aligned import Aligner, tokenizers_of
from annotate.exporters.tags import tag_names, tagged
from annotate.model import GoldRecord
from annotate.schema import LabelSchema
from annotate.spacy_docs import VERSIONS
from annotate.store import write_records


def write(splits: Mapping[str, Sequence[GoldRecord]], folder: Path, options: Options) -> Exported:
    """Write one file per split, and the card that makes the folder a data set."""
    aligner = Aligner("hf", options, flat=True)
    names = tag_names(options.schema)
    for split, records in splits.items():
        write_records(folder / "hf" / f"{split}.jsonl", _rows(records, aligner, names, options.schema.topic_ids))
    if aligner.adjusted:
        write_records(folder / "hf" / "adjusted.jsonl", aligner.adjusted)
    (folder / "hf" / "README.md").write_bytes(_card(options.schema, splits, names).encode())
    tokenizers = tokenizers_of(splits)
    return Exported(
        spans_out=aligner.spans_out,
        rejects=tuple(aligner.rejects),
        adjusted=len(aligner.adjusted),
        manifest={"tags": names, "topics": list(options.schema.topic_ids), "tokenizers": tokenizers},
        tools={"spacy": VERSIONS["spacy"]},
        card={
            "configs": [
                {
                    "config_name": CONFIG,
                    "data_files": [{"split": split, "path": f"hf/{split}.jsonl"} for split in splits],
                }
            ],
            "dataset_info": [{"config_name": CONFIG, "features": features(names, options.schema.topic_ids)}],
        },
        usage=_USAGE,
        limits=(
            *unsettled("Hugging Face files", splits, options.schema),
            *aligner.limits("Hugging Face files", tokenizers, "hf/adjusted.jsonl"),
        ),
    )


_USAGE = """```python
from datasets import load_dataset

data = load_dataset("PATH/TO/THIS/FOLDER/hf")  # token classification
features = next(iter(data.values())).features
names, topics = features["ner_tags"].feature.names, getattr(features["topics"].feature, "names", [])
```"""


CONFIG = "tokens"
"""What this data set is called within the whole one, where it is not the only one."""


def _rows(
    records: Sequence[GoldRecord], aligner: Aligner, names: Sequence[str], topics: Sequence[str]
) -> Iterator[dict[str, Any]]:
    number = {name: i for i, name in enumerate(names)}
    topic_number = {topic: i for i, topic in enumerate(topics)}
    for record, built in zip(records, aligner.docs(records), strict=True):
        pairs = list(tagged(built))
        yield {
            "id": record.id,
            "tokens": [token for token, _ in pairs],
            "ner_tags": [number[tag] for _, tag in pairs],
            "language": record.meta.lang,
            "region": record.meta.region,
            "doc_id": record.meta.doc_id,
            "topics": [topic_number[topic] for topic in record.accept],
        }


def features(names: Sequence[str], topics: Sequence[str]) -> list[dict[str, Any]]:
    """The columns, as a card declares them."""
    return [
        {"name": "id", "dtype": "string"},
        {"name": "tokens", "sequence": "string"},
        {"name": "ner_tags", "sequence": _class_label(names)},
        {"name": "language", "dtype": "string"},
        {"name": "region", "dtype": "string"},
        {"name": "doc_id", "dtype": "string"},
        {"name": "topics", "sequence": _class_label(topics) if topics else "int64"},
    ]


def _class_label(names: Sequence[str]) -> dict[str, Any]:
    return {"class_label": {"names": {str(i): name for i, name in enumerate(names)}}}


def _card(schema: LabelSchema, splits: Mapping[str, Sequence[GoldRecord]], names: Sequence[str]) -> str:
    head = {
        "language": sorted({record.meta.lang for records in splits.values() for record in records}),
        "task_categories": ["token-classification"],
        "configs": [
            {"config_name": "default", "data_files": [{"split": split, "path": f"{split}.jsonl"} for split in splits]},
        ],
        "dataset_info": {"features": features(names, schema.topic_ids)},
    }
    written = yaml.safe_dump(head, sort_keys=False, allow_unicode=True, width=120)
    return f"---\n{written}---\n\nLabel schema {schema.ref}. The card of the whole data set is `../README.md`.\n"
