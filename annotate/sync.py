"""Corpus ↔ Label Studio. The server is the truth: every push and pull begins by reading what is there.

Deciding is a pure function (`decide`) of what is wanted and what was found; doing follows its plan in atomic batches. After an
error that leaves open whether a batch was stored, the server is read again and only what is missing is sent.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from filelock import FileLock, Timeout

from annotate.errors import LabelStudioError, ProjectNotFound, ServerUnreachable, UsageError
from annotate.labelstudio.client import Client, Project
from annotate.labelstudio.labeling_config import labeling_config
from annotate.labelstudio.server import made_home
from annotate.labelstudio.wire import (
    KEPT,
    RETIRED,
    TASK_FIELDS,
    FoundTask,
    Json,
    Origin,
    differs,
    found_task,
    from_task,
    merged,
    to_task,
)
from annotate.model import Annotation, Reject, SchemaRef, Segment, segment_ids
from annotate.schema import LabelSchema
from annotate.store import reject

BATCH = 1000
"""Tasks per call: 0.3 s, one transaction, a small unit to send again."""
ROUNDS = 4
"""How often a batch is tried when the server's answer got lost; before each new look at the server the wait doubles."""
LOCK_TIMEOUT = 600.0
"""Seconds a push waits for another one to the same title."""
CONTEXT = 600
"""Characters of read-only context before and after a segment."""
ALL_REGIONS = "all"
MARKER = "annotate-project:"
_MARKER_LINE = re.compile(rf"^{MARKER} (\{{.*)$", re.MULTILINE)
PREAMBLE = "Kept in step by annotate: leave the next line as it is."
TITLE_LENGTH = range(3, 51)

Progress = Callable[[int, int], None]

log = logging.getLogger("annotate")


# -- what is wanted ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Selection:
    """Which segments are put to annotators. Empty `regions` or `languages` select all."""

    regions: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    min_chars: int = 0

    def takes(self, lang: str, region: str, text: str) -> bool:
        """Whether a segment of this language, region and text is selected."""
        return (
            (not self.regions or region in self.regions)
            and (not self.languages or lang in self.languages)
            and len(text.strip()) >= self.min_chars
        )


@dataclass(frozen=True, slots=True)
class Wanted:
    """The tasks a file of segments asks for, by segment id, and the documents it speaks about."""

    tasks: Mapping[str, Json]
    documents: frozenset[str]
    not_selected: int
    complete: bool = True
    """Whether every line of the file could be read: a segment on a damaged line is no reason to retire its task."""


def wanted_tasks(
    segments: Iterable[Segment], schema: LabelSchema, selection: Selection, rejects: Callable[[Reject], None], source: str
) -> Wanted:
    """Tasks for the selected segments of a file. What Label Studio cannot hold, and ids that stand twice, are rejected."""
    tasks: dict[str, Json] = {}
    left_out = 0
    documents: dict[str, list[Segment]] = defaultdict(list)
    for segment in segments:
        problem = _unstorable(segment)
        if problem:
            rejects(reject("push", source, *problem, id=segment.id, record=segment.text))
        else:
            documents[segment.doc_id].append(segment)
    for parts in documents.values():
        for index, segment in enumerate(parts):
            if not selection.takes(segment.lang, segment.region, segment.text):
                left_out += 1
                continue
            before = "".join(s.text for s in parts[max(0, index - 20) : index])[-CONTEXT:]
            after = "".join(s.text for s in parts[index + 1 : index + 21])[:CONTEXT]
            for piece, part in cut(segment, schema.max_chars):
                if piece.id in tasks:
                    rejects(reject("push", source, "duplicate_id", f"segment {piece.id} stands twice", id=piece.id))
                    continue
                tasks[piece.id] = to_task(piece, schema.ref, before=before, after=after, part=part)
    return Wanted(tasks, frozenset(documents), left_out)


