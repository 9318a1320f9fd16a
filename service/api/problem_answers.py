"""Errors on their way out: the handler of all of them, and the pages that explain their types."""

import logging

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from service.api import problem_kinds, problems, schemas
from service.api.errors import InvalidRequest
from service.api.openapi import problem_responses
from service.api.state import metrics_of, request_id_of
from service.api.v2.errors import is_protocol, protocol_error

REQUEST_ID_HEADER = "X-Request-ID"

_log = logging.getLogger(__name__)
router = APIRouter(tags=["problems"])


def install(app: FastAPI) -> None:
    """Let `app` answer every error with a problem."""
    for error in (*problem_kinds.TABLE, HTTPException, RequestValidationError):
        app.add_exception_handler(error, answer)


async def answer(request: Request, error: Exception) -> Response:
    """The response for `error`; a handler, as the framework calls it."""
    return response_for(request, error)


def response_for(request: Request, error: Exception) -> Response:
    """The response for `error`, which is counted."""
    if isinstance(error, RequestValidationError):
        error = InvalidRequest.from_pydantic(error.errors())
    request_id = request_id_of(request)
    problem = problems.problem_of(error, request_id)
    metrics_of(request).rejected(problems.kind_of(error).slug)
    headers = problems.headers_of(error)
    if problem.status == problem_kinds.INTERNAL_ERROR.status:
        _log.error("request failed", exc_info=error)
    if is_protocol(request):
        return protocol_error(problem, headers)
    return Response(problem.model_dump_json(), problem.status, headers, problems.MEDIA_TYPE)


@router.get(problem_kinds.TYPES_PATH, operation_id="list_problems", responses=problem_responses())
async def list_problems() -> schemas.ProblemKinds:
    """Every type of problem that the service answers with, and what it means."""
    return schemas.ProblemKinds(problems=tuple(map(_explained, problem_kinds.KINDS)))


@router.get(
    problem_kinds.TYPES_PATH + "/{slug}",
    operation_id="explain_problem",
    responses=problem_responses(InvalidRequest, problem_kinds.NOT_FOUND),
)
async def explain_problem(slug: str) -> schemas.ProblemKind:
    """What problems of one type mean; a problem's `type` leads here."""
    for kind in problem_kinds.KINDS:
        if kind.slug == slug:
            return _explained(kind)
    raise HTTPException(problem_kinds.NOT_FOUND.status)


def _explained(kind: problem_kinds.Kind) -> schemas.ProblemKind:
    return schemas.ProblemKind(
        type=kind.type, title=kind.title, status=kind.status, explanation=kind.explanation
    )
