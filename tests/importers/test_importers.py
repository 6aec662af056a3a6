"""What other tools write comes in as it was meant, and what cannot be used is named with file and line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import DocBin

from annotate.cli import main
from annotate.errors import DataFindings, ReadError, UnknownName, UsageError
from annotate.importers import IMPORTERS, SUFFIXES, Imported, Settings, import_files
from annotate.labelstudio.wire import to_result, to_task
from annotate.model import Annotation, GoldRecord, Reject, Span
from annotate.schema import parse
from annotate.store import read_records
from annotate.workflow import import_
from tests.builders import HARD_TEXTS, segments

YAML = """\
schema: t
entities: {overlap: any, labels: [{id: ORG, aliases: [COMPANY]}, LOC, ART.BOOK]}
topics:
- {id: theme, choice: multi, labels: [sport, culture]}
- {id: tone, choice: single, labels: [{id: calm, aliases: [quiet]}, loud]}
"""
SCHEMA = parse(YAML, "t.yaml")
SETTINGS = Settings(SCHEMA, lang="fi")
TEXT = "Lautta 🇫🇮 Ouluun"


def written(path: Path, *rows: Any) -> Path:
    path.write_text(
        "".join((row if isinstance(row, str) else json.dumps(row, ensure_ascii=False)) + "\n" for row in rows), "utf-8"
    )
    return path


def run(path: Path, format: str, **options: Any) -> tuple[list[Any], list[Reject], Imported]:
    rejects: list[Reject] = []
    report = Imported()
    found = list(import_files([path], format, options.pop("settings", SETTINGS), rejects.append, report=report, **options))
    assert report.spans_in == report.spans_out + report.rejected_spans.total()
    assert report.records == len(found)
    return found, rejects, report


def said(record: GoldRecord | Annotation) -> list[tuple[str, str]]:
    return [(span.text, span.label) for span in record.spans]


def reasons(rejects: Sequence[Reject]) -> list[tuple[int, str]]:
    return [(item.line, item.code) for item in rejects]


# -- prodigy -----------------------------------------------------------------------------------------------------------


def test_prodigy_manual_ner(tmp_path: Path) -> None:
    path = written(
        tmp_path / "p.jsonl",
        {"text": TEXT, "_input_hash": -1, "tokens": [], "spans": [{"start": 10, "end": 14, "label": "LOC", "token_start": 2}]},
        {
            "text": TEXT + "!",
            "spans": [{"start": 0, "end": 6, "label": "COMPANY"}],
            "answer": "accept",
            "meta": {"doc_id": "d"},
        },
    )
    (one, two), rejects, _ = run(path, "prodigy")
    assert not rejects
    assert said(one) == [("Oulu", "LOC")]
    assert said(two) == [("Lautta", "ORG")]  # by its alias
    assert (one.meta.doc_id, two.meta.doc_id, one.meta.lang, one.meta.region) == ("p.jsonl#-1", "d", "fi", "body")
    assert one.cats == {}
    assert (one.meta.schema_sha256, one.meta.decided_by, one.meta.annotators) == (SCHEMA.sha256, "single", ("prodigy",))


def test_prodigy_topics(tmp_path: Path) -> None:
    options = [{"id": "sport", "text": "Sport"}, {"id": "culture", "text": "Culture"}]
    path = written(
        tmp_path / "p.jsonl",
        {"text": "a", "options": options, "accept": ["sport"], "answer": "accept"},
        {"text": "b", "label": "culture", "answer": "reject"},
        {"text": "c", "label": "quiet", "answer": "accept"},
        {"text": "d", "accept": ["quiet"]},
    )
    found, rejects, _ = run(path, "prodigy")
    assert not rejects
    assert [record.cats for record in found] == [
        {"sport": 1.0, "culture": 0.0},
        {"culture": 0.0},
        {"calm": 1.0},
        {"calm": 1.0, "loud": 0.0},
    ]


def test_prodigy_answers_of_several_people_are_annotations(tmp_path: Path) -> None:
    row = {"text": TEXT, "id": "7", "spans": [{"start": 10, "end": 14, "label": "LOC"}], "_timestamp": 1707211049}
    path = written(
        tmp_path / "p.jsonl",
        row | {"_annotator_id": "ann"},
        row | {"_annotator_id": "bob"},
        row | {"_session_id": "cy", "answer": "ignore"},
    )
    found, rejects, _ = run(path, "prodigy", kind="annotations")
    assert not rejects
    assert [(a.annotator, a.status, a.updated_at, said(a)) for a in found] == [
        ("ann", "submitted", "2024-02-06T09:17:29Z", [("Oulu", "LOC")]),
        ("bob", "submitted", "2024-02-06T09:17:29Z", [("Oulu", "LOC")]),
        ("cy", "skipped", "2024-02-06T09:17:29Z", []),
    ]
    assert {a.unanswered for a in found} == {("theme", "tone")}
    assert len({a.segment.id for a in found}) == 1
    gold, rejects, _ = run(path, "prodigy")
    assert len(gold) == 1
    assert reasons(rejects) == [(2, "duplicate"), (3, "skipped")]
    assert "--as annotations" in rejects[0].hint


def test_what_prodigy_rejected_says_nothing(tmp_path: Path) -> None:
    path = written(tmp_path / "p.jsonl", {"text": TEXT, "spans": [{"start": 0, "end": 6, "label": "LOC"}], "answer": "reject"})
    found, (item,), _ = run(path, "prodigy")
    assert not found
    assert (item.line, item.code, item.source) == (1, "invalid", str(path))
    assert "correct it in Prodigy" in item.hint


# -- doccano -----------------------------------------------------------------------------------------------------------


def test_doccano(tmp_path: Path) -> None:
    entity = {"id": 9, "start_offset": 10, "end_offset": 14, "label": "LOC"}
    path = written(
        tmp_path / "d.jsonl",
        {"id": 4, "text": TEXT, "label": [[10, 14, "LOC"], [10, 16, "ORG"]], "Comments": []},
        {"id": 5, "data": TEXT, "labels": [[0, 6, "ART.BOOK"]]},
        {"id": 6, "text": TEXT, "entities": [entity], "relations": []},
        {"id": 7, "text": "Kuoro laulaa", "label": ["culture"]},
        {"id": 8, "text": "Ei mitään", "label": []},
    )
    found, rejects, _ = run(path, "doccano")
    assert not rejects
    assert [said(record) for record in found] == [
        [("Oulu", "LOC"), ("Ouluun", "ORG")],
        [("Lautta", "ART.BOOK")],
        [("Oulu", "LOC")],
        [],
        [],
    ]
    assert [record.cats for record in found[2:]] == [{}, {"sport": 0.0, "culture": 1.0}, {}]
    assert found[0].meta.doc_id == "d.jsonl#4"


# -- spaCy -------------------------------------------------------------------------------------------------------------


def test_a_docbin_of_others(tmp_path: Path) -> None:
    nlp = spacy.blank("fi")
    doc = nlp(TEXT)
    doc.ents = [doc.char_span(10, 16, label="LOC")]
    doc.cats = {"sport": 0.9, "culture": 0.2}
    plain = nlp("Ei mitään")
    grouped = nlp("Oulun kuoro")
    grouped.spans["sc"] = [grouped[0:1], grouped[0:2]]
    for span, label in zip(grouped.spans["sc"], ("LOC", "ORG"), strict=True):
        span.label_ = label
    grouped.spans["sc"] = [spacy.tokens.Span(grouped, 0, 1, label="LOC"), spacy.tokens.Span(grouped, 0, 2, label="ORG")]
    DocBin(docs=[doc, plain, grouped]).to_disk(tmp_path / "x.spacy")
    found, rejects, _ = run(tmp_path, "spacy")
    assert not rejects
    assert [said(record) for record in found] == [[("Ouluun", "LOC")], [], [("Oulun", "LOC"), ("Oulun kuoro", "ORG")]]
    assert found[0].cats == {"sport": 1.0, "culture": 0.0}


def test_what_is_no_docbin_is_a_reject(tmp_path: Path) -> None:
    (tmp_path / "x.spacy").write_bytes(b"not one")
    found, (item,), _ = run(tmp_path / "x.spacy", "spacy")
    assert not found
    assert item.code == "unreadable"
    assert item.source.endswith("x.spacy")


def test_json_documents(tmp_path: Path) -> None:
    path = written(
        tmp_path / "x.jsonl",
        {"text": TEXT, "ents": [{"start": 10, "end": 14, "label": "LOC"}], "cats": {"sport": 1.0}},
        {"ents": []},
    )
    (record,), rejects, _ = run(path, "spacy")
    assert said(record) == [("Oulu", "LOC")]
    assert reasons(rejects) == [(2, "invalid")]


# -- columns -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tags",
    ["O B-ORG I-ORG B-LOC O", "O I-ORG I-ORG I-LOC O", "O B-ORG E-ORG S-LOC O", "O B-ORG L-ORG U-LOC O"],
    ids=["IOB2", "IOB1", "BIOES", "BILOU"],
)
@pytest.mark.parametrize("columns", ["{} -X- _ {}", "{}\t{}", "{} {}"])
def test_tags_of_every_scheme(tmp_path: Path, tags: str, columns: str) -> None:
    tokens = "eilen Meri Oy Oulu .".split()
    rows = "\n".join(columns.format(token, tag) for token, tag in zip(tokens, tags.split(), strict=True))
    path = written(tmp_path / "c.conll", "-DOCSTART- -X- O O\n", rows, "", rows)
    (one, two), rejects, _ = run(path, "iob2")
    assert not rejects
    assert said(one) == said(two) == [("Meri Oy", "ORG"), ("Oulu", "LOC")]
    assert one.text == "eilen Meri Oy Oulu ."
    assert (one.meta.doc_id, one.meta.start, two.meta.start) == ("c.conll#1", 0, len(one.text))
    assert one.id != two.id


def test_two_entities_that_touch_stay_two(tmp_path: Path) -> None:
    path = written(tmp_path / "c.conll", "Oulu B-LOC\nTurku B-LOC\nMeri I-ORG\nOy I-ORG")
    (record,), _, _ = run(path, "iob2")
    assert said(record) == [("Oulu", "LOC"), ("Turku", "LOC"), ("Meri Oy", "ORG")]


def test_languages_without_spaces_are_joined_without(tmp_path: Path) -> None:
    path = written(tmp_path / "c.conll", "大阪 B-LOC\nへ O\n行く O")
    (record,), _, _ = run(path, "iob2", settings=Settings(SCHEMA, lang="ja"))
    assert record.text == "大阪へ行く"


@pytest.mark.parametrize("row", ["Oulu", "Oulu X-LOC", "Oulu LOC", "Oulu B-"])
def test_rows_that_are_none_have_their_line(tmp_path: Path, row: str) -> None:
    path = written(tmp_path / "c.conll", "Turku B-LOC\n", f"ja O\n{row}")
    found, (item,), _ = run(path, "iob2")
    assert len(found) == 1
    assert (item.line, item.code) == (3, "invalid")
    assert "line 4" in item.reason


def test_a_text_comment_must_hold_the_tokens(tmp_path: Path) -> None:
    path = written(tmp_path / "c.conll", "# text = Oulu on\nOulu B-LOC\n\n# text = Oulu ja\nOulu B-LOC\njoki O")
    found, rejects, _ = run(path, "iob2")
    assert not found
    assert [item.line for item in rejects] == [1, 4]


# -- Label Studio ------------------------------------------------------------------------------------------------------


def task(**parts: Any) -> dict[str, Any]:
    ours = {"start": 10, "end": 14, "text": "Oulu", "labels": ["LOC"]}
    result = [
        {"id": "a", "from_name": "label", "to_name": "text", "type": "labels", "value": ours},
        {"id": "b", "from_name": "theme", "to_name": "text", "type": "choices", "value": {"choices": ["sport"]}},
        {"id": "c", "from_name": "stars", "to_name": "text", "type": "rating", "value": {"rating": 3}},
    ]
    annotation = {"id": 3, "completed_by": {"id": 8, "email": "ann@example.org"}, "result": result, "lead_time": 2.5}
    dates = {"created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-03T03:04:05Z", "ground_truth": True}
    skip = {"id": 4, "completed_by": 9, "result": result, "was_cancelled": True}
    return {"id": 21, "project": 2, "data": {"text": TEXT}, "annotations": [annotation | dates, skip], **parts}


def test_tasks_of_others(tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    path.write_text(json.dumps([task(), task(id=22, data={"a": "x", "b": "y"}), {"id": 23}, 5]), "utf-8")
    found, rejects, _ = run(path, "label-studio")
    ann, skip = found
    assert (ann.annotator, ann.updated_at, ann.lead_time, ann.ground_truth, said(ann)) == (
        "ann@example.org",
        "2026-01-03T03:04:05Z",
        2.5,
        True,
        [("Oulu", "LOC")],
    )
    assert (ann.topics, ann.unanswered) == ({"theme": ("sport",), "tone": ()}, ("tone",))
    assert (ann.task.project, ann.task.id, ann.segment.doc_id) == (2, 21, "export.json#21")
    assert (skip.annotator, skip.status, skip.spans) == ("user 9", "skipped", ())
    assert reasons(rejects) == [(1, "invalid_result"), (2, "invalid"), (3, "invalid"), (4, "invalid")]


def test_tasks_that_annotate_pushed_come_back_whole(tmp_path: Path) -> None:
    exported, expected = [], []
    for number, segment in enumerate(segments(HARD_TEXTS), 1):
        stripped = segment.text.strip()
        at = segment.text.index(stripped)
        spans = (Span(at, at + len(stripped), "ORG", stripped),)
        result = to_result(spans, {"theme": ("sport", "culture"), "tone": ()})
        answer = {"id": number, "completed_by": 5, "result": result, "created_at": "", "updated_at": "2026-01-01T00:00:00Z"}
        exported.append({"id": number, "project": 3, "annotations": [answer], **to_task(segment, SCHEMA.ref)})
        expected.append((segment, spans))
    path = written(tmp_path / "tasks.jsonl", *exported)
    found, rejects, _ = run(path, "label-studio")
    assert not rejects
    assert [(a.segment, a.spans) for a in found] == expected
    assert {(a.annotator, a.schema, a.task.project) for a in found} == {("user 5", SCHEMA.ref, 3)}
    exported[0]["data"]["text"] = "edited"
    path = written(tmp_path / "tasks.jsonl", exported[0])
    found, (item,), _ = run(path, "label-studio")
    assert not found
    assert item.code == "foreign_task"


def test_label_studio_holds_no_gold(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="several per text"):
        run(tmp_path / "x.json", "label-studio", kind="gold")
    (tmp_path / "x.json").write_text("[{")
    assert reasons(run(tmp_path / "x.json", "label-studio")[1]) == [(-1, "unreadable")]


# -- the door ----------------------------------------------------------------------------------------------------------


def test_lines_that_are_no_records(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    good = json.dumps({"text": TEXT})
    path.write_bytes(
        b"\xef\xbb\xbf" + good.encode() + b'\n\n{"text":\n[1]\n{"spans":[]}\n{"text":"  "}\n{"text":"a\\u0000"}\n\xff\n'
    )
    found, rejects, _ = run(path, "prodigy")
    assert len(found) == 1
    assert reasons(rejects) == [
        (3, "unreadable"),
        (4, "unreadable"),
        (5, "invalid"),
        (6, "empty"),
        (7, "nul"),
        (8, "unreadable"),
    ]
    assert {item.source for item in rejects} == {str(path)}
    assert all(item.step == "import" for item in rejects)


@pytest.mark.parametrize(
    ("span", "code", "hint"),
    [
        ({"start": 10, "end": 99}, "invalid_span", "code points"),
        ({"start": 4, "end": 4}, "invalid_span", "code points"),
        ({"start": -1, "end": 4}, "invalid_span", "code points"),
        ({"start": 0, "end": 6, "text": "Lautt"}, "other_text", "code points, not bytes"),
        ({"start": 0, "end": 6, "text": "Lautta "}, "other_text", "white space"),
        ({"start": 17, "end": 21, "text": "\u00e4\u00e4ni"}, "other_text", "normal form"),
    ],
)
def test_spans_that_do_not_fit_reject_their_record(tmp_path: Path, span: dict[str, Any], code: str, hint: str) -> None:
    text = TEXT + " a\u0308a\u0308ni"
    path = written(tmp_path / "p.jsonl", {"text": text, "spans": [span | {"label": "LOC"}]}, {"text": TEXT})
    found, (item,), report = run(path, "prodigy")
    assert len(found) == 1
    assert (item.line, item.code) == (1, code)
    assert hint in item.hint
    assert report.rejected_spans == {code: 1}


def test_single_spans_that_are_left_out_are_counted(tmp_path: Path) -> None:
    span = {"start": 10, "end": 14, "label": "LOC"}
    blank, unknown = {"start": 6, "end": 7, "label": "LOC"}, span | {"label": "CAT"}
    path = written(tmp_path / "p.jsonl", {"text": TEXT, "spans": [span, span, blank, unknown], "cats": {"sport": 1, "rain": 0}})
    (record,), rejects, report = run(path, "prodigy")
    assert said(record) == [("Oulu", "LOC")]
    assert record.cats == {"sport": 1.0}
    assert report.rejected_spans == {"blank_span": 1, "duplicate_span": 1, "unknown_label": 1}
    assert len(rejects) == 4


def test_texts_are_normalised_and_offsets_follow(tmp_path: Path) -> None:
    text = "\ufeffRivi\r\nOulu\rTurku"
    spans = [
        {"start": text.index(name), "end": text.index(name) + len(name), "label": "LOC", "text": name}
        for name in ("Oulu", "Turku")
    ]
    (record,), rejects, _ = run(written(tmp_path / "p.jsonl", {"text": text, "spans": spans}), "prodigy")
    assert not rejects
    assert record.text == "Rivi\nOulu\nTurku"
    assert said(record) == [("Oulu", "LOC"), ("Turku", "LOC")]


def test_identities_do_not_depend_on_the_folder_or_the_run(tmp_path: Path) -> None:
    rows = [{"text": TEXT, "meta": {"doc_id": "d"}}, {"text": "  " + TEXT, "meta": {"doc_id": "d"}}, {"text": "x"}]
    (tmp_path / "deep").mkdir()
    one = run(written(tmp_path / "p.jsonl", *rows), "prodigy")[0]
    two = run(written(tmp_path / "deep/p.jsonl", *rows), "prodigy")[0]
    assert one == two
    assert len({record.id for record in one}) == 3
    assert [(record.meta.start, record.meta.end) for record in one] == [(0, 16), (16, 34), (0, 1)]


def test_names_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="import format"):
        run(tmp_path, "brat")
    with pytest.raises(ReadError, match="no file that ends in"):
        run(tmp_path, "prodigy")
    with pytest.raises(ReadError, match="cannot read"):
        run(tmp_path / "absent.jsonl", "prodigy")
    with pytest.raises(UsageError, match="region"):
        run(tmp_path, "prodigy", settings=replace(SETTINGS, region="sidebar"))
    assert set(SUFFIXES) == set(IMPORTERS)


def test_splits_come_along_and_must_not_contradict(tmp_path: Path) -> None:
    row = {"text": TEXT, "id": "s", "spans": [], "cats": {}, "answer": "accept"}
    own = {"doc_id": "d", "segment_id": "s", "lang": "fi", "region": "body", "start": 0, "end": 16, "cluster": "d"}
    rest = {"schema": "t@1", "schema_sha256": SCHEMA.sha256, "decided_by": "single", "n_annotators": 1, "annotators": ["A1"]}
    for split, out in (("test", "gold.jsonl"), ("test", "gold.jsonl")):
        path = written(tmp_path / "p.jsonl", row | {"meta": own | rest | {"split": split, "agreement": -1.0}})
        report = import_([path], tmp_path / out, format="prodigy", settings=SETTINGS, kind="gold")
        assert report.splits == 1
    (record,) = read_records(tmp_path / "gold.jsonl", GoldRecord, print, step="test")
    assert (record.id, record.meta.split, record.meta.schema) == ("s", "", "t@1")
    assert (tmp_path / "gold.splits.jsonl").read_text() == '{"doc_id":"d","cluster":"d","split":"test"}\n'
    path = written(tmp_path / "p.jsonl", row | {"meta": own | rest | {"split": "dev", "agreement": -1.0}})
    with pytest.raises(DataFindings):
        import_([path], tmp_path / "gold.jsonl", format="prodigy", settings=SETTINGS, kind="gold")
    path = written(tmp_path / "p.jsonl", row | {"meta": own | {"schema_sha256": 3, "decided_by": "single"}})
    with pytest.raises(ReadError, match="no record"):
        import_([path], tmp_path / "gold.jsonl", format="prodigy", settings=SETTINGS, kind="gold")


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.yaml").write_text(YAML)
    written(tmp_path / "d.jsonl", {"text": TEXT, "label": [[10, 14, "LOC"], [0, 6, "BOAT"]]})
    assert main(["import", "d.jsonl", "--format", "doccano", "--schema", "t.yaml", "--lang", "fi", "--json"]) == 5
    told = json.loads(capsys.readouterr().out)
    assert (told["kind"], told["records"], told["spans_in"], told["spans_out"], told["rejected"]) == ("gold", 1, 2, 1, 1)
    assert (tmp_path / "gold.rejects.jsonl").exists()
    assert main(["import", "d.jsonl", "--format", "doccano", "--schema", "t.yaml", "-o", "-", "--as", "annotations"]) == 5
    assert json.loads(capsys.readouterr().out)["annotator"] == "doccano"
    assert main(["import", "d.jsonl", "--format", "doccano", "--schema", "t.yaml", "--as", "silver"]) == 2
