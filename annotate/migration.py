"""A project brought to the next version of its label schema, with all that people have said under the old one.

Label Studio accepts in silence that a label in use goes. So we look ourselves, at imported annotations too, and the order is:

1. decide where each label goes that is in use (pure; nothing is written before every label is decided),
2. keep a copy of every answer that will change, as JSON, on disk,
3. give the project a config with both: old labels valid but hidden, the ones they become offered,
4. rewrite answer by answer, each read again first, until nothing holds an old label,
5. only then set the new config, and in the same call the project's history of schemas.

Killed at any point, the same command goes on: what has been rewritten needs no rewriting, and step 3 leaves out whatever else
is new, so that the difference to the new schema is still there to be seen.
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from annotate.codec import dumps
from annotate.errors import AnnotateError, ConfigRefused, DataFindings, InvariantError, ProjectNotFound
from annotate.labelstudio.client import AnswerKind, Client, Project
from annotate.labelstudio.config_reading import ConfigLabels, read_config, transition
from annotate.labelstudio.labeling_config import labeling_config
from annotate.labelstudio.relabeling import Usage, in_words, labels_of, relabeled, usage_of
from annotate.labelstudio.wire import Json
from annotate.model import Reject, SchemaRef
from annotate.schema import ENTITIES, OVERLAPS, LabelSchema, Overlap
from annotate.schema.diff import (
    NO_CHOICES,
    Change,
    Choices,
    Key,
    Routes,
    compare_labels,
    compare_overlap,
    compare_words,
    keys,
    routes,
)
from annotate.store import reject
from annotate.sync import Marker, alone, project_url, read_marker

ROUNDS = 5
"""How often a project is read again because people submitted under an old label while it was being rewritten."""
KINDS: tuple[AnswerKind, ...] = ("annotation", "draft", "prediction")
FOLDER = Path(".annotate", "migrations")
"""Of the copies, in the workspace."""

Progress = Callable[[int, int], None]

log = logging.getLogger("annotate")


@dataclass(frozen=True, slots=True)
class ProjectDiff:
    """What a new schema would change in one project, and how much is stored under what changes."""

    id: int
    url: str
    annotator: str
    version: str
    """The schema it has, as `name@version`; empty when it does not say."""
    changes: tuple[Change, ...]
    usage: Usage
    undecided: tuple[Key, ...]
    """Labels that go, are in use, and nobody says where to."""


@dataclass(frozen=True, slots=True)
class ProjectMigration:
    """What a migration did in one project, or with a dry run will do."""

    id: int
    url: str
    annotator: str
    rewritten: Mapping[str, int]
    """Answers, by `annotation`, `draft`, `prediction`."""
    labels: Mapping[str, int]
    """Answers rewritten, by `control/label → control/label`."""
    blocked: int
    """Answers left as they are, each a reject."""
    counts_as: str
    """The schema that answers given before count as: the new one, or the one they were given under."""
    finished: bool
    """Whether the project has the new schema."""


@dataclass(frozen=True, slots=True)
class _Answer:
    kind: AnswerKind
    id: int
    task: int
    segment_id: str
    raw: Json

    @property
    def result(self) -> object:
        return self.raw.get("result")


@dataclass(frozen=True, slots=True)
class _Plan:
    """What to do in one project."""

    project: Project
    marker: Marker
    routes: Routes
    changes: tuple[Change, ...]
    undecided: tuple[Key, ...]
    usage: Usage
    answers: tuple[_Answer, ...]
    """Those to rewrite."""
    refused: tuple[Reject, ...]
    latest: str
    """When an answer was last changed, by the server's clock."""


@dataclass(slots=True)
class _Done:
    rewritten: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)


# -- looking -----------------------------------------------------------------------------------------------------------


def diff(client: Client, schema: LabelSchema, title: str, choices: Choices = NO_CHOICES) -> list[ProjectDiff]:
    """What the schema would change in each project of a title, with counts of what is stored. Writes nothing."""
    found = []
    for project, marker in _projects(client, title):
        plan = _plan(client, project, marker, schema, choices)
        url = project_url(client, project.id)
        ref = str(marker.schemas[-1][0])
        found.append(ProjectDiff(project.id, url, marker.annotator, ref, plan.changes, plan.usage, plan.undecided))
    return found


