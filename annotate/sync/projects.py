"""The projects of a title: one for each annotator, or one for all; found by a marker in their descriptions."""

from __future__ import annotations

import hashlib
import json
import logging
import random
import re
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

from annotate.errors import LabelStudioError, ProjectNotFound, UsageError
from annotate.labelstudio.client import Client, Project, task_filter
from annotate.labelstudio.instructions import instructions
from annotate.labelstudio.label_loss import require_labels_kept
from annotate.labelstudio.labeling_config import display, labeling_config
from annotate.labelstudio.wire import KEPT, Json
from annotate.model import SchemaRef
from annotate.schema import LabelSchema

MARKER = "annotate-project:"
_MARKER_LINE = re.compile(rf"^{MARKER} (\{{.*)$", re.MULTILINE)
PREAMBLE = "Kept in step by annotate: leave the next line as it is."
TITLE_LENGTH = range(3, 51)
TWIN_PATIENCE = 5.0
"""Seconds in which another push may remove an empty project that it made at the same time as ours."""
CONFIG, INSTRUCTIONS = "labeling config", "instructions"

log = logging.getLogger("annotate")


@dataclass(frozen=True, slots=True)
class Marker:
    """What a project's description says about it, so that it is found again whatever it is called by then."""

    title: str
    annotator: str
    schemas: tuple[tuple[SchemaRef, str], ...]
    language: str = ""
    """In which labels and guidelines are shown (BCP-47); empty: the schema's first."""
    instructions: str = ""
    """Digest of the instruction as it was written last."""
    kept: str = ""
    """Digest of what Label Studio made of it, where that is something else: one that differs from both is a person's."""

    def wrote(self, instruction: str) -> bool:
        """Whether a project's instruction is ours, and nobody's edit."""
        return bool(self.instructions) and _digest(instruction) in (self.instructions, self.kept)

    def text(self) -> str:
        """The line."""
        value = {
            "title": self.title,
            "annotator": self.annotator,
            "schemas": [asdict(ref) | {"since": since} for ref, since in self.schemas],
            "language": self.language,
            "instructions": self.instructions,
            "kept": self.kept,
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
        words = (str(value.get(name, "")) for name in ("language", "instructions", "kept"))
        return Marker(value["title"], value["annotator"], schemas, *words)
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


@dataclass(frozen=True, slots=True)
class Appearance:
    """What annotators see of a schema."""

    label_config: str
    instruction: str

    @classmethod
    def of(cls, schema: LabelSchema, language: str) -> Appearance:
        """In a language; where it has no words, in the schema's first."""
        guidelines = display(schema.guidelines, (language, *schema.ui_languages))
        return cls(labeling_config(schema, ui_language=language), instructions(guidelines))


def open_project(
    client: Client, found: Project | None, title: str, annotator: str, schema: LabelSchema, language: str = ""
) -> Project:
    """The project, made or brought in step with the schema, its words in a language (without one, in that it has)."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if found is None:
        shown = Appearance.of(schema, language)
        marker = Marker(title, annotator, ((schema.ref, now),), language, _digest(shown.instruction))
        name = project_title(title, annotator)
        made = client.create_project(name, marker.within(PREAMBLE), shown.label_config, shown.instruction)
        return _first_made(client, _kept_in_mind(client, made, marker), title, annotator)
    marker = read_marker(found) or Marker(title, annotator, ())
    if not marker.schemas or marker.schemas[-1][0] != schema.ref:
        marker = replace(marker, schemas=(*marker.schemas, (schema.ref, now)))
    marker = replace(marker, language=language or marker.language)
    shown = Appearance.of(schema, marker.language)
    refreshed = outdated(found, schema, language)
    told = shown.instruction if INSTRUCTIONS in refreshed else None
    if told is not None or found.instruction == shown.instruction:
        marker = replace(marker, instructions=_digest(shown.instruction), kept="")
    elif _digest(shown.instruction) != marker.instructions:
        log.warning(
            "the instructions of project %s were edited in Label Studio and stay; empty them there to get ours", found.id
        )
    description = marker.within(found.description)
    if description == found.description and not refreshed:
        return found
    if CONFIG in refreshed:
        require_labels_kept(client, found, shown.label_config)  # and the update validates
    changed = client.update_project(found, description=description, label_config=shown.label_config, instruction=told)
    return changed if told is None else _kept_in_mind(client, changed, marker)


def _kept_in_mind(client: Client, project: Project, marker: Marker) -> Project:
    """The project, once its marker tells what Label Studio made of our instruction: it takes out what it finds unsafe."""
    if marker.wrote(project.instruction):
        return project
    description = replace(marker, kept=_digest(project.instruction)).within(project.description)
    return client.update_project(project, description=description, label_config=project.label_config)


def language_of(languages: Mapping[str, str], annotator: str) -> str:
    """In which language an annotator reads: their own, else that of all others, under an empty name; empty when none is set."""
    return languages.get(annotator) or languages.get("", "")


def outdated(project: Project, schema: LabelSchema, language: str = "") -> tuple[str, ...]:
    """What of a project a push brings in step with the schema: `labeling config` (labels, names, hints, keys, colours),
    `instructions` (the guidelines, unless a person has edited them in Label Studio)."""
    marker = read_marker(project)
    shown = Appearance.of(schema, language or (marker.language if marker else ""))
    own = bool(marker and marker.wrote(project.instruction))
    told = project.instruction == shown.instruction or bool(
        own and marker and marker.instructions == _digest(shown.instruction)
    )
    changed = {
        CONFIG: project.label_config != shown.label_config,
        INSTRUCTIONS: not told and (own or not project.instruction),
    }
    return tuple(name for name, is_changed in changed.items() if is_changed)


def require_change(client: Client, project: Project, schema: LabelSchema, language: str) -> None:
    """`ConfigRefused` when a push could not bring a project in step with the schema without harm to its answers."""
    marker = read_marker(project)
    config = labeling_config(schema, ui_language=language or (marker.language if marker else ""))
    if config != project.label_config:
        require_labels_kept(client, project, config)
        client.validate(project, config)


def _digest(instruction: str) -> str:
    return hashlib.blake2b(instruction.encode(), digest_size=8).hexdigest()


def _first_made(client: Client, made: Project, title: str, annotator: str) -> Project:
    """The oldest of the projects made at the same moment, by pushes on several machines, or by Label Studio itself, which
    leaves one behind for each time its database was locked. The younger ones, as far as they are empty, go.

    Label Studio takes harm when two projects are deleted at the same time. So they go one after the other, the youngest first,
    each by the push that made it; what nobody removes goes when time is up, by the push that made the first."""
    begun = time.monotonic()
    while True:
        first, *younger = _twins(client, title, annotator) or [made]
        empty = [twin for twin in younger if _is_empty(client, twin)]
        if not empty:
            return first
        patience = TWIN_PATIENCE * (1 if made.id == first.id else 2)
        if empty[-1].id == made.id or time.monotonic() - begun > patience:
            log.info("project %s was made at the same time as %s: it is removed", empty[-1].id, first.id)
            _remove(client, empty[-1])
        else:
            time.sleep(random.uniform(0.1, 0.5))


def _twins(client: Client, title: str, annotator: str) -> list[Project]:
    """The projects with the same marker, oldest first."""
    wanted = (title, annotator)
    return [one for one in client.projects() if (marker := read_marker(one)) and (marker.title, marker.annotator) == wanted]


def _is_empty(client: Client, twin: Project) -> bool:
    try:
        return not client.counters(twin.id).tasks
    except LabelStudioError as problem:  # another push has removed it since it was listed
        log.info("project %s is left alone: %s", twin.id, problem.message)
        return False


def _remove(client: Client, twin: Project) -> None:
    try:
        client.delete_project(twin.id)
    except LabelStudioError as problem:
        if any(project.id == twin.id for project in client.projects()):
            raise
        log.info("project %s is gone already: %s", twin.id, problem.message)


def project_url(client: Client, project: int) -> str:
    """Where a person opens the project."""
    return f"{client.url}/projects/{project}"


def has_schema(project: Project, schema: LabelSchema, language: str = "") -> bool:
    """Whether a project has the labeling config and the guidelines of a schema, and its marker says so."""
    marker = read_marker(project)
    return bool(marker and marker.schemas[-1][0] == schema.ref and not outdated(project, schema, language))


# -- tabs --------------------------------------------------------------------------------------------------------------


def ensure_views(client: Client, project: Project, regions: Collection[str], languages: Collection[str]) -> None:
    """Tabs of the Data Manager: all, one per region, one per language. Retired tasks are in none; a person's tabs stay."""
    there = {str(view.get("data", {}).get("title")) for view in client.views(project.id)}
    tabs: list[tuple[str, list[tuple[str, str]]]] = [("all", [])]
    for key, values in (("region", regions), ("lang", languages)):  # short: Label Studio shows but a few letters of a title
        tabs += [(value, [(key, value)]) for value in sorted(values)]
    for title, wants in tabs:
        if title not in there:
            client.create_view(project.id, _view(title, [("retired", KEPT), *wants]))


def _view(title: str, wants: Sequence[tuple[str, str]]) -> Json:
    items = [task_filter(f"data.{key}", "equal", "String", value) for key, value in wants]
    filters = {"conjunction": "and", "items": items}
    return {"title": title, "type": "list", "target": "tasks", "filters": filters, **_HIDDEN}


_HIDDEN_DATA = "segment_id start end text_sha256 schema schema_sha256 context_before context_after retired"
_HIDDEN_OWN = """inner_id annotations_results annotations_ids predictions_score predictions_model_versions predictions_results
file_upload storage_filename created_at updated_at updated_by avg_lead_time draft_exists"""
_HIDDEN = {
    "hiddenColumns": {
        "explore": [f"tasks:{name}" for name in _HIDDEN_OWN.split()] + [f"tasks:data.{name}" for name in _HIDDEN_DATA.split()],
        "labeling": [],
    }
}
