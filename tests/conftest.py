"""What all tests share: no test sees the user's settings, and one real Label Studio serves the whole run.

The fixture `server` is a fake Label Studio or the real one: what uses it runs against both, against the fake alone with
`-m 'not live'`."""

from __future__ import annotations

import os
import re
import socket
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

from annotate.config import TOKEN
from annotate.labelstudio import server as embedded
from annotate.labelstudio.client import Client
from annotate.testing import FakeLabelStudio
from tests.builders import set_up

settings.register_profile("annotate", deadline=None)  # a busy machine is no failure
settings.load_profile("annotate")


@pytest.fixture(autouse=True)
def _no_settings_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in [name for name in os.environ if name.startswith(("ANNOTATE_", "LABEL_STUDIO_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ANNOTATE_HOME", str(tmp_path_factory.getbasetemp() / "nobody-home"))


@dataclass(frozen=True)
class Live:
    """A Label Studio to test against."""

    home: Path
    """The `ANNOTATE_HOME` it belongs to."""
    url: str
    login: embedded.Credentials

    def client(self) -> Client:
        return Client(self.url, self.login.token)


@pytest.fixture(scope="session")
def live_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    home = tmp_path_factory.mktemp("annotate-home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANNOTATE_HOME", str(home))
        running = embedded.start(print, port=free_port())
        login = embedded.credentials()
    yield Live(home, running.url, login)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANNOTATE_HOME", str(home))
        embedded.stop()


@pytest.fixture
def live(live_home: Live, monkeypatch: pytest.MonkeyPatch) -> Live:
    """The real server, and the environment in which annotate finds it as its own."""
    monkeypatch.setenv("ANNOTATE_HOME", str(live_home.home))
    return live_home


@pytest.fixture
def fake() -> Iterator[FakeLabelStudio]:
    """A fake server, new for each test."""
    with FakeLabelStudio() as started:
        yield started


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.live)])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Live:
    """The fake server and the real one, and the environment in which annotate finds it."""
    if request.param == "real":
        real: Live = request.getfixturevalue("live")
        return real
    started: FakeLabelStudio = request.getfixturevalue("fake")
    monkeypatch.setenv("LABEL_STUDIO_URL", started.url)
    monkeypatch.setenv(TOKEN, started.token)
    login = embedded.Credentials(started.email, started.password, started.token)
    return Live(tmp_path_factory.getbasetemp() / "nobody-home", started.url, login)


@pytest.fixture
def client(server: Live) -> Iterator[Client]:
    """A connection to either server."""
    with server.client() as connected:
        yield connected


@pytest.fixture
def title(request: pytest.FixtureRequest) -> str:
    """Of projects: one of the test's own, on a server that many share."""
    name = request.node.name
    return f"{re.sub(r'[^a-z_]', ' ', name)[5:27]} {zlib.crc32(name.encode()):08x}"


@pytest.fixture
def workplace(tmp_path: Path, title: str, server: Live, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder with settings and a little schema, which the test works in."""
    return set_up(tmp_path, title, monkeypatch)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
