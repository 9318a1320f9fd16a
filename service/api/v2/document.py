"""What OpenAPI says of the protocol's bodies and errors, which are read and written by hand."""

from typing import Any

from service.api import examples
from service.api.bodies import OCTET_STREAM
from service.api.negotiation import JSON
from service.api.openapi import component
from service.api.problems import ProtocolError, problem_responses, v2_status
from service.api.v2.body import HEADER_LENGTH
from service.api.v2.request_schemas import InferRequest, RepositoryIndexRequest
from service.errors import NumeralError

Json = dict[str, Any]

_BINARY: Json = {"schema": {"type": "string", "format": "binary"}}
_LENGTH: Json = {
    "description": "How many bytes the JSON has that the binary data follows.",
    "schema": {"type": "integer", "minimum": 0},
}
INFER_OPERATION: Json = {
    "parameters": [{"name": HEADER_LENGTH, "in": "header", **_LENGTH}],
    "requestBody": {
        "required": True,
        "description": "The Content-Type is not looked at: with the header"
        f" `{HEADER_LENGTH}` the body is JSON with binary data after it, otherwise JSON.",
        "content": {
            JSON: {"schema": component(InferRequest), "examples": examples.SEVEN.tensor()},
            OCTET_STREAM: _BINARY,
        },
    },
}
INDEX_OPERATION: Json = {
    "requestBody": {
        "required": False,
        "content": {JSON: {"schema": component(RepositoryIndexRequest)}},
    }
}
BINARY_ANSWER: Json = {
    "description": "The outputs; `application/octet-stream` if one of them is binary: then an"
    f" `InferAnswer`, as long as `{HEADER_LENGTH}` says, with their data after it in turn.",
    "headers": {HEADER_LENGTH: _LENGTH},
    "content": {OCTET_STREAM: _BINARY},
}


def error_responses(*errors: type[NumeralError]) -> dict[int | str, Json]:
    """The responses for `errors`, and for a fault of the service, by status."""
    responses: dict[int, Json] = {}
    for known_as, problem in problem_responses(*errors).items():
        status = v2_status(int(known_as))
        if status in responses:
            responses[status]["description"] += f"; {problem['description']}"
        else:
            responses[status] = problem | {"content": {JSON: {"schema": component(ProtocolError)}}}
    return {status: responses[status] for status in sorted(responses)}
