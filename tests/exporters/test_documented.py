"""exports/README.md: every format has its section, its record is a real one, its snippet loads."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from annotate.dataset import Answers, export
from annotate.exporters import EXPORTERS
from annotate.model import Annotation, GoldRecord
from annotate.schema import load
from annotate.store import read_records

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests/data/example"
README = (ROOT / "exports/README.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### ([a-z0-9-]+)\n(.*?)(?=^### |\Z)", README, re.DOTALL | re.MULTILINE))


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", SECTIONS[name], re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exports") / "example"
    frozen = Path(shutil.copy(DATA / "gold.splits.jsonl", out.parent))
    schema, seen = DATA / "schema.yaml", list[Any]()
    export(
        read_records(DATA / "gold.jsonl", GoldRecord, seen.append, step="export"),
        out,
        schema=load(schema),
        schema_bytes=schema.read_bytes(),
        formats=list(EXPORTERS),
        frozen=frozen,
        answers=Answers(lambda: list(read_records(DATA / "annotations.jsonl", Annotation, seen.append, step="export"))),
    )
    assert not seen
    return out


def test_every_format_has_a_section() -> None:
    assert set(SECTIONS) == set(EXPORTERS)


@pytest.mark.parametrize("name", [name for name in EXPORTERS if name != "spacy"])
def test_the_record_is_a_real_one(name: str, folder: Path) -> None:
    (example,) = blocks(name, "text" if name == "iob2" else "json")
    contents = [path.read_text("utf-8") for path in (folder / name).rglob("*.*")]
    if name == "iob2":
        assert any(content.rstrip("\n") == example.rstrip("\n") for content in contents)
    else:
        assert any(example in content.splitlines(keepends=True) for content in contents)


@contextmanager
def inside(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield


@pytest.mark.parametrize("name", list(EXPORTERS))
@pytest.mark.parametrize("place", ["README", "card"])
def test_the_snippet_loads_what_was_exported(
    name: str, place: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if place == "README":
        (snippet,) = blocks(name, "python")
    else:
        head = {"jsonl": 'load_dataset("PATH/TO/THIS/FOLDER")', "hf": "FOLDER/hf"}.get(name, f'"{name}/')
        card = (folder / "README.md").read_text("utf-8")
        (snippet,) = [block for block in re.findall(r"```python\n(.*?)```", card, re.DOTALL) if head in block]
        snippet = snippet.replace("PATH/TO/THIS/FOLDER", str(folder))
    scope: dict[str, Any] = {}
    with inside(folder, monkeypatch):
        exec(snippet, scope)
    if place == "README":
        (output,) = blocks(name, "output")
        assert capsys.readouterr().out == output
    match name:
        case "spacy" | "spacy-json":
            assert scope["docs"]
            assert all(doc.spans["sc"] and doc.cats for doc in scope["docs"])
        case "doccano":
            assert ("Whitby", "LOC") in scope["spans"] or ("부산", "LOC") in scope["spans"]
        case "iob2":
            assert any(tag.startswith("B-") for rows in scope["sentences"] for _, tag in rows)
            assert all(tag[0] in "BIO" for rows in scope["sentences"] for _, tag in rows)
        case "webanno":
            assert ("Whitby", "LOC") in scope["found"] or ("부산", "LOC") in scope["found"]
        case "raw":
            assert any(set(said) == {"A1", "A2"} for said in scope["answers"].values())
        case "hf":
            assert scope["names"][0] == "O"
            assert scope["topics"] == ["culture", "education", "sport"]
        case "jsonl":
            assert scope.get("records") or scope["data"]