def counts(change: Change, usage: Usage) -> dict[str, int]:
    """What is stored under a change: answers that hold its label, or that its new rule does not fit."""
    if change.kind == "multi_to_single":
        return {"annotation": usage.several[change.control]}
    if change.kind == "overlap_narrower":
        return {"annotation": usage.overlapping}
    return usage.counts((change.control, change.label))


def migrate(
    client: Client,
    schema: LabelSchema,
    title: str,
    rejects: Callable[[Reject], None],
    *,
    choices: Choices = NO_CHOICES,
    accept_older: bool = False,
    dry_run: bool = False,
    folder: Path,
    progress: Progress,
) -> tuple[list[ProjectMigration], Path | None]:
    """Bring all projects of a title to a schema; what was done in each, and the file with the copies of what was changed.

    Answers that cannot follow are left as they are and rejected, and their project keeps both label sets until a later run.
    Answers given before count as answers under the new schema when it asks nothing that the old one did not, or with
    `accept_older`. `DataFindings` when a label that is in use goes and nobody says where to: then nothing is written."""
    with alone(client.url, title):
        plans = [_plan(client, project, marker, schema, choices) for project, marker in _projects(client, title)]
        _require_decided(plans, client)
        if dry_run:
            for item in (item for plan in plans for item in plan.refused):
                rejects(item)
            return [_report(client, plan, _intended(plan), schema, accept_older, not plan.refused) for plan in plans], None
        with _Copies(folder) as copies:
            for plan in plans:
                copies.keep(plan.project.id, plan.answers)
            reports = [_migrate(client, plan, schema, choices, accept_older, copies, rejects, progress) for plan in plans]
        return reports, copies.path


def _projects(client: Client, title: str) -> list[tuple[Project, Marker]]:
    own = [(project, marker) for project in client.projects() if (marker := read_marker(project)) and marker.title == title]
    if not own:
        raise ProjectNotFound(f"{client.url} has no project {title!r} of annotate", hint="push first, or check --project")
    return own


def _plan(client: Client, project: Project, marker: Marker, schema: LabelSchema, choices: Choices) -> _Plan:
    before = read_config(project.label_config)
    tasks = list(_answered(client, project))
    usage = usage_of(tasks)
    in_use = [*usage.annotations, *usage.drafts, *usage.predictions]
    going, undecided = routes([*keys(before), *in_use], schema, _known(choices, [*keys(before), *in_use]))
    single = {group.id for group in schema.topics if group.choice == "single"}
    answers, refused = [], []
    for task in tasks:
        for answer in _answers(task):
            try:
                new = relabeled(answer.result, going, single)
            except InvariantError as problem:
                refused.append(_refusal(client, project, answer, "conflict", problem.message, "settle it in the task"))
                continue
            if new is None:
                continue
            if answer.kind == "annotation" and any(d.get("annotation") == answer.id for d in task.get("drafts") or ()):
                reason = "somebody is changing this annotation: rewriting it would drop their draft"
                refused.append(_refusal(client, project, answer, "draft", reason, "ask them to submit it, then run this again"))
                continue
            answers.append(answer)
    return _Plan(
        project,
        marker,
        going,
        tuple(_changes(before, project, marker, schema, choices, in_use)),
        tuple(key for key in undecided if usage.of(key)),
        usage,
        tuple(answers),
        tuple(refused),
        max((str(a.get("updated_at") or "") for task in tasks for a in task.get("annotations") or ()), default=""),
    )


def _known(choices: Choices, there: Sequence[Key]) -> Choices:
    """The choices that concern this project: another project of the title may have the others, or this one had them before."""
    names = {label for _, label in there} | {f"{control}/{label}" for control, label in there}
    return Choices(
        {old: new for old, new in choices.renames.items() if old in names},
        tuple(old for old in choices.deletes if old in names),
    )


