"""What formats made of tokens share: records become spaCy documents, and what that costs is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from annotate.codec import dumps
from annotate.exporters import Adjusted, Options, parts
from annotate.model import GoldRecord, Reject, Span
from annotate.spacy_docs import SPANS_KEY, BuiltDoc, TokenSpan, build_doc, tokenizer_config
from annotate.store import reject

_HINTS = {
    "strict": "--align contract keeps the whole tokens inside a span",
    "contract": "correct the span, or keep it with --align expand; jsonl holds it as annotated",
    "expand": "jsonl holds the span as annotated",
}


class Aligner:
    """Builds documents and counts: every span of the records is in `spans_out` or has its line in `rejects`, which names the
    `format`.

    `flat` is for formats of one tag a token, which hold `doc.ents` only; the spans that gave way are rejects then, with the
    code `overlap`. Otherwise they are counted as `nested`."""

    def __init__(self, format: str, options: Options, *, flat: bool = False) -> None:
        self._format = format
        self._options = options
        self._flat = flat
        self.spans_out = 0
        self.nested = 0
        self.rejects: list[Reject] = []
        self.adjusted: list[Adjusted] = []

    def docs(self, records: Sequence[GoldRecord]) -> Iterator[BuiltDoc]:
        """One document a record, in order."""
        hint = _HINTS[self._options.align]
        for record in records:
            built = build_doc(record, self._options.align)
            self.nested += built.n_nested
            for lost in built.misaligned:
                self._reject(record, "misaligned", str(lost), hint)
            gave_way = self._overlapping(built) if self._flat else set()
            self.spans_out += len(built.spans) - len(gave_way)
            self.adjusted += [Adjusted.of(record, was, now) for was, now in built.adjusted if now not in gave_way]
            yield built

    def _overlapping(self, built: BuiltDoc) -> set[Span]:
        """The stored spans that are no entities, each of them rejected as it was annotated."""
        annotated = {now: was for was, now in built.adjusted}
        found = set()
        for item in built.spans:
            if item in built.ents:
                continue
            found.add(item.span)
            was = annotated.get(item.span, item.span)
            winner = next(ent for ent in built.ents if _overlap(ent, item)).span
            reason = f"{_named(was)} overlaps {_named(winner)}, and a token has one tag"
            self._reject(built.record, "overlap", reason, "jsonl, doccano and spacy hold spans that overlap")
        return found

    def _reject(self, record: GoldRecord, code: str, reason: str, hint: str) -> None:
        source = self._options.source
        reason = f"{self._format}: {reason}"
        self.rejects.append(reject("export", source, code, reason, id=record.id, hint=hint, record=dumps(record)))

    def limits(self, kind: str, tokenizers: Mapping[str, Mapping[str, Any]], moved: str = "") -> Iterator[str]:
        """Sentences for the card. `kind` names the files, `moved` where spans with other ends are listed."""
        codes = [item.code for item in self.rejects]
        if lost := codes.count("misaligned"):
            yield f"{kind}: spans missing because they do not fall on whole tokens (`rejects.jsonl`): {lost}."
        if lost := codes.count("overlap"):
            yield f"{kind}: spans missing because they overlap a longer one (`rejects.jsonl`): {lost}."
        if self.adjusted:
            yield f"{kind}: spans moved to token boundaries{f' (`{moved}`)' if moved else ''}: {len(self.adjusted)}."
        if self.nested and not self._flat:
            yield f'{kind}: spans only in `doc.spans["{SPANS_KEY}"]`, not in `doc.ents`, where a longer one is: {self.nested}.'
        characters = [lang for lang, config in tokenizers.items() if config["tokenizer"].get("segmenter") == "char"]
        if characters:
            yield f"{kind}: languages whose tokens are single characters: {', '.join(characters)}."
        multilingual = [lang for lang, config in tokenizers.items() if config["blank"] == "xx"]
        if multilingual:
            yield f"{kind}: languages tokenized by spaCy's multilingual rules (`xx`): {', '.join(multilingual)}."


def tokenizers_of(splits: Mapping[str, Sequence[GoldRecord]]) -> dict[str, dict[str, Any]]:
    """Language → how to rebuild its tokenizer, for the manifest."""
    return {lang: tokenizer_config(lang) for lang in sorted({r.meta.lang for records in splits.values() for r in records})}


def by_language(records: Sequence[GoldRecord]) -> list[tuple[str, Sequence[GoldRecord]]]:
    """The records of each language, in their order, sorted by language."""
    return sorted(parts(records, lambda record: record.meta.lang).items())


def _overlap(one: TokenSpan, other: TokenSpan) -> bool:
    return one.first < other.last and other.first < one.last


def _named(span: Span) -> str:
    return f"{span.label} {span.text!r} [{span.start}, {span.end})"
