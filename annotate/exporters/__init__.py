"""Gold records → files of one format, one module per format: a function that follows `Exporter`, listed in `EXPORTERS`.

An exporter is given records that are checked, assigned to splits and sorted; it writes below the folder it is given, tells what
it left out, and adds what its readers need to the manifest and the dataset card. It decides nothing about which records go out.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

from annotate.model import Annotation, GoldRecord, Reject, Span
from annotate.registry import Registry
from annotate.schema import LabelSchema

if TYPE_CHECKING:  # spaCy takes seconds to load
    from annotate.spacy_docs import Align

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

ALIGNMENTS: tuple[Align, ...] = ("contract", "strict", "expand")
"""What can happen to a span that cuts a token: see `spacy_docs.build_doc`."""

EXPORTERS = Registry(
    "export format",
    {
        "doccano": "annotate.exporters.doccano:write",
        "hf": "annotate.exporters.huggingface:write",
        "iob2": "annotate.exporters.iob2:write",
        "jsonl": "annotate.exporters.jsonl:write",
        "raw": "annotate.exporters.raw:write",
        "spacy": "annotate.exporters.docbin:write",
        "spacy-json": "annotate.exporters.spacy_json:write",
        "webanno": "annotate.exporters.web_annotation:write",
    },
)


FROM_ANNOTATIONS = frozenset({"raw"})
"""Formats made of what annotators said and not of gold records."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a format may need to know: the labels there can be, and what the caller chose."""

    schema: LabelSchema
    align: Align = "contract"
    tokens: bool = False
    """Add tokens to formats that are not made of tokens."""
    source: str = "gold.jsonl"
    """What rejects name as their source."""
    spacy_config: bool = False
    """Write configurations for `spacy train`."""
    annotations: Mapping[str, Sequence[Annotation]] = field(default_factory=dict)
    """For the formats in `FROM_ANNOTATIONS`: split → annotations, sorted by document, position and annotator."""


@dataclass(frozen=True, slots=True)
class Adjusted:
    """A span whose ends a format of tokens had to move: where it was and where it is now."""

    id: str
    doc_id: str
    lang: str
    label: str
    start: int
    end: int
    text: str
    new_start: int
    new_end: int
    new_text: str

    @classmethod
    def of(cls, record: GoldRecord, was: Span, now: Span) -> Adjusted:
        meta = record.meta
        return cls(record.id, meta.doc_id, meta.lang, was.label, was.start, was.end, was.text, now.start, now.end, now.text)


@dataclass(frozen=True, slots=True)
class Exported:
    """What one format did. `spans_out` counts what was written, `rejects` has one line for every span that is not there."""

    spans_out: int
    rejects: tuple[Reject, ...] = ()
    adjusted: int = 0
    """Spans that are there with other ends."""
    manifest: Mapping[str, Any] = field(default_factory=dict)
    """What the manifest says about this format."""
    tools: Mapping[str, str] = field(default_factory=dict)
    """Versions of the packages that shape this format's bytes."""
    card: Mapping[str, Any] = field(default_factory=dict)
    """For the YAML head of the dataset card: `configs` and `dataset_info`, lists with one entry a configuration."""
    usage: str = ""
    """Markdown: how to load it."""
    limits: tuple[str, ...] = ()
    """Sentences for the card's known limits."""


class Part(Sequence[T]):
    """Some items of a sequence, which is not copied."""

    def __init__(self, whole: Sequence[T], places: Sequence[int]) -> None:
        self._whole, self._places = whole, places

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...
    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        if isinstance(index, slice):
            return Part(self._whole, self._places[index])
        return self._whole[self._places[index]]


def parts(whole: Sequence[T], key: Callable[[T], K]) -> dict[K, Part[T]]:
    """The items of each value of a key, in their order."""
    places: dict[K, array[int]] = {}
    for place, item in enumerate(whole):
        places.setdefault(key(item), array("Q")).append(place)
    return {value: Part(whole, found) for value, found in places.items()}


class Exporter(Protocol):
    """`splits` maps the non-empty splits, in the order train, dev, test, to their records sorted by document and position.
    These may be more than memory holds: go over them as often as needed, and never make a list of them."""

    def __call__(self, splits: Mapping[str, Sequence[GoldRecord]], folder: Path, options: Options) -> Exported: ...


def unsettled(kind: str, splits: Mapping[str, Sequence[GoldRecord]], schema: LabelSchema) -> tuple[str, ...]:
    """The limit of formats that list accepted topics only, for the card; `kind` names the files."""
    count = sum(len(record.cats) < len(schema.topic_ids) for records in splits.values() for record in records)
    return (f"{kind}: records whose open topic groups look as if no topic held: {count}.",) * bool(count)
