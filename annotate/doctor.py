"""Is everything in order between here and Label Studio? Checks that read and never write, each with the next step."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Literal

from annotate.config import TOKEN, Config
from annotate.errors import FAILURE, OK, SERVER, AnnotateError, LabelStudioError, UnexpectedAnswer
from annotate.labelstudio import server
from annotate.labelstudio.client import Client, Project
from annotate.labelstudio.http import new_session, transport_errors
from annotate.labelstudio.tokens import given_token, token_kind
from annotate.schema import LabelSchema
from annotate.sync import find_project, has_schema, language_of, project_title, read_marker

Level = Literal["ok", "warn", "fail"]

LAST = 2**31 - 1
"""The highest number a task can have."""
CLOCK_TOLERANCE = 30.0
"""Seconds. The history of a project's schema is written by this clock and compared with the server's times."""
LOW_DISK, NO_DISK = 2_000_000_000, 100_000_000
"""Bytes: what an embedded Label Studio with its data needs to be comfortable, and below which databases get damaged."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at."""

    name: str
    level: Level
    message: str
    hint: str = ""
    """What to do next; empty when all is well."""
    server: bool = False
    """Whether it is about Label Studio, rather than this machine."""


@dataclass(frozen=True, slots=True)
class _Target:
    url: str
    token: str
    origin: str
    """Where the token comes from."""


def exit_code(checks: Sequence[Check]) -> int:
    """0 when nothing failed (warnings included), 4 when Label Studio's part did, else 1."""
    failed = [check for check in checks if check.level == "fail"]
    if any(check.server for check in failed):
        return SERVER
    return FAILURE if failed else OK


def examine(
    config: Config, environment: Mapping[str, str], schema: Callable[[], LabelSchema], title: Callable[[LabelSchema], str]
) -> list[Check]:
    """All checks that can be made; what stands on a failed one is left out. `schema` and `title` tell what the
    settings name."""
    checks = [_home(), _workspace(config), _embedded()]
    try:
        labels = schema()
        checks.append(Check("schema", "ok", f"{labels.ref} is valid"))
    except AnnotateError as problem:
        labels = None
        checks.append(Check("schema", "fail", problem.message, problem.hint or "annotate schema check"))
    target = _target(config, environment)
    if isinstance(target, Check):
        return [*checks, target]
    reached, answers = _reach(target.url)
    checks += reached
    if not answers:
        return checks
    try:
        with Client(target.url, target.token) as client:
            projects = client.projects()
            checks.append(Check("token", "ok", f"a {token_kind(target.token)} token, from {target.origin}", server=True))
            if labels is not None:
                for name in config.annotators or ("",):
                    checks += _project(client, projects, title(labels), name, labels, language_of(config.ui_languages, name))
    except LabelStudioError as problem:
        return [*checks, _failed("token", problem)]
    return checks


def _failed(name: str, problem: AnnotateError) -> Check:
    hint = problem.hint or "annotate config show tells where each setting comes from"
    return Check(name, "fail", problem.message, hint, server=isinstance(problem, LabelStudioError))


# -- this machine ------------------------------------------------------------------------------------------------------


def _home() -> Check:
    home = server.home()
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    told = f"{free / 1e9:.1f} GB free for {home}"
    if free < NO_DISK:
        return Check("disk", "fail", told, "free some space, or set ANNOTATE_HOME to a folder on another disk")
    if free < LOW_DISK:
        return Check("disk", "warn", told, "an embedded Label Studio needs about 1 GB, and room for its data")
    return Check("disk", "ok", told)


def _workspace(config: Config) -> Check:
    folder = config.workspace
    free = shutil.disk_usage(folder).free
    if not os.access(folder, os.W_OK | os.X_OK):
        hint = "journal, copies and rejects go there: give yourself the right to write, or work in another folder"
        return Check("workspace", "fail", f"{folder} cannot be written", hint)
    if free < NO_DISK:
        return Check("workspace", "fail", f"{free / 1e6:.0f} MB free for {folder}", "free some space on this disk")
    return Check("workspace", "ok", f"{folder}")


def _embedded() -> Check:
    now = server.status()
    if now.running and now.healthy:
        return Check("embedded server", "ok", f"runs at {now.url}, version {now.version}", server=True)
    if now.running:
        hint = f"see {Path(now.home) / 'server.log'}; then annotate server stop, annotate server start"
        return Check("embedded server", "fail", f"process {now.pid} runs at {now.url} but does not answer", hint, server=True)
    what = f"not running; {now.installed or 'not installed'}"
    return Check("embedded server", "ok", what, server=True)


