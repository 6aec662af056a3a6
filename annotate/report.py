"""A segmentation to look at: one HTML page with everything in it, which asks no server for anything.

The page is `report.html` with the data as JSON inside. Texts come from the web and are not to be trusted: the JSON holds no
`<`, `>` or `&`, the page makes text nodes of it and no markup, and its content security policy lets only its own script run.
The same segments, sample and seed give the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import heapq
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from annotate.codec import dumps
from annotate.errors import ReadError
from annotate.model import REGIONS, Segment
from annotate.store import STDIO, Rejects, read_records, rejects_beside, replacing

LONGEST = 3000
"""Characters of a segment that are shown; the page says how many more there are."""

_TEMPLATE = Path(__file__).with_name("report.html")
_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


@dataclass(slots=True)
class LanguageCounts:
    """What a corpus holds in one language."""

    documents: int = 0
    """Documents with a segment in it."""
    characters: int = 0
    regions: Counter[str] = field(default_factory=Counter)
    """Segments by region."""


@dataclass(slots=True)
class Overview:
    """What a corpus holds, and a sample of its documents. One pass; in memory are the sample and the ids of all documents."""

    sample: int
    seed: int = 0
    characters: int = 0
    languages: dict[str, LanguageCounts] = field(default_factory=dict)
    _seen: dict[str, set[str]] = field(default_factory=dict)
    """Languages by document, in the order of the corpus."""
    _chosen: dict[str, list[Segment]] = field(default_factory=dict)
    _heap: list[tuple[int, str]] = field(default_factory=list)

    @property
    def documents(self) -> int:
        return len(self._seen)

    @property
    def segments(self) -> int:
        return sum(counts.regions.total() for counts in self.languages.values())

    def add(self, segment: Segment) -> None:
        """Count a segment, and keep it when its document is in the sample."""
        if segment.doc_id not in self._seen:
            self._seen[segment.doc_id] = set()
            self._draw(segment.doc_id)
        counts = self.languages.setdefault(segment.lang, LanguageCounts())
        if segment.lang not in self._seen[segment.doc_id]:
            self._seen[segment.doc_id].add(segment.lang)
            counts.documents += 1
        counts.characters += len(segment.text)
        counts.regions[segment.region] += 1
        self.characters += len(segment.text)
        if segment.doc_id in self._chosen:
            self._chosen[segment.doc_id].append(segment)

    def _draw(self, doc_id: str) -> None:
        """Keep the `sample` documents with the smallest hash: who that is does not depend on the order of the documents."""
        digest = hashlib.blake2b(f"{self.seed}\0{doc_id}".encode(), digest_size=8).digest()
        entry = (-int.from_bytes(digest, "big"), doc_id)
        self._chosen[doc_id] = []
        if len(self._heap) < self.sample:
            heapq.heappush(self._heap, entry)
        else:
            del self._chosen[heapq.heappushpop(self._heap, entry)[1]]

    def chosen(self) -> Mapping[str, Sequence[Segment]]:
        """The sampled documents in the order of the corpus, each with its segments in the order of its text."""
        return {doc_id: sorted(segments, key=lambda segment: segment.start) for doc_id, segments in self._chosen.items()}


@dataclass(frozen=True, slots=True)
class ShowReport:
    """What `show` put on the page."""

    documents: int
    shown: int
    segments: int
    characters: int
    rejected: Mapping[str, int]


def show(source: str | Path, output: str | Path, *, sample: int, seed: int = 0, rejects: Path | None = None) -> ShowReport:
    """`segments.jsonl` → a page on which to look at a sample of its documents, and what all of them hold. `ReadError` when no
    segment can be used."""
    beside = output if str(output) == STDIO else Path(output).with_suffix(".jsonl")
    with Rejects(rejects or rejects_beside(beside, "show")) as rejected:
        view = Overview(sample, seed)
        for segment in read_records(source, Segment, rejected, step="show"):
            view.add(segment)
        if not view.documents:
            hint = f"see {rejected.path}" if rejected.total else "annotate segment INPUT… -o segments.jsonl"
            raise ReadError(f"there is no segment in {source} to show", hint=hint)
        content = page(view, title="segments" if str(source) == STDIO else Path(source).name).encode()
        if str(output) == STDIO:
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
        else:
            with replacing(Path(output)) as out:
                out.write(content)
    return ShowReport(view.documents, len(view.chosen()), view.segments, view.characters, dict(rejected.counts))


def page(view: Overview, *, title: str) -> str:
    """The HTML page of an overview."""
    template = _TEMPLATE.read_text(encoding="utf-8")
    (script,) = _SCRIPT.findall(template)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return template.replace("{{script_sha256}}", digest).replace("{{data}}", escaped_json(_data(view, title)))


def escaped_json(content: object) -> str:
    """JSON that may stand in an HTML `script` element: no character in it can end the element or begin a comment."""
    return dumps(content).decode().translate(_ESCAPES)


def _data(view: Overview, title: str) -> dict[str, Any]:
    languages = sorted(view.languages.items(), key=lambda item: (-item[1].regions.total(), item[0]))
    found = {region for counts in view.languages.values() for region in counts.regions}
    return {
        "title": title,
        "documents": view.documents,
        "characters": view.characters,
        "segments": view.segments,
        "seed": view.seed,
        "regions": [region for region in REGIONS if region in found],
        "languages": [
            {
                "lang": lang,
                "documents": counts.documents,
                "characters": counts.characters,
                "segments": counts.regions.total(),
                "regions": {region: counts.regions[region] for region in REGIONS if counts.regions[region]},
            }
            for lang, counts in languages
        ],
        "sample": [{"id": doc_id, "segments": list(_shown(segments))} for doc_id, segments in view.chosen().items()],
    }


def _shown(segments: Iterable[Segment]) -> Iterable[dict[str, Any]]:
    for one in segments:
        yield {
            "id": one.id,
            "start": one.start,
            "end": one.end,
            "lang": one.lang,
            "lang_score": one.lang_score,
            "script": one.script,
            "region": one.region,
            "region_score": one.region_score,
            "path": one.source.path,
            "text": one.text[:LONGEST],
        }
