"""What the fake server remembers: users, projects and what hangs on them, and how each shows itself as JSON."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from annotate.testing import labeling
from annotate.testing.cleaning import cleaned
from annotate.testing.labeling import LabelingConfig

Json = dict[str, Any]

ACCESS_SECONDS = 300
REFRESH_SECONDS = 200 * 365 * 24 * 3600
EMPTY_CONFIG = "<View></View>"
SAMPLINGS = ("Sequential sampling", "Uniform sampling", "Uncertainty sampling")
SETTINGS: Json = {
    "title": "",
    "description": "",
    "label_config": EMPTY_CONFIG,
    "expert_instruction": "",
    "show_instruction": False,
    "show_skip_button": True,
    "enable_empty_annotation": True,
    "show_annotation_history": False,
    "organization": 1,
    "color": "#FFFFFF",
    "maximum_annotations": 1,
    "is_published": False,
    "model_version": "",
    "is_draft": False,
    "show_collab_predictions": True,
    "sampling": "Sequential sampling",
    "show_ground_truth_first": False,
    "show_overlap_first": False,
    "overlap_cohort_percentage": 100,
    "reveal_preannotations_interactively": False,
}
"""Of a project: the keys that can be set, and their defaults. Label Studio ignores others in silence."""


class Refused(Exception):
    """A request that is answered with an error in Label Studio's frame."""

    def __init__(self, status: int, detail: str, fields: Json | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.fields = status, detail, fields


def invalid(name: str, *reasons: object) -> Refused:
    """A validation error of one field (`non_field_errors` for the request as a whole)."""
    return Refused(400, "Validation error", {name: list(reasons)})


def absent(kind: str) -> Refused:
    """Nothing has this number."""
    return Refused(404, f"No {kind} matches the given query.")


def now() -> str:
    """The time as Label Studio writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass(slots=True, eq=False)
class User:
    """A person with an account; one who is no member of the organisation can log in and do nothing."""

    id: int
    email: str
    password: str
    token: str
    member: bool
    personal: str = ""
    """The personal access token, when one was made."""
    joined: str = field(default_factory=now)

    def json(self) -> Json:
        organisation = {"title": "Label Studio", "email": self.email} if self.member else {"title": "", "email": ""}
        return {
            **self.short(),
            "username": self.email.split("@")[0],
            "last_activity": self.joined,
            "custom_hotkeys": {},
            "phone": "",
            "active_organization": 1 if self.member else None,
            "active_organization_meta": organisation,
            "allow_newsletters": None,
            "date_joined": self.joined,
        }

    def short(self) -> Json:
        """As `completed_by` of a task that is read alone."""
        names = {"first_name": "", "last_name": ""}
        return {"id": self.id, **names, "email": self.email, "avatar": None, "initials": self.email[:2]}


@dataclass(slots=True, eq=False)
class Annotation:
    """A submitted or skipped answer."""

    id: int
    task: int
    project: int
    user: User
    result: object
    was_cancelled: bool = False
    ground_truth: bool = False
    lead_time: float | None = None
    unique_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    import_id: int | None = None
    imported: bool = False
    parent_prediction: int | None = None
    draft_created_at: str | None = None
    updated_by: int | None = None
    created_at: str = field(default_factory=now)
    updated_at: str = field(default_factory=now)

    @property
    def kind(self) -> str:
        return "skipped" if self.was_cancelled else "submitted"

    def json(self, *, person: bool = False) -> Json:
        ago = {"created_username": f" {self.user.email}, {self.user.id}", "created_ago": "0 minutes"}
        return {**self._core(), **ago, "completed_by": self.user.short() if person else self.user.id}

    def export(self) -> Json:
        extra = {
            "prediction": {},
            "result_count": 0 if self.imported else len(_as_list(self.result)),
            "unique_id": self.unique_id,
        }
        return {**self._core(), "completed_by": self.user.id, **extra}

    def _core(self) -> Json:
        keys = "id result was_cancelled ground_truth created_at updated_at draft_created_at lead_time import_id".split()
        rest = {"last_action": None, "bulk_created": False, "task": self.task, "project": self.project}
        last = {"parent_prediction": self.parent_prediction, "parent_annotation": None, "last_created_by": None}
        return {key: getattr(self, key) for key in keys} | rest | {"updated_by": self.updated_by} | last


@dataclass(slots=True, eq=False)
class Draft:
    """What somebody began and did not submit."""

    id: int
    task: int
    user: User
    result: object
    lead_time: float | None
    annotation: int | None
    created_at: str = field(default_factory=now)
    updated_at: str = field(default_factory=now)

    def json(self) -> Json:
        return {
            "id": self.id,
            "user": self.user.email,
            "created_username": f"{self.user.email}, {self.user.id}",
            "created_ago": "0 minutes",
            "result": self.result,
            "lead_time": self.lead_time,
            "was_postponed": False,
            "import_id": None,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "task": self.task,
            "annotation": self.annotation,
        }


@dataclass(slots=True, eq=False)
class Prediction:
    """A suggestion of a model."""

    id: int
    task: int
    project: int
    result: object
    score: float | None
    model_version: str
    created_at: str = field(default_factory=now)

    def json(self) -> Json:
        return {
            "id": self.id,
            "result": self.result,
            "model_version": self.model_version,
            "created_ago": "0 minutes",
            "score": self.score,
            "cluster": None,
            "neighbors": None,
            "mislabeling": 0.0,
            "created_at": self.created_at,
            "updated_at": self.created_at,
            "model": None,
            "model_run": None,
            "task": self.task,
            "project": self.project,
        }


@dataclass(slots=True, eq=False)
class Task:
    """A task and all that hangs on it."""

    id: int
    project: int
    inner_id: int
    data: Json
    meta: Json
    annotations: list[Annotation] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    predictions: list[Prediction] = field(default_factory=list)
    off: Counter[str] = field(default_factory=Counter)
    """By how much the server's counts of what is `submitted`, `skipped` and `predicted` are off."""
    updated_by: int | None = None
    created_at: str = field(default_factory=now)
    updated_at: str = field(default_factory=now)

    def touch(self, user: User) -> None:
        self.updated_at, self.updated_by = now(), user.id

    @property
    def submitted(self) -> list[Annotation]:
        return [annotation for annotation in self.annotations if not annotation.was_cancelled]

    @property
    def counts(self) -> Mapping[str, int]:
        """What the server has noted."""
        submitted = len(self.submitted)
        there = {"submitted": submitted, "skipped": len(self.annotations) - submitted, "predicted": len(self.predictions)}
        return {kind: number + self.off[kind] for kind, number in there.items()}

    def _core(self) -> Json:
        return {
            "id": self.id,
            "data": self.data,
            "meta": self.meta,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "inner_id": self.inner_id,
            "total_annotations": self.counts["submitted"],
            "cancelled_annotations": self.counts["skipped"],
            "total_predictions": self.counts["predicted"],
            "comment_count": 0,
            "unresolved_comment_count": 0,
            "last_comment_updated_at": None,
            "project": self.project,
            "comment_authors": [],
        }

    def listed(self, overlap: int) -> Json:
        """As in the list of tasks, without what `fields=all` adds."""
        versions = {prediction.model_version for prediction in self.predictions}
        return self._core() | {
            "is_labeled": self._is_labeled(overlap),
            "overlap": overlap,
            "annotators": sorted({annotation.user.id for annotation in self.annotations}),
            "annotations_results": "",
            "predictions_results": "",
            "file_upload": None,
            "storage_filename": None,
            "annotations_ids": ",".join(str(annotation.id) for annotation in self.annotations),
            "predictions_model_versions": ",".join(sorted(versions)),
            "updated_by": [] if self.updated_by is None else [{"user_id": self.updated_by}],
        }

    def full(self, overlap: int, *, reader: User, alone: bool = False) -> Json:
        """With everything; drafts are shown to whoever began them only. `alone`: as a task that is read by its number."""
        scores = [prediction.score for prediction in self.predictions if prediction.score is not None]
        times = [annotation.lead_time for annotation in self.annotations if annotation.lead_time is not None]
        return self.listed(overlap) | {
            "annotations": [annotation.json(person=alone) for annotation in self.annotations],
            "predictions": [prediction.json() for prediction in self.predictions],
            "drafts": [draft.json() for draft in self.drafts if draft.user is reader],
            "completed_at": max((annotation.created_at for annotation in self.annotations), default=None),
            "predictions_score": sum(scores) / len(scores) if scores else None,
            "avg_lead_time": sum(times) / len(times) if times else None,
            "draft_exists": bool(self.drafts),
        }

    def single(self, overlap: int) -> Json:
        """As the answer to making or changing it."""
        return self._core() | {
            "is_labeled": self._is_labeled(overlap),
            "overlap": overlap,
            "updated_by": None,
            "file_upload": None,
        }

    def export(self) -> Json:
        return self._core() | {
            "annotations": [annotation.export() for annotation in self.annotations],
            "drafts": [draft.json() for draft in self.drafts],
            "predictions": [prediction.id for prediction in self.predictions],
            "allow_skip": True,
            "updated_by": self.updated_by,
        }

    def _is_labeled(self, overlap: int) -> bool:
        return len([a for a in self.annotations if a.imported or not a.was_cancelled]) + self.off["submitted"] >= overlap


@dataclass(slots=True, eq=False)
class View:
    """A tab of the Data Manager."""

    id: int
    project: int
    user: int
    data: Json
    order: int = 0

    def json(self) -> Json:
        return {"id": self.id, "data": self.data, "order": self.order, "user": self.user, "project": self.project}


@dataclass(slots=True, eq=False)
class Snapshot:
    """A frozen export."""

    id: int
    title: str
    tasks: list[Json]
    user: User
    created_at: str = field(default_factory=now)

    def json(self) -> Json:
        return {
            "id": self.id,
            "title": self.title,
            "created_by": self.user.short(),
            "created_at": self.created_at,
            "finished_at": self.created_at,
            "status": "completed",
            "md5": hashlib.md5(repr(self.tasks).encode("utf-8", "replace"), usedforsecurity=False).hexdigest(),
            "counters": {"task_number": len(self.tasks)},
            "converted_formats": [],
            "task_filter_options": None,
            "annotation_filter_options": None,
            "serialization_options": None,
        }


@dataclass(slots=True, eq=False)
class Project:
    """A project, its tasks, tabs and exports."""

    id: int
    owner: User
    settings: Json
    config: LabelingConfig
    tasks: dict[int, Task] = field(default_factory=dict)
    views: dict[int, View] = field(default_factory=dict)
    snapshots: dict[int, Snapshot] = field(default_factory=dict)
    inner_ids: Iterator[int] = field(default_factory=lambda: count(1))
    created_at: str = field(default_factory=now)

    @property
    def overlap(self) -> int:
        return int(self.settings["maximum_annotations"])

    def json(self) -> Json:
        tasks = list(self.tasks.values())
        answers = [annotation for task in tasks for annotation in task.annotations]
        return self.settings | {
            "id": self.id,
            "created_by": self.owner.short(),
            "created_at": self.created_at,
            "task_number": len(tasks),
            "num_tasks_with_annotations": sum(bool(task.annotations) for task in tasks),
            "useful_annotation_number": sum(not a.was_cancelled and not a.ground_truth for a in answers),
            "ground_truth_number": sum(a.ground_truth for a in answers),
            "skipped_annotations_number": sum(a.was_cancelled for a in answers),
            "total_annotations_number": sum(not a.was_cancelled for a in answers),
            "total_predictions_number": sum(len(task.predictions) for task in tasks),
            "finished_task_number": sum(len(task.submitted) >= self.overlap for task in tasks),
            "config_has_control_tags": bool(self.config.controls),
        }

    def results(self) -> tuple[list[object], list[object]]:
        """Of annotations and of drafts, as the checks of a config count them: those of imported annotations are forgotten."""
        answers = [a.result for task in self.tasks.values() for a in task.annotations if not a.imported]
        return answers, [draft.result for task in self.tasks.values() for draft in task.drafts]


class State:
    """The whole server. Not safe for threads: the server lets one request in at a time."""

    def __init__(self) -> None:
        self.users: dict[int, User] = {}
        self.projects: dict[int, Project] = {}
        self.tasks: dict[int, Task] = {}
        self.sessions: dict[str, User] = {}
        self.invite = secrets.token_hex(20)
        self.legacy_tokens = True
        self.miscounts = False
        self._secret = secrets.token_bytes(32)
        self._numbers: dict[str, Iterator[int]] = {}

    def number(self, kind: str) -> int:
        """The next id of a kind of thing; ids are never used again."""
        return next(self._numbers.setdefault(kind, count(1)))

    # -- people --------------------------------------------------------------------------------------------------------

    def add_user(self, email: str, password: str, *, member: bool = True, token: str = "") -> User:
        user = User(self.number("user"), email.lower(), password, token or secrets.token_hex(20), member)
        self.users[user.id] = user
        return user

    def user_of(self, email: str) -> User | None:
        return next((user for user in self.users.values() if user.email == email.lower()), None)

    def make_jwt(self, user: User, kind: str, seconds: int) -> str:
        """A signed token that says whose it is and for how long."""
        begun = int(time.time())
        claims = {"token_type": kind, "exp": begun + seconds, "iat": begun, "jti": uuid.uuid4().hex, "user_id": str(user.id)}
        head = f"{_base64({'alg': 'HS256', 'typ': 'JWT'})}.{_base64(claims)}"
        return f"{head}.{self._signature(head)}"

    def read_jwt(self, token: str, kind: str) -> User:
        """Whose token it is. `Refused` when it is not one of ours, of another kind, over or withdrawn."""
        head, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(head).encode()):
            raise Refused(401, "Token is invalid")
        claims = json.loads(base64.urlsafe_b64decode(head.split(".")[1] + "=="))
        if claims["token_type"] != kind:
            raise Refused(401, "Token has wrong type")
        user = self.users[int(claims["user_id"])]
        if claims["exp"] < time.time():
            raise Refused(401, "Token is expired")
        if kind == "refresh" and user.personal != token:
            raise Refused(401, "Token is blacklisted")
        return user

    def _signature(self, head: str) -> str:
        digest = hmac.new(self._secret, head.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    # -- projects ------------------------------------------------------------------------------------------------------

    def project(self, number: int) -> Project:
        if number not in self.projects:
            raise absent("Project")
        return self.projects[number]

    def create_project(self, body: Json, owner: User) -> Project:
        settings = SETTINGS | checked_settings({"title": ""} | body)
        project = Project(self.number("project"), owner, settings, config_of(settings["label_config"]))
        self.projects[project.id] = project
        return project

    def update_project(self, project: Project, body: Json) -> None:
        """Change settings. That a label in use goes is accepted in silence; that a control goes is not."""
        settings = checked_settings(body)
        if "label_config" in settings:
            config = config_of(settings["label_config"])
            self.check_config(project, config, "label_config", strict=False)
            project.config = config
        project.settings |= settings

    def check_config(self, project: Project, config: LabelingConfig, where: str, *, strict: bool) -> None:
        """Refuse a config that annotations do not fit; with `strict` also when only labels are missing."""
        answers, drafts = project.results()
        if not (answers or drafts) or not config.controls:
            return
        known = {(name, control.to_name, control.kind) for name, control in config.controls.items()}
        lost = [
            f"{number} with from_name={name}, to_name={to_name}, type={kind}"
            for (name, to_name, kind), number in labeling.tuples_in_use(answers).items()
            if (name, to_name, kind) not in known
        ]
        if lost:
            found = "\n".join(lost)
            raise invalid(where, f"Created annotations are incompatible with provided labeling schema, we found:\n{found}")
        if strict:
            _check_labels(config, answers, drafts, where)

    def delete_project(self, project: Project) -> None:
        self.delete_tasks(project, list(project.tasks))
        del self.projects[project.id]

    # -- tasks ---------------------------------------------------------------------------------------------------------

    def task(self, number: int) -> Task:
        if number not in self.tasks:
            raise absent("Task")
        return self.tasks[number]

    def import_tasks(self, project: Project, body: object, user: User) -> list[Task]:
        """All of a batch, or nothing."""
        items: list[Any] = body if isinstance(body, list) else [body]
        if not items:
            raise invalid("non_field_errors", "load_tasks: No tasks added")
        problems = [_import_problem(project.config, item) for item in items]
        if any(problems):
            last = max(index for index, problem in enumerate(problems) if problem)
            raise invalid(
                "non_field_errors",
                *(f"Error at item {n}: {p} :: {items[n]}" if p else {} for n, p in enumerate(problems[: last + 1])),
            )
        whole = [item if "data" in item else {"data": item} for item in items]
        people = [[self._annotator(answer, user) for answer in item.get("annotations") or ()] for item in whole]
        tasks = []
        for item, annotators in zip(whole, people, strict=True):
            task = self._add_task(project, item["data"], item.get("meta") or {})
            for answer, person in zip(item.get("annotations") or (), annotators, strict=True):
                task.annotations.append(self._imported(task, answer, person))
            for guess in item.get("predictions") or ():
                self.add_prediction(task, guess)
            tasks.append(task)
        return tasks

    def create_task(self, project: Project, body: Json) -> Task:
        problem = labeling.task_problem(project.config, body.get("data"))
        if problem:
            raise invalid("non_field_errors", f"{problem}{_ASSUMED}")
        return self._add_task(project, body["data"], body.get("meta") or {})

    def _add_task(self, project: Project, data: Json, meta: Json) -> Task:
        task = Task(self.number("task"), project.id, next(project.inner_ids), data, meta)
        self.tasks[task.id] = project.tasks[task.id] = task
        return task

    def _annotator(self, answer: Json, user: User) -> User:
        given = answer.get("completed_by")
        if given is None:
            return user
        found = self.user_of(str(given.get("email"))) if isinstance(given, dict) else self.users.get(given)
        if found is None:
            raise invalid(
                "non_field_errors", f"Import data contains completed_by={given} which is not a valid annotator's email or ID"
            )
        return found

    def _imported(self, task: Task, answer: Json, person: User) -> Annotation:
        return Annotation(
            self.number("annotation"),
            task.id,
            task.project,
            person,
            answer["result"],
            was_cancelled=bool(answer.get("was_cancelled")),
            ground_truth=bool(answer.get("ground_truth", True)),
            lead_time=answer.get("lead_time"),
            unique_id=self._unique_id(answer),
            import_id=answer.get("id"),
            imported=True,
        )

    def update_task(self, task: Task, body: Json) -> None:
        """Replace data or meta as a whole, whatever annotations say about it. Needs no key."""
        if body.get("data", {}) is None:
            raise invalid("data", "This field may not be null.")
        task.data = body.get("data", task.data)
        task.meta = body.get("meta", task.meta)
        task.updated_at = now()

    def delete_tasks(self, project: Project, numbers: list[int]) -> int:
        known = [number for number in numbers if number in project.tasks]
        for number in known:
            del project.tasks[number], self.tasks[number]
        return len(known)

    # -- answers -------------------------------------------------------------------------------------------------------

    def annotation(self, number: int) -> tuple[Task, Annotation]:
        for task in self.tasks.values():
            for annotation in task.annotations:
                if annotation.id == number:
                    return task, annotation
        raise absent("Annotation")

    def draft(self, number: int) -> tuple[Task, Draft]:
        for task in self.tasks.values():
            for draft in task.drafts:
                if draft.id == number:
                    return task, draft
        raise absent("AnnotationDraft")

    def prediction(self, number: int) -> Prediction:
        for task in self.tasks.values():
            for prediction in task.predictions:
                if prediction.id == number:
                    return prediction
        raise absent("Prediction")

    def annotate(self, task: Task, body: Json, user: User) -> Annotation:
        """Submit or skip; nothing looks at what the answer says. A draft that it names is done with."""
        result = body.get("result")
        if isinstance(result, str):
            raise Refused(500, 'annotation "result" can\'t be parse from str to JSON')
        begun = next((draft for draft in task.drafts if draft.id == body.get("draft_id")), None)
        made = Annotation(
            self.number("annotation"),
            task.id,
            task.project,
            self.users.get(body.get("completed_by", user.id), user),
            result,
            was_cancelled=bool(body.get("was_cancelled")),
            ground_truth=bool(body.get("ground_truth")),
            lead_time=body.get("lead_time"),
            unique_id=self._unique_id(body),
            parent_prediction=body.get("parent_prediction"),
            draft_created_at=begun.created_at if begun else None,
            updated_by=user.id,
        )
        task.annotations.append(made)
        self.notice(task, made.kind, 1)
        task.drafts = [draft for draft in task.drafts if draft is not begun]
        _keep_one_truth(task, made)
        task.touch(user)
        return made

    def notice(self, task: Task, kind: str, more: int) -> None:
        """Count a kind of things anew; or do not notice that there are `more` of them."""
        task.off[kind] = task.off[kind] - more if self.miscounts else 0

    def change_annotation(self, task: Task, annotation: Annotation, body: Json, user: User) -> None:
        before = annotation.kind
        for key in ("result", "was_cancelled", "ground_truth", "lead_time"):
            if key in body:
                setattr(annotation, key, body[key])
        annotation.updated_at, annotation.updated_by = now(), user.id
        annotation.imported = False
        if self.miscounts:
            task.off[before] += 1  # it is this no more, and neither that is noticed
        self.notice(task, annotation.kind, 1)
        task.drafts = [draft for draft in task.drafts if draft.annotation != annotation.id]
        _keep_one_truth(task, annotation)
        task.touch(user)

    def begin(self, task: Task, body: Json, user: User, annotation: int | None = None) -> Draft:
        draft = Draft(self.number("draft"), task.id, user, body.get("result"), body.get("lead_time"), annotation)
        task.drafts.append(draft)
        return draft

    def add_prediction(self, task: Task, body: Json) -> Prediction:
        """Keep a prediction, whatever it says."""
        version = str(body.get("model_version") or "")
        made = Prediction(self.number("prediction"), task.id, task.project, body.get("result"), body.get("score"), version)
        task.predictions.append(made)
        return made

    def import_predictions(self, project: Project, body: list[Json]) -> int:
        """Keep those that fit the config and drop the others in silence; the number kept."""
        for item in body:
            if item.get("task") not in project.tasks:
                raise invalid(
                    "non_field_errors",
                    f'{item} contains invalid "task" field: corresponding task ID couldn\'t be retrieved '
                    f"from project {project.settings['title']} (id={project.id}) tasks",
                )
        kept = [item for item in body if labeling.is_valid_prediction(project.config, item.get("result"))]
        for item in kept:
            self.add_prediction(project.tasks[item["task"]], item)
        return len(kept)

    def _unique_id(self, body: Json) -> str:
        wanted = str(body.get("unique_id") or "")
        if not wanted:
            return str(uuid.uuid4())
        if any(answer.unique_id == wanted for task in self.tasks.values() for answer in task.annotations):
            raise Refused(409, "Annotation with this unique id already exists")
        return wanted


_ASSUMED = ' [assume: item["data"] = task root with values]'


def _import_problem(config: LabelingConfig, item: object) -> str:
    if not isinstance(item, dict):
        return 'Task root must be dict with "data", "meta", "annotations", "predictions" fields'
    problem = labeling.task_problem(config, item.get("data", item))
    if problem:
        return problem + (_ASSUMED if "data" in item else " [assume: item as is = task root with values] ")
    if "data" in item and any("result" not in answer for answer in item.get("annotations") or ()):
        return 'Annotation must have "result" fields'
    return ""


def checked_settings(body: Json) -> Json:
    """The settings of a project that are in a request. `Refused` when Label Studio does not take them."""
    settings = {key: value for key, value in body.items() if key in SETTINGS}
    title = settings.get("title")
    if title is not None and len(title) < 3:
        raise invalid("title", "Ensure this field has at least 3 characters.")
    if title is not None and len(title) > 50:
        raise invalid("title", "Ensure this field has no more than 50 characters.")
    if settings.get("sampling", SAMPLINGS[0]) not in SAMPLINGS:
        raise invalid("sampling", f'"{settings["sampling"]}" is not a valid choice.')
    if "expert_instruction" in settings:
        settings["expert_instruction"] = cleaned(settings["expert_instruction"])
    return settings


def config_of(xml: str) -> LabelingConfig:
    """A config, or the refusal of it."""
    try:
        return labeling.parse(xml)
    except labeling.ConfigProblem as problem:
        raise invalid("label_config", str(problem)) from None


def _check_labels(config: LabelingConfig, answers: list[object], drafts: list[object], where: str) -> None:
    by_answers, by_drafts = labeling.labels_in_use(answers), labeling.labels_in_use(drafts)
    for name, control in config.controls.items():
        used = sorted({label for control_name, label in (*by_answers, *by_drafts) if control_name == name} - control.labels)
        if not used:
            continue
        lines = []
        for label in used:
            numbers = [(by_answers[name, label], "annotation"), (by_drafts[name, label], "draft")]
            told = ", ".join(f"{n} {what}{'s' * (n > 1)}" for n, what in numbers if n)
            lines.append(f"{label} ({told})")
        found = "\n".join(lines)
        raise invalid(
            where,
            f'These labels still exist in annotations or drafts:\n{found}\nPlease add labels to tag with name="{name}".',
        )


def _keep_one_truth(task: Task, latest: Annotation) -> None:
    if latest.ground_truth:
        for annotation in task.annotations:
            annotation.ground_truth = annotation is latest


def _as_list(result: object) -> list[object]:
    return result if isinstance(result, list) else []


def _base64(value: Json) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).rstrip(b"=").decode()
