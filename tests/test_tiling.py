from __future__ import annotations

import itertools
import json
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotate.codec import dumps
from annotate.detectors import DETECTORS
from annotate.errors import UnknownName
from annotate.model import REGIONS, Block, Document, Tiling
from annotate.offsets import normalise
from annotate.readers.charset import decode_page
from annotate.readers.html import to_document
from annotate.readers.opening import Refused
from annotate.tiling import EXCERPT, FOREMOST, Segmenter
from annotate.tiling.decoding import REGION_INLINE, SWITCH, Scored, decode_languages, posteriors, viterbi
from annotate.tiling.units import BLANK, LINE, SENTENCE, UNIT, WORD, Suspect, cut, recut, run_ons, suspects
from tests.builders import HARD_TEXTS

EN = "The old lighthouse keeper walked down to the harbour and watched the fishing boats come home before the storm."
EN2 = "Nobody in the village remembered who had built the bridge, but everyone used it to cross the river in spring."
FI = "Vanha majakanvartija käveli alas satamaan ja katseli, kuinka kalastusveneet palasivat kotiin ennen myrskyä."
DE = "Der alte Leuchtturmwärter ging zum Hafen hinunter und sah zu, wie die Fischerboote vor dem Sturm nach Hause kamen."
RU = "Старый смотритель маяка спустился к гавани и смотрел, как рыбацкие лодки возвращаются домой перед бурей."
AR = "نزل حارس المنارة العجوز إلى الميناء وشاهد قوارب الصيد وهي تعود إلى البيت قبل العاصفة."
TH = "ผู้ดูแลประภาคารชราเดินลงไปที่ท่าเรือและเฝ้าดูเรือประมงกลับบ้านก่อนพายุจะมา"
KO = "늙은 등대지기는 항구로 내려가 폭풍이 오기 전에 고깃배들이 집으로 돌아오는 것을 지켜보았다."
JA = "年老いた灯台守は港まで歩いて行き、嵐の前に漁船が帰ってくるのを見ていた。"
ZH = "老灯塔看守人走到港口，看着渔船在暴风雨来临之前回家。"
NOTICE_FI = "Käytämme evästeitä, jotta sivusto toimisi paremmin. Voit muuttaa valintaasi milloin tahansa asetuksista."

LANGS = {"en": EN, "fi": FI, "de": DE, "ru": RU, "ar": AR, "th": TH, "ko": KO, "ja": JA, "zh": ZH}
SCRIPTS = {"ru": "Cyrl", "ar": "Arab", "th": "Thai", "ko": "Kore", "ja": "Jpan", "zh": "Hani"}


class OneRegion:
    """A region model to which everything is body."""

    REGIONS = REGIONS
    start = np.where(np.array(REGIONS) == "body", 0.0, -9.0)
    transitions = np.where(np.eye(len(REGIONS), dtype=bool), 0.0, -3.0)

    def score(self, text: str, blocks: Sequence[Block], foreign: Sequence[bool]) -> np.ndarray:
        assert len(blocks) == len(foreign)
        assert "".join(text[b.start : b.end] for b in blocks) == text
        return np.tile(np.where(np.array(REGIONS) == "body", 0.0, -6.0), (len(blocks), 1))

    def score_all(self, documents):
        return [self.score(*document) for document in documents]


class Marked(OneRegion):
    """Sees a notice where a block holds the mark."""

    def __init__(self, mark: str, region: str = "cookie_notice") -> None:
        self.mark, self.region = mark, REGIONS.index(region)

    def score(self, text, blocks, foreign):
        scores = super().score(text, blocks, foreign)
        for row, block in zip(scores, blocks, strict=True):
            if self.mark in text[block.start : block.end]:
                row[:] = -12.0
                row[self.region] = 0.0
        return scores


SEGMENTER = Segmenter(regions=OneRegion())


def tile(text: str, segmenter: Segmenter = SEGMENTER, **fields) -> Tiling:
    return segmenter.tile(Document("doc.txt", text, **fields))


def labels(tiling: Tiling) -> list[tuple[str, str]]:
    return [(segment.lang, segment.text.strip()) for segment in tiling.segments]


