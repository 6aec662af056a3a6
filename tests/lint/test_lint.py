"""Findings in files of records and in export folders, and what is fixed."""

from __future__ import annotations

import io
import json
import sys
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate import lint
from annotate.codec import dumps, loads
from annotate.dataset import export
from annotate.errors import ReadError, UsageError
from annotate.lint import CODES, Finding, check, fix
from annotate.model import Annotation, GoldMeta, GoldRecord, Segment, Span, TaskRef
from annotate.schema import LabelSchema
from annotate.store import write_records
from tests.builders import HARD_TEXTS, REF, SCHEMA_TEXT, schema, segment, segments

LITTLE = schema()
ANY = schema(SCHEMA_TEXT.replace("overlap: nested", "overlap: any"))
NONE = schema(SCHEMA_TEXT.replace("overlap: nested", "overlap: none"))


def spans_of(text: str, parts: Iterable[tuple[str, str]]) -> tuple[Span, ...]:
    return tuple(sorted(Span(text.index(p), text.index(p) + len(p), label, p) for p, label in parts))


def gold(id: str, text: str, *parts: tuple[str, str], doc: str = "d", lang: str = "en", topic: str = "sport") -> GoldRecord:
    meta = GoldMeta(doc, id, lang, "body", 0, len(text), "", "", "little@1.0.0", LITTLE.sha256, "single", 1, ("A1",), -1.0)
    return GoldRecord(id, text, spans_of(text, parts), {topic: 1.0}, (topic,), "accept", meta)


def annotation(of: Segment, annotator: str, *parts: tuple[str, str], status: Any = "submitted") -> Annotation:
    spans = spans_of(of.text, parts)
    return Annotation(of, annotator, status, spans, {"theme": ()}, (), "", "", -1.0, "", False, REF, TaskRef(1, 5))


def found(tmp_path: Path, records: Sequence[object], labels: LabelSchema | None = None) -> list[Finding]:
    write_records(tmp_path / "records.jsonl", records)
    return list(check(tmp_path / "records.jsonl", labels).findings)


def codes(findings: Iterable[Finding]) -> list[tuple[int, str]]:
    return [(finding.line, finding.code) for finding in findings]


# -- spans -----------------------------------------------------------------------------------------------------------------


def test_clean_records_have_no_findings(tmp_path: Path) -> None:
    assert (
        found(
            tmp_path,
            [gold("a", "Turku is old.", ("Turku", "GPE")), gold("b", "부산대학교에서", ("부산", "GPE"), lang="ko")],
            LITTLE,
        )
        == []
    )


def test_edges_of_spans(tmp_path: Path) -> None:
    findings = found(
        tmp_path,
        [
            gold("a", "In Turku , we", ("Turku ,", "GPE")),
            gold("b", "In Oulu now", (" Oulu", "GPE")),
            gold("c", "Helsinki", ("Helsin", "GPE")),
            gold("d", "Ma\u0308kela\u0308", ("Ma\u0308kela", "PERSON")),
        ],
    )
    assert codes(findings) == [(1, "edge_punctuation"), (2, "edge_space"), (3, "half_word"), (4, "half_grapheme")]
    assert findings[1].message == "GPE ' Oulu' [2, 7) has white space at its edge"
    assert findings[1].hint == "[3, 7); --fix trims it"
    assert "'Helsinki'" in findings[2].message
    assert [finding.level for finding in findings] == ["warning", "error", "warning", "error"]
    assert [finding.id for finding in findings] == list("abcd")


@pytest.mark.parametrize("lang", ["zh", "ja", "th", "ko"])
def test_scripts_without_spaces_have_no_half_words(tmp_path: Path, lang: str) -> None:
    text = {"zh": "北京大学", "ja": "東京タワー", "th": "เชียงใหม่", "ko": "부산에서"}[lang]
    assert found(tmp_path, [gold("a", text, (text[:2] if lang != "th" else "เชียง", "GPE"), lang=lang)]) == []


# -- strings ---------------------------------------------------------------------------------------------------------------