def _unstorable(segment: Segment) -> tuple[str, str] | None:
    if not segment.text.strip():
        return "blank", "the text is white space only"
    if "\x00" in segment.text:
        return "nul", "the text holds a NUL character, which databases refuse"
    if any("\ud800" <= character <= "\udfff" for character in segment.text):
        return "lone_surrogate", "the text holds a lone surrogate, which makes Label Studio fail for the whole project"
    return None


def cut(segment: Segment, max_chars: int) -> list[tuple[Segment, str]]:
    """A segment in parts of at most `max_chars` code points, the white space around them not counted, each with its place
    (`2/3`; empty when whole).

    Parts end at a blank line, else at a line, a sentence or a space, else where they must; together they are the segment."""
    if len(segment.text.strip()) <= max_chars:
        return [(segment, "")]
    texts, rest = [], segment.text
    while len(rest.strip()) > max_chars:
        lead = len(rest) - len(rest.lstrip())
        end = lead + _cut_point(rest[lead:], max_chars)
        end += len(rest[end:]) - len(rest[end:].lstrip())  # white space belongs to what stands before it
        texts.append(rest[:end])
        rest = rest[end:]
    texts.append(rest)
    ids = segment_ids(segment.id, texts)
    parts, start = [], segment.start
    for number, (text, identity) in enumerate(zip(texts, ids, strict=True), 1):
        moved = segment.source.start + start - segment.start
        part = replace(
            segment,
            id=identity,
            start=start,
            end=start + len(text),
            text=text,
            source=replace(segment.source, start=moved, end=moved + len(text)),
        )
        parts.append((part, f"{number}/{len(texts)}"))
        start += len(text)
    return parts


