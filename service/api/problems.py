"""Errors as RFC 9457 problems: the exception handler, the pages that explain them, their schemas.

Under `/v2` the Open Inference Protocol has its own shape, `{"error": "..."}`.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from service import errors
from service.errors import NumeralError
from service.validation import Fault

Json = dict[str, Any]

MEDIA_TYPE = "application/problem+json"
# Problem types are paths of the service itself, so their explanations work offline as well.
TYPES_PATH = "/problems"
V2_PREFIX = "/v2"

_FRAMEWORK_ERRORS: Mapping[int, type[NumeralError]] = {
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
}

# Errors of every request that reads pictures, whichever protocol it speaks.
READING_ERRORS = (
    errors.MalformedBody,
    errors.UnknownModel,
    errors.BodyTooSlow,
    errors.BodyTooLarge,
    errors.UnsupportedMediaType,
    errors.InvalidRequest,
    errors.UnsupportedMaxError,
    errors.UnusableCalibration,
    errors.NotReady,
    errors.ModelUnavailable,
    errors.QueueFull,
    errors.TooManyBodies,
    errors.Stopping,
    errors.DeadlineExceeded,
)
SINGLE_ERRORS = (
    *READING_ERRORS,
    errors.InvalidItem,
    errors.NotAcceptable,
    errors.PictureTooLarge,
    errors.UnreadableImage,
    errors.UnsupportedFormat,
)
BATCH_ERRORS = (
    *READING_ERRORS,
    errors.NotAcceptable,
    errors.BatchTooLarge,
    errors.TooManyStreams,
    errors.PictureTooLarge,
)

# Refusals that clients may repeat at once, again and again.
_PACED = (
    errors.KeyRequired,
    errors.QuotaExceeded,
    errors.TooManyBodies,
    errors.TooManyStreams,
    errors.QueueFull,
)

_HEADERS: Mapping[str, Json] = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}},
    "WWW-Authenticate": {"description": "How to send a key.", "schema": {"type": "string"}},
}

_log = logging.getLogger(__name__)
router = APIRouter(tags=["problems"])


class Problem(BaseModel):
    """An error as described by RFC 9457 (`application/problem+json`)."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(
        description="The kind of problem: a stable URI reference, explained by this service.",
        examples=["/problems/unreadable-image"],
    )
    title: str = Field(description="The same for every problem of this type.")
    status: int = Field(ge=400, le=599)
    detail: str = Field(description="What went wrong this time, and what to do.")
    request_id: str | None = Field(
        None, exclude_if=lambda value: value is None, description="As in the X-Request-ID header."
    )
    errors: tuple[Fault, ...] | None = Field(
        None,
        exclude_if=lambda value: value is None,
        description="Each fault, where a request can have several.",
    )


class ProtocolError(BaseModel):
    """An error of the Open Inference Protocol."""

    error: str = Field(description="What went wrong, and what to do.")


class ProblemKind(BaseModel):
    """What all problems of one type have in common."""

    type: str
    title: str
    status: int
    explanation: str


class ProblemKinds(BaseModel):
    """Every problem type of the service."""

    problems: tuple[ProblemKind, ...]


def known(error: Exception) -> NumeralError:
    """Return the public error for any exception; `InternalError` for an unexpected one."""
    if isinstance(error, NumeralError):
        return error
    if isinstance(error, RequestValidationError):
        return errors.InvalidRequest.from_pydantic(error.errors())
    if isinstance(error, ClientDisconnect):
        return errors.ClientDisconnected()
    if isinstance(error, HTTPException) and error.status_code in _FRAMEWORK_ERRORS:
        public = _FRAMEWORK_ERRORS[error.status_code]()
        public.headers = error.headers or {}
        return public
    return errors.InternalError()


def problem_of(error: Exception, request_id: str | None) -> Problem:
    """Describe `error` to the caller; an internal error gives no details."""
    public = known(error)
    internal = isinstance(public, errors.InternalError)
    return Problem(
        type=f"{TYPES_PATH}/{public.slug}",
        title=public.title,
        status=public.status,
        detail=public.explanation if internal else str(public),
        request_id=request_id,
        errors=public.faults if isinstance(public, errors.InvalidRequest) else None,
    )