def test_one_string_two_labels(tmp_path: Path) -> None:
    records = [gold(str(i), "Turku wins", ("Turku", "GPE"), doc=str(i)) for i in range(2)]
    records.append(gold("x", "Turku wins", ("Turku", "ORG"), doc="x"))
    (finding,) = found(tmp_path, records)
    assert (finding.code, finding.line, finding.id) == ("two_labels", 3, "x")
    assert finding.message == "'Turku' (en) is ORG once, and GPE 2 times, first in line 1"


def test_unlabelled_repeats_in_the_segment_and_in_the_document(tmp_path: Path) -> None:
    records = [
        gold("a", "Oulu, and Oulu, and Oulunsalo", ("Oulu", "GPE")),
        gold("b", "Oulu University in Oulu", ("Oulu University", "ORG")),
        gold("c", "In Oulu", doc="other"),
    ]
    findings = found(tmp_path, records)
    assert codes(findings) == [(1, "unlabelled_repeat"), (2, "unlabelled_repeat")]
    assert findings[0].message == "'Oulu' [10, 14) has no label, and is GPE in this segment"
    assert findings[1].message == "'Oulu' [19, 23) has no label, and is GPE in line 1"


def test_what_two_annotators_say_differently_is_no_finding(tmp_path: Path) -> None:
    place = segment("Oulu is open. Turku too.")
    records = [
        annotation(place, "ann", ("Oulu", "GPE")),
        annotation(place, "bob", ("Oulu", "ORG")),
        annotation(place, "cid", status="skipped"),
    ]
    assert found(tmp_path, records) == []


def test_of_annotations_no_more_is_read_than_the_task_of_a_segment(tmp_path: Path) -> None:
    write_records(tmp_path / "gold.jsonl", [gold("a", "In Oulu", ("n Oulu", "GPE"))])
    write_records(tmp_path / "said.jsonl", [{"segment": {"id": "a"}, "task": TaskRef(3, 14)}])
    report = check(tmp_path / "gold.jsonl", url="http://h/", annotations=tmp_path / "said.jsonl")
    assert {finding.url for finding in report.findings if finding.line == 1} == {"http://h/projects/3/data?task=14"}


def test_annotations_name_annotator_and_task(tmp_path: Path) -> None:
    one, two = segments(["Oulu is open. ", "Oulu is shut."])
    (finding,) = found(tmp_path, [annotation(one, "ann", ("Oulu", "GPE")), annotation(two, "ann"), annotation(two, "bob")])
    assert finding.message == "'Oulu' [0, 4) has no label, and is GPE in line 1 (by ann, project 1, task 5)"
    assert finding.id == two.id


def test_normal_forms(tmp_path: Path) -> None:
    records = [
        gold("a", "Sa\u0308kyla\u0308", ("Sa\u0308kyla\u0308", "GPE"), doc="1"),
        gold("b", "Säkylä", ("Säkylä", "GPE"), doc="2"),
        gold("c", "Säkyla\u0308", doc="3"),
        gold("d", "한국 \u1112\u1161\u11ab", doc="4", lang="ko"),
    ]
    findings = found(tmp_path, records)
    assert codes(findings) == [(2, "mixed_normal_forms"), (3, "mixed_normal_forms"), (4, "mixed_normal_forms")]
    assert findings[0].message.endswith("in line 1 and has other code points (U+00E4+U+006B and U+0061+U+0308)")


# -- schema ----------------------------------------------------------------------------------------------------------------


def test_labels_and_languages_of_the_schema(tmp_path: Path) -> None:
    records = [
        gold("a", "Turku", ("Turku", "CITY"), topic="politics"),
        gold("b", "Bonn", lang="de", doc="2"),
        gold("c", "Köln", lang="de", doc="3"),
    ]
    findings = found(tmp_path, records, LITTLE)
    assert codes(findings) == [(1, "unknown_label"), (1, "unknown_label"), (2, "unlisted_language")]
    assert "de is no language of schema little: 2 records, this is the first" in findings[2].message
    assert found(tmp_path, records) == []