def _cut_point(text: str, limit: int) -> int:
    for separator in ("\n\n", "\n", ". ", " "):
        at = text.rfind(separator, limit // 2, limit)
        if at > 0:
            return at + len(separator)
    return limit


def select(
    schema: LabelSchema, *, regions: Collection[str] = (), languages: Collection[str] = (), min_chars: int | None = None
) -> Selection:
    """The selection that options ask for: `regions` and `min_chars` default to the schema's, `all` selects every region."""
    chosen = frozenset() if ALL_REGIONS in regions else frozenset(regions or schema.annotate_regions)
    return Selection(chosen, frozenset(languages), schema.min_chars if min_chars is None else min_chars)


# -- deciding ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Plan:
    """What a push will do in one project; every wanted and every found task is in exactly one place."""

    create: tuple[Json, ...]
    update: tuple[tuple[FoundTask, Json], ...]
    unchanged: tuple[FoundTask, ...]
    delete: tuple[FoundTask, ...]
    """Retired and untouched by annotators, or a second task for a segment."""
    keep_retired: tuple[FoundTask, ...]
    """Retired but annotated: marked, never deleted."""
    absent: tuple[FoundTask, ...]
    """Of documents the file does not speak about, outside the selection, made by others, or retired before."""

    def counts(self) -> dict[str, int]:
        """Numbers as a report shows them."""
        return {
            "created": len(self.create),
            "updated": len(self.update),
            "unchanged": len(self.unchanged),
            "retired": len(self.delete) + len(self.keep_retired),
            "absent": len(self.absent),
        }


def decide(wanted: Wanted, found: Iterable[FoundTask], selection: Selection, *, prune: bool = False) -> Plan:
    """Compare what is wanted with what the server has. Pure.

    A found task is retired when its document is in the file (with `prune`: whatever its document) and the same selection
    would have pushed it, yet no wanted segment is its own. Of several tasks for one segment the one that annotators touched,
    else the oldest, stays."""
    by_segment: dict[str, list[FoundTask]] = defaultdict(list)
    for task in found:
        by_segment[task.segment_id].append(task)
    create, update, unchanged, delete, keep, absent = [], [], [], [], [], []
    for identity, task_json in wanted.tasks.items():
        copies = sorted(by_segment.pop(identity, []), key=lambda task: (not task.touched, task.id))
        if not copies:
            create.append(task_json)
            continue
        own, *extras = copies
        if differs(own, task_json):
            update.append((own, merged(own, task_json)))
        else:
            unchanged.append(own)
        delete += [task for task in extras if not task.touched]
        keep += [task for task in extras if task.touched and not task.retired]
        absent += [task for task in extras if task.touched and task.retired]
    for task in (task for tasks in by_segment.values() for task in tasks):
        in_scope = bool(task.segment_id) and wanted.complete and (prune or task.doc_id in wanted.documents)
        if task.retired or not (in_scope and _selected(task, selection)):
            absent.append(task)
        elif task.touched:
            keep.append(task)
        else:
            delete.append(task)
    return Plan(tuple(create), tuple(update), tuple(unchanged), tuple(delete), tuple(keep), tuple(absent))


def _selected(task: FoundTask, selection: Selection) -> bool:
    """Whether the selection would have pushed a found task. A part was selected as the whole it was cut from."""
    if task.data.get("part"):
        selection = replace(selection, min_chars=0)
    return selection.takes(*(str(task.data.get(key, "")) for key in ("lang", "region", "text")))


# -- projects ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Marker:
    """What a project's description says about it, so that it is found again whatever it is called by then."""

    title: str
    annotator: str
    schemas: tuple[tuple[SchemaRef, str], ...]

    def text(self) -> str:
        """The line."""
        value = {
            "title": self.title,
            "annotator": self.annotator,
            "schemas": [asdict(ref) | {"since": since} for ref, since in self.schemas],
        }
        return f"{MARKER} {json.dumps(value, ensure_ascii=False)}"

    def within(self, description: str) -> str:
        """A description with this marker: its line replaced, the rest as people wrote it."""
        if _MARKER_LINE.search(description):
            return _MARKER_LINE.sub(lambda _: self.text(), description)
        return f"{description.rstrip()}\n\n{self.text()}".lstrip()


def read_marker(project: Project) -> Marker | None:
    """The marker in a project's description. A damaged one is none, with a warning: its project may not be ours to mend."""
    found = _MARKER_LINE.search(project.description)
    if not found:
        return None
    try:
        value = json.loads(found.group(1))
        schemas = tuple((SchemaRef(s["name"], s["version"], s["sha256"]), str(s["since"])) for s in value["schemas"])
        if not schemas:
            raise ValueError("no schema")
        return Marker(value["title"], value["annotator"], schemas)
    except (ValueError, KeyError, TypeError):
        log.warning("the annotate-project line in the description of project %s (%s) is damaged", project.id, project.title)
        return None


def project_title(title: str, annotator: str) -> str:
    """The name of a project: the title, and whose it is. `UsageError` beyond Label Studio's 3 to 50 characters."""
    name = f"{title} · {annotator}" if annotator else title
    if len(name) not in TITLE_LENGTH:
        raise UsageError(f"the project title {name!r} has {len(name)} characters; Label Studio takes 3 to 50")
    return name


def find_project(projects: Sequence[Project], title: str, annotator: str) -> Project | None:
    """The project of a title and annotator: by its marker, else by its exact title when only one has it and no marker."""
    markers = [(project, read_marker(project)) for project in projects]
    own = [project for project, marker in markers if marker and (marker.title, marker.annotator) == (title, annotator)]
    hint = "keep one: delete the others, or remove the annotate-project line from their descriptions"
    if not own:
        name = project_title(title, annotator)
        own = [project for project, marker in markers if marker is None and project.title == name]
        hint = "rename all but one in Label Studio"
        if any(MARKER in project.description for project in own):
            raise ProjectNotFound(f"project {own[0].id} has a damaged annotate-project line", hint="mend or remove that line")
    if len(own) > 1:
        numbers = ", ".join(str(project.id) for project in own)
        raise ProjectNotFound(f"projects {numbers} could all be {title!r}", hint=hint)
    return own[0] if own else None


def _open_project(client: Client, found: Project | None, title: str, annotator: str, schema: LabelSchema) -> Project:
    """The project, made or brought in step with the schema."""
    config = labeling_config(schema)
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if found is None:
        marker = Marker(title, annotator, ((schema.ref, now),))
        guidelines = next(iter(schema.guidelines.values()), "")
        return client.create_project(project_title(title, annotator), marker.within(PREAMBLE), config, guidelines)
    marker = read_marker(found) or Marker(title, annotator, ())
    if not marker.schemas or marker.schemas[-1][0] != schema.ref:
        marker = replace(marker, schemas=(*marker.schemas, (schema.ref, now)))
    description = marker.within(found.description)
    if (description, config) == (found.description, found.label_config):
        return found
    return client.update_project(found, description=description, label_config=config)


def _ensure_views(client: Client, project: Project, wanted: Wanted) -> None:
    """Tabs of the Data Manager: all, one per region, one per language. Retired tasks are in none; a person's tabs stay."""
    there = {str(view.get("data", {}).get("title")) for view in client.views(project.id)}
    tabs: list[tuple[str, list[tuple[str, str]]]] = [("all", [])]
    for key in ("region", "lang"):  # titles are short: Label Studio shows but a few letters of each
        tabs += [(value, [(key, value)]) for value in sorted({task["data"][key] for task in wanted.tasks.values()})]
    for title, wants in tabs:
        if title not in there:
            items = [_filter(key, value) for key, value in [("retired", KEPT), *wants]]
            client.create_view(project.id, {"title": title, "type": "list", "target": "tasks", **_filters(items), **_HIDDEN})


def _filter(key: str, value: str) -> Json:
    return {"filter": f"filter:tasks:data.{key}", "operator": "equal", "type": "String", "value": value}


def _filters(items: Sequence[Json]) -> Json:
    return {"filters": {"conjunction": "and", "items": list(items)}}


_HIDDEN_DATA = "segment_id start end text_sha256 schema schema_sha256 context_before context_after retired"
_HIDDEN_OWN = """inner_id annotations_results annotations_ids predictions_score predictions_model_versions predictions_results
file_upload storage_filename created_at updated_at updated_by avg_lead_time draft_exists"""
_HIDDEN = {
    "hiddenColumns": {
        "explore": [f"tasks:{name}" for name in _HIDDEN_OWN.split()] + [f"tasks:data.{name}" for name in _HIDDEN_DATA.split()],
        "labeling": [],
    }
}


# -- push --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ProjectPush:
    """What a push did in one project."""

    id: int
    url: str
    annotator: str
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class PushReport:
    """What a push did."""

    projects: tuple[ProjectPush, ...]
    not_selected: int

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
    selection: Selection,
    prune: bool = False,
    dry_run: bool = False,
    progress: Progress,
) -> PushReport:
    """Make the projects hold exactly the wanted tasks, one project per annotator (one in all without annotators). Repeating it
    does nothing. With `dry_run` nothing is written and the report says what would be."""
    names = list(dict.fromkeys(annotators)) or [""]
    for name in names:
        project_title(title, name)
    with _alone(client.url, title):
        projects = client.projects()
        reports = []
        for name in names:
            project = find_project(projects, title, name)
            done = _Done()
            plan = decide(wanted, _found(client, project) if project else (), selection, prune=prune)
            if not dry_run:
                project = _open_project(client, project, title, name, schema)
                done = _do(client, project, plan, progress)
                if done.resent:
                    _drop_doubles(client, project, wanted, selection)
                _ensure_views(client, project, wanted)
            number = project.id if project else -1
            url = project_url(client, number) if project else ""
            reports.append(ProjectPush(number, url, name, plan.counts() | {"blocked": done.blocked}))
    return PushReport(tuple(reports), wanted.not_selected)