@pytest.mark.parametrize("lang", LANGS)
def test_one_language_is_one_segment(lang):
    (segment,) = tile(LANGS[lang]).segments
    assert segment.lang == lang
    assert segment.script == SCRIPTS.get(lang, "Latn")
    assert segment.lang_score > 0.9
    assert segment.region == "body"
    assert 0.5 < segment.region_score <= 1


@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(LANGS, 2)))
def test_two_paragraphs_in_two_languages_are_two_segments(first, second):
    text = f"{LANGS[first]}\n\n{LANGS[second]}\n"
    assert labels(tile(text)) == [(first, LANGS[first]), (second, LANGS[second])]


@pytest.mark.parametrize("lang", ["ru", "ar", "th", "ko", "zh"])
def test_another_script_inside_a_line_is_found_exactly(lang):
    text = f"{EN} {LANGS[lang]} {EN2}"
    assert labels(tile(text)) == [("en", EN), (lang, LANGS[lang]), ("en", EN2)]


def test_a_notice_that_runs_on_without_a_sign_is_cut_between_words():
    buttons = "Hyväksy kaikki evästeet Lue lisää tietosuojasta ja hyväksy ehdot"
    text = f"{EN}\n{buttons}\n{NOTICE_FI} Hyväksy kaikki Sulje ikkuna {EN2}\n{EN}"
    found = labels(tile(text))
    assert [lang for lang, _ in found] == ["en", "fi", "en"]
    assert found[1][1].startswith("Hyväksy kaikki")
    assert found[1][1].endswith("Sulje ikkuna")


def test_short_foreign_looking_lines_do_not_split_a_page():
    menu = "Menu\nLogin\nPizza Napoli\nMaria Lopez\nFacebook\nTwitter\nLa Paloma\nRestaurant\n12.3.2024\n"
    assert {s.lang for s in tile(f"{menu}{EN}\n{EN2}\n{menu}").segments} == {"en"}


def test_what_has_no_language_goes_with_its_region():
    text = f"{EN}\n\n2024-05-06 — 12:30\n\n{FI}\n"
    assert [s.lang for s in tile(text).segments] == ["en", "fi"]


def test_a_region_without_letters_is_undetermined():
    tiling = tile(f"{EN}\n\n12/34 — 56\n\n{EN2}", Segmenter(regions=Marked("12/34", "byline")))
    assert [(s.lang, s.region) for s in tiling.segments] == [("en", "body"), ("und", "byline"), ("en", "body")]
    assert tiling.segments[1].lang_score == 0.0
    assert tiling.segments[1].script == "Zyyy"


def test_regions_split_and_carry_their_languages():
    tiling = tile(f"{EN}\n\n{NOTICE_FI}\nHylkää\n\n{EN2}", Segmenter(regions=Marked("evästeitä")))
    assert [(s.lang, s.region) for s in tiling.segments][:2] == [("en", "body"), ("fi", "cookie_notice")]
    assert tiling.segments[-1].lang == "en"


@pytest.mark.parametrize(
    "text", ["😀👍🏽👨‍👩‍👧‍👦", "123 456\n789", "\u200b\u200d.", "\ue000 \uf8ff", "—", "QUJDREVG" * 500, "ᎣᏏᏲ"]
)
def test_nothing_is_guessed_without_evidence(text):
    (segment,) = tile(text).segments
    assert (segment.lang, segment.lang_score) == ("und", 0.0)


@pytest.mark.parametrize("text", HARD_TEXTS)
def test_hard_texts_tile(text):
    assert "".join(s.text for s in tile(text).segments) == text


HARD_CASES = {
    "one long line": f"{EN} {RU} " * 150,
    "empty lines": f"{EN}{chr(10) * 20_000}{FI}",
    "emoji": "😀👍🏽👨‍👩‍👧‍👦🇫🇮" * 300,
    "digits": "123 456\n789 " * 300,
    "zero-width characters": "\u200b\u200d\ufeff." * 500,
    "mixed scripts in a word": "pаypаl Αpple тest\n" * 100,
    "base64": f"{EN}\n{'QUJD+/REVG0x' * 500}==\n{FI}",
    "minified JSON": json.dumps([{"id": n, "tags": ["a", EN[:n]]} for n in range(100)], separators=(",", ":")),
    "private use": "\ue000 \uf8ff \U000f0000 \U0010fffd" * 300,
    "right-to-left marks": f"\u200f{AR}\u200f abc \u202bשלום\u202c " * 30,
    "no spaces": "字" * 3000,
    "Thai": TH * 50,
}


