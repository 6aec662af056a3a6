"""Documents as tokens with one IOB2 tag each (Ratnaparkhi 1998; Tjong Kim Sang and Veenstra 1999)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from annotate.schema import LabelSchema, iob_tag

if TYPE_CHECKING:  # spaCy takes seconds to load
    from annotate.spacy_docs import BuiltDoc

OUTSIDE = "O"


def tag_names(schema: LabelSchema) -> list[str]:
    """Every tag there can be: `O`, then `B-` and `I-` of each label in the schema's order."""
    return [OUTSIDE, *(f"{prefix}-{iob_tag(label)}" for label in schema.entity_ids for prefix in "BI")]


def tagged(built: BuiltDoc) -> Iterator[tuple[str, str]]:
    """The tokens that are not white space, with their tags. White space inside an entity goes without a trace: entities begin
    and end with other tokens."""
    tags = [OUTSIDE] * len(built.tokens)
    for ent in built.ents:
        tag = iob_tag(ent.span.label)
        tags[ent.first : ent.last] = [f"B-{tag}", *[f"I-{tag}"] * (ent.last - ent.first - 1)]
    for word, tag in zip(built.tokens.words, tags, strict=True):
        if not word.isspace():
            yield word, tag
