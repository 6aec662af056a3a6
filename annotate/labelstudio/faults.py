"""What went wrong between here and Label Studio, in words, and what to do next. Pure.

Each fault that was met in measurements has its own message. No message holds the token, a header or the text of a task."""

from __future__ import annotations

import re

import httpx

from annotate.errors import (
    ConfigRefused,
    EditionLimit,
    LabelStudioError,
    NotAuthorised,
    ServerUnreachable,
    UnexpectedAnswer,
)

NO_ANSWER = frozenset({408, 500, 502, 503, 504})
"""Statuses after which nobody knows whether the request was carried out."""

_ENTERPRISE = re.compile(
    r"\b(members|assignments|roles|stats|workspaces|comments|annotation_reviews|create_bulk|delete_bulk|activity_logs|billing"
    r"|duplicate)\b"
)
_AGAIN = "run the same command again: what was stored is found, nothing is sent twice"


class NotThere(UnexpectedAnswer):
    """What was asked for is not on the server, or is no more."""


# -- no answer ---------------------------------------------------------------------------------------------------------


def transport_fault(url: str, problem: httpx.HTTPError) -> LabelStudioError:
    """The error for a request that got no answer. What the network says is quoted only where it names no header."""
    told = str(problem)
    match problem:
        case httpx.LocalProtocolError() | httpx.UnsupportedProtocol():
            return LabelStudioError(f"no request can be made to {url!r}", hint="check the URL")
        case httpx.ConnectTimeout():
            return _unreachable(url, "no answer to the attempt to connect", "a firewall, a VPN, or a wrong port?")
        case httpx.ReadTimeout() | httpx.WriteTimeout() | httpx.PoolTimeout():
            return _unreachable(url, "no answer in time; the server may still carry the request out", _AGAIN)
        case httpx.ConnectError() if "CERTIFICATE" in told.upper() or "SSL" in told.upper():
            hint = "SSL_CERT_FILE names the certificates to trust; https:// needs a server that speaks it"
            return _unreachable(url, "its certificate is not trusted, or it does not speak TLS", hint)
        case httpx.ConnectError() if re.search(r"getaddrinfo|Name or service|nodename|name resolution|\[Errno -\d", told):
            return _unreachable(url, "there is no host of that name", "check the URL, and the network")
        case httpx.ProxyError():
            return _unreachable(url, "the proxy of the environment refuses", "check HTTP_PROXY, HTTPS_PROXY and NO_PROXY")
        case httpx.ConnectError():
            hint = "is it running, and on this port? for the embedded one: annotate server status"
            return _unreachable(url, "connection refused", hint)
        case httpx.RemoteProtocolError() | httpx.ReadError() | httpx.WriteError() | httpx.CloseError():
            return _unreachable(url, "the connection ended before the answer; was the server stopped?", _AGAIN)
        case httpx.TooManyRedirects():
            return UnexpectedAnswer(
                f"{url} redirects in a circle", hint="check the URL: http or https, with or without a path?"
            )
    return _unreachable(url, type(problem).__name__, "is it running? try: annotate server status")


def _unreachable(url: str, what: str, hint: str) -> ServerUnreachable:
    return ServerUnreachable(f"Label Studio at {url} cannot be reached: {what}", hint=hint)


# -- an answer that says no --------------------------------------------------------------------------------------------


def explained(
    url: str, status: int, body: object, *, token_kind: str, path: str = "", config: bool = False
) -> LabelStudioError:
    """The error for an answer. `token_kind` as of `token_kind()`; `path` when known; `config`: whether a labeling config was
    sent."""
    reason = detail(body)
    is_page = isinstance(body, str) and "<html" in body[:2000].lower()
    if status == 401:
        return _refused_token(url, reason, token_kind)
    if status == 403:
        return NotAuthorised(
            f"{url} forbids this: {reason}", hint="the user of this token may not do it; a proxy may want a login of its own"
        )
    if status == 404 and is_page:
        return _unknown_address(url, path)
    if status == 413:
        hint = "let the proxy take 20 MB (nginx: client_max_body_size 20m)"
        return UnexpectedAnswer(f"a proxy before {url} refuses requests of this size", hint=hint)
    if status == 429:
        return ServerUnreachable(f"{url} answers 429, too many requests", hint=f"a proxy limits the rate; later, {_AGAIN}")
    if status in NO_ANSWER:
        return _failed(url, status, reason, is_page)
    if is_page:
        what = "a web page, such as a login page," if status == 200 else "a web page,"
        return UnexpectedAnswer(
            f"{url} answered {status} with {what} not with data", hint="check the URL: a proxy or a login page answers"
        )
    if status == 404:
        return NotThere(f"Label Studio at {url} answered 404: {reason}", hint="it was deleted meanwhile; run the command again")
    if config and status == 400:
        return _refused_config(reason)
    return UnexpectedAnswer(f"Label Studio at {url} answered {status}: {reason}", hint="annotate doctor checks the connection")


