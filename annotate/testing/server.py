"""The fake server: HTTP around `respond`, and faults on demand."""

from __future__ import annotations

import http.server
import json
import logging
import secrets
import socket
import threading
import time
from dataclasses import dataclass
from email.utils import formatdate
from http.cookies import SimpleCookie
from types import TracebackType
from typing import Any, Literal, get_args
from urllib.parse import parse_qs, parse_qsl, urlsplit

from annotate.errors import UnknownName
from annotate.labelstudio.server import VERSION
from annotate.testing.api import Answer, Call, error, page, respond
from annotate.testing.state import REFRESH_SECONDS, State

HOST = "127.0.0.1"
ADMIN = "admin@example.com"

Fault = Literal["gateway", "late", "lost", "drop", "unavailable", "web_page"]
"""What can go wrong with a request:

- `gateway`: it is carried out, and a proxy that lost patience answers 504;
- `late`: a proxy answers 504 at once, and it is carried out some time later;
- `lost`: it is carried out, and the connection ends without an answer;
- `drop`: the connection ends, nothing is carried out;
- `unavailable`: answered with 503, nothing is carried out;
- `web_page`: answered with status 200 and a login page, nothing is carried out.
"""

_NO_DATA = ("/user/", "/api/token/")

log = logging.getLogger("annotate")


@dataclass(frozen=True, slots=True)
class Request:
    """A request that the server got."""

    method: str
    path: str
    query: str


@dataclass(slots=True)
class _Planned:
    fault: Fault
    path: str
    delay: float
    left: int

    def concerns(self, method: str, path: str) -> bool:
        if self.path:
            return self.path in path
        return method != "GET" and not path.startswith(_NO_DATA)


