"""Options that several verbs share, and the settings they end up in."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from annotate.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from annotate.config import Config
    from annotate.schema import LabelSchema
    from annotate.selection import Sample

F = TypeVar("F", bound=Callable[..., Any])

rejects_option = click.option(
    "--rejects", type=click.Path(dir_okay=False, path_type=Path), help="Where rejected records go [default: beside the output]."
)
schema_option = click.option(
    "--schema", metavar="NAME|PATH", help="Label schema: a shipped name, a name in schemas/, or a .yaml path."
)
project_option = click.option(
    "--project", metavar="TITLE", help="Title of the Label Studio project [default: the schema's name]."
)
url_option = click.option("--url", help="Label Studio's address [default: LABEL_STUDIO_URL, else the embedded server].")

overlap_option = click.option(
    "--overlap",
    type=click.IntRange(1),
    metavar="K",
    help="Each segment to K of the annotators [default: the schema's agreement.overlap above 1, else all].",
)


def sample_options(command: F) -> F:
    """`--sample`, `--per`, `--seed` and `--dedupe`: what of the selected segments is put to annotators."""
    for option in (
        click.option("--dedupe", is_flag=True, help="One task for equal texts; pull gives the answer to all of them."),
        click.option("--seed", type=int, default=0, show_default=True, help="Of the sample."),
        click.option(
            "--per", metavar="A,B", help="Draw N of each language, region, document, or combination: --per language,region."
        ),
        click.option(
            "--sample",
            type=click.IntRange(1),
            metavar="N",
            help="Only N segments, drawn by a hash: stable, whatever the order.",
        ),
    ):
        command = option(command)
    return command


def given_sample(size: int | None, per: str | None, seed: int) -> Sample | None:
    """The sample that the options ask for."""
    from annotate.selection import Sample

    if size is None:
        if per:
            raise UsageError("--per says how to spread a sample, and there is none", hint="add --sample N")
        return None
    return Sample(size, tuple(name.strip() for name in (per or "").split(",") if name.strip()), seed)


def agreement_overlap(given: int | None, schema: LabelSchema, config: Config) -> int:
    """To how many of the annotators each segment goes; 0 for all of them."""
    if given is not None:
        return given
    wanted = schema.agreement_overlap
    return wanted if 1 < wanted <= len(config.annotators) else 0


def ui_languages(config: Config, schema: LabelSchema) -> dict[str, str]:
    """In which language each annotator reads labels and guidelines. `UsageError` for one that the schema has no words in."""
    given = config.ui_languages
    for name, language in given.items():
        if name and name not in config.annotators:
            raise UsageError(f"ui_language names {name!r}, who is no annotator", hint=did_you_mean(name, config.annotators))
        if language not in schema.ui_languages:
            hint = f"{schema.name} has words in {', '.join(schema.ui_languages)} (ui_languages in the schema)"
            raise UsageError(f"schema {schema.name} is not written in {language!r}", hint=hint)
    return given


def settings(**flags: str | None) -> Config:
    """The settings of this run, seen from the current folder."""
    from annotate import config

    named = {"url": "label_studio.url"}
    return config.load(Path.cwd(), {named.get(name, name): value for name, value in flags.items()}, os.environ)


def settings_near(file: str, **flags: str | None) -> Config:
    """The settings seen from a file, else from the current folder."""
    from annotate import config

    near = Path(file).parent
    start = near if file != "-" and config.find_file(near) else Path.cwd()
    return config.load(start, flags, os.environ)


def label_schema(config: Config) -> LabelSchema:
    """The label schema that the settings name."""
    from annotate import schema

    return schema.load(schema_path(config))


def schema_path(config: Config) -> Path:
    """Where the label schema that the settings name lies; relative to where it was named."""
    from annotate import schema

    name, folder = config["schema"], config.folder_of("schema")
    if name.endswith((".yaml", ".yml")):
        name = str(folder / name)
    return schema.find(name, folder)


def label_studio_url(config: Config) -> str:
    """Where tasks are: what the settings name, else the embedded server when it runs; empty when neither. Nothing is asked
    of it."""
    from annotate.labelstudio import server

    if url := config["label_studio.url"]:
        return url.rstrip("/")
    running = server.find_running()
    return running.url if running else ""


def project_title(config: Config, schema: LabelSchema) -> str:
    """The project's title: given, else the schema's name."""
    return config["project"] or schema.name


def given_schema(name: str | None) -> LabelSchema | None:
    """The schema that a flag, the environment or `annotate.yaml` names; none when only the default is left."""
    config = settings(schema=name)
    return None if config.settings["schema"].origin == "default" else label_schema(config)
