"""Plain requests for a single picture, past the parser, the framework and the tasks of both."""

import asyncio
import contextvars
from functools import lru_cache
from time import perf_counter
from typing import Any, Protocol

from starlette.requests import ClientDisconnect, Request

from service.api import multipart
from service.api.answers import prediction, to_json
from service.api.errors import BatchTooLarge, InvalidRequest, MalformedBody, Stopping
from service.api.held import Holding
from service.api.parameters import wish_of
from service.api.problem_answers import response_for
from service.api.state import State
from service.feedback.notes import note_of_one
from service.inference.catalogue import ModelUnavailable, UnknownModel
from service.loading import NotReady
from service.pipeline import Outcome, Pipeline, Reading, UnsupportedMaxError, Wish
from service.processes.plain import PlainRequest, plain_request
from service.processes.raw import SECURITY_LINES, Stationery, encoded
from service.processes.raw_problems import RawProblem, log_request, new_id
from service.quick import is_quick
from service.telemetry import request_fields

_METHOD, _PATH = "POST", "/predict"
_FORM = multipart.MEDIA_TYPE.encode()
_MOST_WISHES = 256
_JSON_LINES = encoded([(b"content-type", b"application/json")]) + SECURITY_LINES
_CLOSE_LINE = encoded([(b"connection", b"close")])

# What `Engine.pipeline` raises.
_NO_PIPELINE = (NotReady, UnknownModel, ModelUnavailable, UnsupportedMaxError)

# Of a form; more hold no picture that is read so quickly.
_MOST_FORM_BYTES = 32 * 1024


class Carrier(Protocol):
    """The connection that a request came over."""

    client: tuple[str, int] | None
    transport: asyncio.Transport
    scope: Any
    server_state: Any

    def stop_timer(self) -> None:
        """Wait for no head any more."""

    def set_out(self, trip: "Trip") -> None:
        """Have `trip` be the request that is on its way."""

    def on_response_complete(self) -> None:
        """It is answered."""


class _Nobody:
    """Whom the server wakes for a message: nobody waits for one here."""

    def set(self) -> None:
        """Wake nobody."""


class Trip:
    """A request on its way, to its connection what a cycle of the server is."""

    message_event = _Nobody()
    response_started = False
    more_body = False

    def __init__(self, carrier: Carrier, request_id: bytes, holding: Holding) -> None:
        self.scope = carrier.scope
        self.response_complete = self.disconnected = False
        self.keep_alive = True
        self.began = perf_counter()
        self.carrier = carrier
        # As they are now: one that ends the connection is for those after it.
        self.headers = carrier.server_state.default_headers
        self.holding = holding
        self.request_id = request_id
        self.done: asyncio.Future[None] | None = None

    def give_up(self) -> None:
        """The caller has gone."""
        self.disconnected = True
        if self.done is not None:
            self.done.cancel()


