"""Splits, selection, accounting, and the folder an export leaves."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from annotate import dataset, workflow
from annotate.agreement import Group, agree
from annotate.codec import dumps, loads
from annotate.dataset import ExportReport, SplitRow, assign, export, leaks, parse_splits, read_splits, stream
from annotate.dataset.pages import Link
from annotate.dataset.splits import split_of
from annotate.errors import AnnotateError, DataFindings, ReadError, UnknownName, UsageError
from annotate.exporters import Exported, Options
from annotate.model import Annotation, GoldMeta, GoldRecord, Reject, Segment, Source, Span, TaskRef
from annotate.registry import Registry
from annotate.schema import load, parse
from annotate.store import write_records

YAML = """schema: t
version: 1.2.0
guidelines: {en: "Mark | names."}
entities: {overlap: nested, labels: [ORG, LOC]}
topics:
- {id: theme, choice: multi, labels: [sport, culture]}
- {id: tone, choice: single, labels: [calm, loud]}
"""
SCHEMA = parse(YAML, "t.yaml")
CATS = {"sport": 0.0, "culture": 1.0, "calm": 0.0, "loud": 1.0}


def gold(
    id: str,
    text: str,
    *parts: tuple[str, str],
    doc: str = "",
    start: int = 0,
    lang: str = "en",
    region: str = "body",
    cats: Mapping[str, float] = CATS,
) -> GoldRecord:
    spans = tuple(sorted(Span(text.index(p), text.index(p) + len(p), label, p) for p, label in parts))
    meta = GoldMeta(
        doc or id, id, lang, region, start, start + len(text), "", "", "t@1.2.0", SCHEMA.sha256, "single", 1, ("A1",), -1.0
    )
    return GoldRecord(id, text, spans, cats, tuple(label for label in cats if cats[label]), "accept", meta)


GOLD = [
    gold("s3", "Third in d1", doc="d1", start=50),
    gold("s1", "University of Turku e\u0301 👩‍👩‍👧", ("University of Turku", "ORG"), ("Turku", "LOC"), doc="d1"),
    gold("s2", "부산대학교에서", ("부산대학교", "ORG"), lang="ko", doc="d2"),
    gold("s4", "أعلنت بلدية طنجة", ("طنجة", "LOC"), lang="ar", doc="d3", cats={"calm": 1.0, "loud": 0.0}),
    gold("s5", "We use <b>&amp;</b> cookies", region="cookie_notice", doc="d3", start=90, cats=dict.fromkeys(CATS, 0.0)),
]


def run(out: Path, records: Sequence[GoldRecord] = GOLD, **options: Any) -> ExportReport:
    return export(records, out, schema=SCHEMA, schema_bytes=YAML.encode(), **options)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def manifest(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_bytes())
    return found


def head(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((folder / "README.md").read_text("utf-8").split("---\n")[1])
    return found


def rejected(folder: Path) -> list[Reject]:
    return [loads(line, Reject) for line in (folder / "rejects.jsonl").read_bytes().splitlines()]


# ── splits ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_parse_splits() -> None:
    assert parse_splits("80/10/10") == (80, 10, 10)
    assert parse_splits("100/0/0") == (100, 0, 0)


@pytest.mark.parametrize("text", ["", "80", "90/10", "80/10/10/0", "80/10/x", "-10/100/10", "80 / 10 / 10", "33.3/33.3/33.4"])
def test_splits_must_be_three_numbers(text: str) -> None:
    with pytest.raises(UsageError, match="not three whole numbers") as caught:
        parse_splits(text)
    assert "80/10/10" in caught.value.hint


def test_splits_must_add_up() -> None:
    with pytest.raises(UsageError, match="add up to 110"):
        parse_splits("90/10/10")


def test_the_hash_is_what_it_was() -> None:
    """Positions are data: another hash would move every corpus."""
    found = [split_of(f"doc-{i}", (50, 25, 25)) for i in range(8)]
    assert found == ["train", "train", "train", "train", "test", "train", "dev", "dev"]
    assert split_of("문서", (50, 25, 25), seed=7) == "train"


def test_a_position_on_the_line_decides() -> None:
    for i in range(2000):
        digest = hashlib.blake2b(f"0\0{i}".encode(), digest_size=8).hexdigest()
        position = Fraction(int(digest, 16), 2**64)
        expected = "train" if position < Fraction(1, 2) else "dev" if position < Fraction(3, 4) else "test"
        assert split_of(str(i), (50, 25, 25)) == expected


def test_ratios_are_met_on_many_documents() -> None:
    rows = assign((f"doc-{i}" for i in range(5000)), (80, 10, 10)).rows
    shares = {split: sum(row.split == split for row in rows) / 5000 for split in ("train", "dev", "test")}
    assert shares["train"] == pytest.approx(0.8, abs=0.02)
    assert shares["dev"] == pytest.approx(0.1, abs=0.015)


def test_another_seed_gives_other_splits() -> None:
    docs = [f"doc-{i}" for i in range(50)]
    assert assign(docs, (50, 25, 25)) != assign(docs, (50, 25, 25), seed=1)


names = st.sets(st.text(alphabet="abcé한/.", min_size=1, max_size=4), max_size=12)


@given(names, names)
def test_more_documents_move_none(early: set[str], late: set[str]) -> None:
    before = assign(early, (60, 20, 20)).rows
    fresh = assign(early | late, (60, 20, 20)).rows
    frozen = assign(early | late, (10, 10, 80), seed=3, frozen=before).rows
    assert set(before) <= set(fresh)
    assert frozen[: len(before)] == before
    assert {row.doc_id for row in frozen} == early | late


def test_a_cluster_stays_together_and_joins_its_frozen_split() -> None:
    copies = [f"copy-{i}" for i in range(20)]
    links = [Link("copy-0", other, "page", "") for other in copies[1:]]
    rows = assign(copies, (34, 33, 33), links=links).rows
    assert {(row.cluster, row.split) for row in rows} == {("copy-0", rows[0].split)}
    for split in ("train", "dev", "test"):
        frozen = (SplitRow("old", "original", split),)
        joined = assign(copies, (34, 33, 33), frozen=frozen, links=[*links, Link("copy-7", "old", "near", "0.9")]).rows
        assert {(row.cluster, row.split) for row in joined} == {("original", split)}
        assert assign(["original"], (34, 33, 33), frozen=frozen).rows[1] == SplitRow("original", "original", split)


def test_leaks() -> None:
    rows = [SplitRow("a", "x", "train"), SplitRow("b", "x", "test"), SplitRow("c", "c", "dev"), SplitRow("c", "c", "train")]
    assert leaks(rows) == [
        "cluster 'x' is in test and train",
        "document 'c' is in dev and train",
        "cluster 'c' is in dev and train",
    ]
    assert not leaks(rows[:1])


def test_frozen_splits_are_read_strictly(tmp_path: Path) -> None:
    path = tmp_path / "gold.splits.jsonl"
    assert read_splits(path) == ()
    path.write_text('{"doc_id":"a","cluster":"a","split":"train"}\n{"doc_id":"b","cluster":"b","split":"validation"}\n')
    with pytest.raises(ReadError, match=r"gold\.splits\.jsonl:2: "):
        read_splits(path)
    path.write_text('{"doc_id":"a","cluster":"a","split":"train"}\n{"doc_id":"a","cluster":"a","split":"dev"}\n')
    with pytest.raises(DataFindings) as caught:
        read_splits(path)
    assert caught.value.exit_code == 3
    assert "document 'a' is in dev and train" in caught.value.findings


def test_an_export_freezes_its_splits(tmp_path: Path) -> None:
    frozen = tmp_path / "gold.splits.jsonl"
    write_records(frozen, [SplitRow("d2", "d2", "test"), SplitRow("gone", "gone", "dev")])
    run(tmp_path / "out", frozen=frozen, splits="100/0/0")
    rows = read_splits(frozen)
    assert rows[:2] == (SplitRow("d2", "d2", "test"), SplitRow("gone", "gone", "dev"))
    assert {row.doc_id: row.split for row in rows[2:]} == {"d1": "train", "d3": "train"}
    run(tmp_path / "out", [*GOLD, gold("s9", "New", doc="d9")], frozen=frozen, splits="0/100/0")
    assert read_splits(frozen) == (*rows, SplitRow("d9", "d9", "dev"))
    test = (tmp_path / "out/jsonl/test.jsonl").read_bytes().splitlines()
    assert [loads(line, GoldRecord).meta.doc_id for line in test] == ["d2"]


# ── the folder ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_layout_and_report(tmp_path: Path) -> None:
    frozen = tmp_path / "f.jsonl"
    write_records(frozen, [SplitRow("d1", "d1", "train"), SplitRow("d2", "d2", "dev"), SplitRow("d3", "d3", "train")])
    report = run(tmp_path / "out", frozen=frozen)
    assert sorted(contents(tmp_path / "out")) == sorted(report.files)
    assert list(report.files) == [
        "README.md",
        "jsonl/dev.jsonl",
        "jsonl/train.jsonl",
        "manifest.json",
        "plots/labels.svg",
        "schema.yaml",
        "spacy/ar/train.spacy",
        "spacy/en/train.spacy",
        "spacy/ko/dev.spacy",
    ]
    assert (report.records, report.spans_in, report.spans_out, report.rejected, report.adjusted) == (5, 4, 4, 0, 0)
    assert report.exit_code == 0
    assert report.counts["train"]["en"] == {
        "documents": 2,
        "records": 3,
        "empty": 1,
        "labels": {"ORG": 1, "LOC": 1},
        "topics": {"sport": 0, "culture": 2, "calm": 0, "loud": 2},
    }
    rows = [loads(line, GoldRecord) for line in (tmp_path / "out/jsonl/train.jsonl").read_bytes().splitlines()]
    assert [row.id for row in rows] == ["s1", "s3", "s4", "s5"]
    assert {(row.meta.split, row.meta.cluster == row.meta.doc_id) for row in rows} == {("train", True)}
    assert (tmp_path / "out/schema.yaml").read_bytes() == YAML.encode()


def test_only_what_was_given_is_changed_in_a_record(tmp_path: Path) -> None:
    by_id = {record.id: record for record in GOLD}
    run(tmp_path / "out", splits="100/0/0")
    for line in (tmp_path / "out/jsonl/train.jsonl").read_bytes().splitlines():
        row = loads(line, GoldRecord)
        assert replace(row, meta=replace(row.meta, split="", cluster="")) == by_id[row.id]


def test_two_exports_are_equal_wherever_they_are_written(tmp_path: Path) -> None:
    run(tmp_path / "one")
    run(tmp_path / "deep/er/two", GOLD[::-1])
    assert contents(tmp_path / "one") == contents(tmp_path / "deep/er/two")


def test_bytes_do_not_depend_on_the_hash_seed(tmp_path: Path) -> None:
    write_records(tmp_path / "gold.jsonl", GOLD)
    (tmp_path / "t.yaml").write_text(YAML)
    code = (
        "import sys; from pathlib import Path; from annotate.dataset import export; from annotate.schema import load\n"
        "from annotate.model import GoldRecord; from annotate.store import read_records\n"
        "here = Path(sys.argv[1]); schema = here / 't.yaml'\n"
        "gold = read_records(here / 'gold.jsonl', GoldRecord, print, step='export')\n"
        "export(gold, here / sys.argv[2], schema=load(schema), schema_bytes=schema.read_bytes())"
    )
    for seed in ("1", "2"):
        environ = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", code, str(tmp_path), seed], check=True, env=environ)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


def test_the_manifest_knows_every_file_and_no_place_or_time(tmp_path: Path) -> None:
    out = tmp_path / "some-folder"
    run(out, name="corpus", languages=["ko", "en"], licence="cc-by-4.0")
    found = manifest(out)
    files = contents(out)
    assert set(found["files"]) == set(files) - {"manifest.json"}
    assert found["name"] == "corpus"
    assert found["schema"] == {
        "name": "t",
        "version": "1.2.0",
        "sha256": SCHEMA.sha256,
        "file_sha256": found["files"]["schema.yaml"],
    }
    assert found["options"] == {
        "accept_schemas": [],
        "align": "contract",
        "annotators": [],
        "decisions": [],
        "formats": ["jsonl", "spacy"],
        "languages": ["en", "ko"],
        "licence": "cc-by-4.0",
        "names": False,
        "regions": [],
        "schema_versions": [],
        "seed": 0,
        "since": "",
        "spacy_config": False,
        "splits": "80/10/10",
        "tokens": False,
        "until": "",
    }
    assert set(found["tools"]) == {"annotate", "spacy", "zlib"}
    assert found["not_selected"] == {"language": 1}
    raw = files["manifest.json"] + files["README.md"]
    assert str(tmp_path).encode() not in raw
    assert b"some-folder" not in raw


def test_the_card_lists_the_splits_there_are(tmp_path: Path) -> None:
    run(tmp_path / "out", splits="100/0/0")
    found = head(tmp_path / "out")
    (config,) = found["configs"]
    assert config["data_files"] == [{"split": "train", "path": "jsonl/train.jsonl"}]
    assert found["language"] == ["ar", "en", "ko"]
    assert found["task_categories"] == ["token-classification", "text-classification"]
    columns = {column["name"]: column for column in found["dataset_info"]["features"]}
    assert [topic["name"] for topic in columns["cats"]["struct"]] == ["sport", "culture", "calm", "loud"]
    body = (tmp_path / "out/README.md").read_text("utf-8")
    assert "therefore without files: dev, test." in body
    assert "| train | ko | 1 | 1 | 0 | 1 |" in body
    assert "| theme | culture | 3 |" in body
    assert "> Mark | names." in body
    assert "leave a topic group open (its labels are missing there, not 0): 1." in body
    assert "one annotator alone has seen: 5 of 5." in body


def test_a_card_without_jsonl_names_no_data_files(tmp_path: Path) -> None:
    run(tmp_path / "out", formats=["spacy"])
    assert "configs" not in head(tmp_path / "out")
    assert not (tmp_path / "out/jsonl").exists()


def test_a_card_names_what_is_undetermined_and_needs_no_guidelines(tmp_path: Path) -> None:
    text = "schema: t\ntopics: [{id: tone, labels: [loud]}]\n"
    schema = parse(text, "t.yaml")
    record = gold("a", "?!", lang="und", cats={"loud": 1.0})
    meta = replace(record.meta, schema_sha256=schema.sha256, decided_by="unanimous", n_annotators=2)
    export([replace(record, meta=meta)], tmp_path / "out", schema=schema, schema_bytes=text.encode())
    body = (tmp_path / "out/README.md").read_text("utf-8")
    assert "The language of some segments is undetermined" in body
    assert "| all annotators alike | 1 |" in body
    assert "Guidelines" not in body
    assert "one annotator alone" not in body
    assert head(tmp_path / "out")["task_categories"] == ["text-classification"]


def test_without_spacy_files_there_is_no_spacy_version(tmp_path: Path) -> None:
    run(tmp_path / "out", formats=["jsonl", "jsonl"])
    assert set(manifest(tmp_path / "out")["tools"]) == {"annotate"}


def test_texts_in_several_splits_are_a_known_limit(tmp_path: Path) -> None:
    frozen = tmp_path / "f.jsonl"
    write_records(frozen, [SplitRow("a", "a", "train"), SplitRow("b", "b", "test")])
    run(tmp_path / "out", [gold("a", "Accept all\n"), gold("b", "Accept all")], frozen=frozen)
    assert "word for word in more than one split: 1." in (tmp_path / "out/README.md").read_text("utf-8")


def test_near_duplicates_stay_together_and_bridges_are_rejected(tmp_path: Path) -> None:
    page = " ".join(f"word{i}" for i in range(80))
    frozen = tmp_path / "f.jsonl"
    write_records(frozen, [SplitRow("a", "a", "test"), SplitRow("z", "z", "train")])
    records = [gold("a", page), gold("b", f"{page} more"), gold("z", "Quite another page")]
    run(tmp_path / "out", records, frozen=frozen)
    assert read_splits(frozen)[2] == SplitRow("b", "a", "test")
    teaser = "A long text that stands below two quite different pages as well"
    bridging = [gold("c", page, ("word1", "LOC")), gold("ct", teaser, doc="c"), gold("zt", teaser, doc="z")]
    report = run(tmp_path / "out", [*records, *bridging], frozen=frozen)
    assert [(item.id, item.code) for item in rejected(tmp_path / "out")] == [("c", "bridges_splits"), ("ct", "bridges_splits")]
    assert "close to z (train): the text 'a long text" in rejected(tmp_path / "out")[0].reason
    assert (report.exit_code, report.spans_in, report.spans_out, report.records) == (5, 1, 0, 4)
    assert "c" not in {row.doc_id for row in read_splits(frozen)}


def annotation(doc: str, annotator: str, tone: str, *parts: tuple[str, str]) -> Annotation:
    text = "Ada left Turku for Oslo"
    segment = Segment(f"s-{doc}", doc, 0, len(text), text, "en", 1.0, "Latn", "body", 1.0, Source(0, len(text)))
    spans = tuple(sorted(Span(text.index(p), text.index(p) + len(p), label, p) for p, label in parts))
    topics = {"theme": ("culture",), "tone": (tone,)}
    return Annotation(segment, annotator, "submitted", spans, topics, (), "", "", -1.0, "", False, SCHEMA.ref, TaskRef(1, 1))


def test_agreement_is_in_manifest_and_card(tmp_path: Path) -> None:
    turku, oslo, left = ("Turku", "LOC"), ("Oslo", "LOC"), ("left Turku", "LOC")
    report = agree(
        [
            annotation("d1", "ann", "calm", turku, oslo),
            annotation("d1", "bob", "calm", turku, oslo),
            annotation("d2", "ann", "loud", turku),
            annotation("d2", "bob", "calm", left),
        ],
        [Group("theme", "multi", ("sport", "culture")), Group("tone", "single", ("calm", "loud"))],
        entities=SCHEMA.entity_ids,
    ).to_json()
    run(tmp_path / "out", summary={"rule": "majority", "agreement": report})
    found = manifest(tmp_path / "out")
    assert found["agreement"] == json.loads(json.dumps(report))
    assert found["adjudication"] == {"rule": "majority"}
    lines = (tmp_path / "out/README.md").read_text("utf-8").splitlines()
    cells = {tuple(line.strip("| ").split(" | ")[:3]) for line in lines if line.startswith("| ")}
    assert {("entities", "F1, same ends", "0.667"), ("entities", "F1, overlapping", "1.000")} < cells
    assert ("entity LOC", "F1, same ends", "0.667") in cells
    assert any(cell[:2] == ("topic tone", "α") for cell in cells)
    assert not any(cell[0] == "entity ORG" for cell in cells)


def test_an_undefined_figure_and_an_interval_are_shown_as_such(tmp_path: Path) -> None:
    spans = {"exact_f1": 0.8125, "relaxed_f1": -1.0, "intervals": {"exact_f1": [0.7, 0.9]}, "reasons": {"relaxed_f1": "why"}}
    agreement = {"spans": spans | {"n": 40, "labels": {}}, "topics": {}, "segments": 40}
    run(tmp_path / "out", summary={"agreement": agreement})
    body = (tmp_path / "out/README.md").read_text("utf-8")
    assert "| entities | F1, same ends | 0.812 | 0.700 to 0.900 | 40 |" in body
    assert "| entities | F1, overlapping | undefined |  | 40 |" in body


# ── what is left out ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_filters_are_no_rejects(tmp_path: Path) -> None:
    report = run(tmp_path / "out", regions=["cookie_notice"])
    assert (report.records, report.not_selected, report.rejected, report.exit_code) == (1, {"region": 4}, 0, 0)
    assert not (tmp_path / "out/rejects.jsonl").exists()


def test_records_of_another_schema_duplicates_and_bad_tags_are_rejected(tmp_path: Path) -> None:
    other = gold("x", "Turku", ("Turku", "LOC"))
    other = replace(other, meta=replace(other.meta, schema_sha256="f" * 64, schema="t@0.9.0"))
    bad = gold("y", "Turku", ("Turku", "LOC"), lang="../en")
    seen: list[Reject] = []
    report = run(tmp_path / "out", [other, *GOLD, GOLD[1], bad], rejects=seen.append, source="g.jsonl")
    assert [(item.id, item.code) for item in seen] == [("x", "schema_mismatch"), ("s1", "duplicate"), ("y", "bad_lang")]
    assert rejected(tmp_path / "out") == seen
    assert {item.source for item in seen} == {"g.jsonl"}
    assert (report.records, report.rejected, report.spans_in, report.spans_out, report.exit_code) == (5, 3, 8, 4, 5)
    assert manifest(tmp_path / "out")["rejected"] == {"bad_lang": 1, "duplicate": 1, "schema_mismatch": 1}


def test_unknown_labels_are_rejected_one_by_one(tmp_path: Path) -> None:
    record = gold("x", "Ada in Turku", ("Ada", "PERSON"), ("Turku", "LOC"), cats={"politics": 1.0, "loud": 1.0, "sport": 1.0})
    report = run(tmp_path / "out", [record])
    assert [item.code for item in rejected(tmp_path / "out")] == ["unknown_label"] * 2
    assert rejected(tmp_path / "out")[0].reason.startswith("span PERSON 'Ada' [0, 3): the label is not in schema t@1.2.0")
    (line,) = next((tmp_path / "out/jsonl").iterdir()).read_bytes().splitlines()
    row = loads(line, GoldRecord)
    assert [span.label for span in row.spans] == ["LOC"]
    assert (list(row.cats), row.accept) == (["sport", "loud"], ("sport", "loud"))
    assert (report.records, report.spans_in, report.spans_out, report.rejected) == (1, 2, 1, 2)


@pytest.mark.parametrize(("align", "code", "spans_out"), [("contract", 5, 1), ("strict", 3, 0), ("expand", 0, 2)])
def test_misaligned_spans(tmp_path: Path, align: Any, code: int, spans_out: int) -> None:
    record = gold("x", "Old Turkuans sang", ("Old Turku", "LOC"), ("uans", "ORG"))
    report = run(tmp_path / "out", [record], align=align)
    assert (report.exit_code, report.spans_out) == (code, spans_out)
    assert report.formats["jsonl"] == {"spans_in": 2, "spans_out": 2, "rejected": 0, "rejected_by": {}, "adjusted": 0}
    assert report.formats["spacy"]["rejected"] == report.rejected == 2 - spans_out


@pytest.mark.parametrize("records", [[], [replace(GOLD[0], meta=replace(GOLD[0].meta, schema_sha256="0"))]])
def test_with_nothing_left_no_folder_is_touched(tmp_path: Path, records: list[GoldRecord]) -> None:
    run(tmp_path / "out")
    before = contents(tmp_path / "out")
    with pytest.raises(AnnotateError, match="nothing to export") as caught:
        run(tmp_path / "out", records)
    assert caught.value.exit_code == 1
    assert caught.value.hint
    assert contents(tmp_path / "out") == before


def lossy(splits: Mapping[str, Sequence[GoldRecord]], folder: Path, options: Options) -> Exported:
    return Exported(spans_out=sum(len(r.spans) for records in splits.values() for r in records) - 1)


def test_a_format_that_loses_a_span_in_silence_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "EXPORTERS", Registry("export format", {"lossy": f"{__name__}:lossy"}))
    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])
    with pytest.raises(AnnotateError, match="format lossy: 4 spans went in, 3 came out and 0 were rejected"):
        run(tmp_path / "out", formats=["lossy"])
    assert not (tmp_path / "out").exists()


def test_options_that_name_nothing(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="no export format 'spaci'") as caught:
        run(tmp_path / "out", formats=["spaci"])
    assert caught.value.hint == "did you mean 'spacy'?"
    with pytest.raises(UsageError, match="no export format was named"):
        run(tmp_path / "out", formats=[])
    with pytest.raises(UnknownName, match="alignment 'loose'"):
        run(tmp_path / "out", align="loose")


# ── replacing ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_earlier_export_is_replaced_and_foreign_files_stay(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(out, formats=["spacy", "jsonl"])
    (out / "LICENSE").write_text("mine")
    (out / ".git/refs/tags").mkdir(parents=True)
    (out / ".git/alias").symlink_to("refs")
    (out / "spacy/notes.txt").write_text("also mine")
    (out / "latest").symlink_to("jsonl")
    run(out, GOLD[:2], formats=["jsonl"])
    assert (out / "LICENSE").read_text() == "mine"
    assert (out / ".git/refs/tags").is_dir()
    assert (out / ".git/alias").is_symlink()
    assert (out / "latest").is_symlink()
    assert sorted(path.relative_to(out).as_posix() for path in (out / "spacy").rglob("*")) == ["spacy/notes.txt"]
    assert "LICENSE" not in manifest(out)["files"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("existing", ["notes.txt", "manifest.json"])
def test_a_folder_that_is_not_ours_is_refused(tmp_path: Path, existing: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / existing).write_text('{"name": "an extension"}')
    with pytest.raises(UsageError, match="not an export of annotate") as caught:
        run(out)
    assert caught.value.hint
    assert list(contents(out)) == [existing]


def test_a_file_in_the_way_is_refused_and_an_empty_folder_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="not an export"):
        run(tmp_path / "file")
    (tmp_path / "empty").mkdir()
    assert run(tmp_path / "empty").records == 5


def test_an_edited_file_is_not_overwritten(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(out)
    with (out / "README.md").open("a") as card:
        card.write("A sentence of mine.\n")
    with pytest.raises(UsageError, match=r"edited since it was exported: README\.md"):
        run(out)
    assert (out / "README.md").read_text("utf-8").endswith("A sentence of mine.\n")


def test_a_foreign_file_whose_name_is_needed_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(out, formats=["spacy"])
    (out / "jsonl").mkdir()
    (out / "jsonl/train.jsonl").write_text("mine")
    with pytest.raises(UsageError, match="this one writes a file of that name"):
        run(out, splits="100/0/0")
    assert (out / "jsonl/train.jsonl").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_failure_on_the_way_leaves_the_earlier_export(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(out)
    before = contents(out)

    def failing() -> Iterator[GoldRecord]:
        yield GOLD[0]
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        export(failing(), out, schema=SCHEMA, schema_bytes=YAML.encode())
    assert contents(out) == before


def test_when_the_new_folder_cannot_take_the_name_the_old_one_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    run(out)
    before = contents(out)
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise OSError("no")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OSError, match="no"):
        run(out, GOLD[:2])
    assert contents(out) == before


def test_a_link_to_the_folder_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    run(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real/manifest.json").exists()


# ── streaming ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_stream_is_the_jsonl_of_all_splits(tmp_path: Path) -> None:
    run(tmp_path / "out", tokens=True, languages=["en", "ko"])
    lines = [line for path in (tmp_path / "out/jsonl").iterdir() for line in path.read_bytes().splitlines()]
    rows = [dumps(row) for row in stream(GOLD, schema=SCHEMA, tokens=True, languages=["en", "ko"])]
    assert sorted(rows) == sorted(lines)
    assert [json.loads(row)["id"] for row in rows] == ["s1", "s3", "s2", "s5"]


def test_a_stream_reports_rejects_and_keeps_frozen_splits(tmp_path: Path) -> None:
    frozen = tmp_path / "gold.splits.jsonl"
    write_records(frozen, [SplitRow("d1", "c", "test")])
    seen: list[Reject] = []
    rows = list(stream([GOLD[1], GOLD[1]], schema=SCHEMA, frozen=frozen, rejects=seen.append))
    assert [(row.meta.split, row.meta.cluster) for row in rows] == [("test", "c")]
    assert [item.code for item in seen] == ["duplicate"]
    assert read_splits(frozen) == (SplitRow("d1", "c", "test"),)


# ── the committed example ────────────────────────────────────────────────────────────────────────────────────────────────

DATA = Path(__file__).parent / "data/example"
EXAMPLE = Path(__file__).parents[1] / "exports/example"


@pytest.fixture
def rebuilt(tmp_path: Path) -> Path:
    for name in ("gold.jsonl", "gold.splits.jsonl"):
        shutil.copy(DATA / name, tmp_path)
    schema, out = DATA / "schema.yaml", tmp_path / "example"
    report = workflow.export(tmp_path / "gold.jsonl", out, schema=load(schema), schema_file=schema, splits="60/20/20")
    assert report.exit_code == 0
    assert (tmp_path / "gold.splits.jsonl").read_bytes() == (DATA / "gold.splits.jsonl").read_bytes()
    return tmp_path / "example"


def test_the_example_is_what_the_code_makes(rebuilt: Path) -> None:
    """Byte for byte; where spaCy or zlib are other versions, `.spacy` files by the payload their manifest lists."""
    made, kept = contents(rebuilt), contents(EXAMPLE)
    assert set(made) == set(kept), "rebuild exports/example: exports/README.md says how"
    new, old = manifest(rebuilt), manifest(EXAMPLE)
    if new["tools"] != old["tools"]:
        for found, files in ((new, made), (old, kept)):
            found["tools"] = {}
            del files["manifest.json"]
            for name in found["formats"]["spacy"]["payload_sha256"]:
                del files[name], found["files"][name]
    assert new == old
    assert made == kept, "rebuild exports/example: exports/README.md says how"


def test_the_example_shows_every_case() -> None:
    rows = [
        loads(line, GoldRecord) for path in sorted((EXAMPLE / "jsonl").iterdir()) for line in path.read_bytes().splitlines()
    ]
    assert {"ko", "ar", "th"} < {row.meta.lang for row in rows}
    assert any(not row.spans and not row.accept for row in rows)
    assert any(a.end > b.start for row in rows for a, b in zip(row.spans, row.spans[1:], strict=False))
    assert {row.meta.split for row in rows} == {"train", "dev", "test"}


def test_the_example_was_split_by_hash() -> None:
    rows = read_splits(DATA / "gold.splits.jsonl")
    assert assign([row.doc_id for row in rows], (60, 20, 20)).rows == rows
