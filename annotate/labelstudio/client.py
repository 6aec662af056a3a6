"""The one module that talks to Label Studio through its SDK. Foreign errors become ours here and nowhere else.

No call is retried: the SDK would resend a POST behind a gateway that lost the answer, and store every task three times.
Lists are read and batches are sent as plain JSON: the SDK's pydantic models take twice the time and refuse odd values. What
needs no more than that (a pull, a push that changes nothing) does not even import it, which takes longer than the work.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

import httpx

from annotate.errors import LabelStudioError, NotAuthorised, UnexpectedAnswer
from annotate.journal import Counters, Tally
from annotate.labelstudio.faults import NotThere, explained
from annotate.labelstudio.http import TIMEOUT, new_session, transport_errors
from annotate.labelstudio.server import TESTED, in_tested_range
from annotate.labelstudio.tokens import SERVICE, Refused, authentication, token_kind

if TYPE_CHECKING:
    from label_studio_sdk import LabelStudio

PAGE = 1000
"""Tasks per page when listing (measured: 0.3 s a page)."""
IN_LIST = 500
"""Task numbers per request (measured: 0.2 s; the address of a request has its limits)."""
RANGES = 20
"""Ranges of task numbers per request, for the same reason."""

_COSTLY = frozenset(("annotations", "predictions", "drafts", "draft_exists"))
"""Fields of a task that the server looks up only when told to, at twice the time for every task of a list."""

log = logging.getLogger("annotate")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Project:
    """What is needed of a Label Studio project."""

    id: int
    title: str
    description: str
    label_config: str
    instruction: str = ""
    """HTML that annotators read before they begin."""
    born: str = ""
    """When it was made: numbers are used again by a server that was set up anew."""


AnswerKind = Literal["annotation", "draft", "prediction"]


class Client:
    """A connection to one Label Studio as one user."""

    def __init__(self, url: str, token: str) -> None:
        if not url.startswith(("http://", "https://")):
            raise LabelStudioError(f"{url!r} is not a URL", hint="it must start with http:// or https://")
        self.url = url.rstrip("/")
        if not token:
            raise NotAuthorised(
                f"no API token for {url}",
                hint=f"set LABEL_STUDIO_API_KEY (Account & Settings), name a token_file, or: keyring set {SERVICE} {self.url}",
            )
        if not re.fullmatch(r"[!-~]+", token):
            raise NotAuthorised(
                "the API token holds white space or characters that no token has",
                hint="copy it again, as one line, from Account & Settings",
            )
        self.server_time = ""
        """When the server gave its last answer, by its own clock (ISO 8601, UTC); empty when it does not say."""
        self._kind = token_kind(token)
        self._token = token
        self._http = new_session(self.url)
        self._http.auth = authentication(self.url, token)
        self._library: LabelStudio | None = None

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
            fields = "id,title,description,label_config,expert_instruction,created_at"
            answer = self._get("api/projects/", page=page, page_size=100, include=fields)
            with self._mapped():
                found += [_project(item) for item in answer["results"]]
            if not answer.get("next"):
                return sorted(found, key=lambda project: project.id)
            page += 1

    def create_project(self, title: str, description: str, label_config: str, instruction: str) -> Project:
        """A new project; its instruction is shown before labeling when there is one."""
        with self._sdk() as sdk:
            made = sdk.projects.create(
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
        return self.project(made.id)

    def project(self, number: int) -> Project:
        """One project."""
        answer = self._get(f"api/projects/{number}/")
        with self._mapped():
            return _project(answer)

    def delete_project(self, number: int) -> None:
        """Delete a project and all that is in it."""
        self._send("DELETE", f"api/projects/{number}/", {})

    def counters(self, project: int) -> Counters:
        """How much the server counts in a project: the things themselves, not what it noted with each task."""
        names = ("task_number", "total_annotations_number", "skipped_annotations_number", "total_predictions_number")
        answer = self._get("api/projects/", ids=project, include=",".join(("id", *names)))
        with self._mapped():
            (counted,) = (item for item in answer["results"] if item["id"] == project)
            return Counters(*(int(counted[name] or 0) for name in names))

    def update_project(
        self, project: Project, *, description: str, label_config: str, instruction: str | None = None
    ) -> Project:
        """Change description and config, and the instruction when one is given; the project as the server has it then. The
        config is validated first: an update alone silently accepts that a label in use goes."""
        if label_config != project.label_config:
            self.validate(project, label_config)
        shown = {} if instruction is None else {"expert_instruction": instruction, "show_instruction": bool(instruction)}
        with self._sdk(config=True) as sdk:
            sdk.projects.update(project.id, description=description, label_config=label_config, **shown)
        if instruction is not None:
            return self.project(project.id)  # an instruction is not kept as it is sent
        return replace(project, description=description, label_config=label_config)

    def validate(self, project: Project, label_config: str) -> None:
        """`ConfigRefused` when Label Studio sees that a config does not fit a project's annotations."""
        with self._sdk(config=True) as sdk:
            sdk.projects.validate_label_config(project.id, label_config=label_config)

    def views(self, project: int) -> list[Json]:
        """The tabs of a project's Data Manager."""
        return self._get_list("api/dm/views/", project=project)

    def create_view(self, project: int, data: Json) -> None:
        """Add a tab."""
        with self._sdk() as sdk:
            sdk.views.create(project=project, data=data)

    # -- tasks -------------------------------------------------------------------------------------------------------

    def pages(
        self, project: int, fields: Sequence[str] = (), *, after: int = 0, since: str = "", only: Sequence[Json] = ()
    ) -> Iterator[list[Json]]:
        """A project's tasks as JSON objects, by number, in pages: the named fields of each, or everything down to the results.
        Only tasks numbered above `after`, updated at `since` or later (ISO 8601), and passing the filters `only`.

        Pages are asked for by the last number seen, not by page number: a task deleted meanwhile shifts nothing."""
        # Naming fields makes the answer light. Addresses in a task stay as they are, never looked up in a cloud storage.
        options = {"resolve_uri": "false"} | ({"include": ",".join(dict.fromkeys(("id", *fields)))} if fields else {})
        if not fields or not _COSTLY.isdisjoint(fields):
            options["fields"] = "all"
        last = after
        while True:
            items = [task_filter("id", "greater", "Number", last), *only]
            if since:
                items.append(task_filter("updated_at", "greater_or_equal", "Datetime", _stamp(since)))
            query = json.dumps({"filters": {"conjunction": "and", "items": items}, "ordering": ["tasks:id"]})
            answer = self._get("api/tasks/", project=project, page=1, page_size=PAGE, query=query, **options)
            with self._mapped():
                tasks, total = list(answer["tasks"]), int(answer["total"])
                last = max((int(task["id"]) for task in tasks), default=last)
            if tasks:
                yield tasks
            if total <= len(tasks) or not tasks:
                return

    def tasks(self, project: int, fields: Sequence[str] = (), *, after: int = 0, only: Sequence[Json] = ()) -> Iterator[Json]:
        """The same, task by task."""
        return chain.from_iterable(self.pages(project, fields, after=after, only=only))

    def tasks_numbered(self, project: int, numbers: Sequence[int], fields: Sequence[str] = ()) -> Iterator[list[Json]]:
        """The tasks of a project with these numbers, in pages; those that do not exist are left out."""
        for first in range(0, len(numbers), IN_LIST):
            chosen = task_filter("id", "in_list", "List", list(numbers[first : first + IN_LIST]))
            yield from self.pages(project, fields, only=[chosen])

    def tally(self, project: int, low: int, high: int) -> Tally:
        """What the server noted with the tasks numbered above `low` and up to `high`, added up, without listing them."""
        between = task_filter("id", "in", "Number", {"min": low + 1, "max": high})
        query = json.dumps({"filters": {"conjunction": "and", "items": [between]}})
        answer = self._get("api/tasks/", project=project, page=1, page_size=1, include="id", query=query)
        with self._mapped():
            return Tally(int(answer["total"]), int(answer["total_annotations"]), int(answer["total_predictions"]))

    def count_between(self, project: int, gaps: Sequence[tuple[int, int | None]]) -> int:
        """How many tasks have numbers above the first and below the second of one of these pairs; None is without end."""
        found = 0
        for first in range(0, len(gaps), RANGES):
            items = [
                task_filter("id", "greater", "Number", low)
                if end is None
                else task_filter("id", "in", "Number", {"min": low + 1, "max": end - 1})
                for low, end in gaps[first : first + RANGES]
            ]
            query = json.dumps({"filters": {"conjunction": "or", "items": items}})
            answer = self._get("api/tasks/", project=project, page=1, page_size=1, include="id", query=query)
            with self._mapped():
                found += int(answer["total"])
        return found

    def newest(self, project: int) -> str:
        """When a task was last updated, by the server's clock (ISO 8601); empty without tasks."""
        query = json.dumps({"ordering": ["-tasks:updated_at"]})
        answer = self._get("api/tasks/", project=project, page=1, page_size=1, include="id,updated_at", query=query)
        with self._mapped():
            return str(answer["tasks"][0]["updated_at"]) if answer["tasks"] else ""

    def drafts(self, task: int) -> list[Json]:
        """What people have begun in a task and not submitted; lists of tasks show a user their own drafts only."""
        return self._get_list(f"api/tasks/{task}/drafts")

    def import_tasks(self, project: int, tasks: Sequence[bytes]) -> list[int]:
        """Store tasks, each a JSON object as text, in one atomic call; their ids in the order given."""
        body = b"[" + b",".join(tasks) + b"]"
        answer = self._send("POST", f"api/projects/{project}/import", {"return_task_ids": "true"}, body)
        ids = answer.get("task_ids") if isinstance(answer, dict) else None
        if not isinstance(ids, list) or len(ids) != len(tasks):
            raise UnexpectedAnswer(f"{self.url}: {len(tasks)} tasks sent, the answer names {len(ids or [])}")
        return [int(number) for number in ids]

    def update_task(self, task: int, data: Json, meta: Json) -> None:
        """Replace a task's data and meta; its annotations stay."""
        with self._sdk() as sdk:
            sdk.tasks.update(str(task), data=data, meta=meta)

    def import_predictions(self, project: int, predictions: Sequence[Json]) -> int:
        """Store predictions; how many were kept: others are dropped without a word."""
        body = json.dumps(list(predictions)).encode()
        answer = self._send("POST", f"api/projects/{project}/import/predictions", {}, body)
        with self._mapped():
            return int(answer["created"])

    def begin_from(self, project: int, model: str) -> None:
        """Let annotators begin from what a model predicts: unless a project names it, they start with an empty task."""
        if self._get(f"api/projects/{project}/").get("model_version") != model:
            self._send("PATCH", f"api/projects/{project}/", {}, {"model_version": model})

    def delete_prediction(self, number: int) -> None:
        """Delete a prediction."""
        self._send("DELETE", f"api/predictions/{number}/", {})

    def delete_tasks(self, project: int, tasks: Sequence[int]) -> None:
        """Delete tasks in one call."""
        body = {"selectedItems": {"all": False, "included": list(tasks)}}
        self._send("POST", "api/dm/actions/", {"id": "delete_tasks", "project": project}, body)

    def submit(self, task: int, result: Sequence[Json], *, lead_time: float, skipped: bool) -> None:
        """Submit or skip a task as the user of this connection."""
        with self._sdk() as sdk:
            sdk.annotations.create(task, result=list(result), lead_time=lead_time, was_cancelled=skipped, ground_truth=False)

    # -- what is stored under a schema -------------------------------------------------------------------------------

    def answer(self, kind: AnswerKind, number: int) -> Json | None:
        """An annotation, draft or prediction as it is now; None when it is gone."""
        try:
            return self._get(f"api/{kind}s/{number}/")
        except NotThere:
            return None

    def change_answer(self, kind: AnswerKind, number: int, result: Sequence[Json]) -> None:
        """Replace the result of an annotation, draft or prediction. (Drafts that hang on a changed annotation are dropped by
        the server.)"""
        self._send("PATCH", f"api/{kind}s/{number}/", {}, {"result": list(result)})

    def recount_labels(self, project: int) -> None:
        """Have the server count the labels in use anew: its counters, which its check of a config believes, go stale."""
        self._send("POST", f"api/projects/{project}/summary/reset/", {}, {})

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

    def _send(self, method: str, path: str, params: Mapping[str, Any], body: Json | bytes | None = None) -> Any:
        given: dict[str, Any] = {"json": body}
        if isinstance(body, bytes):
            given = {"content": body, "headers": {"Content-Type": "application/json"}}
        with self._mapped(path=path):
            answer = self._http.request(method, f"{self.url}/{path}", params=dict(params), **given)
            if answer.status_code >= 400:
                raise Refused(answer)
            self.server_time = _time_of(answer)
            return _json(answer)

    @contextmanager
    def _mapped(self, *, path: str = "") -> Iterator[None]:
        with transport_errors(self.url):
            try:
                yield
            except Refused as problem:
                raise explained(self.url, problem.status, problem.body, token_kind=self._kind, path=path) from None

    @contextmanager
    def _sdk(self, *, config: bool = False) -> Iterator[LabelStudio]:
        """The SDK, its errors made ours. `config`: whether a labeling config is sent."""
        from label_studio_sdk import LabelStudio
        from label_studio_sdk.core.api_error import ApiError

        with self._mapped():
            try:
                if self._library is None:
                    self._library = LabelStudio(
                        base_url=f"{self.url}/", api_key=self._token, httpx_client=self._http, timeout=TIMEOUT, max_retries=0
                    )
                yield self._library
            except ApiError as problem:
                status, body = problem.status_code or 0, problem.body
                raise explained(self.url, status, body, token_kind=self._kind, config=config) from None


def task_filter(column: str, operator: str, kind: str, value: object) -> Json:
    """A filter of the Data Manager on a column of tasks."""
    return {"filter": f"filter:tasks:{column}", "operator": operator, "type": kind, "value": value}


def _stamp(moment: str) -> str:
    """A time in the one form that filters take."""
    return datetime.fromisoformat(moment).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _project(item: Json) -> Project:
    text = {name: item.get(name) or "" for name in ("description", "label_config")}
    told = str(item.get("expert_instruction") or "")
    return Project(int(item["id"]), item["title"], **text, instruction=told, born=str(item.get("created_at") or ""))


def _json(answer: httpx.Response) -> Any:
    if not answer.content:
        return {}
    try:
        return answer.json()
    except ValueError:
        raise Refused(answer) from None


def _time_of(answer: httpx.Response) -> str:
    try:
        return parsedate_to_datetime(answer.headers["date"]).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    except (KeyError, ValueError):
        return ""
