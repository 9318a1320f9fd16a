"""Media types: what a request brings, and what its sender takes."""

from starlette.requests import Request

from service.api.errors import NotAcceptable
from service.api.headers import header

_JSON_RANGES = {"application/json": 3, "application/*": 2, "*/*": 1}


def media_type(request: Request) -> str:
    """The body's media type, in lower case and without parameters; empty if there is none."""
    return header(request.scope, b"content-type").partition(";")[0].strip().lower()


def require_json_accepted(request: Request) -> None:
    """Make sure that the caller takes `application/json` (RFC 9110, section 12.5.1).

    Raises:
        NotAcceptable: the Accept header rules it out.
    """
    accept = header(request.scope, b"accept", "*/*")
    if accept != "*/*" and not _accepts_json(accept):
        raise NotAcceptable(
            f"the answer is application/json, the request accepts only {accept[:200]}"
        )


def _accepts_json(accept: str) -> bool:
    # Of the ranges that match, the most specific one has the say, and weight 0 means "not this".
    best, accepted = 0, False
    for entry in accept.split(","):
        media_range, *parameters = (part.strip().lower() for part in entry.split(";"))
        specificity = _JSON_RANGES.get(media_range, 0)
        if specificity > best:
            best, accepted = specificity, _weight(parameters) > 0
    return accepted


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
