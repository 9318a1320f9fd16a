"""When a call is made again, and how long it waits before."""

import random
from dataclasses import dataclass

import httpx

from numeral_client.family import NumeralError, ProblemError, UnexpectedAnswer, Unreachable

# The request did not get through, or the connection broke. A timeout is none of them: the service
# may still be at work on it, and would have more to do.
_BROKEN = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.ReadError,
    httpx.WriteError,
    httpx.CloseError,
    httpx.RemoteProtocolError,
)
# Too many requests; a proxy without a service behind it.
_PASSING = frozenset({429, 502, 503})


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a call is made, and how long it waits in between.

    Every call of this package only reads, so that it may be made twice; its images then count
    twice against a key's quota. It is made again after a broken connection, and after 429, 502 and
    503 unless the service says that it is no use (`ModelUnavailable`). It waits as long as
    Retry-After says, and for a while that doubles from one attempt to the next, at random up to
    that long, so that many callers do not come back at once.

    Attributes:
        attempts: how often it is made at most; 1 for never again.
        first_wait: seconds before the second attempt.
        longest_wait: seconds that are waited at most; who is told to wait longer gets the error.
    """

    attempts: int = 5
    first_wait: float = 0.25
    longest_wait: float = 30.0

    def wait(self, attempt: int, error: NumeralError) -> float | None:
        """Seconds to wait after `error` ended attempt number `attempt` (from 1); None: give up."""
        if attempt >= self.attempts or not _may_pass(error):
            return None
        at_random = random.uniform(0.5, 1.0)  # noqa: S311 - spreads callers, guards nothing
        asked_for = getattr(error, "retry_after", None) or 0.0
        seconds: float = asked_for + at_random * self.first_wait * 2 ** (attempt - 1)
        return None if asked_for > self.longest_wait else min(seconds, self.longest_wait)


ONCE = Retry(attempts=1)


def _may_pass(error: NumeralError) -> bool:
    if isinstance(error, Unreachable):
        return isinstance(error.__cause__, _BROKEN)
    if isinstance(error, ProblemError):
        return error.problem.status in _PASSING and error.slug != "model-unavailable"
    return isinstance(error, UnexpectedAnswer) and error.status in _PASSING
