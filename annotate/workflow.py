"""The straight line of the data, one function per arrow:

    files → Document → Segment → Task → Label Studio → Annotation → GoldRecord → exports/NAME/

Every function takes files (`-` is standard input or output) and leaves a file of one record type, so any step can be run
again, inspected, piped or replaced by a script. Each returns a report; what it left out lies in a rejects file, with reasons.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from itertools import chain
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any

from annotate import adjudication, agreement, answers, corpus, dataset, goldfiles, importers, pseudonyms, readers, regions
from annotate.adjudication import Conflict
from annotate.agreement import Group
from annotate.codec import dumps, loads
from annotate.copies import Copies, Copy, copies_file, is_copy, write_copies
from annotate.corpus import Recurrence
from annotate.dataset import ExportReport
from annotate.detectors import DEFAULT
from annotate.earlier import Earlier
from annotate.errors import OK, PARTIAL, AnnotateError, ReadError, UnknownName, UsageError
from annotate.exporters import ALIGNMENTS, FROM_ANNOTATIONS
from annotate.model import Annotation, Document, Reject, Segment, Tiling
from annotate.parallel import batches, ordered_map
from annotate.purged import kept
from annotate.schema import LabelSchema
from annotate.selection import Sample
from annotate.store import STDIO, Rejects, file_sha256, read_records, rejects_beside, replacing, write_records
from annotate.tiling import Segmenter, UnitExplanation

if TYPE_CHECKING:
    from annotate.labelstudio.client import Client
    from annotate.review import ReviewPush
    from annotate.spacy_docs import Align
    from annotate.sync import PushReport, Wanted

Progress = Callable[[int, int], None]

log = logging.getLogger("annotate")


def ignore(item: Reject) -> None:
    """Where rejects go that were reported before."""


def no_progress(done: int, total: int) -> None:
    """The progress of a step nobody watches."""


def _require_something(source: str | Path, usable: int, rejected: Rejects) -> None:
    """Stop before anything is written when every record of an input was bad."""
    if rejected.total and not usable:
        raise ReadError(f"no record of {source} can be used", hint=f"see {rejected.path}")


# -- files → segments --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SegmentReport:
    """What `segment` did."""

    documents: int
    segments: int
    rejected: Mapping[str, int]
    by_lang: Mapping[str, int]
    by_region: Mapping[str, int]


def segment(
    inputs: Sequence[str | Path],
    output: str | Path,
    *,
    format: str = "",
    detector: str = DEFAULT,
    languages: Sequence[str] = (),
    model: Path | None = None,
    corpus_cues: bool = False,
    resegment: bool = False,
    workers: int = 1,
    rejects: Path | None = None,
    progress: Progress = no_progress,
) -> SegmentReport:
    """Documents → `segments.jsonl`: each document tiled into stretches of one language and one page region. With `corpus_cues`
    lines that recur across the documents of a site count as boilerplate; otherwise every document stands alone. Documents that
    are in `output` already and have not changed keep their tiling, unless `resegment`."""
    seen: Counter[str] = Counter()
    by_lang: Counter[str] = Counter()
    by_region: Counter[str] = Counter()
    beside_it = rejects or rejects_beside(output, "segment")
    with Rejects(beside_it) as rejected, TemporaryFile() as spool, _earlier(output, resegment) as earlier:
        documents = readers.read(inputs, rejected, format=format, leave_out=[Path(output), beside_it])
        documents, recurrence = _learned(documents, spool) if corpus_cues else (documents, None)
        make = partial(_tiler, detector, tuple(languages), model, recurrence)
        items = (earlier.of(document) or document for document in documents)
        tilings = chain.from_iterable(ordered_map(make, batches(items, size=_size), workers=workers))

        def segments() -> Iterator[Segment]:
            for tiling in tilings:
                seen["documents"] += 1
                for one in tiling.segments:
                    by_lang[one.lang] += 1
                    by_region[one.region] += 1
                    yield one
                progress(seen["documents"], 0)

        count = write_records(output, segments())
    return SegmentReport(seen["documents"], count, dict(rejected.counts), dict(by_lang), dict(by_region))


def explain(
    inputs: Sequence[str | Path],
    rejected: Rejects,
    *,
    format: str = "",
    detector: str = DEFAULT,
    languages: Sequence[str] = (),
    model: Path | None = None,
    corpus_cues: bool = False,
) -> Iterator[tuple[Document, list[UnitExplanation]]]:
    """What decides how `segment` tiles each document, with the same options: the scores of its units."""
    with TemporaryFile() as spool:
        documents = readers.read(inputs, rejected, format=format, leave_out=[rejected.path] if rejected.path else [])
        documents, recurrence = _learned(documents, spool) if corpus_cues else (documents, None)
        segmenter = Segmenter(detector, tuple(languages), regions.load(model), recurrence)
        for document in documents:
            yield document, segmenter.explain(document)


def _learned(documents: Iterable[Document], spool: IO[bytes]) -> tuple[Iterator[Document], Recurrence]:
    """The documents again, and what recurs in them."""
    recurrence = corpus.learn(_spooled(documents, spool))
    spool.seek(0)
    return (loads(line, Document) for line in spool), recurrence


def _spooled(documents: Iterable[Document], spool: IO[bytes]) -> Iterator[Document]:
    """The documents, each kept in a temporary file on its way: the input may be a stream, and is read once."""
    for document in documents:
        spool.write(dumps(document) + b"\n")
        yield document


@contextmanager
def _earlier(output: str | Path, resegment: bool) -> Iterator[Earlier]:
    path = Path(output)
    if resegment or str(output) == STDIO or not path.is_file():
        yield Earlier(BytesIO())
        return
    with path.open("rb") as file:
        yield Earlier(file)


def _size(item: Document | Tiling) -> int:
    return len(item.text) if isinstance(item, Document) else 0


def _tiler(
    detector: str, languages: tuple[str, ...], model: Path | None, recurrence: Recurrence | None
) -> Callable[[Sequence[Document | Tiling]], list[Tiling]]:
    segmenter = Segmenter(detector=detector, languages=languages, regions=regions.load(model), recurrence=recurrence)

    def tiled(items: Sequence[Document | Tiling]) -> list[Tiling]:
        fresh = segmenter.tile_all(item for item in items if isinstance(item, Document))
        return [item if isinstance(item, Tiling) else next(fresh) for item in items]

    return tiled


# -- segments → Label Studio -------------------------------------------------------------------------------------------


def push(
    client: Client,
    source: str | Path,
    schema: LabelSchema,
    title: str,
    *,
    annotators: Sequence[str] = (),
    regions: Collection[str] = (),
    languages: Collection[str] = (),
    min_chars: int | None = None,
    sample: Sample | None = None,
    dedupe: bool = False,
    overlap: int = 0,
    prune: bool = False,
    dry_run: bool = False,
    ui_languages: Mapping[str, str] | None = None,
    predictions: str | Path | None = None,
    rejects: Path | None = None,
    workspace: Path | None = None,
    progress: Progress = no_progress,
) -> tuple[PushReport, Mapping[str, int]]:
    """`segments.jsonl` → tasks, one project per annotator; the report, and the rejects by code. `regions` default to the
    schema's; `all` selects every region. With `dedupe` only one of equal texts is asked. With `overlap` each segment goes to so
    many of the annotators, else to all. `ui_languages`: in which language each reads labels and guidelines. `predictions`: a
    file of `sync.Prediction`s, shown to annotators. `workspace`: the folder whose journal makes it quick, and which keeps the
    texts that are not asked twice: `pull` gives them the answer."""
    from annotate import sync  # with the SDK behind it, which takes a second to load: only for push and pull

    selection = sync.select(schema, regions=regions, languages=languages, min_chars=min_chars)
    with Rejects(rejects or rejects_beside(source, "push", of_input=True)) as rejected:
        segments = read_records(source, Segment, rejected, step="push")
        segments = kept(segments, lambda segment: segment.doc_id, source, "push", rejected)
        wanted = sync.wanted_tasks(segments, schema, selection, rejected, str(source))
        _require_something(source, len(wanted.tasks) + wanted.not_selected, rejected)
        if rejected.counts["unreadable"]:
            log.warning("%s has damaged lines: nothing is retired in this push", source)
            wanted = replace(wanted, complete=False)
        guesses: sync.Guesses = {}
        if predictions is not None:
            told = read_records(predictions, sync.Prediction, rejected, step="push")
            guesses = sync.checked(told, wanted, schema, rejected, str(predictions))
        asked = sync.narrowed(wanted, sample=sample, dedupe=dedupe)
        if workspace and not dry_run:
            _keep_copies(copies_file(workspace, client.url, title), asked.copies, wanted)
        report = sync.push(
            client,
            asked,
            schema,
            title,
            annotators=annotators,
            overlap=overlap,
            selection=selection,
            prune=prune,
            dry_run=dry_run,
            ui_languages=ui_languages,
            guesses=guesses,
            rejects=rejected,
            workspace=workspace,
            progress=progress,
        )
    return report, dict(rejected.counts)


def _keep_copies(path: Path, copies: Mapping[str, str], wanted: Wanted) -> None:
    """Keep what `push` did not ask because the same text is asked elsewhere; forget what it did not ask the last time."""
    if not copies:
        if path.is_file():
            path.unlink()
        return
    from annotate.labelstudio.wire import to_segment

    tasks = ((original, wanted.json(copy)) for copy, original in copies.items())
    write_copies(path, (Copy(original, to_segment(task["data"], task["meta"])) for original, task in tasks))


# -- Label Studio → annotations ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PullReport:
    """What `pull` brought: submitted annotations (of them `empty` without any label), skips, drafts left where they are."""

    annotations: int
    skipped: int
    empty: int
    drafts: int
    removed: int
    """Annotations of the file that was there before which the server has no more."""
    rejected: Mapping[str, int]
    by_annotator: Mapping[str, int]


def pull(
    client: Client,
    schema: LabelSchema,
    title: str,
    output: str | Path,
    *,
    annotators: Collection[str] = (),
    with_retired: bool = False,
    fresh: bool = False,
    rejects: Path | None = None,
    workspace: Path | None = None,
    progress: Progress = no_progress,
) -> PullReport:
    """Everything annotators said → `annotations.jsonl`, one row each, validated. What the server has no more is named among the
    rejects, as `removed`. Copies that a push kept in `workspace` get the answer of their original, after it. `fresh`: believe
    nothing of the journal there; the outcome is the same."""
    from annotate import sync

    copies = Copies(copies_file(workspace, client.url, title) if workspace else None)

    def deliver(pulled: sync.Pulled) -> PullReport:
        counts: Counter[str] = Counter()
        by_annotator: Counter[str] = Counter()

        def lines() -> Iterator[bytes]:
            for line in pulled.lines:
                for told in (line.line, *copies.of_line(line.segment_id, line.line)):
                    counts[line.status] += 1
                    by_annotator[line.annotator] += 1
                    yield told

        with Rejects(rejects or rejects_beside(output, "pull")) as rejected:
            for item in pulled.rejects:
                rejected(item)
            for gone in answers.write(output, lines()):
                rejected(answers.removed(gone))
        refused = dict(rejected.counts)
        return PullReport(
            annotations=counts["submitted"] + counts["empty"],
            skipped=counts["skipped"],
            empty=counts["empty"],
            drafts=refused.pop("draft", 0),
            removed=refused.pop("removed", 0),
            rejected=refused,
            by_annotator=dict(by_annotator),
        )

    return sync.pull(
        client,
        schema,
        title,
        deliver,
        annotators=annotators,
        with_retired=with_retired,
        fresh=fresh,
        workspace=workspace,
        progress=progress,
    )


# -- annotations → agreement -------------------------------------------------------------------------------------------


def agree(
    source: str | Path,
    *,
    schema: LabelSchema | None = None,
    bootstrap: int = 1000,
    seed: int = 0,
    names: bool = False,
    worst: int = 0,
    url: str = "",
    html: Path | None = None,
    rejects: Path | None = None,
) -> tuple[agreement.Report, Mapping[str, int]]:
    """How far annotators agree, and the rejects by code. Works on `annotations.jsonl` alone; a schema adds unused labels. With
    `html` the report is also written as a page to look at."""
    people = pseudonyms.list_near(source)
    with Rejects(rejects or rejects_beside(source, "agree", of_input=True)) as rejected:
        report = agreement.agree(
            (a for a in read_records(source, Annotation, rejected, step="agree") if not is_copy(a)),
            topic_groups(schema) if schema else None,
            entities=schema.entity_ids if schema else None,
            bootstrap=bootstrap,
            seed=seed,
            names=names,
            known=pseudonyms.read(people),
            worst=worst,
            url=url,
            rejects=rejected,
            source=str(source),
        )
        _require_something(
            source, report.overall.segments + report.left_out["single"] + report.left_out["only_skipped"], rejected
        )
    if not names:
        pseudonyms.keep(people, report.aliases)
    if html:
        with replacing(html) as out:
            out.write(agreement.page(report, title="annotations" if str(source) == STDIO else Path(source).name).encode())
    return report, dict(rejected.counts)


def topic_groups(schema: LabelSchema) -> tuple[Group, ...]:
    """The topic groups of a schema as agreement and adjudication want them."""
    return tuple(Group(group.id, group.choice, tuple(label.id for label in group.labels)) for group in schema.topics)


# -- annotations → gold ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GoldReport:
    """What `adjudicate` did; `counts` as in the summary file."""

    gold: int
    conflicts: int
    counts: Mapping[str, int]
    rejected: Mapping[str, int]
    adjudicators: Mapping[str, Mapping[str, int]]
    """As in the summary file: decisions by adjudicator, and how many of them in their own cause."""
    conflicts_file: str
    summary_file: str


def adjudicate(
    source: str | Path,
    output: str | Path,
    *,
    rules: Sequence[str] = ("unanimous",),
    schema: LabelSchema | None = None,
    names: bool = False,
    bootstrap: int = 1000,
    rejects: Path | None = None,
) -> GoldReport:
    """`annotations.jsonl` → `gold.jsonl`, beside it `gold.conflicts.jsonl` and `gold.summary.json`. Each rule is asked what
    those before it leave open; what adjudicators decided, in `gold.decisions.jsonl`, no rule is asked."""
    conflicts_file, summary_file = goldfiles.beside(output, "conflicts.jsonl"), goldfiles.beside(output, "summary.json")
    decisions_file, people = goldfiles.beside(output, "decisions.jsonl"), pseudonyms.list_near(source)
    groups, entities = (topic_groups(schema), schema.entity_ids) if schema else (None, None)
    with Rejects(rejects or rejects_beside(output, "adjudicate")) as rejected:
        found = read_records(source, Annotation, rejected, step="adjudicate")
        annotations = list(kept(found, lambda annotation: annotation.segment.doc_id, source, "adjudicate", rejected))
        _require_something(source, len(annotations), rejected)
        known = pseudonyms.read(people)
        result = adjudication.adjudicate(
            annotations,
            [adjudication.rule_named(rule) for rule in rules],
            groups,
            entities=entities,
            decisions=goldfiles.read_decisions(decisions_file, rejected),
            rejects=rejected,
            source=str(source),
            decisions_source=str(decisions_file),
            names=names,
            known=known,
        )
        if not names:
            pseudonyms.keep(people, result.aliases)
        report = agreement.agree(
            (annotation for annotation in annotations if not is_copy(annotation)),
            groups,
            entities=entities,
            bootstrap=bootstrap,
            names=names,
            known={**known, **result.aliases},
        )
        write_records(output, result.gold)
        write_records(conflicts_file, result.conflicts)
        inputs = {} if str(source) == STDIO else {"annotations": file_sha256(Path(source))}
        if decisions_file.is_file():
            inputs["decisions"] = file_sha256(decisions_file)
        write_records(summary_file, [result.summary(report, inputs)])
    return GoldReport(
        gold=len(result.gold),
        conflicts=len(result.conflicts),
        counts=result.counts,
        rejected=dict(rejected.counts),
        adjudicators=result.adjudicators,
        conflicts_file=str(conflicts_file),
        summary_file=str(summary_file),
    )


# -- conflicts → reviewers → decisions ---------------------------------------------------------------------------------


def review_push(
    client: Client,
    source: str | Path,
    schema: LabelSchema,
    title: str,
    *,
    named: bool = False,
    dry_run: bool = False,
    rejects: Path | None = None,
    progress: Progress = no_progress,
) -> tuple[ReviewPush, Mapping[str, int]]:
    """`gold.conflicts.jsonl` → tasks of the review project, each reading a prediction; the report, and the rejects by code."""
    from annotate import review

    with Rejects(rejects or rejects_beside(source, "review", of_input=True)) as rejected:
        found = read_records(source, Conflict, rejected, step="review")
        conflicts = list(kept(found, lambda conflict: conflict.segment.doc_id, source, "review", rejected))
        _require_something(source, len(conflicts), rejected)
        report = review.push(
            client,
            conflicts,
            schema,
            title,
            rejected,
            named=named,
            dry_run=dry_run,
            complete=not rejected.total,  # a damaged line is no reason to withdraw its task
            source=str(source),
            progress=progress,
        )
    return report, dict(rejected.counts)


@dataclass(frozen=True, slots=True)
class ReviewPull:
    """What `review pull` brought home."""

    decisions: int
    """In the file now."""
    new: int
    """Of them not there, or other, before."""
    skipped: int
    """Segments that a reviewer skipped: still open, unless another has decided."""
    drafts: int
    rejected: Mapping[str, int]
    decisions_file: str
    gold: GoldReport
    """The gold records made with them."""


def review_pull(
    client: Client,
    schema: LabelSchema,
    title: str,
    source: str | Path,
    output: Path,
    *,
    rules: Sequence[str] = (),
    rejects: Path | None = None,
) -> ReviewPull:
    """The decisions of reviewers → `gold.decisions.jsonl`, and with them `annotations.jsonl` (`source`) → `gold.jsonl` again,
    by the rules it was made by before unless others are given. `UsageError` when it was not made before."""
    from annotate import review

    summary = goldfiles.summary(output)
    rules = rules or summary.get("rules", ())
    if not rules:
        raise UsageError(f"{output} was not adjudicated before", hint=f"annotate adjudicate {source} -o {output}")
    decisions_file = goldfiles.beside(output, "decisions.jsonl")
    with Rejects(rejects or rejects_beside(decisions_file, "review")) as rejected:
        before = list(goldfiles.read_decisions(decisions_file, rejected))
        decisions = review.merged(before, review.pull(client, schema, title, rejected))
        write_records(decisions_file, decisions)
    counts = dict(rejected.counts)
    return ReviewPull(
        decisions=sum(decision.status == "submitted" for decision in decisions),
        new=sum(decision.status == "submitted" and decision not in before for decision in decisions),
        skipped=sum(decision.status == "skipped" for decision in decisions),
        drafts=counts.pop("draft", 0),
        rejected=counts,
        decisions_file=str(decisions_file),
        gold=adjudicate(source, output, rules=rules, schema=schema, names=summary.get("names", False)),
    )


# -- other tools' files → annotations or gold ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What `import_` brought; `spans_in` is `spans_out` and all `rejected_spans`."""

    records: int
    spans_in: int
    spans_out: int
    rejected_spans: Mapping[str, int]
    rejected: Mapping[str, int]
    splits: int
    """Documents whose split the files carried."""
    splits_file: str


