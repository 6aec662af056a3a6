"""`annotate doctor`."""

from __future__ import annotations

import os
from dataclasses import asdict
from functools import partial

import click

from annotate.cli.console import Console, common_options
from annotate.cli.options import label_schema, project_option, project_title, schema_option, settings, url_option

_SIGNS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}


@click.command(short_help="Check server, token, project, schema, clock and disk.")
@schema_option
@project_option
@click.option("--annotators", metavar="A,B", help="As for push.")
@url_option
@common_options
@click.pass_obj
def doctor(console: Console, schema: str | None, project: str | None, annotators: str | None, url: str | None) -> int:
    """Check everything that stands between here and Label Studio, and say what to do. Writes nothing.

    Exit code 0 when nothing failed, 4 when the server's part did, else 1.
    """
    from annotate.doctor import examine, exit_code

    config = settings(schema=schema, project=project, annotators=annotators, url=url)
    checks = examine(config, os.environ, partial(label_schema, config), partial(project_title, config))
    for check in checks:
        if check.level != "ok" or not console.quiet:
            console.data(f"{_SIGNS[check.level]}  {check.name}: {check.message}")
            if check.hint:
                console.data(f"      {check.hint}")
    code = exit_code(checks)
    console.document({"ok": code == 0, "checks": [asdict(check) for check in checks]})
    return code
