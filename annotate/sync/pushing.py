"""Push: the projects of a title made to hold exactly the wanted tasks.

Decided first, then done in atomic batches, each noted in the journal when the server has confirmed it. Nothing is sent a second
time before the server was read again. Whatever leaves a doubt (a lost answer, a count that does not fit) leads to another look
at the server and another decision, so doubles go before the push ends, or in the next one."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout

from annotate.errors import LabelStudioError, ServerUnreachable, UsageError
from annotate.journal import FoundTask, Journal
from annotate.labelstudio.client import Client, Project
from annotate.labelstudio.server import made_home
from annotate.labelstudio.wire import RETIRED, TASK_FIELDS, Json, essence, found_task, merged
from annotate.model import Reject
from annotate.schema import LabelSchema
from annotate.sync.deciding import Plan, decide
from annotate.sync.mirror import in_step, look, undisturbed, with_journal
from annotate.sync.predicting import Guesses, Predictor
from annotate.sync.projects import (
    ensure_views,
    find_project,
    language_of,
    open_project,
    outdated,
    project_title,
    project_url,
    require_change,
)
from annotate.sync.sharing import shares_of
from annotate.sync.wanted import Selection, Wanted, WantedTask

BATCH = 1000
"""Tasks per call: 0.3 s, one transaction, a small unit to send again."""
DELETE_BATCH = 2000
"""Tasks per deletion (measured: 0.4 s)."""
ROUNDS = 4
"""How often a batch is tried when the server's answer got lost; before each new look at the server the wait doubles."""
LOCK_TIMEOUT = 600.0
"""Seconds a push waits for another one to the same title."""

Progress = Callable[[int, int], None]
T = TypeVar("T")

log = logging.getLogger("annotate")


@dataclass(frozen=True, slots=True)
class Retirement:
    """An annotated segment that a push retires: kept on the server, marked, out of sight."""

    segment_id: str
    doc_id: str
    url: str


@dataclass(frozen=True, slots=True)
class ProjectPush:
    """What a push did in one project, or with a dry run will do."""

    id: int
    """-1 for a project that a dry run would make."""
    url: str
    annotator: str
    counts: Mapping[str, int]
    characters: int
    """Of the tasks created: what the annotator has to read, without the context."""
    predictions: int
    """Sent, or with a dry run to be sent."""
    retires: tuple[Retirement, ...]
    """The annotated ones among the retired."""
    refreshed: tuple[str, ...] = ()
    """What of an existing project is brought in step with the schema's words: `labeling config`, `instructions`."""


@dataclass(frozen=True, slots=True)
class PushReport:
    """What a push did."""

    projects: tuple[ProjectPush, ...]
    not_selected: int
    copies: int = 0
    """Segments that are not asked because another with the same text is."""

    @property
    def totals(self) -> dict[str, int]:
        """Sums over the projects."""
        keys = self.projects[0].counts if self.projects else {}
        return {key: sum(project.counts[key] for project in self.projects) for key in keys}


def push(
    client: Client,
    wanted: Wanted,
    schema: LabelSchema,
    title: str,
    *,
    annotators: Sequence[str] = (),
    overlap: int = 0,
    selection: Selection,
    prune: bool = False,
    dry_run: bool = False,
    ui_languages: Mapping[str, str] | None = None,
    guesses: Guesses | None = None,
    rejects: Callable[[Reject], None] | None = None,
    workspace: Path | None = None,
    progress: Progress,
) -> PushReport:
    """Make the projects hold exactly the wanted tasks, one project per annotator (one in all without annotators). Repeating it
    does nothing. With `overlap` each segment goes to so many of the annotators, else to all. With `dry_run` nothing is written
    to the server and the report says what would be. `ui_languages`: in which language each annotator reads labels and
    guidelines, under an empty name the others; a project not named keeps what it has. `guesses`: predictions for the tasks,
    checked; those that the server does not keep go to `rejects`. `workspace`: the folder of the journal."""
    names = list(dict.fromkeys(annotators)) or [""]
    if overlap > len(names):
        raise UsageError(f"an overlap of {overlap} needs as many annotators; there are {len(names)}", hint="name more of them")
    for name in names:
        project_title(title, name)
    with alone(client.url, title):
        return with_journal(
            workspace,
            lambda journal: _Push(
                client,
                journal,
                schema,
                title,
                selection,
                prune,
                progress,
                ui_languages or {},
                Predictor(client, journal, guesses or {}, rejects or log.warning),
            ).run(wanted, names, overlap, dry_run=dry_run),
        )


