"""What all tests share: no test sees the user's settings, and one real Label Studio serves the whole run."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from annotate.labelstudio import server
from annotate.labelstudio.client import Client


@pytest.fixture(autouse=True)
def _no_settings_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in [name for name in os.environ if name.startswith(("ANNOTATE_", "LABEL_STUDIO_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ANNOTATE_HOME", str(tmp_path_factory.getbasetemp() / "nobody-home"))


@dataclass(frozen=True)
class Live:
    """The real server of this test run."""

    home: Path
    url: str
    login: server.Credentials

    def client(self) -> Client:
        return Client(self.url, self.login.token)


@pytest.fixture(scope="session")
def live_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    home = tmp_path_factory.mktemp("annotate-home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANNOTATE_HOME", str(home))
        running = server.start(print, port=free_port())
        login = server.credentials()
    yield Live(home, running.url, login)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANNOTATE_HOME", str(home))
        server.stop()


@pytest.fixture
def live(live_home: Live, monkeypatch: pytest.MonkeyPatch) -> Live:
    """The real server, and the environment in which annotate finds it as its own."""
    monkeypatch.setenv("ANNOTATE_HOME", str(live_home.home))
    return live_home


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