@pytest.fixture(scope="module")
def shipped() -> Segmenter:
    return Segmenter()


@pytest.mark.parametrize("case", HARD_CASES)
def test_hard_cases_tile_the_same_alone_and_among_others(shipped, case):
    document = Document("hard.txt", HARD_CASES[case])
    tiling = shipped.tile(document)
    assert "".join(s.text for s in tiling.segments) == document.text
    assert len({s.id for s in tiling.segments}) == len(tiling.segments)
    first, second, _ = shipped.tile_all([Document("other.txt", f"{FI}\n\n{DE}"), document, Document("last.txt", EN)])
    assert first.document.doc_id == "other.txt"
    assert as_bytes(second) == as_bytes(tiling)


def test_a_page_that_is_empty_without_its_scripts_is_refused():
    with pytest.raises(Refused):
        to_document("app.html", "<title>App</title><body><div id=root></div><script>render('Hello')</script>", {})


@pytest.mark.parametrize(
    ("declared", "text", "encoding", "lang"),
    [("<meta charset=windows-1251>", RU, "cp1251", "ru"), ("", FI, "cp1252", "fi"), ("", RU, "utf-8", "ru")],
)
def test_pages_of_other_encodings_are_tiled(declared, text, encoding, lang):
    page = decode_page(f"{declared}<p>{text}<p>{text}".encode(encoding))
    (segment,) = SEGMENTER.tile(to_document("page.html", page, {})).segments
    assert (segment.lang, segment.text.split("\n")[0]) == (lang, text)


def as_bytes(tiling: Tiling) -> bytes:
    return b"\n".join(map(dumps, tiling.segments))


@pytest.mark.parametrize(("lang", "other"), list(itertools.permutations(LANGS, 2)))
def test_a_paragraph_in_another_language_below_leaves_the_ids_above(lang, other):
    text = f"{LANGS[lang]}\n\n{LANGS[lang]}"
    before = [s.id for s in tile(text).segments]
    after = [s.id for s in tile(f"{text}\n\n{LANGS[other]}").segments]
    assert after[: len(before)] == before
    assert len(after) == len(before) + 1


def test_capitals_soft_hyphens_and_decomposed_letters_do_not_matter():
    import unicodedata

    for text in (FI.upper(), "\u00ad".join(FI), unicodedata.normalize("NFD", FI), f"\u200f{FI}\u200f"):
        (segment,) = tile(f"{text}\n").segments
        assert segment.lang == "fi"


PIECES = st.one_of(
    st.sampled_from(
        [*LANGS.values(), *HARD_TEXTS, "\n", "\n\n", " ", "\t", "OK", "Menu | Login » Home", "\u2028", "\x0c", "1.", "{}"]
    ),
    st.text(max_size=30),
)
TEXTS = st.lists(PIECES, min_size=1, max_size=8).map("".join).filter(str.strip)


@settings(deadline=None, max_examples=30)
@given(TEXTS)
def test_any_text_is_tiled_with_the_shipped_model_and_the_same_every_time(text):
    first, second = Segmenter().tile_all([Document("doc.txt", text)] * 2)
    assert "".join(s.text for s in first.segments) == text
    assert as_bytes(first) == as_bytes(second)


@settings(deadline=None, max_examples=150)
@given(TEXTS)
def test_any_text_is_tiled_the_same_way_twice(text):
    tiling = tile(text)
    assert "".join(s.text for s in tiling.segments) == text
    assert tiling == tile(text, Segmenter(regions=OneRegion()))
    for segment in tiling.segments:
        assert segment.text == text[segment.start : segment.end]
        assert segment.start == 0 or not segment.text[0].isspace()
        assert 0.0 <= segment.lang_score <= 1.0
        assert 0.0 <= segment.region_score <= 1.0
    for left, right in itertools.pairwise(tiling.segments):
        assert (left.lang, left.region) != (right.lang, right.region)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(["en", "fi", "ru", "ar", "ko", "th"]), min_size=1, max_size=4))
