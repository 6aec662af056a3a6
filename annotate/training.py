"""Learning from corrections: the shipped region model, adapted to documents whose tiling people corrected.

    gold.jsonl → tilings → examples ─┬─ parts held back → what the change is worth → report
                                     └─ all, if it is worth anything → model

What changes, and how it is held to what was, is the subject of `annotate.regions.adapting`. The model that comes out is the one
that went in, byte for byte, where no change proves its worth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import inf, isinf
from pathlib import Path

from annotate import readers, regions
from annotate.codec import loads
from annotate.errors import InvariantError, ReadError
from annotate.evaluation import Evaluation, evaluate
from annotate.model import UND, Document, Reject, Segment, Source, Tiling
from annotate.readers.html import to_document
from annotate.readers.opening import Refused
from annotate.regions import RegionModel, adapting
from annotate.regions.adapting import Seen
from annotate.regions.examples import Example, Gold, GoldSegment, example, sites
from annotate.resources import demo_corpus
from annotate.store import STDIO, Rejects, opened, reject, rejects_beside, replacing
from annotate.tiling import Segmenter
from annotate.tiling.units import cut

Progress = Callable[[int, int], None]

STEP = "train-segmenter"


def _no_progress(done: int, total: int) -> None:
    """The progress of a step nobody watches."""


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """What was learnt, measured on documents that were held back."""

    documents: int
    sites: int
    """Documents that share a menu or a footer are of one."""
    parts: int
    """Each part of the documents was held back once; 0 when there are too few to hold any back."""
    by_site: bool
    """The parts are of whole sites: the figures hold for new sites, else for new documents of these."""
    pull: float
    """The ridge penalty of the change; -1 when nothing changed."""
    before: Evaluation | None
    """The model that was there, on the documents; None when none could be held back."""
    after: Evaluation | None
    """Models adapted to the other parts, each on the documents of the part that was held back from it."""
    rejected: Mapping[str, int]

    @property
    def changed(self) -> bool:
        """Whether the written model is another one."""
        return self.pull > 0


def train_segmenter(
    gold: str | Path,
    output: Path,
    *,
    model: Path | None = None,
    rejects: Path | None = None,
    progress: Progress = _no_progress,
) -> TrainingReport:
    """Adapt the region model (`model`, default the shipped one) to the documents of `gold` (`-` is standard input) and write it
    to `output`. Lines of `gold` are documents, `{"id","text","segments":[{"start","end","lang","region"}]}` or with `html` for
    `text`, whose text as the reader extracts it the segments then tile; or segments as `annotate segment` writes them.

    Equal input gives equal bytes. What is no document of that kind is rejected. `ReadError` when no document can be used."""
    with Rejects(rejects or rejects_beside(output, STEP)) as rejected:
        found = list(_corrected(gold, rejected))
        if not found:
            raise ReadError(f"no document of {gold} can be used", hint=f"see {rejected.path}" if rejected.total else "")
    base = regions.load(model)
    examples = [each.example for each in found]
    places = sites(examples)
    documents = [adapting.seen(base, each) for each in examples]
    rehearsed = [adapting.seen(base, each) for each in _rehearsed(base)]
    before, after, pull = _measured(base, found, documents, rehearsed, places, progress)
    if isinf(pull):
        with replacing(output) as out:
            out.write((model or regions.SHIPPED).read_bytes())
    else:
        adapting.changed(base, adapting.fit(documents, rehearsed, pull)).save(output)
    parts, by_site = adapting.parts_of(places)
    return TrainingReport(
        documents=len(found),
        sites=len(set(places)),
        parts=len(set(parts)) if after else 0,
        by_site=by_site,
        pull=-1.0 if isinf(pull) else pull,
        before=before,
        after=after,
        rejected=dict(rejected.counts),
    )


@dataclass(frozen=True, slots=True)
class _Corrected:
    tiling: Tiling
    example: Example


def _measured(
    base: RegionModel,
    found: Sequence[_Corrected],
    documents: Sequence[Seen],
    rehearsed: Sequence[Seen],
    places: Sequence[int],
    progress: Progress,
) -> tuple[Evaluation | None, Evaluation | None, float]:
    """The figures before and after, and the penalty to use. How strong the change is was chosen without the part it is measured
    on; and there is none if it does not show there."""
    parts, _ = adapting.parts_of(places)
    chosen = sorted(set(parts))
    if len(chosen) < 2:
        return None, None, inf
    gold = {each.tiling.document.doc_id: each.tiling for each in found}
    was = Segmenter(regions=base)
    before = evaluate(gold, {key: was.tile(tiling.document) for key, tiling in gold.items()})
    predicted: dict[str, Tiling] = {}
    for done, part in enumerate(chosen):
        progress(done, len(chosen) + 1)
        rest = [k for k, p in enumerate(parts) if p != part]
        others = [documents[k] for k in rest]
        pull = adapting.choose(base, others, rehearsed, [places[k] for k in rest])
        segmenter = was if isinf(pull) else Segmenter(regions=adapting.changed(base, adapting.fit(others, rehearsed, pull)))
        for each, p in zip(found, parts, strict=True):
            if p == part:
                predicted[each.tiling.document.doc_id] = segmenter.tile(each.tiling.document)
    after = evaluate(gold, predicted)
    progress(len(chosen), len(chosen) + 1)
    pull = adapting.choose(base, documents, rehearsed, places)
    if (after.figures.region_acc or 0.0) <= (before.figures.region_acc or 0.0):
        pull = inf
    return before, after, pull


def _rehearsed(base: RegionModel) -> Iterator[Example]:
    """Documents on which the model is to stay as it is: the demo corpus, tiled as it tiles it."""
    segmenter = Segmenter(regions=base)
    for document in readers.read([demo_corpus()], _unexpected):
        yield _example(segmenter.tile(document))


def _unexpected(item: Reject) -> None:
    raise InvariantError(f"the demo corpus is damaged: {item.reason}", hint="install annotate again")


def _example(tiling: Tiling) -> Example:
    document = replace(tiling.document, blocks=cut(tiling.document).blocks)
    return example(document, [GoldSegment(s.start, s.end, s.lang, s.region) for s in tiling.segments])


# -- corrected documents -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    raw: bytes
    record: Gold | Segment


def _corrected(gold: str | Path, rejects: Callable[[Reject], None]) -> Iterator[_Corrected]:
    """The documents of a file that hold together."""
    name = "<stdin>" if str(gold) == STDIO else str(gold)

    def refuse(line: int, raw: bytes, problem: Refused) -> None:
        p = problem
        rejects(reject(STEP, name, p.code, p.reason, line=line, id=p.id, hint=p.hint, record=raw))

    taken: dict[str, int] = {}
    with opened(gold) as lines:
        for (doc_id, _), group in groupby(_lines(lines, refuse), key=_of_one_document):
            first, *others = group
            try:
                if doc_id in taken:
                    hint = "the first is kept; the segments of a document stand in consecutive lines"
                    raise Refused("duplicate_id", f"{doc_id!r} stands in line {taken[doc_id]} already", hint, id=doc_id)
                taken[doc_id] = first.number
                yield _checked([line.record for line in (first, *others)])
            except Refused as problem:
                refuse(first.number, first.raw, problem)


def _lines(lines: Iterable[bytes], refuse: Callable[[int, bytes, Refused], None]) -> Iterator[_Line]:
    for number, raw in enumerate(lines, 1):
        if not raw.strip():
            continue
        try:
            yield _Line(number, raw, loads(raw, Gold) if "segments" in loads(raw, dict) else loads(raw, Segment))
        except ReadError as problem:
            hint = problem.hint or "each line is a document with its segments, or a segment as annotate segment writes them"
            refuse(number, raw, Refused("unreadable", problem.message, hint))


def _of_one_document(line: _Line) -> tuple[str, int]:
    """Equal for the lines that make one document."""
    return (line.record.doc_id, 0) if isinstance(line.record, Segment) else (line.record.id, line.number)


def _checked(records: Sequence[Gold | Segment]) -> _Corrected:
    """The document of a gold record, or of the segments that are it. Raises `Refused`."""
    first = records[0]
    doc_id = first.doc_id if isinstance(first, Segment) else first.id
    try:
        if isinstance(first, Gold):
            tiling = _tiling(first)
        else:
            segments = tuple(record for record in records if isinstance(record, Segment))
            tiling = Tiling(Document(doc_id, "".join(s.text for s in segments), first.meta), segments)
        return _Corrected(tiling, _example(tiling))
    except InvariantError as problem:
        hint = problem.hint or "the segments of a document must cover its text without gap or overlap, in regions that exist"
        raise Refused("badly_tiled", problem.message, hint, id=doc_id) from None


def _tiling(gold: Gold) -> Tiling:
    document = to_document(gold.id, gold.html, {}) if gold.html and not gold.text.strip() else Document(gold.id, gold.text)
    segments = [
        Segment(
            id=f"{gold.id}#{number}",
            doc_id=gold.id,
            start=one.start,
            end=one.end,
            text=document.text[max(one.start, 0) : max(one.end, 0)],
            lang=one.lang or UND,
            lang_score=-1.0,
            script="",
            region=one.region,
            region_score=-1.0,
            source=Source(one.start, one.end),
        )
        for number, one in enumerate(gold.segments)
    ]
    return Tiling(document, tuple(segments))