@contextmanager
def _alone(url: str, title: str) -> Iterator[None]:
    """One push to a title at a time on this machine: two that both see an empty server would both fill it."""
    digest = hashlib.sha256(f"{url}\0{title}".encode()).hexdigest()[:32]
    folder = made_home() / "locks"
    folder.mkdir(exist_ok=True)
    try:
        with FileLock(folder / f"push-{digest}.lock", timeout=LOCK_TIMEOUT):
            yield
    except Timeout:
        raise LabelStudioError(f"another push to {title!r} is running", hint="wait for it to finish") from None


def project_url(client: Client, project: int) -> str:
    """Where a person opens the project."""
    return f"{client.url}/projects/{project}"


def _found(client: Client, project: Project) -> Iterator[FoundTask]:
    return (found_task(item) for item in client.tasks(project.id, TASK_FIELDS))


@dataclass(frozen=True, slots=True)
class _Done:
    resent: bool = False
    """A batch had to be sent again: there may be doubles."""
    blocked: int = 0
    """Tasks left where they are because somebody touched them after the plan was made."""


def _do(client: Client, project: Project, plan: Plan, progress: Progress) -> _Done:
    """Carry out a plan."""
    total = len(plan.create) + len(plan.update) + len(plan.keep_retired)
    done, resent = 0, False
    for first in range(0, len(plan.create), BATCH):
        batch = plan.create[first : first + BATCH]
        resent |= _create(client, project, batch)
        done += len(batch)
        progress(done, total)
    for task, wanted in plan.update:
        client.update_task(task.id, wanted["data"], wanted["meta"])
        done += 1
        progress(done, total)
    for task in plan.keep_retired:
        client.update_task(task.id, {**task.data, "retired": RETIRED}, dict(task.meta))
        done += 1
        progress(done, total)
    return _Done(resent, _delete(client, project, plan.delete))