class Express:
    """Reads single pictures whose requests came whole and are plain; refuses them at a full queue.

    The server's parser, a task for each request and what stands around the framework cost as much
    as reading a small picture (measured), and a refusal further in nearly as much as an answer.
    What is answered, counted and logged is the same as there.
    """

    def __init__(self, state: State) -> None:
        settings = state["settings"]
        self._state = state
        self._engine = state["engine"]
        self._lifecycle = state["lifecycle"]
        self._metrics = state["exposition"].metrics
        self._held = state["held"]
        ledger = state["ledger"]
        self._keep = None if ledger is None else ledger.note
        self._most_bytes = settings.max_body_bytes
        # Where there are keys, one is asked for first. What is traced is not to be missed there.
        self._off = settings.tracing or settings.api_keys_file is not None
        self._stationery = Stationery()
        self._refused = RawProblem(self._engine.queue_full())

    def takes(self, data: bytes, carrier: Carrier) -> bool:
        """Whether the request that `data` is will be answered, or is already."""
        if self._off or self._lifecycle.draining:
            return False
        plain = plain_request(data)
        if plain is None or not 0 < len(plain.body) <= self._most_bytes:
            return False
        if not self._engine.has_room(1):
            self._refuse(plain.request_id or new_id(), carrier)
            return True
        way = self._way(plain)
        if way is None:
            return False
        trip = Trip(carrier, plain.request_id or new_id(), Holding(self._held))
        trip.holding.add(len(plain.body))
        if not trip.holding.fits():
            trip.holding.close()
            return False
        trip.done = self._engine.submit(*way, lambda outcome: self._finish(trip, outcome))
        self._metrics.in_flight += 1
        carrier.set_out(trip)
        carrier.server_state.tasks.add(trip.done)
        return True

    def _refuse(self, request_id: bytes, carrier: Carrier) -> None:
        began = perf_counter()
        refused, headers = self._refused, carrier.server_state.default_headers
        body = refused.body(request_id)
        carrier.stop_timer()
        carrier.transport.write(
            self._stationery.answer(refused.status, headers, refused.lines, request_id, body)
        )
        carrier.on_response_complete()
        self._metrics.rejected(refused.slug)
        self._note(carrier, request_id, refused.status, perf_counter() - began, len(body))

    def _way(self, plain: PlainRequest) -> tuple[Pipeline, bytes] | None:
        # Where something is wrong, the framework's way says what.
        wish = _wish(plain.query)
        picture = _picture(plain)
        if wish is None or picture is None or not is_quick(picture):
            return None
        try:
            return self._engine.pipeline(wish), picture
        except _NO_PIPELINE:
            return None

    def _finish(self, trip: Trip, outcome: Outcome | Exception | None) -> None:
        trip.carrier.server_state.tasks.discard(trip.done)
        if isinstance(outcome, Reading):
            try:
                body = to_json(prediction(outcome))
            except Exception as error:
                outcome = error
            else:
                self._answer(trip, 200, _JSON_LINES, body)
                if self._keep is not None:
                    self._keep(note_of_one(trip.request_id.decode(), None, outcome))
                return
        if outcome is None:
            outcome = (
                ClientDisconnect()
                if trip.disconnected
                else Stopping("the service stops and gave the request up; send it again")
            )
        contextvars.copy_context().run(self._answer_error, trip, outcome)

    def _answer_error(self, trip: Trip, error: Exception) -> None:
        request_id = trip.request_id.decode()
        request_fields.set({"request_id": request_id})
        state = {**self._state, "request_id": request_id, "metrics": self._metrics}
        request = Request({"type": "http", "path": _PATH, "headers": [], "state": state})
        response = response_for(request, error)
        lines = [each for each in response.raw_headers if each[0] != b"content-length"]
        body = bytes(response.body)
        self._answer(trip, response.status_code, encoded(lines) + SECURITY_LINES, body)

    def _answer(self, trip: Trip, status: int, lines: bytes, body: bytes) -> None:
        carrier = trip.carrier
        if not trip.disconnected:
            if not trip.keep_alive:
                lines += _CLOSE_LINE
            carrier.transport.write(
                self._stationery.answer(status, trip.headers, lines, trip.request_id, body)
            )
            trip.response_complete = True
            if not trip.keep_alive:
                carrier.transport.close()
            carrier.on_response_complete()
        trip.holding.close()
        self._metrics.in_flight -= 1
        self._note(carrier, trip.request_id, status, perf_counter() - trip.began, len(body))

    def _note(
        self, carrier: Carrier, request_id: bytes, status: int, seconds: float, size: int
    ) -> None:
        self._metrics.request(_METHOD, _PATH, status, seconds)
        client = carrier.client[0] if carrier.client else None
        log_request(_METHOD, _PATH, client, request_id, status, seconds, size)


@lru_cache(_MOST_WISHES)
def _wish(query: bytes) -> Wish | None:
    try:
        return wish_of(Request({"type": "http", "query_string": query, "headers": []}))
    except InvalidRequest:
        return None


def _picture(plain: PlainRequest) -> bytes | None:
    if plain.content_type[: len(_FORM)].lower() != _FORM:
        return plain.body
    if len(plain.body) > _MOST_FORM_BYTES:
        return None
    try:
        parts = multipart.parse_form(plain.body, plain.content_type.decode("latin-1"), max_parts=1)
    except (MalformedBody, BatchTooLarge):
        return None
    return parts[0].content if [part.name for part in parts] == ["file"] else None