def test_appending_a_paragraph_changes_no_earlier_segment(langs):
    text = "\n\n".join(LANGS[lang] for lang in langs)
    before = tile(text).segments
    after = tile(f"{text}\n\n{JA}").segments
    assert [s.id for s in after][: len(before)] == [s.id for s in before]
    assert after[-1].lang == "ja"


def test_other_documents_leave_no_trace():
    alone = tile(EN)
    for text in LANGS.values():
        tile(text)
    assert tile(EN) == alone


@settings(deadline=None, max_examples=30)
@given(st.lists(TEXTS, min_size=1, max_size=6))
def test_documents_read_together_are_tiled_as_alone(texts):
    documents = [Document(f"{i}.txt", text) for i, text in enumerate(texts)]
    assert list(SEGMENTER.tile_all(documents)) == [SEGMENTER.tile(document) for document in documents]


def test_a_stream_is_read_no_further_than_needed(monkeypatch):
    monkeypatch.setattr("annotate.parallel.BATCH", 3)
    read = []

    def stream():
        for i in range(10):
            read.append(i)
            yield Document(f"{i}.txt", f"{EN}\n{i}")

    tilings = SEGMENTER.tile_all(stream())
    assert next(tilings).document.doc_id == "0.txt"
    assert read == [0, 1, 2]
    assert [tiling.document.doc_id for tiling in tilings] == [f"{i}.txt" for i in range(1, 10)]


def test_offsets_lead_back_to_the_source():
    raw = f"\ufeff{EN}\r\n\r\n{FI}\r\n"
    text, shifts = normalise(raw)
    first, second = tile(text, shifts=shifts, meta={"url": "x"}).segments
    assert raw[second.source.start : second.source.end].strip() == FI
    assert raw[first.source.start : first.source.end].strip() == EN
    assert second.meta == {"url": "x"}


def test_html_blocks_are_units_and_name_the_path():
    text = f"{EN}\n{FI}\n"
    blocks = (Block(0, len(EN) + 1, "html/body/p[1]"), Block(len(EN) + 1, len(text), "html/body/p[2]"))
    first, second = tile(text, blocks=blocks).segments
    assert (first.lang, first.source.path) == ("en", "html/body/p[1]")
    assert (second.lang, second.source.path) == ("fi", "html/body/p[2]")


def test_listed_languages_are_the_only_answers():
    only = Segmenter(languages=("en", "fi"), regions=OneRegion())
    assert [s.lang for s in tile(f"{EN}\n\n{FI}", only).segments] == ["en", "fi"]
    assert [s.lang for s in tile(f"{EN}\n\n{RU}", only).segments] == ["en", "und"]
    assert [s.lang for s in tile(RU, only).segments] == ["und"]


def test_a_listed_variety_is_the_answer_for_its_group():
    text = "Stari čuvar svetionika sišao je do luke i gledao kako se ribarski brodovi vraćaju kući pre oluje."
    for lang in ("sr", "bs", "hr"):
        assert [s.lang for s in tile(text, Segmenter(languages=(lang,), regions=OneRegion())).segments] == [lang]
    assert [s.lang for s in tile(text).segments] == ["sr"]


@pytest.mark.parametrize("name", list(DETECTORS))
def test_varieties_are_told_apart_whatever_the_detector_knows(name):
    text = "Stari čuvar svetionika sišao je do luke i gledao gde se ribarski brodovi vraćaju posle oluje sledeće nedelje."
    assert [s.lang for s in tile(text, Segmenter(detector=name, regions=OneRegion())).segments] == ["sr"]


def test_unknown_names_are_refused():
    with pytest.raises(UnknownName) as caught:
        Segmenter(languages=("en", "qq"), regions=OneRegion())
    assert "qq" in caught.value.message
    with pytest.raises(UnknownName):
        Segmenter(detector="py3lang", regions=OneRegion())


@pytest.mark.parametrize("name", list(DETECTORS))
def test_every_detector_drives_the_decoder(name):
    text = f"{EN}\n\n{FI}\n\n{RU}\n\n{KO}"
    assert [s.lang for s in tile(text, Segmenter(detector=name, regions=OneRegion())).segments] == ["en", "fi", "ru", "ko"]


# Explanations


