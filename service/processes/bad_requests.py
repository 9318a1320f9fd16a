"""What is answered where what came is no HTTP, and so no request that the service could see."""

from service.errors import BadRequest
from service.metrics import Metrics
from service.processes.raw import Stationery
from service.processes.raw_problems import RawProblem, log_request, new_id

# Neither has arrived whole.
_UNKNOWN = "-"


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
    problem, request_id = RawProblem(BadRequest(why)), new_id()
    body = problem.body(request_id)
    metrics.rejected(problem.slug)
    log_request(_UNKNOWN, _UNKNOWN, client, request_id, problem.status, 0.0, len(body))
    return Stationery().answer(problem.status, server_headers, problem.lines, request_id, body)
