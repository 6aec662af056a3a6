"""`doccano/SPLIT.jsonl`: what doccano imports and exports for sequence labelling, `[start, end, label]`.

Lossless: offsets are code points as in doccano, spans may nest and overlap. The accepted topics are in `cats` (name that
column as the label column in a text classification project). A topic of the schema that is neither there nor among
`unsettled` was answered with no. All other keys become the example's metadata.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from annotate.exporters import Exported, Options
from annotate.model import GoldRecord
from annotate.store import write_records


def write(splits: Mapping[str, Sequence[GoldRecord]], folder: Path, options: Options) -> Exported:
    """Write one file per split."""
    spans_out = 0
    for split, records in splits.items():
        rows = [_row(record, options.schema.topic_ids) for record in records]
        write_records(folder / "doccano" / f"{split}.jsonl", rows)
        spans_out += sum(len(row["label"]) for row in rows)
    return Exported(spans_out=spans_out, usage=_usage(f"doccano/{next(iter(splits))}.jsonl"))


def _row(record: GoldRecord, topics: Sequence[str]) -> dict[str, Any]:
    return {
        "id": record.id,
        "text": record.text,
        "label": [(span.start, span.end, span.label) for span in record.spans],
        "cats": record.accept,
        "unsettled": [topic for topic in topics if topic not in record.cats],
        **asdict(record.meta),
    }


def _usage(example: str) -> str:
    return f"""In doccano: Dataset, Import, JSONL; `label` is the label column of a sequence labelling project that allows
overlapping spans, `cats` that of a text classification project. In Python:

```python
import json

with open("{example}", encoding="utf-8") as lines:
    rows = [json.loads(line) for line in lines]
spans = [(row["text"][start:end], label) for row in rows for start, end, label in row["label"]]
```"""