@pytest.mark.parametrize(
    ("labels", "parts", "bad"),
    [
        (NONE, [("Oulu", "GPE"), ("Oulu City", "ORG")], "overlaps"),
        (LITTLE, [("Oulu", "GPE"), ("Oulu City", "ORG")], ""),
        (LITTLE, [("Oulu City", "GPE"), ("City Hall", "ORG")], "crosses"),
        (ANY, [("Oulu City", "GPE"), ("City Hall", "ORG")], ""),
        (NONE, [("Oulu", "GPE"), ("City Hall", "ORG")], ""),
    ],
)
def test_overlaps(tmp_path: Path, labels: LabelSchema, parts: list[tuple[str, str]], bad: str) -> None:
    findings = found(tmp_path, [gold("a", "Oulu City Hall", *parts)], labels)
    assert [finding.code for finding in findings] == ["forbidden_overlap"] * bool(bad)
    assert not bad or bad in findings[0].message


# -- segments --------------------------------------------------------------------------------------------------------------


def test_segments_that_do_not_tile(tmp_path: Path) -> None:
    one, two, three = segments(["One. ", "Two. ", "Three."])
    other = segment("Late", doc_id="b.txt", start=3)
    gap, overlap = [one, three], [one, replace(two, start=3, end=8)]
    assert found(tmp_path, [three, one, two]) == []
    assert codes(found(tmp_path, [*gap, other])) == [(2, "broken_tiling"), (3, "broken_tiling")]
    assert "a gap of 5 code points after the segment in line 1, at 5" in found(tmp_path, gap)[0].message
    assert "an overlap of 2" in found(tmp_path, overlap)[0].message


def test_duplicate_ids(tmp_path: Path) -> None:
    one, two = segments(["One. ", "Two. "])
    assert codes(found(tmp_path, [one, two, one])) == [(3, "duplicate_id")]
    assert codes(found(tmp_path, [annotation(one, "ann"), annotation(one, "bob"), annotation(one, "ann")])) == [
        (3, "duplicate_id")
    ]
    assert codes(found(tmp_path, [gold("a", "x1"), gold("a", "x1")])) == [(2, "duplicate_id")]


# -- files -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "kind"), [(segment(), "segments"), (annotation(segment(), "ann"), "annotations"), (gold("a", "x"), "gold")]
)
def test_the_first_record_tells_the_kind(tmp_path: Path, record: object, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write_records(tmp_path / "r.jsonl", [record])
    report = check(tmp_path / "r.jsonl")
    assert (report.kind, report.records, report.counts) == (kind, 1, {})
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(dumps(record) + b"\n")))
    assert check("-") == report


def test_bad_lines_are_findings(tmp_path: Path) -> None:
    good = dumps(gold("a", "Oulu", ("Oulu", "GPE")))
    past_the_end = good.replace(b'"end":4', b'"end":9', 1)
    (tmp_path / "g.jsonl").write_bytes(b"\n".join([b"{", good, b"", past_the_end, b"\xff"]))
    report = check(tmp_path / "g.jsonl")
    assert codes(report.findings) == [(1, "unreadable"), (4, "unreadable"), (5, "unreadable")]
    assert (report.records, report.errors, report.counts) == (1, 3, {"unreadable": 3})
    assert all(finding.hint for finding in report.findings)


@pytest.mark.parametrize("content", ["[]\n", '{"a": 1}\n', "words\n"])
def test_files_of_nothing_we_know(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.jsonl").write_text(content)
    with pytest.raises(UsageError, match="its first record is no segment, annotation or gold record"):
        check(tmp_path / "x.jsonl")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="cannot read"):
        check(tmp_path / "none.jsonl")


# -- fixing ----------------------------------------------------------------------------------------------------------------


def test_white_space_is_trimmed_and_told(tmp_path: Path) -> None:
    records = [
        gold("a", "In Oulu now", (" Oulu ", "GPE")),
        gold("b", "Plain", ("Plain", "ORG")),
        gold("c", "In Oulu", (" Oulu", "GPE"), ("Oulu", "GPE")),
    ]
    write_records(tmp_path / "g.jsonl", records)
    extra = dumps(gold("d", "At Oulu", (" Oulu", "GPE")))[:-1] + b',"tokens":[]}\nbroken\n'
    with (tmp_path / "g.jsonl").open("ab") as out:
        out.write(extra)
    (done,) = fix(tmp_path / "g.jsonl", tmp_path / "out.jsonl")
    assert (done.id, done.line, done.label, done.was, done.now, done.text) == ("a", 1, "GPE", (2, 8), (3, 7), "Oulu")
    before, after = ((tmp_path / name).read_bytes().split(b"\n") for name in ("g.jsonl", "out.jsonl"))
    assert loads(after[0], GoldRecord).spans == (Span(3, 7, "GPE", "Oulu"),)
    assert after[1:] == before[1:]


