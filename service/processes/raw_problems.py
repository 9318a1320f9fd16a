"""Problems, and the lines of the log about them, past the framework."""

import logging
import random

from starlette.types import Scope

from service.api import problems
from service.logs import ACCESS_LOGGER
from service.middleware import log_request as write_line
from service.processes.raw import SECURITY_LINES, encoded

_ID_PLACE = "{request_id}"

_access_level = logging.getLogger(ACCESS_LOGGER)


class RawProblem:
    """An error as a problem, the same for all whom it concerns but for the id.

    Attributes:
        status: of the answer.
        slug: its name in the metrics.
        lines: its own headers, as `encoded`.
    """

    def __init__(self, error: Exception) -> None:
        kind = problems.known(error)
        self.status, self.slug = kind.status, kind.slug
        headers = {"Content-Type": problems.MEDIA_TYPE, **kind.headers}
        pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        self.lines = encoded(pairs) + SECURITY_LINES
        # No id needs escaping: a caller's own is of letters, digits and a few signs.
        text = problems.problem_of(error, _ID_PLACE).model_dump_json().encode()
        self._before_id, _, self._after_id = text.rpartition(_ID_PLACE.encode())

    def body(self, request_id: bytes) -> bytes:
        """What is answered to the request with this id."""
        return self._before_id + request_id + self._after_id


def new_id() -> bytes:
    """An id for a request that came without one."""
    return b"%032x" % random.getrandbits(128)


def log_request(
    method: str,
    path: str,
    client: str | None,
    request_id: bytes,
    status: int,
    seconds: float,
    size: int,
) -> None:
    """Write the line of a request that was answered past the framework."""
    if _access_level.isEnabledFor(logging.INFO):
        scope: Scope = {"method": method, "path": path, "client": (client,)}
        scope["state"] = {"log_fields": {"request_id": request_id.decode()}}
        write_line(scope, status, seconds, size)
