"""The working folder of quickstart: made once, never somebody else's."""

from __future__ import annotations

from pathlib import Path

import pytest

from annotate.demo.quickstart import _name, _workspace
from annotate.errors import UsageError


def test_the_demo_corpus_is_copied_into_a_new_folder(tmp_path: Path) -> None:
    (documents,) = _workspace(tmp_path / "new", [], "annotate demo", ["aino", "ben"])
    assert len(list(Path(documents).iterdir())) > 10
    assert _workspace(tmp_path / "new", [], "annotate demo", ["aino", "ben"]) == [documents]


def test_a_folder_with_other_things_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(UsageError, match="not empty"):
        _workspace(tmp_path, [], "annotate demo", [])


def test_the_folder_of_another_project_is_refused(tmp_path: Path) -> None:
    _workspace(tmp_path, ["pages"], "quickstart pages", [])
    with pytest.raises(UsageError, match="another project"):
        _workspace(tmp_path, ["other"], "quickstart other", [])


@pytest.mark.parametrize(
    ("path", "name"),
    [("corpus/pages.jsonl.gz", "pages-"), ("my pages (old)", "my-pages-old-"), ("/", "input-"), ("x" * 60, "x" * 20 + "-")],
)
def test_short_names_for_documents(path: str, name: str) -> None:
    assert _name([path]).startswith(name)
    assert len(_name([path])) == len(name) + 6


def test_other_documents_have_another_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert _name(["pages"]) == _name([tmp_path / "pages"])
    assert len({_name(["a/pages"]), _name(["b/pages"]), _name(["a/pages", "b/pages"])}) == 3


def test_the_folder_may_not_lie_among_the_documents(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="among the documents"):
        _workspace(tmp_path / "annotate-quickstart", [tmp_path], "quickstart x", [])
    assert list(tmp_path.iterdir()) == []


def test_people_may_add_to_the_settings(tmp_path: Path) -> None:
    where = tmp_path / "new"
    _workspace(where, ["pages"], "quickstart pages", [])
    (where / "annotate.yaml").write_text((where / "annotate.yaml").read_text() + "# ours\nannotators: [eve]\n")
    assert _workspace(where, ["pages"], "quickstart pages", []) == ["pages"]