@settings(deadline=None, max_examples=60)
@given(TEXTS)
def test_an_explanation_says_of_every_unit_what_decided_it(text):
    document = Document("doc.txt", text)
    units = SEGMENTER.explain(document)
    assert [unit.start for unit in units] == [0, *(unit.end for unit in units[:-1])]
    assert units[-1].end == len(text)
    for unit in units:
        assert unit.text == text[unit.start : unit.end].strip()[:EXCERPT]
        assert len(unit.regions) == FOREMOST
        assert len(unit.langs) in (0, FOREMOST)
        for scores in (unit.langs, unit.regions):
            assert [score for _, score in scores] == sorted((score for _, score in scores), reverse=True)
    segments = SEGMENTER.tile(document).segments
    for unit in units:
        (segment,) = [s for s in segments if s.start <= unit.start and unit.end <= s.end]
        assert segment.region == unit.region


def test_an_explanation_names_what_the_scores_favour():
    first, second, third = SEGMENTER.explain(Document("doc.txt", f"{EN}\n\n{FI}\n12 / 34\n"))
    assert (first.gap, first.lang, first.langs[0], first.region) == ("line", "en", ("en", 0.0), "body")
    assert (second.gap, second.lang, second.langs[0]) == ("blank line", "fi", ("fi", 0.0))
    assert (third.gap, third.langs, third.regions[0]) == ("line", (), ("body", 0.0))


# Units


def units_of(text: str) -> list[tuple[str, int]]:
    units = cut(Document("d", text))
    return [(text[b.start : b.end], gap) for b, gap in zip(units.blocks, units.gaps.tolist(), strict=True)]


def test_lines_are_units_and_white_space_belongs_to_the_one_before():
    assert units_of("\n one\n\n\n  two \nthree\n ") == [("\n one\n\n\n  ", LINE), ("two \n", BLANK), ("three\n ", LINE)]


def test_long_lines_are_cut_at_sentence_ends_in_any_script():
    for one, two in ((EN, EN2), (AR, AR), (ZH, JA)):
        assert units_of(f"{one} {two}") == [(f"{one} ", LINE), (two, SENTENCE)]
    assert units_of(f"{ZH}{JA}") == [(ZH, LINE), (JA, SENTENCE)]


def test_short_lines_and_crumbs_are_not_cut():
    assert len(units_of("One. Two. Three. Four.")) == 1
    assert len(units_of(f"Hm. {EN}")) == 1


def test_letters_of_another_script_begin_a_unit():
    assert units_of(f"{EN[:-1]} {RU}") == [(f"{EN[:-1]} ", LINE), (RU, WORD)]


@given(st.text(min_size=1).filter(str.strip))
def test_units_tile_the_text(text):
    units = cut(Document("d", text))
    assert "".join(text[b.start : b.end] for b in units.blocks) == text
    assert all(text[b.start : b.end].strip() for b in units.blocks)
    assert not any(text[b.start].isspace() for b in units.blocks[1:])


def test_absurd_lines_are_cut_all_the_same():
    for text in ("a" * 5000, "word " * 2000, "字" * 5000):
        pieces = units_of(text)
        assert "".join(piece for piece, _ in pieces) == text
        assert all(len(piece) <= UNIT for piece, _ in pieces)


def test_many_empty_lines_are_one_gap():
    assert [gap for _, gap in units_of("one" + "\n" * 100_000 + "two")] == [LINE, BLANK]


def test_long_documents_are_tiled():
    text = f"{EN} " * 3000 + "\n" + f"{RU}\n" * 3000
    assert [s.lang for s in tile(text).segments] == ["en", "ru"]


def test_a_run_on_is_cut_where_the_words_change():
    text = "alpha beta gamma ONE TWO THREE\nFOUR FIVE"
    units = cut(Document("d", text))
    found = suspects(text, units, np.array([0, 1]))
    assert found == [Suspect(0, 0, 1, [0, 6, 11, 17, 21, 25], ["alpha ", "beta ", "gamma ", "ONE ", "TWO ", "THREE\n"])]
    scores = np.array([[-3.0, 0.0] if word.isupper() else [0.0, -3.0] for word in found[0].words])
    places = run_ons(found, scores)
    assert places == {0: text.index("ONE")}
    again = recut(units, places)
    assert [(b.start, b.end) for b in again.blocks] == [(0, 17), (17, 31), (31, 40)]
    assert again.gaps.tolist() == [LINE, WORD, LINE]


