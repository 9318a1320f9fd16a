"""Which calls are repeated, and after how long."""

import random
from dataclasses import dataclass

import httpx

from numeral_client.errors import NumeralError, ProblemError, UnexpectedAnswer, Unreachable

# Not the other timeouts: the service may still be working on the request, and a second one would
# add to its load.
_BROKEN_CONNECTION = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.ReadError,
    httpx.WriteError,
    httpx.CloseError,
    httpx.RemoteProtocolError,
)
_TEMPORARY = frozenset({429, 502, 503})


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a call is attempted, and how long it waits in between.

    A call is repeated after a broken connection and after 429, 502 and 503, except
    `ModelUnavailable`. It waits as long as `Retry-After` says, plus a random delay that doubles
    with every attempt, so that many clients do not return at the same moment. Repeating is safe,
    but images count against a key's quota each time.

    Attributes:
        attempts: maximum number of attempts; 1 never repeats.
        first_wait: seconds before the second attempt.
        longest_wait: maximum seconds to wait; a longer `Retry-After` raises the error at once.
    """

    attempts: int = 5
    first_wait: float = 0.25
    longest_wait: float = 30.0

    def wait(self, attempt: int, error: NumeralError) -> float | None:
        """Return the seconds to wait after attempt `attempt` (from 1) failed; None: give up."""
        if attempt >= self.attempts or not _is_temporary(error):
            return None
        requested = getattr(error, "retry_after", None) or 0.0
        if requested > self.longest_wait:
            return None
        jitter = random.uniform(0.5, 1.0)  # noqa: S311 - spreads clients, protects nothing
        delay: float = requested + jitter * self.first_wait * 2 ** (attempt - 1)
        return min(delay, self.longest_wait)


ONCE = Retry(attempts=1)


def _is_temporary(error: NumeralError) -> bool:
    if isinstance(error, Unreachable):
        return isinstance(error.__cause__, _BROKEN_CONNECTION)
    if isinstance(error, ProblemError):
        return error.problem.status in _TEMPORARY and error.slug != "model-unavailable"
    return isinstance(error, UnexpectedAnswer) and error.status in _TEMPORARY
