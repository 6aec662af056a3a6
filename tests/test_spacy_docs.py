"""Tokenizers, alignment, DocBin bytes."""

from __future__ import annotations

import io
from dataclasses import asdict
from functools import cache
from itertools import cycle

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.tokens import Span as DocSpan

from annotate import spacy_docs
from annotate.errors import AnnotateError, InvariantError
from annotate.model import GoldMeta, GoldRecord, Span
from annotate.spacy_docs import (
    ATTRS,
    SPANS_KEY,
    Align,
    BuiltDoc,
    Tokens,
    TokenSpan,
    build_doc,
    payload_sha256,
    read_docbin,
    tokenize,
    tokenizer_config,
    tokenizer_for,
    without_overlaps,
    write_docbin,
)

HARD = {
    "emoji": "Hi 👩‍👩‍👧!  Bye 🇫🇮.",
    "nfd": "cafe\u0301 Lumie\u0300re — e\u0301te\u0301",
    "markup": "A <b>&amp;</b>  B\u00a0C",
    "lines": "One\n\n\tTwo \u2028 three\u200b\u00ad.\n",
    "arabic": "افتتحت بلدية طنجة مكتبةً، أمس.",
    "hangul": "부산대학교에서 첫 강의를 했다.",
    "jamo": "\u1107\u116e\u1109\u1161\u11ab \u1112\u1161\u11ab",
    "thai": "ทีมลำปางชนะ สองประตู",
    "japanese": "札幌の図書館は、今日も開く。",
    "chinese": "图书馆今天开放。",
    "hebrew": "הספרייה פתוחה בע״מ.",
    "blank": " \n ",
    "empty": "",
}
LANGS = ["en", "fi", "ar", "he", "hi", "ko", "ja", "th", "zh", "vi", "no", "und", "lo", "my", "bo", "sw", "fil"]


def gold(text: str, *marks: tuple[int, int, str], lang: str = "en", cats: dict[str, float] | None = None) -> GoldRecord:
    spans = tuple(sorted(Span(start, end, label, text[start:end]) for start, end, label in marks))
    cats = cats or {}
    meta = GoldMeta(
        "d/1.txt", "s1", lang, "body", 7, 7 + len(text), "train", "d/1.txt", "t@1.0.0", "0" * 64, "single", 1, ("A1",), -1.0
    )
    return GoldRecord("s1", text, spans, cats, tuple(label for label, value in cats.items() if value), "accept", meta)


def mark(text: str, part: str, label: str = "X") -> tuple[int, int, str]:
    start = text.index(part)
    return start, start + len(part), label


def stored(record: GoldRecord, align: Align = "contract") -> list[tuple[str, str]]:
    return [(item.span.label, item.span.text) for item in build_doc(record, align).spans]


def whole(tokens: Tokens) -> str:
    return "".join(word + " " * space for word, space in zip(tokens.words, tokens.spaces.tolist(), strict=True))


def docbin_bytes(built: list[BuiltDoc]) -> bytes:
    out = io.BytesIO()
    digest = write_docbin(built, out)
    assert digest == payload_sha256(out.getvalue())
    return out.getvalue()


@cache
def rebuilt(lang: str) -> Language:
    """A pipeline from what the manifest says of a language."""
    config = tokenizer_config(lang)
    return spacy.blank(config["blank"], config={"nlp": {"tokenizer": config["tokenizer"]}})


def as_spacy_does(record: GoldRecord, align: Align = "contract") -> Doc:
    """The record's document, made with spaCy's own means throughout."""
    doc = rebuilt(record.meta.lang).tokenizer(record.text)
    found = {}
    for span in record.spans:
        start = span.start + len(span.text) - len(span.text.lstrip())
        end = span.end - len(span.text) + len(span.text.rstrip())
        if align == "strict" and (start, end) != (span.start, span.end):
            continue
        item = doc.char_span(start, end, label=span.label, alignment_mode=align)
        inner = [token.i for token in item or () if not token.is_space]
        if inner:
            item = DocSpan(doc, inner[0], inner[-1] + 1, label=span.label)
            found.setdefault((item.start_char, item.end_char, span.label), item)
    doc.spans[SPANS_KEY] = ordered = [found[place] for place in sorted(found)]
    kept: list[DocSpan] = []
    for item in sorted(ordered, key=lambda item: (item.start - item.end, item.start, item.label_)):
        if all(item.end <= other.start or other.end <= item.start for other in kept):
            kept.append(item)
    doc.set_ents(sorted(kept, key=lambda item: item.start), default="outside")
    doc.cats = dict(record.cats)
    doc.user_data.update(id=record.id, **asdict(record.meta))
    return doc


