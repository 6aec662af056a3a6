"""The whole line in one go, on the demo corpus or on a user's documents: the same functions as the single commands, on the
embedded Label Studio only, whatever the environment names, so that it can never invent annotations on a real server."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from annotate import schema as schemas
from annotate import workflow
from annotate.config import FILE, read_file
from annotate.demo.annotators import ANNOTATORS, answer, corpus_folder
from annotate.errors import OK, PARTIAL, ReadError, UsageError
from annotate.labelstudio import server
from annotate.labelstudio.client import Client
from annotate.labelstudio.connection import embedded
from annotate.labelstudio.people import add_user, token_of
from annotate.labelstudio.wire import to_result
from annotate.store import STDIO, replacing
from annotate.sync import find_project

FOLDER = "annotate-quickstart"
DEMO_TITLE = "annotate demo"
SCHEMA = "news"
STEPS = 8

Say = Callable[[str], None]
Watch = Callable[[str], AbstractContextManager[workflow.Progress]]
"""Makes the progress display of a step from its name."""


@dataclass(frozen=True, slots=True)
class Quickstart:
    """What there is to look at in the end."""

    folder: Path
    url: str
    login: server.Credentials
    projects: Sequence[str]
    counts: Mapping[str, Mapping[str, int]]
    """Numbers of each step by its name; a step that waits for people is missing."""
    dataset: Path | None
    exit_code: int


def run(inputs: Sequence[str | Path], folder: Path | None, say: Say, watch: Watch, *, port: int | None = None) -> Quickstart:
    """Run the line in a working folder. Without `inputs`: the demo corpus, annotated by the demo annotators. With `inputs`: the
    user's documents, pushed for people to annotate; once they have, running it again goes on to the end.

    Idempotent: what is there stays, nothing doubles. The exit code is the worst of the steps'."""
    demo = not inputs
    where = folder or Path(FOLDER if demo else f"{FOLDER}-{_name(inputs)}")
    title = DEMO_TITLE if demo else f"quickstart {_name(inputs)}"
    names = tuple(person.name for person in ANNOTATORS) if demo else ()
    counts: dict[str, Mapping[str, int]] = {}
    codes = [OK]

    def step(number: int, text: str) -> None:
        say(f"[{number}/{STEPS}] {text}")

    def finish(name: str, numbers: Mapping[str, int], rejected: int) -> None:
        counts[name] = {**numbers, "rejected": rejected}
        codes.append(PARTIAL if rejected else OK)
        say(f"      {_told(counts[name])}")

    step(1, "Label Studio, embedded: SQLite, 127.0.0.1, no telemetry")
    running = server.start(say, port=port)
    login = server.credentials()

    step(2, f"working folder {where}")
    documents = _workspace(where, inputs, title, names)
    schema_file = schemas.find(SCHEMA, where)
    schema = schemas.load(schema_file)
    segments, annotations, gold = (where / f"{name}.jsonl" for name in ("segments", "annotations", "gold"))

    step(3, "segment: documents into stretches of one language and one page region")
    with watch("segment") as progress:
        tiled = workflow.segment(documents, segments, progress=progress)
    finish("segment", {"documents": tiled.documents, "segments": tiled.segments}, sum(tiled.rejected.values()))
    if not tiled.documents:
        raise ReadError("none of the documents can be used", hint=f"see {where / 'segments.rejects.jsonl'}")

    with embedded() as client:
        step(4, f"push: segments of the regions {', '.join(schema.annotate_regions)} to the annotators")
        with watch("push") as progress:
            pushed, refused = workflow.push(client, segments, schema, title, annotators=names, progress=progress)
        finish("push", pushed.totals, sum(refused.values()))
        if demo:
            step(5, f"annotate: {' and '.join(names)} log in and work through their tasks")
            with watch("annotate") as progress:
                counts["annotate"] = _annotate(client, title, progress)
            say(f"      {_told(counts['annotate'])}")
        else:
            step(5, "annotate: this is for people; nothing is invented")
        step(6, "pull: annotations back home, every span checked against the text")
        pulled = workflow.pull(client, schema, title, annotations)
    finish("pull", {"annotations": pulled.annotations, "skipped": pulled.skipped}, sum(pulled.rejected.values()))
    projects = [project.url for project in pushed.projects]
    if not pulled.annotations:
        return Quickstart(where, running.url, login, projects, counts, None, max(codes))

    step(7, "agree and adjudicate: what is settled becomes gold, what is not a conflict to look at")
    settled = workflow.adjudicate(annotations, gold, schema=schema)
    finish("adjudicate", {"gold": settled.gold, "conflicts": settled.conflicts}, sum(settled.rejected.values()))
    if not settled.gold:
        return Quickstart(where, running.url, login, projects, counts, None, max(codes))

    step(8, "export: spaCy and JSONL, split by document, every span accounted for")
    report = workflow.export(gold, where / "exports" / schema.name, schema=schema, schema_file=schema_file)
    numbers = {
        "records": report.records,
        "spans_in": report.spans_in,
        "spans_out": report.spans_out,
        "files": len(report.files),
    }
    finish("export", numbers, report.rejected)
    return Quickstart(where, running.url, login, projects, counts, report.path, max(codes))


