"""`annotate schema`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from annotate.cli.console import Console, common_options, counts
from annotate.cli.options import (
    label_schema,
    project_option,
    project_title,
    rejects_option,
    schema_path,
    settings,
    url_option,
)
from annotate.errors import FINDINGS, OK, PARTIAL, UsageError

if TYPE_CHECKING:
    from annotate.config import Config
    from annotate.labelstudio.client import Client
    from annotate.schema import Label
    from annotate.schema.diff import Change, Choices

name_argument = click.argument("name", required=False)


@click.group(short_help="Label schemas: check, show, render, compare, migrate.")
@common_options
def schema() -> None:
    """Label schemas: check, show, render as Label Studio's XML, compare, and bring projects from one to the next."""


@schema.command()
@name_argument
@common_options
@click.pass_obj
def check(console: Console, name: str | None) -> int:
    """Say everything that is wrong with the schema NAME (a name or a .yaml path), each with file:line."""
    from annotate import schema as schemas
    from annotate.errors import ReadError

    path = schema_path(settings(schema=name))
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as failure:
        raise ReadError(f"cannot read {path}: {failure}", hint="check the path") from None
    problems = schemas.check(text, _shown(path))
    for problem in problems:
        console.data(str(problem))
    errors = [problem for problem in problems if problem.level == "error"]
    console.note(f"{len(errors)} errors, {len(problems) - len(errors)} warnings")
    console.document({"ok": not errors, "problems": [asdict(problem) for problem in problems]})
    return FINDINGS if errors else OK


@schema.command()
@name_argument
@common_options
@click.pass_obj
def show(console: Console, name: str | None) -> int:
    """Print the labels of the schema NAME."""
    from annotate import schema as schemas

    labels = schemas.load(schema_path(settings(schema=name)))
    console.data(f"{labels.ref}  ({labels.sha256[:12]})")
    console.data(f"regions annotated: {', '.join(labels.annotate_regions)}; overlap: {labels.overlap}")
    if labels.entities:
        console.data("\nentities")
    for label in labels.entities:
        console.data(_line(label))
    for group in labels.topics:
        console.data(f"\n{group.id} ({group.choice}{', required' if group.required else ''})")
        for label in group.labels:
            console.data(_line(label))
    console.document({"schema": asdict(labels)})
    return OK


@schema.command()
@name_argument
@click.option("--ui-language", default="", metavar="TAG", help="Language of the display names [default: the schema's first].")
@common_options
@click.pass_obj
def xml(console: Console, name: str | None, ui_language: str) -> int:
    """Print the labeling config that push gives to Label Studio."""
    from annotate import schema as schemas
    from annotate.labelstudio.labeling_config import labeling_config

    labels = schemas.load(schema_path(settings(schema=name)))
    config = labeling_config(labels, ui_language=ui_language)
    console.data(config)
    console.document({"xml": config})
    return OK


rename_option = click.option(
    "--rename", "renames", multiple=True, metavar="OLD=NEW", help="What a label becomes (repeatable); OLD may be CONTROL/OLD."
)
delete_option = click.option(
    "--delete", "deletes", multiple=True, metavar="OLD", help="A label to remove from answers (repeatable)."
)


@schema.command()
@click.argument("names", nargs=-1, required=True, metavar="[OLD] NEW")
@rename_option
@delete_option
@project_option
@url_option
@common_options
@click.pass_obj
def diff(
    console: Console,
    names: tuple[str, ...],
    renames: tuple[str, ...],
    deletes: tuple[str, ...],
    project: str | None,
    url: str | None,
) -> int:
    """Say what changes from the schema OLD to NEW, and what it means for stored annotations.

    With NEW alone it is compared with the project on the server, and every change comes with the number of answers that hold
    the label. Writes nothing.
    """
    from annotate import schema as schemas
    from annotate.schema.diff import compare

    if len(names) > 2:
        raise UsageError(f"{len(names)} schemas given", hint="annotate schema diff OLD NEW, or annotate schema diff NEW")
    choices = _choices(renames, deletes)
    if len(names) == 2:
        old, new = (schemas.load(schema_path(settings(schema=name))) for name in names)
        changes = compare(old, new, choices)
        for change in changes:
            console.data(_told(change))
        console.note("nothing changes" if not changes else f"{old.ref} → {new.ref}")
        console.document({"changes": [_as_document(change) for change in changes]})
        return OK
    config = settings(schema=names[0], project=project, url=url)
    labels = label_schema(config)
    with _connected(config) as client:
        from annotate import migration
        from annotate.labelstudio.relabeling import in_words

        found = migration.diff(client, labels, project_title(config, labels), choices)
    for one in found:
        console.data(f"{one.annotator or 'project'}: {one.version} → {labels.ref}  {one.url}")
        for change in one.changes:
            console.data("  " + _told(change, in_words(migration.counts(change, one.usage))))
        if not one.changes:
            console.data("  nothing changes")
    console.document(
        {
            "projects": [
                {
                    "id": one.id,
                    "url": one.url,
                    "annotator": one.annotator,
                    "version": one.version,
                    "undecided": ["/".join(key) for key in one.undecided],
                    "changes": [_as_document(change, migration.counts(change, one.usage)) for change in one.changes],
                }
                for one in found
            ]
        }
    )
    return OK


