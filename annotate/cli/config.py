"""`annotate config`."""

from __future__ import annotations

from dataclasses import asdict

import click

from annotate.cli.console import Console, common_options
from annotate.cli.options import settings
from annotate.errors import OK


@click.group()
@common_options
def config() -> None:
    """The settings and where they come from."""


@config.command()
@common_options
@click.pass_obj
def show(console: Console) -> int:
    """Print every setting with its origin: flag, environment, annotate.yaml or default. Tokens are never shown."""
    found = settings()
    console.data(f"workspace: {found.workspace}")
    for name, setting in found.settings.items():
        console.data(f"{name}: {setting.value or '(none)'}  [{setting.origin}]")
    console.document(
        {"workspace": str(found.workspace), "settings": {name: asdict(setting) for name, setting in found.settings.items()}}
    )
    return OK
