"""`annotate purge`."""

from __future__ import annotations

import os
from dataclasses import asdict

import click

from annotate.cli.console import Console, common_options
from annotate.cli.options import label_schema, project_option, project_title, schema_option, settings, url_option
from annotate.errors import OK


@click.command(short_help="Take a document down, everywhere.")
@click.option("--doc-id", required=True, metavar="ID", help="The document, as in segments.jsonl.")
@click.option("--why", default="", metavar="TEXT", help="The reason, for the log.")
@click.option("--by", default="", metavar="NAME", help="Who ordered it, for the log [default: the user of this machine].")
@click.option("-n", "--dry-run", is_flag=True, help="Say what would be removed; write nothing.")
@schema_option
@project_option
@url_option
@common_options
@click.pass_obj
def purge(
    console: Console,
    doc_id: str,
    why: str,
    by: str,
    dry_run: bool,
    schema: str | None,
    project: str | None,
    url: str | None,
) -> int:
    """Remove a document and all that was said about it from the projects on the server and from the workspace's own state.

    It goes on the list .annotate/purged.jsonl: push, adjudicate and export leave it out from then on.
    """
    from annotate.journal import open_journal
    from annotate.labelstudio.connection import connect
    from annotate.takedown import purge as take_down

    config = settings(schema=schema, project=project, url=url)
    with connect(config, os.environ) as client, open_journal(config.workspace) as journal:
        title = project_title(config, label_schema(config))
        done = take_down(client, title, doc_id, config.workspace, why=why, by=by, dry_run=dry_run, journal=journal)
    console.note(
        f"{doc_id}: {done.tasks:,} tasks with {done.annotations:,} annotations, {done.journal:,} journal entries, "
        f"{done.copies:,} copies{' would be' if dry_run else ''} removed"
    )
    for name, number in done.left_in.items():
        console.note(f"still in {name}: {number:,} records; make it anew: pull, adjudicate and export leave the document out")
    console.document(asdict(done) | {"dry_run": dry_run})
    return OK
