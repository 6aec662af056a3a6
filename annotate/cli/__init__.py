"""The command line: parse, call, print. One file per verb, loaded when it is used."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from keyword import iskeyword

import click

from annotate._version import __version__
from annotate.cli.console import Console, common_options
from annotate.errors import FAILURE, INTERRUPTED, USAGE, AnnotateError, did_you_mean

VERBS = (
    "quickstart",
    "segment",
    "show",
    "evaluate",
    "train-segmenter",
    "schema",
    "server",
    "push",
    "pull",
    "status",
    "carry",
    "agree",
    "adjudicate",
    "review",
    "check",
    "split",
    "export",
    "purge",
    "import",
    "doctor",
    "config",
)


class Verbs(click.Group):
    """Finds a verb in the module of its name."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002  click's signature
        if name not in VERBS:
            return None
        module = name.replace("-", "_")
        module = f"{module}_" if iskeyword(module) else module
        command: click.Command = getattr(import_module(f"annotate.cli.{module}"), module)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            raise click.UsageError(f"there is no command {args[0]!r}: {did_you_mean(args[0], VERBS)}", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="annotate")
@common_options
def cli() -> None:
    """Segment web documents by language and page region, annotate them in Label Studio, export gold datasets.

    Begin with: annotate quickstart
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    console = Console()
    console.json = "--json" in given  # also when the rest cannot be parsed
    logging.basicConfig(format="%(message)s", level=logging.WARNING, stream=sys.stderr)
    try:
        # Not click's own main(): it ends the process with 1 when the reader of our output goes away.
        with cli.make_context("annotate", given, obj=console) as context:
            code = cli.invoke(context)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except (click.Abort, KeyboardInterrupt):
        console.fail("interrupted", "what was finished is kept; run the same command again", INTERRUPTED)
        return INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as problem:
        click.echo(problem.format_message(), err=True)
        return USAGE
    except click.UsageError as problem:
        if problem.ctx and not console.json:
            click.echo(problem.ctx.get_usage(), err=True)
        console.fail(problem.format_message(), f"{problem.ctx.command_path if problem.ctx else 'annotate'} --help", USAGE)
        return USAGE
    except click.ClickException as problem:
        console.fail(problem.format_message(), "", FAILURE)
        return FAILURE
    except AnnotateError as problem:
        console.fail(problem.message, problem.hint, problem.exit_code)
        return problem.exit_code
    except BrokenPipeError:
        # The reader of our output went away (| head). Nothing is wrong, and Python must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code if isinstance(code, int) else 0
