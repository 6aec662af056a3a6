"""What is wanted: the tasks that a file of segments asks for.

Texts stay on disk: the file is read once into a temporary one, so that a stream will do, and tasks lie in another; in memory
are their ids and what a push compares (some 300 bytes a segment)."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from sys import intern
from tempfile import SpooledTemporaryFile
from typing import IO, Any
from weakref import finalize

from annotate.codec import dumps, loads
from annotate.labelstudio.wire import Json, essence, to_task
from annotate.model import Reject, Segment, segment_ids
from annotate.schema import LabelSchema
from annotate.selection import Candidate, Sample, originals, text_key
from annotate.store import reject

CONTEXT = 600
"""Characters of read-only context before and after a segment."""
NEIGHBOURS = 20
"""Segments on each side that context is taken from."""
ALL_REGIONS = "all"
IN_MEMORY = 8_000_000
"""Bytes of texts that are not worth a temporary file."""
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which segments are put to annotators. Empty `regions` or `languages` select all."""

    regions: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    min_chars: int = 0

    def takes(self, lang: str, region: str, chars: int) -> bool:
        """Whether a segment is selected: its language, its region, and its length without white space at the edges."""
        return (
            (not self.regions or region in self.regions)
            and (not self.languages or lang in self.languages)
            and chars >= self.min_chars
        )


@dataclass(frozen=True, slots=True)
class WantedTask:
    """What a push compares and counts of a wanted task."""

    segment_id: str
    doc_id: str
    lang: str
    region: str
    part: str
    chars: int
    essence: bytes
    place: int
    """Of its text among the texts of all wanted tasks."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The tasks a file of segments asks for, by segment id in the order of the file, and the documents it speaks about."""

    tasks: Mapping[str, WantedTask]
    documents: frozenset[str]
    not_selected: int
    spool: Spool = field(compare=False, repr=False)
    complete: bool = True
    """Whether every line of the file could be read: a segment on a damaged line is no reason to retire its task."""
    spared: frozenset[str] = frozenset()
    """Segments of the file that are not asked, because they are not in the sample or have a text that is asked already. Where
    they have a task it is left alone."""
    copies: Mapping[str, str] = field(default_factory=dict)
    """Of the spared ones those with a text that is asked already: the id of the segment that is, by their own."""

    def raw(self, segment_id: str) -> bytes:
        """A task as JSON text, as it is sent."""
        return self.spool.line(self.tasks[segment_id].place)

    def json(self, segment_id: str) -> Json:
        """A task as a JSON object."""
        task: Json = loads(self.raw(segment_id), dict[str, Any])
        return task

    def only(self, ids: Collection[str]) -> Wanted:
        """The same file, but of its tasks only these."""
        return replace(self, tasks={key: task for key, task in self.tasks.items() if key in ids})


class Spool:
    """Lines in a temporary file, read by number."""

    def __init__(self) -> None:
        self._file: IO[bytes] = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  lives as long as the spool
        finalize(self, self._file.close)
        self._ends = array("q", [0])

    def append(self, line: bytes) -> int:
        """Add a line; its number."""
        self._file.seek(self._ends[-1])
        self._ends.append(self._ends[-1] + self._file.write(line))
        return len(self) - 1

    def __len__(self) -> int:
        return len(self._ends) - 1

    def line(self, number: int) -> bytes:
        """A line."""
        start, end = self._ends[number], self._ends[number + 1]
        self._file.seek(start)
        return self._file.read(end - start)


def wanted_tasks(
    segments: Iterable[Segment], schema: LabelSchema, selection: Selection, rejects: Callable[[Reject], None], source: str
) -> Wanted:
    """Tasks for the selected segments of a file. What Label Studio cannot hold, and ids that stand twice, are rejected."""
    lines, spool = Spool(), Spool()
    documents: dict[str, array[int]] = {}
    for segment in segments:
        problem = _unstorable(segment)
        if problem:
            rejects(reject("push", source, *problem, id=segment.id, record=segment.text))
        else:
            documents.setdefault(segment.doc_id, array("q")).append(lines.append(dumps(segment)))
    tasks: dict[str, WantedTask] = {}
    left_out = 0
    for numbers in documents.values():
        parts = [loads(lines.line(number), Segment) for number in numbers]
        for index, segment in enumerate(parts):
            if not selection.takes(segment.lang, segment.region, len(segment.text.strip())):
                left_out += 1
                continue
            before, after = _context(parts, index)
            for piece, part in cut(segment, schema.max_chars):
                if piece.id in tasks:
                    rejects(reject("push", source, "duplicate_id", f"segment {piece.id} stands twice", id=piece.id))
                    continue
                tasks[piece.id] = _spooled(to_task(piece, schema.ref, before=before, after=after, part=part), spool)
    return Wanted(tasks, frozenset(documents), left_out, spool)


