"""The scripted annotators: valid, repeatable, and of two minds as often as people are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate import schema
from annotate.demo import ANNOTATORS, Answer, answer, corpus_folder
from annotate.errors import UnknownName
from annotate.model import require_spans

ANSWERS = json.loads((corpus_folder().parent / "answers.json").read_text("utf-8"))
TOPICAL = ("title", "body")


def said(annotator: str, text: str, doc_id: str, *, lang: str = "en", region: str = "body") -> Answer:
    given_answer = answer(annotator, doc_id=doc_id, segment_id="s1", text=text, lang=lang, region=region)
    assert given_answer is not None
    return given_answer


def found(annotator: str, text: str, doc_id: str) -> list[tuple[str, str]]:
    return [(span.text, span.label) for span in said(annotator, text, doc_id).spans]


def entities_of(page: dict) -> list[str]:
    return [entity for entities in page["entities"].values() for entity in entities]


@pytest.fixture(scope="module")
def pairs(pieces):
    """(piece, aino's answer, ben's answer) for what the news schema annotates."""
    return [
        (p, *(said(a.name, p.text, p.doc_id, lang=p.lang, region=p.region) for a in ANNOTATORS))
        for p in pieces
        if p.region in TOPICAL
    ]


def test_there_are_two_with_addresses_nobody_has():
    assert [(a.name, a.email) for a in ANNOTATORS] == [("aino", "aino@example.com"), ("ben", "ben@example.com")]


def test_answers_know_every_document_and_no_other(documents):
    assert set(ANSWERS) == set(documents)


def test_every_entity_stands_in_its_document_and_somebody_finds_it(documents):
    for doc_id, page in ANSWERS.items():
        text = documents[doc_id].text
        seen = {span.text for a in ANNOTATORS for span in said(a.name, text, doc_id, region="caption").spans}
        for entity in entities_of(page):
            assert entity in text, (doc_id, entity)
            assert any(entity in span for span in seen), (doc_id, entity)


def test_where_annotators_differ_is_about_something_in_the_document(documents):
    names = {a.name for a in ANNOTATORS}
    for doc_id, page in ANSWERS.items():
        text, entities = documents[doc_id].text, entities_of(page)
        assert set(page.get("differs", {})) <= names
        for view in page.get("differs", {}).values():
            assert set(view.get("topics", {})) <= set(page["topics"])
            assert {*view.get("relabels", {}), *view.get("widens", {})} <= set(entities)
            assert all(core in wide and wide in text for core, wide in view.get("widens", {}).items())
            assert "skips" not in view or text.count(view["skips"]) == 1


def test_labels_and_topics_are_those_of_the_news_schema(tmp_path):
    news = schema.load(schema.find("news", tmp_path))
    labels = {label.id for label in news.entities}
    groups = {group.id: group for group in news.topics}
    for doc_id, page in ANSWERS.items():
        views = list(page.get("differs", {}).values())
        assert set(page["entities"]) | {label for v in views for label in v.get("relabels", {}).values()} <= labels, doc_id
        assert set(page["topics"]) == set(groups), doc_id
        for topics in (page["topics"], *(v.get("topics", {}) for v in views)):
            for group, chosen in topics.items():
                assert set(chosen) <= {label.id for label in groups[group].labels}, doc_id
                assert len(chosen) == 1 or (groups[group].choice == "multi" and chosen), doc_id
    assert news.overlap == "nested"
    assert set(news.annotate_regions) == set(TOPICAL)


def test_answers_are_valid_and_spans_never_cross(pieces):
    for piece in pieces:
        for a in ANNOTATORS:
            given_answer = said(a.name, piece.text, piece.doc_id, lang=piece.lang, region=piece.region)
            require_spans(given_answer.spans, piece.text, piece.doc_id)
            assert given_answer.lead_time > 0
            for left, right in combinations(given_answer.spans, 2):
                assert left.end <= right.start or right.end <= left.end or left.start == right.start
            assert set(given_answer.topics) == {"topic", "genre"}
            assert all(given_answer.topics.values()) != given_answer.skipped


def test_agreement_is_well_above_chance_and_not_perfect(pairs):
    common = single = 0
    for _, aino, ben in pairs:
        if not (aino.skipped or ben.skipped):
            common += 2 * len(set(aino.spans) & set(ben.spans))
            single += len(aino.spans) + len(ben.spans)
    assert single > 400
    assert 0.8 <= common / single <= 0.95


def test_some_segments_are_settled_and_some_are_not(pairs):
    both = [(aino, ben) for _, aino, ben in pairs if not (aino.skipped or ben.skipped)]
    settled = sum(aino.spans == ben.spans and aino.topics == ben.topics for aino, ben in both)
    assert 0.3 < settled / len(both) < 0.7
    for group in ("topic", "genre"):
        differing = sum(aino.topics[group] != ben.topics[group] for aino, ben in both)
        assert 3 <= differing < len(both) / 3


def test_people_differ_in_human_ways(pairs):
    missed = wider = relabelled = nested = 0
    for _, aino, ben in pairs:
        places = {(s.start, s.end): s.label for s in ben.spans}
        for span in aino.spans:
            relabelled += places.get((span.start, span.end), span.label) != span.label
            wider += any(o.start < span.start and o.end == span.end and o.label == span.label for o in ben.spans)
            missed += all(o.end <= span.start or span.end <= o.start for o in ben.spans)
            nested += any(o != span and o.start <= span.start and span.end <= o.end for o in aino.spans)
    assert missed >= 10
    assert wider >= 3
    assert relabelled >= 3
    assert nested >= 3


def test_each_skips_one_segment_and_leaves_some_without_marks(pairs):
    for position in (1, 2):
        answers = [pair[position] for pair in pairs]
        assert sum(a.skipped for a in answers) == 1
        assert sum(not a.skipped and not a.spans for a in answers) >= 4
        assert sum(not a.spans and a.topics["topic"] == ("other_topic",) for a in answers) >= 2


def test_a_menu_is_about_nothing():
    assert said("ben", "Home\nBusiness\nLog in", "01-electric-ferry.html", region="navigation").topics["topic"] == (
        "other_topic",
    )


def test_unknown_documents_get_no_answer_and_unknown_people_an_error():
    assert answer("aino", doc_id="mine.txt", segment_id="s1", text="Turku", lang="en", region="body") is None
    with pytest.raises(UnknownName) as problem:
        answer("bne", doc_id="mine.txt", segment_id="s1", text="Turku", lang="en", region="body")
    assert "ben" in problem.value.hint


def test_the_same_answers_in_another_process(pieces):
    script = (
        "import json, sys\nfrom annotate.demo import answer\n"
        "for kind in json.load(sys.stdin):\n    print(answer('ben', segment_id='s', **kind))"
    )
    asked = json.dumps([{"doc_id": p.doc_id, "text": p.text, "lang": p.lang, "region": p.region} for p in pieces])
    runs = [
        subprocess.run(
            [sys.executable, "-X", "utf8", "-c", script],
            input=asked,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    assert runs[0].count("Answer(") == len(pieces)


@given(st.data())
def test_a_cut_between_lines_changes_no_span(pieces, data):
    piece = data.draw(st.sampled_from([p for p in pieces if p.region == "body" and p.text.count("\n") > 1]))
    who = data.draw(st.sampled_from(ANNOTATORS)).name
    cut = data.draw(st.sampled_from([at + 1 for at, character in enumerate(piece.text) if character == "\n"]))

    def spans(start: int, end: int) -> list[tuple[int, int, str]]:
        given_answer = said(who, piece.text[start:end], piece.doc_id, region="caption")
        return [(s.start + start, s.end + start, s.label) for s in given_answer.spans]

    assert spans(0, cut) + spans(cut, len(piece.text)) == spans(0, len(piece.text))


@pytest.mark.parametrize(
    ("doc_id", "text", "expected"),
    [
        ("01-electric-ferry.html", "the University of Turku", [("University of Turku", "ORG"), ("Turku", "GPE")]),
        ("01-electric-ferry.html", "Finlandia, Swedenborg", []),
        ("06-swaebingseon.html", "부산에서 핀란드와", [("부산", "GPE"), ("핀란드", "GPE")]),
        ("09-norrskar.txt", "Norrskärs 09-lag mot Falkvik", [("Falkvik", "ORG")]),
        ("17-phones-opinion.txt", "👩‍👩‍👧‍👦🇪🇪Estonia", [("Estonia", "GPE")]),
        ("18-yuki.txt", "今年の札幌市では", [("札幌市", "GPE")]),
        ("05-tahliya.html", "والعقبة بالعقبة شعقبة العقبةس", [("والعقبة", "GPE"), ("بالعقبة", "GPE")]),
        ("wire-he", "בחיפה ובחיפה נחיפה חיפהית", [("בחיפה", "GPE"), ("ובחיפה", "GPE")]),
        ("wire-th", "ไปเชียงใหม่ครับ", [("เชียงใหม่", "GPE")]),
        ("wire-hi", "जयपुर। जयपुरी", [("जयपुर", "GPE")]),
        ("11-cafe-da-serra.txt", "Viena, Viena\u0301", [("Viena", "GPE")]),
    ],
)
def test_entities_are_found_where_they_stand_as_words(doc_id, text, expected):
    assert found("aino", text, doc_id) == expected


def test_reading_takes_longer_than_skimming_a_menu():
    short, long = (said("aino", "word " * n, "01-electric-ferry.html").lead_time for n in (3, 300))
    assert long > 4 * short
