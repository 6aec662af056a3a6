"""The embedded Label Studio: one per user, SQLite, 127.0.0.1 only.

State, data and credentials live in `$ANNOTATE_HOME` (default: the user's data folder), the server's own virtual environment in
the user's cache, keyed by server and Python version, so that its pinned packages never meet the user's.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import platformdirs
import psutil
from filelock import FileLock, Timeout

from annotate.errors import AnnotateError, LabelStudioError, ServerUnreachable
from annotate.store import replacing

VERSION = "1.23.2"
"""The Label Studio that `install` installs."""

TESTED = ("1.23.0", "1.24")
"""A `label-studio` found on this machine is used when its version lies in this half-open range."""

HOST = "127.0.0.1"
PORT = 8765
ADMIN = "admin@example.com"
HEALTH_TIMEOUT = 300.0
"""Seconds a first start may take on a slow machine (measured: 20 to 40 s; later starts 2 to 5 s)."""
STOP_TIMEOUT = 20.0

_BARE_SETTINGS = frozenset({"USERNAME", "PASSWORD", "PORT", "HOST", "DEBUG", "SENTRY_DSN"})
_SETTING_PREFIXES = ("LABEL_STUDIO_", "HEARTEX_", "DJANGO_")

_launched: list[subprocess.Popen[bytes]] = []
"""Servers this program started. They outlive it, on purpose; kept here, they do not look forgotten while it runs."""

Progress = Callable[[str], None]

log = logging.getLogger("annotate")


@dataclass(frozen=True, slots=True)
class Credentials:
    """The administrator of the embedded server and the API token that push and pull use."""

    email: str
    password: str
    token: str


@dataclass(frozen=True, slots=True)
class Running:
    """A started server: its process (with the time it was created, since process ids are used again), address and version."""

    pid: int
    created: float
    port: int
    version: str

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


@dataclass(frozen=True, slots=True)
class Status:
    """What `annotate server status` tells."""

    running: bool
    healthy: bool
    url: str
    version: str
    pid: int
    home: str
    installed: str
    """Path of the `label-studio` program that a start would use; empty when none is installed."""


def home() -> Path:
    """The folder of the embedded server's state: `$ANNOTATE_HOME`, else the user's data folder."""
    given = os.environ.get("ANNOTATE_HOME")
    return Path(given or platformdirs.user_data_dir("annotate", appauthor=False)).expanduser().absolute()


def made_home() -> Path:
    """The folder, made so that only its owner can look inside: the database holds everybody's tokens."""
    folder = home()
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def environment_folder() -> Path:
    """The private virtual environment: in the user's cache, keyed by server and Python version."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return Path(platformdirs.user_cache_dir("annotate", appauthor=False)) / f"label-studio-{VERSION}-py{python}"


# -- install ---------------------------------------------------------------------------------------------------------


def install(progress: Progress) -> Path:
    """Make the private virtual environment unless a usable `label-studio` is there; the path of its program.

    About 1 GB and one to two minutes. Raises `AnnotateError` with the end of pip's output when it fails."""
    found = find_program()
    if found:
        return found
    folder = environment_folder()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if _complete(folder).exists():  # another process made it while this one waited
            return _program(folder)
        progress(f"installing Label Studio {VERSION} into a private environment (about 1 GB, once)")
        venv.create(folder, with_pip=True, clear=True)
        command = [str(_bin(folder) / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        done = subprocess.run([*command, f"label-studio=={VERSION}"], capture_output=True, text=True, check=False)
        if done.returncode or not _program(folder).exists():
            tail = "\n".join((done.stderr or done.stdout).strip().splitlines()[-5:])
            raise AnnotateError(f"Label Studio {VERSION} could not be installed:\n{tail}", hint="check the network and pip")
        _complete(folder).write_text(VERSION)
    return _program(folder)


def find_program() -> Path | None:
    """The `label-studio` program to start: the private one, else one beside this Python or on PATH in the tested range."""
    folder = environment_folder()
    if _complete(folder).exists():
        return _program(folder)
    beside, on_path = _bin(Path(sys.prefix)) / _exe("label-studio"), shutil.which("label-studio")
    for program in [p for p in (beside, Path(on_path or beside)) if p.exists()]:
        version = program_version(program)
        if in_tested_range(version):
            return program
        log.info("%s is version %s, outside %s–%s: not used", program, version or "unknown", *TESTED)
    return None


def _bin(folder: Path) -> Path:
    return folder / ("Scripts" if os.name == "nt" else "bin")


def _exe(name: str) -> str:
    return f"{name}.exe" if os.name == "nt" else name


def _program(folder: Path) -> Path:
    return _bin(folder) / _exe("label-studio")


def _complete(folder: Path) -> Path:
    return folder / "annotate-complete"  # written last: an interrupted installation does not count


def program_version(program: Path) -> str:
    """The version of an installed `label-studio`, asked from the Python it belongs to (starting it would take seconds)."""
    python = program.resolve().with_name(_exe("python"))
    if not python.exists():
        python = program.with_name(_exe("python"))
    code = "import importlib.metadata as m; print(m.version('label-studio'))"
    try:
        done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def in_tested_range(version: str) -> bool:
    """Whether a Label Studio of this version is one the tests have run against."""
    try:
        number, low, high = (tuple(int(p) for p in v.split(".")[:3]) for v in (version, *TESTED))
    except ValueError:
        return False
    return low <= number < high


# -- start, stop, status ---------------------------------------------------------------------------------------------


def start(progress: Progress, *, port: int | None = None) -> Running:
    """The running server, started if need be: installed, healthy, its port free before. Idempotent.

    Raises `LabelStudioError` when the port is taken or the server does not come up; the log's end is in the message."""
    with _locked():
        running = find_running()
        if running and (port is None or running.port == port):
            _wait_healthy(running, progress)
            return running
        if running:
            hint = f"annotate server stop, then start --port {port}"
            raise LabelStudioError(f"the embedded Label Studio already runs at {running.url}", hint=hint)
        wanted = port or PORT
        _require_free(wanted)
        program = install(progress)
        running = _launch(program, wanted)
        try:
            _wait_healthy(running, progress)
        except BaseException:
            _terminate(running)
            raise
        return running


def stop() -> bool:
    """Stop the embedded server, from any folder; False when none ran. Raises `LabelStudioError` when it does not end."""
    with _locked():
        running = find_running()
        if running is None:
            return False
        _terminate(running)
        return True


def status() -> Status:
    """What there is, without changing anything."""
    running, program = find_running(), find_program()
    return Status(
        running=running is not None,
        healthy=running is not None and healthy(running.url),
        url=running.url if running else "",
        version=running.version if running else "",
        pid=running.pid if running else -1,
        home=str(home()),
        installed=str(program or ""),
    )


def find_running() -> Running | None:
    """The server that the state file names, if that very process still lives."""
    try:
        running = Running(**json.loads(_state_file().read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return running if _process(running) else None


def require_running() -> Running:
    """The running server; `ServerUnreachable` when there is none."""
    running = find_running()
    if running is None:
        raise ServerUnreachable("the embedded Label Studio does not run", hint="annotate server start")
    return running


def credentials() -> Credentials:
    """The administrator's credentials, made on first use in a file only its owner can read."""
    path = home() / "credentials.json"
    try:
        return Credentials(**json.loads(path.read_text()))
    except FileNotFoundError:
        made_home()
        made = Credentials(ADMIN, secrets.token_urlsafe(15), secrets.token_hex(20))
        write_private(path, asdict(made))
        return made
    except (ValueError, TypeError):
        raise AnnotateError(f"{path} is damaged", hint="restore it, or remove the server's home to start afresh") from None


def write_private(path: Path, value: object) -> None:
    """Write JSON to a file that never exists with wider permissions than its owner's."""
    with replacing(path, mode=0o600) as out:
        out.write(json.dumps(value, indent=1).encode() + b"\n")


def healthy(url: str, *, timeout: float = 5.0) -> bool:
    """Whether a Label Studio answers `UP` at the URL."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy cannot reach this machine
    try:
        with direct.open(f"{url}/health", timeout=timeout) as answer:
            return bool(json.load(answer).get("status") == "UP")
    except (OSError, ValueError, AttributeError, urllib.error.URLError):
        return False


def _state_file() -> Path:
    return home() / "server.json"


@contextmanager
def _locked() -> Iterator[None]:
    try:
        with FileLock(made_home() / "server.lock", timeout=HEALTH_TIMEOUT):
            yield
    except Timeout:
        raise LabelStudioError("another annotate is starting or stopping the server", hint="try again in a minute") from None


def _process(running: Running) -> psutil.Process | None:
    try:
        process = psutil.Process(running.pid)
        same = abs(process.create_time() - running.created) < 1 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return None
    return process if same else None


def _require_free(port: int) -> None:
    # Label Studio itself would slide to the next port and leave the caller talking to a stranger.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        if probe.connect_ex((HOST, port)) == 0:
            raise LabelStudioError(f"port {port} on {HOST} is in use by another program", hint="choose another with --port")


def _launch(program: Path, port: int) -> Running:
    who = credentials()
    data = home() / "data"
    data.mkdir(exist_ok=True)
    # Settings are read with and without prefix: a bare USERNAME or PORT of the user's shell must not get in.
    kept = {k: v for k, v in os.environ.items() if k not in _BARE_SETTINGS and not k.startswith(_SETTING_PREFIXES)}
    settings = {
        "LABEL_STUDIO_BASE_DATA_DIR": str(data),
        "LABEL_STUDIO_USERNAME": who.email,
        "LABEL_STUDIO_PASSWORD": who.password,
        "LABEL_STUDIO_USER_TOKEN": who.token,
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
        "LATEST_VERSION_CHECK": "false",
        "COLLECT_ANALYTICS": "false",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
    }
    command = [str(program), "start", "--no-browser", "--internal-host", HOST, "--port", str(port), "--data-dir", str(data)]
    with open(home() / "server.log", "ab") as out:
        process = subprocess.Popen(
            command, env=kept | settings, cwd=home(), stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
    _launched.append(process)
    running = Running(process.pid, psutil.Process(process.pid).create_time(), port, program_version(program))
    write_private(_state_file(), asdict(running))
    return running


def _wait_healthy(running: Running, progress: Progress) -> None:
    begun = told = time.monotonic()
    while not healthy(running.url, timeout=2):
        now = time.monotonic()
        if _process(running) is None:
            raise LabelStudioError(f"Label Studio ended while starting:\n{_log_tail()}", hint=f"see {home() / 'server.log'}")
        if now - begun > HEALTH_TIMEOUT:
            raise ServerUnreachable(f"Label Studio did not become healthy in {HEALTH_TIMEOUT:.0f} s:\n{_log_tail()}")
        if now - told > 5:
            progress(f"waiting for Label Studio at {running.url} ({now - begun:.0f} s)")
            told = now
        time.sleep(0.25)


def _log_tail() -> str:
    lines = (home() / "server.log").read_text(errors="replace").strip().splitlines()
    return "\n".join(lines[-8:])


def _terminate(running: Running) -> None:
    process = _process(running)
    if process is not None:
        group = [*process.children(recursive=True), process]
        for member in group:
            _signal(member.terminate)
        _, left = psutil.wait_procs(group, timeout=STOP_TIMEOUT)
        for member in left:
            _signal(member.kill)
        _, left = psutil.wait_procs(left, timeout=STOP_TIMEOUT)
        if left:
            raise LabelStudioError(f"Label Studio (process {running.pid}) does not end", hint="end it by hand")
    for child in _launched:
        child.poll()
    _state_file().unlink(missing_ok=True)


def _signal(send: Callable[[], None]) -> None:
    try:
        send()
    except psutil.NoSuchProcess:
        log.debug("a process of the server had already ended")
