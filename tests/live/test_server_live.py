"""The embedded server, and what the client makes of tokens and addresses that are wrong."""

from __future__ import annotations

import http.server
import json
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from annotate.cli import main
from annotate.codec import dumps
from annotate.errors import LabelStudioError, NotAuthorised, ServerUnreachable
from annotate.labelstudio import server
from annotate.labelstudio.client import Client
from annotate.labelstudio.people import add_user, token_of
from tests.builders import segment
from tests.conftest import Live, free_port

pytestmark = pytest.mark.live


def test_status_and_password(live: Live, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["server", "status", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["running"], document["healthy"], document["url"]) == (True, True, live.url)
    assert "password" not in document
    assert main(["server", "status", "--show-password"]) == 0
    assert live.login.password in capsys.readouterr().out


def test_a_proxy_of_the_environment_is_not_asked_about_this_machine(
    live: Live, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert main(["server", "status", "-q"]) == 0
    with live.client() as client:
        assert client.check()
    assert token_of(live.url, live.login.email, live.login.password) == live.login.token


def test_credentials_are_for_their_owner_only(live: Live) -> None:
    assert stat.S_IMODE(live.home.stat().st_mode) == 0o700
    assert stat.S_IMODE((live.home / "credentials.json").stat().st_mode) == 0o600


def test_a_start_finds_the_running_server(live: Live, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["server", "start"]) == 0
    assert capsys.readouterr().out.strip() == live.url
    assert main(["server", "start", "--port", str(free_port())]) == 4
    assert "already runs" in capsys.readouterr().err


def test_a_busy_port_is_refused(tmp_path: Path, live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANNOTATE_HOME", str(tmp_path))
    with pytest.raises(LabelStudioError, match="in use"):
        server.start(print, port=int(live.url.rsplit(":", 1)[1]))
    assert server.find_running() is None


def test_an_added_annotator_can_work(live: Live) -> None:
    admin = live.login
    add_user(
        live.url, admin_email=admin.email, admin_password=admin.password, email="eeva@example.com", password="Eeva-1234-pw"
    )
    with Client(live.url, token_of(live.url, "eeva@example.com", "Eeva-1234-pw")) as client:
        assert "eeva@example.com" in client.users().values()
    with pytest.raises(LabelStudioError, match="did not add eeva"):
        add_user(
            live.url, admin_email=admin.email, admin_password=admin.password, email="eeva@example.com", password="Other-1234"
        )
    with pytest.raises(NotAuthorised, match="login"):
        token_of(live.url, "eeva@example.com", "wrong")


def test_a_stopped_server_starts_with_its_data(live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with live.client() as client:
        project = client.create_project("survivor", "", '<View><Text name="text" value="$text"/></View>', "")
        client.import_tasks(project.id, [dumps({"data": {"text": "still here"}})])
    monkeypatch.chdir(tmp_path)  # from any folder
    assert main(["server", "stop", "-q"]) == 0
    assert not server.healthy(live.url)
    assert main(["server", "status"]) == 1
    with pytest.raises(ServerUnreachable), live.client() as client:
        client.check()
    port = live.url.rsplit(":", 1)[1]
    assert main(["server", "start", "--port", port, "-q"]) == 0
    with live.client() as client:
        assert [task["data"]["text"] for task in client.tasks(project.id, ("data",))] == ["still here"]


def test_only_this_machine_can_reach_it(live: Live) -> None:
    import psutil

    running = server.find_running()
    assert running is not None
    process = psutil.Process(running.pid)
    listening = [c.laddr.ip for p in (process, *process.children()) for c in p.net_connections() if c.status == "LISTEN"]
    assert set(listening) == {"127.0.0.1"}


def test_a_wrong_token_is_explained(
    live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANNOTATE_HOME", str(tmp_path / "none"))
    monkeypatch.setenv("LABEL_STUDIO_URL", live.url)
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "wrong-token-0123456789")
    assert main(["pull"]) == 4
    err = capsys.readouterr().err
    assert "legacy token" in err
    assert "Account & Settings" in err
    assert "wrong-token" not in err


class _WebPage(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><html><body>Please log in</body></html>")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def web_page() -> Iterator[str]:
    site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _WebPage)
    thread = threading.Thread(target=site.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{site.server_port}"
    site.shutdown()
    thread.join()
    site.server_close()


def test_an_address_that_answers_with_a_web_page(
    web_page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LABEL_STUDIO_URL", web_page)
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "0123456789")
    assert main(["pull"]) == 4
    assert "web page" in capsys.readouterr().err


def test_nobody_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LABEL_STUDIO_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "0123456789")
    assert main(["pull"]) == 4
    assert "cannot be reached" in capsys.readouterr().err


def test_the_embedded_token_goes_nowhere_else(
    live: Live, web_page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LABEL_STUDIO_API_KEY", raising=False)
    assert main(["pull", "--url", web_page]) == 4
    assert "no API token" in capsys.readouterr().err
    assert "LABEL_STUDIO_API_KEY" not in os.environ
    assert segment().id  # the environment is still a usable one
