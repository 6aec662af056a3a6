"""`annotate schema`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from annotate.cli.console import Console, common_options
from annotate.cli.options import schema_path, settings
from annotate.errors import FINDINGS, OK

if TYPE_CHECKING:
    from annotate.schema import Label

name_argument = click.argument("name", required=False)


@click.group(short_help="Label schemas: check, show, render as XML.")
@common_options
def schema() -> None:
    """Label schemas: check, show, render as Label Studio's XML."""


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


def _line(label: Label) -> str:
    first = next(iter(label.name.values()), label.id)
    about = next(iter(label.description.values()), "")
    return f"  {label.id:<16} {first}" + (f": {about}" if about else "")


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