def _delete(client: Client, project: Project, tasks: Sequence[FoundTask]) -> int:
    """Delete tasks, except those that somebody has touched since they were read; the number of these."""
    if not tasks:
        return 0
    touched = {task.id for task in _found(client, project) if task.touched}
    chosen = [task.id for task in tasks if task.id not in touched]
    if chosen:
        client.delete_tasks(project.id, chosen)
    return len(tasks) - len(chosen)


def _create(client: Client, project: Project, batch: Sequence[Json]) -> bool:
    """Store a batch, which one call does wholly or not at all; True when it was sent more than once.

    When the answer gets lost the server is given time and read again, and only what is missing is sent. A server slower than
    that ends up with doubles: `_drop_doubles` removes them, in this push or the next."""
    missing = list(batch)
    for attempt in range(ROUNDS):
        try:
            client.import_tasks(project.id, missing)
        except ServerUnreachable as problem:
            if attempt + 1 == ROUNDS:
                raise
            log.warning("%s; reading what was stored before going on", problem)
            time.sleep(2**attempt)
            stored = {task.segment_id for task in _found(client, project)}
            missing = [task for task in missing if task["data"]["segment_id"] not in stored]
            if not missing:
                break
        else:
            break
    return attempt > 0


def _drop_doubles(client: Client, project: Project, wanted: Wanted, selection: Selection) -> None:
    _delete(client, project, decide(wanted, _found(client, project), selection).delete)


# -- status ------------------------------------------------------------------------------------------------------------

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
    """Whether the project has the schema and the labeling config that a push would give it."""
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
    prune: bool = False,
) -> list[ProjectStatus]:
    """Where each project of a title stands, compared with what a push of `wanted` would do. Writes nothing.

    These are the projects of the annotators (without any: all the title has, or the one it would get); further ones of the
    title are counted and not compared."""
    projects = client.projects()
    there = {marker.annotator for project in projects if (marker := read_marker(project)) and marker.title == title}
    filled = list(dict.fromkeys(annotators)) or sorted(there) or [""]
    found = []
    for name in [*filled, *sorted(there - set(filled))]:
        project = find_project(projects, title, name)
        items = list(client.tasks(project.id, TASK_FIELDS)) if project else []
        plan = None
        if wanted is not None and name in filled:
            plan = decide(wanted, map(found_task, items), selection or Selection(), prune=prune)
        one = _project_status(client, project, name, schema, items, plan)
        found.append(replace(one, filled=name in filled))
    return found


