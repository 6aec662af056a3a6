"""The addresses the fake server knows, and what each does. No HTTP in here: a `Call` goes in, an `Answer` comes out."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from annotate.testing import filters, labeling
from annotate.testing.state import (
    ACCESS_SECONDS,
    REFRESH_SECONDS,
    Json,
    Project,
    Refused,
    Snapshot,
    State,
    Task,
    User,
    View,
    absent,
    invalid,
)

NOBODY = User(0, "", "", "", False)
JSON, HTML = "application/json", "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Call:
    """A request, read."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    body: Any
    cookies: Mapping[str, str]
    authorization: str
    version: str
    """Of Label Studio, that the server claims to be."""
    state: State
    user: User = NOBODY
    """Who asks, once that is known."""

    def one(self, name: str, default: str = "") -> str:
        """The last value of a query parameter."""
        return self.query.get(name, [default])[-1]

    def flag(self, name: str) -> bool:
        return self.one(name).lower() in ("true", "1")

    @property
    def object(self) -> Json:
        """The body, where an object is wanted."""
        if not isinstance(self.body, dict):
            raise invalid("non_field_errors", f"Invalid data. Expected a dictionary, but got {type(self.body).__name__}.")
        return self.body


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: bytes as they are, text as a web page, anything else as JSON."""

    status: int
    content: object = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)

    def encoded(self) -> tuple[bytes, str]:
        """The body and its type. `UnicodeEncodeError` for a lone surrogate, on which Label Studio fails too."""
        if isinstance(self.content, bytes):
            return self.content, ""
        if isinstance(self.content, str):
            return self.content.encode(), HTML
        return json.dumps(self.content, ensure_ascii=False).encode(), JSON


def page(status: int, text: str, *, cookies: Mapping[str, str] | None = None) -> Answer:
    """A web page."""
    body = f"<!doctype html>\n<html lang='en'><head><title>Label Studio</title></head><body>\n{text}\n</body></html>\n"
    return Answer(status, body, cookies=cookies or {})


def error(version: str, status: int, detail: str, fields: Json | None = None) -> Answer:
    """The frame of all errors."""
    body: Json = {"id": str(uuid4()), "status_code": status, "version": version, "detail": detail, "exc_info": None}
    return Answer(status, body | ({"validation_errors": fields} if fields else {}))


class _RefusedWithPage(Refused):
    """Answered with a web page where other refusals come as JSON."""


def respond(call: Call) -> Answer:
    """Do what a request asks for. An address nobody knows is answered with a web page, as Label Studio does."""
    try:
        for route in _ROUTES:
            found = route.pattern.fullmatch(call.path)
            if found and route.method == call.method:
                known = call if route.public else replace(call, user=authenticated(call))
                return route.do(known, *map(int, found.groups()))
    except _RefusedWithPage as refusal:
        return page(refusal.status, f"<h1>{refusal.status}</h1><p>{html.escape(refusal.detail)}</p>")
    except Refused as refusal:
        return error(call.version, refusal.status, refusal.detail, refusal.fields)
    except filters.FilterProblem as problem:
        return error(call.version, 500, str(problem))
    if any(route.pattern.fullmatch(call.path) for route in _ROUTES):
        return error(call.version, 405, f'Method "{call.method}" not allowed.')
    return page(404, "<h1>404</h1><p>Page not found</p>")


def authenticated(call: Call) -> User:
    """Who asks: by legacy token, by the access token that a personal one was exchanged for, or by session."""
    kind, _, token = call.authorization.partition(" ")
    user = call.state.sessions.get(call.cookies.get("sessionid", ""))
    if kind == "Token":
        user = next((user for user in call.state.users.values() if user.token == token), None)
        if user is None:
            raise Refused(401, "Invalid token.")
        if not call.state.legacy_tokens:
            gone = "legacy token authentication has been disabled for this organization"
            raise Refused(401, f"Authentication token no longer valid: {gone}")
    elif kind == "Bearer":
        try:
            user = call.state.read_jwt(token, "access")
        except Refused:
            user = None
    if user is None or not user.member:
        raise Refused(401, "Authentication credentials were not provided.")
    return user


# -- routes ------------------------------------------------------------------------------------------------------------

Do = Callable[..., Answer]


@dataclass(frozen=True, slots=True)
class _Route:
    method: str
    pattern: re.Pattern[str]
    do: Do
    public: bool


_ROUTES: list[_Route] = []


def _route(method: str, path: str, *, public: bool = False) -> Callable[[Do], Do]:
    def add(do: Do) -> Do:
        _ROUTES.append(_Route(method, re.compile(path.replace("#", r"(\d+)")), do, public))
        return do

    return add


@_route("GET", "/health", public=True)
def _health(call: Call) -> Answer:  # noqa: ARG001  as all routes
    return Answer(200, {"status": "UP"})


@_route("GET", "/api/version/?", public=True)
def _version(call: Call) -> Answer:
    return Answer(200, {"release": call.version, "label-studio-os-package": {"version": call.version}, "edition": "Community"})


# -- people ------------------------------------------------------------------------------------------------------------


@_route("GET", "/api/current-user/whoami")
def _whoami(call: Call) -> Answer:
    return Answer(200, call.user.json())


@_route("GET", "/api/current-user/token")
def _token(call: Call) -> Answer:
    return Answer(200, {"token": call.user.token})


@_route("GET", "/api/users/")
def _users(call: Call) -> Answer:
    return Answer(200, [user.json() for user in call.state.users.values()])


@_route("GET", "/api/users/#/")
def _user(call: Call, number: int) -> Answer:
    if number not in call.state.users:
        raise absent("User")
    return Answer(200, call.state.users[number].json())


@_route("POST", "/api/users/")
def _create_user(call: Call) -> Answer:
    # As in the Community edition: an account without an organisation, which can do nothing.
    made = call.state.add_user(call.object["email"], call.object.get("password", ""), member=False)
    return Answer(201, made.json())


@_route("GET", "/api/invite")
def _invite(call: Call) -> Answer:
    return Answer(200, {"token": call.state.invite, "invite_url": f"/user/signup/?token={call.state.invite}"})


@_route("GET", "/user/(?:login|signup)/", public=True)
def _form(call: Call) -> Answer:
    token = call.cookies.get("csrftoken") or uuid4().hex
    form = f'<form method="post"><input type="hidden" name="csrfmiddlewaretoken" value="{token}"></form>'
    return page(200, form, cookies={"csrftoken": token})


@_route("POST", "/user/login/", public=True)
def _log_in(call: Call) -> Answer:
    _require_csrf(call)
    found = call.state.user_of(call.object.get("email", ""))
    if found is None or found.password != call.object.get("password"):
        return page(200, '<p class="error">The email and password you entered don&#x27;t match.</p>')
    return _session(call.state, found)


@_route("POST", "/user/signup/", public=True)
def _sign_up(call: Call) -> Answer:
    _require_csrf(call)
    if call.one("token") != call.state.invite:
        raise _RefusedWithPage(403, "Forbidden")
    email, password = call.object.get("email", ""), call.object.get("password", "")
    problem = ""
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
        problem = "Enter a valid email address."
    elif not 8 <= len(password) <= 128:
        problem = "Please enter a password 8–128 characters in length."
    elif call.state.user_of(email):
        problem = "User with this email already exists"
    if problem:
        return page(200, f'<ul class="field_errors">\n  <li>{html.escape(problem)}</li>\n</ul>')
    return _session(call.state, call.state.add_user(email, password))


def _session(state: State, user: User) -> Answer:
    session = uuid4().hex
    state.sessions[session] = user
    return Answer(302, headers={"Location": "/"}, cookies={"sessionid": session})


def _require_csrf(call: Call) -> None:
    if not call.cookies.get("csrftoken") or call.object.get("csrfmiddlewaretoken") != call.cookies["csrftoken"]:
        raise _RefusedWithPage(403, "CSRF verification failed. Request aborted.")


@_route("GET", "/api/token/")
def _personal_tokens(call: Call) -> Answer:
    return Answer(200, [{"token": call.user.personal.rpartition(".")[0]}] if call.user.personal else [])


@_route("POST", "/api/token/")
def _make_personal_token(call: Call) -> Answer:
    if call.user.personal:
        raise Refused(409, "You already have a valid token. Please revoke it before creating a new one.")
    call.user.personal = call.state.make_jwt(call.user, "refresh", REFRESH_SECONDS)
    return Answer(201, {"token": call.user.personal})


@_route("POST", "/api/token/blacklist/")
def _withdraw_token(call: Call) -> Answer:
    if str(call.object.get("refresh")) in (call.user.personal, call.user.personal.rpartition(".")[0]):
        call.user.personal = ""
    return Answer(204)


@_route("POST", "/api/token/refresh/", public=True)
def _refresh(call: Call) -> Answer:
    if "refresh" not in call.object:
        raise invalid("refresh", "This field is required.")
    owner = call.state.read_jwt(str(call.object["refresh"]), "refresh")
    return Answer(200, {"access": call.state.make_jwt(owner, "access", ACCESS_SECONDS)})


@_route("GET", "/api/jwt/settings")
def _token_settings(call: Call) -> Answer:
    return Answer(200, {"api_tokens_enabled": True, "legacy_api_tokens_enabled": call.state.legacy_tokens})


@_route("POST", "/api/jwt/settings")
def _set_token_settings(call: Call) -> Answer:
    call.state.legacy_tokens = bool(call.object.get("legacy_api_tokens_enabled"))
    return _token_settings(call)


# -- projects ----------------------------------------------------------------------------------------------------------


@_route("GET", "/api/projects/")
def _projects(call: Call) -> Answer:
    title = call.one("title").casefold()
    ids = [int(number) for number in call.one("ids").split(",") if number]
    found = [
        project
        for project in reversed(call.state.projects.values())  # the newest first
        if title in project.settings["title"].casefold() and (not ids or project.id in ids)
    ]
    chosen = _paged(found, call, default=30)
    size, number = int(call.one("page_size", "30")), int(call.one("page", "1"))
    following = f"{call.path}?page={number + 1}&page_size={size}" if number * size < len(found) else None
    results = [_only(project.json(), call.one("include")) for project in chosen]
    return Answer(200, {"count": len(found), "next": following, "previous": None, "results": results})


@_route("POST", "/api/projects/")
def _create_project(call: Call) -> Answer:
    return Answer(201, call.state.create_project(call.object, call.user).json())


@_route("POST", "/api/projects/validate/")
def _validate(call: Call) -> Answer:
    try:
        labeling.parse(call.object.get("label_config", ""))
    except labeling.ConfigProblem as problem:
        return Answer(400, {"label_config": [str(problem)]})
    return Answer(204)


@_route("GET", "/api/projects/#/")
def _project(call: Call, number: int) -> Answer:
    return Answer(200, call.state.project(number).json())


@_route("PATCH", "/api/projects/#/")
def _update_project(call: Call, number: int) -> Answer:
    project = call.state.project(number)
    call.state.update_project(project, call.object)
    return Answer(200, project.json())


@_route("DELETE", "/api/projects/#/")
def _delete_project(call: Call, number: int) -> Answer:
    call.state.delete_project(call.state.project(number))
    return Answer(204)


@_route("POST", "/api/projects/#/validate/")
def _validate_strictly(call: Call, number: int) -> Answer:
    project = call.state.project(number)
    xml = call.object.get("label_config")
    if not xml:
        raise invalid("non_field_errors", "Label config is not set or is empty")
    try:
        config = labeling.parse(xml)
    except labeling.ConfigProblem as problem:
        raise Refused(400, str(problem)) from None
    call.state.check_config(project, config, "non_field_errors", strict=True)
    return Answer(200, {"config_essential_data_has_changed": None})


@_route("GET", "/api/projects/#/summary/")
def _summary(call: Call, number: int) -> Answer:
    project = call.state.project(number)
    answers, drafts = project.results()
    return Answer(
        200,
        {
            "project": number,
            "created_at": project.created_at,
            "created_annotations": {"|".join(key): n for key, n in labeling.tuples_in_use(answers).items()},
            "created_labels": _nested(labeling.labels_in_use(answers)),
            "created_labels_drafts": _nested(labeling.labels_in_use(drafts)),
        },
    )


@_route("POST", "/api/projects/#/summary/reset/")
def _recount(call: Call, number: int) -> Answer:
    call.state.project(number)  # its counts are always true
    return Answer(200)


def _nested(counts: Mapping[tuple[str, str], int]) -> Json:
    nested: Json = {}
    for (name, label), number in counts.items():
        nested.setdefault(name, {})[label] = number
    return nested


# -- tasks -------------------------------------------------------------------------------------------------------------


@_route("POST", "/api/projects/#/import")
def _import(call: Call, number: int) -> Answer:
    tasks = call.state.import_tasks(_known(call.state, number), call.body, call.user)
    answer: Json = {
        "task_count": len(tasks),
        "annotation_count": sum(len(task.annotations) for task in tasks),
        "prediction_count": sum(len(task.predictions) for task in tasks),
        "duration": 0.01,
        "file_upload_ids": [],
        "could_be_tasks_list": False,
        "found_formats": [],
        "data_columns": [],
    }
    return Answer(201, answer | ({"task_ids": [task.id for task in tasks]} if call.flag("return_task_ids") else {}))


def _known(state: State, number: int) -> Project:
    if number not in state.projects:  # here Label Studio shows a page where it has an error message elsewhere
        raise _RefusedWithPage(404, "Not Found")
    return state.projects[number]


@_route("GET", "/api/tasks/")
def _tasks(call: Call) -> Answer:
    query = json.loads(call.one("query", "{}"))
    number = call.one("project") or str(query.get("project", ""))
    if call.one("view"):
        view = _view(call.state, int(call.one("view")))
        query, number = {**view.data, **query}, str(view.project)
    if not number:
        return Answer(404, {"detail": "Neither project nor view id specified"})
    project = call.state.project(int(number))
    found = list(project.tasks.values())
    if query.get("filters") or query.get("ordering"):
        shown = [task.full(project.overlap, reader=call.user) for task in found]
        kept = filters.in_order([task for task in shown if filters.matches(task, query)], query)
        found = [project.tasks[task["id"]] for task in kept]
    totals = {
        "total_annotations": sum(task.counts["submitted"] for task in found),
        "total_predictions": sum(task.counts["predicted"] for task in found),
        "total": len(found),
    }
    shown = [_listed(task, project, call, call.user) for task in _paged(found, call, default=100)]
    return Answer(200, {**totals, "tasks": shown})


def _listed(task: Task, project: Project, call: Call, user: User) -> Json:
    if call.one("fields") != "all":
        return _only(task.listed(project.overlap), call.one("include"))
    whole = task.full(project.overlap, reader=user)
    for key in ("annotations", "predictions"):  # the names of the fields to show hold for what hangs on the task, too
        whole[key] = [_only(item, call.one("include")) for item in whole[key]]
    return _only(whole, call.one("include"))


def _only(item: Json, include: str) -> Json:
    return {key: value for key, value in item.items() if key in include.split(",")} if include else item


def _paged(items: list[Any], call: Call, *, default: int) -> list[Any]:
    size, number = int(call.one("page_size", str(default))), int(call.one("page", "1"))
    first = (number - 1) * size
    if number < 1 or (first >= len(items) and number > 1):
        raise Refused(404, "Invalid page.")
    return items[first : first + size]


@_route("POST", "/api/tasks/")
def _create_task(call: Call) -> Answer:
    project = call.state.project(int(call.object.get("project", 0)))
    return Answer(201, call.state.create_task(project, call.object).single(project.overlap))


@_route("GET", "/api/tasks/#/")
def _task(call: Call, number: int) -> Answer:
    task = call.state.task(number)
    return Answer(200, task.full(call.state.project(task.project).overlap, reader=call.user, alone=True))


@_route("PATCH", "/api/tasks/#/")
def _update_task(call: Call, number: int) -> Answer:
    task = call.state.task(number)
    call.state.update_task(task, call.object)
    hanging = {"annotations": [a.json() for a in task.annotations], "predictions": [p.json() for p in task.predictions]}
    return Answer(200, task.single(call.state.project(task.project).overlap) | hanging)


@_route("DELETE", "/api/tasks/#/")
def _delete_task(call: Call, number: int) -> Answer:
    call.state.delete_tasks(call.state.project(call.state.task(number).project), [number])
    return Answer(204)


@_route("DELETE", "/api/projects/#/tasks/")
def _delete_all_tasks(call: Call, number: int) -> Answer:
    project = call.state.project(number)
    call.state.delete_tasks(project, list(project.tasks))
    return Answer(204)


# -- answers -----------------------------------------------------------------------------------------------------------


@_route("GET", "/api/tasks/#/annotations/")
def _annotations(call: Call, number: int) -> Answer:
    return Answer(200, [annotation.json() for annotation in call.state.task(number).annotations])


@_route("POST", "/api/tasks/#/annotations/")
def _annotate(call: Call, number: int) -> Answer:
    return Answer(201, call.state.annotate(call.state.task(number), call.object, call.user).json())


@_route("GET", "/api/annotations/#/")
def _annotation(call: Call, number: int) -> Answer:
    return Answer(200, call.state.annotation(number)[1].json())


@_route("PATCH", "/api/annotations/#/")
def _update_annotation(call: Call, number: int) -> Answer:
    task, annotation = call.state.annotation(number)
    call.state.change_annotation(task, annotation, call.object, call.user)
    return Answer(200, annotation.json())


@_route("DELETE", "/api/annotations/#/")
def _delete_annotation(call: Call, number: int) -> Answer:
    task, annotation = call.state.annotation(number)
    task.annotations.remove(annotation)
    task.off[annotation.kind] = 0  # those that are left are counted, whatever is not noticed
    task.drafts = [draft for draft in task.drafts if draft.annotation != number]
    task.touch(call.user)
    return Answer(204)


@_route("GET", "/api/tasks/#/drafts")
def _drafts(call: Call, number: int) -> Answer:
    found = call.state.tasks.get(number)  # drafts of a task that does not exist are none, not an error
    return Answer(200, [draft.json() for draft in found.drafts] if found else [])


@_route("POST", "/api/tasks/#/drafts")
def _begin(call: Call, number: int) -> Answer:
    return Answer(201, call.state.begin(call.state.task(number), call.object, call.user).json())


@_route("POST", "/api/tasks/#/annotations/#/drafts")
def _begin_again(call: Call, number: int, annotation: int) -> Answer:
    return Answer(201, call.state.begin(call.state.task(number), call.object, call.user, annotation).json())


@_route("GET", "/api/drafts/#/")
def _draft(call: Call, number: int) -> Answer:
    return Answer(200, call.state.draft(number)[1].json())


@_route("PATCH", "/api/drafts/#/")
def _update_draft(call: Call, number: int) -> Answer:
    _, draft = call.state.draft(number)
    draft.result = call.object.get("result", draft.result)
    draft.lead_time = call.object.get("lead_time", draft.lead_time)
    return Answer(200, draft.json())


@_route("DELETE", "/api/drafts/#/")
def _delete_draft(call: Call, number: int) -> Answer:
    task, draft = call.state.draft(number)
    task.drafts.remove(draft)
    return Answer(204)


# -- predictions -------------------------------------------------------------------------------------------------------


@_route("POST", "/api/projects/#/import/predictions")
def _import_predictions(call: Call, number: int) -> Answer:
    return Answer(201, {"created": call.state.import_predictions(call.state.project(number), call.body)})


@_route("GET", "/api/predictions/")
def _predictions(call: Call) -> Answer:
    wanted = {name: int(call.one(name)) for name in ("task", "project") if call.one(name)}
    tasks = [task for task in call.state.tasks.values() if wanted.get("task", task.id) == task.id]
    chosen = [task for task in tasks if wanted.get("project", task.project) == task.project]
    return Answer(200, [prediction.json() for task in chosen for prediction in task.predictions])


@_route("POST", "/api/predictions/")
def _create_prediction(call: Call) -> Answer:
    task = call.state.task(int(call.object.get("task", 0)))
    task.touch(call.user)
    made = call.state.add_prediction(task, call.object)
    call.state.notice(task, "predicted", 1)
    return Answer(201, made.json())


@_route("GET", "/api/predictions/#/")
def _prediction(call: Call, number: int) -> Answer:
    return Answer(200, call.state.prediction(number).json())


@_route("PATCH", "/api/predictions/#/")
def _update_prediction(call: Call, number: int) -> Answer:
    prediction = call.state.prediction(number)
    prediction.result = call.object.get("result", prediction.result)
    return Answer(200, prediction.json())


@_route("DELETE", "/api/predictions/#/")
def _delete_prediction(call: Call, number: int) -> Answer:
    for task in call.state.tasks.values():
        for prediction in task.predictions:
            if prediction.id == number:
                task.predictions.remove(prediction)
                call.state.notice(task, "predicted", -1)
                task.touch(call.user)
                return Answer(204)
    raise absent("Prediction")


# -- the Data Manager --------------------------------------------------------------------------------------------------


def _view(state: State, number: int) -> View:
    for project in state.projects.values():
        if number in project.views:
            return project.views[number]
    raise absent("View")


@_route("GET", "/api/dm/views/")
def _views(call: Call) -> Answer:
    wanted = [call.state.project(int(call.one("project")))] if call.one("project") else call.state.projects.values()
    return Answer(200, [view.json() for project in wanted for view in project.views.values()])


@_route("POST", "/api/dm/views/")
def _create_view(call: Call) -> Answer:
    project = call.state.project(int(call.object["project"]))
    view = View(call.state.number("view"), project.id, call.user.id, call.object.get("data") or {}, len(project.views))
    project.views[view.id] = view
    return Answer(201, view.json())


@_route("GET", "/api/dm/views/#/")
def _get_view(call: Call, number: int) -> Answer:
    return Answer(200, _view(call.state, number).json())


@_route("PATCH", "/api/dm/views/#/")
def _update_view(call: Call, number: int) -> Answer:
    view = _view(call.state, number)
    view.data = call.object.get("data", view.data)
    return Answer(200, view.json())


@_route("DELETE", "/api/dm/views/#/")
def _delete_view(call: Call, number: int) -> Answer:
    del call.state.project(_view(call.state, number).project).views[number]
    return Answer(204)


@_route("POST", "/api/dm/actions/")
def _act(call: Call) -> Answer:
    project, action = call.state.project(int(call.one("project"))), call.one("id")
    chosen = _selected(project, call.object.get("selectedItems") or {})
    if action == "delete_tasks":
        number = call.state.delete_tasks(project, chosen)
        return Answer(200, {"processed_items": number, "reload": False, "detail": f"Deleted {number} tasks"})
    if action not in ("delete_tasks_annotations", "delete_tasks_predictions"):
        raise Refused(500, f"Can't find '{action}' in registered actions")
    kind = action.removeprefix("delete_tasks_")
    number = sum(len(getattr(project.tasks[task], kind)) for task in chosen)
    for task in chosen:
        getattr(project.tasks[task], kind).clear()
        project.tasks[task].off.clear()
    return Answer(200, {"processed_items": number, "detail": f"Deleted {number} {kind}"})


def _selected(project: Project, items: Json) -> list[int]:
    if items.get("all"):
        return [number for number in project.tasks if number not in items.get("excluded", ())]
    return [number for number in items.get("included", ()) if number in project.tasks]


# -- exports -----------------------------------------------------------------------------------------------------------


@_route("GET", "/api/projects/#/export")
def _export(call: Call, number: int) -> Answer:
    project = call.state.project(number)
    _require_json(call)
    chosen = {int(task) for task in (*call.query.get("ids[]", ()), *call.query.get("ids", ()))}
    tasks = [
        task.export()
        for task in project.tasks.values()
        if (task.annotations or call.flag("download_all_tasks")) and (not chosen or task.id in chosen)
    ]
    return _download(tasks, f"project-{number}.json")


@_route("GET", "/api/projects/#/exports/")
def _snapshots(call: Call, number: int) -> Answer:
    return Answer(200, [snapshot.json() for snapshot in call.state.project(number).snapshots.values()])


@_route("POST", "/api/projects/#/exports/")
def _snapshot(call: Call, number: int) -> Answer:
    project = call.state.project(number)
    options = [
        key for key in ("task_filter_options", "annotation_filter_options", "serialization_options") if call.object.get(key)
    ]
    if options:  # a fake that took them and did nothing would let a wrong script pass
        raise Refused(501, f"the fake Label Studio does not know {', '.join(options)}")
    tasks = [task.export() for task in project.tasks.values()]
    title = str(call.object.get("title") or f"{project.settings['title']}-snapshot")
    made = Snapshot(call.state.number("snapshot"), title, json.loads(json.dumps(tasks)), call.user)
    project.snapshots[made.id] = made
    return Answer(201, made.json())


def _found_snapshot(state: State, project: int, number: int) -> Snapshot:
    found = state.project(project).snapshots.get(number)
    if found is None:
        raise absent("Export")
    return found


@_route("GET", "/api/projects/#/exports/#")
def _get_snapshot(call: Call, number: int, snapshot: int) -> Answer:
    return Answer(200, _found_snapshot(call.state, number, snapshot).json())


@_route("DELETE", "/api/projects/#/exports/#")
def _delete_snapshot(call: Call, number: int, snapshot: int) -> Answer:
    del call.state.project(number).snapshots[_found_snapshot(call.state, number, snapshot).id]
    return Answer(204)


@_route("GET", "/api/projects/#/exports/#/download")
def _download_snapshot(call: Call, number: int, snapshot: int) -> Answer:
    _require_json(call)
    return _download(_found_snapshot(call.state, number, snapshot).tasks, f"project-{number}-snapshot-{snapshot}.json")


def _require_json(call: Call) -> None:
    if call.one("exportType", "JSON") != "JSON":
        raise Refused(501, f"the fake Label Studio exports JSON only, not {call.one('exportType')}")


def _download(tasks: list[Json], name: str) -> Answer:
    return Answer(200, tasks, {"Content-Disposition": f'attachment; filename="{name}"', "filename": name})