def import_(
    inputs: Sequence[str | Path],
    output: str | Path,
    *,
    format: str,
    settings: importers.Settings,
    kind: importers.Kind,
    rejects: Path | None = None,
) -> ImportReport:
    """Files of another tool, or of an export, → `gold.jsonl` or `annotations.jsonl`. Splits that the files carry are kept in
    `gold.splits.jsonl` beside it; `DataFindings` when they contradict what stands there."""
    found, splits_file = importers.Imported(), goldfiles.beside(output, "splits.jsonl")
    with Rejects(rejects or rejects_beside(output, "import")) as rejected:
        records = importers.import_files(inputs, format, settings, rejected, kind=kind, report=found)
        first = next(records, None)
        _require_something(inputs[0], found.records, rejected)
        write_records(output, () if first is None else chain([first], records))
    if found.splits and kind == "gold":
        dataset.keep_splits(splits_file, found.splits)
    if found.spans_in != found.spans_out + found.rejected_spans.total():
        raise AnnotateError(
            f"import: {found.spans_in} spans went in, {found.spans_out} came out, {found.rejected_spans} were rejected"
        )
    return ImportReport(
        records=found.records,
        spans_in=found.spans_in,
        spans_out=found.spans_out,
        rejected_spans=dict(found.rejected_spans),
        rejected=dict(rejected.counts),
        splits=len(found.splits),
        splits_file=str(splits_file),
    )


