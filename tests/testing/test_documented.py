"""The example in the documentation of `annotate.testing`, and its fixture, as a user's test file has them."""

from __future__ import annotations

import inspect
import subprocess
import sys
import textwrap
from pathlib import Path

from annotate import testing

CONFTEST = "from annotate.testing.plugin import label_studio  # noqa: F401  a fixture is used by its name\n"

TEST = """
import os

from annotate.cli import main
from annotate.testing import FakeLabelStudio


def test_my_script(label_studio: FakeLabelStudio) -> None:
    assert os.environ["LABEL_STUDIO_URL"] == label_studio.url
    assert main(["pull", "--project", "nothing yet"]) == 4
    assert [request.method for request in label_studio.requests].count("GET") >= 3
"""


def example() -> str:
    lines = inspect.cleandoc(str(testing.__doc__)).splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("    "))
    last = max(number for number, line in enumerate(lines) if line.startswith("    "))
    return textwrap.dedent("\n".join(lines[first : last + 1]))


def test_the_example_shows_what_it_says() -> None:
    done = subprocess.run([sys.executable, "-c", example()], capture_output=True, text=True, check=True)
    assert done.stdout == "2\n"


def test_the_fixture_works_in_another_project(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (tmp_path / "test_mine.py").write_text(TEST, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
