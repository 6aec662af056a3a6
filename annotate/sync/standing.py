"""Where the projects of a title stand: how far annotators are, and whether corpus and server are in step."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from annotate.journal import FoundTask, Journal
from annotate.labelstudio.client import Client, Project
from annotate.schema import LabelSchema
from annotate.sync.deciding import Plan, decide
from annotate.sync.mirror import look, with_journal
from annotate.sync.projects import find_project, has_schema, language_of, project_url, read_marker
from annotate.sync.pushing import Occupied, alone
from annotate.sync.sharing import shares_of
from annotate.sync.wanted import Selection, Wanted

STATES = ("done", "skipped", "drafts", "pending")
"""Of a task, in order of precedence: submitted, skipped, only begun, untouched."""


@dataclass(frozen=True, slots=True)
class ProjectStatus:
    """How far a project is, without its retired tasks, and whether a push would change it."""

    id: int
    """-1 when there is no project yet."""
    url: str
    annotator: str
    filled: bool
    """Whether a push fills it; further projects of the title are counted only."""
    counts: Mapping[str, int]
    """`tasks`, and of them each of `STATES`; `retired` beside them."""
    by_lang: Mapping[str, Mapping[str, int]]
    """The same counts, without `retired`, by language."""
    by_region: Mapping[str, Mapping[str, int]]
    schema_in_step: bool
    """Whether the project has the schema, and the labeling config and instructions that a push would give it."""
    out_of_step: Mapping[str, int]
    """What a push would do: `created`, `updated`, `retired`; empty when no corpus was compared."""

    @property
    def in_step(self) -> bool:
        """Whether a push would change nothing."""
        return not self.filled or (self.schema_in_step and not any(self.out_of_step.values()))


def status(
    client: Client,
    schema: LabelSchema,
    title: str,
    *,
    wanted: Wanted | None = None,
    selection: Selection | None = None,
    annotators: Sequence[str] = (),
    overlap: int = 0,
    prune: bool = False,
    ui_languages: Mapping[str, str] | None = None,
    workspace: Path | None = None,
) -> list[ProjectStatus]:
    """Where each project of a title stands, compared with what a push of `wanted` would do. Writes nothing to the server.

    These are the projects of the annotators (without any: all the title has, or the one it would get); further ones of the
    title are counted and not compared."""

    languages = ui_languages or {}

    def do(journal: Journal) -> list[ProjectStatus]:
        projects = client.projects()
        there = {marker.annotator for project in projects if (marker := read_marker(project)) and marker.title == title}
        filled = list(dict.fromkeys(annotators)) or sorted(there) or [""]
        found = {name: find_project(projects, title, name) for name in [*filled, *sorted(there - set(filled))]}
        keys = {name: look(client, journal, project, _unwatched) for name, project in found.items() if project}

        def known(name: str) -> Iterable[FoundTask]:
            return journal.tasks(keys[name]) if name in keys else ()

        shares = shares_of(wanted, filled, overlap, known) if wanted is not None else {}
        plans = {name: decide(of_it, known(name), selection or Selection(), prune=prune) for name, of_it in shares.items()}
        return [
            replace(
                _project_status(client, project, name, known(name), plans.get(name)),
                schema_in_step=project is not None and has_schema(project, schema, language_of(languages, name)),
                filled=name in filled,
            )
            for name, project in found.items()
        ]

    try:
        with alone(client.url, title, patience=0):
            return with_journal(workspace, do)
    except Occupied:  # what the journal says then is about to change
        return with_journal(None, do)


def _unwatched(done: int, total: int) -> None:
    """The progress of a reading nobody watches."""


def _project_status(
    client: Client, project: Project | None, annotator: str, tasks: Iterable[FoundTask], plan: Plan | None
) -> ProjectStatus:
    total, by_lang, by_region = Counter[str](), defaultdict[str, Counter[str]](Counter), defaultdict[str, Counter[str]](Counter)
    retired = 0
    for task in tasks:
        if task.retired:
            retired += 1
            continue
        for counter in (total, by_lang[task.lang], by_region[task.region]):
            counter.update(("tasks", _state(task)))
    planned = plan.counts() if plan else {}
    return ProjectStatus(
        id=project.id if project else -1,
        url=project_url(client, project.id) if project else "",
        annotator=annotator,
        filled=True,
        counts=_stated(total) | {"retired": retired},
        by_lang={lang: _stated(counter) for lang, counter in sorted(by_lang.items())},
        by_region={region: _stated(counter) for region, counter in sorted(by_region.items())},
        schema_in_step=False,
        out_of_step={key: planned[key] for key in ("created", "updated", "retired") if key in planned},
    )


def _state(task: FoundTask) -> str:
    if task.submitted:
        return "done"
    if task.skipped:
        return "skipped"
    return "drafts" if task.draft else "pending"


def _stated(counter: Mapping[str, int]) -> dict[str, int]:
    return {key: counter.get(key, 0) for key in ("tasks", *STATES)}