# -- gold → dataset ----------------------------------------------------------------------------------------------------


def export(
    source: str | Path,
    output: Path,
    *,
    schema: LabelSchema,
    schema_file: Path,
    annotations: Path | None = None,
    segments: Path | None = None,
    names: bool = False,
    rejects: Path | None = None,
    **options: Any,
) -> ExportReport:
    """`gold.jsonl` → the folder `output`. Splits are kept in `gold.splits.jsonl` beside the gold records, so that a document
    never moves. `annotations`, where they are needed, default to `annotations.jsonl` beside them; `segments` are the
    corpus to compare with. `options` are those of `dataset.export`."""
    unread: list[Reject] = []

    with Rejects(rejects) as rejected, goldfiles.readable_twice(source) as file:

        def not_read(item: Reject) -> None:
            rejected(item)
            unread.append(goldfiles.without_content(item))

        summary_file = goldfiles.beside(source, "summary.json")
        wanted = not FROM_ANNOTATIONS.isdisjoint(options.get("formats", ())) or options.get("since") or options.get("until")
        answered = annotations or (Path(source).with_name("annotations.jsonl") if wanted and str(source) != STDIO else None)
        read = {"gold": file, "schema": schema_file, "annotations": answered, "segments": segments, "summary": summary_file}
        said = None
        if answered is not None and (annotations is not None or answered.is_file()):
            said = dataset.Answers(goldfiles.answers(answered, not_read, rejected), names, answered.name)
        report = dataset.export(
            goldfiles.gold_records(file, source, rejected, unread=not_read),
            output,
            schema=schema,
            schema_bytes=schema_file.read_bytes(),
            frozen=goldfiles.beside(source, "splits.jsonl"),
            summary=goldfiles.summary(source),
            answers=said,
            segments=None if segments is None else read_records(segments, Segment, not_read, step="export"),
            source=Path(source).name,
            unread=unread,
            inputs={name: file_sha256(path) for name, path in read.items() if path is not None and path.is_file()},
            rejects=rejected,
            **options,
        )
    taken_down = rejected.counts["purged"]  # the dataset does not name them
    exit_code = report.exit_code or (PARTIAL if rejected.total else OK)
    return replace(report, rejected=rejected.total, taken_down=taken_down, exit_code=exit_code)


def alignment(name: str) -> Align:
    """The way to treat spans off token boundaries that has this name; `UnknownName` when there is none."""
    for known in ALIGNMENTS:
        if known == name:
            return known
    raise UnknownName("alignment", name, ALIGNMENTS)


def stream_jsonl(
    source: str | Path,
    *,
    schema: LabelSchema,
    splits: str = "80/10/10",
    seed: int = 0,
    languages: Collection[str] = (),
    regions: Collection[str] = (),
    tokens: bool = False,
    rejects: Path | None = None,
) -> tuple[int, Mapping[str, int]]:
    """The JSONL of an export on standard output; the number of records, and the rejects by code."""
    with Rejects(rejects or rejects_beside(STDIO, "export")) as rejected:
        rows = dataset.stream(
            goldfiles.gold_records(source, source, rejected),
            schema=schema,
            splits=splits,
            seed=seed,
            frozen=goldfiles.beside(source, "splits.jsonl"),
            languages=languages,
            regions=regions,
            tokens=tokens,
            source=Path(source).name,
            rejects=rejected,
        )
        return write_records(STDIO, rows), dict(rejected.counts)
