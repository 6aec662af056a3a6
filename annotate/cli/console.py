"""What a person or a script sees: data on stdout, everything else on stderr; with --json exactly one document on stdout."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import click

SCHEMA_VERSION = 1
"""Of the `--json` documents: raised when a key changes its meaning or goes."""

F = TypeVar("F", bound=Callable[..., Any])


class Console:
    """Output of one run."""

    def __init__(self) -> None:
        self.json = False
        self.quiet = False
        self._told = False

    def note(self, text: str) -> None:
        """A line for the person who watches."""
        if not self.quiet:
            click.echo(text, err=True)

    def data(self, text: str) -> None:
        """What was asked for, on stdout; a `--json` run prints its document instead."""
        if not self.json:
            click.echo(text)

    def document(self, content: Mapping[str, Any]) -> None:
        """The one JSON document of a `--json` run."""
        if self.json and not self._told:
            click.echo(json.dumps({"schema_version": SCHEMA_VERSION, **content}, ensure_ascii=False))
            self._told = True

    def fail(self, message: str, hint: str, code: int) -> None:
        """Say what went wrong and what to do next."""
        click.echo(f"Error: {message}", err=True)
        if hint:
            click.echo(f"Hint: {hint}", err=True)
        self.document({"error": {"message": message, "hint": hint, "exit_code": code}})

    @contextmanager
    def progress(self, label: str) -> Iterator[Callable[[int, int], None]]:
        """A counter with rate and remaining time, on a terminal only; call it with (done, total), total 0 when unknown."""
        live = sys.stderr.isatty() and not self.quiet
        begun, drawn = time.monotonic(), 0.0

        def tick(done: int, total: int) -> None:
            nonlocal drawn
            now = time.monotonic()
            if not live or (now - drawn < 0.1 and done != total):
                return
            drawn = now
            rate = done / max(now - begun, 1e-6)
            share = f"{done}/{total}, {max(total - done, 0) / max(rate, 1e-6):.0f} s left" if total else str(done)
            click.echo(f"\r\033[K{label}: {share} ({rate:.0f}/s)", err=True, nl=False)

        try:
            yield tick
        finally:
            if live and drawn:
                click.echo("\r\033[K", err=True, nl=False)


def _set(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
    if not value:
        return
    console = ctx.ensure_object(Console)
    match parameter.name:
        case "as_json":
            console.json = True
        case "quiet":
            console.quiet = True
            logging.getLogger("annotate").setLevel(logging.ERROR)
        case "verbose":
            logging.getLogger("annotate").setLevel(logging.INFO if value == 1 else logging.DEBUG)


def common_options(command: F) -> F:
    """`--json`, `-q` and `-v`, before or after the verb."""
    for option in (
        click.option("-v", "--verbose", count=True, expose_value=False, callback=_set, help="Say more (-vv: everything)."),
        click.option("-q", "--quiet", is_flag=True, expose_value=False, callback=_set, help="Say nothing but errors."),
        click.option(
            "--json", "as_json", is_flag=True, expose_value=False, callback=_set, help="Print one JSON document on stdout."
        ),
    ):
        command = option(command)
    return command


def counts(numbers: Mapping[str, int]) -> str:
    """`3 created, 1 updated`: what is not zero, or `nothing`."""
    return ", ".join(f"{value:,} {name.replace('_', ' ')}" for name, value in numbers.items() if value) or "nothing"
