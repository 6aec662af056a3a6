"""The whole line on a real Label Studio, through the command line, as a new user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin

from annotate import codec
from annotate.cli import main
from annotate.model import Annotation, GoldRecord, Segment
from tests.conftest import Live

pytestmark = pytest.mark.live


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines()


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("user")


def test_web_pages_become_a_gold_dataset(
    live: Live, workplace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(workplace)
    # A real server named in the environment must never get invented annotations.
    monkeypatch.setenv("LABEL_STUDIO_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "not-to-be-used")

    assert main(["quickstart", "--json"]) == 0
    out = json.loads(capsys.readouterr().out)
    folder = workplace / "annotate-quickstart"
    steps = out["steps"]

    segments = [codec.loads(line, Segment) for line in lines(folder / "segments.jsonl")]
    assert steps["segment"]["segments"] == len(segments)
    assert steps["segment"]["rejected"] == 0
    assert len({segment.lang for segment in segments} - {"und"}) >= 8
    assert {"body", "title", "cookie_notice", "related", "navigation"} <= {segment.region for segment in segments}

    annotations = [codec.loads(line, Annotation) for line in lines(folder / "annotations.jsonl")]
    assert {annotation.annotator for annotation in annotations} == {"aino@example.com", "ben@example.com"}
    assert steps["pull"]["annotations"] + steps["pull"]["skipped"] == len(annotations) == steps["push"]["created"]

    gold = [codec.loads(line, GoldRecord) for line in lines(folder / "gold.jsonl")]
    assert steps["adjudicate"]["conflicts"] == len(lines(folder / "gold.conflicts.jsonl")) > 0
    assert steps["adjudicate"]["gold"] == len(gold) > 0

    dataset = Path(out["dataset"])
    docs = [
        (doc, path.parent.name)
        for path in sorted((workplace / dataset).glob("spacy/*/*.spacy"))
        for doc in DocBin().from_disk(path).get_docs(spacy.blank("xx").vocab)
    ]
    assert len(docs) == len(gold) == steps["export"]["records"]
    assert {doc.text for doc, _ in docs} == {record.text for record in gold}
    spans = sum(len(doc.spans["sc"]) for doc, _ in docs)
    assert spans + steps["export"]["rejected"] >= sum(len(record.spans) for record in gold) == steps["export"]["spans_in"]
    assert steps["export"]["spans_in"] == steps["export"]["spans_out"]


def test_running_it_again_doubles_nothing(
    live: Live, workplace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(workplace)
    folder = workplace / "annotate-quickstart"
    before = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    assert main(["quickstart", "--json"]) == 0
    steps = json.loads(capsys.readouterr().out)["steps"]

    assert steps["push"]["created"] == steps["push"]["updated"] == steps["push"]["retired"] == 0
    assert steps["push"]["unchanged"] == steps["pull"]["annotations"] + steps["pull"]["skipped"]
    assert steps["annotate"] == {"submitted": 0, "skipped": 0, "unknown": 0}
    after = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert after == before


def test_own_documents_wait_for_people(
    live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "kiln.txt").write_text("The kiln on Mill Lane\n\nThe potters of Mill Lane lit their new kiln on Friday evening.\n")

    assert main(["quickstart", "pages", "--json"]) == 0
    out = json.loads(capsys.readouterr().out)

    assert out["waiting_for_people"] is True
    assert out["steps"]["push"]["created"] > 0
    assert out["steps"]["pull"]["annotations"] == 0
    assert "annotate" not in out["steps"]
    assert "adjudicate" not in out["steps"]