def narrowed(wanted: Wanted, *, sample: Sample | None = None, dedupe: bool = False) -> Wanted:
    """What is wanted, without tasks whose text is asked already (`dedupe`), and of the others a sample."""
    tasks = wanted.tasks
    copies = originals((key, _text_key(wanted, key)) for key in tasks) if dedupe else {}
    chosen = frozenset(tasks.keys() - copies.keys())
    if sample is not None:
        chosen = sample.draw(Candidate(key, it.doc_id, it.lang, it.region) for key, it in tasks.items() if key in chosen)
    copies = {copy: original for copy, original in copies.items() if original in chosen}
    spared = tasks.keys() - chosen
    return replace(
        wanted.only(chosen),
        not_selected=wanted.not_selected + len(spared) - len(copies),
        spared=frozenset(spared),
        copies=copies,
    )


def _text_key(wanted: Wanted, segment_id: str) -> bytes:
    data = wanted.json(segment_id)["data"]
    return text_key(data["text"], data["lang"], data["region"])


def asked(tasks: Iterable[Json]) -> Wanted:
    """What is wanted when the tasks are made already, and nothing else is known: a push of it retires none."""
    spool = Spool()
    made = [_spooled(task, spool) for task in tasks]
    return Wanted({task.segment_id: task for task in made}, frozenset(), not_selected=0, spool=spool, complete=False)


def _spooled(task: Json, spool: Spool) -> WantedTask:
    data = task["data"]
    return WantedTask(
        data["segment_id"],
        doc_id=intern(data["doc_id"]),
        lang=intern(data["lang"]),
        region=intern(data["region"]),
        part=intern(data["part"]),
        chars=len(data["text"].strip()),
        essence=essence(data, task["meta"]),
        place=spool.append(dumps(task)),
    )


def _context(parts: Sequence[Segment], index: int) -> tuple[str, str]:
    before = "".join(s.text for s in parts[max(0, index - NEIGHBOURS) : index])[-CONTEXT:]
    after = "".join(s.text for s in parts[index + 1 : index + 1 + NEIGHBOURS])[:CONTEXT]
    return before, after


def _unstorable(segment: Segment) -> tuple[str, str] | None:
    if not segment.text.strip():
        return "blank", "the text is white space only"
    if "\x00" in segment.text:
        return "nul", "the text holds a NUL character, which databases refuse"
    if _LONE_SURROGATE.search(segment.text):
        return "lone_surrogate", "the text holds a lone surrogate, which makes Label Studio fail for the whole project"
    return None


def cut(segment: Segment, max_chars: int) -> list[tuple[Segment, str]]:
    """A segment in parts of at most `max_chars` code points, the white space around them not counted, each with its place
    (`2/3`; empty when whole).

    Parts end at a blank line, else at a line, a sentence or a space, else where they must; together they are the segment."""
    if len(segment.text.strip()) <= max_chars:
        return [(segment, "")]
    texts, rest = [], segment.text
    while len(rest.strip()) > max_chars:
        lead = len(rest) - len(rest.lstrip())
        end = lead + _cut_point(rest[lead:], max_chars)
        end += len(rest[end:]) - len(rest[end:].lstrip())  # white space belongs to what stands before it
        texts.append(rest[:end])
        rest = rest[end:]
    texts.append(rest)
    ids = segment_ids(segment.id, texts)
    parts, start = [], segment.start
    for number, (text, identity) in enumerate(zip(texts, ids, strict=True), 1):
        moved = segment.source.start + start - segment.start
        part = replace(
            segment,
            id=identity,
            start=start,
            end=start + len(text),
            text=text,
            source=replace(segment.source, start=moved, end=moved + len(text)),
        )
        parts.append((part, f"{number}/{len(texts)}"))
        start += len(text)
    return parts


def _cut_point(text: str, limit: int) -> int:
    for separator in ("\n\n", "\n", ". ", " "):
        at = text.rfind(separator, limit // 2, limit)
        if at > 0:
            return at + len(separator)
    return limit


def select(
    schema: LabelSchema, *, regions: Collection[str] = (), languages: Collection[str] = (), min_chars: int | None = None
) -> Selection:
    """The selection that options ask for: `regions` and `min_chars` default to the schema's, `all` selects every region."""
    chosen = frozenset() if ALL_REGIONS in regions else frozenset(regions or schema.annotate_regions)
    return Selection(chosen, frozenset(languages), schema.min_chars if min_chars is None else min_chars)
