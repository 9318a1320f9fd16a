"""A real server that answers by a script, to be as bad as a network can be."""

import contextlib
import json
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class Answer:
    """What is sent for one request; `cut` lets the connection break before the announced end."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False


def problem(status: int, slug: str, **headers: str) -> Answer:
    """An answer that is a problem; `retry_after="1"` is the header Retry-After."""
    body = {
        "type": f"/problems/{slug}",
        "title": slug,
        "status": status,
        "detail": "on purpose",
        "request_id": "1",
    }
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, json.dumps(body).encode(), {"Content-Type": PROBLEM} | named)


# The connection is closed without a word.
BROKEN = None


@dataclass(frozen=True)
class Received:
    """A request that came."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Scripted:
    """A server with what it received."""

    url: str
    received: list[Received]


@contextmanager
def scripted(*script: Answer | None) -> Iterator[Scripted]:
    """A server that answers the first request with the first of `script`, and so on."""
    answers, received = deque(script), []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            received.append(Received(self.path, dict(self.headers), body))
            answer = answers.popleft()
            self.close_connection = answer is BROKEN or answer.cut
            if answer is not BROKEN:
                self._send(answer)

        def do_POST(self) -> None:
            self.do_GET()

        def _send(self, answer: Answer) -> None:
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body) + answer.cut))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield Scripted(f"http://127.0.0.1:{server.server_port}", received)
        finally:
            server.shutdown()
            thread.join()