@schema.command()
@click.argument("new")
@rename_option
@delete_option
@click.option("--accept-older", is_flag=True, help="Let older answers count as answers under NEW, whatever it asks beside.")
@click.option("-n", "--dry-run", is_flag=True, help="Say what would be done; write nothing.")
@project_option
@url_option
@rejects_option
@common_options
@click.pass_obj
def migrate(
    console: Console,
    new: str,
    renames: tuple[str, ...],
    deletes: tuple[str, ...],
    accept_older: bool,
    dry_run: bool,
    project: str | None,
    url: str | None,
    rejects: Path | None,
) -> int:
    """Bring the project, and all that people have said in it, to the schema NEW.

    Labels go where NEW's aliases say, or --rename and --delete. Every answer that changes is copied to .annotate/migrations in
    the workspace before. Interrupted, the same command goes on.
    """
    from annotate.store import Rejects

    config = settings(schema=new, project=project, url=url)
    labels = label_schema(config)
    choices = _choices(renames, deletes)
    where = rejects or config.workspace / "annotate-migrate.rejects.jsonl"
    with _connected(config) as client, Rejects(where) as rejected, console.progress("migrate") as progress:
        from annotate import migration

        reports, copies = migration.migrate(
            client,
            labels,
            project_title(config, labels),
            rejected,
            choices=choices,
            accept_older=accept_older,
            dry_run=dry_run,
            folder=config.workspace / migration.FOLDER,
            progress=progress,
        )
    for one in reports:
        told = counts({f"{kind}s": number for kind, number in one.rewritten.items()})
        console.data(f"{one.annotator or 'project'}: {told} rewritten, {one.blocked:,} blocked  {one.url}")
        for route, number in one.labels.items():
            console.data(f"  {route}: {number:,}")
        if one.finished:
            console.note(f"  older answers count as {one.counts_as}")
        else:
            console.note("  the project keeps the old labels, hidden, until the blocked answers are settled: run this again")
    if rejected.total:
        console.note(f"blocked: {counts(rejected.counts)}; see {where}")
    if dry_run:
        console.note("dry run: nothing was written")
    elif copies:
        console.note(f"copies of the answers as they were: {copies}")
    console.document(
        {
            "projects": [asdict(one) for one in reports],
            "rejected": rejected.total,
            "copies": str(copies or ""),
            "dry_run": dry_run,
        }
    )
    return PARTIAL if rejected.total else OK


def _choices(renames: tuple[str, ...], deletes: tuple[str, ...]) -> Choices:
    from annotate.schema.diff import Choices

    pairs = [pair.partition("=") for pair in renames]
    for pair, (old, sign, to) in zip(renames, pairs, strict=True):
        if not (old and sign and to):
            raise UsageError(f"--rename {pair!r} is not OLD=NEW", hint="--rename PERSON=PER")
    return Choices({old: to for old, _, to in pairs}, deletes)


def _connected(config: Config) -> Client:
    from annotate.labelstudio.connection import connect

    return connect(config, os.environ)


def _told(change: Change, stored: str = "") -> str:
    where = "/".join(filter(None, (change.control, change.label)))
    return f"{where + ' ' if where else ''}{change.message}" + (f" ({stored})" if stored else "") + f": {change.effect}"


def _as_document(change: Change, stored: Mapping[str, int] | None = None) -> dict[str, Any]:
    flags = {
        "effect": change.effect,
        "rewrites": change.rewrites,
        "undecided": change.undecided,
        "incomplete": change.incomplete,
    }
    return asdict(change) | flags | ({"stored": dict(stored)} if stored is not None else {})


def _line(label: Label) -> str:
    first = next(iter(label.name.values()), label.id)
    about = next(iter(label.description.values()), "")
    return f"  {label.id:<16} {first}" + (f": {about}" if about else "")


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
