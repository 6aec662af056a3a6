"""A pytest fixture. In a `conftest.py`:

from annotate.testing.plugin import label_studio  # noqa: F401  a fixture is used by its name
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from annotate.config import TOKEN
from annotate.testing.server import FakeLabelStudio

URL = "LABEL_STUDIO_URL"


@pytest.fixture
def label_studio(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLabelStudio]:
    """A fake Label Studio for one test, which the environment names: annotate and scripts that read it find it there."""
    with FakeLabelStudio() as fake:
        monkeypatch.setenv(URL, fake.url)
        monkeypatch.setenv(TOKEN, fake.token)
        yield fake
