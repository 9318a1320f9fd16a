"""Refusing single pictures at the door while the queue is full, as bytes for bytes."""

import asyncio
import logging
import random
import re
from time import perf_counter

from starlette.types import Scope

from service.api import problems
from service.api.state import State
from service.inference.backlog import QueueFull
from service.observe import write_line
from service.processes.raw import encoded, headers_of_kind
from service.telemetry import ACCESS_LOGGER

_METHOD, _PATH = "POST", "/predict"
_HEAD_END = b"\r\n\r\n"

# Whole requests for a single picture, that say nothing which would have to be looked into.
_BEGINNING = (b"POST /predict HTTP/1.1\r\n", b"POST /predict?")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)(?=\r\n)")
_OWN_ID = re.compile(rb"\r\nx-request-id: *([A-Za-z0-9._-]{1,128})(?=\r\n)")
# A connection's end, a body in chunks, a question before the body, a page of another origin.
_PARTICULARS = re.compile(
    rb"\r\n(?:connection:(?! *keep-alive\r)|transfer-encoding:|expect:|origin:)"
)

_ID_PLACE = "{request_id}"

_access_level = logging.getLogger(ACCESS_LOGGER)


class Refusals:
    """What a process answers to single pictures while its queue has no room for another one.

    Refused where others are read, a request costs so much that a service with twice its load does
    little else. Here it is neither parsed nor given a task.
    """

    def __init__(self, state: State) -> None:
        self._engine = state["engine"]
        self._lifecycle = state["lifecycle"]
        self._metrics = state["exposition"].metrics
        # The answers of a service that is traced are not to be missed in its traces.
        # Where there are keys, one is asked for first.
        self._off = state["settings"].tracing or state["settings"].api_keys_file is not None
        self._let_in = 0
        # The same for all but for the id, which needs no escaping: a caller's own is of letters,
        # digits and a few signs.
        problem = problems.problem_of(self._engine.queue_full(), _ID_PLACE)
        self._before_id, self._after_id = (
            problem.model_dump_json().encode().split(_ID_PLACE.encode())
        )
        self._server_headers: list[tuple[bytes, bytes]] = []
        self._server_lines = b""

    def concerns(self, data: bytes) -> bool:
        """Whether `data`, at the beginning of a request, is one for a single picture."""
        return data.startswith(_BEGINNING)

    def is_due(self) -> bool:
        """Whether there is no room for a picture; otherwise it is expected to take some soon."""
        if self._engine.has_room(self._let_in + 1):
            # It is counted by the engine once its task runs, after all that the sockets hold.
            if not self._let_in:
                asyncio.get_running_loop().call_soon(self._forget)
            self._let_in += 1
            return False
        return not (self._off or self._lifecycle.draining)

    def answer(
        self, data: bytes, server_headers: list[tuple[bytes, bytes]], client: str | None
    ) -> bytes | None:
        """The answer to `data`, or None if that is not a whole request or wants to be looked into.

        Args:
            data: what came over the connection.
            server_headers: what the server adds to every answer.
            client: who calls.
        """
        began = perf_counter()
        end = data.find(_HEAD_END)
        head = data[: end + 2].lower()
        length = _LENGTH.findall(head)
        if (
            end < 0
            or len(length) != 1
            or len(data) != end + len(_HEAD_END) + int(length[0])
            or head.count(b"\n") != head.count(b"\r\n")
            or _PARTICULARS.search(head)
        ):
            return None
        own = _OWN_ID.search(head)
        request_id = data[slice(*own.span(1))] if own else b"%032x" % random.getrandbits(128)
        body = self._before_id + request_id + self._after_id
        self._note(request_id.decode(), perf_counter() - began, len(body), client)
        return b"%b%b%bx-request-id: %b\r\ncontent-length: %d\r\n\r\n%b" % (
            _STATUS_LINE,
            self._lines_of(server_headers),
            _HEADERS,
            request_id,
            len(body),
            body,
        )

    def _lines_of(self, headers: list[tuple[bytes, bytes]]) -> bytes:
        # The server makes a new list of them every second, for the date.
        if self._server_headers is not headers:
            self._server_headers, self._server_lines = headers, encoded(headers)
        return self._server_lines

    def _note(self, request_id: str, seconds: float, size: int, client: str | None) -> None:
        self._metrics.rejected(_KIND.slug)
        self._metrics.request(_METHOD, _PATH, _KIND.status, seconds)
        if _access_level.isEnabledFor(logging.INFO):
            request: Scope = {"method": _METHOD, "path": _PATH, "client": (client,)}
            request["state"] = {"log_fields": {"request_id": request_id}}
            write_line(request, _KIND.status, seconds, size)

    def _forget(self) -> None:
        self._let_in = 0


_KIND = problems.TABLE[QueueFull]
_STATUS_LINE = b"HTTP/1.1 %d Service Unavailable\r\n" % _KIND.status
_HEADERS = headers_of_kind(_KIND)
