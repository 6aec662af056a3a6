"""`annotate evaluate`."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from annotate.cli import main

GOLD = {
    "id": "a",
    "text": "The kiln is lit.\nKäytämme evästeitä.",
    "segments": [
        {"start": 0, "end": 17, "lang": "en", "region": "body"},
        {"start": 17, "end": 36, "lang": "fi", "region": "cookie_notice"},
    ],
    "kind": "news",
}
ENGLISH = "The potters of Mill Lane lit their new kiln on Friday evening, and half the street came to watch.\n\n"
FINNISH = "Käytämme evästeitä, jotta sivusto toimii paremmin. Hyväksy kaikki evästeet tai muuta asetuksia.\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write("gold.jsonl", GOLD, {**GOLD, "id": "b", "kind": "forum"})
    return tmp_path


def write(name: str, *rows: dict[str, object]) -> None:
    Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def test_a_table_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "gold.jsonl", "gold.jsonl", "--by", "kind"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("2 documents, 62 characters, by character\n")
    for words in (
        "lang_acc 1.0000",
        "cookie_exact 1.0000",
        "false_split -",
        "cookie_notice       1.0000",
        "\nforum ",
        "\nnews ",
    ):
        assert words in out
    assert err == ""


def test_one_json_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "gold.jsonl", "gold.jsonl", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert set(content) == {
        "schema_version",
        "method",
        "figures",
        "by_region",
        "by_lang",
        "by",
        "missing",
        "extra",
        "rejected",
    }
    assert content["figures"]["documents"] == 2
    assert content["figures"]["false_split"] is None


def test_missing_predictions_are_findings(capsys: pytest.CaptureFixture[str]) -> None:
    write("pred.jsonl", GOLD, {**GOLD, "id": "c"})
    assert main(["evaluate", "gold.jsonl", "pred.jsonl"]) == 3
    out, err = capsys.readouterr()
    assert out.startswith("1 documents")
    assert "1 gold documents have no prediction and are not in the figures: b" in err
    assert "1 predicted documents have no gold" in err
    assert main(["evaluate", "gold.jsonl", "pred.jsonl", "--json"]) == 3
    content = json.loads(capsys.readouterr().out)
    assert (content["missing"], content["extra"]) == (["b"], 1)


def test_many_missing_are_named_in_part(capsys: pytest.CaptureFixture[str]) -> None:
    write("many.jsonl", GOLD, *({**GOLD, "id": f"m{number}"} for number in range(9)))
    write("pred.jsonl", GOLD)
    assert main(["evaluate", "many.jsonl", "pred.jsonl"]) == 3
    assert "9 gold documents have no prediction and are not in the figures: m0, m1, m2, m3, m4, m5, m6, m7 …" in (
        capsys.readouterr().err
    )


def test_ids_that_do_not_fit(capsys: pytest.CaptureFixture[str]) -> None:
    write("pred.jsonl", {**GOLD, "id": "z"})
    assert main(["evaluate", "gold.jsonl", "pred.jsonl"]) == 3
    assert "the gold has 'a'" in capsys.readouterr().err


def test_a_badly_tiled_prediction_is_rejected(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write("pred.jsonl", GOLD, {**GOLD, "id": "b", "segments": GOLD["segments"][:1]})
    assert main(["evaluate", "gold.jsonl", "pred.jsonl"]) == 5
    assert "1 rejected: 1 badly tiled" in capsys.readouterr().err
    (line,) = (here / "pred.evaluate.rejects.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["reason"] == "segments of 'b': they end at 17, the text at 36"


def test_nothing_to_use_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    write("bad.jsonl", {"id": "a", "text": "abc", "segments": []})
    assert main(["evaluate", "bad.jsonl", "gold.jsonl"]) == 1
    assert "bad.jsonl" in capsys.readouterr().err
    assert main(["evaluate", "gold.jsonl", "nowhere.jsonl"]) == 1


def test_words_when_the_texts_differ_or_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    other = {**GOLD, "id": "a.html", "text": "The kiln  is lit\nKäytämme evästeitä."}
    write("pred.jsonl", other, {**GOLD, "id": "b"})
    assert main(["evaluate", "gold.jsonl", "pred.jsonl"]) == 0
    assert "by aligned words, 0.9355 of them found" in capsys.readouterr().out
    assert main(["evaluate", "--html", "gold.jsonl", "gold.jsonl"]) == 0
    assert "by aligned words, 1.0000 of them found" in capsys.readouterr().out


def test_a_segmentation_by_pipe(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    (here / "docs.jsonl").write_text(json.dumps({"id": "a", "text": ENGLISH + FINNISH}), encoding="utf-8")
    assert main(["segment", "docs.jsonl"]) == 0
    stream = io.BytesIO(capsysbinary.readouterr().out)
    english, finnish = (0, len(ENGLISH), "en", "body"), (len(ENGLISH), len(ENGLISH + FINNISH), "fi", "cookie_notice")
    parts = [dict(zip(("start", "end", "lang", "region"), part, strict=True)) for part in (english, finnish)]
    write("gold.jsonl", {"id": "a", "text": ENGLISH + FINNISH, "segments": parts})
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(stream))
    assert main(["evaluate", "gold.jsonl", "-", "--json"]) == 0
    assert json.loads(capsysbinary.readouterr().out)["figures"]["lang_acc"] == 1.0