async def problem_response(request: Request, error: Exception) -> Response:
    """Answer `error`, count it, and log it if it is unexpected; the handler of all exceptions."""
    state = request.scope["state"]
    public = known(error)
    state["metrics"].rejected.labels(public.slug).inc()
    if isinstance(public, errors.InternalError):
        _log.error("request failed", exc_info=error)
    if isinstance(public, _PACED):
        await state["refusals"].wait()
    return write_problem(request.scope["path"], public, state["request_id"])


def write_problem(path: str, error: Exception, request_id: str | None) -> Response:
    """Return the response for `error`, in the shape that `path` requires."""
    public = known(error)
    problem = problem_of(public, request_id)
    headers = dict(public.headers)
    if headers.get("Allow") == "GET":
        # The framework does not know that HEAD is answered like GET.
        headers["Allow"] = "GET, HEAD"
    if not is_v2(path):
        return Response(problem.model_dump_json(), public.status, headers, MEDIA_TYPE)
    body = ProtocolError(error=f"{problem.title}: {problem.detail}").model_dump_json()
    return Response(body, v2_status(public.status), headers, "application/json")


def install(app: FastAPI) -> None:
    """Answer the exceptions of every route of `app` with problems."""
    for error in (NumeralError, HTTPException, RequestValidationError, ClientDisconnect):
        app.add_exception_handler(error, problem_response)
    app.include_router(router)


def problem_responses(*kinds: type[NumeralError]) -> dict[int | str, Json]:
    """Document `kinds` and internal errors as OpenAPI responses by status."""
    return _responses(kinds, MEDIA_TYPE, Problem, lambda status: status)


def v2_error_responses(*kinds: type[NumeralError]) -> dict[int | str, Json]:
    """Document `kinds` and internal errors in the protocol's shape."""
    return _responses(kinds, "application/json", ProtocolError, v2_status)


def _responses(
    kinds: Sequence[type[NumeralError]],
    media_type: str,
    model: type[BaseModel],
    status_of: Callable[[int], int],
) -> dict[int | str, Json]:
    content = {media_type: {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}}
    responses: dict[int, Json] = {}
    documented: list[type[NumeralError]] = [*kinds, errors.InternalError]
    for kind in sorted(documented, key=lambda kind: kind.status):
        headers = {name: _HEADERS[name] for name in kind.headers if name in _HEADERS}
        response = responses.setdefault(status_of(kind.status), {"content": content, "headers": {}})
        titles = [response["description"]] if "description" in response else []
        response["description"] = "; ".join([*titles, kind.title])
        response["headers"] |= headers
    return {status: responses[status] for status in sorted(responses)}


def is_v2(path: str) -> bool:
    """Whether `path` belongs to the Open Inference Protocol."""
    return path == V2_PREFIX or path.startswith(V2_PREFIX + "/")


def v2_status(status: int) -> int:
    """The protocol's status for an error that has `status` elsewhere: bad input is always 400."""
    return 400 if status == 422 else status


@router.get(
    TYPES_PATH,
    operation_id="list_problems",
    summary="List the problem types",
    responses=problem_responses(),
)
async def list_problems() -> ProblemKinds:
    """Every problem type of the service, and what it means."""
    return ProblemKinds(problems=tuple(map(_explained, errors.PROBLEMS)))


@router.get(
    TYPES_PATH + "/{slug}",
    operation_id="explain_problem",
    summary="Explain a problem type",
    responses=problem_responses(errors.InvalidRequest, errors.NotFound),
)
async def explain_problem(slug: str) -> ProblemKind:
    """What problems of one type mean; a problem's `type` is the path of its explanation."""
    for kind in errors.PROBLEMS:
        if kind.slug == slug:
            return _explained(kind)
    raise errors.NotFound


def _explained(kind: type[NumeralError]) -> ProblemKind:
    return ProblemKind(
        type=f"{TYPES_PATH}/{kind.slug}",
        title=kind.title,
        status=kind.status,
        explanation=kind.explanation,
    )