def _refused_token(url: str, reason: str, kind: str) -> NotAuthorised:
    settings = "Account & Settings"
    said = reason.lower()
    if "legacy token authentication has been disabled" in said:
        hint = f"make a personal access token in {settings}, or switch legacy tokens on (Organization, API Tokens Settings)"
    elif "wrong type" in said:
        reason = "it is an access token, which lives for five minutes"
        hint = f"use the personal access token it was made from ({settings})"
    elif "expired" in said or "blacklisted" in said or "revoked" in said:
        hint = f"it ran out or was revoked: make a new one in {settings}"
    elif "credentials were not provided" in said:
        hint = (
            "its user is a member of no organisation (use the invitation link), or a proxy takes the Authorization header away"
        )
    else:
        other = "a legacy token" if kind == "personal access" else "a personal access token"
        hint = f"copy a current token of this server from {settings}, or use {other}, in LABEL_STUDIO_API_KEY"
    return NotAuthorised(f"{url} refused the {kind} token: {reason}", hint=hint)


def _unknown_address(url: str, path: str) -> LabelStudioError:
    found = _ENTERPRISE.search(path)
    if found:
        return EditionLimit(
            f"{url} has no {found.group(1)}: a feature of Label Studio Enterprise, this is the Community edition",
            hint="annotate does without it: blind double annotation is one project per annotator (push --annotators)",
        )
    return EditionLimit(
        f"{url} does not know the address {path or 'that was asked for'}",
        hint="wrong base URL (does it need a path?), or a feature of the Enterprise edition",
    )


def _failed(url: str, status: int, reason: str, is_page: bool) -> ServerUnreachable:
    if ("utf-8" in reason and "codec" in reason) or "surrogates not allowed" in reason:
        return ServerUnreachable(
            f"{url} answered {status}: a task in this project holds half a character (a lone surrogate)",
            hint="delete that task in Label Studio; annotate push never sends one",
        )
    if "database is locked" in reason:
        return ServerUnreachable(f"{url} answered {status}: its database is locked", hint=f"wait a little, then {_AGAIN}")
    by = "the proxy before it" if is_page and status in (502, 503, 504) else "it"
    return ServerUnreachable(
        f"{url} answered {status}: {reason}", hint=f"see the log of {'the proxy' if by != 'it' else 'the server'}; {_AGAIN}"
    )


def _refused_config(reason: str) -> ConfigRefused:
    message = f"Label Studio refused the labeling config: {reason}"
    if "still exist in annotations or drafts" in reason:
        return ConfigRefused(message, hint="annotate schema migrate takes the answers along; or keep the labels, deprecated")
    if "incompatible with provided labeling schema" in reason:
        return ConfigRefused(message, hint="answers use a control that goes: see annotate schema diff; migrate or delete them")
    return ConfigRefused(message, hint="annotate schema check, and annotate schema xml shows what is sent")


def detail(body: object) -> str:
    """The reason in an error's body, flattened; never the task it quotes."""
    if isinstance(body, dict):
        problems = body.get("validation_errors")
        if isinstance(problems, dict):
            flat = [
                f"{field}: {_unquoted(text)}"
                for field, texts in problems.items()
                for text in (texts if isinstance(texts, list) else [texts])
                if text
            ]
            return "; ".join(flat)[:500]
        return _unquoted(body.get("detail", "no reason given"))[:500]
    return "no reason given"


def _unquoted(text: object) -> str:
    return str(text).split("::")[0].strip()  # what follows is the task
