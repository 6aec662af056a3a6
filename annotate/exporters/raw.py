"""`raw/SPLIT.jsonl`: what every annotator said, one row per annotator and segment, skips included; for work on disagreement.

Rows are Prodigy's, so they go into its `db-in` and `review`: `answer` is `accept`, or `ignore` for a skip, and
`_annotator_id` and `_session_id` are the annotator, A1, A2 … unless names were asked for. `cats` holds the topics of the
groups that were answered; the others are in `meta.unanswered`. Made of annotations, not of gold records: segments without a
settled answer are here too. Lossless, except for the segment's scores and the place in Label Studio.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from annotate.exporters import Exported, Options
from annotate.model import Annotation, GoldRecord
from annotate.schema import LabelSchema
from annotate.store import write_records


def write(splits: Mapping[str, Sequence[GoldRecord]], folder: Path, options: Options) -> Exported:  # noqa: ARG001  the protocol
    """Write one file per split."""
    spans_out = rows_out = 0
    names: set[str] = set()
    for split, answers in options.annotations.items():
        rows_out += write_records(folder / "raw" / f"{split}.jsonl", (_row(a, split, options.schema) for a in answers))
        spans_out += sum(len(answer.spans) for answer in answers)
        names.update(answer.annotator for answer in answers)
    return Exported(
        spans_out=spans_out,
        manifest={"rows": rows_out, "annotators": sorted(names)},
        usage=_usage(f"raw/{next(iter(options.annotations), 'train')}.jsonl"),
    )


def _row(annotation: Annotation, split: str, schema: LabelSchema) -> dict[str, Any]:
    segment, skipped = annotation.segment, annotation.status == "skipped"
    chosen = {label for labels in annotation.topics.values() for label in labels}
    answered = [group for group in schema.topics if group.id in annotation.topics and group.id not in annotation.unanswered]
    cats = {label.id: float(label.id in chosen) for group in answered if not skipped for label in group.labels}
    return {
        "id": segment.id,
        "text": segment.text,
        "spans": annotation.spans,
        "cats": cats,
        "accept": [topic for topic, value in cats.items() if value],
        "answer": "ignore" if skipped else "accept",
        "_annotator_id": annotation.annotator,
        "_session_id": annotation.annotator,
        "meta": {
            "doc_id": segment.doc_id,
            "segment_id": segment.id,
            "lang": segment.lang,
            "region": segment.region,
            "start": segment.start,
            "end": segment.end,
            "split": split,
            "schema": str(annotation.schema),
            "schema_sha256": annotation.schema.sha256,
            "unanswered": annotation.unanswered,
            "created_at": annotation.created_at,
            "updated_at": annotation.updated_at,
            "lead_time": annotation.lead_time,
            "from_prediction": annotation.from_prediction,
            "ground_truth": annotation.ground_truth,
        },
    }


def _usage(example: str) -> str:
    return f"""```python
import json
from collections import defaultdict

answers = defaultdict(dict)  # segment -> annotator -> row
with open("{example}", encoding="utf-8") as lines:
    for row in map(json.loads, lines):
        answers[row["id"]][row["_annotator_id"]] = row
```"""