def _changes(
    before: ConfigLabels, project: Project, marker: Marker, schema: LabelSchema, choices: Choices, in_use: Sequence[Key]
) -> list[Change]:
    config = labeling_config(schema, ui_language=marker.language)
    after = read_config(config)
    found = [*compare_labels(before, schema, _known(choices, list(keys(before)))), *compare_words(before, after)]
    going, _ = routes(keys(before), schema, _known(choices, list(keys(before))))
    found += compare_overlap(_overlap_of(before, set(going.values()), marker.schemas[-1][0], schema), schema.overlap)
    if not found and project.label_config != config:
        found.append(Change("words", "", "", "", "the layout or the words around the labels change"))
    strays = [key for key in dict.fromkeys(in_use) if key not in keys(before) and key not in keys(schema)]
    return found + [Change("label_removed", *key, "", "is in use, though the project does not have it") for key in strays]


def _overlap_of(before: ConfigLabels, targets: Collection[Key | None], ref: SchemaRef, schema: LabelSchema) -> Overlap:
    """The overlap that the project's schema allowed: its config does not say it, the hash of its schema does."""
    without = ConfigLabels(  # an interrupted migration has added these to its config
        tuple(label for label in before.entities if (ENTITIES, label.id) not in targets),
        tuple(
            replace(group, labels=tuple(label for label in group.labels if (group.id, label.id) not in targets))
            for group in before.topics
        ),
    )
    for overlap in OVERLAPS:
        for labels in (before, without):
            try:
                guess = replace(schema, entities=labels.entities, topics=labels.topics, overlap=overlap)
            except InvariantError:  # a label that moves stands twice meanwhile
                continue
            if guess.sha256 == ref.sha256:
                return overlap
    return schema.overlap


def _answered(client: Client, project: Project) -> Iterator[Json]:
    """The tasks that hold answers, each with the drafts of all people."""
    for task in client.tasks(project.id):
        if task.get("draft_exists"):
            task["drafts"] = client.drafts(int(task["id"]))
        if any(task.get(name) for name in ("annotations", "drafts", "predictions")):
            yield task


def _answers(task: Json) -> Iterator[_Answer]:
    segment_id = str((task.get("data") or {}).get("segment_id", ""))
    for kind in KINDS:
        for raw in task.get(f"{kind}s") or ():
            yield _Answer(kind, int(raw["id"]), int(task["id"]), segment_id, raw)


def _refusal(client: Client, project: Project, answer: _Answer, code: str, reason: str, hint: str) -> Reject:
    url = project_url(client, project.id)
    where = f"{url}/data?task={answer.task}"
    told = f"{answer.kind} {answer.id}: {reason}"
    return reject("migrate", url, code, told, id=answer.segment_id, hint=hint, url=where, record=repr(answer.result))


def _require_decided(plans: Sequence[_Plan], client: Client) -> None:
    findings = [
        f"{project_url(client, plan.project.id)}: {'/'.join(key)} ({in_words(plan.usage.counts(key))})"
        for plan in plans
        for key in plan.undecided
    ]
    if findings:
        raise DataFindings(
            "labels that are in use go, and nobody says where to: " + "; ".join(findings),
            findings,
            hint="--rename OLD=NEW, --delete OLD, or aliases: [OLD] at the label it becomes",
        )


# -- doing -------------------------------------------------------------------------------------------------------------


class _Copies:
    """Answers as they were, one JSON line each, on disk before they are changed. The file exists when there is one."""

    def __init__(self, folder: Path) -> None:
        self.path: Path | None = None
        self._folder = folder
        self._file: BinaryIO | None = None

    def keep(self, project: int, answers: Iterable[_Answer]) -> None:
        """Write copies, and return when they are on the disk."""
        for it in answers:
            told = {"project": project, "task": it.task, "segment_id": it.segment_id, "kind": it.kind, "was": it.raw}
            self._opened().write(dumps(told) + b"\n")
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())

    def _opened(self) -> BinaryIO:
        if self._file is None:
            self.path = self._folder / datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ.jsonl")
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._file = open(self.path, "xb")  # noqa: SIM115  closed by __exit__
            except OSError as problem:
                raise AnnotateError(
                    f"cannot keep copies of the answers in {self._folder}: {problem.strerror}",
                    hint="nothing was changed; make the workspace writable",
                ) from None
        return self._file

    def __enter__(self) -> _Copies:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()