# ── tokenizers ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("text", HARD.values(), ids=HARD)
def test_no_tokenizer_changes_a_text(lang: str, text: str) -> None:
    tokens = tokenize(text, lang)
    assert whole(tokens) == text
    assert [text[start:end] for start, end in zip(tokens.starts, tokens.ends, strict=True)] == tokens.words


@pytest.mark.parametrize(
    ("lang", "blank", "tokenizer"),
    [
        ("en", "en", "spacy.Tokenizer.v1"),
        ("no", "nb", "spacy.Tokenizer.v1"),
        ("nn", "nn", "spacy.Tokenizer.v1"),
        ("und", "xx", "spacy.Tokenizer.v1"),
        ("sw", "xx", "spacy.Tokenizer.v1"),
        ("pt-BR", "pt", "spacy.Tokenizer.v1"),
        ("ko", "ko", "spacy.zh.ChineseTokenizer"),
        ("ja", "ja", "spacy.zh.ChineseTokenizer"),
        ("th", "th", "spacy.zh.ChineseTokenizer"),
        ("zh", "zh", "spacy.zh.ChineseTokenizer"),
        ("lo", "xx", "spacy.zh.ChineseTokenizer"),
        ("vi", "vi", "spacy.vi.VietnameseTokenizer"),
    ],
)
def test_tokenizer_for(lang: str, blank: str, tokenizer: str) -> None:
    nlp, name = tokenizer_for(lang)
    assert (nlp.lang, name) == (blank, tokenizer)


@pytest.mark.parametrize("lang", LANGS)
def test_a_tokenizer_is_rebuilt_from_its_configuration(lang: str) -> None:
    for text in HARD.values():
        assert [t.text for t in rebuilt(lang).tokenizer(text)] == tokenize(text, lang).words


def test_a_text_longer_than_a_parser_takes_is_tokenized() -> None:
    text = "word " * 250_000
    assert len(tokenize(text, "en")) == 250_000


