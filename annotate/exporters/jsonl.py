"""`jsonl/SPLIT.jsonl`: gold records as they are, which is Prodigy's documented JSONL and loads with Hugging Face `datasets`.

Spans stay in code points, so none is ever lost or moved. With tokens, a record has `tokens` and its spans `token_start` and
`token_end` (inclusive, as Prodigy counts), -1 where the span's ends are no token boundaries. Spans may nest and overlap; a
topic group that was not settled has no keys in `cats`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annotate.exporters import Exported, Options
from annotate.model import GoldMeta, GoldRecord
from annotate.store import write_records


@dataclass(frozen=True, slots=True)
class Token:
    """A token as Prodigy writes it; `ws` says whether a space follows."""

    text: str
    start: int
    end: int
    id: int
    ws: bool


@dataclass(frozen=True, slots=True)
class TokenizedSpan:
    """A span with the ids of its first and last token, -1 where an end is no token boundary."""

    start: int
    end: int
    label: str
    text: str
    token_start: int
    token_end: int


@dataclass(frozen=True, slots=True)
class TokenizedRecord:
    """A gold record with its tokens."""

    id: str
    text: str
    tokens: tuple[Token, ...]
    spans: tuple[TokenizedSpan, ...]
    cats: Mapping[str, float]
    accept: tuple[str, ...]
    answer: str
    meta: GoldMeta


Row = GoldRecord | TokenizedRecord


def write(splits: Mapping[str, Sequence[GoldRecord]], folder: Path, options: Options) -> Exported:
    """Write one file per split."""
    spans_out = 0

    def counted(lines: Iterable[Row]) -> Iterator[Row]:
        nonlocal spans_out
        for line in lines:
            spans_out += len(line.spans)
            yield line

    for split, records in splits.items():
        write_records(folder / "jsonl" / f"{split}.jsonl", counted(rows(records, tokens=options.tokens)))
    return Exported(
        spans_out=spans_out,
        card={
            "configs": [
                {
                    "config_name": "default",
                    "data_files": [{"split": split, "path": f"jsonl/{split}.jsonl"} for split in splits],
                }
            ],
            "dataset_info": [{"config_name": "default", "features": features(options)}],
        },
        usage=_USAGE,
    )


_USAGE = """```python
from datasets import load_dataset

data = load_dataset("PATH/TO/THIS/FOLDER")
```

The keys of `jsonl/` are those Prodigy documents for `db-in`."""


def rows(records: Iterable[GoldRecord], *, tokens: bool = False) -> Iterator[Row]:
    """The lines of the format, one a record."""
    for record in records:
        yield _tokenized(record) if tokens else record


def _tokenized(record: GoldRecord) -> TokenizedRecord:
    from annotate.spacy_docs import tokenize  # spaCy takes seconds to load, and records without tokens do not need it

    found = tokenize(record.text, record.meta.lang)
    columns = zip(found.words, found.starts, found.ends, found.spaces.tolist(), strict=True)
    tokens = tuple(Token(word, start, end, number, space) for number, (word, start, end, space) in enumerate(columns))
    starts = {token.start: token.id for token in tokens}
    ends = {token.end: token.id for token in tokens}
    spans = tuple(
        TokenizedSpan(span.start, span.end, span.label, span.text, starts.get(span.start, -1), ends.get(span.end, -1))
        for span in record.spans
    )
    return TokenizedRecord(record.id, record.text, tokens, spans, record.cats, record.accept, record.answer, record.meta)


def features(options: Options) -> list[dict[str, Any]]:
    """The columns as the card's `dataset_info.features`: declared, they do not depend on which rows a file happens to hold."""
    span = [_column("start", "int64"), _column("end", "int64"), _column("label"), _column("text")]
    columns = [_column("id"), _column("text")]
    if options.tokens:
        span += [_column("token_start", "int64"), _column("token_end", "int64")]
        token = [
            _column("text"),
            _column("start", "int64"),
            _column("end", "int64"),
            _column("id", "int64"),
            _column("ws", "bool"),
        ]
        columns.append({"name": "tokens", "list": token})
    meta = [
        *map(_column, ("doc_id", "segment_id", "lang", "region")),
        _column("start", "int64"),
        _column("end", "int64"),
        *map(_column, ("split", "cluster", "schema", "schema_sha256", "decided_by")),
        _column("n_annotators", "int64"),
        {"name": "annotators", "sequence": "string"},
        _column("agreement", "float64"),
    ]
    return [
        *columns,
        {"name": "spans", "list": span},
        {"name": "cats", "struct": [_column(topic, "float64") for topic in options.schema.topic_ids]},
        {"name": "accept", "sequence": "string"},
        _column("answer"),
        {"name": "meta", "struct": meta},
    ]


def _column(name: str, dtype: str = "string") -> dict[str, Any]:
    return {"name": name, "dtype": dtype}