def _workspace(where: Path, inputs: Sequence[str | Path], title: str, names: Sequence[str]) -> list[str | Path]:
    """Make the working folder unless it is there, and say where the documents are."""
    for item in inputs:
        if Path(item).is_dir() and where.resolve().is_relative_to(Path(item).resolve()):
            raise UsageError(f"{where} would lie among the documents of {item}", hint="choose another folder with --dir")
    config = where / FILE
    written = f"project: {json.dumps(title, ensure_ascii=False)}\nschema: {SCHEMA}\n"
    written += f"annotators: [{', '.join(names)}]\n" if names else ""
    where.mkdir(parents=True, exist_ok=True)
    if not config.exists():
        if any(where.iterdir()):
            raise UsageError(f"{where} is not a quickstart folder and not empty", hint="choose another with --dir")
        with replacing(config) as out:
            out.write(written.encode())
    elif read_file(config)["project"].value != title:
        raise UsageError(f"{where} belongs to another project", hint="choose another folder with --dir, or remove it")
    if inputs:
        return list(inputs)
    shutil.copytree(corpus_folder(), where / "documents", dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    return [where / "documents"]


def _name(inputs: Sequence[str | Path]) -> str:
    """A short name for a user's documents, fit for a folder and a project title, and another for other documents."""
    places = [str(item) if str(item) == STDIO else str(Path(item).resolve()) for item in inputs]
    readable = re.sub(r"[^\w-]+", "-", Path(places[0]).name.split(".")[0]).strip("-")[:20] or "input"
    digest = hashlib.blake2b("\0".join(places).encode(), digest_size=3).hexdigest()
    return f"{readable}-{digest}"


def _told(numbers: Mapping[str, int]) -> str:
    return ", ".join(f"{value:,} {name.replace('_', ' ')}" for name, value in numbers.items())


# -- the demo annotators -----------------------------------------------------------------------------------------------


def _annotate(admin: Client, title: str, progress: workflow.Progress) -> dict[str, int]:
    """Let each demo annotator log in and answer the tasks of their project that nobody has answered."""
    done = {"submitted": 0, "skipped": 0, "unknown": 0}
    for person in ANNOTATORS:
        project = find_project(admin.projects(), title, person.name)
        if project is None:
            continue
        todo = [task for task in admin.tasks(project.id, ("id", "data", "annotations")) if not task["annotations"]]
        if not todo:
            continue
        with Client(admin.url, _token(admin, person.email)) as own:
            for number, task in enumerate(todo, 1):
                data = task["data"]
                said = answer(
                    person.name,
                    doc_id=data["doc_id"],
                    segment_id=data["segment_id"],
                    text=data["text"],
                    lang=data["lang"],
                    region=data["region"],
                )
                if said is None:
                    done["unknown"] += 1
                    continue
                own.submit(task["id"], to_result(said.spans, said.topics), lead_time=said.lead_time, skipped=said.skipped)
                done["skipped" if said.skipped else "submitted"] += 1
                progress(number, len(todo))
    return done


def _token(admin: Client, email: str) -> str:
    """The API token of a demo annotator, who is added to the embedded server on first use."""
    path = server.home() / "people.json"
    passwords: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    if email not in admin.users().values():
        login = server.credentials()
        passwords[email] = secrets.token_urlsafe(12)
        server.write_private(path, passwords)
        add_user(admin.url, admin_email=login.email, admin_password=login.password, email=email, password=passwords[email])
    if email not in passwords:
        raise UsageError(f"{email} is on the server, but not through quickstart", hint="use another ANNOTATE_HOME for the demo")
    return token_of(admin.url, email, passwords[email])
