"""The private list of annotators."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from annotate import agreement, pseudonyms
from annotate.errors import AnnotateError, ReadError


def test_who_joins_later_gets_the_next_number(tmp_path: Path) -> None:
    path = pseudonyms.list_near(tmp_path / "annotations.jsonl")
    pseudonyms.keep(path, agreement.pseudonyms(["cy", "ann"], pseudonyms.read(path)))
    later = agreement.pseudonyms(["bo", "cy", "ann", "al"], pseudonyms.read(path))
    assert later == {"al": "A3", "ann": "A1", "bo": "A4", "cy": "A2"}
    pseudonyms.keep(path, later)
    assert pseudonyms.read(path) == later
    assert agreement.pseudonyms(["bo"], pseudonyms.read(path)) == {"bo": "A4"}


def test_it_lies_in_the_workspace_and_is_private(tmp_path: Path) -> None:
    (tmp_path / "annotate.yaml").write_text("schema: news\n")
    path = pseudonyms.list_near(tmp_path / "data" / "annotations.jsonl")
    assert path == tmp_path / ".annotate" / "annotators.json"
    pseudonyms.keep(path, {"ann@example.org": "A1"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (path.parent / ".gitignore").read_text() == "*\n"


def test_without_a_workspace_it_lies_beside_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert pseudonyms.list_near("data/annotations.jsonl") == tmp_path / "data" / ".annotate" / "annotators.json"
    assert pseudonyms.list_near("-") == tmp_path / ".annotate" / "annotators.json"


def test_it_is_written_only_when_somebody_is_new(tmp_path: Path) -> None:
    path = tmp_path / ".annotate" / "annotators.json"
    pseudonyms.keep(path, {})
    assert not path.parent.exists()
    pseudonyms.keep(path, {"ann": "A1", "bo": "A2"})
    before = path.stat().st_mtime_ns
    pseudonyms.keep(path, {"bo": "A2"})
    assert path.stat().st_mtime_ns == before


def test_two_runs_at_once_do_not_share_a_pseudonym(tmp_path: Path) -> None:
    path = tmp_path / ".annotate" / "annotators.json"
    pseudonyms.keep(path, {"ann": "A1"})
    for given in ({"bo": "A1"}, {"ann": "A2"}):
        with pytest.raises(AnnotateError, match="another run"):
            pseudonyms.keep(path, given)
    assert pseudonyms.read(path) == {"ann": "A1"}


@pytest.mark.parametrize("content", ["", "[]", '{"ann": 1}', "{", '{"ann": "A1", "bo": "A1"}'])
def test_a_damaged_list_is_not_used(tmp_path: Path, content: str) -> None:
    path = tmp_path / "annotators.json"
    path.write_text(content)
    with pytest.raises(ReadError, match=r"annotators\.json"):
        pseudonyms.read(path)


def test_names_of_any_kind(tmp_path: Path) -> None:
    path = tmp_path / ".annotate" / "annotators.json"
    given = agreement.pseudonyms(["Zoë", "李", 'a "b" <c@example.org>'])
    pseudonyms.keep(path, given)
    assert pseudonyms.read(path) == json.loads(path.read_bytes()) == given
