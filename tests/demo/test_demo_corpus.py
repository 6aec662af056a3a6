"""What a new user sees first must be what it promises to be."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

from annotate.demo import corpus_folder
from annotate.model import REGIONS

_PROMISED = {"ar", "de", "el", "en", "es", "fi", "fr", "he", "hi", "ja", "ko", "pl", "pt", "ru", "sv", "th", "uk", "zh"}


def test_the_corpus_is_small_and_sorted_by_number():
    files = sorted(corpus_folder().iterdir())
    assert [path.name[:3] for path in files] == [f"{number:02}-" for number in range(1, len(files) + 1)]
    assert {path.suffix for path in files} == {".html", ".txt", ".jsonl"}
    assert sum(path.stat().st_size for path in files) < 120_000


def test_every_document_is_read_and_labelled(documents, expected):
    assert len(documents) >= 20
    assert set(documents) == set(expected)


def test_the_labelled_lines_are_the_lines_of_the_documents(documents, expected):
    for doc_id, labels in expected.items():
        lines = [line.strip() for line in documents[doc_id].text.split("\n") if line.strip()]
        assert [line[:80].rstrip() for line in lines] == [label.line.rstrip() for label in labels], doc_id


def test_languages_and_regions_are_the_promised_ones(pieces):
    assert {piece.lang for piece in pieces if piece.region == "body"} == _PROMISED
    assert {piece.region for piece in pieces} == set(REGIONS)
    assert "und" in {piece.lang for piece in pieces}


def test_scripts(pieces):
    names = ("LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "DEVANAGARI", "THAI", "HANGUL", "CJK", "HIRAGANA")
    letters = {character for piece in pieces if piece.region == "body" for character in piece.text if character.isalpha()}
    seen = {unicodedata.name(letter).split()[0] for letter in letters}
    assert seen >= set(names)


def test_cookie_notices_come_in_the_pages_language_and_in_others(pieces):
    bodies, notices = {}, {}
    for piece in pieces:
        if piece.region == "body":
            bodies.setdefault(piece.doc_id, set()).add(piece.lang)
        if piece.region == "cookie_notice":
            notices[piece.doc_id] = piece.lang
    foreign = {doc_id: lang for doc_id, lang in notices.items() if lang not in bodies[doc_id]}
    assert {(min(bodies[doc_id]), lang) for doc_id, lang in foreign.items()} >= {("en", "fi"), ("de", "fr"), ("ko", "en")}
    assert len(notices) - len(foreign) >= 10


def test_one_page_is_bilingual(pieces):
    langs = {piece.lang for piece in pieces if piece.doc_id == "08-kouluverkko.txt" and piece.region in ("title", "body")}
    assert langs == {"fi", "sv"}


def test_a_page_about_cookies_is_body(pieces):
    texts = {piece.region: piece.text for piece in pieces if piece.doc_id == "07-oat-cookies.html"}
    assert texts["body"].lower().count("cookies") >= 5
    assert "cookies" in texts["cookie_notice"]


def test_hard_text(documents):
    def raw(name: str) -> bytes:
        return (corpus_folder() / name).read_bytes()

    assert raw("09-norrskar.txt").count(b"\r\n") == raw("09-norrskar.txt").count(b"\n") > 30
    assert "\r" not in documents["09-norrskar.txt"].text
    nfd = documents["11-cafe-da-serra.txt"].text
    assert nfd == unicodedata.normalize("NFD", nfd) != unicodedata.normalize("NFC", nfd)
    polish = documents["10-czytnik.txt"].text
    assert "\u00a0" in polish
    assert re.search(r"\w\.  \w", polish)
    opinion = documents["17-phones-opinion.txt"].text
    assert "👩‍👩‍👧‍👦 Headteacher" in opinion
    assert "🇪🇪 Estonia" in opinion


def test_records_of_jsonl_keep_their_other_keys(documents):
    wire = [document for doc_id, document in documents.items() if doc_id.startswith("wire-")]
    assert len(wire) >= 5
    for document in wire:
        assert {"url", "site", "fetched_at"} <= set(document.meta)


def test_no_two_documents_share_a_long_line(documents):
    owners: dict[str, str] = {}
    for doc_id, document in documents.items():
        for line in document.text.split("\n"):
            if len(line) > 40:
                assert owners.setdefault(line, doc_id) == doc_id


def test_neighbouring_pieces_differ(pieces):
    for left, right in pairwise(pieces):
        assert (left.doc_id, left.lang, left.region) != (right.doc_id, right.lang, right.region)
