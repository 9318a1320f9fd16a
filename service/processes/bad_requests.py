"""What is answered where what came is no HTTP, and so no request that the service could see."""

import logging
import random

from starlette.types import Scope

from service.api import problems
from service.api.errors import BadRequest
from service.metrics.events import Metrics
from service.observe import write_line
from service.processes.raw import SECURITY_LINES, Stationery, encoded
from service.telemetry import ACCESS_LOGGER

# Neither has arrived whole.
_UNKNOWN = "-"

_access_level = logging.getLogger(ACCESS_LOGGER)


def bad_request(
    why: str, metrics: Metrics, server_headers: list[tuple[bytes, bytes]], client: str | None
) -> bytes:
    """The problem that says `why`, as bytes; it is counted and logged like any other.

    Args:
        why: what is wrong with what came.
        metrics: where it is counted.
        server_headers: what the server adds to every answer.
        client: who calls.
    """
    request_id = f"{random.getrandbits(128):032x}"
    body = problems.problem_of(BadRequest(why), request_id).model_dump_json().encode()
    metrics.rejected(_KIND.slug)
    if _access_level.isEnabledFor(logging.INFO):
        request: Scope = {"method": _UNKNOWN, "path": _UNKNOWN, "client": (client,)}
        request["state"] = {"log_fields": {"request_id": request_id}}
        write_line(request, _KIND.status, 0.0, len(body))
    return Stationery().answer(_KIND.status, server_headers, _LINES, request_id.encode(), body)


_KIND = problems.TABLE[BadRequest]
_LINES = (
    encoded(
        [
            (b"content-type", problems.MEDIA_TYPE.encode()),
            *((name.lower().encode(), value.encode()) for name, value in _KIND.headers.items()),
        ]
    )
    + SECURITY_LINES
)
