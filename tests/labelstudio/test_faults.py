"""Each fault of a server, a proxy or a token in its own words, with the next step; and no token anywhere."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from annotate import cli
from annotate.cli import main
from annotate.config import load
from annotate.errors import (
    AnnotateError,
    ConfigRefused,
    EditionLimit,
    LabelStudioError,
    NotAuthorised,
    ServerUnreachable,
    UnexpectedAnswer,
)
from annotate.labelstudio.client import Client
from annotate.labelstudio.faults import NotThere, explained, transport_fault
from annotate.labelstudio.tokens import given_token, token_kind
from annotate.testing import FakeLabelStudio
from tests.conftest import free_port

URL = "http://ls.example.org/ls"
PAGE = "<!doctype html><html><body>…</body></html>"
OFF = "Authentication token no longer valid: legacy token authentication has been disabled for this organization"


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (401, {"detail": "Invalid token."}, NotAuthorised, "copy a current token"),
        (401, {"detail": OFF}, NotAuthorised, "make a personal access token"),
        (401, {"detail": "Token has wrong type"}, NotAuthorised, "five minutes"),
        (401, {"detail": "API key has expired."}, NotAuthorised, "make a new one"),
        (401, {"detail": "Token is blacklisted"}, NotAuthorised, "revoked"),
        (401, {"detail": "Authentication credentials were not provided."}, NotAuthorised, "no organisation"),
        (403, {"detail": "no"}, NotAuthorised, "may not do it"),
        (404, PAGE, EditionLimit, "Enterprise"),
        (404, {"detail": "No Task matches the given query."}, NotThere, "deleted meanwhile"),
        (413, PAGE, UnexpectedAnswer, "client_max_body_size"),
        (429, {"detail": "slow down"}, ServerUnreachable, "too many requests"),
        (500, {"detail": "'utf-8' codec can't encode"}, ServerUnreachable, "half a character"),
        (500, {"detail": "database is locked"}, ServerUnreachable, "locked"),
        (500, {"detail": "x"}, ServerUnreachable, "log of the server"),
        (502, PAGE, ServerUnreachable, "log of the proxy"),
        (504, PAGE, ServerUnreachable, "nothing is sent twice"),
        (200, PAGE, UnexpectedAnswer, "login page"),
        (405, {"detail": "Method not allowed"}, UnexpectedAnswer, "annotate doctor"),
    ],
)
def test_answers(status: int, body: object, kind: type[LabelStudioError], words: str) -> None:
    problem = explained(URL, status, body, token_kind="legacy")
    assert type(problem) is kind
    assert words in f"{problem.message} {problem.hint}"
    assert problem.hint


def test_configs() -> None:
    used = {"validation_errors": {"label_config": ["These labels still exist in annotations or drafts:\nPER (1 annotation)"]}}
    gone = {"validation_errors": {"label_config": ["… are incompatible with provided labeling schema, we found: 1"]}}
    for body, words in ((used, "schema migrate"), (gone, "schema diff"), ({"detail": "xml"}, "schema xml")):
        problem = explained(URL, 400, body, token_kind="legacy", config=True)
        assert isinstance(problem, ConfigRefused)
        assert words in problem.hint


def test_the_text_of_a_task_is_not_quoted() -> None:
    body = {"validation_errors": {"non_field_errors": ['Error at item 1: "text" key is expected :: {"secret": 1}', {}]}}
    assert "secret" not in explained(URL, 400, body, token_kind="legacy").message


def test_what_only_the_enterprise_edition_has_is_named() -> None:
    problem = explained(URL, 404, PAGE, token_kind="legacy", path="api/projects/3/members/")
    assert isinstance(problem, EditionLimit)
    assert "members" in problem.message
    assert "Community" in problem.message
    assert "base URL" in explained(URL, 404, PAGE, token_kind="legacy", path="api/tasks/").hint


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (httpx.ConnectError("[Errno 111] Connection refused"), "refused"),
        (httpx.ConnectError("[Errno -2] Name or service not known"), "no host of that name"),
        (httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED]"), "SSL_CERT_FILE"),
        (httpx.ConnectTimeout("x"), "firewall"),
        (httpx.ReadTimeout("x"), "nothing is sent twice"),
        (httpx.RemoteProtocolError("Server disconnected"), "was the server stopped"),
        (httpx.ReadError("[Errno 104]"), "was the server stopped"),
        (httpx.ProxyError("407"), "HTTPS_PROXY"),
        (httpx.TooManyRedirects("x"), "in a circle"),
        (httpx.UnsupportedProtocol("x"), "check the URL"),
        (httpx.DecodingError("x"), "DecodingError"),
    ],
)
def test_no_answer(problem: httpx.HTTPError, words: str) -> None:
    ours = transport_fault(URL, problem)
    assert words in f"{ours.message} {ours.hint}"
    assert ours.hint


def test_every_foreign_error_of_the_transport_is_ours() -> None:
    def kinds(base: type[httpx.HTTPError]) -> set[type[httpx.HTTPError]]:
        return {base}.union(*(kinds(kind) for kind in base.__subclasses__()))

    for kind in kinds(httpx.TransportError):
        assert isinstance(transport_fault(URL, kind("Authorization: Token 0123")), LabelStudioError)
        assert "0123" not in str(transport_fault(URL, kind("Authorization: Token 0123")))


# -- tokens ------------------------------------------------------------------------------------------------------------


def settings(folder: Path, **environment: str) -> tuple[object, dict[str, str]]:
    return load(folder, {}, environment), environment


def keyring_of(monkeypatch: pytest.MonkeyPatch, tokens: dict[tuple[str, str], str], *, locked: bool = False) -> None:
    class KeyringError(Exception):
        pass

    def get_password(service: str, user: str) -> str | None:
        if locked:
            raise KeyringError("locked")
        return tokens.get((service, user))

    fake = types.ModuleType("keyring")
    fake.__spec__ = types.SimpleNamespace()
    fake.get_password = get_password
    fake.errors = types.SimpleNamespace(KeyringError=KeyringError)
    monkeypatch.setitem(sys.modules, "keyring", fake)


def test_a_token_comes_from_the_environment_a_file_or_the_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    keyring_of(monkeypatch, {("annotate", URL): " from-keyring\n"})
    Path("secret").write_text("from-file\n")
    environment = {"LABEL_STUDIO_API_KEY": "from-environment", "ANNOTATE_TOKEN_FILE": "secret"}
    found = []
    while True:
        token = given_token(load(tmp_path, {}, environment), environment, URL)
        found.append((token.value, token.origin))
        assert token.value not in repr(token)
        if not environment:
            break
        environment.pop(next(iter(environment)))
    assert found == [
        ("from-environment", "LABEL_STUDIO_API_KEY"),
        ("from-file", "secret"),
        ("from-keyring", "the system's keyring"),
    ]
    assert not given_token(load(tmp_path, {}, {}), {}, "http://elsewhere")
    keyring_of(monkeypatch, {}, locked=True)
    with pytest.raises(NotAuthorised, match="keyring cannot be read"):
        given_token(load(tmp_path, {}, {}), {}, URL)
    Path("secret").write_bytes(b"\xff\xfe")
    with pytest.raises(NotAuthorised, match="not a text"):
        given_token(load(tmp_path, {}, {"ANNOTATE_TOKEN_FILE": "secret"}), {}, URL)


@pytest.mark.filterwarnings("ignore:The `parse_obj` method:DeprecationWarning")  # the SDK's own
def test_both_kinds_work_and_are_told_apart(fake: FakeLabelStudio) -> None:
    for token, kind in ((fake.token, "legacy"), (fake.personal_token, "personal access")):
        assert token_kind(token) == kind
        with Client(fake.url + "/", token) as client:
            assert client.check()
    assert {token_kind(odd) for odd in ("a.b.c", "", "a.MQ.c", "a..c", "é.é.é")} == {"legacy"}


@pytest.mark.filterwarnings("ignore:The `parse_obj` method:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:The HMAC key:UserWarning")
@pytest.mark.parametrize("change", [lambda t: t[:-3] + "abc", lambda t: "a.b.c", lambda t: "x" * 40])
def test_damaged_tokens_are_refused_without_being_shown(change: Callable[[str], str], fake: FakeLabelStudio) -> None:
    token = change(fake.personal_token)
    with pytest.raises(AnnotateError) as problem, Client(fake.url, token) as client:
        client.check()
    assert token not in f"{problem.value} {problem.value.hint}"


def test_no_command_takes_a_token_as_an_argument() -> None:
    for verb in cli.VERBS:
        command = cli.cli.get_command(None, verb)
        for one in (command, *getattr(command, "commands", {}).values()):
            names = {option for parameter in one.params for option in parameter.opts}
            assert not names & {"--token", "--api-token", "--key", "--api-key"}, verb


def test_the_token_shows_nowhere(
    fake: FakeLabelStudio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    token = "abcdef0123456789abcdef0123456789abcdef01"
    (tmp_path / "annotate.yaml").write_text("project: hidden\nschema: news\n")
    (tmp_path / "segments.jsonl").write_text("")
    environment = {"PATH": "", "LABEL_STUDIO_API_KEY": token, "PYTHONPATH": str(Path(cli.__file__).parents[2])}
    said = ""
    refused = f"http://127.0.0.1:{free_port()}"
    push = ["push", "segments.jsonl", "-vv"]
    for url, commands in (
        (fake.url, [push, ["doctor", "--json"], ["config", "show"]]),
        (refused, [push]),
        ("http://[", [push]),
    ):
        for command in commands:
            done = subprocess.run(
                [sys.executable, "-X", "dev", "-W", "ignore", "-m", "annotate", *command],
                env={**environment, "LABEL_STUDIO_URL": url, "ANNOTATE_HOME": str(tmp_path / "home")},
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=False,
            )
            assert "Traceback" not in done.stderr
            said += done.stdout + done.stderr
    assert "hint" in said.lower()
    assert token not in said
    assert not any(token in path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file())
    with caplog.at_level(logging.DEBUG), pytest.raises(NotAuthorised), Client(fake.url, token) as client:
        client.check()
    assert token not in caplog.text


def test_json_errors_name_the_next_step(
    fake: FakeLabelStudio, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LABEL_STUDIO_URL", fake.url)
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "wrong")
    assert main(["pull", "--json"]) == 4
    error = json.loads(capsys.readouterr().out)["error"]
    assert "copy a current token" in error["hint"]
