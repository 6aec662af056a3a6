"""What every connection to Label Studio obeys: whose errors become whose, and that nothing for this machine leaves it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx

from annotate.errors import LabelStudioError, UnexpectedAnswer
from annotate.labelstudio.faults import transport_fault

TIMEOUT = 120.0
"""Seconds a request may take; an import of 1,000 tasks takes 0.3 s, the server stores it even when the client gives up."""

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def new_session(url: str, *, base: bool = False) -> httpx.Client:
    """A session for requests to a server. `LabelStudioError` when the URL is none. With `base`, paths are relative to it."""
    try:
        host = urlsplit(url).hostname
        # A proxy named in the environment is for the world outside: it must never see the embedded server's tokens.
        return httpx.Client(base_url=url if base else "", timeout=TIMEOUT, trust_env=host not in _LOOPBACK)
    except (ValueError, httpx.InvalidURL):
        raise LabelStudioError(f"{url!r} is not a URL", hint="it looks like https://label-studio.example.org") from None


@contextmanager
def transport_errors(url: str) -> Iterator[None]:
    """Turn what the network or an odd answer raises into ours; never quoting headers, which hold the token."""
    try:
        yield
    except httpx.InvalidURL:
        raise LabelStudioError(f"no request can be made to {url!r}", hint="check the URL") from None
    except httpx.HTTPError as problem:
        raise transport_fault(url, problem) from None
    except (KeyError, TypeError, ValueError) as problem:
        raise UnexpectedAnswer(
            f"{url} gave an answer Label Studio does not give ({type(problem).__name__})",
            hint="check the URL: is a proxy in between?",
        ) from None
