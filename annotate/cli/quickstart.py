"""`annotate quickstart`."""

from __future__ import annotations

from pathlib import Path

import click

from annotate.cli.console import Console, common_options


@click.command(short_help="The whole line in one go: a demo, or your documents.")
@click.argument("inputs", nargs=-1)
@click.option(
    "--dir", "folder", type=click.Path(file_okay=False, path_type=Path), help="Working folder [default: annotate-quickstart]."
)
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the embedded Label Studio [default: 8765].")
@common_options
@click.pass_obj
def quickstart(console: Console, inputs: tuple[str, ...], folder: Path | None, port: int | None) -> int:
    """The whole line: segment, push, annotate, pull, agree, adjudicate, export.

    Without INPUTS on a demo corpus that two demo annotators annotate; with INPUTS on your documents, which then wait for people
    in Label Studio. Run it again at any time: nothing doubles.
    """
    from annotate.demo import quickstart as line

    done = line.run(inputs, folder, console.note, console.progress, port=port)
    console.note("")
    console.data(f"Look at      {done.url}  (login {done.login.email}, password {done.login.password})")
    for project in done.projects:
        console.data(f"             {project}")
    if done.dataset:
        console.data(f"Dataset      {done.dataset}  (begin with its README.md)")
        console.data(f"Agreement    cd {done.folder} && annotate agree")
        console.data(f"Conflicts    {done.folder / 'gold.conflicts.jsonl'}")
        console.data("Your own     annotate quickstart FOLDER-OF-DOCUMENTS")
    elif "pull" in done.counts:
        console.data("Waiting      for people: open the project above, annotate, then run the same command again")
        console.data("Annotators   annotate server adduser NAME@EXAMPLE.COM")
    console.data("Stop it      annotate server stop")
    console.document(
        {
            "folder": str(done.folder),
            "url": done.url,
            "projects": list(done.projects),
            "dataset": str(done.dataset or ""),
            "steps": done.counts,
            "waiting_for_people": done.dataset is None,
        }
    )
    return done.exit_code