def test_units_away_from_a_change_of_language_are_not_suspected():
    text = "one two three\nfour five six\nseven eight nine\nten eleven twelve"
    units = cut(Document("d", text))
    assert [one.unit for one in suspects(text, units, np.array([0, 0, 1, 1]))] == [1, 2]
    assert suspects(text, units, np.array([1, 1, 1, 1])) == []


# The decoder


def brute_force(langs, regions, gaps, start, transitions):
    states = list(itertools.product(range(langs.shape[1]), range(regions.shape[1])))

    def weight(path):
        total = start[path[0][1]]
        for i, (lang, region) in enumerate(path):
            total += langs[i, lang] + regions[i, region]
            if i:
                before, part = path[i - 1]
                changed = int(part != region)
                total += transitions[part, region] - REGION_INLINE[gaps[i]] * changed
                total -= SWITCH[gaps[i], changed] if lang != before else 0.0
        return total

    return {path: weight(path) for path in itertools.product(states, repeat=len(langs))}


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 5), st.booleans())
def test_languages_alone_are_decoded_as_with_one_region(seed, n, width, ties):
    rng = np.random.default_rng(seed)
    langs, gaps = rng.normal(0, 6, (n, width)), rng.integers(0, 4, n)
    if ties:
        langs = langs.round(-1)
    ((expected, _),) = viterbi([Scored(langs, np.zeros((n, 1)), gaps)], np.zeros(1), np.zeros((1, 1)))
    assert decode_languages(langs, gaps).tolist() == expected.tolist()


def random_document(rng, n: int, width: int, parts: int) -> Scored:
    return Scored(rng.normal(0, 9, (n, width)), rng.normal(0, 5, (n, parts)), rng.integers(0, 4, n))


def test_long_sequences_do_not_vanish():
    document = random_document(np.random.default_rng(0), 3000, 3, 2)
    model = np.zeros(2), np.log([[0.9, 0.1], [0.1, 0.9]])
    (path,) = viterbi([document], *model)
    for sure in posteriors([document], [path], *model)[0]:
        assert np.isfinite(sure).all()
        assert sure.mean() > 0.9


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.lists(st.tuples(st.integers(1, 40), st.integers(1, 3)), min_size=1, max_size=9))
def test_documents_side_by_side_are_decoded_as_alone(seed, sizes):
    rng = np.random.default_rng(seed)
    documents = [random_document(rng, n, width, 4) for n, width in sizes]
    model = rng.normal(0, 1, 4), rng.normal(-1, 1, (4, 4))
    paths = viterbi(documents, *model)
    shares = posteriors(documents, paths, *model)
    for document, path, sure in zip(documents, paths, shares, strict=True):
        ((langs, regions),) = viterbi([document], *model)
        assert (langs.tolist(), regions.tolist()) == (path[0].tolist(), path[1].tolist())
        (alone,) = posteriors([document], [path], *model)
        assert [part.tolist() for part in alone] == [part.tolist() for part in sure]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 3), st.integers(1, 2))
def test_viterbi_and_posteriors_equal_brute_force(seed, n, width, parts):
    rng = np.random.default_rng(seed)
    langs, regions = rng.normal(0, 5, (n, width)), rng.normal(0, 3, (n, parts))
    gaps, start = rng.integers(0, 4, n), rng.normal(0, 1, parts)
    transitions = rng.normal(-1, 1, (parts, parts))
    weights = brute_force(langs, regions, gaps, start, transitions)
    best = max(weights, key=weights.__getitem__)
    document = Scored(langs, regions, gaps)
    (path,) = viterbi([document], start, transitions)
    assert tuple(zip(*(p.tolist() for p in path), strict=True)) == best
    total = np.logaddexp.reduce(list(weights.values()))
    ((lang_sure, region_sure),) = posteriors([document], [path], start, transitions)
    for i, (lang, region) in enumerate(best):
        same_lang = [w for p, w in weights.items() if p[i][0] == lang]
        same_region = [w for p, w in weights.items() if p[i][1] == region]
        assert lang_sure[i] == pytest.approx(np.exp(np.logaddexp.reduce(same_lang) - total), abs=1e-9)
        assert region_sure[i] == pytest.approx(np.exp(np.logaddexp.reduce(same_region) - total), abs=1e-9)