class Occupied(LabelStudioError):
    """Another push or pull of the title is running on this machine."""


@contextmanager
def alone(url: str, title: str, *, patience: float = LOCK_TIMEOUT) -> Iterator[None]:
    """One push or pull of a title at a time on this machine: two pushes that both see an empty server would both fill it."""
    digest = hashlib.sha256(f"{url}\0{title}".encode()).hexdigest()[:32]
    folder = made_home() / "locks"
    folder.mkdir(exist_ok=True)
    try:
        with FileLock(folder / f"push-{digest}.lock", timeout=patience):
            yield
    except Timeout:
        raise Occupied(f"another push or pull of {title!r} is running", hint="wait for it to finish") from None


@dataclass(frozen=True, slots=True)
class _Push:
    """What all steps of a push need."""

    client: Client
    journal: Journal
    schema: LabelSchema
    title: str
    selection: Selection
    prune: bool
    progress: Progress
    ui_languages: Mapping[str, str]
    predictor: Predictor

    def run(self, wanted: Wanted, names: Sequence[str], overlap: int, *, dry_run: bool) -> PushReport:
        projects = self.client.projects()
        found = {name: find_project(projects, self.title, name) for name in names}
        keys = {name: look(self.client, self.journal, it, self.progress) for name, it in found.items() if it}
        reports = []
        shares = shares_of(wanted, names, overlap, lambda name: self._known(keys.get(name)))
        for name, share_of_it in shares.items():
            plan = decide(share_of_it, self._known(keys.get(name)), self.selection, prune=self.prune)
            project, blocked = found[name], 0
            language = language_of(self.ui_languages, name)
            refreshed = outdated(project, self.schema, language) if project else ()
            if dry_run:
                if project:
                    require_change(self.client, project, self.schema, language)
                guessed = self.predictor.missing(project, keys.get(name), share_of_it.tasks.keys())
            else:
                project = open_project(self.client, project, self.title, name, self.schema, language)
                blocked = self._do(project, share_of_it, plan)
                everything = share_of_it.tasks.values()
                ensure_views(self.client, project, {t.region for t in everything}, {t.lang for t in everything})
                key = self.journal.project(self.client.url, project.id, project.born)
                url = project_url(self.client, project.id)
                guessed = self.predictor.send(project, key, share_of_it.tasks.keys(), url)
            reports.append(replace(self._report(project, name, plan, blocked, guessed), refreshed=refreshed))
        return PushReport(tuple(reports), wanted.not_selected, len(wanted.copies))

    def _known(self, key: int | None) -> Iterable[FoundTask]:
        return () if key is None else self.journal.tasks(key)

    def _report(self, project: Project | None, name: str, plan: Plan, blocked: int, guessed: int) -> ProjectPush:
        number = project.id if project else -1
        url = project_url(self.client, number) if project else ""
        return ProjectPush(
            number,
            url,
            name,
            plan.counts() | {"blocked": blocked},
            sum(task.chars for task in plan.create),
            guessed,
            tuple(Retirement(t.segment_id, t.doc_id, f"{url}/data?task={t.id}") for t in plan.keep_retired),
        )

    # -- doing ---------------------------------------------------------------------------------------------------------

    def _do(self, project: Project, wanted: Wanted, plan: Plan) -> int:
        """Carry out a plan, and what a second look at the server says is left to do; the number of tasks that were to be
        deleted and somebody touched meanwhile."""
        key = self.journal.project(self.client.url, project.id, project.born)
        self.journal.begin(key, project.born)
        top, blocked = self.journal.top(key), 0
        for _ in range(ROUNDS):
            doubt, held = self._carry_out(project, key, wanted, plan)
            blocked += held
            if not (doubt or held) and self._is_alone(project, key, top):
                break
            look(self.client, self.journal, project, self.progress)
            plan = decide(wanted, self.journal.tasks(key), self.selection, prune=self.prune)
            if not (plan.create or plan.update or plan.replace or plan.delete or plan.keep_retired):
                break
        return blocked

    def _is_alone(self, project: Project, key: int, top: int) -> bool:
        """Whether nobody else made or deleted tasks meanwhile; then those that were made, above `top`, need no reading back."""
        if self.journal.top(key) <= top:
            return in_step(self.client, self.journal, key, project)
        until = self.client.newest(project.id)  # before it is looked for others' tasks: what they make later has a later time
        alone = undisturbed(self.client, self.journal, key, project, after=top)
        if alone:
            self.journal.made(key, after=top, until=until)
        return alone

    def _carry_out(self, project: Project, key: int, wanted: Wanted, plan: Plan) -> tuple[bool, int]:
        """Whether a doubt is left, and how many tasks were touched before they could be deleted."""
        make = [*plan.create, *(task for _, task in plan.replace)]
        total = len(make) + len(plan.update) + len(plan.keep_retired)
        done, doubt = 0, False
        for batch in _batches(make, BATCH):
            doubt |= self._create(project, key, wanted, batch)
            done += len(batch)
            self.progress(done, total)
        changes: dict[int, Callable[[Json], Json]] = {
            found.id: _becoming(wanted, want.segment_id) for found, want in plan.update
        } | {found.id: _retired for found in plan.keep_retired}
        for number in self._change(project, key, changes):
            done += number
            self.progress(done, total)
        held = self._delete(project, key, [*plan.delete, *(found for found, _ in plan.replace)])
        return doubt, held

    def _create(self, project: Project, key: int, wanted: Wanted, batch: Sequence[WantedTask]) -> bool:
        """Store a batch, which one call does wholly or not at all; True when its answer got lost on the way.

        Then the server is given time, and what has been stored since is read: only what is missing is sent. A server slower
        than that ends up with doubles, which the next look shows."""
        missing, top = list(batch), self.journal.top(key)
        for attempt in range(ROUNDS):
            try:
                numbers = self.client.import_tasks(project.id, [wanted.raw(task.segment_id) for task in missing])
            except ServerUnreachable as problem:
                if attempt + 1 == ROUNDS:
                    raise
                log.warning("%s; reading what was stored before going on", problem)
                time.sleep(2**attempt)
                stored = [found_task(item) for item in self.client.tasks(project.id, TASK_FIELDS, after=top)]
                self.journal.note(key, stored)
                there = {(task.segment_id, task.essence) for task in stored}
                missing = [task for task in missing if (task.segment_id, task.essence) not in there]
                if not missing:
                    return True
            else:
                self.journal.note(key, [_sent(number, task) for number, task in zip(numbers, missing, strict=True)])
                break
        return attempt > 0

    def _change(self, project: Project, key: int, changes: Mapping[int, Callable[[Json], Json]]) -> Iterator[int]:
        """Change tasks in place; how many are done, bit by bit."""
        for page in self.client.tasks_numbered(project.id, list(changes), TASK_FIELDS):
            for item in page:
                new = changes[int(item["id"])](item)
                _patiently(partial(self.client.update_task, int(item["id"]), new["data"], new["meta"]))
                changed = found_task(item | new)
                self.journal.note(key, [replace(changed, essence=essence(new["data"], new["meta"]), updated_at="")])
                yield 1

    def _delete(self, project: Project, key: int, tasks: Sequence[FoundTask]) -> int:
        """Delete tasks, except those that somebody has touched since they were read; the number of these."""
        held = 0
        for batch in _batches(tasks, DELETE_BATCH):
            numbers = [task.id for task in batch]
            touched = _patiently(partial(self._delete_untouched, project, numbers))
            self.journal.drop(key, (number for number in numbers if number not in touched))
            held += len(touched)
        return held

    def _delete_untouched(self, project: Project, numbers: Sequence[int]) -> set[int]:
        now = [found_task(it) for page in self.client.tasks_numbered(project.id, numbers, TASK_FIELDS) for it in page]
        chosen = [task.id for task in now if not task.touched]
        if chosen:
            self.client.delete_tasks(project.id, chosen)
        return {task.id for task in now if task.touched}


def _patiently(do: Callable[[], T]) -> T:
    """Do what may be done twice, again when the answer got lost."""
    for attempt in range(ROUNDS - 1):
        try:
            return do()
        except ServerUnreachable as problem:
            log.warning("%s; trying again", problem)
            time.sleep(2**attempt)
    return do()


def _sent(number: int, task: WantedTask) -> FoundTask:
    names = (task.segment_id, task.doc_id, task.lang, task.region, task.part)
    return FoundTask(number, *names, chars=task.chars, retired=False, essence=task.essence)


def _becoming(wanted: Wanted, segment_id: str) -> Callable[[Json], Json]:
    return lambda item: merged(item["data"], wanted.json(segment_id))


def _retired(item: Json) -> Json:
    return {"data": {**item["data"], "retired": RETIRED}, "meta": dict(item.get("meta") or {})}


def _batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[first : first + size] for first in range(0, len(items), size))
