"""API tokens: where they come from, and of which kind they are. A token is never an argument (shells keep those) and never in a
file that annotate writes."""

from __future__ import annotations

import base64
import binascii
import importlib
import importlib.util
import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from annotate.config import TOKEN, Config
from annotate.errors import NotAuthorised

SERVICE = "annotate"
"""Under which the system's keyring knows tokens: `keyring set annotate URL`."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token and its origin. It shows itself nowhere."""

    value: str = field(repr=False)
    origin: str

    def __bool__(self) -> bool:
        return bool(self.value)


def given_token(config: Config, environment: Mapping[str, str], url: str) -> Token:
    """The token for a server: from the environment, else from the file that the settings name, else from the system's keyring
    where the package keyring is installed; empty when there is none. `NotAuthorised` when a named place cannot be read."""
    if environment.get(TOKEN):
        return Token(environment[TOKEN].strip(), TOKEN)
    if config["label_studio.token_file"]:
        name = config["label_studio.token_file"]
        return Token(_from_file(Path(config.folder_of("label_studio.token_file"), Path(name).expanduser())), name)
    return Token(_from_keyring(url), "the system's keyring")


def _from_file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as problem:
        reason = getattr(problem, "strerror", None) or "not a text"
        raise NotAuthorised(f"cannot read the token file {path}: {reason}", hint="check label_studio.token_file") from None


def _from_keyring(url: str) -> str:
    if importlib.util.find_spec("keyring") is None:
        return ""
    keyring = importlib.import_module("keyring")
    try:
        return (keyring.get_password(SERVICE, url) or "").strip()
    except keyring.errors.KeyringError as problem:
        raise NotAuthorised(
            f"the system's keyring cannot be read: {type(problem).__name__}", hint=f"unlock it, or set {TOKEN}"
        ) from None


def token_kind(token: str) -> str:
    """`personal access` for a JWT, else `legacy`; told by the shape alone, nothing is verified."""
    parts = token.split(".")
    if len(parts) != 3:
        return "legacy"
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        return "personal access" if "token_type" in json.loads(base64.urlsafe_b64decode(padded)) else "legacy"
    except (binascii.Error, ValueError, TypeError):
        return "legacy"


# -- on the way ----------------------------------------------------------------------------------------------------------


class Refused(Exception):
    """An answer that is none of those hoped for. Never leaves the client."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__(answer.status_code)
        self.status = answer.status_code
        try:
            self.body: object = answer.json()
        except ValueError:
            self.body = answer.text


def authentication(url: str, token: str) -> httpx.Auth:
    """What shows the token to a server with each request."""
    return _Personal(url, token) if token_kind(token) == "personal access" else _Legacy(token)


class _Legacy(httpx.Auth):
    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Token {self._token}"
        yield request


class _Personal(httpx.Auth):
    """A personal access token is shown once, for an access token that lives five minutes. When that is refused nothing was
    carried out, and the request is made again with a new one."""

    requires_response_body = True

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token, self._access = url, token, ""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        aged = bool(self._access)
        if not aged:
            yield from self._refreshed(request)
        request.headers["Authorization"] = f"Bearer {self._access}"
        answer = yield request
        if answer.status_code == 401 and aged:
            yield from self._refreshed(request)
            request.headers["Authorization"] = f"Bearer {self._access}"
            yield request

    def _refreshed(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        patience = request.extensions  # a request made by hand would wait for ever
        shown = {"refresh": self._token}
        answer = yield httpx.Request("POST", f"{self._url}/api/token/refresh/", json=shown, extensions=patience)
        if answer.status_code >= 400:
            raise Refused(answer)
        try:
            self._access = str(answer.json()["access"])
        except (ValueError, TypeError, KeyError):
            raise Refused(answer) from None
