"""Media types: what a request sends, and what its client accepts."""

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Scope

from service.errors import NotAcceptable

JSON = "application/json"
NDJSON = "application/x-ndjson"
NPY = "application/x-npy"
PNG = "image/png"

BATCH_PATH = "/predict/batch"
FIELDS_BATCH_PATH = "/fields/batch"

_STREAMED_PATHS = frozenset({BATCH_PATH, FIELDS_BATCH_PATH})
_ANYTHING = "*/*"


def media_type(headers: Headers) -> str:
    """The body's media type, in lower case and without parameters; empty if there is none."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def require_json_accepted(request: Request) -> None:
    """Check that the client accepts `application/json`.

    Raises:
        NotAcceptable: the Accept header excludes it.
    """
    negotiate(request.headers, (JSON,))


def batch_answer_type(headers: Headers) -> str:
    """How to answer a batch, JSON or NDJSON; by default NDJSON is answered with NDJSON.

    Raises:
        NotAcceptable: the Accept header excludes both.
    """
    streamed = media_type(headers) == NDJSON
    return negotiate(headers, (NDJSON, JSON) if streamed else (JSON, NDJSON))


def is_streamed(scope: Scope) -> bool:
    """Whether a request is a stream of images of any length."""
    if scope["path"] not in _STREAMED_PATHS:
        return False
    headers = Headers(scope=scope)
    try:
        return media_type(headers) == NDJSON == batch_answer_type(headers)
    except NotAcceptable:
        return False


def negotiate(headers: Headers, offers: Sequence[str]) -> str:
    """Choose the media type of `offers` that the client prefers (RFC 9110, section 12.5.1).

    Of several with the same weight it is the one that is named most exactly, then the first.

    Raises:
        NotAcceptable: the Accept header excludes all of them.
    """
    accept = ", ".join(headers.getlist("accept")) or _ANYTHING
    if accept == _ANYTHING:  # as most clients send it
        return offers[0]
    ranges = _ranges(accept)
    weight, _, _, best = max(
        (*_preference(offer, ranges), -place, offer) for place, offer in enumerate(offers)
    )
    if not weight:
        raise NotAcceptable(
            f"the answer is {' or '.join(offers)}, the request accepts only {accept[:200]}"
        )
    return best


def _ranges(accept: str) -> dict[str, float]:
    """The weight of each media range."""
    ranges = {}
    for entry in accept.split(","):
        media_range, *parameters = (part.strip().lower() for part in entry.split(";"))
        ranges[media_range] = _weight(parameters)
    return ranges


def _preference(offer: str, ranges: dict[str, float]) -> tuple[float, int]:
    """The weight of `offer` by the most exact range, and how exact that is."""
    for exactness, media_range in enumerate((offer, offer.partition("/")[0] + "/*", _ANYTHING)):
        if media_range in ranges:
            return ranges[media_range], -exactness
    return 0.0, 0


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                weight = float(value)
            except ValueError:
                return 0.0
            return weight if 0 <= weight <= 1 else 0.0
    return 1.0