@pytest.mark.parametrize(
    ("text", "marked", "right", "codes"),
    [
        ("In (Turku, we", "(Turku,", "Turku", ("edge_punctuation",)),
        ("Das „Haus“ da", "„Haus", "Haus", ("edge_punctuation",)),
        ("So Yahoo! it is", "Yahoo!", "Yahoo!", ()),
        ("Ma\u0308kela\u0308 now", "Ma\u0308kela", "Ma\u0308kela\u0308", ("half_grapheme",)),
        ("To 👨‍👩‍👧 , go", "👩‍👧 ,", "👨‍👩‍👧 ,", ("half_grapheme",)),
        ("Helsinki", "Helsin", "Helsin", ()),
        ("In Oulun", "Oulu", "Oulu", ()),
        ("* , *", ",", ",", ()),
    ],
)
def test_what_is_safe_is_put_right(tmp_path: Path, text: str, marked: str, right: str, codes: tuple[str, ...]) -> None:
    write_records(tmp_path / "g.jsonl", [gold("a", text, (marked, "ORG"))])
    done = fix(tmp_path / "g.jsonl", tmp_path / "out.jsonl")
    (record,) = (loads(line, GoldRecord) for line in (tmp_path / "out.jsonl").read_bytes().splitlines())
    assert [span.text for span in record.spans] == [right]
    assert bool(done) == (marked != right)
    assert all(set(codes) <= set(one.codes) for one in done)


def test_half_words_follow_the_whole_ones_of_the_file(tmp_path: Path) -> None:
    records = [
        gold("a", "Helsinki wins", ("Helsin", "GPE")),
        gold("b", "In Helsinki.", ("Helsinki.", "GPE")),
        gold("c", "Helsinki", ("Helsinki", "GPE")),
        gold("d", "Helsinki", ("Helsin", "ORG")),
        gold("e", "Helsinki", ("Helsin", "GPE"), lang="fi"),
    ]
    write_records(tmp_path / "g.jsonl", records)
    done = fix(tmp_path / "g.jsonl", tmp_path / "out.jsonl")
    assert [(one.id, one.codes, one.text) for one in done] == [
        ("a", ("half_word",), "Helsinki"),
        ("b", ("edge_punctuation",), "Helsinki"),
    ]


def test_spans_that_would_overlap_are_left_alone(tmp_path: Path) -> None:
    record = replace(gold("a", "e\u0301"), spans=(Span(0, 1, "GPE", "e"), Span(1, 2, "ORG", "\u0301")))
    write_records(tmp_path / "g.jsonl", [record])
    assert fix(tmp_path / "g.jsonl", tmp_path / "out.jsonl") == ()


def test_findings_and_fixes_leave_the_segment_of_an_annotation_as_it_is(tmp_path: Path) -> None:
    place = segment("In Oulu , now")
    write_records(tmp_path / "a.jsonl", [annotation(place, "ann", (" Oulu ,", "GPE"))])
    assert fix(tmp_path / "a.jsonl", tmp_path / "b.jsonl")
    (record,) = (loads(line, Annotation) for line in (tmp_path / "b.jsonl").read_bytes().splitlines())
    assert (record.segment, record.task, record.spans[0].text) == (place, TaskRef(1, 5), "Oulu")
    assert {finding.url for finding in check(tmp_path / "a.jsonl", url="http://h/").findings} == {
        "http://h/projects/1/data?task=5"
    }


