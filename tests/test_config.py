"""Settings and their origins."""

from __future__ import annotations

from pathlib import Path

import pytest

from annotate.config import load
from annotate.errors import ReadError, SchemaError


def test_flag_beats_environment_beats_file_beats_default(tmp_path: Path) -> None:
    (tmp_path / "annotate.yaml").write_text("project: from file\nschema: news\nannotators: [aino, ben]\n")
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    environment = {"ANNOTATE_PROJECT": "from environment", "ANNOTATE_SCHEMA": "environment"}
    config = load(deep, {"project": "from flag", "schema": None}, environment)
    assert config.workspace == tmp_path
    origins = {name: (setting.value, setting.origin) for name, setting in config.settings.items()}
    assert origins["project"] == ("from flag", "flag")
    assert origins["schema"] == ("environment", "ANNOTATE_SCHEMA")
    assert origins["annotators"] == ("aino,ben", "annotate.yaml:3")
    assert origins["label_studio.url"] == ("", "default")
    assert config.annotators == ("aino", "ben")


def test_without_a_file_the_current_folder_is_the_workspace(tmp_path: Path) -> None:
    config = load(tmp_path, {}, {})
    assert config.workspace == tmp_path
    assert config.annotators == ()


def test_every_problem_at_once_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "annotate.yaml").write_text("projekt: x\nlabel_studio:\n  urll: y\nschema: [[nested]]\n")
    with pytest.raises(SchemaError) as caught:
        load(tmp_path, {}, {})
    assert [(p.line, p.message.split("'")[0]) for p in caught.value.problems] == [
        (1, "unknown setting "),
        (3, "unknown setting "),
        (4, "schema must be a text or a list of texts"),
    ]
    assert "did you mean 'project'" in caught.value.message
    assert caught.value.exit_code == 3


def test_paths_are_relative_to_where_they_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "annotate.yaml").write_text("label_studio: {token_file: secret}\n")
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    assert load(Path.cwd(), {}, {}).folder_of("label_studio.token_file") == tmp_path
    assert load(Path.cwd(), {}, {"ANNOTATE_TOKEN_FILE": "x"}).folder_of("label_studio.token_file") == tmp_path / "deep"


@pytest.mark.parametrize("content", [b"a: [", b"\xff\xfe\x00"])
def test_a_file_that_is_no_yaml(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "annotate.yaml").write_bytes(content)
    with pytest.raises(ReadError, match=r"annotate\.yaml"):
        load(tmp_path, {}, {})


def test_an_empty_file_is_fine(tmp_path: Path) -> None:
    (tmp_path / "annotate.yaml").write_text("# nothing yet\n")
    assert load(tmp_path, {}, {})["schema"] == "default"
