"""spaCy files: a folder per language, nothing lost uncounted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import DocBin

from annotate.exporters import EXPORTERS, Options
from annotate.exporters.docbin import write
from annotate.model import GoldMeta, GoldRecord, Span
from annotate.schema import parse
from annotate.spacy_docs import Align, payload_sha256

SCHEMA = parse(
    "schema: t\nentities: {overlap: any, labels: [ORG, LOC]}\ntopics: [{id: theme, labels: [sport, culture]}]\n", "t.yaml"
)


def gold(id: str, text: str, *parts: tuple[str, str], lang: str = "en") -> GoldRecord:
    spans = tuple(sorted(Span(text.index(p), text.index(p) + len(p), label, p) for p, label in parts))
    meta = GoldMeta(id, id, lang, "body", 0, len(text), "dev", id, "t@1.0.0", SCHEMA.sha256, "single", 1, ("A1",), -1.0)
    return GoldRecord(id, text, spans, {"sport": 0.0, "culture": 1.0}, ("culture",), "accept", meta)


SPLITS = {
    "train": [
        gold("a", "University of Turku e\u0301", ("University of Turku", "ORG"), ("Turku", "LOC")),
        gold("b", "부산대학교에서", ("부산대학교", "ORG"), ("부산", "LOC"), lang="ko"),
        gold("c", "أعلنت بلدية طنجة أمس", ("بلدية طنجة", "ORG"), ("طنجة", "LOC"), lang="ar"),
        gold("d", "The Turkuans 👩‍👩‍👧 sing", ("The Turku", "LOC"), ("uans", "ORG")),
    ],
    "test": [gold("e", "Oslo <b>&amp;</b>", ("Oslo", "LOC"), lang="no"), gold("f", "  Nada.\n", lang="und")],
}


def test_one_folder_per_language_and_every_file_loads(tmp_path: Path) -> None:
    done = write(SPLITS, tmp_path, Options(SCHEMA))
    files = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.spacy"))
    assert files == [
        "spacy/ar/train.spacy",
        "spacy/en/train.spacy",
        "spacy/ko/train.spacy",
        "spacy/no/test.spacy",
        "spacy/und/test.spacy",
    ]
    texts = {record.id: record.text for records in SPLITS.values() for record in records}
    found, spans = {}, 0
    for name in files:
        tokenizer = done.manifest["tokenizers"][name.split("/")[1]]
        nlp = spacy.blank(tokenizer["blank"], config={"nlp": {"tokenizer": tokenizer["tokenizer"]}})
        for doc in DocBin().from_disk(tmp_path / name).get_docs(nlp.vocab):
            found[doc.user_data["id"]] = doc.text
            spans += len(doc.spans["sc"])
            assert [t.text for t in nlp.tokenizer(doc.text)] == [t.text for t in doc]
            assert doc.cats == {"sport": 0.0, "culture": 1.0}
        assert done.manifest["payload_sha256"][name] == payload_sha256((tmp_path / name).read_bytes())
    assert found == texts
    assert spans == done.spans_out


def test_losses_and_moves_are_counted_and_listed(tmp_path: Path) -> None:
    done = write(SPLITS, tmp_path, Options(SCHEMA, source="g.jsonl"))
    total = sum(len(record.spans) for records in SPLITS.values() for record in records)
    (lost,) = done.rejects
    assert total == done.spans_out + 1
    assert (lost.code, lost.id, lost.source) == ("misaligned", "d", "g.jsonl")
    assert "'uans' [8, 12)" in lost.reason
    assert "'Turkuans'" in lost.reason
    assert json.loads(lost.record)["text"] == "The Turkuans 👩‍👩‍👧 sing"
    assert done.adjusted == 1
    (moved,) = (json.loads(line) for line in (tmp_path / "spacy/adjusted.jsonl").read_bytes().splitlines())
    assert (moved["id"], moved["text"], moved["new_text"], moved["new_start"], moved["new_end"]) == (
        "d",
        "The Turku",
        "The",
        0,
        3,
    )
    assert done.manifest["spans_not_in_ents"] == 3
    assert any("`rejects.jsonl`): 1" in limit for limit in done.limits)


@pytest.mark.parametrize(("align", "rejected", "adjusted"), [("contract", 1, 1), ("strict", 2, 0), ("expand", 0, 2)])
def test_alignment_is_a_choice(tmp_path: Path, align: Align, rejected: int, adjusted: int) -> None:
    done = write(SPLITS, tmp_path, Options(SCHEMA, align=align))
    assert (len(done.rejects), done.adjusted) == (rejected, adjusted)
    assert (tmp_path / "spacy/adjusted.jsonl").exists() == bool(adjusted)


def test_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write(SPLITS, tmp_path / name, Options(SCHEMA))
    for path in (tmp_path / "one").rglob("*.spacy"):
        assert path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()


def test_what_the_card_says_to_load_a_file_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = write(SPLITS, tmp_path, Options(SCHEMA))
    monkeypatch.chdir(tmp_path)
    code = done.usage.split("```python\n")[1].split("```")[0]
    scope: dict[str, Any] = {}
    exec(code, scope)
    (doc,) = scope["docs"]
    assert doc.text == "أعلنت بلدية طنجة أمس"


def test_it_is_registered_by_name() -> None:
    assert EXPORTERS.get("spacy") is write