def _migrate(
    client: Client,
    plan: _Plan,
    schema: LabelSchema,
    choices: Choices,
    accept_older: bool,
    copies: _Copies,
    rejects: Callable[[Reject], None],
    progress: Progress,
) -> ProjectMigration:
    first, done = plan, _Done()
    config = labeling_config(schema, ui_language=plan.marker.language)
    single = {group.id for group in schema.topics if group.choice == "single"}
    if plan.routes:
        between = transition(plan.project.label_config, config, plan.routes)
        project = _set_config(client, plan.project, plan.project.description, between)
        plan = replace(plan, project=project)
    for _ in range(ROUNDS):
        for number, answer in enumerate(plan.answers, 1):
            _rewrite(client, plan, answer, single, copies, done)
            progress(number, len(plan.answers))
        if not plan.answers:
            break
        plan = _plan(client, plan.project, plan.marker, schema, choices)
    for item in plan.refused:
        rejects(item)
    finished = not (plan.refused or plan.answers)
    if finished:
        marker = _with_history(plan, first.changes, schema, accept_older)
        _set_config(client, plan.project, marker.within(plan.project.description), config)
    else:
        log.warning("project %s keeps the old labels, hidden, beside the new ones", plan.project.id)
    return _report(client, replace(plan, changes=first.changes), done, schema, accept_older, finished)


def _rewrite(client: Client, plan: _Plan, answer: _Answer, single: set[str], copies: _Copies, done: _Done) -> None:
    """Rewrite one answer as it is now: somebody may have changed it since it was planned, or removed it."""
    raw = client.answer(answer.kind, answer.id)
    if raw is None:
        return
    now = replace(answer, raw=raw)
    if now.result != answer.result:
        copies.keep(plan.project.id, [now])
    try:
        new = relabeled(now.result, plan.routes, single)
    except InvariantError:  # the next look tells it
        return
    if new is not None:
        client.change_answer(answer.kind, answer.id, new)
        _count(done, now, plan.routes)


def _intended(plan: _Plan) -> _Done:
    done = _Done()
    for answer in plan.answers:
        _count(done, answer, plan.routes)
    return done


def _count(done: _Done, answer: _Answer, routes: Routes) -> None:
    done.rewritten[answer.kind] += 1
    for key in set(labels_of(answer.result)) & routes.keys():
        target = routes[key]
        done.labels[f"{'/'.join(key)} → {'/'.join(target) if target else 'deleted'}"] += 1


def _set_config(client: Client, project: Project, description: str, config: str) -> Project:
    """Set a config that all answers fit. Label Studio's own counters of labels go stale; they are counted anew before its
    refusal is believed."""
    try:
        return client.update_project(project, description=description, label_config=config)
    except ConfigRefused:
        client.recount_labels(project.id)
        return client.update_project(project, description=description, label_config=config)


def _with_history(plan: _Plan, changes: Sequence[Change], schema: LabelSchema, accept_older: bool) -> Marker:
    """The marker with the schema as the newest. Answers given under the one before count as given under it when it asks
    nothing more; with `accept_older` all earlier answers do."""
    history = plan.marker.schemas
    if accept_older:
        return replace(plan.marker, schemas=((schema.ref, history[0][1]),))
    if not any(change.incomplete for change in changes):
        return replace(plan.marker, schemas=(*history[:-1], (schema.ref, history[-1][1])))
    # Rewritten answers carry the server's time of the rewriting: they must not pass for answers to the new questions.
    return replace(plan.marker, schemas=(*history, (schema.ref, max(_now(), _just_after(plan.latest)))))


def _now() -> str:
    return _written(datetime.now(UTC))


def _just_after(moment: str) -> str:
    return _written(datetime.fromisoformat(moment) + timedelta(microseconds=1)) if moment else ""


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _report(
    client: Client, plan: _Plan, done: _Done, schema: LabelSchema, accept_older: bool, finished: bool
) -> ProjectMigration:
    newest = _with_history(plan, plan.changes, schema, accept_older).schemas
    older = newest[-2][0] if len(newest) > 1 and newest[-1][1] > plan.marker.schemas[-1][1] else newest[-1][0]
    return ProjectMigration(
        id=plan.project.id,
        url=project_url(client, plan.project.id),
        annotator=plan.marker.annotator,
        rewritten={kind: done.rewritten[kind] for kind in KINDS},
        labels=dict(sorted(done.labels.items())),
        blocked=len(plan.refused),
        counts_as=str(older),
        finished=finished,
    )
