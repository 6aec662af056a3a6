"""`annotate server`: the embedded Label Studio."""

from __future__ import annotations

import secrets
from dataclasses import asdict

import click

from annotate.cli.console import Console, common_options
from annotate.errors import FAILURE, OK


@click.group(short_help="The embedded Label Studio.")
@common_options
def server() -> None:
    """The embedded Label Studio: SQLite, 127.0.0.1, no telemetry."""


@server.command()
@common_options
@click.pass_obj
def install(console: Console) -> int:
    """Install Label Studio into a private environment (about 1 GB, once)."""
    from annotate.labelstudio import server as embedded

    program = embedded.install(console.note)
    console.data(str(program))
    console.document({"program": str(program), "version": embedded.program_version(program)})
    return OK


@server.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Port on 127.0.0.1 [default: 8765].")
@common_options
@click.pass_obj
def start(console: Console, port: int | None) -> int:
    """Start it, installing it first if need be; a running one is left alone."""
    from annotate.labelstudio import server as embedded

    running = embedded.start(console.note, port=port)
    console.data(running.url)
    console.note(
        f"Label Studio {running.version} runs at {running.url}; annotate server status --show-password tells the login"
    )
    console.document({"url": running.url, "version": running.version, "pid": running.pid})
    return OK


@server.command()
@common_options
@click.pass_obj
def stop(console: Console) -> int:
    """Stop it, from any folder; the data stays."""
    from annotate.labelstudio import server as embedded

    stopped = embedded.stop()
    console.note("stopped" if stopped else "it was not running")
    console.document({"stopped": stopped})
    return OK


@server.command()
@click.option("--show-password", is_flag=True, help="Also print the administrator's login and API token.")
@common_options
@click.pass_obj
def status(console: Console, show_password: bool) -> int:
    """Tell whether it runs, where, and where its data lies; exit code 1 when it does not run."""
    from annotate.labelstudio import server as embedded

    now = embedded.status()
    what = f"running at {now.url}, {'healthy' if now.healthy else 'NOT healthy'}" if now.running else "not running"
    console.data(f"Label Studio: {what}")
    console.data(f"data:         {now.home}")
    console.data(f"program:      {now.installed or 'not installed (annotate server install)'}")
    document = asdict(now)
    if show_password:
        login = embedded.credentials()
        console.data(f"login:        {login.email}\npassword:     {login.password}\nAPI token:    {login.token}")
        document |= asdict(login)
    console.document(document)
    return OK if now.running and now.healthy else FAILURE


@server.command()
@click.argument("email")
@click.option("--password", envvar="ANNOTATE_USER_PASSWORD", help="[default: a new one, printed]")
@common_options
@click.pass_obj
def adduser(console: Console, email: str, password: str | None) -> int:
    """Add an annotator who can really work (a member, by Label Studio's invitation flow)."""
    from annotate.labelstudio import server as embedded
    from annotate.labelstudio.people import add_user

    running = embedded.require_running()
    admin = embedded.credentials()
    made = password or secrets.token_urlsafe(12)
    add_user(running.url, admin_email=admin.email, admin_password=admin.password, email=email, password=made)
    console.note(f"added {email} at {running.url}")
    if password is None:
        console.data(made)
    console.document({"email": email, "url": running.url} | ({} if password else {"password": made}))
    return OK
