"""What a finding is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Level = Literal["error", "warning"]
Kind = Literal["segments", "annotations", "gold", "export"]

CODES: Mapping[str, tuple[Level, str]] = {
    "unreadable": ("error", "a line that is no record of the file's kind"),
    "duplicate_id": ("error", "a segment, gold record, or annotation of a segment by the same person, that stands before"),
    "broken_tiling": ("error", "segments of a document that leave a gap or overlap"),
    "edge_space": ("error", "a span that begins or ends with white space"),
    "half_grapheme": ("error", "a span that cuts what readers see as one character"),
    "unknown_label": ("error", "a label that the schema does not have"),
    "forbidden_overlap": ("error", "spans that overlap in a way the schema forbids"),
    "edge_punctuation": ("warning", "a span that begins or ends with punctuation that belongs to the sentence"),
    "half_word": ("warning", "a span that cuts a word"),
    "two_labels": ("warning", "a string that is labelled in two ways"),
    "unlabelled_repeat": ("warning", "a string that is labelled in a document, and elsewhere in it is not"),
    "mixed_normal_forms": ("warning", "composed and decomposed characters (NFC, NFD) side by side"),
    "unlisted_language": ("warning", "a language the schema does not list"),
    "no_licence": ("warning", "an export whose licence is not filled in"),
    "no_manifest": ("error", "an export folder whose manifest.json cannot be read"),
    "missing_file": ("error", "a file the manifest lists and the folder does not have"),
    "changed_file": ("error", "a file that is not what the manifest says"),
    "recompressed_file": ("warning", "a file with other bytes that says the same"),
    "unlisted_file": ("warning", "a file in an export folder that no export wrote"),
}
"""Code → level and meaning."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One objection."""

    code: str
    id: str
    """Of the segment or gold record; the document where the finding is about one; the file in an export folder."""
    message: str
    hint: str
    line: int
    """1-based; -1 in export folders."""
    url: str = ""
    """Of the task in Label Studio; empty where the record carries none, or no server is known."""
    level: Level = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "level", CODES[self.code][0])


@dataclass(frozen=True, slots=True)
class Lint:
    """What was looked at, and what was found."""

    kind: Kind
    records: int
    """Records read, or files verified."""
    findings: tuple[Finding, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Findings by code, in the order of `CODES`."""
        found = Counter(finding.code for finding in self.findings)
        return {code: found[code] for code in CODES if found[code]}

    @property
    def errors(self) -> int:
        return sum(finding.level == "error" for finding in self.findings)