# -- Label Studio ------------------------------------------------------------------------------------------------------


def _target(config: Config, environment: Mapping[str, str]) -> _Target | Check:
    """Where the other commands would go, and with which token."""
    url, running = config["label_studio.url"].rstrip("/"), server.find_running()
    if running is not None and url in ("", running.url):
        return _Target(running.url, server.credentials().token, "the embedded server's credentials")
    if not url:
        hint = f"annotate server start, or set LABEL_STUDIO_URL and {TOKEN}"
        return Check("server", "fail", "no Label Studio is named and the embedded one does not run", hint, server=True)
    try:
        token = given_token(config, environment, url)
    except AnnotateError as problem:
        return _failed("token", problem)
    return _Target(url, token.value, token.origin)


def _reach(url: str) -> tuple[list[Check], bool]:
    """Whether Label Studio answers, which one, and what time it is there; needs no token."""
    try:
        with transport_errors(url), new_session(url) as session:
            answer = session.get(f"{url}/api/version/")
            if answer.status_code >= 400 or not isinstance(release := answer.json().get("release"), str):
                raise UnexpectedAnswer(
                    f"{url} answers, but not as Label Studio (status {answer.status_code})",
                    hint="check the URL, with its path if it has one; a proxy or a login page may stand in between",
                )
    except (LabelStudioError, AttributeError) as problem:
        known = problem if isinstance(problem, LabelStudioError) else UnexpectedAnswer(f"{url} does not answer as Label Studio")
        return [_failed("server", known)], False
    checks = [Check("server", "ok", f"Label Studio answers at {url}", server=True)]
    low, high = server.TESTED
    if server.in_tested_range(release):
        checks.append(Check("version", "ok", release, server=True))
    else:
        hint = f"annotate is tested with {low} up to, not including, {high}: try on a copy first"
        checks.append(Check("version", "warn", f"{release} is outside the tested range", hint, server=True))
    return [*checks, *_clock(answer.headers.get("Date", ""))], True


def _clock(date: str) -> Iterator[Check]:
    try:
        skew = parsedate_to_datetime(date).timestamp() - time.time()
    except ValueError:
        yield Check("clock", "warn", "the server does not tell its time", "a proxy may take the Date header away", server=True)
        return
    if abs(skew) <= CLOCK_TOLERANCE:
        yield Check("clock", "ok", "the server's clock agrees with this one", server=True)
        return
    way = "ahead of" if skew > 0 else "behind"
    hint = "set both by NTP: annotations are assigned to versions of the schema by time"
    far = f"{abs(skew):.0f} s" if abs(skew) < 120 else f"{abs(skew) / 60:,.0f} min"
    yield Check("clock", "warn", f"the server's clock is {far} {way} this one", hint, server=True)


def _project(
    client: Client, projects: Sequence[Project], title: str, annotator: str, schema: LabelSchema, language: str
) -> Iterator[Check]:
    try:
        name = project_title(title, annotator)
        project = find_project(projects, title, annotator)
    except AnnotateError as problem:
        yield _failed("project", problem)
        return
    if project is None:
        yield Check("project", "warn", f"there is no project {name!r} yet", "annotate push makes it", server=True)
        return
    yield Check("project", "ok", f"{name!r} is project {project.id}", server=True)
    yield from _count(client, project)
    if has_schema(project, schema, language):
        yield Check("schema in step", "ok", f"project {project.id} has {schema.ref}", server=True)
        return
    marker = read_marker(project)
    there = f"{marker.schemas[-1][0]}" if marker else "no schema of annotate"
    what = "the same version with other labels or words" if there == str(schema.ref) else there
    hint = "annotate schema diff tells what changes; annotate push brings it in step, annotate schema migrate with the answers"
    yield Check("schema in step", "warn", f"project {project.id} has {what}, here is {schema.ref}", hint, server=True)


def _count(client: Client, project: Project) -> Iterator[Check]:
    """Whether Label Studio has lost count of answers, which it does when two projects are deleted at the same time."""
    try:
        there, noted = client.counters(project.id).submitted, client.tally(project.id, 0, LAST).submitted
    except LabelStudioError as problem:
        yield _failed("answers counted", problem)
        return
    if there != noted:
        told = f"project {project.id} has {there:,} submitted answers, Label Studio's tasks know of {noted:,}"
        hint = "start it again, so that it counts from then on; its lists stay wrong for these tasks, pull finds all answers"
        yield Check("answers counted", "warn", told, hint, server=True)