@given(st.lists(st.tuples(st.sampled_from(HARD_TEXTS), st.integers(0, 99), st.integers(1, 99)), min_size=1, max_size=6))
def test_fixing_twice_is_fixing_once(tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[str, int, int]]) -> None:
    folder = tmp_path_factory.mktemp("fix")
    records = []
    for number, (text, start, length) in enumerate(drawn):
        at = start % len(text)
        end = min(len(text), at + length)
        spans = (Span(at, end, "GPE", text[at:end]),) if text[at:end].strip() else ()
        records.append(annotation(segment(text, doc_id=f"{number}.txt"), "ann"))
        records[-1] = replace(records[-1], spans=spans)
    write_records(folder / "a.jsonl", records)
    fix(folder / "a.jsonl", folder / "b.jsonl")
    assert "edge_space" not in check(folder / "b.jsonl").counts
    assert fix(folder / "b.jsonl", folder / "c.jsonl") == ()
    assert (folder / "b.jsonl").read_bytes() == (folder / "c.jsonl").read_bytes()


# -- exports ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    out = tmp_path / "out"
    records = [gold("a", "Turku is old.", ("Turku", "GPE"))]
    records[0] = replace(records[0], cats=dict.fromkeys(LITTLE.topic_ids, 0.0), accept=())
    export(records, out, schema=LITTLE, schema_bytes=SCHEMA_TEXT.encode(), splits="100/0/0", licence="cc0-1.0")
    return out


def test_an_untouched_export_has_no_findings(exported: Path) -> None:
    report = check(exported)
    assert (report.kind, report.records, report.findings) == ("export", 5, ())


def test_a_licence_must_be_filled_in(tmp_path: Path) -> None:
    record = replace(gold("a", "Turku"), cats=dict.fromkeys(LITTLE.topic_ids, 0.0), accept=())
    export([record], tmp_path / "out", schema=LITTLE, schema_bytes=SCHEMA_TEXT.encode())
    (finding,) = check(tmp_path / "out").findings
    assert (finding.code, finding.level) == ("no_licence", "warning")
    assert "LICENCE NOT FILLED IN" in (tmp_path / "out/README.md").read_text("utf-8")


def test_a_changed_a_missing_and_a_foreign_file(exported: Path) -> None:
    with (exported / "README.md").open("a") as card:
        card.write("x")
    (exported / "schema.yaml").unlink()
    (exported / "LICENSE").write_text("mine")
    report = check(exported)
    assert [(finding.code, finding.id, finding.line) for finding in report.findings] == [
        ("changed_file", "README.md", -1),
        ("missing_file", "schema.yaml", -1),
        ("unlisted_file", "LICENSE", -1),
    ]
    assert report.errors == 2


def test_spacy_files_are_compared_by_what_they_say(exported: Path) -> None:
    path = exported / "spacy/en/train.spacy"
    payload = zlib.decompress(path.read_bytes())
    path.write_bytes(zlib.compress(payload, level=1))
    assert check(exported).counts == {"recompressed_file": 1}
    path.write_bytes(zlib.compress(payload + b" "))
    assert check(exported).counts == {"changed_file": 1}
    path.write_bytes(b"no zlib")
    assert check(exported).counts == {"changed_file": 1}


@pytest.mark.parametrize("content", [None, "{", '{"format": "other"}', '{"format":"annotate-export/1","files":{"../x":"0"}}'])
def test_a_folder_without_a_manifest(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    (finding,) = check(tmp_path).findings
    assert (finding.code, finding.level) == ("no_manifest", "error")


def test_every_code_says_what_it_means_and_is_in_json() -> None:
    assert all(level in ("error", "warning") and meaning for level, meaning in CODES.values())
    shown = json.loads(dumps(Finding("half_word", "a", "m", "h", 3)))
    assert shown == {"code": "half_word", "id": "a", "message": "m", "hint": "h", "line": 3, "url": "", "level": "warning"}
    assert lint.Finding is Finding


def test_there_is_nothing_to_fix_in_segments(tmp_path: Path) -> None:
    write_records(tmp_path / "s.jsonl", segments(["  One. ", "Two. "]))
    assert fix(tmp_path / "s.jsonl", tmp_path / "out.jsonl") == ()
    assert (tmp_path / "out.jsonl").read_bytes() == (tmp_path / "s.jsonl").read_bytes()