def _project_status(
    client: Client, project: Project | None, annotator: str, schema: LabelSchema, items: Sequence[Json], plan: Plan | None
) -> ProjectStatus:
    total, by_lang, by_region = Counter[str](), defaultdict[str, Counter[str]](Counter), defaultdict[str, Counter[str]](Counter)
    retired = 0
    for item in items:
        task = found_task(item)
        if task.retired:
            retired += 1
            continue
        for counter in (total, by_lang[str(task.data.get("lang", ""))], by_region[str(task.data.get("region", ""))]):
            counter.update(("tasks", _state(item)))
    planned = plan.counts() if plan else {}
    return ProjectStatus(
        id=project.id if project else -1,
        url=project_url(client, project.id) if project else "",
        annotator=annotator,
        filled=True,
        counts=_stated(total) | {"retired": retired},
        by_lang={lang: _stated(counter) for lang, counter in sorted(by_lang.items())},
        by_region={region: _stated(counter) for region, counter in sorted(by_region.items())},
        schema_in_step=project is not None and has_schema(project, schema),
        out_of_step={key: planned[key] for key in ("created", "updated", "retired") if key in planned},
    )


def has_schema(project: Project, schema: LabelSchema) -> bool:
    """Whether a project has the labeling config of a schema, and its marker says so."""
    marker = read_marker(project)
    return bool(marker and marker.schemas[-1][0] == schema.ref and project.label_config == labeling_config(schema))


def _state(item: Json) -> str:
    if item.get("total_annotations"):
        return "done"
    if item.get("cancelled_annotations"):
        return "skipped"
    return "drafts" if item.get("draft_exists") else "pending"


def _stated(counter: Mapping[str, int]) -> dict[str, int]:
    return {key: counter.get(key, 0) for key in ("tasks", *STATES)}


# -- pull --------------------------------------------------------------------------------------------------------------


def pull(
    client: Client,
    schema: LabelSchema,
    title: str,
    rejects: Callable[[Reject], None],
    *,
    annotators: Collection[str] = (),
    with_retired: bool = False,
) -> list[Annotation]:
    """All annotations of a title's projects (of the named annotators' projects only, when given), validated, sorted by
    document, place and annotator. What is not valid goes to `rejects` with the task's URL, drafts too."""
    own = [
        (project, marker)
        for project in client.projects()
        if (marker := read_marker(project)) and marker.title == title and (not annotators or marker.annotator in annotators)
    ]
    if not own:
        raise ProjectNotFound(f"{client.url} has no project {title!r} of annotate", hint="push first, or check --project")
    without = sorted(set(annotators) - {marker.annotator for _, marker in own})
    if without:
        raise ProjectNotFound(f"no project of {title!r} for {', '.join(without)}", hint="check --annotators")
    users = client.users()
    annotations: list[Annotation] = []
    for project, marker in own:
        origin = Origin(project.id, project_url(client, project.id), users, marker.schemas)
        for item in client.tasks(project.id):
            if item.get("draft_exists"):
                item["drafts"] = client.drafts(item["id"])
            if (item.get("data") or {}).get("retired") == RETIRED and not with_retired:
                continue
            for record in from_task(item, schema, origin):
                if isinstance(record, Reject):
                    rejects(record)
                else:
                    annotations.append(record)
    return sorted(annotations, key=_order)


def _order(annotation: Annotation) -> tuple[Any, ...]:
    segment, task = annotation.segment, annotation.task
    return (segment.doc_id, segment.start, segment.id, annotation.annotator, annotation.updated_at, task.project, task.id)
