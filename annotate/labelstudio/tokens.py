"""API tokens: where they come from, and of which kind they are. A token is never an argument (shells keep those) and never in a
file that annotate writes."""

from __future__ import annotations

import base64
import binascii
import importlib
import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

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
