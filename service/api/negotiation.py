"""Media types: what a request brings, and what its sender takes."""

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Scope

from service.api.errors import NotAcceptable
from service.api.headers import header

JSON = "application/json"
NDJSON = "application/x-ndjson"
NPY = "application/x-npy"
PNG = "image/png"

BATCH_PATH = "/predict/batch"
NORMALISE_PATH = "/normalise"
FIELDS_PATH = "/fields"
FIELDS_BATCH_PATH = "/fields/batch"

_STREAMED_PATHS = frozenset({BATCH_PATH, FIELDS_BATCH_PATH})

_ANYTHING = "*/*"


def media_type(scope: Scope) -> str:
    """The body's media type, in lower case and without parameters; empty if there is none."""
    return header(scope, b"content-type").partition(";")[0].strip().lower()


def require_json_accepted(request: Request) -> None:
    """Make sure that the caller takes `application/json`.

    Raises:
        NotAcceptable: the Accept header rules it out.
    """
    # Most callers take anything, and a prediction is answered in the time of a few of these lines.
    if header(request.scope, b"accept", _ANYTHING) != _ANYTHING:
        preferred(request.headers, (JSON,))


def batch_answer_type(scope: Scope) -> str:
    """How a batch is answered, JSON or NDJSON; what came in lines goes out in lines.

    Raises:
        NotAcceptable: the Accept header rules out both.
    """
    streamed = media_type(scope) == NDJSON
    return preferred(Headers(scope=scope), (NDJSON, JSON) if streamed else (JSON, NDJSON))


def is_streamed(scope: Scope) -> bool:
    """Whether the request of `scope` is a stream of images of any length."""
    if scope["path"] not in _STREAMED_PATHS:
        return False
    try:
        return media_type(scope) == NDJSON == batch_answer_type(scope)
    except NotAcceptable:
        return False


def preferred(headers: Headers, offers: Sequence[str]) -> str:
    """The media type of `offers` that the caller likes best (RFC 9110, section 12.5.1).

    Of several with the same weight it is the one that is named most exactly, then the first.

    Raises:
        NotAcceptable: the Accept header rules out all of them.
    """
    accept = ", ".join(headers.getlist("accept")) or _ANYTHING
    if accept == _ANYTHING:
        return offers[0]
    ranges = _ranges(accept)
    weight, _, _, best = max(
        (*_opinion(offer, ranges), -place, offer) for place, offer in enumerate(offers)
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


def _opinion(offer: str, ranges: dict[str, float]) -> tuple[float, int]:
    """The weight of `offer`, and how exactly it is named; the most exact range has the say."""
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
