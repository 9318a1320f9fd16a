"""Errors in the protocol's shape, for every path of the protocol, known or not."""

from collections.abc import Mapping

from fastapi import Request, Response

from service.api.negotiation import JSON
from service.api.schemas import Problem
from service.api.v2.answer_schemas import ProtocolError

PREFIX = "/v2"

_BAD_REQUEST, _UNPROCESSABLE = 400, 422


def is_protocol(request: Request) -> bool:
    """Whether the caller speaks the protocol, as the path says."""
    path: str = request.scope["path"]
    return path == PREFIX or path.startswith(PREFIX + "/")


def protocol_status(status: int) -> int:
    """The status for an error that has `status` elsewhere: here, bad input is always 400."""
    return _BAD_REQUEST if status == _UNPROCESSABLE else status


def protocol_error(problem: Problem, headers: Mapping[str, str]) -> Response:
    """The response that says what `problem` says."""
    error = ProtocolError(error=f"{problem.title}: {problem.detail}")
    return Response(error.model_dump_json(), protocol_status(problem.status), headers, JSON)
