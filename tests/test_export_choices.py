"""Which records an export takes: filters, schema versions, the corpus; and what annotators said, row by row."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from annotate import lint, workflow
from annotate.cli import main
from annotate.codec import dumps, loads
from annotate.dataset import Answers, ExportReport, SplitRow, export, read_splits, stream
from annotate.errors import AnnotateError, UsageError
from annotate.exporters import EXPORTERS, docbin
from annotate.importers import Settings, import_files
from annotate.model import Annotation, GoldRecord, Reject, SchemaRef, Segment, Source, Span, TaskRef
from annotate.purged import Purge, write_log
from annotate.schema import load
from annotate.store import write_records
from tests.test_dataset import GOLD, SCHEMA, YAML, contents, gold, manifest, rejected, run

OLD = SchemaRef("t", "1.0.0", "0" * 64)


def older(record: GoldRecord) -> GoldRecord:
    return replace(record, meta=replace(record.meta, schema=str(OLD), schema_sha256=OLD.sha256))


def annotation(record: GoldRecord, annotator: str, day: str, **fields: Any) -> Annotation:
    meta = record.meta
    place = Source(meta.start, meta.end)
    segment = Segment(
        record.id, meta.doc_id, meta.start, meta.end, record.text, meta.lang, 1.0, "Zyyy", meta.region, 1.0, place
    )
    topics = {group.id: tuple(x.id for x in group.labels if record.cats.get(x.id)) for group in SCHEMA.topics}
    unanswered = tuple(group for group, labels in topics.items() if not labels)
    values: dict[str, Any] = {"status": "submitted", "spans": record.spans, "topics": topics, "unanswered": unanswered}
    rest = {"created_at": "", "updated_at": f"{day}T10:00:00Z", "lead_time": 2.0, "from_prediction": "", "ground_truth": False}
    stamps = {"schema": SCHEMA.ref, "task": TaskRef(1, 2)}
    return Annotation(segment=segment, annotator=annotator, **values | rest | stamps | fields)


ANSWERS = [
    *(annotation(record, "aino@example.org", f"2026-01-0{day}") for day, record in enumerate(GOLD, 1)),
    annotation(GOLD[1], "ben@example.org", "2026-02-01", spans=()),
    annotation(GOLD[2], "ben@example.org", "2026-02-02", status="skipped", spans=(), topics={}, unanswered=()),
    annotation(gold("s9", "A conflict", doc="d9"), "ben@example.org", "2026-02-03"),
]
SAID = Answers(lambda: ANSWERS)


def rows(folder: Path, pattern: str) -> list[dict[str, Any]]:
    return [json.loads(line) for path in sorted(folder.glob(pattern)) for line in path.read_bytes().splitlines()]


def ids(folder: Path) -> list[str]:
    return sorted(row["id"] for row in rows(folder, "jsonl/*.jsonl"))


def changed(**meta: Any) -> list[GoldRecord]:
    return [replace(GOLD[0], meta=replace(GOLD[0].meta, **meta)), *GOLD[1:]]


# -- filters -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("records", "options", "kept", "missed"),
    [
        (changed(annotators=("A1", "A2")), {"annotators": ["A2"]}, ["s3"], {"annotator": 4}),
        (changed(decided_by="majority"), {"decisions": ["majority", "unanimous"]}, ["s3"], {"decision": 4}),
        (changed(schema="t@1.9.0"), {"schema_versions": ["1.9.0"]}, ["s3"], {"schema_version": 4}),
        (GOLD, {"since": "2026-02-01"}, ["s1", "s2"], {"date": 3}),
        (GOLD, {"until": "2026-01-04"}, ["s3", "s4"], {"date": 3}),
        (GOLD, {"since": "2026-01-04T10:00", "until": "2026-01-31"}, ["s4", "s5"], {"date": 3}),
        (GOLD, {"languages": ["en"], "regions": ["body"]}, ["s1", "s3"], {"language": 2, "region": 1}),
    ],
)
def test_filters_count_what_they_pass_over(
    tmp_path: Path, records: Sequence[GoldRecord], options: dict[str, Any], kept: list[str], missed: dict[str, int]
) -> None:
    report = run(tmp_path / "out", records, answers=SAID, **options)
    assert ids(tmp_path / "out") == kept
    assert report.not_selected == missed == manifest(tmp_path / "out")["not_selected"]
    assert (report.rejected, report.exit_code) == (0, 0)


def test_dates_need_annotations_and_must_be_dates(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="dates are those of annotations"):
        run(tmp_path / "out", since="2026-01-01")
    with pytest.raises(UsageError, match="no date"):
        run(tmp_path / "out", since="yesterday", answers=SAID)


# -- schema versions ---------------------------------------------------------------------------------------------------


def test_records_of_an_older_schema_are_refused_unless_accepted(tmp_path: Path) -> None:
    asked_less = replace(gold("old", "Turku", ("Turku", "LOC"), cats={"sport": 1.0}))
    records = [*GOLD, older(asked_less)]
    report = run(tmp_path / "out", records)
    (item,) = rejected(tmp_path / "out")
    assert (item.code, item.id, report.exit_code, report.rejected_spans) == (
        "schema_mismatch",
        "old",
        5,
        {"schema_mismatch": 1},
    )
    assert "never asked for culture" in item.reason
    assert "--accept-schema 1.0.0" in item.hint
    assert report.spans_in == report.spans_out + 1
    assert run(tmp_path / "out", records, accept_schemas=["0.9.0"]).rejected == 1
    report = run(tmp_path / "out", records, accept_schemas=["1.0.0"])
    assert (report.rejected, report.records) == (0, 6)
    assert manifest(tmp_path / "out")["other_schemas"] == {"t@1.0.0": 1}
    assert "not all asked for there: 1 under t@1.0.0" in (tmp_path / "out/README.md").read_text("utf-8")
    (row,) = (row for row in rows(tmp_path / "out", "jsonl/*.jsonl") if row["id"] == "old")
    assert row["cats"] == {"sport": 1.0}  # what was not asked is open, not 0


def test_a_schema_of_another_name_is_never_accepted(tmp_path: Path) -> None:
    record = replace(GOLD[0], meta=replace(GOLD[0].meta, schema="u@1.0.0", schema_sha256="1"))
    with pytest.raises(AnnotateError, match="nothing to export"):
        run(tmp_path / "out", [record], accept_schemas=["1.0.0"])


# -- the corpus --------------------------------------------------------------------------------------------------------


def test_records_are_compared_with_the_corpus(tmp_path: Path) -> None:
    corpus = [item.segment for item in ANSWERS[:5]]
    nfc = "University of Turku é 👩‍👩‍👧"
    corpus[1] = replace(corpus[1], text=nfc, end=corpus[1].start + len(nfc))
    corpus[2] = replace(corpus[2], text=corpus[2].text + "\n\n", end=corpus[2].end + 2)
    corpus[4] = replace(corpus[4], id="renamed")
    report = run(tmp_path / "out", segments=corpus)
    assert ids(tmp_path / "out") == ["s2", "s3", "s4"]
    assert {item.id: item.code for item in rejected(tmp_path / "out")} == {"s1": "other_text", "s5": "no_segment"}
    assert "another normal form" in rejected(tmp_path / "out")[0].reason
    assert report.rejected_spans == {"no_segment": 0, "other_text": 2}


# -- raw ---------------------------------------------------------------------------------------------------------------


def exported(out: Path, **options: Any) -> ExportReport:
    return run(out, formats=["jsonl", "raw"], answers=replace(SAID, **options))


def test_a_row_for_every_annotator_and_segment(tmp_path: Path) -> None:
    report = exported(tmp_path / "out")
    found = rows(tmp_path / "out", "raw/*.jsonl")
    assert len(found) == len(ANSWERS)
    assert {(row["id"], row["_annotator_id"]) for row in found} == {
        (a.segment.id, {"aino@example.org": "A1", "ben@example.org": "A2"}[a.annotator]) for a in ANSWERS
    }
    assert "example.org" not in "".join(map(str, contents(tmp_path / "out").values()))
    spans = sum(len(a.spans) for a in ANSWERS)
    assert report.formats["raw"]["spans_in"] == report.formats["raw"]["spans_out"] == spans
    assert report.spans_out == 4  # of the gold records
    skip = next(row for row in found if row["answer"] == "ignore")
    assert (skip["id"], skip["cats"], skip["spans"]) == ("s2", {}, [])
    split = {row["meta"]["doc_id"]: row["meta"]["split"] for row in rows(tmp_path / "out", "jsonl/*.jsonl")}
    assert all(split.get(row["meta"]["doc_id"], row["meta"]["split"]) == row["meta"]["split"] for row in found)


def test_names_only_when_asked(tmp_path: Path) -> None:
    exported(tmp_path / "out", names=True)
    assert manifest(tmp_path / "out")["formats"]["raw"]["annotators"] == ["aino@example.org", "ben@example.org"]


def test_raw_needs_annotations_and_rejects_what_it_cannot_take(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="format raw is made of annotations"):
        run(tmp_path / "out", formats=["raw"])
    bad = [
        replace(ANSWERS[0], schema=OLD),
        replace(ANSWERS[1], spans=(*ANSWERS[1].spans[:1], Span(14, 19, "SHIP", "Turku"))),
    ]
    report = run(tmp_path / "out", formats=["raw"], answers=Answers(lambda: bad))
    assert [item.code for item in rejected(tmp_path / "out")] == ["schema_mismatch", "unknown_label"]
    assert report.formats["raw"]["spans_out"] == 1


def test_raw_comes_back_as_annotations(tmp_path: Path) -> None:
    exported(tmp_path / "out")
    seen: list[Reject] = []
    files = sorted((tmp_path / "out/raw").glob("*.jsonl"))
    found = [
        item
        for item in import_files(files, "prodigy", Settings(SCHEMA), seen.append, kind="annotations")
        if isinstance(item, Annotation)
    ]
    assert not seen
    back = {(a.segment.id, a.annotator): (a.status, a.spans, a.updated_at, a.segment.text) for a in found}
    assert back == {
        (a.segment.id, "A1" if a.annotator < "b" else "A2"): (a.status, a.spans, a.updated_at, a.segment.text) for a in ANSWERS
    }


# -- documents that bridge splits --------------------------------------------------------------------------------------

PAGE = " ".join(f"sana{i}" for i in range(80))
TEASER = "A long line below two pages that have nothing else in common 👩‍👩‍👧"
PLACED = [gold("a", PAGE, ("sana1", "LOC")), gold("zt", TEASER, doc="z", start=90), gold("z", "Another page", doc="z")]
BRIDGING = [
    gold("c", f"{PAGE} more", ("sana2", "LOC"), ("sana2 sana3", "ORG"), doc="c"),
    gold("ct", TEASER, doc="c", start=999),
]
UNDECIDED = [gold("h", PAGE.upper(), ("SANA4", "LOC"), doc="h"), gold("ht", TEASER, doc="h", start=999)]
"""As close to both, but without gold records: only annotators spoke of it."""


def frozen_apart(folder: Path) -> Path:
    write_records(folder / "splits.jsonl", [SplitRow("a", "a", "test"), SplitRow("z", "z", "train")])
    return folder / "splits.jsonl"


def test_what_bridges_splits_is_in_no_format_and_every_span_of_it_is_counted(tmp_path: Path) -> None:
    answers = [annotation(r, "aino@example.org", "2026-01-01") for r in (*PLACED, *BRIDGING, *UNDECIDED)]
    answers.append(annotation(BRIDGING[0], "ben@example.org", "2026-01-02", spans=BRIDGING[0].spans[:1]))
    seen: list[Reject] = []
    out, frozen = tmp_path / "out", frozen_apart(tmp_path)
    accepted = [*PLACED, older(BRIDGING[0]), BRIDGING[1]]
    options: dict[str, Any] = {"accept_schemas": ["1.0.0"], "frozen": frozen, "rejects": seen.append}
    report = run(out, accepted, formats=["jsonl", "raw"], answers=Answers(lambda: answers), **options)

    assert {row["meta"]["doc_id"] for row in rows(out, "*/*.jsonl") if "meta" in row} == {"a", "z"}
    assert (report.exit_code, report.records, report.rejected) == (5, 3, len(rejected(out)))
    assert (report.spans_in, report.spans_out, report.rejected_spans) == (3, 1, {"bridges_splits": 2})
    raw = report.formats["raw"]
    assert (raw["spans_in"], raw["spans_out"], raw["rejected"]) == (1, 1, 0)
    assert seen == rejected(out)
    of_gold, of_answers = ([r for r in seen if r.source == source] for source in ("gold.jsonl", "annotations.jsonl"))
    assert [r.id for r in of_gold] == ["c", "ct"]
    assert sorted((r.id, r.reason[:3]) for r in of_answers) == [
        ("c", "A1:"),
        ("c", "A2:"),
        ("ct", "A1:"),
        ("h", "A1:"),
        ("ht", "A1:"),
    ]
    assert {r.code for r in seen} == {"bridges_splits"}
    assert "example.org" not in (out / "rejects.jsonl").read_text("utf-8")
    assert manifest(out)["rejected"] == {"bridges_splits": 7}
    assert manifest(out)["other_schemas"] == {}  # the one that was accepted is not there
    assert {row.doc_id for row in read_splits(frozen)} == {"a", "z"}


def test_a_stream_leaves_them_out_too(tmp_path: Path) -> None:
    seen: list[Reject] = []
    found = stream([*PLACED, *BRIDGING], schema=SCHEMA, frozen=frozen_apart(tmp_path), rejects=seen.append)
    assert [row.id for row in found if isinstance(row, GoldRecord)] == ["a", "z", "zt"]
    assert [(r.id, r.code) for r in seen] == [("c", "bridges_splits"), ("ct", "bridges_splits")]


def test_nothing_but_bridges_is_no_dataset(tmp_path: Path) -> None:
    chosen = [replace(r, meta=replace(r.meta, lang="fi")) for r in BRIDGING]
    with pytest.raises(AnnotateError, match="every document bridges splits"):
        run(tmp_path / "out", [*PLACED, *chosen], frozen=frozen_apart(tmp_path), languages=["fi"])
    assert not (tmp_path / "out").exists()


def test_documents_without_gold_go_where_their_likes_are_and_move_nobody(tmp_path: Path) -> None:
    copy = annotation(gold("copy", PAGE, ("sana1", "LOC"), doc="0"), "ben@example.org", "2026-01-01")
    said = Answers(lambda: [copy, *ANSWERS])
    records = [*GOLD, *PLACED]
    run(tmp_path / "one", records, formats=["jsonl"], splits="34/33/33")
    run(tmp_path / "two", records, formats=["jsonl", "raw"], splits="34/33/33", answers=said)
    assert rows(tmp_path / "one", "jsonl/*.jsonl") == rows(tmp_path / "two", "jsonl/*.jsonl")
    (split,) = {row["meta"]["split"] for row in rows(tmp_path / "two", "jsonl/*.jsonl") if row["id"] == "a"}
    assert [row["meta"]["split"] for row in rows(tmp_path / "two", "raw/*.jsonl") if row["id"] == "copy"] == [split]


# -- reproducible ------------------------------------------------------------------------------------------------------


def workspace(folder: Path, records: Sequence[object], **options: Any) -> dict[str, bytes]:
    folder.mkdir(parents=True)
    write_records(folder / "gold.jsonl", records)
    write_records(folder / "annotations.jsonl", ANSWERS)
    (folder / "t.yaml").write_text(YAML)
    for _ in range(2):  # the second finds the splits frozen
        workflow.export(
            folder / "gold.jsonl",
            folder / "out",
            schema=load(folder / "t.yaml"),
            schema_file=folder / "t.yaml",
            formats=list(EXPORTERS),
            spacy_config=True,
            **options,
        )
    return contents(folder / "out")


@pytest.mark.parametrize("tokens", [False, True])
@pytest.mark.parametrize("shard", [1, 10_000])
def test_equal_bytes_anywhere_and_every_input_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shard: int, tokens: bool
) -> None:
    monkeypatch.setattr(docbin, "SHARD", shard)
    one = workspace(tmp_path / "one", GOLD, tokens=tokens)
    assert {name.split("/")[0] for name in one if "/" in name} == {*EXPORTERS, "plots"}
    assert any(name.endswith("-00002.spacy") for name in one) == (shard == 1)
    monkeypatch.chdir(tmp_path)
    assert workspace(Path("deep/er/two"), GOLD, tokens=tokens) == one
    assert workspace(Path("deep/er/three"), GOLD[::-1], tokens=tokens)["manifest.json"] != one["manifest.json"]  # another input
    inputs = json.loads(one["manifest.json"])["inputs"]
    assert set(inputs) == {"annotations", "gold", "schema", "splits"}
    assert {finding.code for finding in lint.check(tmp_path / "one/out").findings} == {"no_licence"}


def test_a_line_that_is_no_record_is_told_of_in_the_dataset(tmp_path: Path) -> None:
    past = json.loads(dumps(GOLD[1]))
    past["spans"][0]["end"] += 500
    one, two = (workspace(tmp_path / name, [GOLD[0], past, *GOLD[2:]]) for name in ("one", "two"))
    assert one == two
    item = next(loads(line, Reject) for line in one["rejects.jsonl"].splitlines())
    assert (item.code, item.source, item.line) == ("unreadable", "gold.jsonl", 2)
    assert (item.reason, item.record) == ("line 2 is no record", "")
    assert json.loads(one["manifest.json"])["rejected"]["unreadable"] == 1
    assert lint.check(tmp_path / "one/out").errors == 0
    write_records(tmp_path / "bad.jsonl", [past])
    options: dict[str, Any] = {"schema": SCHEMA, "schema_file": tmp_path / "one/t.yaml", "rejects": tmp_path / "all.jsonl"}
    with pytest.raises(AnnotateError, match=r"nothing to export: 0 records not selected, 1 rejected \(1 unreadable\)"):
        workflow.export(tmp_path / "bad.jsonl", tmp_path / "x", **options)
    whole = loads((tmp_path / "all.jsonl").read_bytes(), Reject)
    assert "does not lie in a text of" in whole.reason
    assert whole.record == dumps(past).decode()


def test_what_was_taken_down_is_in_no_format_of_annotations(tmp_path: Path) -> None:
    """Neither is a document that only annotators spoke of: it gets no split."""
    write_log(tmp_path, Purge("d9", "2026-11-22T00:00:00Z", "ana", "asked for", done=True, counts={}))
    files = workspace(tmp_path / "one", GOLD, since="2026-01-01")
    assert not [name for name, content in files.items() if b"A conflict" in content or b'"d9"' in content]
    assert any(b"Third in d1" in files[name] for name in files if name.startswith("raw/"))
    assert {row.doc_id for row in read_splits(tmp_path / "one/gold.splits.jsonl")} == {"d1", "d2", "d3"}


def test_a_line_that_is_no_record_may_be_of_a_document_taken_down_and_is_not_published(tmp_path: Path) -> None:
    """Neither what it holds nor the reason, which quotes the text."""
    secret = gold("s9", "Oulu and Xanadu", ("Oulu", "LOC"), doc="gone.txt")
    moved = json.loads(dumps(secret))
    moved["spans"][0] |= {"start": 9, "end": 15}
    write_log(tmp_path, Purge("gone.txt", "2026-11-22T00:00:00Z", "ana", "asked for", done=True, counts={}))
    files = workspace(tmp_path / "one", [*GOLD, moved], rejects=tmp_path / "all.jsonl")
    assert json.loads(files["manifest.json"])["rejected"]["unreadable"] == 1
    assert not [name for name, content in files.items() if b"Xanadu" in content or b"gone.txt" in content]
    (whole,) = (item for line in (tmp_path / "all.jsonl").read_bytes().splitlines() if (item := loads(line, Reject)).line == 6)
    assert "Xanadu" in whole.reason
    assert "gone.txt" in whole.record


def test_changing_one_label_changes_only_what_it_must(tmp_path: Path) -> None:
    span = replace(GOLD[2].spans[0], label="LOC")
    records = [*GOLD[:2], replace(GOLD[2], spans=(span,)), *GOLD[3:]]
    before, after = workspace(tmp_path / "one", GOLD), workspace(tmp_path / "two", records)
    assert set(before) == set(after)
    (place,) = (row["meta"]["split"] for row in rows(tmp_path / "one/out", "jsonl/*.jsonl") if row["id"] == "s2")
    touched = {name for name in before if before[name] != after[name]}
    formats = {f"{kind}/{place}.jsonl" for kind in ("jsonl", "doccano", "hf", "webanno")}
    formats |= {f"spacy/ko/{place}.spacy", f"spacy-json/ko/{place}.jsonl", f"iob2/ko/{place}.conll"}
    formats |= {name for name in before if name.startswith("spacy/mul/") and "/ko-" in name}
    assert touched == formats | {"README.md", "manifest.json", "plots/labels.svg"}
    for name in formats - {name for name in formats if name.endswith(".spacy")}:  # and in these, one record
        lines = zip(before[name].splitlines(), after[name].splitlines(), strict=True)
        assert sum(one != two for one, two in lines) == ((name.endswith(".conll") and 5) or 1), name
    one, two = (json.loads(found["manifest.json"]) for found in (before, after))
    assert {key for key in one if one[key] != two[key]} == {"counts", "files", "formats", "inputs"}
    assert {key for key in one["inputs"] if one["inputs"][key] != two["inputs"][key]} == {"gold"}


def test_an_empty_gold_file_is_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(AnnotateError, match="nothing to export"):
        export([], tmp_path / "out", schema=SCHEMA, schema_bytes=YAML.encode())


# -- where rejects can be read -----------------------------------------------------------------------------------------


def test_export_says_where_rejects_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.yaml").write_text(YAML, encoding="utf-8")
    write_records("gold.jsonl", [*GOLD, gold("s9", "Nobody's label.", ("Nobody", "NOPE"), doc="d9")])
    with Path("gold.jsonl").open("a") as file:
        file.write("no record\n")

    def said(*flags: str) -> str:
        capsys.readouterr()
        main(["export", "gold.jsonl", "out", "--schema", "t.yaml", "--format", "jsonl", *flags])
        return next(line for line in capsys.readouterr().err.splitlines() if "rejected: see" in line)

    assert said() == "2 rejected: see out/rejects.jsonl"
    write_log(tmp_path, Purge(GOLD[0].meta.doc_id, "2026-11-22T00:00:00Z", "ana", "asked for", done=True, counts={}))
    assert said() == "4 rejected: see out/rejects.jsonl; 2 taken down: --rejects FILE writes them down"
    assert said("--rejects", "all.jsonl") == "4 rejected: see all.jsonl"
    assert len(Path("all.jsonl").read_bytes().splitlines()) == 4


def test_every_reject_is_counted_once_and_named_for_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """However often a file is read: annotations three times here."""
    monkeypatch.chdir(tmp_path)
    Path("t.yaml").write_text(YAML, encoding="utf-8")
    corpus = [annotation(record, "aino", "2026-01-01").segment for record in GOLD]
    write_records("gold.jsonl", [*GOLD, gold("s8", "Gone text", doc="gone.txt")])
    write_records("annotations.jsonl", ANSWERS)
    write_records("segments.jsonl", corpus)
    for file in ("gold.jsonl", "annotations.jsonl", "segments.jsonl"):
        with Path(file).open("a") as out:
            out.write("no record\n")
    write_log(tmp_path, Purge("gone.txt", "2026-11-22T00:00:00Z", "ana", "asked for", done=True, counts={}))
    command = ["export", "gold.jsonl", "out", "--schema", "t.yaml", "--format", "raw", "--since", "2020-01-01"]
    command += ["--segments", "segments.jsonl"]

    main(command)
    said = capsys.readouterr().err.splitlines()
    assert "4 rejected: see out/rejects.jsonl; 1 taken down: --rejects FILE writes them down" in said
    assert sorted(item.source for item in rejected(Path("out"))) == ["annotations.jsonl", "gold.jsonl", "segments.jsonl"]
    assert manifest(Path("out"))["rejected"] == {"unreadable": 3}

    main([*command, "--rejects", "all.jsonl", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert (report["rejected"], report["taken_down"]) == (4, 1)
    listed = sorted((row["source"], row["code"]) for row in map(json.loads, Path("all.jsonl").read_bytes().splitlines()))
    assert listed == [
        ("annotations.jsonl", "unreadable"),
        ("gold.jsonl", "purged"),
        ("gold.jsonl", "unreadable"),
        ("segments.jsonl", "unreadable"),
    ]
