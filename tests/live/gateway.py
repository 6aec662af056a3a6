"""A proxy between annotate and Label Studio that does to one chosen request what networks and machines do."""

from __future__ import annotations

import http.client
import http.server
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Literal
from urllib.parse import urlsplit

Phase = Literal["before", "meanwhile", "after"]


@dataclass(frozen=True)
class Moment:
    """A request (the `nth` of a method whose path contains `path`), and when around its being carried out."""

    method: str
    path: str
    nth: int = 1
    phase: Phase = "after"


class Gateway:
    """Forwards to a server; at a moment it does what it is told, and answers 504 or, with `silent`, nothing for `silent` s."""

    def __init__(self, url: str, moment: Moment, do: Callable[[], None], *, silent: float = 0.0) -> None:
        self.moment, self.do, self.silent = moment, do, silent
        self.target = urlsplit(url).netloc
        self.happened = threading.Event()
        self.closing = threading.Event()
        self._seen = 0
        self._lock = threading.Lock()
        gateway = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                chosen = gateway._is_chosen(self.command, self.path)
                if chosen and gateway.moment.phase == "before":
                    gateway._strike()
                    self.close_connection = True
                    return
                if chosen and gateway.moment.phase == "meanwhile":
                    threading.Timer(0.1, gateway._strike).start()
                try:
                    status, headers, answer = gateway._forward(self.command, self.path, dict(self.headers), body)
                except (OSError, http.client.HTTPException):  # the server is gone
                    self.close_connection = True
                    return
                if chosen and gateway.moment.phase == "after":
                    gateway._strike()
                    gateway.closing.wait(gateway.silent)
                    status, headers, answer = 504, {"Content-Type": "text/html"}, b"<html>504 Gateway Time-out</html>"
                self.send_response(status)
                for name, value in headers.items():
                    if name.lower() not in ("transfer-encoding", "connection", "content-length", "date", "server"):
                        self.send_header(name, value)
                if status != 204:
                    self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)
                self.wfile.flush()

            do_GET = do_POST = do_PATCH = do_DELETE = _serve

            def handle(self) -> None:
                try:
                    super().handle()
                except OSError:  # the client is gone: it was killed, or lost patience
                    self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> Gateway:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.closing.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def _is_chosen(self, method: str, path: str) -> bool:
        if method != self.moment.method or self.moment.path not in path:
            return False
        with self._lock:
            self._seen += 1
            return self._seen == self.moment.nth

    def _strike(self) -> None:
        self.do()
        self.happened.set()

    def _forward(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(self.target, timeout=120)
        try:
            kept = {name: value for name, value in headers.items() if name.lower() not in ("host", "connection")}
            connection.request(method, path, body=body or None, headers=kept)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()
