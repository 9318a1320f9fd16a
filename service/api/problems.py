"""Every error of the service as an RFC 9457 problem; no other place knows a status."""

from http import HTTPStatus

from starlette.exceptions import HTTPException

from service.api import errors
from service.api.problem_kinds import INTERNAL_ERROR, METHOD_NOT_ALLOWED, NOT_FOUND, TABLE, Kind
from service.api.schemas import Problem
from service.auth.quotas import QuotaExceeded

MEDIA_TYPE = "application/problem+json"


def kind_of(error: Exception) -> Kind:
    """The line of the table for `error`."""
    if isinstance(error, HTTPException):
        return _kind_of_status(HTTPStatus(error.status_code))
    return next(TABLE[cls] for cls in type(error).__mro__ if cls in TABLE)


def headers_of(error: Exception) -> dict[str, str]:
    """The headers that the response for `error` carries besides those of every response."""
    headers = dict(kind_of(error).headers)
    if isinstance(error, HTTPException):
        headers |= error.headers or {}
    if isinstance(error, QuotaExceeded):
        headers["Retry-After"] = str(error.retry_after)
    if headers.get("Allow") == "GET":
        # The framework does not know that a middleware answers HEAD like GET.
        headers["Allow"] = "GET, HEAD"
    return headers


def problem_of(error: Exception, request_id: str | None) -> Problem:
    """Describe `error` for the caller; of a fault of the service it says no more than that."""
    kind = kind_of(error)
    says_nothing_more = kind is INTERNAL_ERROR or isinstance(error, HTTPException)
    return Problem(
        type=kind.type,
        title=kind.title,
        status=kind.status,
        detail=kind.explanation if says_nothing_more else str(error),
        request_id=request_id,
        errors=error.faults if isinstance(error, errors.InvalidRequest) else None,
    )


def _kind_of_status(status: HTTPStatus) -> Kind:
    # The framework itself raises these two; any other would be news.
    known = {NOT_FOUND.status: NOT_FOUND, METHOD_NOT_ALLOWED.status: METHOD_NOT_ALLOWED}
    return known.get(status, INTERNAL_ERROR)
