"""README says what the program does: every command, format and schema is in it, its examples run."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click
import pytest
import yaml

import annotate.testing
from annotate import schema
from annotate.cli import VERBS, cli
from annotate.detectors import DETECTORS
from annotate.exporters import EXPORTERS
from annotate.model import REGIONS, Segment

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("verb", VERBS)
def test_every_command_is_documented(verb: str) -> None:
    assert f"annotate {verb}" in README
    command = cli.get_command(click.Context(cli), verb)
    for name in getattr(command, "commands", {}):
        assert re.search(rf"annotate {verb}[ \w|\\]*\b{name}\b", README), f"annotate {verb} {name}"


@pytest.mark.parametrize("name", [*EXPORTERS, *DETECTORS, *REGIONS])
def test_every_part_is_named(name: str) -> None:
    assert name in README


def test_options_in_the_table_exist() -> None:
    rows = re.findall(r"^\| `annotate ([\w-]+)[^`]*` \| (.*) \|$", README, re.MULTILINE)
    assert len(rows) >= 9
    for verb, text in rows:
        command = cli.get_command(click.Context(cli), verb)
        assert command is not None
        known = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", text)) <= known, verb


def test_the_schema_example_is_valid() -> None:
    (example,) = [block for block in blocks("yaml") if block.startswith("schema:")]
    assert schema.check(example, "README.md") == []


def test_the_settings_example_is_valid(tmp_path: Path) -> None:
    from annotate.config import load

    (example,) = [block for block in blocks("yaml") if block.startswith("project:")]
    (tmp_path / "annotate.yaml").write_text(example, encoding="utf-8")
    assert load(tmp_path, {}, {}).annotators == tuple(yaml.safe_load(example)["annotators"])


def test_the_record_example_has_the_fields_of_a_segment() -> None:
    (example,) = blocks("json")
    assert list(json.loads(example)) == list(Segment.__dataclass_fields__)


def test_the_fake_server_example_is_the_one_that_is_tested() -> None:
    (example,) = [block for block in blocks("python") if "FakeLabelStudio" in block]
    lines = [line.strip() for line in example.splitlines() if line.strip()]
    documented = [line.strip() for line in str(annotate.testing.__doc__).splitlines()]
    assert [line for line in lines if line not in documented] == []


def test_the_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "kiln.txt").write_text("The potters of Mill Lane lit their new kiln on Friday evening.\n")
    (example,) = [block for block in blocks("python") if "Segmenter" in block]
    exec(example, {})
    assert capsys.readouterr().out.startswith("en body The potters")
