"""What `import annotate` promises."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import annotate

README = Path(__file__).parents[1] / "README.md"


@pytest.mark.parametrize("name", annotate.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(annotate, name)


def test_what_the_docstring_and_the_list_say_is_the_same() -> None:
    for name in annotate.__all__:
        assert name == "__version__" or name in str(annotate.__doc__)
    with pytest.raises(AttributeError, match="nonsense"):
        _ = annotate.nonsense


def test_importing_annotate_loads_nothing_heavy() -> None:
    code = "import sys, annotate; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "spacy", "label_studio_sdk", "click", "yaml"} & set(loaded)
