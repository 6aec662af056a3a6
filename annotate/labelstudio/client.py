"""The one module that talks to Label Studio through its SDK. Foreign errors become ours here and nowhere else.

No call is retried: the SDK would resend a POST behind a gateway that lost the answer, and store every task three times.
Lists are read as plain JSON through the SDK's own transport: its pydantic models take twice the time and refuse odd values.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from label_studio_sdk import LabelStudio
from label_studio_sdk.core.api_error import ApiError

from annotate.errors import (
    ConfigRefused,
    EditionLimit,
    LabelStudioError,
    NotAuthorised,
    ServerUnreachable,
    UnexpectedAnswer,
)
from annotate.labelstudio.http import TIMEOUT, new_session, transport_errors
from annotate.labelstudio.server import TESTED, in_tested_range

PAGE = 1000
"""Tasks per page when listing (measured: 0.3 s a page)."""
NO_ANSWER = frozenset({408, 500, 502, 503, 504})
"""Statuses after which nobody knows whether the request was carried out."""

log = logging.getLogger("annotate")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Project:
    """What is needed of a Label Studio project."""

    id: int
    title: str
    description: str
    label_config: str


class Client:
    """A connection to one Label Studio as one user."""

    def __init__(self, url: str, token: str) -> None:
        if not url.startswith(("http://", "https://")):
            raise LabelStudioError(f"{url!r} is not a URL", hint="it must start with http:// or https://")
        if not token:
            raise NotAuthorised(
                f"no API token for {url}",
                hint="set LABEL_STUDIO_API_KEY (Label Studio: Account & Settings), or annotate server start",
            )
        if not re.fullmatch(r"[!-~]+", token):
            raise NotAuthorised(
                "the API token holds white space or characters that no token has",
                hint="copy it again, as one line, from Account & Settings",
            )
        self.url = url.rstrip("/")
        self._kind = token_kind(token)
        self._http = new_session(self.url)
        with self._mapped():
            self._sdk = LabelStudio(
                base_url=f"{self.url}/", api_key=token, httpx_client=self._http, timeout=TIMEOUT, max_retries=0
            )

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- the server and its people -----------------------------------------------------------------------------------

    def check(self) -> str:
        """The server's version, once the server answers as Label Studio and takes the token."""
        release = self._get("api/version/").get("release")
        if not isinstance(release, str):
            raise UnexpectedAnswer(f"{self.url} does not answer as Label Studio", hint="check the URL: is a proxy in between?")
        if not in_tested_range(release):
            log.warning("Label Studio %s is outside the range annotate is tested with (%s to %s, exclusive)", release, *TESTED)
        self._get("api/current-user/whoami")
        return release

    def users(self) -> dict[int, str]:
        """Names of the users by id: the e-mail address."""
        users = self._get_list("api/users/")
        with self._mapped():
            return {int(user["id"]): str(user["email"]) for user in users}

    # -- projects ----------------------------------------------------------------------------------------------------

    def projects(self) -> list[Project]:
        """All projects the user sees, oldest first."""
        found, page = [], 1
        while True:
            answer = self._get("api/projects/", page=page, page_size=100, include="id,title,description,label_config")
            with self._mapped():
                found += [_project(item) for item in answer["results"]]
            if not answer.get("next"):
                return sorted(found, key=lambda project: project.id)
            page += 1

    def create_project(self, title: str, description: str, label_config: str, instruction: str) -> Project:
        """A new project; its instruction is shown before labeling when there is one."""
        with self._mapped():
            made = self._sdk.projects.create(
                title=title,
                description=description,
                label_config=label_config,
                expert_instruction=instruction,
                show_instruction=bool(instruction),
                show_skip_button=True,
                enable_empty_annotation=True,
                maximum_annotations=1,
                sampling="Sequential sampling",
            )
        return Project(made.id, title, description, label_config)

    def update_project(self, project: Project, *, description: str, label_config: str) -> Project:
        """Change description and config. The config is validated first: an update alone silently accepts that a label in use
        goes."""
        if label_config != project.label_config:
            with self._mapped(config=True):
                self._sdk.projects.validate_label_config(project.id, label_config=label_config)
        with self._mapped(config=True):
            self._sdk.projects.update(project.id, description=description, label_config=label_config)
        return Project(project.id, project.title, description, label_config)

    def views(self, project: int) -> list[Json]:
        """The tabs of a project's Data Manager."""
        return self._get_list("api/dm/views/", project=project)

    def create_view(self, project: int, data: Json) -> None:
        """Add a tab."""
        with self._mapped():
            self._sdk.views.create(project=project, data=data)

    # -- tasks -------------------------------------------------------------------------------------------------------

    def tasks(self, project: int, fields: Sequence[str] = (), *, query: Json | None = None) -> Iterator[Json]:
        """A project's tasks as JSON objects, page by page: the named fields of each, or everything down to the results."""
        page, seen = 1, 0
        options = {"query": json.dumps(query)} if query else {}
        if fields:  # naming fields makes the answer light: annotations shrink to their ids
            options["include"] = ",".join(fields)
        while True:
            answer = self._get("api/tasks/", project=project, page=page, page_size=PAGE, fields="all", **options)
            with self._mapped():
                tasks, total = list(answer["tasks"]), int(answer["total"])
            yield from tasks
            seen += len(tasks)
            if seen >= total or not tasks:
                return
            page += 1

    def drafts(self, task: int) -> list[Json]:
        """What people have begun in a task and not submitted; lists of tasks show a user their own drafts only."""
        return self._get_list(f"api/tasks/{task}/drafts")

    def import_tasks(self, project: int, tasks: Sequence[Json]) -> list[int]:
        """Store tasks in one atomic call; their ids in the order given."""
        with self._mapped():
            answer = self._sdk.projects.import_tasks(project, request=list(tasks), return_task_ids=True)
        ids = getattr(answer, "task_ids", None)
        if not isinstance(ids, list) or len(ids) != len(tasks):
            raise UnexpectedAnswer(f"{self.url}: {len(tasks)} tasks sent, the answer names {len(ids or [])}")
        return [int(number) for number in ids]

    def update_task(self, task: int, data: Json, meta: Json) -> None:
        """Replace a task's data and meta; its annotations stay."""
        with self._mapped():
            self._sdk.tasks.update(str(task), data=data, meta=meta)

    def delete_tasks(self, project: int, tasks: Sequence[int]) -> None:
        """Delete tasks in one call."""
        body = {"selectedItems": {"all": False, "included": list(tasks)}}
        self._send("POST", "api/dm/actions/", {"id": "delete_tasks", "project": project}, body)

    def submit(self, task: int, result: Sequence[Json], *, lead_time: float, skipped: bool) -> None:
        """Submit or skip a task as the user of this connection."""
        with self._mapped():
            self._sdk.annotations.create(
                task, result=list(result), lead_time=lead_time, was_cancelled=skipped, ground_truth=False
            )

    # -- plumbing ----------------------------------------------------------------------------------------------------

    def _get(self, path: str, **params: Any) -> Json:
        answer = self._send("GET", path, params)
        if not isinstance(answer, dict):
            raise UnexpectedAnswer(f"{self.url}/{path} answered a {type(answer).__name__}, not an object")
        return answer

    def _get_list(self, path: str, **params: Any) -> list[Json]:
        answer = self._send("GET", path, params)
        if not isinstance(answer, list):
            raise UnexpectedAnswer(f"{self.url}/{path} answered a {type(answer).__name__}, not a list")
        return answer

    def _send(self, method: str, path: str, params: Mapping[str, Any], body: Json | None = None) -> Any:
        with self._mapped():
            transport = self._sdk._client_wrapper.httpx_client  # carries the token, and refreshes a personal one
            answer = transport.request(path, method=method, params=dict(params), json=body)
            if answer.status_code >= 400:
                raise ApiError(status_code=answer.status_code, body=_body(answer))
            return _json(answer)

    @contextmanager
    def _mapped(self, *, config: bool = False) -> Iterator[None]:
        with transport_errors(self.url):
            try:
                yield
            except ApiError as problem:
                raise self._explain(problem.status_code or 0, problem.body, config=config) from None

    def _explain(self, status: int, body: object, *, config: bool) -> LabelStudioError:
        detail = _detail(body)
        if status == 401:
            other = "a legacy token" if self._kind == "personal access" else "a personal access token"
            return NotAuthorised(
                f"{self.url} refused the {self._kind} token: {detail}",
                hint=f"copy a current token from Account & Settings, or use {other}, in LABEL_STUDIO_API_KEY",
            )
        if status == 403:
            return NotAuthorised(f"{self.url} forbids this: {detail}", hint="the user of this token may not do it")
        if status in NO_ANSWER:
            return ServerUnreachable(
                f"{self.url} answered {status}: {detail}", hint="see the log of the server, or of the proxy"
            )
        if isinstance(body, str) and "<html" in body[:2000].lower():
            if status == 404:
                return EditionLimit(
                    f"{self.url} does not know this address", hint="wrong base URL, or a feature of the Enterprise edition"
                )
            return UnexpectedAnswer(
                f"{self.url} answered {status} with a web page, not with data",
                hint="check the URL: a proxy or a login page answers",
            )
        if config and status == 400:
            return ConfigRefused(f"Label Studio refused the labeling config: {detail}", hint="keep labels that annotations use")
        return UnexpectedAnswer(f"Label Studio at {self.url} answered {status}: {detail}")


def token_kind(token: str) -> str:
    """`personal access` for a JWT, else `legacy`; told by the shape alone, nothing is verified."""
    parts = token.split(".")
    if len(parts) != 3:
        return "legacy"
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        return "personal access" if "token_type" in json.loads(base64.urlsafe_b64decode(padded)) else "legacy"
    except (binascii.Error, ValueError):
        return "legacy"


def _project(item: Json) -> Project:
    return Project(int(item["id"]), item["title"], item.get("description") or "", item.get("label_config") or "")


def _json(answer: httpx.Response) -> Any:
    if not answer.content:
        return {}
    try:
        return answer.json()
    except ValueError:
        raise ApiError(status_code=answer.status_code, body=answer.text) from None


def _body(answer: httpx.Response) -> object:
    try:
        return answer.json()
    except ValueError:
        return answer.text


def _detail(body: object) -> str:
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
