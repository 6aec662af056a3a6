"""CoNLL-2003 columns: readable by others, one tag a token, nothing lost uncounted."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from spacy.training.converters import conll_ner_to_docs

from annotate.exporters import EXPORTERS, Options
from annotate.exporters.iob2 import write
from annotate.exporters.tags import tag_names
from annotate.model import GoldRecord
from annotate.spacy_docs import tokenize
from tests.exporters.records import SCHEMA, SPLITS, TOTAL, gold, records

COMMENT = re.compile("# [a-z_]+ = ")


def blocks(path: Path) -> list[list[list[str]]]:
    """Rows of columns, block by block; comments and document marks left out."""
    kept = "\n".join(line for line in path.read_bytes().decode().split("\n") if not COMMENT.match(line))
    rows = [[line.split(" ") for line in block.split("\n") if line] for block in kept.split("\n\n")]
    return [block for block in rows if block and block[0][:2] != ["-DOCSTART-", "-X-"]]


def entities(rows: list[list[str]]) -> Iterator[tuple[str, str]]:
    """What a strict IOB2 reader finds: every entity begins with B-, and I- continues one of its own label."""
    words: list[str] = []
    label = ""
    for token, _, _, tag in [*rows, ["", "", "", "O"]]:
        if tag.startswith("I-"):
            assert tag[2:] == label
            words.append(token)
            continue
        if words:
            yield " ".join(words), label
        words, label = ([token], tag[2:]) if tag.startswith("B-") else ([], "")


def test_the_file_as_a_whole(tmp_path: Path) -> None:
    done = write(SPLITS, tmp_path, Options(SCHEMA, source="g.jsonl"))
    assert (tmp_path / "iob2/en/train.conll").read_text(encoding="utf-8") == (
        "-DOCSTART- -X- O O\n\n"
        "# id = a\n# doc_id = d 1\\nß\n# start = 0\n# lang = en\n# region = body\n# split = dev\n# topics = culture\n"
        "# text = University of Turku e\u0301\n"
        "University _ _ B-ORG\nof _ _ I-ORG\nTurku _ _ I-ORG\ne\u0301 _ _ O\n\n"
        "# id = b\n# doc_id = d 1\\nß\n# start = 0\n# lang = en\n# region = body\n# split = dev\n# topics = calm\n"
        "# text = \\n# Seven  Brothers\\n\\n\n"
        "# _ _ O\nSeven _ _ B-ART_BOOK\nBrothers _ _ I-ART_BOOK\n\n"
        "-DOCSTART- -X- O O\n\n"
        "# id = e\n# doc_id = e\n# start = 0\n# lang = en\n# region = body\n# split = dev\n"
        "# text = The Turkuans 👩‍👩‍👧 sing\n"
        "The _ _ B-LOC\nTurkuans _ _ O\n👩 _ _ O\n\u200d _ _ O\n👩 _ _ O\n\u200d _ _ O\n👧 _ _ O\nsing _ _ O\n\n"
    )
    codes = [(item.id, item.code, item.source) for item in done.rejects]
    assert codes == [
        ("d", "overlap", "g.jsonl"),
        ("a", "overlap", "g.jsonl"),
        ("e", "misaligned", "g.jsonl"),
        ("c", "overlap", "g.jsonl"),
    ]
    assert done.rejects[1].reason == (
        "iob2: LOC 'Turku' [14, 19) overlaps ORG 'University of Turku' [0, 19), and a token has one tag"
    )
    assert done.spans_out == TOTAL - 4
    assert done.manifest["topics_in_comments"] == 6
    text = " ".join(done.limits)
    assert "overlap a longer one (`rejects.jsonl`): 3" in text
    assert "topics are in comments only: 6" in text
    assert "look as if no topic held: 2" in text


def test_spans_in_the_files_are_the_spans_counted(tmp_path: Path) -> None:
    done = write(SPLITS, tmp_path, Options(SCHEMA))
    found = [entity for path in tmp_path.rglob("*.conll") for block in blocks(path) for entity in entities(block)]
    assert len(found) == done.spans_out
    assert ("부 산 대 학 교", "ORG") in found


def test_a_token_that_looks_like_a_document_mark_is_none(tmp_path: Path) -> None:
    write({"dev": [gold("x", "-DOCSTART- here")]}, tmp_path, Options(SCHEMA))
    raw = (tmp_path / "iob2/en/dev.conll").read_text("utf-8")
    assert raw.count("-DOCSTART- -X-") == 1


def test_spacy_reads_it_without_the_comments(tmp_path: Path) -> None:
    write(SPLITS, tmp_path, Options(SCHEMA))
    raw = (tmp_path / "iob2/en/train.conll").read_text("utf-8")
    plain = "".join(line for line in raw.splitlines(keepends=True) if not COMMENT.match(line))
    first, second = conll_ner_to_docs(plain, no_print=True)
    assert [(ent.text, ent.label_) for ent in first.ents] == [
        ("University of Turku", "ORG"),
        ("Seven Brothers", "ART_BOOK"),
    ]
    assert [(ent.text, ent.label_) for ent in second.ents] == [("The", "LOC")]


@pytest.mark.parametrize("lang", ["fr", "vi", "zh", "ja", "pt", "tr"])
def test_tokens_are_those_of_the_language(tmp_path: Path, lang: str) -> None:
    text = "l'été  d'Ouidah\u00a0: 3\u202f000 名"
    write({"dev": [gold("x", text, lang=lang)]}, tmp_path, Options(SCHEMA))
    (rows,) = blocks(tmp_path / f"iob2/{lang}/dev.conll")
    assert [row[0] for row in rows] == [word for word in tokenize(text, lang).words if not word.isspace()]
    assert "".join(row[0] for row in rows) == "".join(text.split())


@given(records())
def test_any_record_makes_four_columns_of_known_tags(record: GoldRecord) -> None:
    with tempfile.TemporaryDirectory() as folder:
        done = write({"train": [record]}, Path(folder), Options(SCHEMA))
        found = blocks(Path(folder) / f"iob2/{record.meta.lang}/train.conll")
    rows = [row for block in found for row in block]
    assert all(len(row) == 4 for row in rows)
    assert {row[3] for row in rows} <= set(tag_names(SCHEMA))
    assert "".join(row[0] for row in rows) == "".join(record.text.split())
    assert sum(1 for _ in entities(rows)) == done.spans_out == len(record.spans) - len(done.rejects)


def test_it_is_registered_by_name() -> None:
    assert EXPORTERS.get("iob2") is write
