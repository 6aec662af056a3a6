"""Which server, which token: what the settings name, else the embedded server."""

from __future__ import annotations

from collections.abc import Mapping

from annotate.config import Config
from annotate.errors import ServerUnreachable
from annotate.labelstudio import server
from annotate.labelstudio.client import Client
from annotate.labelstudio.tokens import given_token


def connect(config: Config, environment: Mapping[str, str]) -> Client:
    """A checked connection. The embedded server's own token goes to the embedded server and nowhere else."""
    url = config["label_studio.url"]
    running = server.find_running()
    if not url and running is None:
        raise ServerUnreachable(
            "no Label Studio is named and the embedded one does not run",
            hint="annotate server start, or set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY",
        )
    own = running is not None and url.rstrip("/") in ("", running.url)
    token = server.credentials().token if own else given_token(config, environment, url.rstrip("/")).value
    return _checked(Client(running.url if own and running else url, token))


def embedded() -> Client:
    """A checked connection to the embedded server, whatever the settings say."""
    return _checked(Client(server.require_running().url, server.credentials().token))


def _checked(client: Client) -> Client:
    try:
        client.check()
    except BaseException:
        client.close()
        raise
    return client
