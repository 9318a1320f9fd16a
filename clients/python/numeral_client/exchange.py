"""Calls, apart from how they travel: what is asked, what comes of the reply, what is tried again.

A `Flow` says what to do next, and is told what came of it. Whoever drives it, a thread or an event
loop, only sends and waits.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import count
from typing import Generic, TypeVar

import httpx
from pydantic import ValidationError

from numeral_client.family import (
    NumeralError,
    ProblemError,
    TimedOut,
    UnexpectedAnswer,
    Unreachable,
)
from numeral_client.problem import Problem
from numeral_client.retry import Retry

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ask:
    """A request to be sent."""

    method: str
    path: str
    request_id: str
    params: Mapping[str, str | int | float] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """Seconds to wait."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back; `cut` says what ended it before its end."""

    status: int
    headers: httpx.Headers
    body: bytes
    cut: httpx.TransportError | None = None

    @property
    def request_id(self) -> str:
        """As the service has it in its log."""
        return str(self.headers.get("X-Request-ID", ""))


Outcome = Reply | httpx.TransportError | None
Flow = Generator[Ask | Pause, Outcome, T]


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A request, and what becomes of the reply to it; `takes_parts`: also of one that is cut."""

    ask: Ask
    read: Callable[[Reply], T]
    takes_parts: bool = False


def flow_of(call: Call[T], retry: Retry) -> Flow[T]:
    """Make `call`, as often as `retry` has it.

    Raises:
        NumeralError: what the last attempt ended with.
    """
    for attempt in count(1):
        outcome = yield call.ask
        try:
            return _result(call, outcome)
        except NumeralError as error:
            seconds = retry.wait(attempt, error)
            if seconds is None:
                raise
        yield Pause(seconds)
    raise AssertionError("never reached")


def _result(call: Call[T], outcome: Outcome) -> T:
    if not isinstance(outcome, Reply):
        raise unreachable(outcome, call.ask.request_id) from outcome
    if outcome.cut is not None and not call.takes_parts:
        raise unreachable(outcome.cut, call.ask.request_id) from outcome.cut
    try:
        return call.read(outcome)
    except ValidationError as error:
        raise unexpected(outcome) from error


def unreachable(cause: Exception | None, request_id: str) -> Unreachable:
    """The exception for a request that `cause` left without an answer."""
    kind = TimedOut if isinstance(cause, httpx.TimeoutException) else Unreachable
    return kind(f"no answer: {str(cause) or type(cause).__name__} (request {request_id})")


def unexpected(reply: Reply) -> UnexpectedAnswer:
    """The exception for a reply that is none of Numeral's."""
    return UnexpectedAnswer(
        f"the answer, of status {reply.status}, is not Numeral's: {reply.body[:200]!r}",
        reply.status,
        retry_after(reply.headers),
    )


def body_of(reply: Reply) -> bytes:
    """The body of `reply`, if it is an answer.

    Raises:
        ProblemError: it is a problem.
        UnexpectedAnswer: it is neither.
    """
    if reply.status in (httpx.codes.OK, httpx.codes.CREATED):
        return reply.body
    if not reply.headers.get("Content-Type", "").startswith("application/problem+json"):
        raise unexpected(reply)
    problem = Problem.model_validate_json(reply.body)
    raise ProblemError.of(problem, retry_after(reply.headers))


def retry_after(headers: httpx.Headers) -> float | None:
    """The seconds that `headers` ask to wait; the header has a number of them, or a date."""
    value = headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (date.astimezone(UTC) - datetime.now(UTC)).total_seconds())