@pytest.mark.parametrize(("text", "words"), [("a  b", ["a", "b"]), ("a-b", ["a", "b"]), ("a b", ["a", "b", "c"])])
def test_a_tokenizer_that_changes_the_text_is_refused(text: str, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    nlp = spacy.blank("xx")
    nlp.tokenizer = lambda _: Doc(nlp.vocab, words=words)
    monkeypatch.setattr(spacy_docs, "tokenizer_for", lambda lang: (nlp, "broken"))
    with pytest.raises(InvariantError, match=f"changed a text of {len(text)}"):
        tokenize(text, "en")


def test_words_are_forgotten_before_they_fill_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenize("", "xx")
    first = tokenizer_for("xx")
    known = sum(len(vocab) for vocab in spacy_docs._VOCABS)  # rules of the languages that other tests have used
    monkeypatch.setattr(spacy_docs, "FORGET_AFTER", known + 50)
    texts = [f"word{number}" for number in range(120)]
    assert [tokenize(text, "xx").words for text in texts] == [[text] for text in texts]
    assert tokenizer_for("xx") is not first


# ── alignment ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_span_is_kept_and_the_longest_is_the_entity() -> None:
    text = "The University of Turku opened."
    record = gold(text, mark(text, "University of Turku", "ORG"), mark(text, "Turku", "LOC"), mark(text, "The University", "X"))
    built = build_doc(record)
    assert stored(record) == [("X", "The University"), ("ORG", "University of Turku"), ("LOC", "Turku")]
    assert [(e.span.label, e.span.text) for e in built.ents] == [("ORG", "University of Turku")]
    assert built.n_nested == 2
    assert not built.adjusted
    assert not built.misaligned


def test_of_equally_long_spans_the_earlier_then_the_first_by_label_is_the_entity() -> None:
    spans = [TokenSpan(Span(i, j, label, "text"), i, j) for i, j, label in [(1, 3, "A"), (0, 2, "B"), (0, 2, "A"), (3, 4, "Z")]]
    assert [(s.first, s.last, s.span.label) for s in without_overlaps(spans)] == [(0, 2, "A"), (3, 4, "Z")]
    assert without_overlaps(spans[::-1]) == without_overlaps(spans)


def test_a_korean_entity_without_its_particle_aligns() -> None:
    text = "김하늘은 부산대학교에서 강의를 했다."
    record = gold(text, mark(text, "김하늘", "PERSON"), mark(text, "부산대학교", "ORG"), mark(text, "부산", "LOC"), lang="ko")
    assert stored(record, "strict") == [("PERSON", "김하늘"), ("LOC", "부산"), ("ORG", "부산대학교")]


@pytest.mark.parametrize("lang", ["ja", "th", "zh", "lo", "my", "bo", "ko"])
def test_in_languages_of_characters_every_span_aligns(lang: str) -> None:
    text = "ก้าว 札幌の 图书馆 ໂຮງ e\u0301👩‍👩‍👧"
    for start in range(len(text)):
        for end in range(start + 1, len(text) + 1):
            if text[start:end] == text[start:end].strip():
                assert stored(gold(text, (start, end, "X"), lang=lang), "strict") == [("X", text[start:end])]


def test_half_words() -> None:
    text = "New Yorkers love Turku-born singers"
    record = gold(text, mark(text, "New York", "LOC"), mark(text, "ove", "X"), mark(text, "Turku", "LOC"))
    contract, strict, expand = (build_doc(record, align) for align in ("contract", "strict", "expand"))
    assert [(was.text, now.text) for was, now in contract.adjusted] == [("New York", "New")]
    assert [lost.span.text for lost in contract.misaligned] == ["ove"]
    assert [lost.span.text for lost in strict.misaligned] == ["New York", "ove"]
    assert not strict.adjusted
    assert [(was.text, now.text) for was, now in expand.adjusted] == [("New York", "New Yorkers"), ("ove", "love")]
    assert not expand.misaligned
    assert stored(record) == [("LOC", "New"), ("LOC", "Turku")]


def test_a_misaligned_span_is_shown_among_its_tokens() -> None:
    text = "I love Turku"
    (lost,) = build_doc(gold(text, mark(text, "ov", "X")), "strict").misaligned
    assert lost.tokens == ("I", "love", "Turku")
    assert str(lost) == "X 'ov' [3, 5) does not fall on whole tokens: 'I' 'love' 'Turku'"


def test_white_space_at_the_ends_is_never_part_of_an_entity() -> None:
    text = "in  \n\nTurku \n today"
    record = gold(text, (3, 13, "LOC"))
    assert text[3:13] == " \n\nTurku \n"
    assert stored(record) == stored(record, "expand") == [("LOC", "Turku")]
    (lost,) = build_doc(record, "strict").misaligned
    assert lost.span.start == 3


def test_a_span_that_contracts_onto_a_token_of_spaces_loses_it() -> None:
    text = "firms  today"
    assert stored(gold(text, (0, 8, "X"))) == [("X", "firms")]
    assert stored(gold("a  b", (2, 4, "X")), "expand") == [("X", "b")]


def test_two_spans_that_alignment_makes_one_are_counted_once() -> None:
    text = "old Turku"
    record = gold(text, (4, 9, "LOC"), (2, 9, "LOC"), (4, 9, "ORG"))
    built = build_doc(record)
    assert stored(record) == [("LOC", "Turku"), ("ORG", "Turku")]
    assert [(lost.span.start, lost.merged) for lost in built.misaligned] == [(4, True)]
    assert "aligns to the same tokens as another LOC" in str(built.misaligned[0])


def test_spans_are_in_the_order_they_have_after_alignment() -> None:
    assert stored(gold("old Turku", (2, 9, "Z"), (4, 9, "A"))) == [("A", "Turku"), ("Z", "Turku")]


def test_topics_provenance_and_a_true_negative() -> None:
    (doc,) = read_docbin(docbin_bytes([build_doc(gold("Nothing here.", cats={"sport": 0.0, "culture": 1.0}))]))
    assert doc.cats == {"sport": 0.0, "culture": 1.0}
    assert doc.user_data["id"] == "s1"
    assert {key: doc.user_data[key] for key in ("doc_id", "segment_id", "lang", "region", "start", "end", "decided_by")} == {
        "doc_id": "d/1.txt",
        "segment_id": "s1",
        "lang": "en",
        "region": "body",
        "start": 7,
        "end": 20,
        "decided_by": "single",
    }
    assert {token.ent_iob_ for token in doc} == {"O"}


texts = st.text(alphabet=st.sampled_from("ab Tü-'.\n\u00a0\u0301\u200d👩부ก札اب"), max_size=24)


@settings(deadline=None, max_examples=150)
@given(st.data(), st.sampled_from(["en", "ko", "ar", "fr", "und"]), st.sampled_from(["contract", "strict", "expand"]))
def test_alignment_laws(data: st.DataObject, lang: str, align: Align) -> None:
    text = data.draw(texts.filter(lambda t: bool(t.strip())))
    ends = st.tuples(st.integers(0, len(text)), st.integers(0, len(text)), st.sampled_from("XY"))
    marks = data.draw(st.sets(ends.filter(lambda m: bool(text[m[0] : m[1]].strip())), max_size=5))
    record = gold(text, *marks, lang=lang)
    built = build_doc(record, align)
    spans = [(s.span.start, s.span.end, s.span.label) for s in built.spans]
    assert len(spans) + len(built.misaligned) == len(record.spans)
    assert len(set(spans)) == len(spans)
    assert all(text[start:end] == text[start:end].strip() for start, end, _ in spans)
    assert set(built.ents) <= set(built.spans)
    assert bool(built.ents) == bool(spans)
    for was, now in built.adjusted:
        assert now.text == text[now.start : now.end]
        if align == "contract":
            assert was.start <= now.start < now.end <= was.end
    if align == "strict":
        assert not built.adjusted
    if align == "expand":
        assert all(lost.merged for lost in built.misaligned)


# ── bytes ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_docbin_holds_everything() -> None:
    text = "The University of Turku 👩‍👩‍👧 opened."
    one = gold(text, mark(text, "University of Turku", "ORG"), mark(text, "Turku", "LOC"), cats={"sport": 0.0, "culture": 1.0})
    two = gold("Nothing <b>&amp;</b> e\u0301.", cats={"sport": 0.0})
    three = gold("", cats={})
    docs = list(read_docbin(docbin_bytes([build_doc(record) for record in (one, two, three)])))
    for record, doc in zip((one, two, three), docs, strict=True):
        theirs = as_spacy_does(record)
        assert doc.text == record.text
        assert doc.cats == record.cats
        assert doc.user_data == theirs.user_data
        for kept, found in ((theirs.spans[SPANS_KEY], doc.spans[SPANS_KEY]), (theirs.ents, doc.ents)):
            assert [(s.start, s.end, s.label_) for s in kept] == [(s.start, s.end, s.label_) for s in found]
        assert [t.ent_iob_ + t.ent_type_ for t in doc] == [t.ent_iob_ + t.ent_type_ for t in theirs]
    assert docs[1].has_annotation("ENT_IOB")


@settings(deadline=None, max_examples=100)
@given(st.data(), st.sampled_from(["en", "ko", "ar", "vi", "und"]), st.sampled_from(["contract", "strict", "expand"]))
def test_a_document_is_what_spacy_would_make_of_it(data: st.DataObject, lang: str, align: Align) -> None:
    text = data.draw(texts.filter(lambda t: bool(t.strip())))
    ends = st.tuples(st.integers(0, len(text)), st.integers(0, len(text)), st.sampled_from(["ORG", "X"]))
    marks = data.draw(st.sets(ends.filter(lambda m: bool(text[m[0] : m[1]].strip())), max_size=5))
    record = gold(text, *marks, lang=lang, cats={"sport": 0.0, "culture": 1.0})
    assert docbin_bytes([build_doc(record, align)]) == docbin_of([as_spacy_does(record, align)])


def docbin_of(docs: list[Doc]) -> bytes:
    """What spaCy writes, without the words of columns that are not stored: forms in lower case, for the most part."""
    theirs = DocBin(attrs=ATTRS, store_user_data=True, docs=docs)
    theirs.strings = {token.text for doc in docs for token in doc}
    theirs.strings |= {span.label_ for doc in docs for span in doc.spans[SPANS_KEY]}
    return theirs.to_bytes()


@pytest.mark.parametrize("count", [0, 1, 20, 300])
def test_a_file_of_many_documents_is_byte_for_byte_spacys(count: int) -> None:
    texts = [text for text in HARD.values() if text]
    records = [
        gold(text * (n % 40 + 1), *[(0, 1, "ORG")] * bool(text[:1].strip()), cats={"sport": float(n % 2)})
        for n, text in zip(range(count), cycle(texts), strict=False)
    ]
    assert docbin_bytes([build_doc(record) for record in records]) == docbin_of([as_spacy_does(record) for record in records])


def test_docbin_bytes_do_not_depend_on_what_was_tokenized_before() -> None:
    text = "Don't feed the Turku ducks"
    record = gold(text, mark(text, "Turku", "LOC"), cats={"b": 1.0, "a": 0.0})
    before = docbin_bytes([build_doc(record)])
    tokenize("ducks don't feed Turku 👩‍👩‍👧 the", "en")
    tokenizer_for.cache_clear()
    assert docbin_bytes([build_doc(record)]) == before
    assert len(payload_sha256(before)) == 64
    other = docbin_bytes([build_doc(gold(text))])
    assert payload_sha256(other) != payload_sha256(before)


def test_a_docbin_that_would_not_fit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spacy_docs, "MAX_TOKENS", 3)
    assert docbin_bytes([build_doc(gold("a b c"))])
    with pytest.raises(AnnotateError, match="at most 3 tokens"):
        docbin_bytes([build_doc(gold("a b")), build_doc(gold("c d"))])