class FakeLabelStudio:
    """A Label Studio that lives in this process, on 127.0.0.1 and a free port, from `with` to the end of its block.

    It begins with one user, the administrator: `email`, `password`, and `token`, a legacy API token. `version` is the one it
    claims to be; its clock is `clock_skew` seconds ahead of this machine's in the `Date` header; with `legacy_tokens` off it
    takes personal access tokens only, as a new Label Studio does."""

    def __init__(self, *, version: str = VERSION, clock_skew: float = 0.0, legacy_tokens: bool = True) -> None:
        self.version = version
        self.clock_skew = clock_skew
        self.requests: list[Request] = []
        """All requests so far, in order."""
        self._state = State()
        self._state.legacy_tokens = legacy_tokens
        self._admin = self._state.add_user(ADMIN, secrets.token_urlsafe(12))
        self._planned: list[_Planned] = []
        self._late: list[tuple[threading.Thread, threading.Event]] = []
        self._one_at_a_time = threading.Lock()
        self._http = _Server(self)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> FakeLabelStudio:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.settle()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()
        self._http.end_connections()

    # -- what a test needs to know -------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://{HOST}:{self._http.server_port}"

    @property
    def token(self) -> str:
        """The administrator's legacy API token."""
        return self._admin.token

    @property
    def email(self) -> str:
        """The administrator's e-mail address."""
        return self._admin.email

    @property
    def password(self) -> str:
        """The administrator's password."""
        return self._admin.password

    @property
    def personal_token(self) -> str:
        """The administrator's personal access token, a JWT."""
        with self._one_at_a_time:
            if not self._admin.personal:
                self._admin.personal = self._state.make_jwt(self._admin, "refresh", REFRESH_SECONDS)
            return self._admin.personal

    # -- what a test can do to it --------------------------------------------------------------------------------------

    def add_user(self, email: str, password: str = "") -> str:
        """Add a member of the organisation; their legacy API token."""
        with self._one_at_a_time:
            return self._state.add_user(email, password or secrets.token_urlsafe(12)).token

    def fail_next(self, fault: Fault, *, path: str = "", times: int = 1, delay: float = 1.0) -> None:
        """Let something go wrong with the next `times` requests that change data, or, with `path`, whose path contains it.
        `delay`: seconds until a `late` request is carried out. Raises `UnknownName` for a fault that does not exist."""
        if fault not in get_args(Fault):
            raise UnknownName("fault", fault, get_args(Fault))
        self._planned.append(_Planned(fault, path, delay, times))

    def lose_count(self) -> None:
        """Count answers with their tasks no more, as Label Studio does once two projects were deleted at a time, until it is
        started again: its signals to itself are gone. The answers are there, and so they are in exports."""
        self._state.miscounts = True

    def count_again(self) -> None:
        """Count answers from now on, as Label Studio does when it is started again. What was missed stays missed, until a task
        gets another answer of the kind."""
        self._state.miscounts = False

    def settle(self) -> None:
        """Carry out the `late` requests that still wait, whatever their delay."""
        with self._one_at_a_time:
            waiting, self._late = self._late, []
        for _, hurry in waiting:
            hurry.set()
        for thread, _ in waiting:
            thread.join()

    # -- requests ------------------------------------------------------------------------------------------------------

    def _handle(self, call: Call) -> Answer | None:
        """The answer to a request; None to end the connection without one."""
        match self._fault_for(call):
            case None:
                return self._carry_out(call)
            case _Planned("gateway"):
                self._carry_out(call)
                return page(504, "<h1>504 Gateway Time-out</h1>")
            case _Planned("late", delay=delay):
                self._carry_out_late(call, delay)
                return page(504, "<h1>504 Gateway Time-out</h1>")
            case _Planned("lost"):
                self._carry_out(call)
                return None
            case _Planned("unavailable"):
                return page(503, "<h1>503 Service Unavailable</h1>")
            case _Planned("web_page"):
                return page(200, "<h1>Please log in</h1>")
        return None

    def _carry_out_late(self, call: Call, delay: float) -> None:
        hurry = threading.Event()

        def run() -> None:
            hurry.wait(delay)
            self._carry_out(call)

        thread = threading.Thread(target=run, daemon=True)
        with self._one_at_a_time:
            self._late.append((thread, hurry))
        thread.start()

    def _fault_for(self, call: Call) -> _Planned | None:
        with self._one_at_a_time:
            for planned in self._planned:
                if planned.left and planned.concerns(call.method, call.path):
                    planned.left -= 1
                    return planned
        return None

    def _carry_out(self, call: Call) -> Answer:
        with self._one_at_a_time:
            try:
                answer = respond(call)
                answer.encoded()
            except UnicodeEncodeError:  # one lone surrogate makes Label Studio fail for a whole project
                return page(500, "<h1>Server Error (500)</h1>")
            except Exception as problem:
                log.exception("the fake Label Studio failed on %s %s", call.method, call.path)
                return error(call.version, 500, f"the fake Label Studio failed: {problem!r}")
        return answer


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, fake: FakeLabelStudio) -> None:
        self.fake = fake
        self._connections: set[socket.socket] = set()
        super().__init__((HOST, 0), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def end_connections(self) -> None:
        """End what clients keep open, so that no thread outlives the server."""
        for connection in list(self._connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                log.debug("a connection had already ended")


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def _serve(self) -> None:
        fake, url = self.server.fake, urlsplit(self.path)
        fake.requests.append(Request(self.command, url.path, url.query))
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            body = self._body(raw)
        except ValueError as problem:
            self._send(error(fake.version, 400, f"JSON parse error - {problem}"))
            return
        cookies = {name: morsel.value for name, morsel in SimpleCookie(self.headers.get("Cookie", "")).items()}
        query = parse_qs(url.query, keep_blank_values=True)
        authorization = self.headers.get("Authorization", "")
        answer = fake._handle(Call(self.command, url.path, query, body, cookies, authorization, fake.version, fake._state))
        if answer is None:
            self.close_connection = True
        else:
            self._send(answer)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815  the names http.server calls

    def _body(self, raw: bytes) -> Any:
        if self.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
            return dict(parse_qsl(raw.decode()))
        return json.loads(raw) if raw else {}

    def _send(self, answer: Answer) -> None:
        body, kind = answer.encoded()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        for name, value in answer.cookies.items():
            self.send_header("Set-Cookie", f"{name}={value}; Path=/; SameSite=Lax")
        if kind:
            self.send_header("Content-Type", kind)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def date_time_string(self, timestamp: float | None = None) -> str:
        return formatdate((time.time() if timestamp is None else timestamp) + self.server.fake.clock_skew, usegmt=True)

    def log_message(self, format: str, *args: Any) -> None:
        log.debug("fake Label Studio: " + format, *args)
